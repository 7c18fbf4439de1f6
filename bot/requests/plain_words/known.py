"""What has a name in the accounts that are watched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Known(NamedTuple):
    """Something that has a name: ``kind`` is pool, job, schedule, application or account."""

    kind: str
    name: str
    account: str


class World(Protocol):
    """What is needed of the names that the monitor knows."""

    @property
    def default(self) -> str:
        """The account that is meant where none is named; empty where there is none."""
        ...

    def called(self, word: str) -> Sequence[Known]:
        """Everything that is called so, in whatever account and letter case; the default account's first."""
        ...

    def like(self, word: str) -> Sequence[Known]:
        """What has a name much like it, the likest first; three at most."""
        ...


class Nothing:
    """A world of which nothing is known."""

    default = ""

    def called(self, word: str) -> Sequence[Known]:
        """Nothing."""
        return ()

    def like(self, word: str) -> Sequence[Known]:
        """Nothing."""
        return ()
