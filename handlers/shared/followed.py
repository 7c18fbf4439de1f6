"""A change of a state, asked for and followed: the same for jobs and for schedules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import TypeAlias

from msgspec import Struct

from bot.azure.plane import Written
from bot.operations.run import Run, Status

GONE = "gone"
"""The state of what does not exist any more."""
OVER = {
    "terminating": "it is ending",
    "completed": "it is completed, for good",
    "deleting": "it is being deleted",
}
"""States in which nothing can be changed any more, and why."""
State: TypeAlias = Callable[[], Awaitable[str]]
"""Reads the state, in lower case; :data:`GONE` where it is gone."""


class Before(Struct, frozen=True):
    """The ETag and the state when a change began."""

    etag: str
    state: str


async def ask(
    run: Run, read: State, name: str, title: str, send: Callable[[], Awaitable[Written]], landed: Collection[str]
) -> None:
    """Send a change of a state; the states ``landed`` say that it took effect."""

    async def took_effect() -> bool:
        return await read() in landed

    await run.write(name, title, send, landed=took_effect)


async def until(
    run: Run,
    read: State,
    name: str,
    title: str,
    ends: Collection[str],
    longest: timedelta = timedelta(hours=2),
) -> str:
    """Wait until it is in one of the states; the one that it is in."""

    async def check() -> Status:
        state = await read()
        return Status(state in ends, state)

    state = (await run.until(name, title, check, longest=longest)).detail
    run.view.steps[name].detail = ""  # its title says it
    return state
