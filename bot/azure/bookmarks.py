"""Where lists go on: continuation links remembered by row number, so that turning a page costs one call."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple


class Start(NamedTuple):
    """Where to begin reading: the row there, rows a page, the link (None: from the beginning)."""

    row: int
    page_size: int
    link: str | None


class _Mark(NamedTuple):
    page_size: int
    link: str
    until: float


class Bookmarks:
    """Links by list and row; old ones and the least used lists are forgotten (a link has some 600 characters).

    A link keeps the page size of the request it came from, and is opaque: it is followed as it is or not at all. So a
    list may be remembered in several page sizes, and the way with the fewest calls, then the fewest rows, is chosen.
    """

    def __init__(
        self,
        lists: int = 64,
        marks: int = 64,
        seconds: float = 900.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lists: OrderedDict[Hashable, OrderedDict[tuple[int, int], _Mark]] = OrderedDict()
        self._most_lists = lists
        self._most_marks = marks
        self._seconds = seconds
        self._clock = clock

    def start(self, key: Hashable, offset: int, limit: int, most: int) -> Start:
        """Where to begin in order to read rows [offset, offset+limit), at most ``most`` rows a page."""
        wanted = offset + limit
        ways = [Start(0, min(wanted, most), None)]
        if key in self._lists:
            self._lists.move_to_end(key)
            now = self._clock()
            ways += [
                Start(row, size, mark.link)
                for (row, size), mark in self._lists[key].items()
                if row <= offset and mark.until > now
            ]

        def cost(way: Start) -> tuple[int, int]:
            calls = -(-(wanted - way.row) // way.page_size)
            return calls, calls * way.page_size

        return min(ways, key=cost)

    def note(self, key: Hashable, row: int, page_size: int, link: str) -> None:
        """Remember that row ``row`` of a list is where ``link`` goes on."""
        marks = self._lists.setdefault(key, OrderedDict())
        self._lists.move_to_end(key)
        marks[row, page_size] = _Mark(page_size, link, self._clock() + self._seconds)
        marks.move_to_end((row, page_size))
        if len(marks) > self._most_marks:
            marks.popitem(last=False)
        if len(self._lists) > self._most_lists:
            self._lists.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Forget a list, since the service did."""
        self._lists.pop(key, None)
