"""Whatever happens, however late it shows and wherever the program dies: every change is told once."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import event, given, settings
from hypothesis import strategies as st

from bot.clock import Clock
from bot.domain.states import TROUBLED_NODES
from bot.monitor.observer import Observer
from bot.settings import WatchSettings
from tests.monitor.late_account import POOL, Change, LateAccount, after
from tests.monitor.observed_sandbox import MemoryStore

END = 1800.0
"""Seconds in which things happen."""
_lags = st.sampled_from([0.0, 3.0, 20.0, 44.0, 45.0])
_moments = st.floats(-300, END).map(lambda seconds: round(seconds, 3))


@st.composite
def job_histories(draw: st.DrawFn) -> list[Change]:
    words = ["active", *draw(st.lists(st.sampled_from(["disabled", "active", "terminating"]), max_size=3))]
    states = [word for conversation, word in enumerate(words) if conversation == 0 or word != words[conversation - 1]]
    states += draw(st.sampled_from([[], ["completed"], ["completed"], ["deleting"], ["deleted"]]))
    return _changes(draw, states)


@st.composite
def node_histories(draw: st.DrawFn) -> list[Change]:
    words = draw(st.lists(st.sampled_from(["running", "unusable", "offline", "deleted"]), min_size=1, max_size=6))
    states = [word for conversation, word in enumerate(words) if conversation == 0 or word != words[conversation - 1]]
    end = states.index("deleted") + 1 if "deleted" in states else len(states)
    return _changes(draw, [*(state for state in states[:end])])


def _changes(draw: st.DrawFn, states: list[str]) -> list[Change]:
    times = sorted(draw(st.lists(_moments, min_size=len(states), max_size=len(states), unique=True)))
    lags = draw(st.lists(_lags, min_size=len(states), max_size=len(states)))
    return [Change(state, after(at), lag) for state, at, lag in zip(states, times, lags, strict=True)]


@dataclass
class Plan:
    """An account, the seconds between looks, and what becomes of each: stored, lost, or the program dies over it."""

    account: LateAccount
    gaps: list[float]
    fates: list[str]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    jobs = {f"job-{n}": draw(job_histories()) for n in range(draw(st.integers(1, 4)))}
    tasks = {}
    for name, history in jobs.items():
        last = history[-1].at if history[-1].state in ("completed", "deleted", "deleting") else after(END)
        for number in range(draw(st.integers(0, 4))):
            at = history[0].at + (last - history[0].at) * draw(st.floats(0, 1))
            tasks[name, f"task-{number}"] = Change("completed", at, draw(_lags))
    nodes = {f"node-{n}": draw(node_histories()) for n in range(draw(st.integers(0, 4)))}
    gaps = draw(st.lists(st.sampled_from([5.0, 30.0, 30.0, 31.5, 60.0, 400.0]), min_size=5, max_size=60))
    fates = draw(st.lists(st.sampled_from(["stored"] * 6 + ["lost", "died", "died later"]), min_size=60, max_size=60))
    return Plan(LateAccount(jobs, tasks, nodes, page=draw(st.sampled_from([1, 1000]))), gaps, fates)


async def lived(plan: Plan, watching: WatchSettings) -> tuple[MemoryStore, Observer]:
    """Look as the plan says; then as often as it takes for all to show, without trouble."""
    account, store = plan.account, MemoryStore()
    observer = Observer(account, store, Clock(), watching)
    await observer.load()
    quiet = [(gap, "stored") for gap in [30.0] * 6 + [400.0] * 16 + [30.0] * 4]
    behind = max(0.0, END - sum(plan.gaps))
    for gap, fate in [*zip(plan.gaps, plan.fates, strict=False), (behind, "stored"), *quiet]:
        look = await observer.poll()
        assert look.scene.blind is None
        if fate in ("stored", "died later"):
            store.record(look.batch)
            observer.stored()
        elif fate == "lost":
            observer.lost()
        if fate.startswith("died"):
            observer = Observer(account, store, Clock(), watching)
            await observer.load()
        account.moment += timedelta(seconds=gap)
    return store, observer


@settings(max_examples=settings().max_examples // 4)
@given(plans(), st.sampled_from([20, 120, 10_000]))
def test_every_change_is_told_once(plan: Plan, budget: int) -> None:
    store, observer = asyncio.run(lived(plan, WatchSettings(requests_per_minute=budget)))
    begun = next(cursor.at for cursor in asyncio.run(store.cursors("late")) if cursor.stream == "baseline")
    told = Counter((each.entity, each.parent, each.id, each.after, each.at) for each in store.told.values())
    assert store.doubled == []
    assert all(each.at > begun for each in store.told.values()), "what was before the first look is no news"
    account = plan.account

    for (job, task), change in account.tasks.items():
        gone = account.jobs[job][-1].state in ("deleted", "deleting")
        if change.at > begun and not gone:
            assert told["task", job, task, "failed", change.at] == 1

    for name, history in account.jobs.items():
        last = history[-1]
        if last.at > begun and last.state != "deleted":
            assert told["job", "", name, last.state, last.at] == 1
        made = history[0]
        if made.at > begun and last.state != "deleted":
            assert told["job", "", name, "active", made.at] == 1
        states = {(change.state, change.at) for change in history}
        for each in store.told.values():
            assert each.entity != "job" or each.id != name or each.after == "deleted" or (each.after, each.at) in states

    trouble = {name for name, history in account.nodes.items() if history[-1].state in TROUBLED_NODES}
    look = asyncio.run(observer.poll())
    assert set(look.scene.pools[POOL].troubled) == trouble
    for name in trouble:
        change = account.nodes[name][-1]
        if change.at > begun:
            assert told["node", POOL, name, change.state, change.at] == 1
    assert set(look.scene.jobs) == {
        name for name, history in account.jobs.items() if history[-1].state not in ("completed", "deleted")
    }
    event(f"{len(store.told) // 5 * 5} transitions")
