"""Names at hand: what completion offers while somebody types, within half a second.

Pools, jobs, schedules and applications of every account are kept in memory: the collector passes on the pools it reads
anyway, one cheap list (id, state, age) a kind and period fetches the rest. Nodes of a pool and tasks of a job are
asked for when somebody searches for one, a page at a time, and kept for a minute. Where a list is too long to be kept
whole, the service is asked for what begins like the typed text.

Nobody waits for Azure longer than :data:`PATIENCE`: a read that takes longer goes on, and serves the next keystroke.
What cannot be read is answered from what is known, or with nothing; never with an error.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar

import structlog
from msgspec import Struct
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from bot.azure.account import Account
from bot.azure.answers import Page
from bot.azure.errors import AzureError
from bot.clock import end_tasks
from bot.domain.entity import fold

log = structlog.get_logger()
T = TypeVar("T")

MOST = 20_000
"""Names of one kind and account that are kept."""
SHELVES = 64
"""Pages of nodes, tasks and beginnings that are kept, a thousand names each at most."""
LASTING = 60.0
"""Seconds that such a page is good for."""
PATIENCE = 0.35
"""Seconds that somebody who types waits for Azure."""
AT_ONCE = 8
"""Reads on behalf of people who type, at the same time."""
_AGAIN = 5.0
"""Seconds before something is read anew that could not be read."""
_FEW = 5
"""With fewer names that hold the typed text, similar ones are offered too."""
_ALIKE = 0.8
_OVER = frozenset({"completed", "terminating", "deleting"})
_BEGINNING = re.compile(r"[A-Za-z0-9_:-]{1,64}")
"""What a name of the service can begin with: nothing else is worth asking for."""
_LONGEST = 100
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Row(Protocol):
    """What is needed of an entity to offer it."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def state(self) -> str:
        """Its state; empty where it has none."""
        ...

    @property
    def creation_time(self) -> datetime | None:
        """When it was made."""
        ...


class Source(Protocol):
    """What is needed of :class:`bot.azure.account.Account`."""

    @property
    def name(self) -> str:
        """The account's name in the settings."""
        ...

    def pages(
        self,
        kind: type[T],
        path: str,
        *,
        filter: str = "",  # noqa: A002 - the service's word
        select: str = "",
    ) -> AsyncIterator[Page[T]]:
        """The pages of a list as they come."""
        ...


class _Row(Struct, rename="camel", gc=False):
    id: str = ""
    state: str = ""
    creation_time: datetime | None = None


@dataclass(frozen=True)
class _Kind:
    """Where names of a kind are listed; ``parent`` is the parameter that says in what."""

    path: Callable[[str], str]
    select: str = "id,state,creationTime"
    parent: str = ""


_KINDS = {
    "pool": _Kind(lambda _: "/pools"),
    "job": _Kind(lambda _: "/jobs"),
    "schedule": _Kind(lambda _: "/jobschedules"),
    "application": _Kind(lambda _: "/applications", select=""),  # a list that knows no $select
    "node": _Kind(Account.nodes, select="id,state", parent="pool"),
    "task": _Kind(Account.tasks, parent="job"),
}


class _Key(NamedTuple):
    """A list of names: all of a kind, or those in a parent, or those with a beginning."""

    account: str
    kind: str
    parent: str = ""
    beginning: str = ""

    @property
    def standing(self) -> bool:
        """True for a list that is kept fresh whether anybody asks or not."""
        return not self.parent and not self.beginning


class Standing(NamedTuple):
    """All names of a kind in an account, as far as they are known: ``places`` is where each stands, by the name without
    case, ``folded`` the names so.
    """

    account: str
    kind: str
    names: Sequence[str]
    places: Mapping[str, int]
    folded: Sequence[str]


