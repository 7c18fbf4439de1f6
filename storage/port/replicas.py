"""Several copies of the program on one database: which there are, and which of them has the duties."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Replica(Struct, frozen=True):
    """A running copy of the program. Times are the database's.

    ``name`` says process and machine, ``seen`` is its last sign of life, ``age`` how many seconds ago that was.
    ``holds`` is True of the one that has the duties, ``mine`` of the one that asks.
    """

    name: str
    version: str
    since: datetime
    seen: datetime
    age: float
    holds: bool
    mine: bool


class Lease(Protocol):
    """What says whether this copy has the duties: to watch, to decide, to send, and to work off what is asked.

    One copy has it at a time, by the database's clock, and has to renew it. Every transaction of the duties is refused
    by the database once another copy has it.
    """

    epoch: int
    """Which lease it is, counted from 1; 0 while this copy has none."""

    @property
    def held(self) -> bool:
        """Whether it was taken, and is not known to be lost."""
        ...

    def sure(self) -> bool:
        """Whether no other copy can have it yet, by this machine's clock. Nothing may be posted while it is not so."""
        ...

    def alive(self) -> None:
        """The program answers. From the first time on it has to say so all the time, or the lease is not renewed."""
        ...

    def replicas(self) -> Sequence[Replica]:
        """The copies there are, as of the last sign of life that this one gave; the oldest first."""
        ...
