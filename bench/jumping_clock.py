"""The wall's clock without the time in which the program only waits: it is moved on to when the next thing is due.

Everything that the program does takes what it really takes; between two such spans the clock jumps. Whoever waits is
known, so that nothing is woken late and nothing is skipped while the program is at work.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from itertools import count

from bot.clock import Clock

_PASSES = 5
"""Turns of the event loop after which whoever was woken has begun to work."""
_PAUSE = 0.002
"""Seconds between two looks whether the program still works."""


class _Sleeper:
    """Somebody who waits: until when, and for which event."""

    def __init__(self, due: float, event: asyncio.Event | None) -> None:
        self.due = due
        self.event = event
        self.woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        """It is time."""
        if not self.woken.done():
            self.woken.set_result(None)


class JumpingClock(Clock):
    """As fast as the wall's, and moved on by :meth:`jump`. ``start`` is when it begins, aware.

    Tasks whose names begin with one of ``workers`` wait by this clock as soon as they have nothing to do: one that has
    not done so yet is at work.
    """

    def __init__(self, start: datetime, workers: tuple[str, ...] = ()) -> None:
        super().__init__(start=start)
        self._workers = workers
        self._ahead = 0.0
        self._sleepers: dict[int, _Sleeper] = {}
        self._numbers = count()
        self._tasks: dict[asyncio.Task[object], int] = {}
        """Who has ever waited by this clock: the sleeper's number, -1 for those that are at work."""

    def elapsed(self) -> float:
        """Seconds since it began, with those that were jumped over."""
        return super().elapsed() + self._ahead

    def wall(self) -> datetime:
        """The same as now: the host's clock is another."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        await self._wait(seconds, None)

    async def until(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for an event, so many seconds of this clock at most; True when it came."""
        if not event.is_set():
            await self._wait(seconds, event)
        return event.is_set()

    async def _wait(self, seconds: float, event: asyncio.Event | None) -> None:
        number, task = next(self._numbers), asyncio.current_task()
        assert task
        sleeper = self._sleepers[number] = _Sleeper(self.elapsed() + max(0.0, seconds), event)
        if task not in self._tasks:
            task.add_done_callback(lambda done: self._tasks.pop(done, None))
        self._tasks[task] = number
        listening = asyncio.ensure_future(event.wait()) if event else None
        waited = {sleeper.woken, listening} if listening else {sleeper.woken}
        try:
            await asyncio.wait(waited, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if listening:
                listening.cancel()
            del self._sleepers[number]
            self._tasks[task] = -1

    @property
    def still(self) -> bool:
        """Whether everybody who waits by this clock is waiting now, for something that has not come yet."""
        now = self.elapsed()
        for number in self._tasks.values():
            sleeper = self._sleepers.get(number)
            if sleeper is None or sleeper.due <= now or (sleeper.event and sleeper.event.is_set()):
                return False
        return bool(self._tasks) and not any(
            task.get_name().startswith(self._workers) for task in asyncio.all_tasks() if task not in self._tasks
        )

    async def settle(self) -> None:
        """Wait, by the wall, until the program has done what there is to do."""
        calm = passes = 0
        while calm < _PASSES:
            self.jump(0.0)  # their own timers do not know of earlier jumps
            await asyncio.sleep(_PAUSE if calm == 0 and passes > 4 * _PASSES else 0)
            calm, passes = (calm + 1 if self.still else 0), passes + 1

    def next_due(self) -> float:
        """When the first one is to be woken, in the clock's seconds."""
        return min((sleeper.due for sleeper in self._sleepers.values()), default=float("inf"))

    def jump(self, seconds: float) -> None:
        """Move on at once, and wake whose time has come."""
        self._ahead += max(0.0, seconds)
        now = self.elapsed()
        for sleeper in list(self._sleepers.values()):
            if sleeper.due <= now:
                sleeper.wake()
