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
_MARKDOWN = re.compile(r"([\\*_\[\]()~`#<>&]|(?<!\S)[-+=]|(?<=\d)\.(?=\s|$))")
"""What would be read as Markdown: text blocks read it, text runs do not."""
_NO_NAME = re.compile(r"[\\*_\[\]~`#<>&]")
"""What a name in a mention loses: its text has to equal the entity's, so it can neither be escaped nor be Markdown."""
_INDENT = re.compile(r"(?m:^ +)")
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
            parts.append(_at(run.who.removeprefix(_PREFIX), run.text, entities))
            continue
        said = safe(unbroken(run).text)
        # Bold begins and ends at a letter or a digit: anywhere else the asterisks may be read as themselves.
        strong = run.style == "bold" and said[0].isalnum() and said[-1].isalnum() and "\n" not in said
        literal = _MARKDOWN.sub(r"\\\1", said)
        parts.append(f"**{literal}**" if strong else literal)
    indented = _INDENT.sub(lambda spaces: "\u00a0" * len(spaces[0]), "".join(parts))
    return {"type": "TextBlock", "text": indented.replace("\n", "\n\n"), "wrap": True}


def _at(who: str, said: str, entities: list[Json]) -> str:
    """``<at>Mia</at>``; a second person of the same name is "Mia (2)", since the text is what tells them apart."""
    name = _NO_NAME.sub("", said.strip("\u2068\u2069@ ")).strip() or "you"
    for number in range(1, _MOST + 2):
        shown = name if number == 1 else f"{name} ({number})"
        there = next((each for each in entities if each["text"] == f"<at>{shown}</at>"), None)
        if there is None:
            entities.append({"type": "mention", "text": f"<at>{shown}</at>", "mentioned": {"id": who, "name": shown}})
        if there is None or there["mentioned"] == {"id": who, "name": shown}:
            break
    return f"<at>{shown}</at>"
