"""Lists with a filter: how they are read, and what their cards say of it.

A filter that the service decides alone is read by windows of one page. Any other is read server page by server page
until the page of the answer is full and one row more is known; the first card comes after a second and a half, the
same message is edited while the reading goes on, and after a minute it says how far it got, with a button to go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from heapq import nsmallest
from math import ceil
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from cyclopts import Parameter

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.filter import Bound, Entity, Filter, parse
from bot.requests.context import Context
from cards import build
from cards.build import muted, text
from cards.card import Button, Footer, Menu, Option, Words
from cards.formatting import number

Typed: TypeAlias = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""A word of a filter, which may begin with ``-``."""
Unseen: TypeAlias = Annotated[int, Parameter(show=False)]
"""An option for buttons: it is in no form."""

SERVER_PAGE = 1000
_AT_ONCE = 20

T = TypeVar("T")
E = TypeVar("E")


@dataclass(frozen=True)
class PageStart:
    """Where in a list a page of the answer begins.

    ``page`` counts from 1. A button may know better: ``skip`` rows of the list lie before it, and ``met`` rows among
    them fit; so turning a page costs no reading from the beginning.
    """

    page: int = 1
    skip: int = 0
    met: int = 0

    def within(self, total: int | None) -> PageStart:
        """The same where so many rows fit: the last page where this one lies behind the end."""
        return self if total is None or self.skip else replace(self, page=build.within(self.page, total))

    @property
    def first(self) -> int:
        """How many fitting rows come before the page."""
        return self.met if self.skip else (max(1, self.page) - 1) * build.PAGE

    @property
    def known(self) -> int:
        """How many of them are known to lie before ``skip``."""
        return self.met if self.skip else 0


@dataclass(frozen=True)
class Found(Generic[T]):
    """How far a reading got: the rows of the page, how many fit (those before the page included), and where it is.

    ``read`` rows of the list have been read, of ``about`` (None: nobody knows); the next page begins ``behind`` so
    many of them, 0 where its number is enough. ``done``: ``fits`` is all. ``full``: one row more fits than is shown.
    """

    rows: tuple[T, ...]
    fits: int
    read: int
    behind: int
    at: datetime
    about: int | None = None
    done: bool = False
    full: bool = False


class ReadStatus(Enum):
    """Why a card is shown now."""

    READING = "goes on"
    FINISHED = "is over"
    STOPPED = "was stopped"
    PAUSED = "took too long"
    BROKEN = "ended in an error"


@dataclass(frozen=True)
class Step(Generic[T]):
    """A card's worth of a reading; ``error`` is what broke it."""

    found: Found[T]
    status: ReadStatus = ReadStatus.FINISHED
    error: AzureError | None = None


@dataclass(frozen=True)
class Pace:
    """Seconds to the first card, between edits, and until the reading pauses."""

    first: float = 1.5
    every: float = 3.0
    most: float = 60.0


PACE = Pace()


def understood(
    ctx: Context, source: Account | None, entity: Entity, typed: Sequence[str], *before: str, **chosen: str | None
) -> Filter:
    """The filter that was typed, with what was ``chosen`` of fields that have an option of their own, such as a state.

    ``before`` are the words of the command before it; ``source`` is None where the list is about no account.

    Raises CommandError with corrected commands.
    """
    after = ctx.naming(source) if source else []
    tokens = [*(f"{name}:{value}" for name, value in chosen.items() if value), *typed]
    return parse(tokens, entity, zone=ctx.zone, before=before, after=after)


def selected(names: str, wanted: Filter) -> str:
    """``$select`` with what the filter needs beside the columns."""
    return ",".join(dict.fromkeys([*names.split(","), *wanted.select]))


async def windowed(
    source: Account, kind: type[T], path: str, bound: Bound, start: PageStart, *, select: str
) -> Found[T]:
    """One page of a list whose filter is exact: one call, wherever it lies."""
    window = await source.window(kind, path, offset=start.first, limit=build.PAGE, select=select, filter=bound.odata)
    seen = start.first + len(window.items)
    full = window.more and bool(window.items)
    return Found(tuple(window.items), seen + full, seen, 0, window.at, done=not full, full=full)


async def windowed_within(
    source: Account, kind: type[T], path: str, bound: Bound, start: PageStart, *, select: str
) -> tuple[Found[T], PageStart]:
    """The same, and where it begins: at the last page where what was asked for lies behind the end.

    What lies behind the end of a list that nobody counts is found by counting it.
    """
    found = await windowed(source, kind, path, bound, start, select=select)
    if found.rows or not start.first:
        return found, start
    pages = source.pages(kind, path, select="id", filter=bound.odata)
    start = PageStart(start.page).within(sum([len(page.items) async for page in pages]))
    return await windowed(source, kind, path, bound, start, select=select), start


