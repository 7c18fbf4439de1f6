"""How much of what is secret goes, and how much of what people search for stays, over tables of both."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bot.content.redaction import is_secret, redact
from tests.content.made_up import Occurrence, occurrences, plain_lines

TIMES = 3


def leaks(found: list[Occurrence]) -> list[Occurrence]:
    return [each for each in found if each.left(redact(each.text))]


def changed(lines: list[str]) -> list[str]:
    return [line for line in lines if redact(line) != line]


def test_secrets_of_known_kinds_are_hidden() -> None:
    known = occurrences("secret_kinds", TIMES)
    assert len(known) >= 300
    assert len({each.kind for each in known}) >= 60
    assert leaks(known) == []


def test_so_are_other_made_up_ones_and_those_of_kinds_that_came_later() -> None:
    for seed in range(3):
        assert leaks(occurrences("secret_kinds", 1, seed)) == []
    assert leaks(occurrences("secret_kinds_unseen", TIMES)) == []


def test_ordinary_lines_stay() -> None:
    for table, least in (("ordinary_lines", 300), ("ordinary_lines_unseen", 100)):
        lines = plain_lines(table)
        assert len(lines) >= least
        assert changed(lines) == []


@pytest.mark.parametrize("table", ["secret_kinds", "secret_kinds_unseen"])
def test_what_was_hidden_is_not_hidden_again(table: str) -> None:
    for each in occurrences(table, 1):
        once = redact(each.text)
        assert redact(once) == once


def test_secrets_stand_in_a_log_as_they_stand_alone() -> None:
    """Lines before and behind change nothing."""
    for each in occurrences("secret_kinds", 1, 5):
        if "\r" in each.text or "\0" in each.text or each.text.endswith(("\\", "\n")):
            continue
        found = redact(f"frame 12 done\n\n{each.text}\n\nframe 13 done\n")
        assert found == f"frame 12 done\n\n{redact(each.text)}\n\nframe 13 done\n"


SHARED = Path(os.environ.get("BATCHBOT_SHARED", "../shared")) / "security" / "redaction.json"


@pytest.mark.skipif(not SHARED.exists(), reason="the recordings are not here")
def test_the_recorded_samples_are_hidden() -> None:
    samples = json.loads(SHARED.read_text(encoding="utf-8"))
    assert [each["label"] for each in samples["texts"] if each["secret"] in redact(each["text"])] == []
    assert [name for name in samples["names"] if not is_secret(name)] == []
    assert [name for name in samples["names"] if "Tr0ub4dor&3x" in redact(f"{name}=Tr0ub4dor&3x")] == []
    assert changed(samples["benign"]) == []
