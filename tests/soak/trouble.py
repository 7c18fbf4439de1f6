"""Trouble without end in the sandbox's account, and what truly happened there."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeAlias

from bot.sandbox.world.account import AccountState
from bot.sandbox.world.refused import Refused


class Trouble:
    """Causes something every time it is asked to, by a seeded generator."""

    def __init__(self, account: AccountState, seed: int) -> None:
        self._account = account
        self._random = random.Random(seed)
        self._jobs = 0

    def strike(self) -> str:
        """One more thing goes wrong, or well; says what."""
        choices: list[Callable[[], str]] = [
            *[self._job] * 4, self._break, *[self._heal] * 2, self._start_task, self._resize, self._fails, self._end,
        ]  # fmt: skip
        act = self._random.choice(choices)
        with suppress(Refused):
            return act()
        return "nothing"

    def calm(self) -> None:
        """Everything is mended."""
        for job in self._account.jobs.values():
            with suppress(Refused):
                self._account.inject.unstick_job(job.id)
        for pool in self._account.pools:
            with suppress(Refused):
                self._account.inject.unstick_pool(pool)
            self._account.inject.heal(pool)

    def _job(self) -> str:
        self._jobs += 1
        name = f"soak-{self._jobs:04}"
        cause = self._random.choice(["exit-1", "exit-137", "disk-full", "blob-not-found"])
        tasks, share = self._random.randint(3, 12), self._random.choice([0.0, 0.2, 0.6])
        self._account.inject.add_job(name, "pool1", tasks, seconds=20.0, failing=share, cause=cause)
        self._account.commands.set_on_all_tasks_complete(name, "terminatejob")
        return f"job {name}"

    def _break(self) -> str:
        return f"broken: {self._account.inject.break_nodes('pool1')}"

    def _start_task(self) -> str:
        return f"start task: {self._account.inject.fail_start_tasks('pool1')}"

    def _heal(self) -> str:
        self.calm()
        return "healed"

    def _resize(self) -> str:
        wanted = self._random.randint(2, 5)
        self._account.commands.resize("pool1", wanted, 0)
        return f"resize to {wanted}"

    def _fails(self) -> str:
        self._account.inject.fail_resize("pool1", "AllocationFailed")
        return "a resize failed"

    def _end(self) -> str:
        going = [job.id for job in self._account.jobs.values() if job.state == "active" and job.id.startswith("soak")]
        if not going:
            return "nothing"
        name = self._random.choice(going)
        self._account.commands.terminate_job(name, "soaked")
        return f"ended {name}"


Happened: TypeAlias = tuple[str, str, str, str, datetime]
"""A transition: entity, parent, id, state, and when."""


def truth(account: AccountState, since: datetime) -> set[Happened]:
    """What truly happened since then and is to be known: the ends of jobs, and tasks that failed."""
    account.world.settle()
    happened: set[Happened] = set()
    for job in account.jobs.values():
        body = job.body
        if body.state == "completed" and body.state_transition_time > since:
            happened.add(("job", "", job.id, "completed", body.state_transition_time))
        for task in job.tasks.values():
            failed = task.state == "completed" and task.execution_info.result != "success"
            if failed and task.state_transition_time > since:
                happened.add(("task", job.id, task.id, "failed", task.state_transition_time))
    return happened
