"""Adds a collection of tasks so that each is there once, whatever the service answers, and says what it refused.

The service takes or refuses each task of a collection on its own. A collection that was found too large, or refused as
a whole for what one of its tasks has, is cut in halves; one whose answer was lost is sent again, since a task that is
there by then (``TaskExists``) is the one that was sent before. On a first attempt ``TaskExists`` is a conflict.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec
import structlog
from msgspec import Struct, field

from bot.azure.errors import AzureError
from bot.azure.plane import Written
from bot.domain.task_input.collections import body, halved
from bot.domain.task_input.model import NewTask

log = structlog.get_logger()

TRIES = 8
"""How often tasks are sent whose answer was lost, or that the service failed at: some two minutes."""
_UNSURE = frozenset({"operationtimedout", "timeout", "noconnection"})
"""Codes after which some or all tasks may be there all the same."""
_LONGEST_WAIT = 30.0

Send: TypeAlias = Callable[[bytes], Awaitable[Written]]
Sleep: TypeAlias = Callable[[float], Awaitable[object]]


class Refused(Struct, frozen=True):
    """A task that the service did not take: its code and its words."""

    id: str
    code: str
    message: str


class _Words(Struct):
    value: str = ""


class _Error(Struct):
    code: str = ""
    message: _Words | None = None
    values: list[dict[str, str]] | None = None


class _Result(Struct):
    status: str
    task_id: str = field(name="taskId", default="")
    error: _Error | None = None


class _Answer(Struct):
    value: list[_Result]


_answers = msgspec.json.Decoder(_Answer)


class Collections:
    """Sends collections. ``send`` makes one request, with this body; ``sleep`` waits so many seconds."""

    def __init__(self, send: Send, sleep: Sleep) -> None:
        self._send = send
        self._sleep = sleep

    async def add(self, tasks: Sequence[NewTask], *, sent: bool = False) -> list[Refused]:
        """Add tasks; those that were refused, each with its own error.

        ``sent`` says that they may have been sent before, so that what is there is taken for ours. Raises AzureError
        for what concerns every task alike: the job, the account, the identity.
        """
        refused: list[Refused] = []
        parts = [(tuple(tasks), sent)]
        while parts:
            part, sent = parts.pop()
            again = await self._one(part, sent, refused)
            parts += again
        return refused

    async def _one(
        self, tasks: tuple[NewTask, ...], sent: bool, refused: list[Refused]
    ) -> list[tuple[tuple[NewTask, ...], bool]]:
        """Send a collection until it is answered; what of it has to be sent in smaller parts."""
        for tries in range(1, TRIES + 1):
            last = tries == TRIES
            try:
                results = await self._sent(tasks)
            except AzureError as error:
                if _of_its_content(error):
                    if len(tasks) > 1:
                        return [(half, sent) for half in reversed(halved(tasks))]
                    refused.append(Refused(tasks[0].id, error.code, _told(error)))
                    return []
                unsure = error.code.lower() in _UNSURE or error.status == 0 or error.status >= 500
                if last or not (unsure or error.throttled):
                    raise
                sent = sent or not error.throttled
                await self._sleep(error.retry_after or min(_LONGEST_WAIT, 2.0 ** (tries - 1)))
            else:
                tasks = self._judged(tasks, results, sent, last, refused)
                if not tasks:
                    return []
                sent = True  # what the service failed at may be there
                await self._sleep(min(_LONGEST_WAIT, 2.0 ** (tries - 1)))
        raise AssertionError("the last attempt has returned or raised")

    async def _sent(self, tasks: tuple[NewTask, ...]) -> list[_Result]:
        """What one request is answered. Raises AzureError."""
        written = await self._send(body(tasks))
        try:
            return _answers.decode(written.body).value
        except msgspec.DecodeError as error:
            raise AzureError("UnexpectedAnswer", f"the service answered what is not understood: {error}") from error

    @staticmethod
    def _judged(
        tasks: tuple[NewTask, ...], results: Iterable[_Result], sent: bool, last: bool, refused: list[Refused]
    ) -> tuple[NewTask, ...]:
        """Take up what an answer says; the tasks that the service failed at, to be sent again."""
        by_id = {result.task_id.lower(): result for result in results}
        again = []
        for task in tasks:
            result = by_id.get(task.id.lower())
            if result is not None and result.status.lower() == "success":
                continue
            error = (result.error if result else None) or _Error("NoResult")
            code = error.code.lower()
            if code == "taskexists" and sent:
                continue
            failed = result is None or result.status.lower() == "servererror"
            if failed and not last:
                again.append(task)
            else:
                refused.append(Refused(task.id, error.code, _words(error)))
        return tuple(again)


def _of_its_content(error: AzureError) -> bool:
    """Whether a whole collection was refused for what is in it: it is too large, or a task of it is malformed."""
    return error.status in (400, 413) or error.code.lower() == "requestbodytoolarge"


def _told(error: AzureError) -> str:
    return _with_details(error.message, error.values.items())


def _words(error: _Error) -> str:
    """The service's words without the ids of the request, and the details that it gave."""
    said = (error.message.value if error.message else "").partition("\n")[0].strip()
    details = [(each.get("key", ""), each.get("value", "")) for each in error.values or ()]
    return _with_details(said, details) or "the service did not say why"


def _with_details(said: str, details: Iterable[tuple[str, str]]) -> str:
    return f"{said} {'; '.join(f'{key}: {value}' for key, value in details)}".strip()
