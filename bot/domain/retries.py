"""Tasks that fail and are run again: what never completes never counts as failed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

MANY = 5
"""Retries of one task from which on it is no bad luck: who allows a few means that one of them may succeed."""


class Retried(Struct, frozen=True):
    """A task that is not over and was run again: how often, and when last."""

    task: str
    times: int
    last: datetime | None = None


class Retrying(Struct, frozen=True):
    """The tasks of a job that are run again, the most often first."""

    tasks: tuple[Retried, ...] = ()

    @property
    def times(self) -> int:
        """How often in all."""
        return sum(each.times for each in self.tasks)

    @property
    def last(self) -> datetime | None:
        """When last."""
        return max((each.last for each in self.tasks if each.last), default=None)

    @property
    def endless(self) -> bool:
        """Whether some of them were run again so often that they fail on and on."""
        return any(each.times >= MANY for each in self.tasks)


def retrying(tasks: Iterable[Retried]) -> Retrying:
    """Those of them that were run again."""
    found = [each for each in tasks if each.times > 0]
    return Retrying(tuple(sorted(found, key=lambda each: (-each.times, each.task))))
