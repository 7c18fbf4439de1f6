"""Faults on request: what the network and the service do to a bot on a bad day."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct

from bot.sandbox.teams.errors import RefusedError

Verdict = Literal["go", "cut", "lose"]

_CODES = {
    412: ("PreconditionFailed", "Precondition failed, please try again."),
    429: ("Throttled", "Too many requests."),
    500: ("ServiceError", "Internal server error."),
    502: ("ServiceError", "Bad gateway."),
    503: ("ServiceError", "Service unavailable."),
    504: ("ServiceError", "Gateway timeout."),
}


class _Planned(Struct):
    status: int  # 0: the answer is lost
    times: float
    chat: str
    retry_after: int | None = None


class Faults:
    """Planned mishaps, used up in the order in which they were planned. They concern requests of an accepted token."""

    time_scale: float
    """Multiplies the waits below."""
    outage: bool
    """True: every connection of the bot is cut, nothing is stored."""
    delay: float
    """Seconds before every answer of the connector."""
    repeat_after: float

    def __init__(self, time_scale: float = 1.0) -> None:
        self.time_scale = time_scale
        self.clear()

    def clear(self) -> None:
        """Good weather (again)."""
        self.outage = False
        self.delay = 0.0
        self.repeat_after = 0.0
        self._planned: list[_Planned] = []
        self._repeats = 0.0

    def fail(self, status: int, *, times: float = 1, chat: str = "", retry_after: int | None = None) -> None:
        """Answer the next ``times`` writes (in one conversation, by base id, or anywhere) with ``status``, undone.

        412, 429, 500, 502, 503 or 504.
        """
        if status not in _CODES:
            raise ValueError(f"no such fault: {status}; choose one of {', '.join(map(str, _CODES))}")
        self._planned.append(_Planned(status, times, chat, retry_after))

    def lose_answers(self, times: float = 1, *, chat: str = "") -> None:
        """Do what the next ``times`` writes ask, then cut the connection instead of answering."""
        self._planned.append(_Planned(0, times, chat))

    def lift(self, chat: str) -> None:
        """Forget what was planned for one conversation (by base id); what was planned for anywhere stays."""
        self._planned = [plan for plan in self._planned if plan.chat != chat]

    def repeat(self, times: float = 1, *, after: float = 0.0) -> None:
        """Deliver each of the next ``times`` activities to the bot twice, the second ``after`` seconds later."""
        self._repeats = times
        self.repeat_after = after

    def write(self, chat: str) -> Verdict:
        """What happens to a write in ``chat``. Raises `RefusedError` for a planned failure."""
        if self.outage:
            return "cut"
        planned = next((plan for plan in self._planned if plan.chat in {"", chat}), None)
        if planned is None:
            return "go"
        planned.times -= 1
        if planned.times <= 0:
            self._planned.remove(planned)
        if planned.status == 0:
            return "lose"
        code, message = _CODES[planned.status]
        retry_after = planned.retry_after or (1 if planned.status == 429 else None)
        raise RefusedError(planned.status, code, message, retry_after=retry_after)

    def repeated(self) -> bool:
        """Whether the activity about to be delivered comes twice."""
        if self._repeats <= 0:
            return False
        self._repeats -= 1
        return True


FOREVER = math.inf
"""For ``times``: until :meth:`Faults.clear`."""
