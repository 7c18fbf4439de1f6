"""What tests of operations stand on: a clock that leaps, a service that answers as told, and runs over one store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, cast

from bot.azure.errors import AzureError
from bot.azure.plane import Written
from bot.clock import Clock
from bot.operations.run import Run
from bot.operations.workflow import View
from storage.port.operations import OperationRow, StepRow
from storage.sqlite.store import SqliteStore

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOLDER = "here"


class LeapingClock(Clock):
    """Time passes only where somebody waits, and then at once."""

    def __init__(self) -> None:
        super().__init__(start=NOON)
        self.slept: list[float] = []
        self._now = NOON

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class Killed(BaseException):
    """The program dies here."""


Answer: TypeAlias = Literal["done", "lost after", "lost before", "killed after", "killed before"] | AzureError


def refusal(code: str, status: int = 409, retry_after: float | None = None) -> AzureError:
    """An answer that is no success."""
    return AzureError(code, f"{code} it is.", status=status, retry_after=retry_after)


def written(location: str = "", request_id: str = "") -> Written:
    """A success."""
    return Written(202, b"", NOON, "", request_id, location, None)


class Service:
    """One thing that can be done, and how each request to do it is answered, in turn; ``done`` after that."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent = 0
        self.did = 0
        self.looked = 0
        self.late = 0
        """How many looks do not see yet what was done."""
        self.out: AzureError | None = None
        """How looks are answered, where they are refused."""

    async def send(self) -> Written:
        self.sent += 1
        answer = self.answers.pop(0) if self.answers else "done"
        if isinstance(answer, AzureError):
            raise answer
        if answer == "killed before":
            raise Killed
        if answer == "lost before":
            raise AzureError("NoConnection", "no connection")
        self.did += 1
        if answer == "killed after":
            raise Killed
        if answer == "lost after":
            raise AzureError("NoConnection", "the connection broke off")
        return written("https://arm/results/1?t=signed", f"request-{self.sent}")

    async def landed(self) -> bool:
        self.looked += 1
        if self.out:
            raise self.out
        if self.did and self.late:
            self.late -= 1
            return False
        return self.did > 0


class Stage:
    """One operation in a store, and runs of it: each as of a program that has just started."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.clock = LeapingClock()
        self.view = View(())
        self.changes = 0
        self.row = OperationRow("op", "k", "work", "a", "gpu", b"{}", b"", NOON)

    async def begin(self) -> None:
        await self.store.add_operation(self.row, HOLDER, NOON + timedelta(hours=9))

    async def run(self, *, stopping: bool = False) -> Run:
        self.view = View(())
        nothing = cast(Any, None)
        steps = await self.store.operation_steps("op")
        run = Run(self.row, nothing, nothing, steps, self.store, HOLDER, self.clock, self.view, self._changed)
        run.stopping = stopping
        return run

    async def steps(self) -> dict[str, str]:
        return {step.name: step.state for step in await self.store.operation_steps("op")}

    async def step(self, name: str) -> StepRow:
        return next(step for step in await self.store.operation_steps("op") if step.name == name)

    async def lose(self) -> None:
        """Another instance takes the operation over."""
        await self.store.claim_operations("there", NOON + timedelta(days=1), NOON + timedelta(days=2))

    def _changed(self) -> None:
        self.changes += 1


def names(count: int) -> Sequence[str]:
    """Items to work on."""
    return [f"n{number}" for number in range(count)]
