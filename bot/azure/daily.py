"""What hardly changes is asked for once a day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bot.azure.errors import AzureError

T = TypeVar("T")
_DAY = 86_400.0


class Daily(Generic[T]):
    """A value that is read when it is first wanted, again a day later; an older one where reading fails then."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._kept: tuple[float, T] | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> T:
        """The value. Raises AzureError only when it was never read."""
        async with self._lock:
            if self._kept and time.monotonic() - self._kept[0] < _DAY:
                return self._kept[1]
            try:
                value = await self._read()
            except AzureError:
                if self._kept:
                    return self._kept[1]
                raise
            self._kept = (time.monotonic(), value)
            return value
