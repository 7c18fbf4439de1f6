"""From what was typed to what is run or offered: exactly, then without what surrounds it, then in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.requests.command import Command, CommandError
from bot.requests.grammar import words
from bot.requests.plain_words import times
from bot.requests.plain_words.known import World
from bot.requests.plain_words.meaning import Meaning, meaning
from bot.requests.plain_words.spelled import respelled
from bot.requests.plain_words.tidy import tidied, without_greeting, without_thanks
from bot.requests.plain_words.vocabulary import phrases
from bot.requests.registry import Registry
from bot.requests.universal import taken
from cards.command_line import Exact, join

_HALVES = re.compile(r"[ap]\.?m|\s", re.IGNORECASE)
_CONDITION = re.compile(r"[<>=~]")
_WINDOW = re.compile(r"(window:)?(\d+\w?|month|last-month)", re.IGNORECASE)


@dataclass(frozen=True)
class Exactly:
    """``text`` is the command; ``respelled`` says that other words were typed, and the answer names the command."""

    text: str
    respelled: bool = False


def exactly(registry: Registry, text: str) -> Exactly | None:
    """A command as it was typed, or without what clients and politeness put around it; None where it is none.

    What changes the bot's own books may be spelled otherwise too: all its words are there.
    """
    short = without_greeting(text)
    for each in dict.fromkeys((without_thanks(text), text, tidied(text), short)):
        tokens = _words(registry, each)
        if tokens and registry.fit(tokens) == "whole" and not _says_otherwise(registry, tokens):
            return Exactly(each)
    tokens = _words(registry, short)
    made = respelled(registry, tokens) if tokens else None
    return Exactly(join(made), respelled=True) if made and made != tokens else None


def is_begun(registry: Registry, text: str) -> bool:
    """Whether it is a command that lacks what it is about, which is asked for."""
    tokens = _words(registry, without_greeting(text))
    return bool(tokens) and registry.fit(tokens) == "lacking"


def has_options(registry: Registry, text: str) -> bool:
    """Whether it begins as a command does, and gives options as commands have them."""
    try:
        tokens = words(text)
    except CommandError:
        return False
    given = any(not isinstance(each, Exact) and (":" in each or "=" in each or each[:2] == "--") for each in tokens)
    return given and registry.find(tokens) is not None


def _says_otherwise(registry: Registry, tokens: Sequence[str]) -> bool:
    """Whether a value cannot be what its place takes, so that other words were meant: ``usage render-gpu``, ``usage
    today``, ``alert hours 10pm-7am``.
    """
    call = registry.parse(tokens)
    window = call.arguments.get("window") if call.effect == "read" else None
    if isinstance(window, str) and not isinstance(window, Exact):
        return not _WINDOW.fullmatch(window)
    hours = call.arguments.get("hours") if call.command.path == "alert hours" else None
    return isinstance(hours, str) and bool(_HALVES.search(hours)) and times.hours(hours) != ""


def in_plain_words(registry: Registry, text: str, world: World) -> Meaning:
    """What the words mean. Of a command that was begun its own mistakes say more than a meaning that leaves out a part
    of it.
    """
    said = without_greeting(text)
    found = meaning(said, world, lambda command: _reads(registry, command))
    tokens = _words(registry, said)
    begun = registry.find(tokens) if tokens else None
    if begun is None or not _loses(begun, tokens, words(found.command)):
        return found
    return Meaning()


def _loses(begun: Command, tokens: Sequence[str], kept: Sequence[str]) -> bool:
    """Whether the command that is ``kept`` leaves out what was said to the one that was begun: the command itself, a
    condition, or all that stood behind it. In a question a command is a word as others are: ``why is nothing running``.
    """
    path = begun.path.split()
    conditions = [each for each in tokens if _CONDITION.search(each)]
    if not conditions and len(path) == 1 < len(tokens) and tokens[1].lower() in phrases():
        return False
    emptied = len(kept) < len(path) or len(kept) <= len(path) < len(tokens)
    return kept[:1] != path[:1] or emptied or any(each not in kept for each in conditions)


def _reads(registry: Registry, command: str) -> bool:
    tokens = words(command)
    known: Command | None = registry.find(tokens)
    if known is None:
        return False
    fit = registry.fit(tokens)
    if fit == "whole":
        return registry.parse(tokens).effect == "read"
    return fit == "lacking" and known.effect == "read"


def _words(registry: Registry, text: str) -> list[str]:
    """The words without the options of every change; none where they cannot be read."""
    try:
        tokens = words(text)
        return taken(registry.find(tokens), tokens)[0]
    except CommandError:
        return []
