"""From which figure on something is recommended: just below, at and just above each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.money.movers import PoolSpan
from bot.domain.money.spend import Spend
from bot.domain.recommendations.ends import day, ends, risk_of
from bot.domain.recommendations.judge import judge
from bot.domain.recommendations.model import NodesStanding, Output, Signed, Spent
from storage.port.core_use import CoreUse
from storage.port.spread import spread_of
from tests.domain.recommendations.test_rules import AT, DAY, HOUR, case, found, job, pool, run

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("left", "risk"),
    [
        (90 * DAY + SECOND, None), (90 * DAY, 2), (30 * DAY + SECOND, 2), (30 * DAY, 3), (7 * DAY + SECOND, 3),
        (7 * DAY, 4), (SECOND, 4), (0 * DAY, 5), (-SECOND, 5),
    ],
)  # fmt: skip
def test_how_near_an_end_is(left: timedelta, risk: int | None) -> None:
    assert risk_of(AT + left, AT) == risk


def test_an_end_in_words() -> None:
    assert [ends(AT + left, AT) for left in (SECOND, 0 * SECOND, -SECOND)] == [
        "ends on 23 Nov 2026", "ended on 23 Nov 2026", "ended on 23 Nov 2026",
    ]  # fmt: skip
    assert day(AT - 22 * DAY) == "1 Nov 2026"


# Work that was done twice, and short tasks


@pytest.mark.parametrize(
    ("lost", "spent", "told"),
    [
        pytest.param(36_000.0, 360_000.0, True, id="a tenth, and ten core-hours"),
        pytest.param(35_999.0, 100_000.0, False, id="less than ten core-hours"),
        pytest.param(36_000.0, 720_000.0, True, id="a twentieth"),
        pytest.param(36_000.0, 720_001.0, False, id="less than a twentieth"),
    ],
)
def test_work_that_was_done_twice(lost: float, spent: float, *, told: bool) -> None:
    assert ("retries" in found(case(runs=[run(lost_core_seconds=lost, core_seconds=spent)]))) is told


@pytest.mark.parametrize(("ago", "told"), [(7 * DAY, True), (7 * DAY + SECOND, False)])
def test_runs_of_a_week_are_looked_at(ago: timedelta, *, told: bool) -> None:
    lost = run(lost_core_seconds=36_000.0, ended=AT - ago)
    assert ("retries" in found(case(runs=[lost]))) is told
    short = run(runtimes=spread_of([4.0] * 100), ended=AT - ago)
    assert ("short tasks" in found(case(runs=[short]))) is told


@pytest.mark.parametrize(
    ("ago", "interval", "told"),
    [(1500, 300.0, False), (1501, 300.0, True), (0, -300.0, False), (1, -300.0, True), (1, 0.0, True)],
)
def test_a_formula_is_dead_after_five_intervals(ago: int, interval: float, *, told: bool) -> None:
    standing = pool(autoscale=True, autoscale_interval=interval, autoscale_at=AT - ago * SECOND)
    assert ("dead formula" in found(case(pools=[standing]))) is told


# Spot nodes that were taken


def spot(busy: float, price: float, dedicated: float | None) -> Spent:
    """A pool's busy spot core-hours at a price, and what they would have cost as dedicated ones."""
    hours = CoreUse(busy=busy)
    spend = Spend("USD", spot_hours=hours, spot_money=hours * price, if_dedicated=dedicated)
    return Spent([PoolSpan("CPU", spend, "s")], {}, "USD")


def lost(core_hours: float, **more: Any) -> Any:
    """A run of which so many core-hours were requeued."""
    return run(requeued_core_seconds=core_hours * 3600, **more)


def told_of_spot(core_hours: float, spent: Spent, **more: Any) -> str:
    one = found(case(runs=[lost(core_hours, **more)], spent=spent)).get("spot losses")
    return f"{one.words}: {one.harm}" if one else ""


HARM = "shorter tasks, or ones that save how far they came, lose less; so do a few dedicated nodes"


