"""How much one bot may say: sliding windows per conversation, and one rate for the app."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

from bot.sandbox.teams.errors import RefusedError

WRITES: Sequence[tuple[int, int]] = ((7, 1), (8, 2), (60, 30), (1800, 3600))
"""Send, update, delete and create, one bot in one conversation: (requests, seconds)."""

READS: Sequence[tuple[int, int]] = ((14, 1), (16, 2), (120, 30), (3600, 3600))
"""Members and teams, one bot in one conversation."""

APP: Sequence[tuple[int, int]] = ((50, 1),)
"""All requests of one app in one tenant."""


class Windows:
    """Sliding windows over accepted requests. What was refused does not count, so ``Retry-After`` is the truth."""

    def __init__(self, limits: Sequence[tuple[int, int]], clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._longest = max(seconds for _, seconds in limits)
        self._seen: deque[float] = deque()

    def wait(self) -> float:
        """Seconds until one more request is welcome; 0 when it is now."""
        now = self._clock()
        while self._seen and self._seen[0] <= now - self._longest:
            self._seen.popleft()
        # A window is full when the request `limit` places back is still inside it.
        return max(
            (self._seen[-limit] + seconds - now for limit, seconds in self._limits if len(self._seen) >= limit),
            default=0.0,
        )

    def count(self) -> None:
        """Note an accepted request."""
        self._seen.append(self._clock())


class Throttle:
    """Raises 429 ``Throttled`` with Retry-After (whole seconds, rounded up) where Teams would."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._app = Windows(APP, clock)
        self._windows: dict[tuple[str, bool], Windows] = {}

    def admit(self, chat: str, *, write: bool) -> None:
        """Count one request in ``chat`` (its base id; "" for what concerns none), or refuse it."""
        windows = [self._app]
        if chat:
            key = (chat, write)
            if key not in self._windows:
                self._windows[key] = Windows(WRITES if write else READS, self._clock)
            windows.append(self._windows[key])
        wait = max(window.wait() for window in windows)
        if wait > 0:
            raise RefusedError(429, "Throttled", "Too many requests.", retry_after=max(1, math.ceil(wait)))
        for window in windows:
            window.count()
