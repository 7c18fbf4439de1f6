"""What each word of a sentence is: the name of something, a time, or one of the words of the vocabulary."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.requests.plain_words import times
from bot.requests.plain_words.known import Known, World
from bot.requests.plain_words.vocabulary import LONGEST, nearest, noun_of_slip, phrases

MOST = 40
"""Words of a sentence; what is longer is none."""
_AROUND = "?!.,;:()[]{}<>\"'`*_~“”„‘’«»"
_NAME_LIKE = re.compile(r"[\w.*?:-]*[\d_*:-][\w.*?:-]*", re.ASCII)
"""A word that can be nothing but a name: it has a digit, a hyphen, an asterisk."""
_CONDITION = re.compile(r"-?[a-z]+(?:[:=~<>]|!=|>=|<=)\S+", re.IGNORECASE)
_NO_NAME = re.compile(r"[\d:.]+(?:[ap]m)?-[\d:.]+(?:[ap]m)?", re.IGNORECASE)
ID = re.compile(r"[0-9a-f]{6,8}", re.IGNORECASE)
"""How ids of alerts, mutes and subscriptions look."""


@dataclass
class Said:
    """What was found in a sentence."""

    words: frozenset[str] = frozenset()
    """All of its words, in small letters."""
    tags: list[str] = field(default_factory=list)
    """What the vocabulary says, in the order of the sentence."""
    names: list[tuple[Known, ...]] = field(default_factory=list)
    """What each name is the name of; more than one where several are called so."""
    times: list[str] = field(default_factory=list)
    """``24h``, ``today``, ``since-yesterday``, ``month``, …"""
    clocks: list[str] = field(default_factory=list)
    """Times of day: ``07:00``."""
    older: bool = False
    """Whether the time is how long it has been so, and not how far back."""
    created: bool = False
    numbers: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    """Conditions of the filter language, and options, as they are."""
    unknown: list[str] = field(default_factory=list)
    """Words that say nothing to anybody here: names, perhaps."""

    def all(self, kind: str) -> list[str]:
        """The tags of a class, without it."""
        return [tag.partition(":")[2] for tag in self.tags if tag.startswith(f"{kind}:")]

    def has(self, *tags: str) -> bool:
        """Whether all of these are there."""
        return all(tag in self.tags for tag in tags)


def is_name(word: str) -> bool:
    """Whether a word can be nothing but a name or a pattern of names."""
    return bool(_NAME_LIKE.fullmatch(word)) or word.lower() == "all"


def tagged(text: str, world: World) -> Said | None:
    """What was found; None where the text is too long to be a sentence, or has lines."""
    words = [word for each in text.split() if (word := _bare(each))]
    if not words or len(words) > MOST:
        return None
    said, at = Said(frozenset(word.lower() for word in words)), 0
    while at < len(words):
        at += _taken(said, words, at, world)
    return said


def _bare(word: str) -> str:
    """The word without what stands around it."""
    if "*" in word.strip(_AROUND) or (word.endswith("*") and not word.startswith(("*", "_"))):
        return word.strip(_AROUND.replace("*", ""))
    return word.strip(_AROUND) or ("" if not word.strip(_AROUND + "-+") else word)


def _taken(said: Said, words: list[str], at: int, world: World) -> int:
    """Take in what begins with a word; how many words it is."""
    if (names := _called(words[at], world)) and words[at].lower() not in phrases():
        said.names.append(names)
        return 1
    if (taken := _time(said, words, at)) > 0:
        return taken
    for length in range(min(LONGEST, len(words) - at), 0, -1):
        phrase = " ".join(words[at : at + length]).lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        if tags := phrases().get(phrase):
            _tag(said, tags)
            return length
    if names:
        said.names.append(names)
        return 1
    return _other(said, words[at], world)


def _other(said: Said, word: str, world: World) -> int:
    if _CONDITION.fullmatch(word):
        said.conditions.append(word)
    elif word.isdecimal():
        said.numbers.append(word)
    elif noun := noun_of_slip(word.lower()):
        _tag(said, phrases()[noun])
    elif (near := nearest(word.lower())) and not world.like(word):
        _tag(said, phrases()[near])
    else:
        if ID.fullmatch(word) and not word.isalpha():
            said.ids.append(word)
        said.unknown.append(word)
    return 1


def _called(word: str, world: World) -> tuple[Known, ...]:
    """What has the name that a word is, or the one in ``pool:gpu-a``."""
    if found := world.called(word):
        return tuple(found)
    kind, separator, name = word.partition(":")
    tags = phrases().get(kind.lower(), ()) if separator else ()
    wanted = {tag.removeprefix("noun:") for tag in tags if tag.startswith("noun:")}
    return tuple(each for each in world.called(name) if each.kind in wanted) if wanted else ()


def _tag(said: Said, tags: tuple[str, ...]) -> None:
    for tag in tags:
        kind, _, meaning = tag.partition(":")
        if kind == "time":
            said.times.append(meaning)
        else:
            said.tags.append(tag)


def _clocks(said: Said, words: list[str]) -> int:
    """``7am``, ``7 am``, ``19:30``, ``22:00-07:00``; how many words it is."""
    for length in range(len(words), 0, -1):
        if moment := times.clock(" ".join(words[:length])):
            said.clocks.append(moment)
            return length
    if _NO_NAME.fullmatch(words[0]) and (both := times.hours(words[0])):
        said.clocks += both.split("-")
        return 1
    return 0


def _time(said: Said, words: list[str], at: int) -> int:
    """A time at this place: ``7d``, ``last 3 days``, ``older than 2 days``, ``7 am``; how many words it is."""
    if taken := _clocks(said, words[at : at + 2]):
        return taken
    low = [word.lower() for word in words[at : at + 4]]
    if low[:1] in (["created"], ["made"], ["submitted"]):
        said.created = True
        return 1
    skipped = 0
    if low[:2] in (["older", "than"], ["more", "than"], ["longer", "than"], ["over", "the"]):
        skipped = 2
        said.older = said.older or low[0] != "over"
    elif low[:1] in (["last"], ["past"], ["over"]):
        skipped = 1
    rest = low[skipped:]
    found = times.span(rest[0]) if rest else None
    if found:
        said.times.append(str(found))
        return skipped + 1
    found = times.span_of(rest[0], rest[1]) if len(rest) > 1 and (rest[0].isdecimal() or skipped) else None
    if found:
        said.times.append(str(found))
        return skipped + 2
    if low[:2] in (["older", "than"], ["longer", "than"]):
        return 2
    return 0