@dataclass(frozen=True)
class _Shelf:
    """Names in the order they are offered in, and the same for comparison."""

    names: Sequence[str] = ()
    folded: Sequence[str] = ()
    whole: bool = False
    """Whether that is all of them."""
    until: float = 0.0
    """Good until this moment of the clock."""
    failed: bool = False
    """Whether the last read failed."""

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each name stands, by the name without case."""
        return {name: place for place, name in enumerate(self.folded)}

    @classmethod
    def of(cls, rows: Iterable[Row], *, whole: bool, until: float) -> _Shelf:
        """Those that go on first, then the newest."""
        ordered = sorted(rows, key=lambda row: row.creation_time or _LONG_AGO, reverse=True)
        ordered.sort(key=lambda row: row.state.lower() in _OVER)
        names = tuple(row.id for row in ordered if row.id)
        return cls(names, _folded(names), whole, until)


class Names:
    """The names of every account. ``period`` is seconds between two reads of the standing lists."""

    def __init__(
        self,
        accounts: Iterable[Source],
        period: float = 60.0,
        *,
        most: int = MOST,
        shelves: int = SHELVES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts = {account.name: account for account in accounts}
        self._period = period
        self._most = most
        self._shelves = shelves
        self._clock = clock
        self._standing: dict[_Key, _Shelf] = {}
        self._passing: OrderedDict[_Key, _Shelf] = OrderedDict()
        self._reading: dict[_Key, asyncio.Task[None]] = {}

    async def find(self, kind: str, typed: str, within: Mapping[str, str], account: str, limit: int = 100) -> list[str]:
        """Names of a kind for what was typed, the likeliest first; never raises, and never waits long.

        ``kind`` is account, pool, job, schedule, application, node (``within`` names its pool) or task (its job).
        """
        typed = "".join(char for char in typed[:1000] if char.isprintable()).strip()[:_LONGEST]
        if kind == "account":
            names = tuple(self._accounts)
            return best(names, _folded(names), typed, limit)
        what = _KINDS.get(kind)
        if what is None or account not in self._accounts:
            return []
        parent = fold(within.get(what.parent, "").strip()) if what.parent else ""
        if what.parent and not 0 < len(parent) <= _LONGEST:
            return []
        deadline = asyncio.get_running_loop().time() + PATIENCE
        shelf = await self._find(_Key(account, kind, parent), deadline)
        if shelf.whole or shelf.failed or not _BEGINNING.fullmatch(typed):
            return best(shelf.names, shelf.folded, typed, limit)
        asked = await self._find(_Key(account, kind, parent, typed), deadline)
        names = tuple(dict.fromkeys([*asked.names, *shelf.names]))
        return best(names, _folded(names), typed, limit)

    def heard(self, account: str, kind: str, rows: Iterable[Row]) -> None:
        """Somebody else read the whole of a standing list."""
        self._put(_Key(account, kind), list(rows), whole=True)

    async def gathered(self) -> None:
        """Wait for the standing lists that were never read, for as long as somebody who types waits; never raises."""
        kinds = [kind for kind, what in _KINDS.items() if not what.parent]
        keys = [_Key(account, kind) for account in self._accounts for kind in kinds]
        reading = [self._begin(key) for key in keys if key not in self._standing]
        if reading:
            await asyncio.wait(reading, timeout=PATIENCE)

    def every(self) -> list[Standing]:
        """The standing lists as they are now; reads nothing."""
        return [
            Standing(key.account, key.kind, shelf.names, shelf.places, shelf.folded)
            for key, shelf in self._standing.items()
        ]

    async def run(self) -> None:
        """Keep the standing lists fresh until cancelled. One account that fails does not hold up the others."""
        async with asyncio.TaskGroup() as group:
            for account in self._accounts:
                group.create_task(self._refresh(account), name=f"names {account}")

    async def close(self) -> None:
        """End the reads that are under way."""
        await end_tasks(self._reading.values())

    async def _refresh(self, account: str) -> None:
        while True:
            for kind, what in _KINDS.items():
                key = _Key(account, kind)
                kept = self._standing.get(key)
                # A list that the collector will pass on again before it is out of date is not read a second time.
                if not what.parent and (kept is None or kept.until <= self._clock() + self._period / 2):
                    await asyncio.wait([self._begin(key)])
            await asyncio.sleep(self._period)

    async def _find(self, key: _Key, deadline: float) -> _Shelf:
        """What is known; waits for a read only where nothing is."""
        kept = self._kept(key)
        outdated = kept is None or kept.until <= self._clock()
        if outdated and (key in self._reading or key.standing or len(self._reading) < AT_ONCE):
            reading = self._begin(key)
            if kept is None or (kept.failed and not kept.names):
                await asyncio.wait([reading], timeout=deadline - asyncio.get_running_loop().time())
        return self._kept(key) or _Shelf(failed=True)

    def _begin(self, key: _Key) -> asyncio.Task[None]:
        """The read of a list; one at a time."""
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(self._read(key), name=f"names {key}")
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        return task

    async def _read(self, key: _Key) -> None:
        what, source = _KINDS[key.kind], self._accounts[key.account]
        rows: list[_Row] = []
        whole = False
        try:
            wanted = f"startswith(id,'{key.beginning}')" if key.beginning else ""
            asked: Any = source.pages(_Row, what.path(key.parent), filter=wanted, select=what.select)
            async with aclosing(asked) as pages:
                async for page in pages:
                    rows += page.items
                    whole = page.next is None
                    if not key.standing or len(rows) >= self._most:
                        break
        except AzureError as error:
            log.info("names.refused", account=key.account, kind=key.kind, code=error.code, status=error.status)
            self._fail(key)
        except Exception:  # nobody who types shall see it
            log.exception("names.failed", account=key.account, kind=key.kind)
            self._fail(key)
        else:
            self._put(key, rows, whole=whole)

    def _put(self, key: _Key, rows: Sequence[Row], *, whole: bool) -> None:
        lasting = 2 * self._period if key.standing else LASTING
        kept = rows if len(rows) <= self._most else rows[: self._most]
        self._keep(key, _Shelf.of(kept, whole=whole and kept is rows, until=self._clock() + lasting))

    def _fail(self, key: _Key) -> None:
        """What was known before stands, for a while."""
        self._keep(key, replace(self._kept(key) or _Shelf(), until=self._clock() + _AGAIN, failed=True))

    def _kept(self, key: _Key) -> _Shelf | None:
        if key.standing:
            return self._standing.get(key)
        if key in self._passing:
            self._passing.move_to_end(key)
        return self._passing.get(key)

    def _keep(self, key: _Key, shelf: _Shelf) -> None:
        if key.standing:
            self._standing[key] = shelf
            return
        self._passing[key] = shelf
        self._passing.move_to_end(key)
        while len(self._passing) > self._shelves:
            self._passing.popitem(last=False)


def best(names: Sequence[str], folded: Sequence[str], typed: str, limit: int) -> list[str]:
    """The names for what was typed: the same, then what begins so, then what holds every word, then what is alike.

    Equals keep the order of ``names``; ``folded`` are the same names without case.
    """
    typed = typed.casefold()
    first, *others = typed.split() or [""]
    if not first:
        return list(names[:limit])
    found = [index for index, name in enumerate(folded) if first in name]
    for word in others:
        found = [index for index in found if word in folded[index]]
    found.sort(key=lambda index: (folded[index] != typed, not folded[index].startswith(first)))
    if len(found) < _FEW:
        alike = process.extract(
            typed, folded, scorer=JaroWinkler.normalized_similarity, limit=2 * _FEW, score_cutoff=_ALIKE
        )
        found += [index for _, _, index in alike if index not in found]
    return [names[index] for index in found[:limit]]


def _folded(names: Sequence[str]) -> tuple[str, ...]:
    """The names without case; those that have none are not held twice."""
    return tuple(name if name.isascii() and name.islower() else name.casefold() for name in names)
