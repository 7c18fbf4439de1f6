"""The cases of names: what is typed or pressed opens the thing that is called so."""

from __future__ import annotations

import pytest

from bot.filter import JOB, parse
from bot.requests.grammar import words
from cards.command_line import command, join
from tests.cases import Case, cases
from tests.commands import every_command


@pytest.mark.parametrize("case", cases("names"))
def test_a_name(case: Case) -> None:
    given, right = case.input, case.right
    if "filter" in given:
        found = parse(given["filter"], JOB)
        assert (str(found), parse(str(found), JOB)) == (right["filter"], found)
        return
    lines = [given["text"]] if "text" in given else [
        command(given["path"], *given["names"]),
        join([*given["path"].split(), *every_command().naming(given["path"], given["names"])]),
    ]  # fmt: skip
    for line in lines:
        call = every_command().parse(words(line))
        assert (call.command.path, list(call.args)) == (right["path"], right["names"])
        assert dict(call.kwargs) == right.get("options", {})
