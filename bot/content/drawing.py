"""Draws charts in a process of its own, so that no picture ever holds up an answer."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime, timedelta

import structlog

from cards.charts.usage import UsageChart, UsagePoint

log = structlog.get_logger()


class DrawingError(Exception):
    """A picture could not be made; the message says why in words for people."""


class Drawing:
    """A pool of ``workers`` spawned processes that draw. One warm process draws about ten pictures a second.

    A worker that dies is replaced and its picture tried once more. One that takes longer than ``timeout`` seconds
    over a picture ends itself. ``wait`` is how long a picture may take altogether, waiting for its turn included.
    """

    def __init__(self, workers: int = 1, *, timeout: float = 10.0, wait: float = 30.0) -> None:
        self._workers = workers
        self._timeout = timeout
        self._wait = wait
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False

    async def start(self) -> None:
        """Start the workers and have each draw a first picture, which is the slow one. Not needed, but kind."""
        with contextlib.suppress(DrawingError):
            await asyncio.gather(*(self.png(_first_picture()) for _ in range(self._workers)))

    async def png(self, chart: object) -> bytes:
        """The chart as PNG bytes. Raises DrawingError when it cannot be drawn."""
        try:
            async with asyncio.timeout(self._wait):
                try:
                    return await self._drawn(chart)
                except BrokenProcessPool:
                    log.warning("drawing.worker_died", chart=type(chart).__name__)
                    return await self._drawn(chart)
        except BrokenProcessPool:
            raise DrawingError("the picture could not be drawn: its worker died twice") from None
        except TimeoutError:
            raise DrawingError(f"the picture was not ready after {self._wait:.0f} s") from None
        except DrawingError:
            raise
        except Exception as error:
            log.exception("drawing.failed", chart=type(chart).__name__)
            raise DrawingError(f"the picture could not be drawn: {error}") from error

    async def close(self) -> None:
        """Finish what is being drawn and end the workers."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    async def _drawn(self, chart: object) -> bytes:
        """One attempt, in a fresh pool if the last one broke."""
        if self._closed:
            raise DrawingError("the program is stopping")
        pool = self._pool
        if pool is None:
            context = multiprocessing.get_context("spawn")  # a fork would copy the event loop and its sockets
            pool = self._pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_settle)
        try:
            return await asyncio.wrap_future(pool.submit(_draw, chart, self._timeout))
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
                pool.shutdown(wait=False)
            raise


def _settle() -> None:
    """What a worker does first: leave Ctrl-C to its parent, and not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True, name="follow parent").start()


def _draw(chart: object, timeout: float) -> bytes:
    """Draw in this process, which ends itself when that takes too long: a pool cannot end one of its workers."""
    from cards.charts.draw import draw  # noqa: PLC0415 - matplotlib belongs into the worker only

    faulthandler.dump_traceback_later(timeout, exit=True)
    try:
        return draw(chart)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _first_picture() -> UsageChart:
    """A chart with everything in it, so that fonts and tables are ready when the first asker comes."""
    begin, hour = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)
    points = tuple(UsagePoint(begin + n * hour, n % 5, 8, float(n != 12)) for n in range(24))
    until = begin + 24 * hour
    return UsageChart("Warm", "0123456789", points, 3600, begin, until, note="$1", note_at=begin, strip=points)
