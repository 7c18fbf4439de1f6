"""One text without secrets, remembered where it is short: the same words stand on most cards and in most rows."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.content.redaction import redact

_REMEMBERED = 400
"""Characters of a text that is worth remembering."""
_SHORT = 16
_WORD = re.compile(r"[\w.]+(?:-[\w.]+)*", re.ASCII)
"""One short word, such as an id, a figure or a state: nothing in it could be told for a secret."""
HEAVY = 4_000
"""Characters of dense output that are searched in some 50 ms: more would hold the event loop up."""


def clear(text: str) -> str:
    """A text without secrets."""
    if len(text) <= _SHORT and _WORD.fullmatch(text):
        return text
    return _remembered(text) if len(text) <= _REMEMBERED else redact(text)


@lru_cache(maxsize=8192)
def _remembered(text: str) -> str:
    return redact(text)
