"""Every rule by a table: what is found, and what is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.azure.models.base import ResourceFile
from bot.domain.money.advice import PoolNow
from bot.domain.money.movers import PoolSpan
from bot.domain.money.spend import Spend
from bot.domain.pools import PoolFacts
from bot.domain.price import HourlyCost
from bot.domain.recommendations.judge import RULES, judge
from bot.domain.recommendations.model import (
    Case,
    JobStanding,
    PoolStanding,
    Recommendation,
    ScheduleStanding,
    Spent,
)
from bot.domain.recommendations.signatures import end_of
from storage.port.core_use import CoreUse
from storage.port.runs import JobRun
from storage.port.spread import spread_of

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def case(**given: Any) -> Case:
    """An account of which nothing else is known than that lists were read and empty."""
    return Case(**({"account": "render", "at": AT, "pools": (), "jobs": (), "schedules": (), "runs": ()} | given))


def pool(name: str = "cpu", *, standing: dict[str, Any] | None = None, **facts: Any) -> PoolStanding:
    """A steady, active pool."""
    known = {"state": "active", "allocation": "steady", "vm_size": "standard_d4s_v3"} | facts
    return PoolStanding(facts=PoolFacts(name, **known), **(standing or {}))


def job(name: str = "render-1", **given: Any) -> JobStanding:
    """An active job whose tasks are complete since two days."""
    known = {"state": "active", "pool": "cpu", "tasks": 40, "unfinished": 0, "quiet_since": AT - 2 * DAY}
    return JobStanding(id=name, **(known | given))


def run(**given: Any) -> JobRun:
    """A run that ended a day ago, of a hundred core-hours and as many dollars."""
    known: dict[str, Any] = {
        "account": "render", "job": "nightly:job-1", "schedule": "nightly", "pool": "cpu", "started": AT - 2 * DAY,
        "ended": AT - DAY, "core_seconds": 360_000.0, "cost": 100.0, "currency": "USD",
    }  # fmt: skip
    return JobRun(**(known | given))


def found(given: Case) -> dict[str, Recommendation]:
    """What is recommended, by its kind."""
    return {each.kind: each for each in judge(given).found}


IDLE = {"idle": 2, "hourly": HourlyCost(0.5, 0.0, "USD", AT)}
TWO = {"dedicated": 2, "target_dedicated": 2}
LAPSED = "allocation timed out"
FORMULA = {"autoscale": True, "autoscale_interval": 300.0}


@pytest.mark.parametrize(
    ("pools", "more", "kind"),
    [
        ([pool(standing=IDLE, **TWO)], {}, "idle now"),
        ([pool(standing=IDLE, **TWO)], {"jobs": [job(unfinished=3)]}, ""),
        ([pool(standing=IDLE, **TWO)], {"schedules": [ScheduleStanding(id="n", state="active", pool="CPU")]}, ""),
        ([pool(standing=IDLE | {"idle": 1}, **TWO)], {}, ""),
        ([pool(standing=IDLE | {"idle_since": AT - HOUR}, **TWO)], {}, ""),
        ([pool(standing=IDLE | {"idle_since": AT - 3 * HOUR}, **TWO)], {}, "idle now"),
        ([pool(standing=IDLE, autoscale=True, **TWO)], {}, ""),
        ([pool(standing=IDLE, **TWO)], {"jobs": None}, ""),
        ([pool(autoscale_at=AT - timedelta(minutes=26), **FORMULA)], {}, "dead formula"),
        ([pool(autoscale_at=AT - timedelta(minutes=25), **FORMULA)], {}, ""),
        ([pool(autoscale_at=None, **FORMULA)], {}, ""),
        ([pool(autoscale_at=AT - DAY, **(FORMULA | {"state": "deleting"}))], {}, ""),
        ([pool(resize_errors=(("AllocationTimedOut", LAPSED),), **TWO)], {}, "stale error"),
        ([pool(resize_errors=(("AllocationTimedOut", LAPSED),), dedicated=1, target_dedicated=2)], {}, ""),
        ([pool(resize_errors=(("ResizeStopped", "by a person"),), **TWO)], {}, ""),
        ([pool(resize_errors=(("AllocationTimedOut", LAPSED),), state="deleting", **TWO)], {}, ""),
        ([pool(resize_errors=(("AllocationTimedOut", LAPSED),), allocation="resizing", **TWO)], {}, ""),
        ([pool(allocation_since=AT - 30 * DAY)], {}, "forgotten pools"),
        ([pool(allocation_since=AT - 29 * DAY)], {}, ""),
        ([pool(allocation_since=None)], {}, ""),
        ([pool(allocation_since=AT - 30 * DAY)], {"jobs": [job(pool="CPU", unfinished=1)]}, ""),
        ([pool(allocation_since=AT - 30 * DAY, autoscale=True)], {}, ""),
        ([pool(allocation_since=AT - 30 * DAY)], {"schedules": None}, ""),
        ([pool(standing={"image_ends": AT + 90 * DAY})], {"images": True}, "image ends"),
        ([pool(standing={"image_ends": AT + 91 * DAY})], {"images": True}, ""),
        ([pool(standing={"image_ends": AT + 90 * DAY})], {"images": False}, ""),
        ([pool(standing={"size_ends": AT - DAY})], {"sizes": True}, "size ends"),
        ([pool(standing={"signed_until": AT + 7 * DAY})], {}, "signature ends"),
        ([pool(standing={"signed_until": AT + 8 * DAY})], {}, ""),
    ],
)  # fmt: skip
def test_pools(pools: list[PoolStanding], more: dict[str, Any], kind: str) -> None:
    assert list(found(case(pools=pools, **more))) == ([kind] if kind else [])
    first = [pool("well"), pool("going", state="deleting"), pool("busy", standing=IDLE, autoscale=True, **TWO)]
    assert list(found(case(pools=[*first, *pools], **more))) == ([kind] if kind else []), (
        "one after others is found too"
    )


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (job(), "zombie jobs"),
        (job(tasks=0), "zombie jobs"),
        (job("nightly:job-3", schedule="nightly"), "stuck schedule"),
        (job(quiet_since=AT - 23 * HOUR), ""),
        (job(quiet_since=None), ""),
        (job(unfinished=1), ""),
        (job(unfinished=None, tasks=None), ""),
        (job(state="disabled"), ""),
    ],
)
def test_jobs(given: JobStanding, kind: str) -> None:
    assert list(found(case(jobs=[given]))) == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"state": "disabled", "state_since": AT - 30 * DAY}, "forgotten schedules"),
        ({"state": "disabled", "state_since": AT - 29 * DAY}, ""),
        ({"state": "active", "state_since": AT - 90 * DAY}, ""),
        ({"state": "active", "signed_until": AT + 9 * DAY, "next_run": AT + 10 * DAY}, "signature ends"),
        ({"state": "active", "signed_until": AT + 9 * DAY, "next_run": AT + 9 * DAY}, "signature ends"),
        ({"state": "active", "signed_until": AT + 9 * DAY, "next_run": AT + DAY}, ""),
        ({"state": "active", "signed_until": AT + 6 * DAY, "next_run": AT + DAY}, "signature ends"),
        ({"state": "disabled", "signed_until": AT - DAY}, ""),
    ],
)
def test_schedules(given: dict[str, Any], kind: str) -> None:
    schedule = ScheduleStanding(id="nightly", **given)
    assert list(found(case(schedules=[schedule]))) == ([kind] if kind else [])
    first = [
        ScheduleStanding(id="unsigned", state="active"),
        ScheduleStanding(id="off", state="disabled", state_since=AT, signed_until=AT),
        ScheduleStanding(id="signed for long", state="active", signed_until=AT + 90 * DAY),
    ]
    assert list(found(case(schedules=[*first, schedule]))) == ([kind] if kind else []), "one after others is found too"


@pytest.mark.parametrize(
    ("runs", "kind"),
    [
        ([run(lost_core_seconds=36_000.0, retries=9)], "retries"),
        ([run(lost_core_seconds=3_600.0)], ""),
        ([run(lost_core_seconds=35_000.0)], ""),
        ([run(lost_core_seconds=36_000.0, core_seconds=800_000.0)], ""),
        ([run(lost_core_seconds=36_000.0, ended=AT - 8 * DAY)], ""),
        ([run(lost_core_seconds=36_000.0, core_seconds=None)], ""),
        ([run(runtimes=spread_of([4.0] * 100))], "short tasks"),
        (
            [run(runtimes=spread_of([4.0] * 50)), run(job="nightly:job-2", runtimes=spread_of([4.0] * 50))],
            "short tasks",
        ),
        ([run(runtimes=spread_of([4.0] * 99))], ""),
        ([run(runtimes=spread_of([12.0] * 100))], ""),
    ],
)
def test_runs(runs: list[JobRun], kind: str) -> None:
    assert list(found(case(runs=runs))) == ([kind] if kind else [])


def test_every_rule_is_found_in_these_tables_and_has_kinds_of_its_own() -> None:
    kinds = [kind for rule in RULES for kind in rule.kinds]
    assert len(kinds) == len(set(kinds)) == 24


def test_how_bad_an_end_is() -> None:
    for days, risk in ((90, 2), (31, 2), (30, 3), (8, 3), (7, 4), (1, 4), (0, 5), (-1, 5)):
        given = case(pools=[pool(standing={"image_ends": AT + days * DAY})], images=True)
        assert found(given)["image ends"].risk == risk, days


def test_words_and_figures() -> None:
    names = [pool(f"old-{n}", allocation_since=AT - 40 * DAY) for n in range(5)]
    given = found(case(pools=names, jobs=[job()], runs=[run(lost_core_seconds=36_000.0, retries=9)]))
    pools, jobs, retries = given["forgotten pools"], given["zombie jobs"], given["retries"]
    assert pools.words.endswith("old-0, old-1, old-2 and 2 more")
    assert (pools.command, pools.changes) == ("pool list nodes:0", False)
    assert (jobs.words, jobs.command) == (
        "job render-1 is still active, though all its 40 tasks completed", "job terminate render-1"
    )  # fmt: skip
    assert jobs.since == AT - 2 * DAY
    two = found(case(jobs=[job(), job("render-2", quiet_since=AT - 3 * DAY), job("nightly:job-3", schedule="nightly")]))
    assert (two["zombie jobs"].command, two["zombie jobs"].changes) == ("job list active", False)
    assert two["zombie jobs"].since == AT - 3 * DAY
    off = [ScheduleStanding(id=f"s-{n}", state="disabled", state_since=AT - n * DAY) for n in (31, 40)]
    one, both = (found(case(schedules=each))["forgotten schedules"] for each in (off[:1], off))
    assert (one.command, one.changes, one.since) == ("schedule delete s-31", True, AT - 31 * DAY)
    assert (both.command, both.changes, both.since) == ("schedule list disabled", False, None)
    assert (retries.week, retries.currency, retries.command) == (10.0, "USD", "failures schedule nightly")
    more = found(case(runs=[run(lost_core_seconds=720_000.0), run(job="nightly:job-2")]))["retries"]
    assert more.week == 100.0, "no more is lost than it cost"
    idle = found(case(pools=[pool(standing=IDLE, **TWO)]))["idle now"]
    assert (idle.week, idle.command) == (84.0, "pool resize cpu 0")


def test_money_comes_first_then_risk() -> None:
    hours = CoreUse(unused=96, busy=4)
    now = {"sim": PoolNow("sim", 12, idle=12, idle_since=AT - DAY)}
    spent = Spent([PoolSpan("sim", Spend("USD", hours, money=hours), "s")], now, "USD")
    late = pool("late", standing={"image_ends": AT - DAY}, autoscale_at=AT - DAY, **FORMULA)
    judged = judge(case(spent=spent, pools=[late], jobs=[job()], images=True))
    assert [each.kind for each in judged.found] == ["idle", "image ends", "dead formula", "zombie jobs"]


def test_the_end_of_a_signature_is_told_and_the_address_is_not() -> None:
    address = "https://acme.blob.core.windows.net/in/setup.sh?sv=2022-11-02&se=2026-11-25T00%3A00%3A00Z&sig=q7Zc"
    files = [ResourceFile(http_url=address), ResourceFile(storage_container_url="https://acme.blob.core.windows.net/b")]
    end = end_of(files)
    assert end == datetime(2026, 11, 25, tzinfo=UTC)
    [told] = judge(case(pools=[pool(standing={"signed_until": end})])).found
    assert told.words == "a signed address (SAS) of the start task of pool cpu ends on 25 Nov 2026"
    assert end_of([ResourceFile(http_url="https://example.com/setup.sh")]) is None
