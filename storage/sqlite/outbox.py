"""The SQL of letters and of how far each came. Run in the store's thread.

Whoever decides writes the card and its version (:func:`put`), whoever delivers all the rest, so neither ever takes
back what the other did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database

from storage.port.watching import DeliveryState, OutboxEntry
from storage.sqlite.timestamps import from_timestamp, to_timestamp

_COLUMNS = (
    "letters.id, place, address, card, version, due, under, loud, state, sent, message, channel, attempts, first, error"
)

PRUNABLE = """
    due < ? AND state <> 'claimed' AND (sent >= version OR state IN ('gone', 'dead'))
    AND NOT EXISTS (SELECT 1 FROM letters AS reply WHERE reply.under <> '' AND reply.under = letters.id)
    AND NOT EXISTS (
        SELECT 1 FROM notices JOIN incidents ON incidents.id = notices.incident
        WHERE notices.place = letters.place AND notices.open = 1 AND incidents.opened <= letters.due
    )
"""
"""Letters that were due before a moment and have nothing more to say.

Those that nobody can be given any more count too. A letter stays while another lies in its thread, and while
something that it may be about is still open in its place: a letter that is forgotten is posted anew.
"""


def put(db: Database, letters: Sequence[OutboxEntry]) -> None:
    """Insert, or overwrite card, version, due and loud."""
    db.conn.executemany(
        """
        INSERT INTO letters (id, place, address, card, version, due, under, loud) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            card = excluded.card, version = excluded.version, due = excluded.due, loud = excluded.loud
        """,
        [
            (x.id, x.where, x.conversation, x.card, x.version, to_timestamp(x.due), x.under, int(x.loud))
            for x in letters
        ],
    )


def undelivered(db: Database) -> list[DeliveryState]:
    """Those that are behind or in doubt and not dead, oldest due first; of one moment in the order they came."""
    return _deliveries(
        db.execute(
            f"SELECT {_COLUMNS} FROM letters INDEXED BY letters_undelivered "  # noqa: S608 - fixed words
            "WHERE state <> 'dead' AND (sent < version OR state = 'claimed') ORDER BY due, seq"
        )
    )


def these(db: Database, ids: Sequence[str]) -> list[DeliveryState]:
    """Those of these ids that there are, in the order of the ids."""
    return _deliveries(
        db.execute(
            f"SELECT {_COLUMNS} FROM json_each(?) AS asked JOIN letters ON letters.id = asked.value ORDER BY asked.key",  # noqa: S608
            [msgspec.json.encode(list(dict.fromkeys(ids))).decode()],
        )
    )


def _deliveries(rows: Iterable[tuple[Any, ...]]) -> list[DeliveryState]:
    found = []
    for row in rows:
        id_, place, address, card, version, due, under, loud = row[:8]
        state, sent, message, channel, attempts, first, error = row[8:]
        letter = OutboxEntry(id_, place, address, card, version, from_timestamp(due), under, bool(loud))
        begun = None if first is None else from_timestamp(first)
        found.append(DeliveryState(letter, state, sent, message, channel, attempts, begun, error))
    return found


def claim(db: Database, letter: str, at: datetime) -> bool:
    """Claim a first post; of any number of callers, and after a crash, one at most is told True."""
    with db.atomic():
        sql = (
            "UPDATE letters SET state = 'claimed', first = ifnull(first, ?) "
            "WHERE id = ? AND state = 'open' AND sent = 0 AND message = ''"
        )
        return bool(db.execute(sql, [to_timestamp(at), letter]).rowcount)


def delivered(db: Database, letter: str, version: int, message: str, channel: str) -> None:
    """A version is shown: whatever was wrong is over."""
    with db.atomic():
        db.execute(
            "UPDATE letters SET state = 'open', sent = ?, message = ?, channel = ?, attempts = 0, error = '' "
            "WHERE id = ?",
            [version, message, channel, letter],
        )


def attempt_failed(db: Database, letter: str, state: str, error: str, due: datetime | None) -> None:
    """One attempt more has failed."""
    with db.atomic():
        db.execute(
            "UPDATE letters SET state = ?, error = ?, due = ifnull(?, due), attempts = attempts + 1 WHERE id = ?",
            [state, error, None if due is None else to_timestamp(due), letter],
        )


def destination_restored(db: Database, place: str) -> int:
    """Open the letters of a place again, with a clean slate; returns how many."""
    with db.atomic():
        sql = "UPDATE letters SET state = 'open', attempts = 0, error = '' WHERE place = ? AND state = 'gone'"
        return int(db.execute(sql, [place]).rowcount)
