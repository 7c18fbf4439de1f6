"""Runs of text as TextRuns, in which literal text stays literal and a state keeps its colour."""

from __future__ import annotations

import re

from cards.card import Mark
from cards.render_text import Run, unbroken

_COLOURS = {
    Mark.RUNNING: "Good",
    Mark.DONE: "Good",
    Mark.CHANGING: "Accent",
    Mark.FAILED: "Attention",
    Mark.WARNING: "Warning",
}
_STYLES: dict[str, dict[str, object]] = {
    "bold": {"weight": "Bolder"},
    "italic": {"italic": True},
    "code": {"fontType": "Monospace"},
    "muted": {"isSubtle": True},
}


_DATE_MACRO = re.compile(r"\{(?=\{\s*(?:DATE|TIME)\s*\()", re.IGNORECASE)
_EXACT = frozenset({"data", "url", "$schema", "type", "id"})
"""Keys of what nobody reads, which comes back or is fetched as it is written."""

Json = dict[str, object]


def safe(text: str) -> str:
    """Text in which no ``{{DATE(…)}}`` is computed: Adaptive Cards know that in every text."""
    return _DATE_MACRO.sub("{\u2060", text) if "{{" in text else text


def defused(card: Json) -> Json:
    """The same of a whole card: titles, labels, choices, placeholders, alternative texts and all that is read in it.

    What a button carries, what a choice stands for and what a field begins with come back as they were written.
    """
    return {key: value if _is_exact(key, card) else _defused(value) for key, value in card.items()}


def _is_exact(key: str, element: Json) -> bool:
    if key == "value":  # of a choice, or of a field
        return "title" in element or str(element.get("type", "")).startswith("Input.")
    return key in _EXACT


def _defused(value: object) -> object:
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, dict):
        return defused(value)
    if isinstance(value, list | tuple):
        return [_defused(each) for each in value]
    return value


def _inline(run: Run) -> Json | str:
    colour = _COLOURS.get(run.mark) if run.mark else None
    style = _STYLES.get(run.style, {})
    text = safe(unbroken(run).text)
    if not colour and not style:
        return text
    return {"type": "TextRun", "text": text, **style, **({"color": colour} if colour else {})}


def rich(words: list[Run], **style: object) -> Json:
    """A RichTextBlock; ``style`` is given to every run."""
    inlines: list[object] = []
    for run in words:
        inline = _inline(run)
        if style:
            inline = {"type": "TextRun", "text": inline} if isinstance(inline, str) else inline
            inline = style | inline
        inlines.append(inline)
    return {"type": "RichTextBlock", "inlines": inlines}


def small_print(words: list[Run]) -> Json:
    """Small print."""
    return rich(words, size="Small", isSubtle=True)
