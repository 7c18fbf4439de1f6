"""The world of the phrases, and what the program would do with one."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bot.requests.command import CommandError
from bot.requests.grammar import words
from bot.requests.plain_words.known import Known
from bot.requests.plain_words.names import like, placed
from bot.requests.plain_words.reading import exactly, in_plain_words, is_begun
from bot.requests.plain_words.tidy import without_greeting
from cards.command_line import join
from tests.commands import every_command

HERE = Path(__file__).parent


class Phrases:
    """Names as the monitor knows them."""

    def __init__(self, names: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self.default = next(iter(names), "")
        self._known = [
            *(Known("account", account, account) for account in names),
            *(
                Known(kind, name, account)
                for account, kinds in names.items()
                for kind, every in kinds.items()
                for name in every
            ),
        ]

    def called(self, word: str) -> Sequence[Known]:
        return [each for each in self._known if each.name.casefold() == word.casefold()]

    def like(self, word: str) -> Sequence[Known]:
        return like(word, self._known)


def read(name: str) -> dict[str, Any]:
    """A file beside this one."""
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


@cache
def world() -> Phrases:
    """The world of world.toml."""
    return Phrases(read("world.toml"))


def answered(text: str) -> tuple[str, tuple[str, ...]]:
    """The command that is run, and those that are offered, as the pipeline does it; see bot.requests.understanding."""
    registry = every_command()
    exact = exactly(registry, text)
    if exact:
        where = placed(registry, registry.parse(words(exact.text)), world())
        return join(where.tokens or words(exact.text)), where.offers
    if is_begun(registry, text):
        return without_greeting(text), ()
    found = in_plain_words(registry, text, world())
    return found.command, found.offers


def same(one: str, other: str) -> bool:
    """Whether two commands are the same call."""
    registry = every_command()
    if one == other:
        return True
    if not one or not other or "whole" not in (registry.fit(words(one)), registry.fit(words(other))):
        return False
    try:
        return registry.parse(words(one)).exact == registry.parse(words(other)).exact
    except CommandError:
        return False
