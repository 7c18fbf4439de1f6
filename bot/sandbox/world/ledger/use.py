"""What nodes were used for, as the ledger tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

HOUR: Final = 3600


class Use(Struct, frozen=True):
    """Of one kind of node, over a span: ``nodes`` are node-seconds with a machine, which are billed; ``cores`` and
    ``busy`` are core-seconds, the latter by the slots that tasks held.
    """

    nodes: float = 0.0
    cores: float = 0.0
    busy: float = 0.0

    @property
    def idle(self) -> float:
        """Core-seconds in which nothing ran."""
        return self.cores - self.busy

    def __add__(self, other: Use) -> Use:
        return Use(self.nodes + other.nodes, self.cores + other.cores, self.busy + other.busy)


NONE: Final = Use()


class Kinds(Struct, frozen=True):
    """The same of dedicated and of spot nodes."""

    dedicated: Use = NONE
    spot: Use = NONE

    @property
    def total(self) -> Use:
        """Both together."""
        return self.dedicated + self.spot

    def __add__(self, other: Kinds) -> Kinds:
        return Kinds(self.dedicated + other.dedicated, self.spot + other.spot)


NOTHING: Final = Kinds()


class HourOfPool(Struct, frozen=True):
    """One hour of a pool."""

    start: datetime
    use: Kinds


def hour_of(key: int) -> datetime:
    """The time at which an hour begins, by its number since 1970."""
    return datetime.fromtimestamp(key * HOUR, UTC)
