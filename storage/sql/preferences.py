"""Preferences: :class:`storage.port.preferences.PreferenceStore`."""

from __future__ import annotations

from datetime import datetime

from storage.port.preferences import Preference
from storage.sql.connection import Connection
from storage.sql.timestamps import from_timestamp, to_timestamp


class SqlPreferences(Connection):
    """One row per namespace, owner and name."""

    async def put_preference(self, namespace: str, owner: str, name: str, value: bytes, at: datetime) -> None:
        """Set one, in place of what was set under that name before."""

        def work() -> None:
            with self._db.atomic():
                self._db.execute(
                    "INSERT INTO preferences (namespace, owner, name, value, at) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (namespace, owner, name) DO UPDATE SET value = excluded.value, at = excluded.at",
                    [namespace, owner, name, value, to_timestamp(at)],
                )

        await self._run(work)

    async def preferences(self, namespace: str, owner: str) -> list[Preference]:
        """An owner's preferences in a namespace, by name."""

        def work() -> list[Preference]:
            sql = "SELECT name, value, at FROM preferences WHERE namespace = ? AND owner = ? ORDER BY name"
            rows = self._db.execute(sql, [namespace, owner])
            return [Preference(name, value, from_timestamp(at)) for name, value, at in rows]

        return await self._run(work)

    async def all_preferences(self, namespace: str) -> list[tuple[str, Preference]]:
        """Every preference in a namespace with its owner, by owner and name."""

        def work() -> list[tuple[str, Preference]]:
            sql = "SELECT owner, name, value, at FROM preferences WHERE namespace = ? ORDER BY owner, name"
            rows = self._db.execute(sql, [namespace])
            return [(owner, Preference(name, value, from_timestamp(at))) for owner, name, value, at in rows]

        return await self._run(work)

    async def delete_preference(self, namespace: str, owner: str, name: str) -> bool:
        """Delete one; False where there is none of that name."""

        def work() -> bool:
            with self._db.atomic():
                sql = "DELETE FROM preferences WHERE namespace = ? AND owner = ? AND name = ?"
                return bool(self._db.execute(sql, [namespace, owner, name]).rowcount)

        return await self._run(work)
