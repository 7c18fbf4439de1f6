"""Waiting for the end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bot.clock import end_tasks

T = TypeVar("T")
_LOOK = 1.0
"""Seconds between two looks."""


def ending() -> asyncio.Event:
    """Hear SIGINT and SIGTERM from now on: this is set by them.

    The first process of a container is ended by no signal that it does not hear.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has Ctrl-C alone
            loop.add_signal_handler(number, stopped.set)
    return stopped


async def until_stopped(enough: Callable[[], str] = lambda: "", stopped: asyncio.Event | None = None) -> str:
    """Return when ``stopped`` is set (:func:`ending`) with nothing, or with what ``enough`` says as soon as it does."""
    stopped = stopped or ending()
    while not stopped.is_set() and not enough():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await stopped.wait()
    return enough()


async def unless_stopped(work: Coroutine[Any, Any, T], stopped: asyncio.Event) -> T | None:
    """What it gives, and raises what it raises; None where ``stopped`` was set before it came, which cancels it."""
    tasks = working, waiting = asyncio.ensure_future(work), asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        await end_tasks((working, waiting))
