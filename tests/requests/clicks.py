"""Every click that a rendered card offers, on either platform, as it comes back when it is pressed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cards.slack.message
import cards.teams.message
from cards.card import Card
from cards.click import Click


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _dicts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _dicts(each)


def on_slack(card: Card) -> list[Click]:
    """Buttons, each choice of a menu, and each of "More"."""
    found = []
    for element in _dicts(cards.slack.message.render(card).payload):
        if "action_id" not in element:
            continue
        chosen = [{"selected_option": option} for option in element.get("options", ())] or [{}]
        found += [cards.slack.message.decode_click({**element, **each}) for each in chosen]
    return [each for each in found if each]


def on_teams(card: Card) -> list[Click]:
    """Buttons, and each choice of a menu."""
    elements = list(_dicts(cards.teams.message.render(card).payload))
    choices = {each["id"]: each.get("choices", ()) for each in elements if each.get("type") == "Input.ChoiceSet"}
    found = []
    for element in elements:
        data = element.get("data")
        if not str(element.get("type", "")).startswith("Action.") or not isinstance(data, dict):
            continue
        menu = data.get("m")
        chosen = [{menu: option["value"]} for option in choices.get(menu, ())] if menu else [{}]
        found += [cards.teams.message.decode_click({**data, **each}) for each in chosen]
    return [each for each in found if each]
