"""How much may be asked: query processing units of a tenant, by the wall's clock."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Final

PREFIX: Final = "x-ms-ratelimit-microsoft.costmanagement"
WINDOWS: Final = ((10, 12), (60, 60), (3600, 600))
"""Seconds -> units in them."""


class Throttle:
    """Counts what was asked. ``source`` is seconds that only grow.

    With ``per_scope`` a scope may be asked so many times a minute, too. `refuse` makes the next questions fail.
    """

    def __init__(self, source: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._spent: deque[tuple[float, int, str]] = deque()
        self._refusals: deque[float] = deque()
        self.per_scope: int | None = None
        self.on = True

    def refuse(self, count: int = 1, seconds: float = 30.0) -> None:
        """The next so many questions are refused, and told to wait so long."""
        self._refusals.extend([seconds] * count)

    def forget(self) -> None:
        """Nothing has been asked yet, and nothing is refused."""
        self._spent.clear()
        self._refusals.clear()

    def admit(self, units: int, scope: str) -> dict[str, str] | None:
        """None where the question may be answered; otherwise the headers of the refusal, which say how long to wait.

        Refused questions count nothing. No header but these tells a wait (recorded: no Retry-After).
        """
        now = self._source()
        while self._spent and self._spent[0][0] <= now - WINDOWS[-1][0]:
            self._spent.popleft()
        if self._refusals:
            return _waits(qpu=self._refusals.popleft())
        if not self.on:
            return None
        wait = max((self._wait(now, seconds, most, units) for seconds, most in WINDOWS), default=0.0)
        entity = self._scope_wait(now, scope)
        if wait or entity:
            return _waits(qpu=wait, entity=entity)
        self._spent.append((now, units, scope.lower()))
        return None

    def _wait(self, now: float, seconds: float, most: int, units: int) -> float:
        """Seconds until so many units fit into the window."""
        spent = [(at, cost) for at, cost, _ in self._spent if at > now - seconds]
        over = sum(cost for _, cost in spent) + units - most
        for at, cost in spent:
            if over <= 0:
                break
            over -= cost
            if over <= 0:
                return at + seconds - now
        return seconds if over > 0 and spent else 0.0

    def _scope_wait(self, now: float, scope: str) -> float:
        if self.per_scope is None:
            return 0.0
        asked = [at for at, _, other in self._spent if other == scope.lower() and at > now - 60]
        return asked[-self.per_scope] + 60 - now if len(asked) >= self.per_scope else 0.0

    def headers(self, units: int) -> dict[str, str]:
        """What an answer says about the quota; like those recorded, it names waits although nobody has to."""
        now = self._source()
        left = {
            seconds: most - sum(cost for at, cost, _ in self._spent if at > now - seconds) for seconds, most in WINDOWS
        }
        return {
            f"{PREFIX}-entity-retry-after": "60",
            f"{PREFIX}-tenant-retry-after": "60",
            f"{PREFIX}-qpu-consumed": str(units),
            f"{PREFIX}-qpu-remaining": ",".join(
                f"{name}:{left[seconds]}"
                for name, seconds in (("QueriesPerHour", 3600), ("QueriesPerMin", 60), ("QueriesPer10Sec", 10))
            ),
            "x-ms-ratelimit-remaining-microsoft.costmanagement-entity-requests": "29",
            "x-ms-ratelimit-remaining-microsoft.costmanagement-tenant-requests": "199",
        }


def _waits(**waits: float) -> dict[str, str]:
    return {f"{PREFIX}-{name}-retry-after": str(math.ceil(wait)) for name, wait in waits.items() if wait > 0}