@pytest.mark.parametrize(
    ("core_hours", "spent", "words"),
    [
        pytest.param(19.9, spot(200, 0.1, 1000.0), "", id="less than a tenth of what they did"),
        pytest.param(
            20.0, spot(200, 0.1, 1000.0),
            "spot nodes of pool CPU saved $980 and lost 20 core-hours of work ($2.00) when they were taken, "
            f"10 % of what they did, in 1 job: {HARM}", id="a tenth",
        ),
        pytest.param(
            16.0, spot(200, 0.5, 132.0),
            "spot nodes of pool CPU saved $32.00 and lost 16 core-hours of work ($8.00) when they were taken, "
            f"8 % of what they did, in 1 job: {HARM}", id="a quarter of what they saved",
        ),
        pytest.param(16.0, spot(200, 0.5, 132.1), "", id="less than a quarter"),
        pytest.param(
            20.0, spot(200, 0.5, 109.0),
            "spot nodes of pool CPU saved $9.00 and lost 20 core-hours of work ($10.00) when they were taken, "
            f"10 % of what they did, in 1 job: they cost more than they save: {HARM}", id="more than they saved",
        ),
        pytest.param(
            20.0, spot(200, 0.5, None),
            "spot nodes of pool CPU lost 20 core-hours of work ($10.00) when they were taken, "
            f"10 % of what they did, in 1 job: {HARM}", id="what they saved is unknown",
        ),
        pytest.param(
            20.0, spot(200, 0.0, None),
            f"spot nodes of pool CPU lost 20 core-hours of work when they were taken, 10 % of what they did, in 1 job: "
            f"{HARM}", id="what they cost is unknown",
        ),
        pytest.param(9.9, spot(50, 0.1, 1000.0), "", id="less than ten core-hours"),
        pytest.param(20.0, spot(0, 0.1, 1000.0), "", id="no spot nodes by now"),
    ],
)  # fmt: skip
def test_what_spot_nodes_lost(core_hours: float, spent: Spent, words: str) -> None:
    assert told_of_spot(core_hours, spent) == words


def test_only_this_weeks_runs_in_the_pool_count_as_lost() -> None:
    spent = spot(200, 0.1, 1000.0)
    assert told_of_spot(20.0, spent, ended=AT - 7 * DAY)
    assert not told_of_spot(20.0, spent, ended=AT - 7 * DAY - SECOND)
    assert not told_of_spot(20.0, spent, pool="other")


# Signatures of tasks


@pytest.mark.parametrize(
    ("until", "through", "words", "risk"),
    [
        (AT, None, "ended on 23 Nov 2026", 5),
        (AT + SECOND, None, "ends on 23 Nov 2026", 4),
        (AT + 7 * DAY, None, "ends on 30 Nov 2026", 4),
        (AT + 7 * DAY + SECOND, None, "", 0),
        (AT + DAY, AT + DAY, "", 0),
        (AT + DAY, AT + DAY + SECOND, "ends on 24 Nov 2026, before the job is through by its pace (24 Nov 2026)", 4),
        (AT + 9 * DAY, AT + 10 * DAY, "ends on 2 Dec 2026, before the job is through by its pace (3 Dec 2026)", 4),
        (AT, AT - DAY, "ended on 23 Nov 2026, before the job is through by its pace (22 Nov 2026)", 5),
    ],
)
def test_signatures_that_end_before_the_work_does(until: Any, through: Any, words: str, risk: int) -> None:
    signed = Signed(until=until, task="frame-1", ending=1)
    told = found(case(jobs=[job(unfinished=3, signed=signed, through=through)])).get("task signature ends")
    assert bool(told) is bool(words)
    if told:
        assert (told.words, told.risk) == (f"a signed address (SAS) of task frame-1 in job render-1 {words}", risk)


@pytest.mark.parametrize(
    ("signed", "whose"),
    [
        (Signed(until=AT, task="frame-1", ending=2), "of task frame-1 and of 1 other task that wait in job render-1"),
        (Signed(until=AT, task="frame-1", ending=3), "of task frame-1 and of 2 other tasks that wait in job render-1"),
        (Signed(until=AT, task="", ending=0), "of its own tasks in job render-1"),
    ],
)
def test_whose_signature_it_is(signed: Signed, whose: str) -> None:
    told = found(case(jobs=[job(unfinished=3, signed=signed)]))["task signature ends"]
    assert told.words == f"a signed address (SAS) {whose} ended on 23 Nov 2026"
    assert not found(case(jobs=[job(unfinished=3, signed=signed, state="disabled")]))


# What nodes tell of themselves


def agents(*, days: float | None = None, **versions: int) -> NodesStanding:
    """Nodes by their agent's version (``v1_9_0``), and since how many days it had no update."""
    named = {version[1:].replace("_", "."): count for version, count in versions.items()}
    since = None if days is None else AT - days * DAY
    return NodesStanding(read=sum(named.values()), agents=named, agent_since=since)


