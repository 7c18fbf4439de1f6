"""Each test that the threat model names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[^`\s]+)`", PAGE)))


@cache
def found_in(path: Path) -> frozenset[str]:
    """The names of the tests in a file, those of classes too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(each.name for each in functions if each.name.startswith("test_"))


@pytest.mark.parametrize("named", NAMED)
def test_a_named_test_exists(named: str) -> None:
    file, _, test = named.partition("::")
    assert (ROOT / file).is_file()
    found = found_in(ROOT / file)
    assert test in found if test else found


def test_every_line_that_something_stops_names_its_test() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("|") and not set(line) <= set("|- ")]
    tables = [line.strip("|").split("|") for line in lines]
    held = False
    for cells in tables:
        if cells[-1].strip() in ("held by", "test", "what is believed"):
            held = cells[-1].strip() != "what is believed"
        elif held and "nothing: note" not in cells[-2]:
            assert "`tests/" in cells[-1], cells
    assert len(NAMED) > 20
