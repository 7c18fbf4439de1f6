"""What people write becomes the command that they mean: at least 95 of 100, and the others have it on a button."""

from __future__ import annotations

import pytest

from bot.requests.grammar import words
from tests.commands import every_command
from tests.requests.plain_words.world import answered, read, same

FILES = ("phrases.toml", "held_back.toml", "later.toml")


def _wrong(name: str) -> tuple[int, list[str], list[str]]:
    """How many phrases there are, those that are answered otherwise, and those of them without the right button."""
    wrong, lost, count = [], [], 0
    for kind, phrases in read(name).items():
        for phrase, command in phrases.items():
            run, offers = answered(phrase)
            offered = any(same(each, command) for each in offers)
            count += 1
            if not (same(run, command) if kind == "runs" else offered and not run):
                wrong.append(f"{phrase!r}: {run or offers}, not {command}")
                lost += [] if offered else [wrong[-1]]
    return count, wrong, lost


@pytest.mark.parametrize("name", FILES)
def test_most_phrases_are_understood_and_the_others_have_the_right_button(name: str) -> None:
    count, wrong, lost = _wrong(name)
    assert len(wrong) <= count * 0.05, wrong
    assert lost == []


def test_there_are_three_hundred_of_them_and_none_is_there_twice() -> None:
    phrases = [phrase for name in FILES for every in read(name).values() for phrase in every]
    assert len(phrases) >= 300
    assert len(set(phrases)) == len(phrases)


@pytest.mark.parametrize("name", FILES)
def test_what_they_mean_can_be_run_and_what_is_run_without_asking_changes_nothing_of_azure(name: str) -> None:
    registry = every_command()
    for kind, phrases in read(name).items():
        for phrase, command in phrases.items():
            assert registry.fit(words(command)) != "none", command
            run, offers = answered(phrase)
            for each in (run, *offers) if run else offers:
                assert registry.fit(words(each)) != "none", (phrase, each)
            assert len(offers) <= 3
            if kind == "runs" and run and registry.fit(words(run)) == "whole":
                call = registry.parse(words(run))
                assert call.effect == "read" or not call.command.mark.azure, (phrase, run)
