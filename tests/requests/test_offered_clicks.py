"""What is offered for a mistake works: pressed on either platform, it parses, and nobody is told off again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from bot.requests import refusals
from bot.requests.command import CommandError
from bot.requests.grammar import words
from bot.requests.understanding import _offering
from cards.card import Card
from cards.click import Click
from tests.commands import every_command
from tests.requests.clicks import on_slack, on_teams
from tests.requests.plain_words.test_phrases import FILES
from tests.requests.plain_words.world import answered, read
from tests.requests.test_corrections import _mistakes

PATHS = sorted(every_command().commands)


def works(click: Click) -> bool:
    """Whether it can be run, or opens a form that what is in it fits."""
    fit = every_command().fit(words(click.command))
    return fit == "whole" or (click.how == "form" and fit == "lacking")


def pressed(card: Card) -> Iterator[Click]:
    """Every click of both platforms; both offer the same."""
    slack, teams = on_slack(card), on_teams(card)
    assert slack and teams, "there is always a way on"
    assert {each.command for each in slack} == {each.command for each in teams}
    yield from (*slack, *teams)


@pytest.mark.parametrize("path", PATHS)
def test_every_click_that_answers_a_slip_in_a_command_works(path: str) -> None:
    for line, at, error in islice(_mistakes(path), None, None, 4):
        for click in pressed(refusals.of_error(error, "", "")):
            assert works(click), (line, at, error.message, click)


def _sentences() -> Iterator[str]:
    """Phrases with a letter of one word left out, doubled or changed, or without that word."""
    for name in FILES:
        for phrases in read(name).values():
            for number, phrase in enumerate(phrases):
                said = phrase.split()
                at = number % len(said)
                word = said[at]
                cut = number % len(word)
                slips = (word[:cut] + word[cut + 1 :], word[:cut] + word[cut] + word[cut:], word[:cut] + "x", "")
                yield " ".join([*said[:at], slips[number % len(slips)], *said[at + 1 :]]).strip()


def test_every_click_that_answers_plain_words_that_were_mistyped_works() -> None:
    offering = 0
    for phrase in _sentences():
        run, offers = answered(phrase) if phrase else ("", ())
        if run:
            assert every_command().fit(words(run)) != "none", (phrase, run)
        elif offers:
            offering += 1
            for click in pressed(refusals.of_error(_offering(every_command(), phrase, offers), phrase, "")):
                assert works(click), (phrase, click)
        elif phrase:
            try:
                every_command().parse(words(phrase))
            except CommandError as error:
                for click in pressed(refusals.of_error(error, phrase, "")):
                    assert works(click), (phrase, click)
    assert offering > 20, "most slips leave something to offer"
