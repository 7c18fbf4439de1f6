"""Of what is equally near to what was mistyped, what was used last comes first: here, then anywhere."""

from __future__ import annotations

import string
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bot.requests import used
from bot.requests.command import CommandError
from bot.requests.grammar import words
from bot.requests.used import ALL, CONVERSATIONS, EACH, Used, asked_in, lately
from cards.card import Actions, Card
from handlers.shared.common import nearest
from tests.commands import every_command
from tests.handlers.why_world import ground

NAMES = ["render-a", "render-b", "render-c"]


def offered(typed: str) -> tuple[str, ...]:
    try:
        every_command().parse(words(typed))
    except CommandError as error:
        return (*error.nearest, *error.forms)
    raise AssertionError("it is a command")


def test_names_that_are_equally_near_come_by_use() -> None:
    store = Used()
    assert nearest("render-x", NAMES) == NAMES
    store.note("slack:C1", ["pool show", "Render-C"])
    store.note("slack:C2", ["pool show", "render-b"])
    with asked_in(store, "slack:C1"):
        assert nearest("render-x", NAMES) == ["render-c", "render-b", "render-a"]
    with asked_in(store, "slack:C2"):
        assert nearest("render-x", NAMES) == ["render-b", "render-c", "render-a"]
    with asked_in(store, "teams:new"):
        assert nearest("render-x", NAMES) == ["render-b", "render-c", "render-a"], "everybody's, the last first"
        assert nearest("render-a", NAMES)[0] == "render-a", "what is nearer stays first"


def test_commands_that_are_equally_near_come_by_use() -> None:
    before = offered("pool")
    assert before[0] == "pool list"
    store = Used()
    store.note("slack:C1", ["pool clone"])
    store.note("slack:C1", ["pool autoscale lint"])
    with asked_in(store, "slack:C1"):
        there = offered("pool")
    assert there[0] == "pool autoscale lint"
    assert next(each for each in there if each.split()[1:2] in (["clone"], ["show"])) == "pool clone"
    assert offered("pool") == before, "only where it was asked"


async def test_what_a_conversation_asked_for_is_what_it_is_offered(tmp_path: Path) -> None:
    async with ground(tmp_path, [(), ("disabled",), ("slots",)]) as here:
        assert first_name(await here.ask("pool show p09")) == "p00"
        await here.ask("pool show p02")
        assert first_name(await here.ask("pool show p09")) == "p02"
        await here.ask("why pool p01")
        assert first_name(await here.ask("pool show p09")) == "p01"


def first_name(card: Card) -> str:
    """The pool that the first button opens."""
    lines = [each.command for block in card.blocks if isinstance(block, Actions) for each in block.items]  # type: ignore[union-attr]
    return next(line.split()[-1] for line in lines if line.startswith("pool show "))


def test_what_is_noted_outside_of_a_question_is_lost() -> None:
    used.note(["pool list"])
    assert lately("pool list") == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 700), st.text(string.ascii_letters, max_size=9)), max_size=80))
def test_it_is_bounded_and_the_last_comes_first(notes: list[tuple[int, str]]) -> None:
    store = Used()
    for number in range(3 * EACH):
        store.note("slack:busy", [f"name-{number}", "pool list"])
    for number in range(CONVERSATIONS):
        store.note(f"slack:{number}", ["home"])
    for conversation, word in notes:
        store.note(f"slack:{conversation}", [word])
    assert len(store._by) <= CONVERSATIONS
    assert all(len(each) <= EACH for each in store._by.values())
    assert len(store._everybody) <= ALL
    if notes and notes[-1][1]:
        conversation, word = notes[-1]
        others = [store.place(f"slack:{conversation}", each) for _, each in notes if each.lower() != word.lower()]
        assert all(store.place(f"slack:{conversation}", word.upper()) < each for each in others)
