"""What could not be known while something was answered, so that the answer says so instead of leaving it out.

Two things come here: a read that only adds to an answer and failed (:func:`maybe`), and fields of an answer that are
no value of their kind (:mod:`bot.azure.decoding`). Whoever makes an answer listens; where nobody does, what is noted
goes to the log alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import structlog

from bot.azure.errors import AzureError

T = TypeVar("T")
log = structlog.get_logger()


class Gaps:
    """What is not known, in the order in which it turned out: a thing in words, and why."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def note(self, what: str, why: str) -> None:
        """Note it, once."""
        self._found.setdefault(what, why)

    def forget(self) -> None:
        """What was not known is read anew."""
        self._found.clear()

    @property
    def lines(self) -> list[str]:
        """``task counts of job x (503, Azure is busy)``."""
        return [f"{what} ({why})" if why else what for what, why in self._found.items()]

    def __len__(self) -> int:
        return len(self._found)


_listening: ContextVar[Gaps | None] = ContextVar("gaps", default=None)


@contextmanager
def listening(found: Gaps | None = None) -> Iterator[Gaps]:
    """What is not known is noted there while it lasts; whoever listened before listens again after it."""
    gaps = Gaps() if found is None else found
    token = _listening.set(gaps)
    try:
        yield gaps
    finally:
        _listening.reset(token)


def forget() -> None:
    """What was not known so far is read anew, for an answer that goes on: what it shows is as of now."""
    if gaps := _listening.get():
        gaps.forget()


def note(what: str, why: str = "") -> None:
    """Something is not known."""
    gaps = _listening.get()
    if gaps is None:
        log.info("azure.not_known", what=what, why=why)
    else:
        gaps.note(what, why)


async def maybe(what: str, read: Awaitable[T]) -> T | None:
    """What is read; None, and noted, where it cannot be had. ``what`` it is in words: ``task counts of job x``."""
    try:
        return await read
    except AzureError as error:
        note(what, reason(error))
        return None


def missed(what: str, error: AzureError) -> str:
    """Note that something could not be read, and why.

    Resource Manager tells nothing of an account that is reached with its key, which is how it is set up and no gap of
    this answer: that is not noted, and comes back in words for whoever wants to say it; else they are empty.
    """
    if error.code == "NoTokenCredential":
        return error.message
    note(what, reason(error))
    return ""


def reason(error: AzureError) -> str:
    """Why something could not be read, in a few words of our own: ``503, Azure is busy``."""
    if error.status:
        words = _WORDS.get(error.status) or ("Azure failed at it" if error.status >= 500 else "Azure refused it")
        return f"{error.status}, {words}"
    return _CODES.get(error.code, "Azure's answer was not understood")


_WORDS = {
    401: "the bot's identity is not accepted",
    403: "the bot is not allowed to read it",
    404: "there is none",
    409: "its state forbids it now",
    429: "Azure is busy",
    503: "Azure is busy",
}
_CODES = {
    "Timeout": "no answer in time",
    "NoConnection": "the connection broke off",
    "NoToken": "no identity that Azure accepts",
    "NoTokenCredential": "the account is reached with its key",
}
