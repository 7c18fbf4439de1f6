"""How long jobs, their tasks and the boots of nodes took: what trends are drawn of, long after Batch forgot it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from storage.port.spread import Spread


class JobTimes(Struct, frozen=True, kw_only=True):
    """A job that has ended, by the service's clock; ``schedule`` is empty where none made it.

    ``tasks`` and ``failed`` are as they were counted last, None where they never were. ``waits`` are from a task's
    creation to the start of its last run, ``runs`` from there to its end; of ``read`` tasks, which are not all where
    there are very many.
    """

    account: str
    job: str
    started: datetime
    ended: datetime
    schedule: str = ""
    pool: str = ""
    tasks: int | None = None
    failed: int | None = None
    waits: Spread = Spread()
    runs: Spread = Spread()
    read: int = 0

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return max(0.0, (self.ended - self.started).total_seconds())


class NodeBoot(Struct, frozen=True):
    """A node's first boot, ``seconds`` after it was allocated at ``allocated``."""

    account: str
    pool: str
    node: str
    vm_size: str
    spot: bool
    allocated: datetime
    seconds: float


class TimingStore(Protocol):
    """What :class:`storage.port.changes.ChangeStore` put there. Every method may raise StoreError."""

    async def job_times(
        self,
        account: str,
        since: datetime,
        until: datetime,
        *,
        schedule: str | None = None,
        limit: int = 10_000,
    ) -> list[JobTimes]:
        """Jobs that ended in [since, until), newest first; of one schedule (in any case), where it is given."""
        ...

    async def node_boots(
        self, account: str, since: datetime, until: datetime, *, pool: str | None = None
    ) -> list[NodeBoot]:
        """Boots of nodes that were allocated in [since, until), oldest first; of one pool (in any case)."""
        ...
