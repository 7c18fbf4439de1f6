"""What a button or a menu carries is read back letter by letter, whatever the thing is called."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.requests.command import NAMED, Call, Command, Parameter
from bot.requests.grammar import words
from bot.requests.universal import NAMES
from cards.click import fill
from cards.command_line import GRAMMAR, Exact, command, join, join_template, named
from tests.commands import every_command
from tests.nasty_names import ANY_NAME, ANY_WORD, FILES

NAMING = sorted(
    path
    for path, known in every_command().commands.items()
    if any(each.positional and not each.many and each.names for each in known.parameters)
)
"""Commands that take a name."""


def positional(known: Command) -> list[Parameter]:
    """What is given by its place, a filter or the like apart."""
    return [each for each in known.parameters if each.positional and not each.many]


def places(known: Command) -> list[str]:
    """The names of the parameters that take names by their place."""
    return [
        each.name
        for each in positional(known)
        if each.required and (each.name in NAMED or each.name in ("file", "version", "name"))
    ]


def read(line: str) -> Call:
    """As a click is read."""
    return every_command().parse(words(line))


def given_names(call: Call, names: Sequence[str]) -> list[str]:
    """What stands in the first places."""
    return [str(call.arguments[place]) for place, _ in zip(places(call.command), names, strict=False)]


WORDS = (*FILES, *sorted(GRAMMAR), *(f"{word}:x y" for word in sorted(GRAMMAR)))


@pytest.mark.parametrize("part", range(4))
def test_every_command_gets_the_names_that_its_button_carries(part: int) -> None:
    """Each command with a few of the names, another few for the next, by the way of each maker of buttons."""
    names_of_all = itertools.cycle(WORDS[part * len(WORDS) // 4 :] + WORDS[: part * len(WORDS) // 4])
    for number, path in enumerate(NAMING):
        known = every_command().commands[path]
        left = iter(names := [next(names_of_all) for _ in places(known)])
        behind = [
            next(left) if each.name in places(known) else (*each.choices, "1")[0]
            for each in positional(known)
            if each.required
        ]
        needed = {
            each.name: (*each.choices, "1")[0] for each in known.parameters if each.required and not each.positional
        }
        options = [f"{name}:{value}" for name, value in needed.items()]
        line = join([*path.split(), *every_command().naming(path, behind), *options])
        call = read(line if number % 2 else command(path, *behind, **needed))
        assert call.command is known
        assert given_names(call, names) == names
        assert not any(call.arguments.get(each.name) for each in known.parameters if each.kind == "flag")
        assert words(call.typed) == words(line)  # as it is stored, and run again


@settings(max_examples=settings.default.max_examples // 4)
@given(ANY_WORD)
def test_what_is_chosen_in_a_menu_is_what_the_command_gets(name: str) -> None:
    call = read(fill("file get j t {}", name))
    assert call.args == ("j", "t", name)


@settings(max_examples=settings.default.max_examples // 4)
@given(ANY_NAME, ANY_NAME)
def test_a_name_beside_a_menus_place_is_not_taken_for_it(name: str, chosen: str) -> None:
    template = join_template(["file", "get", "j", named(name) if name != "{}" else Exact(name), "{}"])
    assert read(fill(template, chosen)).args == ("j", name, chosen)


def test_a_name_can_be_typed_in_quotes_and_behind_two_hyphens() -> None:
    for name in FILES:
        if "'" not in name:
            assert read(f"file get j t '{name}'").args == ("j", "t", name)
        if name.isprintable() and name.isascii() and not set("'\"` ") & set(name):
            assert read(f"file get -- j t {name}").args == ("j", "t", name)


@given(st.lists(ANY_WORD | ANY_NAME.map(Exact), max_size=5))
def test_words_are_read_back_as_they_are_written(tokens: list[str]) -> None:
    found = words(join(tokens))
    assert found == tokens
    assert all(isinstance(word, Exact) for word, token in zip(found, tokens, strict=True) if isinstance(token, Exact))


def test_what_a_name_may_be_taken_for_is_known() -> None:
    """A new option or a longer command has its word in ``cards.command_line.GRAMMAR``, and no more is there."""
    commands = every_command().commands
    options = {each.name for known in commands.values() for each in known.parameters if not each.positional}
    longer = {
        path[len(shorter) + 1 :].split()[0]
        for path in commands
        for shorter in commands
        if path.startswith(f"{shorter} ")
    }
    assert {*options, *longer, *NAMES} == GRAMMAR
