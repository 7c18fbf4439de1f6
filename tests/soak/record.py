"""What truly happened: the sandbox's world, watched from within while it lives. No list and no database is asked."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from bot.sandbox.world.account import AccountState
from bot.sandbox.world.live import LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask


class Change(Struct, frozen=True, kw_only=True):
    """Something became something else at a moment: seconds since 1970 by the world's clock.

    ``thing`` is ``pool``, ``allocation`` (of a pool), ``node``, ``job``, ``task``, ``retry`` (of a task) or
    ``schedule``; ``before`` is empty where it had not been there. ``many`` counts: failed tasks of a job that ended,
    retries of a task, nodes that a pool has. ``of``: the job's tasks, the nodes that the pool wants. ``why`` is a code.
    """

    thing: str
    parent: str = ""
    id: str
    before: str
    after: str
    at: float
    many: int = 0
    of: int = 0
    why: str = ""


class WorldRecord:
    """Keeps what happens in an account from now on. :meth:`look` before reading ``changes``.

    The world says of everything that it is about to change. By then it is what the change before has made of it, so
    nothing is missed that lasts for no time at all.
    """

    def __init__(self, account: AccountState) -> None:
        self.changes: list[Change] = []
        self._account = account
        self._known: dict[Any, tuple[Any, ...]] = {}
        self._jobs_of: dict[LiveTask, LiveJob] = {}
        self._note = account.list_lag.note
        self._at_first = True
        self.look()
        self._at_first = False
        account.list_lag.note = self._before_change  # type: ignore[method-assign]

    def look(self) -> None:
        """See everything as it is."""
        account = self._account
        account.world.settle()
        for pool in list(account.pools.values()):
            self._see(pool)
            for node in pool.nodes.values():
                self._see(node)
        known = [thing for _, thing in self._known]
        gone = [thing for thing in known if isinstance(thing, LiveJob) and account.jobs.get(thing.id) is not thing]
        for job in [*gone, *account.jobs.values()]:
            self._see(job)
            for task in job.tasks.values():
                self._jobs_of[task] = job
                self._see(task)
        schedules = [thing for thing in known if isinstance(thing, LiveSchedule)]  # one that is deleted is gone at once
        for schedule in dict.fromkeys([*schedules, *account.schedules.values()]):
            self._see(schedule)

    def _before_change(self, thing: Any) -> None:
        self._see(thing)
        self._note(thing)

    def _see(self, thing: Any) -> None:
        match thing:
            case LivePool():
                self._pool(thing)
            case LiveNode():
                at = thing.body.state_transition_time
                self._became(thing, "node", thing.pool.id, thing.id, thing.state, at)
            case LiveJob():
                self._job(thing)
            case LiveTask():
                self._task(thing)
            case LiveSchedule():
                self._became(thing, "schedule", "", thing.id, thing.state, thing.body.state_transition_time)

    def _became(self, thing: Any, kind: str, parent: str, name: str, state: str, at: Any, **facts: Any) -> None:
        key = (kind, thing)
        now = (state, at)
        before = self._known.get(key)
        if before == now:
            return
        self._known[key] = now
        if not self._at_first:
            was = before[0] if before else ""
            self.changes.append(
                Change(thing=kind, parent=parent, id=name, before=was, after=state, at=at.timestamp(), **facts)
            )

    def _pool(self, pool: LivePool) -> None:
        body = pool.body
        self._became(pool, "pool", "", pool.id, body.state, body.state_transition_time)
        self._became(
            pool,
            "allocation",
            "",
            pool.id,
            body.allocation_state,
            body.allocation_state_transition_time,
            many=sum(node.state != "leavingpool" for node in pool.nodes.values()),
            of=body.target_dedicated_nodes + body.target_low_priority_nodes,
            why=body.resize_errors[0].code if body.resize_errors else "",
        )

    def _job(self, job: LiveJob) -> None:
        body = job.body
        facts: dict[str, Any] = {}
        if body.state == "completed":
            facts = {
                "many": sum(_failed(task) for task in job.tasks.values()),
                "of": len(job.tasks),
                "why": body.execution_info.terminate_reason or "",
            }
        if body.state in ("completed", "deleting"):  # it may be gone, and its tasks, before they are looked at again
            for task in job.tasks.values():
                self._jobs_of[task] = job
                self._task(task)
        self._became(job, "job", "", job.id, body.state, body.state_transition_time, **facts)

    def _task(self, task: LiveTask) -> None:
        if task not in self._jobs_of:
            self._jobs_of |= {each: job for job in self._account.jobs.values() for each in job.tasks.values()}
        job = self._jobs_of.get(task)
        if job is None:
            return
        info = task.execution_info
        if info.retry_count and info.last_retry_time is not None:
            self._became(task, "retry", job.id, task.id, "again", info.last_retry_time, many=info.retry_count)
        if _failed(task):
            cause = info.failure_info
            why = f"exit code {info.exit_code}" if info.exit_code else cause.code if cause else ""
            self._became(task, "task", job.id, task.id, "failed", task.state_transition_time, why=why)


def _failed(task: LiveTask) -> bool:
    return task.state == "completed" and task.execution_info.result == "failure"
