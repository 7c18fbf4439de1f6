"""One attempt at one receiver, and what its answer means."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import aiohttp
from msgspec import Struct
from yarl import URL

from bot import tracing
from bot.clock import asked_wait
from bot.webhooks.events import CONTENT_TYPE
from bot.webhooks.reach import ForbiddenAddressError, check_literal, guarded_session
from bot.webhooks.settings import WebhookSettings
from bot.webhooks.signature import signed

_LATER = frozenset({408, 425, 429})
_OF_THE_EVENT = frozenset({400, 413, 415, 422})
"""Answers to this event; of all other refusals the next event would get the same."""
_USER_AGENT = "batchbot (CloudEvents 1.0; Standard Webhooks 1.0)"


class Answer(Struct, frozen=True):
    """What came of an attempt.

    ``taken``; ``later``: it may be taken in ``wait`` seconds, or when it is convenient; ``refused``: this event is not
    wanted; ``barred``: the receiver takes none of ours as things are; ``gone``: it wants none ever again (410).
    ``code`` is a word or two for the log and for people, without anything that the receiver wrote.
    """

    meaning: Literal["taken", "later", "refused", "barred", "gone"]
    code: str
    wait: float | None = None


class Receiver:
    """A program that is told. Sessions are its own: one that hangs holds up no other."""

    def __init__(self, settings: WebhookSettings, environment: Mapping[str, str]) -> None:
        """Raises SettingsError where a variable does not hold what it should."""
        self.settings = settings
        self._keys = settings.keys(environment)
        self._url = URL(settings.address(environment), encoded=True)
        self._session: aiohttp.ClientSession | None = None

    async def call(self, id_: str, body: bytes) -> Answer:
        """Send an event once."""
        headers = {"Content-Type": CONTENT_TYPE, "User-Agent": _USER_AGENT}
        headers |= signed(id_, datetime.now(UTC), body, self._keys)
        try:
            check_literal(self._url, self.settings.networks)
            with tracing.span("webhook.call", batchbot__webhook=self.settings.name):
                async with self._open().post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                    tracing.note(http__response__status_code=answer.status)
                    return _meaning(answer)
        except ForbiddenAddressError as error:
            return Answer("barred", str(error))
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, ForbiddenAddressError):
                return Answer("barred", str(error.os_error))
            return Answer("later", _kind(error))
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: what is no HTTP
            return Answer("later", _kind(error))

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = guarded_session(self.settings.networks, self.settings.timeout_seconds)
        return self._session


def _meaning(answer: aiohttp.ClientResponse) -> Answer:
    status = answer.status
    code = f"answers {status}"
    if 200 <= status < 300:
        return Answer("taken", code)
    if status in _LATER or status >= 500:
        return Answer("later", code, asked_wait(answer.headers.get("Retry-After")))
    if status == 410:
        return Answer("gone", code)
    if status in _OF_THE_EVENT:
        return Answer("refused", code)
    return Answer("barred", f"{code}, a redirect, which is not followed" if 300 <= status < 400 else code)


def _kind(error: Exception) -> str:
    """Why there was no answer, without an address."""
    if isinstance(error, asyncio.TimeoutError):
        return "does not answer in time"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "has a name that is not found"
    if isinstance(error, aiohttp.ClientSSLError):
        return "has a certificate that is not accepted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "cannot be connected to"
    return "breaks off"
