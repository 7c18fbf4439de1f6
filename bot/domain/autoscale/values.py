"""Values of formulas: numbers, vectors of numbers, texts, moments and spans of time; and their operators."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from bot.domain.autoscale.functions import Vector

Value: TypeAlias = float | Vector | str | datetime | timedelta


_MOST_ELEMENTS: Final = 25_000
"""Of a vector: a week of samples, one in 30 seconds, is 20,160."""


class Unsuited(Exception):
    """An operator or a function does not take such values."""


def kind(value: Value) -> str:
    """What a value is, for messages."""
    match value:
        case float():
            return "a number"
        case tuple():
            return "a vector"
        case str():
            return "a text"
        case datetime():
            return "a moment"
    return "a span of time"


def shown(value: Value) -> str:
    """A value for people: ``3``, ``2.5``, ``[1, 2, 2, …] (20 samples)``, ``2026-11-24 09:30 UTC``, ``15 min``."""
    match value:
        case float():
            return f"{round(value, 4):.10g}"
        case tuple():
            first = ", ".join(shown(number) for number in value[:3])
            return f"[{first}, …] ({len(value)} values)" if len(value) > 3 else f"[{first}]"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M} UTC"
        case timedelta():
            return f"{value.total_seconds() / 60:g} min"
    return str(value)


def number(value: Value) -> float:
    """The number that a value is; a vector of one is that one. Raises Unsuited."""
    match value:
        case float():
            return value
        case tuple() if len(value) == 1:
            return value[0]
    raise Unsuited(f"a number is needed here, not {kind(value)}")


def flattened(values: list[Value]) -> Vector:
    """Numbers and vectors as one vector. Raises Unsuited."""
    found: list[float] = []
    for value in values:
        found += value if isinstance(value, tuple) else [number(value)]
        if len(found) > _MOST_ELEMENTS:
            raise Unsuited(f"a vector has {_MOST_ELEMENTS:,} elements at most")
    return tuple(found)


def finite(value: Value) -> Value:
    """The value itself. Raises Unsuited where it is, or has in it, a number that no computer word holds."""
    numbers = value if isinstance(value, tuple) else (value,)
    if not all(math.isfinite(each) for each in numbers if isinstance(each, float)):
        raise Unsuited("that is too large a number")
    return value


def applied(sign: str, left: Value, right: Value) -> Value:
    """An operator on two values; what comes out is finite. Raises Unsuited, and ZeroDivisionError."""
    if sign in _COMPARISONS:
        return _compared(sign, left, right)
    if sign in ("&&", "||"):
        a, b = bool(number(left)), bool(number(right))
        return float((a and b) if sign == "&&" else (a or b))
    if isinstance(left, float | tuple) and isinstance(right, float | tuple):
        return finite(_calculated(_ARITHMETIC[sign], left, right))
    return _timed(sign, left, right)


def _compared(sign: str, left: Value, right: Value) -> float:
    compare = _COMPARISONS[sign]
    for each in (str, datetime, timedelta):
        if isinstance(left, each) and isinstance(right, each):
            return float(compare(left, right))
    if isinstance(left, float | tuple) and isinstance(right, float | tuple):
        return float(compare(number(left), number(right)))
    raise Unsuited(f"{kind(left)} cannot be compared with {kind(right)}")


def _calculated(calculate: Callable[[float, float], float], left: float | Vector, right: float | Vector) -> Value:
    if isinstance(left, float) and isinstance(right, float):
        return calculate(left, right)
    a = left if isinstance(left, tuple) else (left,) * len(right if isinstance(right, tuple) else ())
    b = right if isinstance(right, tuple) else (right,) * len(a)
    if len(a) != len(b):
        raise Unsuited(f"vectors of {len(a)} and {len(b)} values do not go together")
    return tuple(map(calculate, a, b))


def _timed(sign: str, left: Value, right: Value) -> Value:
    """Spans and moments: what the service's table of operations allows, and nothing else."""
    try:
        match sign, left, right:
            case "*", (float() | tuple()), timedelta():
                return number(left) * right
            case (("*" | "/"), timedelta(), (float() | tuple())):
                return left * number(right) if sign == "*" else left / number(right)
            case (("+" | "-"), timedelta(), timedelta()):
                return left + right if sign == "+" else left - right
            case (("+" | "-"), datetime(), timedelta()):
                return left + right if sign == "+" else left - right
            case "+", timedelta(), datetime():
                return left + right
            case "-", datetime(), datetime():
                return left - right
    except OverflowError:
        raise Unsuited("that is too long a time") from None
    raise Unsuited(f"“{sign}” cannot be combined with {kind(left)} and {kind(right)}")


def _remainder(left: float, right: float) -> float:
    if right == 0:
        raise ZeroDivisionError
    return math.fmod(left, right)


_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": _remainder,
}
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
