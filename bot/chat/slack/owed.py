"""Pictures that are still to follow their message, noted in the database until they are there.

A picture comes by an edit, seconds after its post (:mod:`bot.chat.slack.following`). A program that ends in between
would leave a message that promises one for ever; the next run brings it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from cards.card import Card
from storage.port.decoding import decoded
from storage.port.errors import StoreError
from storage.port.store import Store

log = structlog.get_logger()

_NAMESPACE = "slack-pictures"


class Owed(Struct, frozen=True):
    """A message whose pictures are to follow; ``modern``: its small charts are Slack's own."""

    channel: str
    stamp: str
    card: Card
    modern: bool
    since: datetime


class _Kept(Struct, frozen=True):
    card: Card
    modern: bool


class OwedPictures:
    """The notes. Where the store does not take them, messages go on as if there were none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: set[tuple[str, str]] = set()
        self._loaded = False

    async def left(self) -> list[Owed]:
        """What an earlier run owes; to be read once, before messages are sent."""
        found = []
        for channel, each in await self._store.all_preferences(_NAMESPACE):
            kept = decoded(each.value, _Kept)
            if kept is None:  # of another version of the program
                log.warning("slack.picture_unreadable", channel=channel)
                await self._deleted(channel, each.name)
                continue
            found.append(Owed(channel, each.name, kept.card, kept.modern, each.at))
            self._noted.add((channel, each.name))
        self._loaded = True
        return found

    async def note(self, channel: str, stamp: str, card: Card, *, modern: bool) -> None:
        """The message is posted, its pictures are not there yet. A card with secrets is never kept."""
        if card.secrets:
            return
        await self._tried(
            self._store.put_preference,
            *(_NAMESPACE, channel, stamp, msgspec.json.encode(_Kept(card, modern)), datetime.now(UTC)),
        )
        self._noted.add((channel, stamp))

    async def settle(self, channel: str, stamp: str) -> None:
        """Its pictures are there, or are wanted no more."""
        if self._loaded and (channel, stamp) not in self._noted:
            return
        self._noted.discard((channel, stamp))
        await self._deleted(channel, stamp)

    async def _deleted(self, channel: str, stamp: str) -> None:
        await self._tried(self._store.delete_preference, _NAMESPACE, channel, stamp)

    async def _tried(self, call: Any, *values: Any) -> None:
        try:
            await call(*values)
        except StoreError as error:
            log.error("slack.picture_unnoted", message=str(error))  # noqa: TRY400 - it says all
