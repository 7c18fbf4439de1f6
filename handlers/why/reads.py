"""What is read to answer why, within a few calls: what no call is left for is left out, and said to be."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.answers import Fetched
from bot.azure.errors import AzureError
from bot.azure.files import Files, Head
from bot.azure.models import Node
from bot.domain.diagnosis.model import Evidence
from bot.domain.states import BAD_NODES
from bot.monitor.evidence import said_in
from bot.monitor.file_ends import TASK, ends, whole_lines

MOST = 9
"""Calls of one answer."""
NODES = 100
"""Nodes that are read at once."""
OF_NODE = (
    "id,state,stateTransitionTime,schedulingState,errors,startTaskInfo,isDedicated,lastBootTime,allocationTime,"
    "runningTasksCount,runningTaskSlotsCount"
)
NO_WORK = " or ".join(
    f"state eq '{state}'" for state in (*BAD_NODES, "preempted", "waitingforstarttask", "starting", "leavingpool")
)
"""Nodes that do no work, or not yet, as ``$filter``."""
T = TypeVar("T")


class NoCallLeft(AzureError):
    """What would have been asked for costs more calls than an answer may make."""

    def __init__(self) -> None:
        super().__init__("NoCallLeft", "the answer has made all the calls that it may")


class Reads:
    """The calls of one answer, of which there are :data:`MOST` at most."""

    def __init__(self, source: Account) -> None:
        self.source = source
        self.calls = 0
        self.looked: list[str] = []
        """What was looked at, in words, in its order."""
        self.passed: list[str] = []
        """What no call was left for."""
        self.missed: list[str] = []
        """What was asked for and could not be had; the card tells why above all else."""

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return MOST - self.calls

    def take(self, what: str = "", calls: int = 1) -> bool:
        """Count calls about to be made; False where so many are not left: then none may be made."""
        if calls > self.left:
            if what and what not in self.passed:
                self.passed.append(what)
            return False
        self.calls += calls
        if what and what not in self.looked:
            self.looked.append(what)
        return True

    async def one(self, what: str, kind: type[T], path: str, select: str = "") -> Fetched[T]:
        """One entity that the answer cannot do without. Raises AzureError."""
        if not self.take(what):
            raise NoCallLeft
        return await self.source.fetch(kind, path, select=select)

    async def maybe(self, what: str, kind: type[T], path: str, select: str = "") -> T | None:
        """One entity that only adds to the answer; None, and told, where it cannot be had."""
        if not self.take(what):
            return None
        found = await self.unless_missed(what, self.source.fetch(kind, path, select=select))
        return found.value if found else None

    async def unless_missed(self, what: str, read: Awaitable[T]) -> T | None:
        """What is read, its call counted already; None, and told, where it cannot be had."""
        found = await gaps.maybe(what, read)
        if found is None:
            self.missed.append(what)
        return found

    async def page(
        self,
        what: str,
        kind: type[T],
        path: str,
        *,
        filter: str = "",  # noqa: A002 - OData's own word
        select: str = "",
        size: int = 1000,
    ) -> Sequence[T] | None:
        """The first page of a list; None, and told, where it cannot be had."""
        if not self.take(what):
            return None
        pages = self.source.pages(kind, path, filter=filter, select=select, page_size=size)
        found = await self.unless_missed(what, anext(pages))
        return found.items if found else None

    async def idle_nodes(self, pool: str) -> Sequence[Node] | None:
        """The nodes of a pool that do no work, or not yet."""
        return await self.page(
            "its nodes that do no work",
            Node,
            self.source.nodes(pool),
            filter=NO_WORK,
            select=OF_NODE,
            size=NODES,
        )

    async def printed(
        self, what: str, files: Files, wanted: Sequence[tuple[str, int]] = TASK, *, runs: bool = False
    ) -> Evidence | None:
        """The line that says most of what a program printed, with the file where it stands; None where there is none.

        ``wanted`` are the files, and how much of their ends. Each takes up to three calls; none is made beyond those
        that are left. ``runs`` whether the program may go on printing.
        """
        if not self.left:
            return None
        self.looked.append(what)
        try:
            found = await ends(_Counted(files, self), wanted, _nothing)
        except AzureError:
            return None  # an answer goes without: its node is gone most often
        said = said_in(map(whole_lines, found) if runs else found)
        return Evidence(said.line, self.source.now(), printed=True) if said.line else None


_OF_FILE = 2
"""Calls that a file takes: how long it is, and its end; or what is lacking."""


def _nothing(_: str) -> None:
    """Calls are counted where they are made."""


class _Counted:
    """Files whose reads count as calls."""

    def __init__(self, files: Files, reads: Reads) -> None:
        self._files = files
        self._reads = reads

    async def head(self, name: str) -> Head:
        """How long a file is; what does not exist is asked for twice: an answer to HEAD cannot say what is lacking."""
        if self._reads.left < _OF_FILE:
            raise NoCallLeft
        self._reads.take()
        try:
            return await self._files.head(name)
        except AzureError as error:
            if error.status in (404, 409):
                self._reads.take()
            raise

    async def read(self, name: str, start: int, stop: int) -> bytes:
        """A part of a file."""
        if not self._reads.take():
            raise NoCallLeft
        return await self._files.read(name, start, stop)
