"""Golden files: what a card looks like on every platform, kept under ``tests/golden/`` to be read in review.

``UPDATE_GOLDEN=1 pytest`` writes them anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from bot.content.outgoing import outgoing
from cards import slack, teams, text
from cards.card import Card, Form

FOLDER = Path(__file__).with_name("golden")


def check(name: str, card: Card | Form, pictures: Mapping[str, str] | None = None) -> None:
    """Compare ``card`` with ``golden/<name>.{slack.json,teams.json,txt}`` (a form has no text)."""
    if isinstance(card, Form):
        _compare(f"{name}.slack.json", _json(slack.render_form(card)))
        _compare(f"{name}.teams.json", _json(teams.render_form(card)))
        return
    card = outgoing(card)  # as it leaves: handlers themselves hide nothing
    _compare(f"{name}.slack.json", _json(slack.render(card, pictures or {}).payload))
    links = {key: f"https://bot.example.com/pictures/{file}.png" for key, file in (pictures or {}).items()}
    _compare(f"{name}.teams.json", _json(teams.render(card, links).payload))
    _compare(f"{name}.txt", f"{text.render(card).payload['text']}\n")


def check_text(name: str, found: str) -> None:
    """Compare a text with ``golden/<name>.txt``."""
    _compare(f"{name}.txt", found)


def _json(payload: object) -> str:
    return json.dumps(payload, ensure_ascii=False, indent=1) + "\n"


def _compare(name: str, found: str) -> None:
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    anew = "UPDATE_GOLDEN=1 pytest (this test) writes it; read the difference before you commit it"
    assert path.exists(), f"there is no golden file {name} yet: {anew}"
    assert found == path.read_text(encoding="utf-8"), f"{name} is not as its golden file: {anew}"
