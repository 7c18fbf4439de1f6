"""What is told of a pool."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from bot.domain.findings import Entity
from bot.domain.knowledge import row
from bot.monitor.scene import PoolView, Rest
from tests.alerting.rules.scenes import ago, found, job, node, only, pool, priced, turned, worth

QUOTA = ("AccountCoreQuotaReached", "The specified account has reached core quota")
FORMULA = ("AutoScalingFormulaEvaluationError", "no variable $Tasks")


def test_news_of_a_pool() -> None:
    news = [
        turned("pool", "gpu-a", "active"),
        turned("pool", "gpu-a", "active", "deleting"),
        turned("pool", "old", "deleting", "active"),
        turned("pool", "old", "deleted", "deleting"),
    ]
    assert [each.headline for each in found("pool.created", pool(idle=4), news=news)] == ["pool gpu-a was created"]
    assert [each.headline for each in found("pool.deleted", news=news)] == ["pool old was deleted"]
    assert only("pool.created", pool(idle=4), news=news).figures == (
        ("Size", "standard_nc4as_t4_v3"),
        ("Dedicated nodes", "4"),
    )


def test_a_resize_that_went_well_is_news() -> None:
    news = [turned("allocation", "gpu-a", "steady", "resizing")]
    told = only("pool.resized", pool(idle=4, spot_idle=2), news=news)
    assert (told.headline, told.state, told.since) == ("pool gpu-a has 6 nodes after its resize", "event", ago(1))
    assert ("Spot nodes", "2") in told.figures
    short = pool(idle=4, target_dedicated=8, resize_errors=(QUOTA,))
    assert found("pool.resized", short, news=news) == []
    assert found("pool.resized", pool(idle=4), news=[turned("allocation", "gpu-a", "steady")]) == []
    assert found("pool.resized", news=news) == []


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (pool(running=4, target_dedicated=40, resize_errors=(QUOTA,)), True),
        (pool(running=4, target_dedicated=4, resize_errors=(QUOTA,)), False),
        (pool(running=4, target_dedicated=40), False),
        (pool(running=4, target_dedicated=40, resize_errors=(QUOTA,), allocation="resizing"), False),
        (pool(running=4, target_dedicated=40, resize_errors=(QUOTA,), allocation="stopping"), False),
        (pool(running=4, target_dedicated=40, resize_errors=(QUOTA,), state="deleting"), False),
        (pool(running=4, target_dedicated=40, resize_errors=(("ResizeStopped", "by a user"),)), False),
        (pool(running=4, target_dedicated=40, resize_errors=(("ResizeStopped", "by a user"), QUOTA)), True),
        (pool(running=4, target_dedicated=2, resize_errors=(("RemoveNodesFailed", ""),)), True),
    ],
)
def test_a_resize_that_failed_unless_its_errors_are_stale(view: PoolView, told: bool) -> None:
    assert bool(found("pool.resize_failed", view)) is told


def test_the_words_of_a_failed_resize() -> None:
    view = pool(running=16, target_dedicated=40, resize_errors=(QUOTA,), allocation_since=ago(7))
    told = only("pool.resize_failed", view, job(active=1204, priority=1), job("sim", active=6))
    assert told.headline == "pool gpu-a has 16 of the 40 nodes it wants"
    assert told.cause == "the account's quota of dedicated cores is used up"
    assert told.evidence == "AccountCoreQuotaReached: The specified account has reached core quota"
    assert ("Dedicated nodes", "16 of 40") in told.figures
    assert ("Waiting", "2 jobs with 1,210 tasks") in told.figures
    assert dict(told.figures)["To do"].startswith("ask for more in the portal")
    assert told.since == ago(7)
    assert told.related == (Entity("job", "nightly:job-12"), Entity("job", "sim"))
    assert worth("pool.resize_failed", told) == "warning"


def test_a_failed_resize_has_the_button_that_ends_it() -> None:
    quota = pool(running=16, target_dedicated=40, resize_errors=(QUOTA,))
    first = only("pool.resize_failed", quota).actions[0]
    assert (first.text, first.command) == ("Resize to 16 that fit", "pool resize gpu-a 16 spot:0")
    capacity = pool(running=16, target_dedicated=40, resize_errors=(("AllocationFailed", ""),))
    first = only("pool.resize_failed", capacity).actions[0]
    assert (first.text, first.command) == ("Resize again", "pool resize gpu-a minutes:30")
    assert first.changes, "a step that does not say how many nodes opens its form"
    unfit = only("pool.resize_failed", pool(target_dedicated=40, resize_errors=(("UnsupportedVMSize", ""),)))
    assert unfit.actions[0].command == "pool clone gpu-a gpu-a-2", "once more would end the same way"
    scaling = pool(running=16, target_dedicated=40, resize_errors=(QUOTA,), autoscale=True)
    assert not any("pool resize" in each.command for each in only("pool.resize_failed", scaling).actions)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("AccountLowPriorityCoreQuotaReached", "the account's quota of spot cores is used up"),
        ("AccountVMSeriesCoreQuotaReached", "the account's quota of cores of this VM family is used up"),
        ("AllocationFailed", "Azure has no more machines of this size in the region just now"),
        ("allocationtimedout", "the machines did not come within the resize timeout"),
        ("SubnetNotLargeEnough", "the pool's subnet has no room, or the service may not use it"),
        ("SomethingQuite", "this error is not known to the bot: what the service says of it is all there is"),
    ],
)
def test_what_is_behind_a_resize_code(code: str, cause: str) -> None:
    assert only("pool.resize_failed", pool(idle=1, target_dedicated=9, resize_errors=((code, "x"),))).cause == cause


def test_a_failed_resize_is_critical_where_jobs_wait_for_the_first_node() -> None:
    empty = pool(target_dedicated=40, resize_errors=(QUOTA,))
    assert worth("pool.resize_failed", only("pool.resize_failed", empty, job(active=3))) == "critical"
    assert worth("pool.resize_failed", only("pool.resize_failed", empty)) == "warning"
    assert worth("pool.resize_failed", only("pool.resize_failed", empty, job(active=3, pool="other"))) == "warning"
    shrinking = pool(idle=5, target_dedicated=1, resize_errors=(("RemoveNodesFailed", ""),))
    assert only("pool.resize_failed", shrinking).headline == "pool gpu-a has 5 nodes, 1 is wanted"


@pytest.mark.parametrize(
    ("allocation", "minutes", "timeout", "told"),
    [
        ("resizing", 20, 900.0, False),
        ("resizing", 21, 900.0, True),
        ("resizing", 100, 7200.0, False),
        ("resizing", 126, 7200.0, True),
        ("resizing", 29, 0.0, False),
        ("resizing", 31, 0.0, True),
        ("stopping", 29, 900.0, False),
        ("stopping", 31, 900.0, True),
        ("steady", 600, 900.0, False),
    ],
)
def test_a_resize_that_does_not_end(allocation: str, minutes: float, timeout: float, told: bool) -> None:
    view = pool(allocation=allocation, allocation_since=ago(minutes), resize_timeout=timeout, target_dedicated=9)
    assert bool(found("pool.resize_stuck", view)) is told


def test_the_words_of_a_stuck_resize() -> None:
    view = pool(idle=4, allocation="resizing", allocation_since=ago(47), target_dedicated=40)
    told = only("pool.resize_stuck", view)
    assert told.headline == "pool gpu-a has been resizing for 45 min, 4 of 40 nodes"
    assert told.since == ago(47)
    view = pool(running=4, allocation="resizing", allocation_since=ago(hours=3), target_dedicated=0, autoscale=True)
    assert not any("pool stop-resize" in each.command for each in only("pool.resize_stuck", view).actions)
    assert only("pool.resize_stuck", view).cause.startswith("nodes go only when their tasks have ended")


def test_a_pool_that_is_not_deleted_though_it_should_be() -> None:
    assert found("pool.resize_stuck", pool(idle=1, state="deleting", since=ago(29), allocation_since=ago(29))) == []
    view = pool(idle=1, state="deleting", allocation="resizing", since=ago(40), allocation_since=ago(40))
    told = only("pool.resize_stuck", view)
    assert told.headline == "pool gpu-a is still being deleted after 40 min, 1 node left"
    assert told.cause == row("pool.deleting_too_long").cause
    assert not any("resize" in each.command for each in told.actions)


def test_an_autoscale_formula_that_fails() -> None:
    view = pool(running=2, autoscale=True, autoscale_error=FORMULA, autoscale_at=ago(3))
    told = only("pool.autoscale_failed", view)
    assert told.headline == "pool gpu-a: autoscale fails, it stays at 2 nodes"
    assert told.evidence == "AutoScalingFormulaEvaluationError: no variable $Tasks"
    assert (told.since, worth("pool.autoscale_failed", told)) == (ago(3), "warning")
    empty = pool(autoscale=True, autoscale_error=FORMULA)
    assert worth("pool.autoscale_failed", only("pool.autoscale_failed", empty, job(active=1))) == "critical"
    assert found("pool.autoscale_failed", pool(autoscale=True)) == []
    assert found("pool.autoscale_failed", pool(autoscale=False, autoscale_error=FORMULA)) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"autoscale_at": ago(50)}, False),
        ({"autoscale_at": ago(51)}, True),
        ({"autoscale_at": ago(21), "autoscale_interval": 300.0}, True),
        ({"autoscale_at": ago(51), "autoscale": False}, False),
        ({"autoscale_at": None}, False),
        ({"autoscale_at": ago(51), "state": "deleting"}, False),
    ],
)
def test_an_autoscale_formula_that_is_not_evaluated(more: dict[str, Any], told: bool) -> None:
    headlines = [each.headline for each in found("pool.autoscale_stale", pool(idle=1, **{"autoscale": True, **more}))]
    assert bool(headlines) is told
    assert all(headline.startswith("pool gpu-a: autoscale has not been evaluated for ") for headline in headlines)


@pytest.mark.parametrize(
    ("failed", "running", "severity"),
    [
        (1, 9, None),
        (2, 9, None),
        (3, 97, "warning"),
        (1, 4, "warning"),
        (2, 8, "warning"),
        (1, 0, "critical"),
        (5, 0, "critical"),
    ],
)
def test_a_start_task_that_fails_on_too_many_nodes(failed: int, running: int, severity: str | None) -> None:
    told = found("pool.start_task_failing", pool(start_task_failed=failed, running=running))
    assert [worth("pool.start_task_failing", each) for each in told] == ([severity] if severity else [])
    # Below that it is about nodes.
    assert found("node.start_task_failed", pool(start_task_failed=failed, running=running)) != []


def test_the_words_of_a_failing_start_task() -> None:
    nodes = [node(f"tvm-{n}", "starttaskfailed", ago(30 + n), start_exit=127) for n in range(3)]
    told = only("pool.start_task_failing", pool("gpu-a", *nodes, start_task_failed=3, running=2), job(active=7))
    assert told.headline == "pool gpu-a: the start task fails on 3 of 5 nodes"
    assert told.cause == "the command was not found: a typo, a missing package, or a PATH that lacks it"
    assert ("tvm-2", "exit code 127 · 30 min") in told.figures
    assert ("Waiting", "1 job with 7 tasks") in told.figures
    assert told.actions[0].command == "nodelog gpu-a tvm-2"
    assert told.count == 3


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (pool(target_dedicated=4), True),
        (pool(unusable=4), True),
        (pool(unusable=3, start_task_failed=1), True),
        (pool(spot_preempted=4), True),
        (pool(unusable=3, idle=1), False),
        (pool(unusable=3, running=1), False),
        (pool(unusable=3, starting=1), False),
        (pool(waiting_for_start_task=4), False),
        (pool(unusable=4, allocation="resizing"), False),
        (pool(target_dedicated=0), False),
        (pool(dedicated=4, target_dedicated=4), False),  # its nodes are not counted yet
        (pool(unusable=4, state="deleting"), False),
    ],
)
def test_a_pool_without_a_working_node_that_jobs_wait_for(view: PoolView, told: bool) -> None:
    assert bool(found("pool.down", view, job(active=3))) is told
    assert found("pool.down", view) == []
    assert found("pool.down", view, job(active=0)) == []
    assert found("pool.down", view, job(active=3, state="disabled")) == []


def test_the_words_of_a_pool_that_is_down() -> None:
    error = (("DiskFull", "There is not enough disk space"),)
    view = pool(
        "gpu-a", node("tvm-1", errors=error, since=ago(20)), node("tvm-2", since=ago(33)), unusable=2, offline=1
    )
    told = only("pool.down", view, job(active=3), job("sim", active=2))
    assert told.headline == "pool gpu-a has no working node, 2 jobs wait"
    assert told.cause == "unusable ×2 · offline ×1"
    assert told.evidence == "DiskFull: There is not enough disk space"
    assert told.since == ago(20)
    assert worth("pool.down", told) == "critical"
    assert only("pool.down", pool(target_dedicated=2), job(active=1)).cause == "it has no nodes at all"
    assert only("pool.down", pool(spot_preempted=2), job(active=1)).cause == "all its nodes are in the state preempted"


PRICES = priced(0.2833)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"idle": 12, "idle_since": ago(29)}, False),
        ({"idle": 12, "idle_since": ago(30)}, True),
        ({"idle": 12, "idle_since": None}, False),
        ({"idle": 11, "running": 1, "idle_since": ago(30)}, False),
        ({"idle": 0, "idle_since": ago(30)}, False),
        ({"idle": 12, "idle_since": ago(30), "target_dedicated": 0}, False),
        ({"idle": 12, "idle_since": ago(30), "allocation": "resizing"}, False),
        ({"idle": 12, "idle_since": ago(30), "autoscale": True, "autoscale_interval": 1800.0}, False),
        ({"idle": 12, "idle_since": ago(60), "autoscale": True, "autoscale_interval": 1800.0}, True),
        ({"idle": 12, "idle_since": ago(30), "autoscale": True, "autoscale_interval": 300.0}, True),
    ],
)
def test_idle_nodes(more: dict[str, Any], told: bool) -> None:
    assert bool(found("pool.idle", pool(idle_least=12, **more))) is told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"rested": Rest(ago(50), ago(9), 4)}, True),
        ({"rested": Rest(ago(50), ago(10), 4)}, False),
        ({"rested": Rest(ago(50), ago(9), 4), "target_dedicated": 0}, False),
        ({"rested": Rest(ago(50), ago(9), 4), "allocation": "resizing"}, False),
        ({"rested": Rest(ago(50), ago(9), 4), "allocation_since": ago(5)}, False),
        ({"rested": Rest(ago(50), ago(9), 4), "allocation_since": ago(55)}, True),
    ],
)
def test_a_pool_that_goes_to_work_idles_until_it_has_worked_for_ten_minutes(more: dict[str, Any], told: bool) -> None:
    """Unless somebody resized it, which ends its idling at once."""
    [*of_it] = found("pool.idle", pool(**{"running": 1, "idle": 3, **more}))
    assert bool(of_it) is told
    for each in of_it:
        assert each.headline == "pool gpu-a: 4 nodes idle for 40 min"
        assert ("Now", "at work again") in each.figures
        assert "Resize to 0" not in [action.text for action in each.actions]


def test_the_words_of_idle_nodes() -> None:
    view = pool("sim-old", idle=12, idle_since=ago(hours=2.4), idle_least=12)
    assert only("pool.idle", view).headline == "pool sim-old: 12 nodes idle for 2 h"
    costly = only("pool.idle", view, prices=PRICES)
    assert costly.headline == "pool sim-old: 12 nodes idle for 2 h, $3.40/h, about $6.80 so far"
    assert worth("pool.idle", costly) == "warning"
    fewer = pool("sim-old", idle=12, idle_since=ago(35), idle_least=4)
    assert only("pool.idle", fewer, prices=PRICES).headline == "pool sim-old: 4 nodes idle for 35 min, $1.13/h"
    kept = pool("sim-old", idle=2, idle_since=ago(hours=72), idle_least=2, autoscale=True)
    told = only("pool.idle", kept, prices=priced(602, "CHF"))
    assert told.headline == "pool sim-old: 2 nodes idle for 3 d, CHF 1,204/h, about CHF 86,688 so far"
    assert worth("pool.idle", told) == "info"


def test_what_is_told_stays_the_same_between_two_looks() -> None:
    """An incident's message is edited when its words change: a minute more is no change."""
    first, again = (
        only("pool.idle", pool("sim-old", idle=12, idle_since=moment, idle_least=12), prices=PRICES)
        for moment in (ago(hours=2.4), ago(hours=2.5))
    )
    assert (first.headline, first.figures, first.cause) == (again.headline, again.figures, again.cause)


def test_a_formula_that_moved_the_targets() -> None:
    run = turned("autoscale", "gpu-a", "ok", "ok")
    moved = '{"resized":true,"targetDedicated":8,"targetSpot":4,"wasDedicated":3,"wasSpot":1,"results":"$n=8"}'
    told = only("pool.autoscale_resized", pool(running=4), news=[structs.replace(run, details=moved)])
    assert told.headline == "pool gpu-a: autoscale wants 12 nodes, it wanted 4"
    assert (told.state, told.evidence, told.count) == ("event", "$n=8", 12)
    assert found("pool.autoscale_resized", news=[run]) == [], "it works again, and wants what it wanted"
