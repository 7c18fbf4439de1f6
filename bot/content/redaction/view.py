"""A text as people read it: without the characters that do not show, and with one form of each that looks alike.

Rules are written for this view; what they find is looked up in the text itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right

_UNSEEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
ODD = f"[{_UNSEEN}\uff01-\uff5e\\x00]|\x1b\\["
"""Pattern of what makes a line worth a second look, whatever else is in it."""
_DROPPED = re.compile(
    f"[{_UNSEEN}]|\x1b\\[[0-9;?]{{0,30}}[A-Za-z]|(?<=[^\\x00])\\x00(?=[^\\x00](?:\\x00|$))|(?<=[^\\x00]\\x00[^\\x00])\\x00"
)
_ALIKE = str.maketrans(
    {chr(0xFF01 + n): chr(0x21 + n) for n in range(94)}
    | dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000", " ")
    | dict.fromkeys("“”„‟«»＂", '"')
    | dict.fromkeys("‘’‚‛‹›＇´", "'")
    | {
        "\0": "\n",
        "\u2028": "\n",
        "\u2029": "\n",
        "\x85": "\n",
        "\v": " ",
        "\f": " ",
        "\u2010": "-",
        "\u2011": "-",
        "\u2013": "-",
        "\u2212": "-",
    }
)


class View:
    """The view of a ``text``: ``plain``, and where in the text a part of it stands."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        self._shifts = [0]
        plain = text
        if not text.isascii() or "\x1b" in text or "\0" in text:
            plain = self._dropped(text).translate(_ALIKE)
        self.plain = plain

    def at(self, place: int) -> int:
        """Where the character at ``place`` of the view stands in the text."""
        return place + self._shifts[bisect_right(self._starts, place) - 1]

    def _dropped(self, text: str) -> str:
        pieces, last, length = [], 0, 0
        for found in _DROPPED.finditer(text):
            pieces.append(text[last : found.start()])
            length += found.start() - last
            last = found.end()
            self._starts.append(length)
            self._shifts.append(last - length)
        return "".join([*pieces, text[last:]])
