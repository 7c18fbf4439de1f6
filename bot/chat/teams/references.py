"""Which conversations the bot is in, and under which address: what it needs to speak first."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import structlog

from bot.ask import Place
from storage.port import Reference, Store

log = structlog.get_logger()


class References:
    """The stored conversation references; a write happens only where something changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, str] = {}

    async def load(self) -> None:
        """Learn what is stored."""
        for reference in await self._store.references("teams"):
            if reference.reachable:
                try:
                    self._known[reference.id] = msgspec.json.decode(reference.body, type=Place).service_url
                except msgspec.DecodeError as error:
                    log.warning("teams.reference_unreadable", id=reference.id, error=str(error))

    async def joined(self, place: Place, at: datetime) -> None:
        """The bot was added here."""
        await self._write(place, at, reachable=True)

    async def heard(self, place: Place, at: datetime) -> None:
        """Somebody spoke here, so the bot is here; Teams may have moved the conversation to another address."""
        if self._known.get(place.id) != place.service_url:
            await self._write(place, at, reachable=True)

    async def left(self, place: Place, at: datetime | None = None) -> None:
        """The bot was removed from here, or the conversation is no more."""
        await self._write(place, at or datetime.now(UTC), reachable=False)

    async def _write(self, place: Place, at: datetime, *, reachable: bool) -> None:
        body = msgspec.json.encode(msgspec.structs.replace(place, thread=None))
        await self._store.remember(Reference("teams", place.id, body, at, reachable))
        if reachable:
            self._known[place.id] = place.service_url
        else:
            self._known.pop(place.id, None)
