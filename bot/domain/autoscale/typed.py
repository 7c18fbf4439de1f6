"""Formulas as people paste them: out of chats, which change quotes and signs, out of code, and out of JSON."""

from __future__ import annotations

import html
import re
from typing import Final

_SIGNS: Final = str.maketrans({
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "×": "*",
    "≤": "<=", "≥": ">=", "≠": "!=", "\u00a0": " ", "\u200b": "", "\ufeff": "", "\t": " ", "\r": "",
})  # fmt: skip
_FENCE: Final = re.compile(r"^\s*```(?:\w*\n)?(.*?)\n?```\s*$", re.DOTALL)


def typed_formula(text: str) -> str:
    """The formula that was intended: without fences, quotes around the whole, entities, and typographic signs."""
    text = html.unescape(text).translate(_SIGNS)
    if fenced := _FENCE.match(text):
        text = fenced[1]
    text = text.strip()
    for quote in ("`", '"', "'"):
        if len(text) > 1 and text[0] == text[-1] == quote:
            text = text[1:-1]
    if "\n" not in text:  # out of JSON or a string of a program
        text = text.replace("\\r\\n", "\n").replace("\\n", "\n")
    return text.replace('\\"', '"').strip()
