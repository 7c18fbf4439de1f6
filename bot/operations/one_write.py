"""One write of a workflow: how it is sent, how it is found out what became of it, and what is kept of its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from msgspec import Struct

from bot.azure.errors import AzureError
from bot.azure.plane import Written
from bot.operations.workflow import Failure, StepView, Unknown

Check: TypeAlias = Callable[[], Awaitable[bool | None]]
"""Whether a write took effect: yes, no, or None where that cannot be known."""

TRIES = 6
"""How often a write is sent whose answer was lost and that did not take effect."""


class Answered(Struct):
    """What is kept of a write that is done: where a long one is asked about, and Azure's id of the request."""

    location: str = ""
    request_id: str = ""


class Refused(Struct):
    """What is kept of a write that was refused; see AzureError."""

    code: str
    message: str
    status: int
    values: dict[str, str]
    request_id: str

    @classmethod
    def of(cls, error: AzureError) -> Refused:
        """As it is kept."""
        return cls(error.code, error.message, error.status, dict(error.values), error.request_id)

    def error(self) -> AzureError:
        """As it was raised."""
        return AzureError(self.code, self.message, status=self.status, values=self.values, request_id=self.request_id)


@dataclass(frozen=True)
class Write:
    """One write that is wanted; see :meth:`Run.write`. The codes are in lower case."""

    name: str
    title: str
    shown: StepView
    send: Callable[[], Awaitable[Written]]
    landed: Check | None
    repeatable: bool
    done_if: frozenset[str]
    wait_for: frozenset[str]

    def waits_for(self, error: AzureError) -> bool:
        """Whether a refusal passes by itself."""
        return error.throttled or error.code.lower() in self.wait_for

    def given_up(self, error: AzureError) -> Failure:
        """What it ends with when it was sent again and again."""
        often = f"{self.title}: Azure answered {error.code} {TRIES} times"
        if self.landed:
            return Failure(f"{often}, and nothing shows that it took effect.")
        return Unknown(f"{often}. It may or may not have taken effect.")

    async def is_done(self, error: AzureError, sent_before: bool) -> bool:
        """Whether a refusal means that it is as wanted: by its code, or because the first attempt took effect."""
        if error.code.lower() in self.done_if:
            return True
        return bool(sent_before and self.landed and await self.landed())
