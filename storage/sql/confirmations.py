"""Confirmations: :class:`storage.port.confirmations.ConfirmationStore`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from storage.port.confirmations import Confirmation
from storage.sql.connection import Connection
from storage.sql.timestamps import from_timestamp, to_timestamp

_FIELDS = Confirmation.__struct_fields__
_CONFIRMATION = ", ".join(_FIELDS)
_MOMENTS = frozenset({"expires", "asked"})


class SqlConfirmations(Connection):
    """One row per question that was asked."""

    async def ask_confirmation(self, confirmation: Confirmation) -> None:
        """Keep a change until it is confirmed, dropped or expired."""
        values = msgspec.structs.astuple(confirmation)
        marks = ", ".join("?" * len(_FIELDS))

        def work() -> None:
            with self._db.atomic():
                self._db.execute(
                    f"INSERT INTO confirmations ({_CONFIRMATION}) VALUES ({marks})",  # noqa: S608
                    [to_timestamp(value) if isinstance(value, datetime) else value for value in values],
                )

        await self._run(work)

    async def use_confirmation(self, id_: str, request: str, now: datetime) -> Confirmation | None:
        """Use a confirmation for a request, once; returns it as it was before, None where there is none."""

        def work() -> Confirmation | None:
            with self._db.atomic():
                found = self._confirmation(id_)
                self._db.execute(
                    "UPDATE confirmations SET used = ? WHERE id = ? AND used = '' AND expires > ?",
                    [request, id_, to_timestamp(now)],
                )
            return found

        return await self._run(work)

    async def confirmation(self, id_: str) -> Confirmation | None:
        """A confirmation as it stands; None where there is none."""
        return await self._run(lambda: self._confirmation(id_))

    def _confirmation(self, id_: str) -> Confirmation | None:
        row = self._db.execute(f"SELECT {_CONFIRMATION} FROM confirmations WHERE id = ?", [id_]).fetchone()  # noqa: S608
        if row is None:
            return None
        values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
        moments = {name: from_timestamp(values[name]) for name in _MOMENTS if values[name] is not None}
        return Confirmation(**{**values, **moments, "reason": bool(values["reason"])})

    async def _prune_confirmations(self, now: datetime) -> int:
        """Delete those that expired long ago; returns how many."""
        expired = to_timestamp(now - self._retention.confirmations)
        return await self._delete("confirmations", "id", "expires < ?", [expired])