def paged(rows: Sequence[T], start: PageStart, at: datetime) -> Found[T]:
    """A page of rows that are all known; the last page where it lies behind the end."""
    first = (build.within(start.page, len(rows)) - 1) * build.PAGE
    shown = tuple(rows[first : first + build.PAGE])
    return Found(shown, len(rows), len(rows), 0, at, done=True, full=first + len(shown) < len(rows))


async def streamed(
    source: Account, kind: type[T], path: str, bound: Bound, start: PageStart, *, select: str, about: int | None = None
) -> AsyncGenerator[Found[T]]:
    """A page of a list whose filter is finished here; says after each server page how far it is."""
    found: Found[T] = Found((), start.known, start.skip, start.skip, source.now(), about)
    while not (found.done or found.full):
        window = await source.window(
            kind,
            path,
            offset=found.read,
            limit=SERVER_PAGE - found.read % SERVER_PAGE,
            select=select,
            filter=bound.odata,
        )
        fitting = ((found.read + index, row) for index, row in enumerate(window.items, start=1) if bound.row(row))
        read = found.read + len(window.items)
        done = not window.more or not window.items
        found = _filled(replace(found, read=read, at=window.at, done=done), fitting, start)
        yield found


async def gathered(source: Account, kind: type[T], path: str, bound: Bound, *, select: str) -> AsyncGenerator[Found[T]]:
    """All rows that fit, for lists that are sorted; says after each server page how far it is."""
    found: Found[T] = Found((), 0, 0, 0, source.now())
    async for page in source.pages(kind, path, select=select, filter=bound.odata):
        fitting = [row for row in page.items if bound.row(row)]
        found = Found(
            (*found.rows, *fitting), found.fits + len(fitting), found.read + len(page.items), 0, page.at,
            done=page.next is None,
        )  # fmt: skip
        yield found


async def arranged(
    source: Account,
    kind: type[T],
    path: str,
    bound: Bound,
    start: PageStart,
    order: Callable[[T], Any],
    *,
    select: str,
    about: int | None = None,
) -> AsyncGenerator[Found[T]]:
    """A page of a list in an order that only all of it gives, however long it is: no more rows are kept than are shown.

    It is read from its beginning for each page. What is shown before the end is in order as far as it was read.
    """
    first, wanted = start.first, start.first + build.PAGE + 1
    best: list[T] = []
    fits = read = 0
    async for page in source.pages(kind, path, select=select, filter=bound.odata):
        fitting = [row for row in page.items if bound.row(row)]
        fits, read = fits + len(fitting), read + len(page.items)
        best = nsmallest(wanted, [*best, *fitting], key=order)
        if page.next is None:
            yield replace(paged(best, start, page.at), fits=fits, read=read, about=about)
        else:
            yield Found(tuple(best[first : first + build.PAGE]), fits, read, 0, page.at, about)


async def sifted(
    rows: Sequence[T],
    count: Callable[[Sequence[T]], Awaitable[Sequence[E]]],
    bound: Bound,
    start: PageStart,
    at: datetime,
) -> AsyncGenerator[Found[tuple[T, E]]]:
    """A page of rows (in their order) whose counts fit. Counts are costly: a few at once, until the page is full."""
    found: Found[tuple[T, E]] = Found((), start.known, start.skip, start.skip, at, len(rows), not rows)
    while not (found.done or found.full):
        some = rows[found.read : found.read + _AT_ONCE]
        pairs = list(zip(some, await count(some), strict=True))
        fitting = ((found.read + index, pair) for index, pair in enumerate(pairs, start=1) if bound.counts(pair[1]))
        read = found.read + len(some)
        found = _filled(replace(found, read=read, done=read >= len(rows)), fitting, start)
        yield found
    if not rows:
        yield found


def _filled(found: Found[T], fitting: Iterable[tuple[int, T]], start: PageStart) -> Found[T]:
    """With the rows that fit, each with how much of the list lies up to it; full where one more fits than is shown."""
    rows, fits, behind = list(found.rows), found.fits, found.behind
    for position, row in fitting:
        fits += 1
        if fits <= start.first:
            continue
        if len(rows) == build.PAGE:
            return replace(found, rows=tuple(rows), fits=fits, behind=behind, full=True, done=False)
        rows.append(row)
        behind = position
    return replace(found, rows=tuple(rows), fits=fits, behind=behind)


