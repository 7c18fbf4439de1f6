"""People whom a card of Teams notifies.

A mention in an Adaptive Card is ``<at>name</at>`` in a text block, and an entity of the card with the same words says
who that is ("Format cards in Teams", mention support within Adaptive Cards). Text runs know none, and tags and channels
cannot be mentioned there: whom a group stands for is a person's mention each, or their name alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cards.render_text import Run, unbroken
from cards.teams.text import Json, safe

_PREFIX = "teams:"
_MARKDOWN = re.compile(r"([\\*_\[\]()~`#<>])")
_MOST = 20
"""Mentions of one card: more would notify half an organisation."""


def of_teams(words: Iterable[Run]) -> bool:
    """Whether somebody of Teams is mentioned."""
    return any(run.who.startswith(_PREFIX) for run in words)


def mentioning(words: Iterable[Run], entities: list[Json]) -> Json:
    """A paragraph that notifies whom it mentions; who they are is added to the card's ``entities``."""
    parts: list[str] = []
    for run in words:
        if run.who.startswith(_PREFIX) and len(entities) < _MOST:
            name = run.text.strip("\u2068\u2069@ ").replace("<", "").replace(">", "") or "you"
            at = f"<at>{name}</at>"
            who = {"id": run.who.removeprefix(_PREFIX), "name": name}
            if all(each["text"] != at for each in entities):
                entities.append({"type": "mention", "text": at, "mentioned": who})
            parts.append(at)
            continue
        said = _MARKDOWN.sub(r"\\\1", safe(unbroken(run).text))
        parts.append(f"**{said}**" if run.style == "bold" and said.strip() == said and said else said)
    return {"type": "TextBlock", "text": "".join(parts), "wrap": True}
