"""The black box: what failed tasks printed and how nodes in trouble were, kept before Batch loses it.

Texts here have no secrets: whoever keeps one clears it first, because it is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class KeptFile(Struct, frozen=True):
    """The end of a file as it was then: ``text`` are its last bytes, from byte ``start`` of ``length`` on.

    ``encoding`` is named where the file was not UTF-8. ``binary`` is a file that was no text, of which nothing is kept.
    """

    name: str
    text: str = ""
    start: int = 0
    length: int = 0
    encoding: str = ""
    binary: bool = False


class KeptTask(Struct, frozen=True):
    """A run of a task that failed, as it was ``kept`` at that time.

    ``at`` is when the run ended or, of one that is ``retried``, when the next run began; with account, job and task it
    says which run it is, since reactivating lets ``retry`` begin at 0 again. Both times are the service's. ``retried``
    is a run that Batch itself repeated: its exit code is not told, and ``files`` may be those of the run after it where
    that began before anybody looked. ``line`` is the one line that says most, in the file ``line_in``. What is ``owed``
    was kept without its files, which are still to be read.
    """

    account: str
    job: str
    task: str
    at: datetime
    kept: datetime
    retry: int = 0
    retried: bool = False
    cause: str = ""
    exit_code: int | None = None
    code: str = ""
    category: str = ""
    message: str = ""
    details: tuple[tuple[str, str], ...] = ()
    pool: str = ""
    node: str = ""
    started: datetime | None = None
    line: str = ""
    line_in: str = ""
    files: tuple[KeptFile, ...] = ()
    owed: bool = False

    def file(self, name: str) -> KeptFile | None:
        """The file of that name; None where it was not kept."""
        return next((each for each in self.files if each.name == name), None)


class KeptNode(Struct, frozen=True):
    """A node as it was ``kept``: in the ``state`` that it got into ``at`` that time (the service's times).

    ``errors`` are (code, message with its details). ``start_exit``, ``start_code`` and ``start_message`` say how its
    start task failed. ``agent`` is the version of Batch's agent on it. ``owed`` is as of tasks.
    """

    account: str
    pool: str
    node: str
    at: datetime
    kept: datetime
    state: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    start_exit: int | None = None
    start_code: str = ""
    start_message: str = ""
    agent: str = ""
    vm_size: str = ""
    dedicated: bool = True
    booted: datetime | None = None
    files: tuple[KeptFile, ...] = ()
    owed: bool = False

    def file(self, name: str) -> KeptFile | None:
        """The file of that name; None where it was not kept."""
        return next((each for each in self.files if each.name == name), None)


class BlackBoxStore(Protocol):
    """What is kept. :class:`storage.port.changes.ChangeStore` puts in it what a poll saw, with its transitions.

    Of one run or state the first is kept, unless it is owed, or a later one has more files. Where more is stored than
    may be, the oldest goes first, at once. Every method may raise StoreError.
    """

    async def keep(self, tasks: Sequence[KeptTask], nodes: Sequence[KeptNode] = ()) -> None:
        """Keep what is about to be lost, before it is changed."""
        ...

    async def kept_tasks(
        self, account: str, job: str, task: str | None = None, *, since: datetime | None = None, limit: int = 100
    ) -> list[KeptTask]:
        """What is kept of a job's tasks or of one (ids in any case), newest run first; of runs that ended ``since``."""
        ...

    async def kept_nodes(
        self, account: str, pool: str, node: str | None = None, *, since: datetime | None = None, limit: int = 100
    ) -> list[KeptNode]:
        """What is kept of a pool's nodes or of one (ids in any case), newest state first."""
        ...

    async def owed(self, account: str, since: datetime) -> tuple[list[KeptTask], list[KeptNode]]:
        """What was kept since then without its files, which are still to be read."""
        ...
