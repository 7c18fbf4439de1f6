"""What was used lately, by each conversation and by everybody: of what is equally near, that is offered first.

Kept in memory alone, and bounded: what was typed is not stored once it is answered (:mod:`storage.port.requests`), and
after a start suggestions are ranked by their likeness and name until something was used.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count

CONVERSATIONS, EACH, ALL = 500, 200, 2_000
"""Conversations that are remembered, commands and names of each, and of all together."""
_LONGEST = 200
Place = tuple[int, int]


class Used:
    """Commands (by path) and names, as they were used, newest last."""

    def __init__(self) -> None:
        self._clock = count(1)
        self._everybody: OrderedDict[str, int] = OrderedDict()
        self._by: OrderedDict[str, OrderedDict[str, int]] = OrderedDict()

    def note(self, conversation: str, words: Iterable[str]) -> None:
        """These were used in a conversation, by its key."""
        mine = self._by.setdefault(conversation, OrderedDict())
        self._by.move_to_end(conversation)
        now = next(self._clock)
        for word in words:
            if word and len(word) <= _LONGEST:
                for kept, most in ((mine, EACH), (self._everybody, ALL)):
                    kept[word.casefold()] = now
                    kept.move_to_end(word.casefold())
                    while len(kept) > most:
                        kept.popitem(last=False)
        while len(self._by) > CONVERSATIONS:
            self._by.popitem(last=False)

    def place(self, conversation: str, word: str) -> Place:
        """Where a word stands, to sort by: used last in the conversation first, then last by anybody, then the rest."""
        folded = word.casefold()
        mine = self._by.get(conversation)
        return (-(mine.get(folded, 0) if mine else 0), -self._everybody.get(folded, 0))


_here: ContextVar[tuple[Used, str] | None] = ContextVar("used_here", default=None)


@contextmanager
def asked_in(used: Used, conversation: str) -> Iterator[None]:
    """What is answered within was asked in a conversation, by its key."""
    token = _here.set((used, conversation))
    try:
        yield
    finally:
        _here.reset(token)


def note(words: Iterable[str]) -> None:
    """These were used where the question was asked; nothing where that is not known."""
    if found := _here.get():
        found[0].note(found[1], words)


def lately(word: str) -> Place:
    """To sort by, within what is equally near: what was used last, here before elsewhere, comes first."""
    found = _here.get()
    return found[0].place(found[1], word) if found else (0, 0)
