"""Between what bounds a formula's values lie whatever the samples are: whether there is a cap, and a floor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from bot.domain.autoscale import functions, vocabulary
from bot.domain.autoscale.syntax import (
    Binary,
    Call,
    Conditional,
    Expression,
    Index,
    Member,
    Method,
    Name,
    Number,
    Unary,
)


class Bounds(Struct, frozen=True):
    """A value, or every element of a vector, lies in [low, high]."""

    low: float = -math.inf
    high: float = math.inf

    @property
    def capped(self) -> bool:
        """Whether a target within them has a cap: one that a pool could have."""
        return self.high <= vocabulary.MOST_NODES

    def joined(self, other: Bounds) -> Bounds:
        """What holds for either."""
        return Bounds(min(self.low, other.low), max(self.high, other.high))


ANY: Final = Bounds()
_COUNT: Final = Bounds(0.0)
_TRUTH: Final = Bounds(0.0, 1.0)
_PERCENT: Final = Bounds(0.0, 100.0)
_OF_MEMBERS: Final[Mapping[str, Bounds]] = {
    "month": Bounds(1, 12),
    "day": Bounds(1, 31),
    "weekday": Bounds(0, 6),
    "hour": Bounds(0, 23),
    "minute": Bounds(0, 59),
    "second": Bounds(0, 59),
}


def bounds(node: Expression, known: Mapping[str, Bounds]) -> Bounds:
    """The bounds of an expression; ``known`` are those of variables that were set before."""
    found = _bounds(node, known)
    return found if found.low < math.inf and found.high > -math.inf else ANY


def _bounds(node: Expression, known: Mapping[str, Bounds]) -> Bounds:  # noqa: PLR0911 - one a kind
    """The same, which say nothing where they are beyond every number, or none (infinite ones off each other)."""
    match node:
        case Number():
            return Bounds(node.value, node.value)
        case Name():
            return known.get(node.name) or known.get(vocabulary.ALIASES.get(node.name, "")) or _of_name(node.name)
        case Unary():
            inner = bounds(node.operand, known)
            return Bounds(-inner.high, -inner.low) if node.operator == "-" else _TRUTH
        case Binary():
            return _of_operator(node.operator, bounds(node.left, known), bounds(node.right, known))
        case Conditional():
            return bounds(node.then, known).joined(bounds(node.otherwise, known))
        case Call():
            return _of_function(node.name, [bounds(each, known) for each in node.arguments])
        case Method():
            if node.name == "GetSamplePercent":
                return _PERCENT
            return bounds(node.of, known) if node.name == "GetSample" else _COUNT
        case Member():
            return _OF_MEMBERS.get(node.name, ANY)
        case Index():
            return bounds(node.of, known)
    return ANY


def _of_name(name: str) -> Bounds:
    full = vocabulary.ALIASES.get(name, name)
    if full == "$CPUPercent":
        return _PERCENT
    if full == vocabulary.SLOTS:
        return Bounds(1.0)
    if full in vocabulary.METRICS or full in (vocabulary.DEDICATED, vocabulary.SPOT):
        return _COUNT
    return ANY


def _of_operator(sign: str, left: Bounds, right: Bounds) -> Bounds:  # noqa: PLR0911 - one an operator
    match sign:
        case "+":
            return Bounds(left.low + right.low, left.high + right.high)
        case "-":
            return Bounds(left.low - right.high, left.high - right.low)
        case "*":
            return _corners([_times(a, b) for a in (left.low, left.high) for b in (right.low, right.high)])
        case "/":
            if right.low <= 0 <= right.high:
                return _COUNT if left.low >= 0 and right.low >= 0 else ANY
            return _corners([_over(a, b) for a in (left.low, left.high) for b in (right.low, right.high)])
        case "%":
            return ANY
    return _TRUTH


def _times(a: float, b: float) -> float:
    return 0.0 if 0 in (a, b) else a * b


def _over(a: float, b: float) -> float:
    return 0.0 if math.isinf(b) else a / b


def _corners(values: list[float]) -> Bounds:
    return Bounds(min(values), max(values))


def _of_function(name: str, given: Sequence[Bounds]) -> Bounds:  # noqa: PLR0911 - one a function
    if name == "rand":
        return _TRUTH
    if not given:
        return ANY
    match name:
        case "max":
            return Bounds(max(each.low for each in given), max(each.high for each in given))
        case "min":
            return Bounds(min(each.low for each in given), min(each.high for each in given))
        case "avg" | "vec":
            return Bounds(min(each.low for each in given), max(each.high for each in given))
        case "percentile" | "val":
            return given[0]
        case "ceil" | "floor" | "round":
            step = functions.OF_EACH[name]
            low, high = given[0].low, given[0].high
            return Bounds(low if math.isinf(low) else step(low), high if math.isinf(high) else step(high))
        case "sum":
            return _COUNT if all(each.low >= 0 for each in given) else ANY
        case "len" | "norm" | "range" | "std":
            return _COUNT
    return ANY
