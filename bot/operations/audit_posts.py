"""The audit trail in a conversation: every line of it, a few in one message, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

import msgspec
import structlog

from bot.chat.platforms import PLATFORMS
from bot.chat.request import Conversation
from cards.build import bold, code, muted, stamped, text
from cards.card import Bullets, Card, Footer, Mark, Text, Time
from cards.formatting import plural
from storage.port.audit import AuditRow
from storage.port.decoding import decoded
from storage.port.outbox import OutboxEntry
from storage.port.store import Store

log = structlog.get_logger()

_AT_ONCE = 15
"""Lines in one message: about a screen."""
_MARKS = {"done": Mark.DONE, "started": Mark.CHANGING, "failed": Mark.FAILED, "emergency": Mark.FAILED}


class Posting(Protocol):
    """What is needed of :class:`bot.requests.services.Chatting`."""

    @property
    def zone(self) -> str:
        """IANA name of the zone that moments are shown in."""
        ...

    @property
    def posted(self) -> Callable[[Iterable[OutboxEntry]], None] | None:
        """Hears of messages in the outbox."""
        ...


class AuditPosts:
    """Posts what was written since the last message."""

    def __init__(self, store: Store, conversation: str, posting: Posting) -> None:
        """``conversation`` is its key; empty where nothing is to be posted."""
        self._store = store
        self._key = conversation
        self._posting = posting

    async def post(self, now: datetime) -> int:
        """Put lines that are not posted yet into the outbox, some at a time; how many."""
        if not self._key or (conversation := await self._conversation()) is None:
            return 0
        after = await self._store.audit_posted()
        last, hash_ = await self._store.audit_head()
        if not last or after == last:
            return 0
        first = after == 0 and last > _AT_ONCE  # switched on later: what was before is not posted
        rows = [] if first else await self._store.audit_rows(after, _AT_ONCE)
        upto, card = (last, _begun(last, hash_)) if first else (rows[-1].seq, posted_card(rows))
        entry = OutboxEntry(
            f"audit-{after}",
            conversation.key,
            msgspec.json.encode(conversation),
            msgspec.json.encode(stamped(card, zone=self._posting.zone, as_of=now)),
            1,
            now,
        )
        if not await self._store.post_audit(after, upto, entry):
            return 0
        if self._posting.posted:
            self._posting.posted([entry])
        return len(rows) or 1

    async def _conversation(self) -> Conversation | None:
        platform, _, id_ = self._key.partition(":")
        for known in await self._store.conversations(platform):
            if known.id == id_ and (found := decoded(known.body, Conversation)):
                return found
        return PLATFORMS[platform].conversation(id_) if platform in PLATFORMS else None


def posted_card(rows: list[AuditRow]) -> Card:
    """Some lines, with the hash of the last one: whoever keeps this message can tell that nothing was altered since."""
    marks = [_MARKS.get(row.entry.result, Mark.NEUTRAL) for row in rows]
    worst = next((mark for mark in (Mark.FAILED, Mark.CHANGING, Mark.DONE) if mark in marks), Mark.NEUTRAL)
    last = rows[-1]
    return Card(
        title=text(bold(f"Audit trail: {plural(len(rows), 'line')}")),
        mark=worst,
        blocks=(
            Bullets(tuple(_line(row) for row in rows)),
            Footer(text(muted(f"Line {last.seq} has the hash "), code(last.hash))),
        ),
    )


def _begun(last: int, hash_: str) -> Card:
    return Card(
        title=text(bold("The audit trail is posted here from now on.")),
        blocks=(Footer(text(muted(f"Line {last} has the hash "), code(hash_))),),
    )


def _line(row: AuditRow) -> Text:
    entry = row.entry
    why = f" ({entry.rule})" if entry.rule else ""
    reason = f": {entry.reason}" if entry.reason else ""
    return text(Time(entry.at, "clock"), f" {entry.person} {entry.result} ", code(entry.command), why, reason)
