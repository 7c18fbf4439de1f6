"""What nodes were used for, as the ledger tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import astuple

HOUR: Final = 3600


class Use(Struct, frozen=True):
    """Of one kind of node, over a span: ``nodes`` are node-seconds with a machine, which are billed; all others are
    core-seconds. ``busy`` goes by the slots that tasks held; ``starting``, ``broken`` and ``leaving`` are whole nodes
    by their state, `unused` is what remains: nodes that could have worked.
    """

    nodes: float = 0.0
    cores: float = 0.0
    busy: float = 0.0
    starting: float = 0.0
    broken: float = 0.0
    leaving: float = 0.0

    @property
    def idle(self) -> float:
        """Core-seconds in which nothing ran, for whatever reason."""
        return self.cores - self.busy

    @property
    def unused(self) -> float:
        """Core-seconds in which nothing ran although the node was well."""
        return self.idle - self.starting - self.broken - self.leaving

    def __add__(self, other: Use) -> Use:
        return Use(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, share: float) -> Use:
        return Use(*(value * share for value in astuple(self)))


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

    def __mul__(self, share: float) -> Kinds:
        return Kinds(self.dedicated * share, self.spot * share)


NOTHING: Final = Kinds()


class HourOfPool(Struct, frozen=True):
    """One hour of a pool."""

    start: datetime
    use: Kinds


def hour_of(key: int) -> datetime:
    """The time at which an hour begins, by its number since 1970."""
    return datetime.fromtimestamp(key * HOUR, UTC)
