"""The audit trail in a conversation: every line of it, a few in one message, each once.

Where it ends is said there once a day and in the log once an hour: with that, kept outside of the database, it can be
proved later that nothing was cut off (``audit verify HASH``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Protocol

import msgspec
import structlog

from bot.chat.named import named
from bot.chat.request import Conversation
from cards.build import bold, code, muted, stamped, text
from cards.card import Bullets, Card, Footer, Mark, Text, Time, Words
from cards.formatting import plural
from storage.port.audit import AuditRow
from storage.port.outbox import OutboxEntry
from storage.port.store import Store

log = structlog.get_logger()

_AT_ONCE = 15
"""Lines in one message: about a screen."""
_LOGGED = timedelta(hours=1)
"""How often the log says where the trail ends."""
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
        self._day: date | None = None
        self._logged: datetime | None = None

    async def post(self, now: datetime) -> int:
        """Put lines that are not posted yet into the outbox, some at a time; how many."""
        last, hash_ = await self._store.audit_head()
        if self._logged is None or now - self._logged >= _LOGGED:
            log.info("audit.head", line=last, hash=hash_)
            self._logged = now
        if not self._key or (conversation := await named(self._store, self._key)) is None:
            return 0
        after = await self._store.audit_posted()
        if last <= after:
            if after and self._day != now.date():
                card = _ends(last, hash_) if last == after else _lost(last, after)
                await self._put(f"audit-of-{now:%Y-%m-%d}", after, after, conversation, card, now)
            return 0
        first = after == 0 and last > _AT_ONCE  # switched on later: what was before is not posted
        rows = [] if first else await self._store.audit_rows(after, _AT_ONCE)
        upto, card = (last, _begun(last, hash_)) if first else (rows[-1].seq, posted_card(rows))
        return (len(rows) or 1) if await self._put(f"audit-{after}", after, upto, conversation, card, now) else 0

    async def _put(self, id_: str, after: int, upto: int, to: Conversation, card: Card, now: datetime) -> bool:
        """Put a message into the outbox, after which no other is needed today to say where the trail ends."""
        encoded = msgspec.json.encode(stamped(card, zone=self._posting.zone, as_of=now))
        entry = OutboxEntry(id_, to.key, msgspec.json.encode(to), encoded, 1, now)
        self._day = now.date()
        if not await self._store.post_audit(after, upto, entry):
            return False
        if self._posting.posted:
            self._posting.posted([entry])
        return True


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


def _ends(last: int, hash_: str) -> Card:
    return Card(
        title=text(bold(f"The audit trail has {plural(last, 'line')}.")),
        blocks=(Footer(text(muted(f"Line {last} has the hash "), code(hash_))),),
    )


def _lost(last: int, after: int) -> Card:
    return Card(
        title=text(bold(f"The audit trail has lost {plural(after - last, 'line')} at its end.")),
        mark=Mark.FAILED,
        blocks=(Words(text(f"It had {plural(after, 'line')}, and has {last}. Compare the database with a backup.")),),
    )


def _line(row: AuditRow) -> Text:
    entry = row.entry
    why = f" ({entry.rule})" if entry.rule else ""
    reason = f": {entry.reason}" if entry.reason else ""
    return text(Time(entry.at, "clock"), f" {entry.person} {entry.result} ", code(entry.command), why, reason)
