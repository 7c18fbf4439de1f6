"""The example cards, as they look on every platform."""

from __future__ import annotations

from typing import Any

import pytest

from cards import slack, teams
from cards.card import Form
from tests import golden
from tests.cards import examples, limits, schemas


@pytest.mark.parametrize("name", examples.every)
def test_example(name: str) -> None:
    golden.check(name, examples.every[name], {"usage-24h": "F0123456789"})


@pytest.mark.parametrize("name", [name for name, card in examples.every.items() if not isinstance(card, Form)])
def test_example_is_legal(name: str) -> None:
    card: Any = examples.every[name]
    message: Any = slack.render(card).payload
    assert schemas.faults(schemas.slack_blocks(), message["blocks"]) == []
    assert limits.slack_message(message) == []
    adaptive: Any = teams.render(card).payload
    assert schemas.faults(schemas.adaptive_card(), adaptive) == []
    assert limits.teams_card(adaptive) == []
