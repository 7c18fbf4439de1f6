"""Which of the Entra groups that the settings name a person is in, through Microsoft Graph.

``POST /users/{id}/checkMemberGroups`` answers for up to 20 groups at once, groups within groups included. The bot asks
with its own identity, which needs the application permissions GroupMember.Read.All and User.Read.All
(learn.microsoft.com, "user: checkMemberGroups"). An answer is believed for five minutes; where there is none, the
groups count as unread, which grants nothing. Without a group in the settings nothing is asked.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp
import msgspec
import structlog
from azure.core.exceptions import AzureError
from msgspec import Struct

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

from bot.clock import asked_wait

log = structlog.get_logger()

PREFIX = "group:"
"""Before the object id of a group in the settings, since ids of people and groups look alike."""
BELIEVED_SECONDS = 300.0
"""For how long an answer is believed."""
_BATCH = 20
"""Groups that Graph takes in one request."""
_MOST = 10_000
_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)


class _Members(Struct):
    value: list[str]


class _Error(Struct):
    code: str = ""


class _Failure(Struct):
    error: _Error = msgspec.field(default_factory=_Error)


class EntraGroups:
    """Memberships of those who wrote. ``url`` is Graph's with its version, ``clock`` gives monotonic seconds."""

    def __init__(
        self, credential: AsyncTokenCredential, url: str, scope: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._credential = credential
        self._url = url.rstrip("/")
        self._scope = scope
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._named: tuple[str, ...] = ()
        self._read: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()
        self._not_before = 0.0

    def open(self, session: aiohttp.ClientSession) -> None:
        """Ask through this session."""
        self._session = session

    def name(self, groups: frozenset[str]) -> None:
        """The groups that are asked about, as the settings write them: ``group:<object id>``."""
        named = tuple(sorted(groups))
        if not {*named} <= {*self._named}:
            self._read.clear()  # nobody was asked about these yet: whoever was not found is not known to be outside
        self._named = named

    def of(self, person: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The groups that a person is in, and those of which it is not known; as the settings write them."""
        found = self._read.get(person)
        if found is None or self._clock() - found[0] >= BELIEVED_SECONDS:
            return (), self._named
        return tuple(group for group in self._named if _object_id(group) in found[1]), ()

    async def ready(self) -> None:
        """Have a token, which the credential keeps, so that the first look-up does not wait for it.

        Raises what the credential raises.
        """
        if self._named:
            await self._credential.get_token(self._scope)

    async def known(self, person: str) -> None:
        """Ask where it is not known; ``person`` is a directory object id. Never raises: what fails is logged."""
        if self._session is None or not self.of(person)[1] or self._clock() < self._not_before:
            return
        asked = self._clock()
        found: set[str] = set()
        try:
            token = (await self._credential.get_token(self._scope)).token
            groups = sorted({_object_id(group) for group in self._named})
            for start in range(0, len(groups), _BATCH):
                answer = await self._ask(self._session, token, person, groups[start : start + _BATCH])
                if answer is None:
                    return
                found |= answer
        except (AzureError, aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
            log.warning("teams.groups_unread", error=type(error).__name__)
            return
        self._read[person] = asked, frozenset(found)
        self._read.move_to_end(person)
        while len(self._read) > _MOST:
            self._read.popitem(last=False)

    async def _ask(
        self, session: aiohttp.ClientSession, token: str, person: str, groups: list[str]
    ) -> frozenset[str] | None:
        """Which of the groups they are in; None where Graph refuses. Raises what the client raises."""
        async with session.post(
            f"{self._url}/users/{quote(person, safe='')}/checkMemberGroups",
            json={"groupIds": groups},
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT,
            allow_redirects=False,
        ) as response:
            body = await response.read()
            if response.status == 200:
                return frozenset(group.lower() for group in msgspec.json.decode(body, type=_Members).value)
            log.warning(
                "teams.groups_unread",
                status=response.status,
                code=_code(body),
                request_id=response.headers.get("request-id"),
            )
            if response.status in (429, 503):
                wait = asked_wait(response.headers.get("Retry-After"))
                self._not_before = self._clock() + (5.0 if wait is None else wait)
            return None


def _object_id(group: str) -> str:
    """The object id of a group as the settings write it; Graph writes them in small letters."""
    return group.removeprefix(PREFIX).lower()


def _code(body: bytes) -> str:
    """Graph's word for what it refused, such as ``Authorization_RequestDenied``."""
    try:
        return msgspec.json.decode(body, type=_Failure).error.code
    except msgspec.MsgspecError:
        return ""
