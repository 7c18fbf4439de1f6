"""Change sets: :class:`storage.port.changes.ChangeStore`."""

from __future__ import annotations

from storage.port.changes import ChangeSet
from storage.sql import black_box, incidents, looks, monitoring, outbox, runs, timings
from storage.sql.connection import Connection


class SqlChanges(Connection):
    """Everything of a change set goes through one transaction."""

    async def record(self, changes: ChangeSet) -> int:
        """Store a change set in one transaction; returns how many transitions were new."""

        def work() -> int:
            with self._db.atomic():
                new = monitoring.add_transitions(self._db, changes.transitions) if changes.transitions else 0
                monitoring.put_cursors(self._db, changes.cursors)
                monitoring.put_snapshots(self._db, changes.snapshots)
                incidents.put_incidents(self._db, changes.incidents)
                incidents.put_notifications(self._db, changes.notifications)
                outbox.put_entries(self._db, changes.entries)
                runs.put_runs(self._db, changes.runs)
                timings.put_node_boots(self._db, changes.boots)
                most = self._retention.black_box_bytes
                black_box.put_kept(self._db, changes.kept_tasks, changes.kept_nodes, most)
                looks.put_looks(self._db, changes.looks, changes.transitions, changes.snapshots)
                looks.take_decided(self._db, changes.decided)
                return new

        return await self._run(work)
