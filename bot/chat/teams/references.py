"""Which conversations the bot is in, and under which address: what it needs to speak first."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import structlog

from bot.chat.port import Reach
from bot.requests.request import Place
from storage.port.store import Reference, Store

log = structlog.get_logger()


class References:
    """The stored conversation references; a write happens only where something changed."""

    def __init__(self, store: Store) -> None:
        self.told: Reach | None = None
        self._store = store
        self._known: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._lost: dict[str, Place] = {}

    async def load(self) -> None:
        """Learn what is stored."""
        for reference in await self._store.references("teams"):
            try:
                self._note(msgspec.json.decode(reference.body, type=Place), reachable=reference.reachable)
            except msgspec.DecodeError as error:
                log.warning("teams.reference_unreadable", id=reference.id, error=str(error))

    def current(self, place: Place) -> Place:
        """The place under the address that is known last: Teams moves conversations."""
        url = self._known.get(place.id)
        return msgspec.structs.replace(place, service_url=url) if url else place

    async def renamed(self, place: Place, at: datetime) -> None:
        """A channel has another name now."""
        if place.id in self._known:
            await self._write(place, at, reachable=True)

    async def joined(self, place: Place, at: datetime) -> None:
        """The bot was added here. It is added to a team as a whole: channels where it was lost may be back too."""
        await self._write(place, at, reachable=True)
        if self.told:
            await self.told(place, True)
            for channel in [each for each in self._lost.values() if place.kind == each.kind == "channel"]:
                await self.told(channel, True)

    async def heard(self, place: Place, at: datetime) -> None:
        """Somebody spoke here, or a message was taken, so the bot is here; perhaps under another address now."""
        known = self._known.get(place.id)
        if known != place.service_url:
            await self._write(place, at, reachable=True)
        if known is None and self.told:
            await self.told(place, True)

    async def left(self, place: Place, at: datetime | None = None) -> None:
        """The bot was removed from here, or the conversation is no more."""
        await self._write(place, at or datetime.now(UTC), reachable=False)
        if self.told:
            await self.told(place, False)

    async def _write(self, place: Place, at: datetime, *, reachable: bool) -> None:
        name = place.name or self._names.get(place.id, "")  # most activities tell none
        body = msgspec.json.encode(msgspec.structs.replace(place, thread=None, name=name))
        await self._store.remember(Reference("teams", place.id, body, at, reachable))
        self._note(place, reachable=reachable)

    def _note(self, place: Place, *, reachable: bool) -> None:
        if place.name:
            self._names[place.id] = place.name
        if reachable:
            self._known[place.id] = place.service_url
            self._lost.pop(place.id, None)
        else:
            self._known.pop(place.id, None)
            self._lost[place.id] = msgspec.structs.replace(place, thread=None)
