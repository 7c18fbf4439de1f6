"""The bill as Cost Management answered it: :class:`storage.port.bill.BillStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeAlias

import msgspec

from storage.port.bill import Basis, BillCorrection, BillReading, BillRow
from storage.port.decoding import decoded
from storage.sql.connection import Connection
from storage.sql.timestamps import from_timestamp, to_timestamp

_COLUMNS = "account, day, basis, pool, resource, meter, category, subcategory, currency, amount, quantity, unit"
_MOVED = 0.005
"""A day's amount that moves by less is rounded otherwise, not corrected."""
_Days: TypeAlias = dict[tuple[str, Basis, str], float]


class SqlBill(Connection):
    """A row for each meter of a resource and day; days are ISO dates."""

    async def put_bill(
        self, account: str, first: date, last: date, rows: Sequence[BillRow], reading: BillReading
    ) -> None:
        """Put ``rows`` in the place of all that is kept of the account from ``first`` to ``last``, both inclusive."""
        window = [account, first.isoformat(), last.isoformat()]

        def work() -> None:
            with self._db.atomic():
                before = self._days(window)
                self._db.execute("DELETE FROM bill WHERE account = ? AND day BETWEEN ? AND ?", window)
                self._db.executemany(
                    f"INSERT INTO bill ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                    [
                        (
                            account, row.day.isoformat(), row.basis, row.pool, row.resource, row.meter, row.category,
                            row.subcategory, row.currency, row.amount, row.quantity, row.unit,
                        )
                        for row in rows
                    ],
                )  # fmt: skip
                after = self._days(window)
                self._db.executemany(
                    "INSERT INTO bill_corrections (account, day, basis, currency, at, before, after) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, day, basis, currency, at) "
                    "DO UPDATE SET before = excluded.before, after = excluded.after",
                    [
                        (account, *key, to_timestamp(reading.at), amount, after.get(key, 0.0))
                        for key, amount in before.items()
                        if abs(after.get(key, 0.0) - amount) > _MOVED
                    ],
                )
                self._note(reading)

        await self._run(work)

    async def put_bill_reading(self, reading: BillReading) -> None:
        """Note a reading that brought nothing."""

        def work() -> None:
            with self._db.atomic():
                self._note(reading)

        await self._run(work)

    async def bill(self, account: str, first: date, last: date) -> list[BillRow]:
        """The rows of these days, both inclusive, by day, pool and meter."""

        def work() -> list[BillRow]:
            rows = self._db.execute(
                f"SELECT {_COLUMNS} FROM bill WHERE account = ? AND day BETWEEN ? AND ? "  # noqa: S608 - our own names
                "ORDER BY day, pool, meter, resource, basis",
                [account, first.isoformat(), last.isoformat()],
            )
            return [BillRow(row[0], date.fromisoformat(row[1]), *row[2:]) for row in rows]

        return await self._run(work)

    async def bill_corrections(self, account: str, first: date, last: date) -> list[BillCorrection]:
        """What became another amount after it had been read, for these days, both inclusive; by day and time."""

        def work() -> list[BillCorrection]:
            rows = self._db.execute(
                "SELECT account, day, basis, currency, at, before, after FROM bill_corrections "
                "WHERE account = ? AND day BETWEEN ? AND ? ORDER BY day, at, basis",
                [account, first.isoformat(), last.isoformat()],
            )
            return [
                BillCorrection(account, date.fromisoformat(day), basis, currency, from_timestamp(at), before, after)
                for account, day, basis, currency, at, before, after in rows
            ]

        return await self._run(work)

    async def bill_reading(self, account: str) -> BillReading | None:
        """How the bill stands; None where it was never asked for."""

        def work() -> BillReading | None:
            row = self._db.execute("SELECT body FROM bill_readings WHERE account = ?", [account]).fetchone()
            return None if row is None else decoded(row[0], BillReading)

        return await self._run(work)

    def _days(self, window: Sequence[str]) -> _Days:
        rows = self._db.execute(
            "SELECT day, basis, currency, sum(amount) FROM bill WHERE account = ? AND day BETWEEN ? AND ? "
            "GROUP BY day, basis, currency",
            list(window),
        )
        return {(day, basis, currency): amount for day, basis, currency, amount in rows}

    def _note(self, reading: BillReading) -> None:
        self._db.execute(
            "INSERT INTO bill_readings (account, body) VALUES (?, ?) "
            "ON CONFLICT (account) DO UPDATE SET body = excluded.body",
            [reading.account, msgspec.json.encode(reading)],
        )

    async def _prune_bill(self, now: datetime) -> int:
        """Delete days that are too old, with their corrections."""
        before = [(now - self._retention.bill).date().isoformat()]
        return await self._delete("bill", "rowid", "day < ?", before) + await self._delete(
            "bill_corrections", "rowid", "day < ?", before
        )
