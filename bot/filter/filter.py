"""What was understood of a filter, and what it says at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from bot.filter.compile import Clause, Now, Test, clause, test
from bot.filter.condition import Condition
from bot.filter.describe import describe
from bot.filter.fields import Entity
from cards.card import Piece, Span, Text
from cards.command_line import join

_SOMETIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Filter:
    """Conditions that all have to hold; ``zone`` is the one that its clock times and days are given in.

    ``str`` gives the text that :func:`bot.filter.parse` reads back to the same filter, ``tokens`` its words.
    """

    entity: Entity
    conditions: tuple[Condition, ...] = ()
    zone: str = "UTC"

    def __bool__(self) -> bool:
        return bool(self.conditions)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Its words, for :func:`bot.requests.grammar.join` and buttons."""
        return tuple(map(str, self.conditions))

    def __str__(self) -> str:
        return join(self.tokens)

    @property
    def exact(self) -> bool:
        """Whether the service decides all of it."""
        return self.at(_SOMETIME).exact

    @property
    def select(self) -> tuple[str, ...]:
        """The top-level properties that ``$select`` has to hold for it, each once."""
        needed = (name for each in self.conditions for name in each.field.needs.split(",") if name)
        return tuple(dict.fromkeys(needed))

    @property
    def counted(self) -> bool:
        """Whether counts have to be fetched beside the rows."""
        return any(each.field.counted for each in self.conditions)

    def at(self, at: datetime) -> Bound:
        """What it says at a moment (aware, the service's)."""
        return Bound(self, at)

    def odata(self, at: datetime) -> str:
        """``$filter`` at a moment: it lets through all that fits, and more where it is not exact."""
        return self.at(at).odata

    def matches(self, row: Any, at: datetime, counts: Any = None) -> bool:
        """Whether a row fits at a moment; ``counts`` are those beside it, None where there are none."""
        bound = self.at(at)
        return bound.row(row) and bound.counts(counts)

    def words(self, at: datetime) -> Text:
        """What was understood, conditions parted by middle dots; empty for no filter."""
        now = Now(at, self.zone)
        pieces: list[Piece] = []
        for condition in self.conditions:
            pieces += [*([Span(" · ")] if pieces else []), *describe(condition, now)]
        return tuple(pieces)


@dataclass(frozen=True)
class Bound:
    """A filter at one moment."""

    filter: Filter
    at: datetime

    @property
    def _now(self) -> Now:
        return Now(self.at, self.filter.zone)

    @cached_property
    def _clauses(self) -> Sequence[Clause]:
        return [clause(each, self._now) for each in self.filter.conditions if not each.field.counted]

    @property
    def odata(self) -> str:
        """``$filter``; empty where the service can say nothing."""
        return " and ".join(dict.fromkeys(each.text for each in self._clauses if each.text))

    @property
    def exact(self) -> bool:
        """Whether the service decides all of it."""
        return not self.filter.counted and all(each.exact for each in self._clauses)

    @cached_property
    def _tests(self) -> tuple[list[Test], list[Test]]:
        rows: list[Test] = []
        counts: list[Test] = []
        for each in self.filter.conditions:
            (counts if each.field.counted else rows).append(test(each, self._now))
        return rows, counts

    def row(self, row: Any) -> bool:
        """Whether a row fits, as far as the row shows."""
        return all(fits(row) for fits in self._tests[0])

    def counts(self, counts: Any) -> bool:
        """Whether the counts that are fetched beside a row fit."""
        return all(fits(counts) for fits in self._tests[1])
