"""The keys that sign the service's requests, fetched without blocking the event loop.

The framework's own fetch calls ``requests`` without a timeout from the event loop, and never asks for a new key
when an unknown one turns up (it fails on the lookup before). This one stands in its conversation.
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

from bot.chat.hosts import host_of, same_host
from bot.chat.teams.errors import KeysUnavailableError, RefusedError
from bot.settings import is_loopback

log = structlog.get_logger()

_DAY = 24 * 3600.0
_PAUSE = 300.0
"""Seconds between two searches for an unknown key: whoever invents key ids cannot make us hammer the service."""
_SHORT_PAUSE = 5.0
"""The same while there is no key at all."""

_TIMEOUT = aiohttp.ClientTimeout(total=10)


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
        if self._lacks(key_id):
            async with self._fetching:  # whoever comes meanwhile waits for the same fetch
                if self._lacks(key_id) and self._due():
                    await self._fetch()
        if key_id in self._keys:
            return self._keys[key_id]
        if self._fetched is None:
            raise KeysUnavailableError(self.url)
        raise RefusedError("unknown key")

    def _lacks(self, key_id: str) -> bool:
        return key_id not in self._keys or self._fetched is None or self._clock() - self._fetched > _DAY

    def _due(self) -> bool:
        pause = _PAUSE if self._keys else _SHORT_PAUSE
        return self._tried is None or self._clock() - self._tried > pause

    async def _fetch(self) -> None:
        """Fetch the keys; the old ones stay good when that fails."""
        self._tried = self._clock()
        try:
            discovery = msgspec.json.decode(await self._read(self.url), type=_Discovery)
            answer = msgspec.json.decode(await self._read(discovery.jwks_uri), type=_KeySet)
            self._keys = {str(key["kid"]): _key(key) for key in answer.keys if key.get("kty") == "RSA" and "kid" in key}
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError, jwt.PyJWTError, ValueError) as error:
            log.warning("teams.keys_unavailable", url=self.url, error=f"{type(error).__name__}: {error}")
        else:
            self._fetched = self._clock()

    async def _read(self, url: str) -> bytes:
        if not same_host(url, self.url):
            raise ValueError(f"keys are not fetched from {host_of(url) or 'no host'}")
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ValueError(f"keys are fetched over https only, not from {parts.scheme}://{parts.hostname}")
        if self._session is None:
            raise ValueError("not started")
        async with self._session.get(url, timeout=_TIMEOUT, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"{answer.status} from {parts.hostname}")
            return await answer.read()


def _key(key: dict[str, object]) -> Key:
    endorsements = key.get("endorsements")
    return Key(
        jwt.algorithms.RSAAlgorithm.from_jwk({name: value for name, value in key.items() if isinstance(value, str)}),
        [str(name) for name in endorsements] if isinstance(endorsements, list) else [],
    )
