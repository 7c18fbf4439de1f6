"""What pools took in and sent out over the network, from counters that the service keeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class NetworkCounter(Struct, frozen=True):
    """What the nodes of a pool have read and written between ``began`` and ``at``, in GiB."""

    pool: str
    began: datetime
    at: datetime
    read: float
    written: float


class NetworkUse(Struct, frozen=True):
    """GiB in and out within a window, as far as it is known: from ``since`` until ``as_of``, by ``source``."""

    read: float
    written: float
    since: datetime
    as_of: datetime
    source: str = "pool statistics of Azure Batch"


class NetworkStore(Protocol):
    """Network traffic. Every method may raise StoreError."""

    async def add_network(self, account: str, counters: Sequence[NetworkCounter]) -> None:
        """Store what was added to counters since they were last read; one that is not newer is ignored.

        A counter that began anew, or fell, counts from there. The first of a pool counts where it began less than a day
        before: of an older one nobody can say when it grew.
        """
        ...

    async def network(self, account: str, pool: str | None, since: datetime, until: datetime) -> NetworkUse | None:
        """In and out of a pool, or the whole account, within [since, until); None where nothing is known of it.

        What lies across an end of the window counts by the part of its time that is inside.
        """
        ...
