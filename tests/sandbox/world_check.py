"""What is always true of a world, checked by counting everything anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from math import isclose
from typing import Any

import msgspec

from bot.sandbox.world import AccountState, LiveJob, LiveNode, LivePool, LiveTask, World
from bot.sandbox.world.bodies import etag
from bot.sandbox.world.ledger import Kinds
from bot.sandbox.world.ledger.book import has_machine
from bot.sandbox.world.ledger.gauges import CORES, NODES, STATES, WIDTH
from bot.sandbox.world.live import NODE_STATES

TASK_MOVES = {
    ("active", "preparing"),
    ("active", "completed"),
    ("preparing", "running"),
    ("preparing", "active"),
    ("preparing", "completed"),
    ("running", "active"),
    ("running", "completed"),
    ("completed", "active"),
}
_UP = {"idle", "running", "starttaskfailed", "unusable", "offline", "waitingforstarttask"}
_STOPPED = {"rebooting", "reimaging", "deallocating"}
NODE_MOVES = (
    {
        ("creating", "starting"),
        ("starting", "waitingforstarttask"),
        ("starting", "idle"),
        ("deallocating", "deallocated"),
    }
    | {("waitingforstarttask", "idle"), ("waitingforstarttask", "starttaskfailed"), ("offline", "idle")}
    | {("idle", "running"), ("running", "idle"), ("idle", "offline"), ("running", "starttaskfailed")}
    | {("idle", "starttaskfailed"), ("offline", "starttaskfailed"), ("unusable", "starttaskfailed")}
    | {(state, stop) for state in _UP | {"creating", "starting"} for stop in _STOPPED}
    | {(one, other) for one in _STOPPED for other in _STOPPED if one != other}
    | {(state, "starting") for state in ("rebooting", "reimaging", "deallocated", "preempted", "unusable")}
    | {(state, fate) for state in _UP | _STOPPED | {"starting", "deallocated"} for fate in ("unusable", "preempted")}
    | {("creating", "preempted"), ("preempted", "deallocating")}
    | {(state, "leavingpool") for state in NODE_STATES}
    | {("creating", "idle")}  # a node that is given a past
    | {("unusable", "idle")}  # a node whose contact was lost for a while
)
"""What machines do: sickness and preemption strike in nearly every state, and every node may leave."""


def strict(account: AccountState) -> None:
    """Every change of a task's or a node's state in this account is one the service knows."""
    runner, fleet = account.runner, account.fleet
    move, relabel = runner.move, fleet._relabel

    def moved(job: LiveJob, task: LiveTask, state: str, *rest: Any) -> None:
        assert (task.state, state) in TASK_MOVES, (task.state, state)
        move(job, task, state, *rest)

    def relabelled(node: LiveNode, state: str) -> None:
        assert (node.state, state) in NODE_MOVES, (node.state, state)
        relabel(node, state)

    runner.move, fleet._relabel = moved, relabelled  # type: ignore[method-assign, assignment]


class Watch:
    """Looks at a world time and again: each look proves the world sound and no older than at the last one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._seen: dict[tuple[str, ...], datetime] = {}
        self.looks = 0

    def look(self) -> None:
        self.world.settle()
        self.looks += 1
        for account in self.world.accounts.values():
            check_account(account)
            check_ledger(account)
            if account.list_lag.seconds:
                check_list_lag(account)
            for pool in account.pools.values():
                check_pool(account, pool)
                self._later(pool.body.allocation_state_transition_time, account.facts.name, "allocation", pool.id)
                for node in pool.nodes.values():
                    self._later(node.body.state_transition_time, account.facts.name, "node", pool.id, node.id)
            for job in account.jobs.values():
                check_job(account, job)
                self._later(job.body.state_transition_time, account.facts.name, "job", job.id)
                for task in job.tasks.values():
                    key = (account.facts.name, "task", job.id, task.id, str(task.creation_time))
                    self._later(task.state_transition_time, *key)
            for schedule in account.schedules.values():
                self._later(schedule.body.state_transition_time, account.facts.name, "schedule", schedule.id)

    def _later(self, when: datetime, *key: str) -> None:
        assert when <= self.world.time, key
        assert when >= self._seen.get(key, when), key
        self._seen[key] = when


