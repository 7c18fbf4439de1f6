"""Several replicas of the program on one database: which there are, which has the duties, and who watches what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Replica(Struct, frozen=True):
    """A running replica of the program. Times are the database's.

    ``name`` says process and machine, ``seen`` is its last sign of life, ``age`` how many seconds ago that was.
    ``holds`` is True of the one that has the duties, ``mine`` of the one that asks. ``watches`` are its accounts.
    """

    name: str
    version: str
    since: datetime
    seen: datetime
    age: float
    holds: bool
    mine: bool
    watches: tuple[str, ...] = ()


class Shares(Protocol):
    """What says which accounts this replica watches: those that no other one does, by the database's clock.

    Every transaction about an account is refused by the database once another replica watches it.
    """

    def want(self, accounts: Collection[str]) -> None:
        """These are watched: from now on this replica takes its part of them, and of none where there are none."""
        ...

    def mine(self) -> Mapping[str, int]:
        """The accounts of this replica with their epochs, as long as no other one can have them."""
        ...

    def nudged(self) -> Mapping[str, int]:
        """How often whoever has each account of this replica was asked to look at it soon."""
        ...

    def nudge(self, account: str) -> None:
        """Ask whoever has an account to look at it soon."""
        ...


class Lease(Protocol):
    """What says whether this replica has the duties: to decide, to send, and to work off what is asked.

    One has it at a time, by the database's clock, and has to renew it. Every transaction of the duties is refused
    by the database once another one has it.
    """

    epoch: int
    """Which lease it is, counted from 1; 0 while this replica has none."""

    @property
    def shares(self) -> Shares:
        """Which accounts it watches, with the duties or without them."""
        ...

    @property
    def held(self) -> bool:
        """Whether it was taken, and is not known to be lost."""
        ...

    def sure(self) -> bool:
        """Whether no other replica can have it yet, by this machine's clock. While that is not so nothing may be
        posted.
        """
        ...

    def alive(self) -> None:
        """The program answers. From the first time on it has to say so all the time, or the lease is not renewed."""
        ...

    def replicas(self) -> Sequence[Replica]:
        """The replicas there are, as of the last sign of life that this one gave; the oldest first."""
        ...
