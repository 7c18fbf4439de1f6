"""Which window a usage card shows: as it was typed, as buttons carry it, and the buttons that move it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot.domain import timeline
from bot.domain.timeline import PRESET_LABELS, PRESET_WORDS, PRESETS, Kept, Preset, Window, WindowError, written
from bot.filter.values import Moment
from bot.requests.command import CommandError
from cards import build
from cards.card import Actions, Button
from cards.command_line import join
from cards.formatting import duration, moment_words

_USUAL: Final[Preset] = "24h"

_INSTANT = timedelta(microseconds=1)
"""What is kept ends within the last minute, and not after it."""

Again: TypeAlias = Callable[..., str]
"""The same card as a command, with another window: ``again("7d")``, ``again(**{"from": …, "to": …})``."""


_LONGEST: Final = timedelta(days=400)
_OFFERED: Final = ("24h", "7d", "30d")


def span_of(preset: str, *command: str) -> timedelta:
    """How long a preset is, or so many hours or days as ``36h``. Raises CommandError for anything else.

    ``command`` is what it was typed after, path and names: it is offered with windows that can be.
    """
    typed = preset.strip().lower().replace(" ", "")
    number, unit = typed[:-1], typed[-1:]
    if not number.isdecimal() or len(number) > 4 or unit not in ("h", "d"):
        raise _no_window(preset, command)
    span = timedelta(hours=int(number)) if unit == "h" else timedelta(days=int(number))
    if not timedelta(0) < span <= _LONGEST:
        raise _no_window(preset, command)
    return span


def _no_window(typed: str, command: Sequence[str]) -> CommandError:
    words = f"“{typed[:20]}” is not a window: say how long, up to {_LONGEST.days} days, such as 24h, 14d or 90d."
    path, *names = command or ("usage",)
    return CommandError(words, [f"{path} {join([*names, each])}" for each in _OFFERED], at="window")


class Asked(Struct, frozen=True):
    """What was asked for: a preset, or moments; ``remark`` is a word on how it was read."""

    window: Window
    preset: str | None
    remark: str = ""

    def words(self, zone: ZoneInfo) -> str:
        """``the last 7 days``, ``3 d 4 h from Mon 23 Nov 14:00``."""
        if self.preset:
            return PRESET_WORDS.get(self.preset) or f"the last {duration(span_of(self.preset))}"
        begin = self.window.since.astimezone(zone)
        return f"{duration(self.window.span)} from {moment_words(begin)}"


def asked(preset: str | None, since: str | None, until: str | None, kept: Kept, zone: str, again: Again) -> Asked:
    """The window that was typed. Raises CommandError with what could have been meant instead.

    Without moments it is the preset, up to now. From a moment on it lasts the preset, or up to now; up to a moment it
    has lasted the preset, or a day.
    """
    if not since and not until:
        chosen = preset or _USUAL
        return Asked(timeline.latest(span_of(chosen), kept), chosen)
    now = kept.last + timedelta(minutes=1)
    begin, one = _moment(since, now, zone, "from") if since else (None, "")
    end, other = _moment(until, now, zone, "to") if until else (None, "")
    if begin is None and end is not None:
        begin = end - span_of(preset or _USUAL)
    elif begin is not None and end is None:
        end = begin + span_of(preset or _USUAL) if preset or begin >= now else now
    if begin is None or end is None:
        raise AssertionError("one of them was typed")
    try:
        window = timeline.between(begin, end, kept)
    except WindowError as error:
        turned = again(**moments(end, begin)) if begin > end else None
        kept_words = f"Kept is {all_of(kept, zone)}."
        nearest = [each for each in (turned, again(_USUAL), again(**moments(kept.first, kept.last))) if each]
        wrong = "to" if begin >= end else "from"
        message = f"{error} {kept_words}"
        raise CommandError(message, nearest, at=wrong, instead_of=("window", "from", "to")) from None
    return Asked(window, None, " ".join(filter(None, [one, other])))


def moments(since: datetime, until: datetime) -> dict[str, str]:
    """A window as a command's options, which mean the same in every zone."""
    return {"from": written(since), "to": written(until)}


def _moment(typed: str, now: datetime, zone: str, name: str) -> tuple[datetime, str]:
    """The moment that was typed, and a word where its clock stood still or ran twice. Raises CommandError.

    A day is its beginning, or where a window ends its end.
    """
    if typed.strip().lower() == "now":
        return now, ""
    read = Moment.read(typed)
    if read is None:
        example = "2026-11-23, 2026-11-23T14:00, 14:00, yesterday, or 3d for three days ago"
        raise CommandError(f"“{typed[:40]}” is not a moment. Moments are written {example}.", ["usage"], at=name)
    begin, end = read.span_at(now, zone)
    whole_day = read.clock is None and read.ago is None
    return (end if name == "to" and whole_day else begin).astimezone(UTC), _odd(read, begin, zone)


def _odd(read: Moment, at: datetime, zone: str) -> str:
    """What is odd about a clock time in the night in which clocks are put forward or back."""
    if read.clock is None or read.offset is not None:
        return ""
    local = datetime.combine(read.day or at.astimezone(ZoneInfo(zone)).date(), read.clock, ZoneInfo(zone))
    first, second = local.utcoffset(), local.replace(fold=1).utcoffset()
    if first is None or second is None or first == second:
        return ""
    clock = f"{read.clock:%H:%M}"
    if first > second:
        return f"Clocks went back that night, so that {clock} came twice: the first is meant."
    return f"Clocks went forward that night, and {clock} did not come: the hour after is meant."


def _named(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y %H:%M}"


def spelled(since: datetime, until: datetime, zone: str) -> str:
    """``23 Nov 2026 14:00 – 24 Nov 2026 14:00``."""
    return f"{_named(since, zone)} – {_named(until, zone)}"


def all_of(kept: Kept, zone: str) -> str:
    """From when to when anything is kept."""
    return spelled(kept.first, kept.last + _INSTANT, zone)


def presets(found: Asked, again: Again) -> Actions | None:
    """The timeline as links."""
    return build.actions(
        *(Button(PRESET_LABELS[each], again(each), how="edit", current=_is(found, each)) for each in PRESET_LABELS)
    )


def _is(found: Asked, preset: Preset) -> bool:
    """Whether what is shown is a preset, under whichever of its names: ``1d`` is ``24h``."""
    return found.preset is not None and span_of(found.preset) == PRESETS[preset]


def slider(found: Asked, kept: Kept, again: Again) -> Actions | None:
    """The timeline as a slider: each button carries the whole window, so that it means the same whoever clicks when."""
    window = found.window

    def button(words: str, moved: Window | None) -> Button | None:
        return Button(words, again(**moments(moved.since, moved.until)), how="edit") if moved else None

    return build.actions(
        button("◀ Earlier", timeline.pan(window, -1, kept)),
        button("Later ▶", timeline.pan(window, 1, kept)),
        button("+ Zoom in", timeline.narrower(window, kept)),
        button("− Zoom out", timeline.wider(window, kept)),
        Button("From – to…", again(**moments(window.since, window.until)), how="form"),
    )


def notes(found: Asked, kept: Kept, zone: str) -> Sequence[str]:
    """What has to be said of the window."""
    cut = f"Nothing is kept from outside {all_of(kept, zone)}: the window was cut."
    return [*([found.remark] if found.remark else []), *([cut] if found.window.cut else [])]