def check_ledger(account: AccountState) -> None:
    """The ledger counts what there is; what jobs kept busy adds up to what pools had busy."""
    ledger = account.ledger
    counted = [0.0] * WIDTH
    for pool in account.pools.values():
        machines: Counter[bool] = Counter()
        held: Counter[bool] = Counter()
        for node in pool.nodes.values():
            kind = node.body.is_dedicated
            machines[kind] += has_machine(node.state)
            held[kind] += pool.slots - node.free
            counted[STATES[node.state]] += 1
            counted[NODES[kind]] += 1
            counted[CORES[kind]] += pool.size.vcpus * has_machine(node.state)
        assert pool.book.levels == (machines[True], machines[False], held[True], held[False]), pool.id
    assert ledger.gauges.levels == counted
    start, now = ledger.start, account.world.time
    by_pool: defaultdict[str, Kinds] = defaultdict(Kinds)
    for pool_id, _, _, busy in ledger.job_hours():
        by_pool[pool_id] += busy
    for pool_id in {book.facts.pool for book in ledger.books}:
        use = ledger.core_seconds(pool_id, start, now)
        assert min(use.dedicated.unused, use.spot.unused) >= -1e-3, pool_id
        for kind, other in ((use.dedicated, by_pool[pool_id].dedicated), (use.spot, by_pool[pool_id].spot)):
            assert isclose(kind.busy, other.busy, rel_tol=1e-6, abs_tol=0.1), pool_id


def check_account(account: AccountState) -> None:
    facts = account.facts
    cores: Counter[bool] = Counter()
    families: Counter[str] = Counter()
    for pool in account.pools.values():
        for node in pool.nodes.values():
            cores[node.body.is_dedicated] += pool.size.vcpus
            families[pool.size.family] += pool.size.vcpus if node.body.is_dedicated else 0
    assert {kind: cores[kind] for kind in (True, False)} == account.cores
    assert dict(families) == {name: used for name, used in account.family_cores.items() if used or name in families}
    assert cores[True] <= facts.dedicated_core_quota
    assert cores[False] <= facts.low_priority_core_quota
    quotas = {family.name: family.core_quota for family in facts.families}
    if facts.families_enforced:
        assert all(used <= quotas.get(name, 0) for name, used in families.items())
    active = [job for job in account.jobs.values() if job.state not in ("completed", "deleting")]
    schedules = [each for each in account.schedules.values() if each.state in ("active", "disabled")]
    assert (account.active_jobs, account.active_schedules) == (len(active), len(schedules))
    assert len(active) + len(schedules) <= facts.job_quota
    assert len(account.pools) <= facts.pool_quota


def check_list_lag(account: AccountState) -> None:
    """Of an account whose lists have lagged from its beginning: they show nothing younger, and count what they show."""
    lag = account.list_lag
    horizon = account.world.time - timedelta(seconds=lag.seconds)
    for pool in lag.seen(account.ordered_pools()):
        assert max(pool.body.state_transition_time, pool.body.allocation_state_transition_time) <= horizon
    for things in (account.ordered_jobs(), account.ordered_schedules()):
        assert all(thing.body.state_transition_time <= horizon for thing in lag.seen(things))
    for pool in account.pools.values():
        nodes = lag.seen(pool.ordered())
        assert all(node.body.state_transition_time <= horizon for node in nodes)
        told = lag.node_counts(pool)
        assert told.dedicated.total + told.low_priority.total == len(nodes)
    for job in account.jobs.values():
        tasks = lag.seen(job.ordered())
        assert [task.id for task in tasks] == [task.id for task in job.ordered() if task.creation_time <= horizon]
        assert all(task.state_transition_time <= horizon for task in tasks)
        counts = lag.task_counts(job).task_counts
        assert (counts.active, counts.completed) == tuple(
            sum(task.state == state for task in tasks) for state in ("active", "completed")
        )