async def paced(
    ctx: Context, reading: AsyncGenerator[Found[T]], begin: Found[T], pace: Pace | None = None
) -> AsyncIterator[Step[T]]:
    """What to show of a reading, and when: soon, then now and then, and at the end.

    ``begin`` is what is shown where nothing has come in time. Raises AzureError only before the first step.
    """
    pace = pace or PACE
    latest, shown = begin, None

    async def pump() -> None:
        nonlocal latest
        async for found in reading:
            latest = found

    loop = asyncio.get_running_loop()
    until = loop.time() + pace.most
    wait = pace.first
    reader = asyncio.create_task(pump())
    stop = asyncio.create_task(ctx.live.stopping.wait())
    try:
        while True:
            left = until - loop.time()
            await asyncio.wait({reader, stop}, timeout=max(0.0, min(wait, left)), return_when=asyncio.FIRST_COMPLETED)
            if reader.done():
                error = reader.exception()
                if error is None:
                    yield Step(latest, ReadStatus.FINISHED)
                elif isinstance(error, AzureError) and shown is not None:
                    yield Step(latest, ReadStatus.BROKEN, error)
                else:
                    raise error
                return
            if stop.done() or loop.time() >= until:
                yield Step(latest, ReadStatus.STOPPED if stop.done() else ReadStatus.PAUSED)
                return
            if latest is not shown:
                shown = latest
                yield Step(latest, ReadStatus.READING)
            wait = pace.every
    finally:
        reader.cancel()
        stop.cancel()
        await asyncio.gather(reader, stop, return_exceptions=True)
        await reading.aclose()


Line: TypeAlias = Callable[..., str]
"""Makes the list's own command, with its filter, from options such as ``page=2``."""


@dataclass(frozen=True)
class ListStatus(Generic[T]):
    """What a list's card says of its reading. ``total``: how many rows fit, where somebody knows it."""

    ctx: Context
    step: Step[T]
    start: PageStart
    line: Line
    total: int | None = None
    at_most: bool = False
    """``about`` is what the whole list holds, of which the service leaves out a part."""
    arranged: bool = False
    """It is in an order that only all of it gives, so that no reading goes on where another ended."""

    @property
    def extent(self) -> str:
        """``20 of 1,243``, ``20 of at least 21``, ``7 so far``."""
        found, first = self.step.found, self.start.first
        last = first + len(found.rows)
        shown = f"{number(first + 1)} – {number(last)}" if first and found.rows else number(len(found.rows))
        if not (found.done or found.full):
            return f"{shown if found.rows else number(found.fits)} so far"
        total = found.fits if found.done else self.total
        if total is None or (found.full and total < found.fits):
            return f"{shown} of at least {number(found.fits)}"
        return shown if not first and total == len(found.rows) else f"{shown} of {number(total)}"

    @property
    def turning(self) -> tuple[Button | None, Button | None]:
        """To the pages before and behind."""
        found, first = self.step.found, self.start.first
        back = Button("◀ Previous", self.line(page=ceil(first / build.PAGE)), how="edit") if first else None
        if not found.full:
            return back, None
        here = self.start.page if not self.start.skip else first // build.PAGE + 1
        options = {"skip": found.behind, "met": first + len(found.rows)} if found.behind else {}
        return back, Button("Next ▶", self.line(page=here + 1, **options), how="edit")

    @property
    def going_on(self) -> Button | None:
        """Stop while it reads; go on where it was left."""
        found, status = self.step.found, self.step.status
        if status is ReadStatus.READING:
            return Button("Stop", f"stop {self.ctx.live.id}", how="edit")
        if status is ReadStatus.FINISHED or self.arranged:
            return None
        command = self.line(skip=found.read, met=self.start.first + len(found.rows))
        return Button("Go on", command, how="post" if found.rows else "edit", style="primary")

    @property
    def progress(self) -> Footer | None:
        """How much was read for it."""
        found = self.step.found
        read = number(found.read)
        whole = f" of {'at most' if self.at_most else 'about'} {number(found.about)}" if found.about else ""
        only = " Only what was read is in this order: a filter leaves less to read." if self.arranged else ""
        match self.step.status:
            case ReadStatus.READING:
                words = f"Showing {len(found.rows)}, read {read}{whole} so far; this message goes on."
                return Footer(text(words), while_live=True)
            case ReadStatus.STOPPED:
                return build.note(f"Stopped after {read}{whole}.{only}")
            case ReadStatus.PAUSED:
                return build.note(f"Paused after {read}{whole}: a minute is the most at a time.{only}")
            case ReadStatus.BROKEN if self.step.error:
                return build.note(f"Broken off after {read}{whole}: {self.step.error.code}, {self.step.error.message}")
        if found.full and found.about:
            return build.note(f"Read {read}{whole} for this page.")
        return None

    def nothing(self, wanted: Filter, none: str) -> Words:
        """In place of rows: ``none`` is what is said of a list that is empty without any filter."""
        found = self.step.found
        if not (found.done or found.full):
            return Words(text(muted("Nothing found yet.")))
        if self.start.first:
            return Words(text("There are no more."))
        if not wanted:
            return Words(text(none))
        return Words(text(f"No {wanted.entity.name} fits: ", wanted.words(found.at), "."))


def sorting(command: str, ways: Sequence[str], way: str) -> Menu:
    """The choice of an order; ``command`` is without it."""
    options = tuple(Option(f"{each} ✓" if each == way else each, each) for each in ways)
    return Menu("Sort", f"{command} sort:{{}}", options, how="edit")


def without(wanted: Filter, command: str) -> Button | None:
    """The list without its filter."""
    return Button("Without filter", command, how="edit") if wanted else None
