"""What a condition says to the service, and what it says of a row.

The text for the service may let through more than the condition does, never less; ``exact`` says where it lets through
just that. The service compares nothing with a value that is not there, and how it takes ``ne`` then is not written
anywhere: ``ne`` is sent only for what every row has.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from bot.filter.condition import FLIPPED, Condition
from bot.filter.fields import ORDER, Field, Kind
from bot.filter.values import Moment, Pattern, floor

Test = Callable[[Any], bool]

_WIRE = {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_EARLIER = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
"""What is older began earlier."""
_MOST = (1 << 31) - 1
_SKEW = timedelta(minutes=5)


class Clause(NamedTuple):
    """A part of ``$filter``; empty where the service can say nothing. ``exact``: it says all of the condition."""

    text: str
    exact: bool


@dataclass(frozen=True)
class Now:
    """What a filter is seen from: the moment (aware) and the zone."""

    at: datetime
    zone: str

    def span(self, moment: Moment) -> tuple[datetime, datetime]:
        """From when to before when a moment lasts."""
        return moment.span_at(self.at, self.zone)

    def ago(self, length: timedelta) -> datetime:
        """The moment so long ago."""
        return floor(self.at, length) - length


def clause(condition: Condition, now: Now) -> Clause:
    """The condition for ``$filter``."""
    field = condition.field
    if field.kind in (Kind.STATE, Kind.FLAG):
        return _words(condition)
    made = Clause("", False)
    if field.wire:
        made = _SAID[field.kind](condition, now)
    if not made.text and not made.exact and field.implies and not condition.negated:
        return Clause(field.implies, False)
    return made


def _words(condition: Condition) -> Clause:
    field = condition.field
    chosen = [field.words[str(value)] for value in condition.values]
    if condition.op == "!=" and condition.negated and not field.always:
        return Clause("", False)
    if condition.negated == (condition.op == "!="):  # one of them; "not: has another one" comes to the same
        yes = [word.yes for word in chosen]
        return Clause(_any(yes), True) if all(yes) else Clause("", False)
    no = [word.no for word in chosen if word.no]
    return Clause(_all(no), len(no) == len(chosen))


def _text(condition: Condition, now: Now) -> Clause:
    del now
    field, op = condition.field, condition.op
    patterns = [value for value in condition.values if isinstance(value, Pattern)]
    if op in ORDER:
        return _ordered(condition, op, lambda sign: f"{field.wire} {sign} {_quoted(patterns[0].literal or '')}")
    if op == "~" or (op == "!=" and condition.negated and not field.always):
        return Clause("", False)
    return (_is_none if condition.negated != (op == "!=") else _is_some)(field, patterns)


def _is_some(field: Field, patterns: list[Pattern]) -> Clause:
    parts = [_fits(field, pattern) for pattern in patterns]
    if any(not part.text for part in parts):
        return Clause("", field.always and any(part.exact and not part.text for part in parts))
    return Clause(_any([part.text for part in parts]), all(part.exact for part in parts))


def _is_none(field: Field, patterns: list[Pattern]) -> Clause:
    if not field.always or "ne" not in field.operators:
        return Clause("", False)
    literals = [literal for pattern in patterns if (literal := pattern.literal) is not None]
    return Clause(_all([f"{field.wire} ne {_quoted(text)}" for text in literals]), len(literals) == len(patterns))


def _fits(field: Field, pattern: Pattern) -> Clause:
    if pattern.fits_all:
        return Clause("", True)
    if pattern.literal is not None and "eq" in field.operators:
        return Clause(f"{field.wire} eq {_quoted(pattern.literal)}", True)
    if pattern.prefix and "startswith" in field.operators:
        return Clause(f"startswith({field.wire},{_quoted(pattern.prefix)})", pattern.is_prefix)
    return Clause("", False)


def _number(condition: Condition, now: Now) -> Clause:
    del now
    field, op = condition.field, condition.op
    numbers = [value for value in condition.values if isinstance(value, int)]
    if any(abs(number) > _MOST for number in numbers):
        return Clause("", False)
    if op in ORDER:
        return _ordered(condition, op, lambda sign: f"{field.wire} {sign} {numbers[0]}")
    if condition.negated:
        return Clause("", False)
    if op == "!=":
        return Clause(_all([f"({field.wire} lt {n} or {field.wire} gt {n})" for n in numbers]), True)
    return Clause(_any([f"{field.wire} eq {number}" for number in numbers]), True)


def _time(condition: Condition, now: Now) -> Clause:
    field, op = condition.field, condition.op
    spans = [now.span(value) for value in condition.values if isinstance(value, Moment)]
    if op in ORDER:
        start, end = spans[0]
        return _ordered(condition, op, lambda sign: _moment(field, sign, start, end))
    if condition.negated:
        return Clause("", False)
    if op == "!=":
        parts = [f"({_bound(field, 'lt', start)} or {_bound(field, 'ge', end)})" for start, end in spans]
        return Clause(_all(parts), True)
    within = []
    for (start, end), value in zip(spans, condition.values, strict=True):
        begins = _bound(field, "ge", start)
        open_ended = field.opens or (isinstance(value, Moment) and value.ago is not None)
        within.append(begins if open_ended else f"({begins} and {_bound(field, 'lt', end)})")
    return Clause(_any(within), True)


def _age(condition: Condition, now: Now) -> Clause:
    field, length = condition.field, cast("timedelta", condition.values[0])
    older = {_WIRE[op]: _WIRE[earlier] for op, earlier in _EARLIER.items()}
    return _ordered(condition, condition.op, lambda sign: _bound(field, older[sign], now.ago(length)))


def _span(condition: Condition, now: Now) -> Clause:
    """What ran for so long began so long ago; with some minutes to spare, for clocks differ and time goes on."""
    length = cast("timedelta", condition.values[0])
    if condition.negated or condition.op not in (">", ">="):
        return Clause("", False)
    return Clause(_bound(condition.field, "lt", now.ago(length) + _SKEW), False)


_SAID: dict[Kind, Callable[[Condition, Now], Clause]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.TIME: _time,
    Kind.AGE: _age,
    Kind.SPAN: _span,
}


def _ordered(condition: Condition, op: str, said: Callable[[str], str]) -> Clause:
    """A comparison; its denial is the opposite one, of what every row has."""
    if condition.negated:
        if not condition.field.always:
            return Clause("", False)
        op = FLIPPED[op]
    sign = _WIRE[op]
    return Clause(said(sign), True) if sign in condition.field.operators else Clause("", False)


def _moment(field: Field, sign: str, start: datetime, end: datetime) -> str:
    """A moment lasts: after it is from its end on, until it is to its end."""
    return {
        "gt": _bound(field, "ge", end),
        "ge": _bound(field, "ge", start),
        "lt": _bound(field, "lt", start),
        "le": _bound(field, "lt", end),
    }[sign]


def _bound(field: Field, sign: str, at: datetime) -> str:
    return f"{field.wire} {sign} DateTime'{at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}'"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _any(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"


def _all(parts: list[str]) -> str:
    return " and ".join(parts)


def test(condition: Condition, now: Now) -> Test:
    """The condition as a question to a row (or to what is fetched beside it)."""
    fits, read = _one(condition, now), condition.field.read
    if condition.op == "!=":

        def other(row: Any) -> bool:
            values = read(row)
            return bool(values) and not any(map(fits, values))

        found = other
    else:

        def some(row: Any) -> bool:
            return any(map(fits, read(row)))

        found = some
    return (lambda row: not found(row)) if condition.negated else found


def _one(condition: Condition, now: Now) -> Callable[[Any], bool]:  # noqa: PLR0911 - one a kind
    """The question to one value; with ``!=``, whether it is what is denied."""
    kind, op, values = condition.field.kind, condition.op, condition.values
    if kind is Kind.STATE:
        return frozenset(values).__contains__
    if kind is Kind.FLAG:
        yes = values[0] == "yes"
        return lambda value: bool(value) is yes
    if kind is Kind.TEXT:
        return _text_test(op, [value for value in values if isinstance(value, Pattern)])
    if kind is Kind.TIME:
        return _time_test(condition, now)
    if kind in (Kind.NUMBER, Kind.DECIMAL, Kind.BYTES):
        return _comparison(op, values[0]) if op in ORDER else frozenset(values).__contains__
    length = values[0]
    if not isinstance(length, timedelta):
        raise TypeError(f"{condition.field.name} is compared with a span")
    if kind is Kind.SPAN:
        longer = _COMPARE[op]
        return lambda run: longer((run[1] or now.at) - run[0], length)
    return _comparison(_EARLIER[op], now.ago(length))


def _comparison(op: str, with_what: Any) -> Callable[[Any], bool]:
    compare = _COMPARE[op]
    return lambda value: compare(value, with_what)


def _text_test(op: str, patterns: list[Pattern]) -> Callable[[str], bool]:
    if op in ORDER:
        compare, with_what = _COMPARE[op], (patterns[0].literal or "").lower()
        return lambda value: compare(value.lower(), with_what)
    expressions = [re.compile(pattern.expression(), re.S) for pattern in patterns]
    if op == "~":
        return lambda value: any(expression.search(value.lower()) for expression in expressions)
    return lambda value: any(expression.fullmatch(value.lower()) for expression in expressions)


def _time_test(condition: Condition, now: Now) -> Callable[[datetime], bool]:
    moments = [value for value in condition.values if isinstance(value, Moment)]
    spans = [now.span(moment) for moment in moments]
    if condition.op in ORDER:
        start, end = spans[0]
        op = {">": ">=", "<=": "<"}.get(condition.op, condition.op)
        return _comparison(op, end if condition.op in (">", "<=") else start)
    if condition.field.opens:
        return lambda value: any(value >= start for start, _ in spans)
    return lambda value: any(start <= value < end for start, end in spans)
