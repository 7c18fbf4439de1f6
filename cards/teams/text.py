"""Runs of text as TextRuns, in which literal text stays literal and a state keeps its colour."""

from __future__ import annotations

import re

from cards.card import Mark
from cards.render_text import Run

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


_DATE_MACRO = re.compile(r"\{(?=\{(?:DATE|TIME)\()")

Json = dict[str, object]


def safe(text: str) -> str:
    """Text in which no ``{{DATE(…)}}`` is computed: Adaptive Cards know that in every text."""
    return _DATE_MACRO.sub("{\u2060", text) if "{{" in text else text


def _inline(run: Run) -> Json | str:
    colour = _COLOURS.get(run.mark) if run.mark else None
    style = _STYLES.get(run.style, {})
    text = safe(run.text)
    if run.mark:
        text = text.replace(" ", "\u00a0", 1)  # a narrow column must not part the symbol from its word
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
