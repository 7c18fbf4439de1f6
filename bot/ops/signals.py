"""Waiting for the end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable

_LOOK = 1.0
"""Seconds between two looks."""


async def until_stopped(enough: Callable[[], str] = lambda: "") -> str:
    """Return at SIGINT or SIGTERM with nothing, or with what ``enough`` says as soon as it says something."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has Ctrl-C alone
            loop.add_signal_handler(number, stopped.set)
    while not stopped.is_set() and not enough():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await stopped.wait()
    return enough()
