"""A filter in words, as a card shows what was understood: ``active or disabled · pool render* · older than 2 h``."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.filter.compile import Now
from bot.filter.condition import FLIPPED, Condition
from bot.filter.fields import ORDER, Kind
from bot.filter.values import Moment, Pattern, Value
from cards.card import Piece, Span, Text, Time
from cards.formatting import duration, file_size, number

_AGES = {">": "older than", ">=": "no younger than", "<": "younger than", "<=": "no older than"}
_SPANS = {">": "longer than", ">=": "at least", "<": "less than", "<=": "at most"}
_TIMES = {">": "after", ">=": "from", "<": "before", "<=": "until the end of"}
_FEW = 4


def describe(condition: Condition, now: Now) -> Text:
    """One condition."""
    found = _plain(condition)
    return tuple(_merged([Span("not ") if found.negated else Span(""), *_said(found, now)]))


def _plain(condition: Condition) -> Condition:
    """The same without a double negation: ``-state!=active`` is active, ``-age<=2h`` is older than 2 h.

    Of comparisons only ages, which everything has: what has no value fits the denial of others alone.
    """
    if not condition.negated:
        return condition
    if condition.op == "!=":
        return replace(condition, negated=False, op=":")
    if condition.op in FLIPPED and condition.field.kind is Kind.AGE:
        return replace(condition, negated=False, op=FLIPPED[condition.op])
    return condition


def _said(condition: Condition, now: Now) -> list[Piece]:  # noqa: PLR0911 - one a kind
    field, op = condition.field, condition.op
    values = _values(condition, now)
    denied = "not " if op == "!=" else ""
    match field.kind:
        case Kind.FLAG:
            return [Span(field.words[str(condition.values[0])].shown)]
        case Kind.STATE if field.name == "state":
            return [Span(denied), *values]
        case Kind.TEXT if op == "~":
            return [Span(f"{field.title} contains "), *values]
        case Kind.AGE:
            return [Span(f"{_AGES[op]} "), *values]
        case Kind.SPAN:
            return [Span(f"{field.title} {_SPANS[op]} "), *values]
        case Kind.TIME if op in ORDER:
            return [Span(f"{field.title} {_TIMES[op]} "), *values]
        case _ if op in ORDER:
            return [Span(f"{field.title} {op} "), *values]
        case Kind.TIME if field.opens and not any(
            isinstance(v, Moment) and v.ago is not None for v in condition.values
        ):
            return [Span(f"{field.title} since "), *values]
        case _:
            return [Span(f"{field.title} {denied}"), *values]


def _values(condition: Condition, now: Now) -> list[Piece]:
    pieces: list[Piece] = []
    values = condition.values
    for index, value in enumerate(values[:_FEW]):
        if index:
            pieces.append(Span(" or " if index + 1 == len(values) else ", "))
        pieces.append(_value(condition, value, now))
    if len(values) > _FEW:
        pieces.append(Span(f" or one of {number(len(values) - _FEW)} more"))
    return pieces


def _value(condition: Condition, value: Value, now: Now) -> Piece:
    match value:
        case timedelta():
            return Span(duration(value))
        case Moment(ago=timedelta() as ago):
            return Span(f"in the last {duration(ago)}")
        case Moment():
            return Time(now.span(value)[0], "clock") if value.clock else Span(str(value))
        case Pattern():
            return Span(value.literal if value.literal is not None else str(value))
        case int() | float():  # exit codes are no counts: no comma in them
            as_it_is = f"{value:g}" if isinstance(value, float) else str(value)
            return Span(file_size(int(value)) if condition.field.kind is Kind.BYTES else as_it_is)
    word = condition.field.words.get(value)
    return Span(word.shown if word else value)


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Neighbouring plain spans as one."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if isinstance(piece, Span) and isinstance(last, Span):
            found[-1] = Span(last.text + piece.text)
        elif not isinstance(piece, Span) or piece.text:
            found.append(piece)
    return found
