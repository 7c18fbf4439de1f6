"""The rules about what pools, nodes and tasks were asked for: what is found, in which figures, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.entity import Entity
from bot.domain.money.movers import PoolSpan
from bot.domain.money.spend import Spend
from bot.domain.recommendations.course import renewed
from bot.domain.recommendations.judge import judge
from bot.domain.recommendations.model import (
    NodesStanding,
    Output,
    PoolStanding,
    Recommendation,
    Signed,
    Spent,
    Width,
)
from storage.port.core_use import CoreUse
from tests.domain.recommendations.test_rules import AT, DAY, HOUR, case, found, job, pool, run

GB = 10**9


def spent(*, hours: CoreUse | None = None, spot: CoreUse | None = None, name: str = "cpu") -> Spent:
    """A pool over the 7 days: a dollar a dedicated core-hour, a fifth of it a spot one."""
    hours, spot = hours or CoreUse(), spot or CoreUse()
    spend = Spend("USD", hours, spot, hours, spot * 0.2, if_dedicated=spot.total)
    return Spent([PoolSpan(name, spend, "standard_d4s_v3")], {}, "USD", whole=True)


def asked(standing: dict[str, Any], **facts: Any) -> PoolStanding:
    """Ten nodes of four cores and as many slots."""
    return pool(standing={"cores": 4, "slots": 4} | standing, **({"dedicated": 10, "target_dedicated": 10} | facts))


WIDE = Width(most=40, mean=40, used=10, seen=1.0)
DAYS = {f"2026-11-{day}": 1 for day in (20, 21, 22)}
PAID = spent(hours=CoreUse(busy=100, unused=900))


@pytest.mark.parametrize(
    ("standing", "facts", "money", "kind"),
    [
        ({"width": WIDE}, {}, PAID, "too wide"),
        ({"width": WIDE}, {"autoscale": True, "target_dedicated": 0}, PAID, "too wide"),
        ({"width": WIDE}, {}, None, ""),
        ({"width": WIDE}, {}, spent(hours=CoreUse(busy=100, unused=800, waiting=100)), ""),
        ({"width": Width(most=40, mean=40, used=10, seen=0.5)}, {}, PAID, ""),
        ({"width": Width(most=40, mean=40, used=25, seen=1.0)}, {}, PAID, ""),
        ({"width": Width(most=40, mean=12, used=10, seen=1.0)}, {}, PAID, ""),
        ({"width": Width(most=40, mean=40, used=0, seen=1.0)}, {}, PAID, ""),
        ({"width": WIDE}, {"target_dedicated": 4}, PAID, ""),
        ({"width": WIDE}, {"state": "deleting"}, PAID, ""),
        ({"used_slots": DAYS}, {}, PAID, "empty slots"),
        ({"used_slots": DAYS | {"2026-11-21": 3}}, {}, PAID, "empty slots"),
        ({"used_slots": DAYS | {"2026-11-21": 4}}, {}, PAID, ""),
        ({"used_slots": {"2026-11-20": 1, "2026-11-21": 1}}, {}, PAID, ""),
        ({"used_slots": DAYS, "slots": 1}, {}, PAID, ""),
        ({"used_slots": DAYS}, {}, None, ""),
    ],
)
def test_pools_that_are_wider_than_their_work(
    standing: dict[str, Any], facts: dict[str, Any], money: Spent | None, kind: str
) -> None:
    given = found(case(pools=[asked(standing, **facts)], spent=money))
    assert [each for each in given if each in ("too wide", "empty slots")] == ([kind] if kind else [])


def test_what_fewer_nodes_and_slots_save() -> None:
    wide = found(case(pools=[asked({"width": WIDE})], spent=PAID))["too wide"]
    assert wide.words == (
        "pool cpu never had more than 10 of its 40 cores busy at once in 7 days: 4 nodes instead of 10 would have been "
        "enough, with a quarter to spare"
    )
    assert (wide.week, wide.command, wide.changes, wide.form) == (600.0, "pool resize cpu 4", True, False)
    lent = asked({"width": WIDE}, target_dedicated=0, target_spot=10)
    assert found(case(pools=[lent], spent=PAID))["too wide"].command == "pool resize cpu 0 spot:4"
    both = found(case(pools=[asked({"width": WIDE}, target_dedicated=5, target_spot=5)], spent=PAID))["too wide"]
    assert (both.command, both.form) == ("pool resize cpu", True)
    scaled = found(case(pools=[asked({"width": WIDE}, autoscale=True, target_dedicated=2)], spent=PAID))["too wide"]
    assert (scaled.command, scaled.changes) == ("pool autoscale cpu", False)
    slots = found(case(pools=[asked({"used_slots": DAYS})], spent=PAID))["empty slots"]
    assert slots.words == (
        "no node of pool cpu ever had more than 1 of its 4 task slots in use, on 3 days of the last week"
    )
    assert (slots.week, slots.harm) == (
        750.0,
        "pack tasks on few nodes, or take a VM size with 1 of its 4 cores; if a task uses several cores, give a node "
        "1 slot",
    )
    waited = spent(hours=CoreUse(busy=100, waiting=900))
    assert "though tasks waited" in found(case(pools=[asked({"used_slots": DAYS})], spent=waited))["empty slots"].words


NODES: dict[str, Any] = {"read": 10, "agents": {"1.12.2": 10}, "agent_since": AT - DAY, "tasks_a_day": 40.0, "ran": 90}
OUTPUT = Output(job="render-1", task="frame-7", size=GB, kept=7 * DAY, disk=32 * GB)


@pytest.mark.parametrize(
    ("nodes", "output", "kind", "risk"),
    [
        ({}, None, "", 0),
        ({"agent_since": AT - 89 * DAY}, None, "", 0),
        ({"agent_since": AT - 90 * DAY}, None, "old agent", 2),
        ({"agent_since": AT - 180 * DAY}, None, "old agent", 3),
        ({"agents": {"1.12.2": 8, "1.11.9": 2}}, None, "", 0),
        ({"agents": {"1.12.2": 8, "1.10.0": 2}}, None, "old agent", 2),
        ({"agents": {"2.0.0": 8, "1.12.0": 2}}, None, "old agent", 2),
        ({"agents": {"1.12.2": 8, "preview": 2}, "agent_since": None}, None, "", 0),
        ({}, OUTPUT, "full disk", 3),
        ({"tasks_a_day": 3.0}, OUTPUT, "", 0),
        ({}, Output(job="j", task="t", size=GB, kept=7 * DAY), "", 0),
        ({"full": ("tvm-1",), "tasks_a_day": 3.0}, None, "full disk", 5),
        ({"full": ("tvm-1", "tvm-2")}, OUTPUT, "full disk", 5),
    ],
)
def test_what_nodes_tell(nodes: dict[str, Any], output: Output | None, kind: str, risk: int) -> None:
    standing = {"nodes": NodesStanding(**(NODES | nodes)), "output": output}
    given = judge(case(pools=[asked(standing)])).found
    assert [(each.kind, each.risk) for each in given] == ([(kind, risk)] if kind else [])


def test_what_is_said_of_agents_and_disks() -> None:
    old = NodesStanding(**(NODES | {"agents": {"1.12.2": 8, "1.9.22": 2}}))
    told = found(case(pools=[asked({"nodes": old})]))["old agent"]
    assert told.words == (
        "2 of 10 nodes of pool cpu run version 1.9.22 of Batch's agent, while there is 1.12.2 in this account"
    )
    aged = found(case(pools=[asked({"nodes": NodesStanding(**(NODES | {"agent_since": AT - 95 * DAY}))})]))["old agent"]
    assert (aged.words, aged.since) == (
        "Batch's agent 1.12.2 on nodes of pool cpu had its last update 95 days ago",
        AT - 95 * DAY,
    )
    disk = found(case(pools=[asked({"nodes": NodesStanding(**NODES), "output": OUTPUT})]))["full disk"]
    assert disk.words == (
        "the disks of pool cpu fill: task frame-7 of job render-1, say, leaves 1.0 GB for 7 d; at 40 a day that is "
        "280 GB of 32 GB on a node"
    )
    assert disk.harm.endswith("a retention time of 6 h takes half of it at most")
    full = found(case(pools=[asked({"nodes": NodesStanding(**NODES, full=("tvm-1",))})]))["full disk"]
    assert (full.words, full.command) == ("the disk of 1 node of pool cpu is full", "pool replace-broken cpu")


@pytest.mark.parametrize(
    ("signed", "given", "risk"),
    [
        (Signed(), {}, 0),
        (Signed(until=AT - HOUR, task="t-1"), {}, 5),
        (Signed(until=AT + 6 * DAY, task="t-1"), {}, 4),
        (Signed(until=AT + 8 * DAY, task="t-1"), {}, 0),
        (Signed(until=AT + 6 * DAY, task="t-1"), {"through": AT + 5 * DAY}, 0),
        (Signed(until=AT + 9 * DAY, task="t-1"), {"through": AT + 10 * DAY}, 4),
        (Signed(until=AT - HOUR, task="t-1"), {"state": "disabled"}, 0),
        (None, {}, 0),
    ],
)
def test_signatures_of_tasks_that_wait(signed: Signed | None, given: dict[str, Any], risk: int) -> None:
    found_ = judge(case(jobs=[job(unfinished=30, signed=signed, **given)])).found
    assert [(each.kind, each.risk) for each in found_] == ([("task signature ends", risk)] if risk else [])


def test_what_is_said_of_them() -> None:
    late = job(unfinished=30, signed=Signed(until=AT + 9 * DAY, task="t-1", ending=12), through=AT + 10 * DAY)
    assert found(case(jobs=[late]))["task signature ends"].words == (
        "a signed address (SAS) of task t-1 and of 11 other tasks that wait in job render-1 ends on 2 Dec 2026, before "
        "the job is through by its pace (3 Dec 2026)"
    )
    own = found(case(jobs=[job(unfinished=30, signed=Signed(until=AT - DAY))]))["task signature ends"]
    assert own.words == "a signed address (SAS) of its own tasks in job render-1 ended on 22 Nov 2026"


@pytest.mark.parametrize(
    ("lost", "busy", "kind"),
    [
        (36_000.0, 100.0, "spot losses"),  # a tenth of the work
        (36_000.0, 101.0, ""),
        (35_000.0, 20.0, ""),  # too little
        (None, 100.0, ""),
    ],
)
def test_the_spot_ledger(lost: float | None, busy: float, kind: str) -> None:
    given = case(runs=[run(pool="CPU", requeued_core_seconds=lost)], spent=spent(spot=CoreUse(busy=busy)))
    assert list(found(given)) == ([kind] if kind else [])


def test_the_spot_ledger_in_figures() -> None:
    runs = [run(pool="cpu", requeued_core_seconds=36_000.0, lost_core_seconds=36_000.0)]
    lost = found(case(runs=runs, spent=spent(spot=CoreUse(busy=50, unused=10))))
    assert list(lost) == ["spot losses"]  # not among retries, too
    assert lost["spot losses"].words == (
        "spot nodes of pool cpu saved $48.00 and lost 10 core-hours of work ($2.00) when they were taken, 20 % of what "
        "they did, in 1 job"
    )
    assert lost["spot losses"].week == 2.0
    assert list(found(case(runs=runs, spent=spent(hours=CoreUse(busy=50))))) == ["retries"]  # no spot node: a retry


def test_what_was_not_asked_this_time_is_not_over() -> None:
    looked = case(pools=[asked({"nodes": NodesStanding(**(NODES | {"full": ("tvm-1",)}))})])
    [row] = renewed("render", [], judge(looked), looked)
    unread = case(pools=[asked({})], unread=frozenset([Entity("pool", "CPU")]), at=AT + DAY)
    assert not renewed("render", [row], judge(unread), unread)
    clean = case(pools=[asked({"nodes": NodesStanding(**NODES)})], at=AT + DAY)
    assert [each.over for each in renewed("render", [row], judge(clean), clean)] == [AT + DAY]


def of(kind: Any, week: float | None = None, risk: Any = 1, name: str = "cpu") -> Recommendation:
    """One of a pool."""
    about = Entity("pool", name)
    return Recommendation(kind=kind, about=about, words=kind, button="Open", command="x", week=week, risk=risk)
