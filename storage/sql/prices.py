"""List prices and their changes: :class:`storage.port.prices.PriceStore`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from storage.port.prices import PriceChange, PriceKey, PriceList
from storage.sql.connection import Connection
from storage.sql.timestamps import from_timestamp, to_timestamp


class SqlPrices(Connection):
    """A row for each change of a price, and one for each list."""

    async def put_prices(
        self, region: str, currency: str, as_of: datetime, found: Mapping[PriceKey, Sequence[tuple[datetime, float]]]
    ) -> PriceList:
        """Note a list that was read ``as_of``: for each key what it was since when. The list by now."""

        def work() -> PriceList:
            with self._db.atomic():
                before = self._prices(region, currency)
                self._db.executemany(
                    "INSERT INTO prices (region, currency, size, windows, meter, since, amount) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (region, currency, size, windows, meter, since) "
                    "DO UPDATE SET amount = excluded.amount",
                    [
                        (region, currency, key.size, key.windows, key.meter, to_timestamp(since), amount)
                        for key, since, amount in _changes(before, as_of, found)
                    ],
                )
                self._db.execute(
                    "INSERT INTO price_lists (region, currency, as_of) VALUES (?, ?, ?) "
                    "ON CONFLICT (region, currency) DO UPDATE SET as_of = excluded.as_of",
                    [region, currency, to_timestamp(as_of)],
                )
                after = self._prices(region, currency)
            if after is None:
                raise RuntimeError("a list that was written is there")
            return after

        return await self._run(work)

    async def prices(self, region: str, currency: str) -> PriceList | None:
        """A region's prices in a currency; None where they were never read."""
        return await self._run(lambda: self._prices(region, currency))

    def _prices(self, region: str, currency: str) -> PriceList | None:
        row = self._db.execute(
            "SELECT as_of FROM price_lists WHERE region = ? AND currency = ?", [region, currency]
        ).fetchone()
        if row is None:
            return None
        rows = self._db.execute(
            "SELECT size, windows, meter, since, amount FROM prices WHERE region = ? AND currency = ? ORDER BY since",
            [region, currency],
        )
        changes = tuple(
            PriceChange(PriceKey(size, bool(windows), meter), from_timestamp(since), amount)
            for size, windows, meter, since, amount in rows
        )
        return PriceList(region, currency, from_timestamp(row[0]), changes)


def _changes(
    before: PriceList | None, as_of: datetime, found: Mapping[PriceKey, Sequence[tuple[datetime, float]]]
) -> list[tuple[PriceKey, datetime, float | None]]:
    """What is new in a list: each price that was another, or none."""
    known = {change.key: change.amount for change in before.changes} if before else {}
    changes: list[tuple[PriceKey, datetime, float | None]] = []
    for key, listed in found.items():
        since, amount = listed[-1]
        if key not in known:
            changes += [(key, *each) for each in listed]
        elif known[key] != amount:
            read = before.as_of if before else since
            changes.append((key, since if read < since <= as_of else as_of, amount))
    changes += [(key, as_of, None) for key, amount in known.items() if amount is not None and key not in found]
    return changes
