"""The program speaks plain English: old phrases do not come back, in no card and no text of the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bot.domain.states import word
from bot.filter import ENTITIES
from bot.requests.grammar import words
from cards.formatting import ordinal, plural
from handlers.bot.help_topics import CONDITIONS, EVERYDAY
from tests.commands import every_command
from tests.raw_values import RAW, SEVERAL

ROOT = Path(__file__).parents[1]
OLD = (
    "I know no ",
    "exists no more",
    "told nowhere",
    "log in no more",
    "told no more",
    "1 bad nodes",
    "1 tasks",
    "1 nodes",
    "1 pools",
    "1 jobs",
    "1th ",
    "2th ",
    "3th ",
    "}th time",
    "tasks well",
    "knocks",
    "Tell how watching",
    "Have this place told",
    "is meant here",
    "does not know what to do with",
    "is no value",
    "is no moment",
    "is no window",
    "starts no more",
    "is so no more",
    "to be had",
    "gone on with",
    "is meant by",
    "came to nothing",
    "cannot be told from",
    "are told late",
    "no more while it waits",
    "says nothing by itself",
    "put right",
    "not not ",
    "not no older",
    " is resizing for ",
    " is stopping for ",
    "is being deleted for",
    "occupy every node of",
)
_NUMBERED = re.compile(rf"(?<![\d.,])(?:{'|'.join(map(re.escape, OLD))})")


def _texts(path: Path) -> list[str]:
    """The texts of a module that people may read: no docstrings, and no comments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent
    ]


def test_no_text_of_the_source_has_an_old_phrase() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text[:80]}"
        for folder in ("bot", "handlers", "cards")
        for path in (ROOT / folder).rglob("*.py")
        if "sandbox" not in path.parts
        for text in _texts(path)
        if _NUMBERED.search(text)
    ]
    assert found == []


def test_no_card_has_an_old_phrase() -> None:
    found = [
        f"{path.name}: {match.group()}"
        for path in (ROOT / "tests" / "golden").iterdir()
        if path.suffix in (".txt", ".json")
        if (match := _NUMBERED.search(path.read_text(encoding="utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize("value", sorted(SEVERAL))
def test_every_value_of_the_service_has_words(value: str) -> None:
    assert word(value).lower() != value
    assert re.search(r"[ -]", word(value)), "several words"
    assert word(value.upper()) == word(value)


def test_no_card_shows_a_value_of_the_service_as_it_is() -> None:
    assert RAW.search("tvm-1: startTaskFailed · 1 h")
    found = [
        f"{path.name}: {match.group()}"
        for path in (ROOT / "tests" / "golden").glob("*.txt")
        if not path.name.startswith("filter-")
        for match in RAW.finditer(path.read_text(encoding="utf-8"))
        if match.group() not in ("taskcompletion", "retaineddata")  # what a formula says
    ]
    assert found == []


@pytest.mark.parametrize(
    ("count", "words_"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st"),
     (102, "102nd"), (111, "111th"), (1001, "1,001st")],
)  # fmt: skip
def test_ordinals(count: int, words_: str) -> None:
    assert ordinal(count) == words_


def test_plurals() -> None:
    assert [plural(count, "bad node") for count in (0, 1, 2, 1200)] == [
        "0 bad nodes",
        "1 bad node",
        "2 bad nodes",
        "1,200 bad nodes",
    ]


def test_what_the_help_says_can_be_run() -> None:
    registry = every_command()
    assert len(EVERYDAY) == 10
    for line in [command for _, command in EVERYDAY] + [command for command, _ in CONDITIONS]:
        assert registry.fit(words(line)) == "whole", line


def test_the_page_of_filters_names_every_field() -> None:
    page = (ROOT / "docs" / "filters.md").read_text(encoding="utf-8")
    for entity in ENTITIES.values():
        assert f"| {entity.plural} | {', '.join(f'`{name}`' for name in entity.names)} |" in page, entity.plural
