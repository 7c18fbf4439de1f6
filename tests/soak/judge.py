"""Judges a soak from outside: what happened against what was told, by what people saw of it."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby

from msgspec import Struct, field

from tests.soak.expected import OPEN, OVER, Expected
from tests.soak.heard import Version
from tests.soak.times import BEYOND, RARE, Times

PLATFORMS = ("slack", "teams")
EARLY = 1.0
"""Seconds by which clocks may differ."""
_MOMENT = 180.0
"""Seconds within which the same words in a thread are the same words; later they may be news again."""
_NAME = re.compile(r"\w[\w:.-]*\w|\w")
_OF_SCHEDULE = re.compile(r"(\S+) / (job-\d+)")
_FAILED = re.compile(r"([\d,]+) (?:of ([\d,]+) )?(?:tasks? )?failed")
_IS_OVER = re.compile(r"resolved|\bover\b")
_INCIDENT = re.compile(r"\b(?:account|pool|node|job|task|schedule)\.\w+ ([0-9a-f]{8})\b")
_EVENT_OF_HISTORY = re.compile(r"^\d\d:\d\d  ")


class Line(Struct, frozen=True):
    """A line of a version that names something."""

    version: Version
    text: str


class Late(Struct, frozen=True, kw_only=True):
    """What was told, and how long that took of the program's own time."""

    expected: Expected
    platform: str
    took: float
    beyond: float


class Verdict(Struct, kw_only=True):
    """What was found. ``lost``: not told, or not in these words. ``wrong``: told as it was not.

    By kind: ``expected``, ``brief`` (over before a look must have seen it, or a platform that was out could be told of
    it), ``not_due`` (may still be told), ``took`` (seconds of the program's own time, each). ``marked``: messages of
    Teams that said that they may be a repeat, ``unmarked`` those of them that do not after an edit.
    """

    expected: Counter[str] = field(default_factory=Counter)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    brief: Counter[str] = field(default_factory=Counter)
    not_due: Counter[str] = field(default_factory=Counter)
    took: dict[str, list[float]] = {}
    lost: list[tuple[str, Expected]] = []
    late: list[Late] = []
    wrong: list[str] = []
    doubles: list[str] = []
    marked: int = 0
    unmarked: int = 0
    messages: Counter[str] = field(default_factory=Counter)

    @property
    def too_late(self) -> list[Late]:
        """What makes it red: far beyond the deadline, or all that is late where that is not rare."""
        if len(self.late) > RARE * max(1, sum(self.told.values())):
            return self.late
        return [each for each in self.late if each.beyond > BEYOND]

    @property
    def sound(self) -> bool:
        """Whether all was told, once, in time, as it was."""
        return not (self.lost or self.too_late or self.wrong or self.doubles)


class Channel:
    """What one platform's channel was told."""

    def __init__(self, platform: str, versions: Iterable[Version]) -> None:
        self.platform = platform
        self.versions = sorted((each for each in versions if each.platform == platform), key=lambda each: each.at)
        self._lines: dict[str, list[Line]] = defaultdict(list)
        for version in self.versions:
            if _history(version):
                continue
            for text in dict.fromkeys(version.lines):
                if not _EVENT_OF_HISTORY.match(text):
                    for name in set(_NAME.findall(_OF_SCHEDULE.sub(r"\1:\2", text))):
                        self._lines[name].append(Line(version, text))

    def lines(self, name: str, since: float = 0.0) -> list[Line]:
        """Those that name something, from a moment on, in their order."""
        found = self._lines.get(name, [])
        return found[bisect_left(found, since, key=lambda line: line.version.at) :]

    def told(self, each: Expected) -> float | None:
        """When it was told first, by name; None where it was not. That a digest counts it tells nobody what it was."""
        line = next((line for line in self.lines(each.name, each.at - EARLY) if says(line.text, each)), None)
        return line.version.at if line else None

    def silent(self, each: Expected) -> Iterator[str]:
        """What the messages that tell it do not say, though they have room for it."""
        telling = [line.version for line in self.lines(each.name, each.at - EARLY) if says(line.text, each)]
        whole = [version for version in telling if not _is_digest(version) and not version.thread]
        for also in each.also if whole else ():
            if not any(re.search(also, line) for version in whole for line in version.lines):
                yield f"{self.platform}: {each}: no word of {also}"

    @cached_property
    def last(self) -> dict[str, Version]:
        """Every message as it stood in the end."""
        return {version.message: version for version in self.versions}

    @cached_property
    def marked(self) -> set[str]:
        """The messages that said, when they were posted, that they may be a repeat; an edit may take that away."""
        return {version.message for version in self.versions if version.marked}


def _is_digest(version: Version) -> bool:
    return any(line.startswith("gathered in one message") for line in version.lines)


def _history(version: Version) -> bool:
    return bool(version.lines) and "History" in version.lines[0]


def says(text: str, each: Expected) -> bool:
    """Whether a line that names a thing says what is to be told of it."""
    over = bool(_IS_OVER.search(text))
    if (each.stands == OPEN and over) or (each.stands == OVER and not over):
        return False
    if not any(re.search(word, text) for word in each.words):
        return False
    counts = failed_of(text)
    return not each.number or (counts is not None and counts[0] >= each.number)


def failed_of(text: str) -> tuple[int, int] | None:
    """How many tasks a line says have failed, and of how many (0: it does not say)."""
    found = _FAILED.search(text)
    return (_int(found[1]), _int(found[2] or "0")) if found else None


def _int(text: str) -> int:
    return int(text.replace(",", ""))


