"""How long nodes took to boot, long after Batch forgot it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


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

    async def node_boots(
        self, account: str, since: datetime, until: datetime, *, pool: str | None = None
    ) -> list[NodeBoot]:
        """Boots of nodes that were allocated in [since, until), oldest first; of one pool (in any case)."""
        ...
