"""What live answers need of a store: :class:`storage.port.live.LiveStore`."""

from __future__ import annotations

from storage.port.live import LiveCard
from storage.sql.connection import Connection
from storage.sql.timestamps import from_timestamp, to_timestamp


class SqlLive(Connection):
    """Every method is a transaction of its own and may raise StoreError."""

    async def put_live(self, live: LiveCard) -> None:
        """Store the row, in place of the one with its key."""
        row = [live.key, live.request, live.message, live.card, to_timestamp(live.at), int(live.over)]

        def work() -> None:
            with self._db.atomic():
                self._db.execute(
                    "INSERT INTO live_cards (key, request, message, card, at, over) VALUES (?, ?, ?, ?, ?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET request = excluded.request, message = excluded.message, "
                    "card = excluded.card, at = excluded.at, over = excluded.over",
                    row,
                )

        await self._run(work)

    async def live_cards(self) -> list[LiveCard]:
        """All rows, the oldest first."""

        def work() -> list[LiveCard]:
            rows = self._db.execute("SELECT key, request, message, card, at, over FROM live_cards ORDER BY at, key")
            return [
                LiveCard(key, request, message, card, from_timestamp(at), bool(over))
                for key, request, message, card, at, over in rows
            ]

        return await self._run(work)

    async def delete_live(self, key: str) -> None:
        """The last card is shown, or nobody can see it any more; nothing happens where there is no such row."""

        def work() -> None:
            with self._db.atomic():
                self._db.execute("DELETE FROM live_cards WHERE key = ?", [key])

        await self._run(work)