@pytest.mark.parametrize(
    ("days", "risk"), [(89.9, 0), (90, 2), (179.9, 2), (180, 3)]
)  # fmt: skip
def test_an_agent_is_old_after_ninety_days(days: float, risk: int) -> None:
    told = found(case(pools=[pool(standing={"nodes": agents(days=days, v1_9_0=3)})])).get("old agent")
    assert (told.risk if told else 0) == risk
    if told:
        assert told.words == f"Batch's agent 1.9.0 on nodes of pool cpu had its last update {int(days)} days ago"


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("v1_10_9", "1 of 3 nodes of pool cpu runs version 1.10.9 of Batch's agent, while there is 1.12.0 "
                    "in this account"),
        ("v1_11_0", ""),
        ("v0_99_0", "1 of 3 nodes of pool cpu runs version 0.99.0 of Batch's agent, while there is 1.12.0 "
                    "in this account"),
        ("vx_y", ""),
    ],
)  # fmt: skip
def test_an_agent_is_old_two_versions_behind_the_newest_of_the_account(version: str, told: str) -> None:
    mine = pool(standing={"nodes": agents(**{"v1_11_5": 2, version: 1})})
    one = found(case(pools=[mine, pool("new", standing={"nodes": agents(v1_12_0=1)})])).get("old agent")
    assert (one.words if one else "") == told


def test_a_pool_that_is_being_deleted_says_nothing_of_the_newest_agent() -> None:
    mine = pool(standing={"nodes": agents(v1_10_0=1)})
    assert found(case(pools=[mine, pool("new", standing={"nodes": agents(v1_12_0=1)})]))
    assert not found(case(pools=[mine, pool("new", state="deleting", standing={"nodes": agents(v1_12_0=1)})]))


GB = 1_000_000_000


def disk(a_day: float = 100.0, full: tuple[str, ...] = ()) -> NodesStanding:
    return NodesStanding(read=3, agents={}, tasks_a_day=a_day, full=full)


def output(size: float, kept: timedelta = 7 * DAY, disk_: float = 1000 * GB) -> Output:
    return Output(job="render", task="frame-1", size=int(size), kept=kept, disk=int(disk_))


@pytest.mark.parametrize(
    ("size", "told"),
    [(1.14 * GB, False), (1.15 * GB, True)],
)
def test_a_disk_fills_where_four_fifths_of_it_are_left_behind(size: float, *, told: bool) -> None:
    """A hundred tasks a day, kept for seven: 700 of them on a disk of 1,000 GB."""
    one = found(case(pools=[pool(standing={"nodes": disk(), "output": output(size)})])).get("full disk")
    assert (one is not None) is told


@pytest.mark.parametrize(
    ("a_day", "instead"),
    [
        pytest.param(160.0, "a retention time of 3 d takes half of it at most", id="480 in three days"),
        pytest.param(167.0, "a retention time of 1 d takes half of it at most", id="501 in three days"),
        pytest.param(501.0, "a retention time of 12 h takes half of it at most", id="501 in a day"),
        pytest.param(1001.0, "a retention time of 6 h takes half of it at most", id="501 in half a day"),
        pytest.param(12_000.0, "a retention time of 1 h takes half of it at most", id="500 in an hour"),
        pytest.param(12_001.0, "give its tasks a shorter retention time", id="more than that"),
    ],
)
def test_for_how_long_files_may_be_kept_instead(a_day: float, instead: str) -> None:
    one = found(case(pools=[pool(standing={"nodes": disk(a_day), "output": output(GB)})]))["full disk"]
    assert one.harm == f"a full disk makes a node unusable, and it is billed all the same: {instead}"
    assert (one.risk, one.changes) == (3, False)


def test_the_order_is_by_money_and_then_by_risk() -> None:
    late = pool("late", standing={"image_ends": AT - DAY})
    soon = pool("soon", standing={"image_ends": AT + 8 * DAY})
    judged = judge(case(pools=[soon, late], jobs=[job()], images=True))
    assert [(each.kind, each.risk) for each in judged.found] == [
        ("image ends", 5), ("image ends", 3), ("zombie jobs", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(("quiet", "told"), [(24 * HOUR, True), (24 * HOUR - SECOND, False)])
def test_a_job_is_left_over_after_a_day(quiet: timedelta, *, told: bool) -> None:
    assert ("zombie jobs" in found(case(jobs=[job(quiet_since=AT - quiet)]))) is told
