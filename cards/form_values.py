"""What the inputs of a form hold, in words that both platforms share: labels, choices, dates, moments, the foot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from cards.card import Card, Field, Form, Option
from cards.render_text import Clock, Run, runs
from cards.text_fit import clean, clean_line, isolate

FILE = "file:"
"""Stands before the platform's id of an attached file."""
_YES = {"true", "yes", "on", "1"}

_EARLIEST, _LATEST = 1973, 9998
"""Years in which every zone's offset is whole minutes (Liberia's was the last that was not), and a day more exists."""


def label(field: Field) -> str:
    """``Severity (default: warning)``; never empty but where the field has no name either."""
    words = clean_line(field.label or field.name)
    default = clean_line(field.default)
    return isolate(f"{words} (default: {default})" if default else words)


def filled(field: Field) -> str:
    """The text that stands in a text input: one line, unless it takes several."""
    if not (words := clean_line(field.value)):
        return ""
    return clean(field.value) if field.lines or field.kind == "file" else words


def is_on(value: str) -> bool:
    """Whether a flag's value means yes."""
    return value.strip().lower() in _YES


def several(value: str) -> list[str]:
    """The values of a multiple choice."""
    return list(dict.fromkeys(part for part in value.split(",") if part))


def choices(field: Field) -> tuple[Option, ...]:
    """The options, and whatever is chosen and is none of them: a value that somebody gave is never lost.

    Of a multiple choice only what has no comma, which would be two choices when it comes back.
    """
    chosen = several(field.value) if field.kind == "choices" else [field.value] if field.value else []
    options = [each for each in field.options if field.kind == "choice" or ("," not in each.value and each.value)]
    known = {option.value for option in options}
    return (*options, *(Option(value, value) for value in chosen if value not in known))


def within(options: Iterable[Option], chosen: Iterable[str], most: int) -> list[Option]:
    """At most so many options in their order; those that are chosen stay where the others have to go."""
    wanted = set(chosen)
    every = list({option.value: option for option in reversed(tuple(options))}.values())[::-1]
    room = most - sum(option.value in wanted for option in every)
    kept: list[Option] = []
    for option in every:
        if option.value in wanted:
            kept.append(option)
        elif room > 0:
            kept.append(option)
            room -= 1
    return kept[:most]


def day(value: str) -> str:
    """A date as ``2026-11-23``; empty where it is none."""
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        return ""


def hour(value: str) -> str:
    """A time of day as ``22:00``; empty where it is none."""
    try:
        return datetime.strptime(value.strip(), "%H:%M").replace(tzinfo=UTC).strftime("%H:%M")
    except ValueError:
        return ""


def moment(value: str) -> datetime | None:
    """The moment that a value holds, aware; None where it holds none, or one before zones had whole minutes."""
    try:
        at = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return at if at.tzinfo and _EARLIEST <= at.year <= _LATEST else None


def written(at: datetime) -> str:
    """A moment as a value: ``2026-11-23T21:00Z``."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="minutes") + "Z"


def read(day_: str, hour_: str, zone: str) -> str:
    """The value of a date and a time in a zone; midnight where the time is left out.

    What makes no moment comes back as it was given, so that it can be shown and mended.
    """
    try:
        local = datetime.combine(date.fromisoformat(day_), time.fromisoformat(hour_ or "00:00"))
        return written(local.replace(tzinfo=ZoneInfo(zone)))
    except (ValueError, KeyError, OSError, OverflowError):
        return f"{day_}T{hour_}"


def whole(value: str) -> float | None:
    """The number that a value holds, as far as every platform can hold it; None where it holds none."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if value.isascii() and "_" not in value and abs(number) < 1e15 else None


def out_of_bounds(field: Field) -> str:
    """What is wrong with the number in a field, as a sentence; empty where it is one within its bounds, or none."""
    value = field.value.strip()
    if field.kind != "number" or not value:
        return ""
    number = whole(value)
    if number is None or not number.is_integer():
        return f"“{value[:40]}” is not a whole number."
    if field.least is not None and number < field.least:
        return f"{field.least:,} at least, not {number:,.0f}."
    if field.most is not None and number > field.most:
        return f"{field.most:,} at most, not {number:,.0f}."
    return ""


def foot(form: Form) -> Iterator[list[Run]]:
    """The notes as runs, each after its mark; empty ones are left out."""
    clock = Clock(Card((), zone=form.zone))
    for note in form.notes:
        words = runs(note.text, clock)
        if any(run.text.strip() for run in words):
            symbol = [Run(f"{note.mark.symbol} ", "plain", note.mark)] if note.mark.symbol else []
            yield [*symbol, *words]


def split(form: Form) -> tuple[list[Field], list[Field]]:
    """The fields that everybody is asked, and those behind "More…"."""
    return [each for each in form.fields if not each.more], [each for each in form.fields if each.more]
