"""Looks that wait for a decision: :class:`storage.port.looks.LookStore`."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import msgspec
import structlog
from msgspec import Struct

from storage.port.looks import Look, StoredLook
from storage.port.monitoring import EntitySnapshot, Transition
from storage.sql.connection import Connection
from storage.sql.database import Database

log = structlog.get_logger()


class _Found(Struct, array_like=True):
    """What a look found, as it is stored beside its body."""

    transitions: list[Transition]
    snapshots: list[EntitySnapshot]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Found).decode


class SqlLooks(Connection):
    """A row for each look, until it is decided on; written by :mod:`storage.sql.changes`."""

    async def looks(self, accounts: Collection[str], limit: int = 200) -> list[StoredLook]:
        """Those of some accounts that nobody has decided on, the oldest first."""

        def work() -> list[StoredLook]:
            rows = self._db.execute(
                "SELECT seq, account, body, found FROM looks "  # noqa: S608 - fixed words
                f"WHERE account IN ({self._db.dialect.texts}) ORDER BY seq LIMIT ?",
                [json.dumps([*accounts]), limit],
            )
            return [_stored(*row) for row in rows]

        return await self._run(work)


def _stored(seq: int, account: str, body: bytes, found: bytes) -> StoredLook:
    try:
        each = _decode(found)
    except msgspec.MsgspecError:  # another version's: its transitions are stored, and nobody is told of them
        log.exception("storage.look_unread", account=account)
        return StoredLook(seq, account, b"")
    return StoredLook(seq, account, body, each.transitions, each.snapshots)


def put_looks(
    db: Database, looks: Sequence[Look], transitions: Sequence[Transition], snapshots: Sequence[EntitySnapshot]
) -> None:
    """Add looks, each with what of it is stored beside it."""
    for each in looks:
        mine = _Found(
            [one for one in transitions if one.account == each.account],
            [one for one in snapshots if one.account == each.account],
        )
        row = [each.account, each.body, _encode(mine)]
        db.execute("INSERT INTO looks (account, body, found) VALUES (?, ?, ?)", row)


def take_decided(db: Database, decided: Sequence[int]) -> None:
    """Delete looks that are decided on."""
    db.executemany("DELETE FROM looks WHERE seq = ?", [[seq] for seq in decided])