def check_pool(account: AccountState, pool: LivePool) -> None:
    recount = {kind: Counter(dict.fromkeys(NODE_STATES, 0)) for kind in (True, False)}
    shelves: list[set[str]] = [set() for _ in pool.open]
    for node in pool.nodes.values():
        recount[node.body.is_dedicated][node.state] += 1
        used = sum(task.slots for task in node.running)
        assert node.free == pool.slots - used >= 0
        assert not node.left
        assert all(job.running[task] is node for task, job in node.running.items())
        if node.running:
            assert node.state == "running", node.state
        else:
            assert node.state != "running"
        if node.open and node.free:
            shelves[node.free].add(node.id)
        if node.state == "starttaskfailed":
            assert node.body.start_task_info is not None
            assert node.body.start_task_info.result == "failure"
    assert {kind: dict(recount[kind]) for kind in recount} == pool.counts
    assert [set(shelf) for shelf in pool.open] == shelves
    assert [node.id for node in pool.ordered()] == sorted(pool.nodes)
    assert pool.body.last_modified >= pool.body.creation_time
    assert pool.body.etag == etag(pool.body.last_modified)
    if pool.body.resize_errors:
        assert pool.body.allocation_state == "steady"
    counts = account.node_counts(pool.id)
    for body, nodes in ((counts.dedicated, recount[True]), (counts.low_priority, recount[False])):
        columns: dict[str, int] = {name.lower(): number for name, number in msgspec.to_builtins(body).items()}
        assert columns.pop("total") == sum(nodes.values())
        assert columns == dict(nodes)


def check_job(account: AccountState, job: LiveJob) -> None:
    states: Counter[str] = Counter()
    slots: Counter[str] = Counter()
    for task in job.tasks.values():
        state = task.state
        info = task.execution_info
        if state == "completed":
            assert info.result in ("success", "failure")
            assert (info.failure_info is None) == (info.result == "success")
            assert info.end_time is not None
            if info.start_time is None:  # ended while it waited: it never began, and so came to no exit code
                assert info.result == "failure"
                assert info.exit_code is None
            else:
                assert info.start_time <= info.end_time
            state = "succeeded" if info.result == "success" else "failed"
        else:
            assert info.result is None
            assert info.end_time is None
        assert (task.state in ("preparing", "running")) == (task in job.running), task.state
        assert (task.node_id is None) == (task.pool_id is None)
        assert task.state != "active" or task.node_id is None
        if task.previous_state_transition_time:
            assert task.previous_state_transition_time <= task.state_transition_time
        state = "running" if state == "preparing" else state
        states[state] += 1
        slots[state] += task.slots
    columns = ("active", "running", "succeeded", "failed")
    assert job.counts == [states[name] for name in columns]
    assert job.slot_counts == [slots[name] for name in columns]
    assert len(job.ordered()) == len(job.tasks) == sum(job.counts)
    assert all(job.tasks[task.id] is task for task in job.running)
    most = job.body.max_parallel_tasks
    assert most < 0 or len(job.running) <= most
    check_nothing_lost(job)
    assert job.body.etag == etag(job.body.last_modified)
    told = account.task_counts(job.id).task_counts
    assert told.completed == told.succeeded + told.failed == states["succeeded"] + states["failed"]
    if job.state == "completed":
        assert not job.running
        assert job.body.execution_info.end_time is not None


def check_nothing_lost(job: LiveJob) -> None:
    """Every waiting task is queued or knows its parents, and no task waits while a node has room for it."""
    if job.state not in ("active", "disabled", "disabling", "enabling"):
        return
    queued = {id(task) for queue in job.ready.values() for task in queue}
    for task in job.tasks.values():
        if task.state == "active":
            assert (id(task) in queued) != (task.id in job.waiting), task.id
    if job.held is not None:  # it is stuck by request
        return
    if job.state == "active" and job.pool is not None and not 0 <= job.body.max_parallel_tasks <= len(job.running):
        free = [node.free for node in job.pool.nodes.values() if node.open and node.id not in job.refused]
        wanted = [task.slots for queue in job.ready.values() for task in queue if task.state == "active"]
        assert not free or not wanted or max(free) < min(wanted)


def dump(world: World) -> bytes:
    """Everything the wire could tell, as bytes."""
    world.settle()
    told: list[Any] = []
    for account in world.accounts.values():
        for pool in account.ordered_pools():
            told += [account.pool_body(pool), account.node_counts(pool.id)]
            told += map(account.node_body, pool.ordered())
        for job in account.ordered_jobs():
            told += [account.job_body(job), account.task_counts(job.id)]
            told += [account.task_body(job, task) for task in job.ordered()]
        told += map(account.schedule_body, account.ordered_schedules())
    return msgspec.json.encode(told)
