"""What a sentence means: a command that reads, or commands to offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from bot.requests.plain_words import changes
from bot.requests.plain_words.known import Known, World
from bot.requests.plain_words.subjects import NOUNS, TOPICS, Line, Told, spelled, thing
from bot.requests.plain_words.tagging import tagged
from cards.command_line import named

OFFERED = 3
"""Commands that are offered at once."""
_MEANINGS = 8
"""Ways to take the names of a sentence that are looked at."""
_DO_OVER = frozenset({"create", "start", "use", "move", "replace", "watch", "priority"})
"""Verbs that are words of questions too (``new``, ``start``)."""


@dataclass(frozen=True)
class Meaning:
    """``command`` is what is run, where it is sure and reads; ``offers`` what may have been meant."""

    command: str = ""
    offers: tuple[str, ...] = ()


def meaning(text: str, world: World, reads: Callable[[str], bool]) -> Meaning:
    """What was meant; nothing where nothing was understood. ``reads`` says whether a command is one that only reads,
    and can be run as it is or lacks a name that is asked for.
    """
    said = tagged(text, world)
    if said is None:
        return Meaning()
    names = list(islice(product(*said.names), _MEANINGS))
    found: list[str] = []
    sure = True
    for each in names:
        told = Told(said, each)
        lines, certain = _lines(told, world)
        sure = sure and certain
        found += [spelled(line, _of(line, each), world.default) for line in lines[: 1 if len(names) > 1 else OFFERED]]
    found = list(dict.fromkeys(found))
    own = [each for each in names if all(one.account == world.default for one in each)]
    alone = len(names) == 1 or len(own) == 1
    if found and sure and alone and reads(found[0]):
        return Meaning(found[0], tuple(found[1:OFFERED]))
    return Meaning("", tuple(found[:OFFERED]))


def _of(line: Line, names: Sequence[Known]) -> list[Known]:
    """The names that a line has in it, and the account that was said."""
    words = {word.partition(":")[2] if ":" in word else word for word in line} | set(line)
    return [each for each in names if each.name in words or each.kind == "account"]


def _lines(told: Told, world: World) -> tuple[list[Line], bool]:
    """The commands, the likeliest first, and whether nothing in the sentence speaks against the first."""
    said = told.said
    verbs = said.all("do")
    asks = set(said.all("ask"))
    for verb in verbs:
        if asks and (verb in _DO_OVER or "why" in asks):
            continue
        if lines := changes.offered(told, verb):
            return lines, False
    lines = _read(told, asks)
    unknown = said.unknown
    if not lines and told.names:
        return [each for one in told.names for each in thing(one)], not unknown and not said.times and not said.clocks
    if lines and unknown and not told.names and len(unknown) == 1 and lines[0][1:2] == ["list"]:
        return _unknown_name(lines, unknown[0], told, world)
    if not lines:
        return list(_guessed(unknown, world)), False
    if unknown:
        lines = [*lines, *_guessed(unknown, world)]
    return lines, _takes(lines[0], [*unknown, *said.conditions, *said.clocks])


def _read(told: Told, asks: set[str]) -> list[Line]:
    """What is asked, where nothing is to be changed."""
    topics = set(told.said.all("topic"))
    if "why" in asks and told.said.tags != ["ask:why"]:
        topics.add("why")
    if "failures" in topics and ("job" in told.nouns or "task" in told.nouns) and len(topics) == 1:
        topics.clear()
        told.said.tags.append("state:failed")
    for topic, made in TOPICS.items():
        if topic in topics:
            return made(told)
    subject = _subject(told)
    return NOUNS[subject](told) if subject else _by_state(told)


def _subject(told: Told) -> str:
    """What is listed: the noun that comes first, unless it only says what a name is the name of (``pool gpu-a nodes``);
    empty where there is none.
    """
    named_ = {each.kind for each in told.names}
    nouns = [each for each in told.nouns if each in NOUNS]
    return next((each for each in nouns if each not in named_), nouns[0] if nouns else "")


_STATES: tuple[tuple[frozenset[str], Callable[[Told], list[Line]]], ...] = (
    (frozenset({"failed"}), TOPICS["failures"]),
    (frozenset({"critical", "warning", "info"}), NOUNS["alert"]),
    (
        frozenset({"idle", "empty", "preempted", "unusable", "resizing", "offline", "spot", "autoscale", "steady"}),
        NOUNS["pool"],
    ),
    (frozenset({"running", "waiting", "completed", "disabled"}), NOUNS["job"]),
    (frozenset({"bad"}), TOPICS["home"]),
)
"""What is meant by a state alone, the more telling first."""


def _by_state(told: Told) -> list[Line]:
    """States without a noun: ``what failed``, ``what is idle``, ``storm-b failed``."""
    states = set(told.states)
    if "failed" not in states and states:
        if told.name("job") or (told.names and "is" in told.said.words):
            return [each for one in told.names for each in thing(one)]
        if told.name("pool"):
            return NOUNS["node"](told)
    return next((made(told) for fits, made in _STATES if states & fits), [])


def _unknown_name(lines: list[Line], word: str, told: Told, world: World) -> tuple[list[Line], bool]:
    """``pool foo``: what is called almost so, or the name as it stands, which the command then looks for."""
    noun = lines[0][0]
    same = [each for each in world.like(word) if each.kind == noun]
    shown = [[noun, "show", named(word)]] if noun in ("pool", "job", "schedule", "application") else []
    if same:
        return [[noun, "show", named(each.name)] for each in same][:OFFERED], False
    plain = not told.states and not told.said.times and bool(shown)
    if noun == "alert":
        return [["alert", "show", word]] if told.said.ids else lines, bool(told.said.ids)
    if noun == "node":
        return lines, True
    return (shown, True) if plain else (lines, False)


def _guessed(unknown: Sequence[str], world: World) -> Iterator[Line]:
    """What is called almost as a word that says nothing else."""
    for word in unknown:
        for each in world.like(word):
            yield from thing(each)


def _takes(line: Line, unknown: Sequence[str]) -> bool:
    """Whether the command has the words that say nothing else as names."""
    return all(word in line for word in unknown)
