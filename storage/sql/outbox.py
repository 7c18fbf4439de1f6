"""The outbox: :class:`storage.port.outbox.OutboxStore`.

Whoever decides writes the card and its version (:func:`put_entries`), whoever delivers all the rest, so neither ever
takes back what the other did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from storage.port.outbox import WEBHOOK, AttemptState, DeliveryState, OutboxEntry
from storage.sql.connection import Connection
from storage.sql.database import Database
from storage.sql.timestamps import from_timestamp, to_timestamp

_COLUMNS = (
    "outbox.id, destination, address, card, version, not_before, reply_to, broadcast, urgent, "
    "state, sent, message, channel, attempts, first_attempt, error, repeated"
)

_PRUNABLE = f"""
    not_before < ? AND state <> 'claimed'
    AND (sent >= version OR state IN ('gone', 'dead') OR substr(destination, 1, {len(WEBHOOK) + 1}) = '{WEBHOOK}:')
    AND NOT EXISTS (SELECT 1 FROM outbox AS reply WHERE reply.reply_to <> '' AND reply.reply_to = outbox.id)
    AND NOT EXISTS (
        SELECT 1 FROM notifications AS shown JOIN incidents ON incidents.id = shown.incident
        WHERE shown.conversation = outbox.destination AND shown.open = 1 AND incidents.opened <= outbox.not_before
    )
"""  # noqa: S608 - a fixed word
"""Entries that were due before a moment and have nothing more to say.

Those that cannot be delivered any more count too, and events whose receiver did not take them in all that time: what
nobody comes for would grow without end. An entry stays while another lies in its thread, and while something
that it may be about is still open in its conversation: an entry that is forgotten is posted anew.
"""


_UNDELIVERED = "state <> 'dead' AND (sent < version OR state = 'claimed')"
_EVENT = f"substr(destination, 1, {len(WEBHOOK) + 1}) = '{WEBHOOK}:'"
_FIRST_EVENTS = f"""
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY destination ORDER BY not_before, seq) AS place
        FROM outbox WHERE {_UNDELIVERED} AND {_EVENT}
    ) AS numbered WHERE place <= ?
"""  # noqa: S608 - fixed words


class SqlOutbox(Connection):
    """Entries are written by :mod:`storage.sql.changes`; here is how far each was delivered."""

    async def undelivered(self, events: int = 0) -> list[DeliveryState]:
        """Those that are behind or in doubt and not dead, by ``not_before``; of one moment in the order they came.

        Of each webhook the first ``events``, all where that is 0.
        """
        few = f"AND (NOT {_EVENT} OR outbox.id IN ({_FIRST_EVENTS}))" if events else ""
        sql = (
            f"SELECT {_COLUMNS} FROM outbox {self._db.dialect.by_index('outbox_undelivered')} "  # noqa: S608
            f"WHERE {_UNDELIVERED} {few} ORDER BY not_before, seq"
        )
        return await self._run(lambda: _deliveries(self._db.execute(sql, [events] if events else [])))

    async def events_waiting(self) -> dict[str, int]:
        """Undelivered entries of each webhook, counted."""
        sql = f"SELECT destination, count(*) FROM outbox WHERE {_UNDELIVERED} AND {_EVENT} GROUP BY destination"  # noqa: S608
        return await self._run(lambda: {where: int(number) for where, number in self._db.execute(sql)})

    async def deliveries(self, entries: Sequence[str]) -> list[DeliveryState]:
        """These entries in the order asked for; unknown ones are left out."""
        sql = f"SELECT {_COLUMNS} FROM outbox WHERE outbox.id IN ({self._db.dialect.texts})"  # noqa: S608
        places = {entry: place for place, entry in enumerate(dict.fromkeys(entries))}
        asked = msgspec.json.encode(list(places)).decode()

        def work() -> list[DeliveryState]:
            return sorted(_deliveries(self._db.execute(sql, [asked])), key=lambda each: places[each.entry.id])

        return await self._run(work)

    async def claim(self, entry: str, at: datetime) -> bool:
        """Claim a first post; of any number of callers, and after a crash, one at most gets True."""
        sql = (
            "UPDATE outbox SET state = 'claimed', first_attempt = coalesce(first_attempt, ?) "
            "WHERE id = ? AND state = 'open' AND sent = 0 AND message = ''"
        )
        return bool(await self._write(sql, [to_timestamp(at), entry]))

    async def delivered(self, entry: str, version: int, message: str, channel: str, *, repeated: bool = False) -> None:
        """A version is shown: whatever was wrong is over."""
        sql = (
            "UPDATE outbox SET state = 'open', sent = ?, message = ?, channel = ?, attempts = 0, error = '', "
            "repeated = CASE WHEN repeated = 1 THEN 1 ELSE ? END WHERE id = ?"
        )
        await self._write(sql, [version, message, channel, int(repeated), entry])

    async def attempt_failed(
        self, entry: str, state: AttemptState, error: str, not_before: datetime | None = None
    ) -> None:
        """One attempt more has failed."""
        sql = (
            "UPDATE outbox SET state = ?, error = ?, not_before = coalesce(?, not_before), attempts = attempts + 1 "
            "WHERE id = ?"
        )
        await self._write(sql, [state, error, None if not_before is None else to_timestamp(not_before), entry])

    async def destination_restored(self, destination: str) -> int:
        """Open the entries of a conversation that was gone again, with a clean slate; returns how many."""
        sql = "UPDATE outbox SET state = 'open', attempts = 0, error = '' WHERE destination = ? AND state = 'gone'"
        return await self._write(sql, [destination])

    async def _prune_outbox(self, now: datetime) -> int:
        """Delete entries that have nothing more to say, a slice at a time; returns how many."""
        return await self._delete("outbox", "seq", _PRUNABLE, [to_timestamp(now - self._retention.entries)])


def put_entries(db: Database, entries: Sequence[OutboxEntry]) -> None:
    """Insert, or overwrite ``card``, ``version``, ``not_before``, ``broadcast`` and ``urgent``; in a transaction."""
    db.executemany(
        """
        INSERT INTO outbox (id, destination, address, card, version, not_before, reply_to, broadcast, urgent)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            card = excluded.card, version = excluded.version, not_before = excluded.not_before,
            broadcast = excluded.broadcast, urgent = excluded.urgent
        """,
        [
            (
                *(e.id, e.destination, e.address, e.card, e.version),
                *(to_timestamp(e.not_before), e.reply_to, e.broadcast, e.urgent),
            )
            for e in entries
        ],
    )


def _deliveries(rows: Iterable[tuple[Any, ...]]) -> list[DeliveryState]:
    found = []
    for row in rows:
        id_, destination, address, card, version, not_before, reply_to, broadcast, urgent = row[:9]
        state, sent, message, channel, attempts, first, error, repeated = row[9:]
        due, begun = from_timestamp(not_before), None if first is None else from_timestamp(first)
        entry = OutboxEntry(id_, destination, address, card, version, due, reply_to, bool(broadcast), bool(urgent))
        found.append(DeliveryState(entry, state, sent, message, channel, attempts, begun, error, bool(repeated)))
    return found
