"""What is asked of a library of Microsoft's that stands between the bot and Teams.

Two of them do: :mod:`bot.chat.teams.botbuilder` and :mod:`bot.chat.teams.agents` are written to the protocols below.
All else is the same for both, so what was stored under one is read under the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from bot.chat.teams.activity import Account

if TYPE_CHECKING:
    import aiohttp
    from azure.core.credentials_async import AsyncTokenCredential

    from bot.chat.teams.keys import Keys

Name: TypeAlias = Literal["botbuilder", "agents"]


class TokenCheck(Protocol):
    """A library's check of the bearer token of what comes in. :class:`bot.chat.teams.token_check.Verifier` asks it."""

    def __init__(self, *, app_id: str, issuer: str, scope: str, keys: Keys) -> None:
        """``keys`` are the only ones that count, whatever the library would fetch itself."""
        ...

    def open(self) -> None:
        """Begin to check."""
        ...

    def close(self) -> None:
        """Give back what :meth:`open` took."""
        ...

    async def claims(self, authorization: str, service_url: str) -> Mapping[str, object]:
        """What a sound token says; ``service_url`` is what it claims of that before anything was checked.

        Raises RefusedError, KeysUnavailableError or, as libraries do, anything at all for one that is not sound.
        """
        ...


class Connector(Protocol):
    """The Bot Connector's conversations. What is kept per service URL shares connections and the token.

    An activity is given as the JSON-able object that goes on the wire. Every method raises TeamsError.
    """

    def __init__(
        self, session: aiohttp.ClientSession, credential: AsyncTokenCredential, *, app_id: str, scope: str
    ) -> None: ...

    async def ready(self) -> None:
        """Have a token, so that the first answer does not wait for it."""
        ...

    async def post(
        self, service_url: str, conversation: str, activity: dict[str, object], *, targeted: bool = False
    ) -> str:
        """Send a new message; returns its id. One that is ``targeted`` is seen by its ``recipient`` alone."""
        ...

    async def update(self, service_url: str, conversation: str, message: str, activity: dict[str, object]) -> None:
        """Replace a message that everybody sees."""
        ...

    async def personal(self, service_url: str, person: str, tenant: str) -> str:
        """The id of the chat between the bot and a person, which is begun where there is none yet."""
        ...

    async def member(self, service_url: str, conversation: str, person: str) -> Account:
        """What the roster of a conversation says of one of its members, by the directory's object id."""
        ...

    async def look(self, service_url: str, conversation: str) -> None:
        """Ask who is in a conversation, which says nothing there: it answers where the bot is in it."""
        ...


class Sdk(NamedTuple):
    """A library, as it is used."""

    token_check: Callable[..., TokenCheck]
    connector: Callable[..., Connector]
