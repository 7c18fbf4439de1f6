"""What people typed, as it comes over the wire: cut first and read after, in time that grows as the text does.

A platform lets far more through than any command has, and whoever writes may mean to keep everybody waiting. So what
is longer than :data:`MOST` is not read at all: it goes on cut, and is answered with the length that a command may have.
"""

from __future__ import annotations

import html
import re

LONGEST = 10_000
"""Characters of a command, and of what is filled into a form."""
MOST = 4 * LONGEST
"""Characters of a text that is read: markup and escaped characters take more than what they stand for."""

_NUMBER = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")
"""No character has a number as long, and the library fails at the longest."""
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>|<![^<>]*>")
_CODE = frozenset({"pre", "codeblock"})
"""What Teams writes a block of code in; one may stand in the other."""
_ENDS = frozenset({"p", "div", "li"})


def is_readable(text: str) -> bool:
    """Whether a text is short enough to be read; one that is not is a mistake whatever stands in it."""
    return len(text) <= MOST


def unescaped(text: str) -> str:
    """The text with the characters that its entities stand for."""
    return html.unescape(_NUMBER.sub("\N{REPLACEMENT CHARACTER}", text))


def without_markup(markup: str) -> str:
    """The text of a piece of HTML: paragraphs and breaks become line ends, and blocks of code stand in backticks.

    Python's own parser begins anew at each ``<`` that is never closed, so its time grows with the square of them. What
    chats send is no document: tags that hold no ``<`` and no ``>``, and text.
    """
    parts: list[str] = []
    blocks = end = 0
    for found in _TAG.finditer(markup):
        parts.append(markup[end : found.start()])
        end = found.end()
        closing, tag = found.group(1), (found.group(2) or "").lower()
        if (tag == "br" and not closing) or (tag in _ENDS and closing):
            parts.append("\n")
        elif tag in _CODE and not closing:
            parts.append("" if blocks else " ```\n")
            blocks += 1
        elif tag in _CODE and blocks:
            blocks -= 1
            parts.append("" if blocks else "\n``` ")
    parts.append(markup[end:])
    return unescaped("".join(parts))
