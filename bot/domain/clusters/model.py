"""What a cluster is made of: tasks that failed, what they printed, and the tasks beside them."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

TaskKey: TypeAlias = tuple[str, str]
"""A task's job and id."""


class Ran(Struct, frozen=True, kw_only=True):
    """A task that ended, failed or not: where it ran, with what, and when it ended.

    ``size`` is the pool's VM size, empty where it is not known; ``packages`` are application packages with their
    versions (``renderer 2.1``), ``image`` the container's. ``weight`` is how many tasks it stands for, where only some
    were read.
    """

    job: str
    task: str
    ended: datetime | None = None
    pool: str = ""
    node: str = ""
    size: str = ""
    packages: tuple[str, ...] = ()
    image: str = ""
    weight: float = 1.0

    @property
    def key(self) -> TaskKey:
        """What it is called."""
        return self.job, self.task


class Failed(Ran, frozen=True, kw_only=True):
    """A task that failed: ``code``, ``category``, ``message`` and ``details`` (name, value) are of ``failureInfo``."""

    code: str = ""
    category: str = ""
    message: str = ""
    details: tuple[tuple[str, str], ...] = ()
    exit_code: int | None = None


class Said(Struct, frozen=True):
    """What a failed task printed: the line that says most, the file it stands in, and the lines that end with it.

    All are empty where nothing was printed, or is left. Redacted.
    """

    line: str = ""
    file: str = ""
    lines: tuple[str, ...] = ()


class Cluster(Struct, frozen=True, kw_only=True):
    """Failures that are the same.

    ``key`` is the same wherever and in whatever order it was computed. ``cause`` is what alerts call it
    (:func:`bot.domain.causes.cause_of`), ``line`` what its tasks printed, masked, and empty where none of them is known
    to have printed anything; ``said`` is what ``example``, the first of them whose log was read, printed. Of ``read``
    of its ``tasks`` the log was read. ``unread`` is True for those that failed like others that printed different
    things, and whose own log was not read.
    """

    key: str
    cause: str
    code: str
    exit_code: int | None
    line: str
    said: Said
    example: Failed
    tasks: tuple[Failed, ...]
    read: int = 0
    unread: bool = False

    @property
    def count(self) -> int:
        """How many tasks it is."""
        return len(self.tasks)

    @property
    def first(self) -> datetime | None:
        """When the first of them ended."""
        return min((task.ended for task in self.tasks if task.ended), default=None)

    @property
    def last(self) -> datetime | None:
        """When the last of them ended."""
        return max((task.ended for task in self.tasks if task.ended), default=None)