def judge(happened: Sequence[Expected], versions: Sequence[Version], times: Times, until: float, end: float) -> Verdict:
    """Compare what happened up to a moment with what was told by the end."""
    found = Verdict()
    channels = [Channel(platform, versions) for platform in PLATFORMS]
    for each in happened:
        if each.at > until:
            continue
        if not times.seen(each.at + each.within, each.until) or _never_begun(each, channels, times):
            found.brief[each.kind] += 1
            continue
        found.expected[each.kind] += 1
        for channel in channels:
            _told(found, channel, each, times, end)
    for channel in channels:
        found.messages[channel.platform] = len(channel.last)
        found.wrong += _wrong(channel, happened)
        found.doubles += doubles(channel, happened)
    found.marked = len(channels[1].marked)
    found.unmarked = sum(not channels[1].last[message].marked for message in channels[1].marked)
    return found


def _never_begun(each: Expected, channels: Sequence[Channel], times: Times) -> bool:
    """Whether it is the end of what was too brief to be seen, and was not said to be there."""
    begun = each.begun
    if begun is None or times.seen(begun.at + begun.within, begun.until):
        return False
    before = math.inf if each.until is None else each.until
    return all((at := channel.told(begun)) is None or at >= before for channel in channels)


def _told(found: Verdict, channel: Channel, each: Expected, times: Times, end: float) -> None:
    at = channel.told(each)
    late = at is None or (each.until is not None and at >= each.until)  # if at all, of a time when it was so again
    if late and times.out(channel.platform, each.at, each.at + each.within, each.until):
        found.brief[each.kind] += 1
        return
    if at is None:
        if times.own(channel.platform, each.at, end) < times.limit + each.within:
            found.not_due[each.kind] += 1
        else:
            found.lost.append((channel.platform, each))
        return
    found.wrong += channel.silent(each)
    found.told[each.kind, channel.platform] += 1
    took = times.own(channel.platform, each.at, at)
    found.took.setdefault(each.kind, []).append(took)
    beyond = took - times.limit - each.within
    if beyond > 0:
        found.late.append(Late(expected=each, platform=channel.platform, took=took, beyond=beyond))


_GOOD, _BAD = re.compile("has (completed|succeeded)"), re.compile("has failed|ended:")


def _wrong(channel: Channel, happened: Iterable[Expected]) -> Iterator[str]:
    """Ends that are told as what they were not: in the end every line about a job says how it truly ended."""
    for each in happened:
        if each.kind not in ("job.completed", "job.failed"):
            continue
        last = {line.version.message: line for line in channel.lines(each.name)}
        for line in last.values():
            if channel.last[line.version.message] is not line.version:
                continue
            good, bad = _GOOD.search(line.text), _BAD.search(line.text)
            counts = failed_of(line.text)
            done = each.kind == "job.completed"
            if (bad or "so far" in line.text) if done else good:  # an end is told at once, and wholly in the end
                yield f"{channel.platform}: {each}: {line.text}"
            elif bad and counts and counts != (each.number, each.of or counts[1]):
                yield f"{channel.platform}: {each}, {each.number} of {each.of} tasks failed: {line.text}"


def doubles(channel: Channel, happened: Iterable[Expected]) -> Iterator[str]:
    """What stands there twice. On Teams one that says that it may be a repeat is none, whatever others say."""
    roots = [
        version for version in channel.last.values() if not version.thread and version.message not in channel.marked
    ]
    for what, of in (("key", _keys(channel.last.values())), ("alert", _incidents(roots))):
        yield from (f"{channel.platform}: {what} {name} × {times}" for name, times in of.items() if times > 1)
    yield from _replies(channel)
    for each in happened:
        if each.news:
            last = [line for line in channel.lines(each.name) if says(line.text, each) and _stands(channel, line)]
            where = sorted({line.version.message for line in last})
            if len(where) > 1:
                yield f"{channel.platform}: {each} in {len(where)} messages: {', '.join(where)}"


def _replies(channel: Channel) -> Iterator[str]:
    """A thread has one history, and nothing is said aloud in it twice within a moment."""
    first: dict[str, Version] = {}
    for version in channel.versions:
        first.setdefault(version.message, version)
    said: dict[tuple[str, str], float] = {}
    for message, version in first.items():
        if message in channel.marked or not version.thread or not version.lines:
            continue
        key = version.thread, "History" if _history(version) else version.lines[0]
        before = said.get(key)
        if before is not None and (_history(version) or version.at - before < _MOMENT):
            yield f"{channel.platform}: reply {key[1]!r} of {version.thread} once more, {message}"
        said[key] = version.at


def _stands(channel: Channel, line: Line) -> bool:
    version = channel.last[line.version.message]
    return line.version is version and not version.thread and version.message not in channel.marked


def _keys(versions: Iterable[Version]) -> Counter[str]:
    return Counter(version.key for version in versions if version.key)


def _incidents(versions: Iterable[Version]) -> Counter[str]:
    """The ids that messages of one alert say at their foot."""
    found: Counter[str] = Counter()
    for version in versions:
        found.update({ids[1] for line in version.lines if (ids := _INCIDENT.search(line))})
    return found


def spread(took: Sequence[float]) -> tuple[float, float, float]:
    """The median, the 99th of a hundred, and the longest."""
    ordered = sorted(took)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], ordered[-1]


def by_kind(lost: Iterable[tuple[str, Expected]]) -> dict[str, int]:
    """How many of each kind."""
    names = sorted(each.kind for _, each in lost)
    return {name: len(list(some)) for name, some in groupby(names)}
