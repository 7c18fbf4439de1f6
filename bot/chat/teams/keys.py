"""The keys that sign the service's requests, fetched without blocking the event loop.

The framework's own fetch calls ``requests`` without a timeout from the event loop, and never looks for a new key
when an unknown one turns up (it fails on the lookup before). This one stands in its place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import jwt
import msgspec
import structlog
from msgspec import Struct

from bot.chat.teams.errors import KeysUnavailableError, RefusedError
from bot.settings import is_loopback

log = structlog.get_logger()

_DAY = 24 * 3600.0
_UNKNOWN_KEY_PAUSE = 300.0
"""Seconds between two looks for an unknown key: whoever invents key ids cannot make us hammer the service."""

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MOST_BYTES = 1 << 20


class Key(NamedTuple):
    """A public key and the channels it may sign for."""

    public_key: object
    endorsements: list[str]


class _Discovery(Struct):
    jwks_uri: str


class _KeySet(Struct):
    keys: list[dict[str, object]]


class Keys:
    """The service's current keys by id; refreshed daily, and when an unknown key turns up."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._keys: dict[str, Key] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._fetching = asyncio.Lock()

    def open(self, session: aiohttp.ClientSession) -> None:
        """Fetch over ``session`` from now on."""
        self._session = session

    async def get(self, key_id: str | None) -> Key:
        """The key with this id. Raises RefusedError for an unknown one, KeysUnavailableError when none can be had."""
        if not key_id:
            raise RefusedError("the token names no key")
        if self._fetched is None or self._clock() - self._fetched > _DAY:
            await self._refresh(self._fetched)
        if key_id not in self._keys and self._tried is not None and self._clock() - self._tried > _UNKNOWN_KEY_PAUSE:
            await self._refresh(self._fetched)
        try:
            return self._keys[key_id]
        except KeyError:
            raise RefusedError("unknown key") from None

    async def _refresh(self, seen: float | None) -> None:
        """Fetch once, however many ask at the same time; old keys stay good when the service cannot be reached."""
        async with self._fetching:
            if self._fetched != seen:
                return
            self._tried = self._clock()
            try:
                discovery = msgspec.json.decode(await self._read(self.url), type=_Discovery)
                answer = msgspec.json.decode(await self._read(discovery.jwks_uri), type=_KeySet)
                self._keys = {
                    str(key["kid"]): _key(key) for key in answer.keys if key.get("kty") == "RSA" and "kid" in key
                }
            except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError, jwt.PyJWTError, ValueError) as error:
                log.warning("teams.keys_unavailable", url=self.url, error=f"{type(error).__name__}: {error}"[:200])
                if not self._keys:
                    raise KeysUnavailableError(self.url) from error
            else:
                self._fetched = self._clock()

    async def _read(self, url: str) -> bytes:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ValueError(f"keys are fetched over https only, not from {parts.scheme}://{parts.hostname}")
        if self._session is None:
            raise KeysUnavailableError("not started")
        async with self._session.get(url, timeout=_TIMEOUT, allow_redirects=False, raise_for_status=True) as answer:
            if answer.status != 200:
                raise ValueError(f"{answer.status} from {parts.hostname}")
            body = await answer.content.read(_MOST_BYTES)
            return body + await answer.content.read(_MOST_BYTES) if not answer.content.at_eof() else body


def _key(key: dict[str, object]) -> Key:
    endorsements = key.get("endorsements")
    return Key(
        jwt.algorithms.RSAAlgorithm.from_jwk({name: value for name, value in key.items() if isinstance(value, str)}),
        [str(name) for name in endorsements] if isinstance(endorsements, list) else [],
    )
