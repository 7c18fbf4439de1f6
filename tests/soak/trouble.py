"""Trouble without end in the sandbox's account: what happens there while the program is killed."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

from bot.sandbox.entity_parts import TaskConstraints
from bot.sandbox.entity_specs import JobSpecification, PoolInformation, PoolSpecification, Schedule, TaskSpecification
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import Work, exited
from bot.sandbox.world.refused import Refused
from tests.soak.account import AGAIN, BREAKING, SIZED, WORK

_APART = 90.0
"""Seconds between two changes of one pool, node or schedule: what lasts shorter than a look is seen by nobody."""
_SOON = 15.0
"""As much before a job is ended, so that most are ended while they run."""
_MOST = 5
"""Nodes of a pool that is resized."""


class Trouble:
    """Causes something every time it is asked to, by a seeded generator."""

    def __init__(self, account: AccountState, seed: int) -> None:
        self._account = account
        self._random = random.Random(seed)
        self._made: dict[str, int] = {}
        self._touched: dict[str, float] = {}
        self.seen: dict[str, int] = {}
        """How often each of its acts did something."""

    def strike(self) -> str:
        """One more thing goes wrong, or well; says what."""
        choices: list[Callable[[], str]] = [
            *[self._job] * 8, *[self._end] * 2, self._disable, self._delete, self._retry, *[self._break] * 2,
            *[self._start_task] * 2, *[self._heal] * 3, *[self._resize] * 2, *[self._fails] * 2, self._pool,
            *[self._schedule] * 3,
        ]  # fmt: skip
        act = self._random.choice(choices)
        with suppress(Refused):
            if did := act():
                self.seen[act.__name__[1:]] = self.seen.get(act.__name__[1:], 0) + 1
                return did
        return "nothing"

    def calm(self) -> None:
        """Everything is mended, and what can never end is ended."""
        for pool in BREAKING:
            with suppress(Refused):
                self._account.inject.heal(pool)
        for job in list(self._account.jobs.values()):
            if job.id.startswith("retried") or job.state == "disabled":
                with suppress(Refused):
                    self._account.commands.terminate_job(job.id)

    # --- jobs and tasks -----------------------------------------------------------------------------------------------

    def _job(self) -> str:
        name = self._new("soak")
        cause = self._random.choice(["exit-1", "exit-137", "disk-full", "blob-not-found"])
        tasks, share = self._random.randint(3, 12), self._random.choice([0.0, 0.2, 0.6])
        seconds = self._random.choice([20.0, 60.0, 120.0])
        self._account.inject.add_job(name, WORK, tasks, seconds=seconds, failing=share, cause=cause)
        self._account.commands.set_on_all_tasks_complete(name, "terminatejob")
        return f"job {name}"

    def _end(self) -> str:
        name = self._one_of(self._active("soak"), _SOON)
        if name:
            self._account.commands.terminate_job(name, "soaked")
        return name and f"ended {name}"

    def _disable(self) -> str:
        name = self._one_of([*self._active("soak"), *self._active("waiting")])
        if name:
            self._account.commands.disable_job(name, "requeue")
        return name and f"disabled {name}"

    def _delete(self) -> str:
        name = self._one_of([*self._active("waiting"), *self._idle_in("disabled"), *self._idle_in("completed")])
        if name:
            self._account.commands.delete_job(name)
        return name and f"deleted {name}"

    def _retry(self) -> str:
        going = self._active("retried")
        if len(going) > 2:
            self._account.commands.terminate_job(going[0], "given up")
            return f"gave up {going[0]}"
        name = self._new("retried")
        job = self._account.job_lifecycle.add(name, JobSpecification(pool_info=PoolInformation(pool_id=AGAIN)))
        spec = TaskSpecification(constraints=TaskConstraints(max_task_retry_count=-1))
        work = Work(median=8.0, spread=0.1, failures=((1.0, exited(1)),))
        self._account.runner.add(job, "task-1", "./work.sh 1", spec, work=work)
        return f"retries without end {name}"

    # --- nodes --------------------------------------------------------------------------------------------------------

    def _break(self) -> str:
        pool = self._one_of([pool for pool in BREAKING if self._well(pool)])
        return pool and f"broken: {self._account.inject.break_nodes(pool)}"

    def _start_task(self) -> str:
        pool = self._one_of([pool for pool in BREAKING if self._well(pool)])
        return pool and f"start task: {self._account.inject.fail_start_tasks(pool)}"

    def _heal(self) -> str:
        pool = self._one_of([pool for pool in BREAKING if not self._well(pool)])
        return pool and f"healed: {self._account.inject.heal(pool)}"

    def _well(self, pool: str) -> bool:
        return all(node.state in ("idle", "running") for node in self._account.pool(pool).nodes.values())

    # --- pools --------------------------------------------------------------------------------------------------------

    def _resize(self) -> str:
        pool = self._one_of(self._steady())
        if pool:
            wanted = self._random.randint(0, _MOST)
            self._account.commands.resize(pool, wanted, 0)
        return pool and f"resize of {pool} to {wanted}"

    def _fails(self) -> str:
        pool = self._one_of(self._steady())
        if pool:
            self._account.inject.fail_resize(pool, "AllocationFailed")
        return pool and f"a resize of {pool} failed"

    def _steady(self) -> list[str]:
        return [pool for pool in SIZED if self._account.pool(pool).body.allocation_state == "steady"]

    def _pool(self) -> str:
        made = [pool for pool in self._account.pools if pool.startswith("brief")]
        if len(made) > 1 and (pool := self._one_of(made)):
            self._account.commands.delete_pool(pool)
            return f"deleted {pool}"
        pool = self._new("brief")
        self._account.commands.add_pool(pool, PoolSpecification(vm_size="Standard_D2s_v3", target_dedicated_nodes=0))
        return f"pool {pool}"

    # --- schedules ----------------------------------------------------------------------------------------------------

    def _schedule(self) -> str:
        made = self._account.schedules
        names = [name for name, each in made.items() if each.state in ("active", "disabled", "completed")]
        if len(names) < 3:
            name = self._new("nightly")
            spec = JobSpecification(pool_info=PoolInformation(pool_id=WORK), on_all_tasks_complete="terminatejob")
            self._account.commands.add_schedule(name, Schedule(recurrence_interval="PT1H"), spec)
            return f"schedule {name}"
        name = self._one_of(names)
        if not name:
            return ""
        state, commands = made[name].state, self._account.commands
        if state == "completed":
            commands.delete_schedule(name)
        elif state == "disabled":
            commands.enable_schedule(name)
        elif self._random.random() < 0.5:
            commands.disable_schedule(name)
        else:
            commands.terminate_schedule(name)
        return f"{name} was {state}, changed"

    # --- choosing -----------------------------------------------------------------------------------------------------

    def _new(self, what: str) -> str:
        self._made[what] = self._made.get(what, 0) + 1
        name = f"{what}-{self._made[what]:04}"
        self._touched[name] = self._now
        return name

    def _one_of(self, names: list[str], apart: float = _APART) -> str:
        """One that nothing was done to lately; "" where there is none."""
        now = self._now
        rested = [name for name in names if now - self._touched.get(name, 0.0) >= apart]
        if not rested:
            return ""
        name = self._random.choice(rested)
        self._touched[name] = now
        return name

    @property
    def _now(self) -> float:
        return self._account.world.clock.now().timestamp()

    def _active(self, what: str) -> list[str]:
        return [job.id for job in self._account.jobs.values() if job.state == "active" and job.id.startswith(what)]

    def _idle_in(self, state: str) -> list[str]:
        return [job.id for job in self._account.jobs.values() if job.state == state and job.id.startswith("soak")]
