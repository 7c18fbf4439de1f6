"""The part of the SQLite store that watching needs: :class:`storage.port.watching.WatchStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from storage.port.watching import (
    ChangeSet,
    Count,
    Cursor,
    DeliveryState,
    IncidentRow,
    NotificationRow,
    Transition,
    View,
)
from storage.sqlite import incidents as incident_sql
from storage.sqlite import outbox as outbox_sql
from storage.sqlite import transitions as transition_sql
from storage.sqlite.connection import SLICE, Connection
from storage.sqlite.timestamps import to_timestamp


class SqliteWatching(Connection):
    """Every method is a transaction of its own and may raise StoreError."""

    async def record(self, batch: ChangeSet) -> int:
        """Store a batch in one transaction; returns how many transitions were new."""

        def work() -> int:
            with self._db.atomic():
                new = transition_sql.add(self._db, batch.transitions) if batch.transitions else 0
                transition_sql.put_cursors(self._db, batch.cursors)
                transition_sql.put_views(self._db, batch.views)
                incident_sql.put(self._db, batch.incidents)
                incident_sql.put_notices(self._db, batch.notifications)
                outbox_sql.put(self._db, batch.entries)
                return new

        return await self._run(work)

    # What was seen.

    async def cursors(self, account: str) -> list[Cursor]:
        """Where every stream of an account stands, by stream."""
        return await self._run(lambda: transition_sql.cursors(self._db, account))

    async def views(self, account: str) -> list[View]:
        """All that was last known of an account, by entity and id."""
        return await self._run(lambda: transition_sql.views(self._db, account))

    async def transitions(
        self,
        account: str,
        *,
        entity: str = "",
        parent: str | None = None,
        id: str = "",  # noqa: A002 - the field's name
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> list[Transition]:
        """The newest that fit, newest first; of one moment, the last stored first."""
        return await self._run(
            lambda: transition_sql.newest(self._db, account, entity, parent, id, (since, until), limit)
        )

    async def counts(self, account: str, since: datetime, until: datetime, entity: str = "") -> list[Count]:
        """Transitions by hour, entity and state, oldest first."""
        return await self._run(lambda: transition_sql.counts(self._db, account, since, until, entity))

    # Incidents.

    async def incidents(
        self,
        *,
        account: str = "",
        open: bool | None = None,  # noqa: A002 - the field's name
        since: datetime | None = None,
        limit: int = 1000,
    ) -> list[IncidentRow]:
        """The last changed first."""
        return await self._run(lambda: incident_sql.found(self._db, account, open, since, limit))

    async def incident(self, id: str) -> IncidentRow | None:  # noqa: A002 - the field's name
        """One of them."""
        return await self._run(lambda: incident_sql.one(self._db, id))

    async def unsettled(self) -> list[IncidentRow]:
        """Resolved incidents of which some conversation has an open notification."""
        return await self._run(lambda: incident_sql.unsettled(self._db))

    async def notifications(self, incidents: Sequence[str]) -> list[NotificationRow]:
        """How these incidents stand in every place, by incident and place."""
        return await self._run(lambda: incident_sql.notices(self._db, incidents))

    # Letters.

    async def undelivered(self) -> list[DeliveryState]:
        """Letters whose newest version was not delivered and that are not dead, oldest due first."""
        return await self._run(lambda: outbox_sql.undelivered(self._db))

    async def deliveries(self, entries: Sequence[str]) -> list[DeliveryState]:
        """These entries in the order asked for; unknown ones are left out."""
        return await self._run(lambda: outbox_sql.these(self._db, entries))

    async def claim(self, entry: str, at: datetime) -> bool:
        """Note that a first post is about to be made; False where it was claimed or posted already."""
        return await self._run(lambda: outbox_sql.claim(self._db, entry, at))

    async def delivered(self, entry: str, version: int, message: str, channel: str) -> None:
        """Note that a version is shown as this message; the claim is over."""
        await self._run(lambda: outbox_sql.delivered(self._db, entry, version, message, channel))

    async def attempt_failed(
        self, entry: str, state: Literal["open", "claimed", "gone", "dead"], error: str, due: datetime | None = None
    ) -> None:
        """Note that an attempt failed and how it goes on."""
        await self._run(lambda: outbox_sql.attempt_failed(self._db, entry, state, error, due))

    async def destination_restored(self, where: str) -> int:
        """Entries of a conversation that was gone may be sent again; returns how many."""
        return await self._run(lambda: outbox_sql.destination_restored(self._db, where))

    # Retention.

    async def _prune_watching(self, now: datetime) -> int:
        """Delete what watching no longer needs, a slice at a time; returns the number of rows."""
        kept = self._retention
        oldest = to_timestamp(now - kept.transitions)

        def mark() -> list[str]:
            with self._db.atomic():
                transition_sql.move_horizon(self._db, oldest)
            return transition_sql.accounts(self._db)

        gone = 0
        hour = to_timestamp(now - kept.counts) // 1_000_000 - transition_sql.HOUR
        for account in await self._run(mark):
            gone += await self._delete("transitions", "seq", "account = ? AND at < ?", [account, oldest])
            gone += await self._delete(
                "transition_hours", "account, start, entity, after", "account = ? AND start < ?", [account, hour]
            )
        gone += await self._sliced(lambda: incident_sql.forget(self._db, to_timestamp(now - kept.incidents), SLICE))
        return gone + await self._delete("letters", "seq", outbox_sql.PRUNABLE, [to_timestamp(now - kept.entries)])
