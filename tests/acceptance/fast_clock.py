"""Simulated time that all processes agree on, and that changes its speed while they run."""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.clock import Clock

_GEAR = struct.Struct("ddd")
_SLOTS = 8
_GLANCE = 0.03
"""Seconds of the wall that a sleeper sleeps at most before it looks at the speed again."""


class FastTime:
    """Time kept in a small file that every process maps: so many seconds since 1970 at an anchor, and how fast it runs.

    A gear is written into the slot that nobody reads, and then named by one byte, so that no reader sees half of one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    @classmethod
    def begin(cls, path: Path, speed: float, start: datetime | None = None) -> FastTime:
        """A new one, from ``start`` (now) on."""
        stamp = (start or datetime.now(UTC)).timestamp()
        path.write_bytes(bytes(_SLOTS) + _GEAR.pack(stamp, time.monotonic(), speed) * 2)
        return cls(path)

    def __reduce__(self) -> tuple[type[FastTime], tuple[Path]]:
        return FastTime, (self.path,)

    def _gear(self) -> tuple[float, float, float]:
        stamp, anchor, speed = _GEAR.unpack_from(self._map, _SLOTS + self._map[0] * _GEAR.size)
        return stamp, anchor, speed

    @property
    def speed(self) -> float:
        """Simulated seconds in one of the wall's."""
        return self._gear()[2]

    @speed.setter
    def speed(self, speed: float) -> None:
        slot = 1 - self._map[0]
        _GEAR.pack_into(self._map, _SLOTS + slot * _GEAR.size, self.stamp(), time.monotonic(), speed)
        self._map[0] = slot

    def stamp(self) -> float:
        """Seconds since 1970."""
        stamp, anchor, speed = self._gear()
        return stamp + (time.monotonic() - anchor) * speed

    def now(self) -> datetime:
        """The same as a moment, UTC."""
        return datetime.fromtimestamp(self.stamp(), UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait so many simulated seconds, also where the speed changes meanwhile."""
        end = self.stamp() + seconds
        while (left := end - self.stamp()) > 0:  # noqa: ASYNC110 - time passes by itself
            await asyncio.sleep(min(left / self.speed, _GLANCE))


class FastClock(Clock):
    """The program's clock by such a time, ``ahead`` of it by so many seconds."""

    def __init__(self, fast: FastTime, ahead: float = 0.0) -> None:
        super().__init__(speed=fast.speed, start=fast.now())
        self._fast = fast
        self._ahead = timedelta(seconds=ahead)
        self._began = fast.stamp()

    def now(self) -> datetime:
        return self._fast.now() + self._ahead

    def wall(self) -> datetime:
        return self.now()

    def elapsed(self) -> float:
        return self._fast.stamp() - self._began

    async def sleep(self, seconds: float) -> None:
        await self._fast.sleep(seconds)

    async def until(self, event: asyncio.Event, seconds: float) -> bool:
        end = self.elapsed() + seconds
        while not event.is_set():
            left = end - self.elapsed()
            if left <= 0:
                return False
            try:
                async with asyncio.timeout(min(left / self._fast.speed, _GLANCE)):
                    await event.wait()
            except TimeoutError:
                continue
        return True
