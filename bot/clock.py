"""The program's own clock: now, and waiting. A test runs it faster than the wall's."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from math import isnan
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()
T = TypeVar("T")

LONGEST_BACKOFF = 30.0
"""Seconds between two attempts at most, jitter included: the first message leaves within a minute of the return."""

MOST_ASKED = 3600.0
"""Seconds for which somebody who answers may ask to be left alone; one who asks for more is asked again by then."""

_ASKED_TO_END = 5.0
"""Seconds after which a task that was cancelled, and goes on, is cancelled again."""


def backoff(tries: int, longest: float = LONGEST_BACKOFF) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4, …, up to ``longest``; never more than that."""
    return min(float(1 << min(tries, 16)), longest) * random.uniform(0.7, 1.0)  # noqa: S311 - spreads, guards nothing


def asked_wait(told: str | None, most: float = MOST_ASKED) -> float | None:
    """What a ``Retry-After`` asks for: seconds from 0 to ``most``, whether it has a number or a date (RFC 9110).

    None where it has neither. Fractions are taken, since services send them; a date counts by the wall's clock.
    """
    try:
        seconds = float(told or "")
    except ValueError:
        try:
            when = parsedate_to_datetime(told or "")
            seconds = (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return None
    return None if isnan(seconds) else min(max(seconds, 0.0), most)


async def in_time(works: Iterable[Coroutine[Any, Any, T]], seconds: float, at_once: int = 0) -> list[T | None]:
    """What each of them gives, in their order, as far as it is there after so many seconds of the wall's clock.

    So many run ``at_once``, all where that is 0. None stands for what was late, which is cancelled, and for what
    failed, which is logged: whoever goes on without the one goes on without the other.
    """
    gate = asyncio.Semaphore(at_once) if at_once else nullcontext()

    async def one(work: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await work

    waiting = list(works)
    tasks = [asyncio.ensure_future(one(each)) for each in waiting]
    try:
        if tasks and seconds > 0:
            await asyncio.wait(tasks, timeout=seconds)
    finally:
        for each in tasks:
            each.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    for work in waiting:
        work.close()  # of those whose turn never came
    for result in found:
        if isinstance(result, Exception):
            log.error("clock.work_failed", exc_info=result)
    return [None if isinstance(result, BaseException) else result for result in found]


async def in_daemon(work: Callable[[], T], name: str) -> T:
    """What it gives, or raises, in a thread of that name that the end of the program does not wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(settle: Callable[[], None]) -> None:
        if not done.done():
            settle()

    def run() -> None:
        settle: Callable[[], None]
        try:
            settle = partial(done.set_result, work())
        except Exception as error:  # it is raised where it is waited for
            settle = partial(done.set_exception, error)
        with suppress(RuntimeError):  # the program has ended
            loop.call_soon_threadsafe(tell, settle)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel them and wait until every one is over, whatever it ended with.

    What has not ended after some seconds is cancelled again: code of others can lose a cancellation, as ``wait_for`` of
    Python 3.11 does where what it waits for comes at that moment, and would hold up the end of the program for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        over, left = await asyncio.wait(left, timeout=_ASKED_TO_END)
        await asyncio.gather(*over, return_exceptions=True)  # what they raised was looked at


class Clock:
    """UTC from ``start`` on (now by default), ``speed`` times as fast as the wall's clock."""

    def __init__(self, *, speed: float = 1.0, start: datetime | None = None) -> None:
        self.speed = speed
        self._start = start or datetime.now(UTC)
        self._anchor = time.monotonic()

    def now(self) -> datetime:
        """The time it is; aware, UTC, never running backwards."""
        return self._start + timedelta(seconds=self.elapsed())

    def elapsed(self) -> float:
        """Seconds of this clock since it began."""
        return (time.monotonic() - self._anchor) * self.speed

    def wall(self) -> datetime:
        """What the host's clock says, which may be set and goes on while the host sleeps; of a faster clock its own."""
        return datetime.now(UTC) if self.speed == 1.0 else self.now()

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    async def until(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for an event, so many seconds of this clock at most; True when it came."""
        try:
            async with asyncio.timeout(
                max(0.0, seconds) / self.speed
            ):  # wait_for of Python 3.11 may lose a cancellation
                await event.wait()
        except TimeoutError:
            return False
        return True
