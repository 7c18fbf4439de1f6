"""What clients, keyboards and politeness put around a command is taken off it."""

from __future__ import annotations

import re

_QUOTED = re.compile(
    r"<blockquote\b[^<>]*>[^<>]*</blockquote>|<quoted\b[^<>]*/>|<quoted\b[^<>]*>[^<>]*</quoted>"
    r"|</?(?:at|b|i|strong|em|code|p|span)\b[^<>]*>"
)
"""What clients of Teams put before a reply, and tags that are left in what was typed."""
_LEADING = re.compile(r"^@[\w-]+\s*[:,]?\s+|^[\s,:;.!>•·\N{EM DASH}\N{EN DASH}]+")
_TRAILING = re.compile(r"[\s,;!?.…]+$")
_PAIRS = ("```", "***", "**", "__", "~~", "``", "`", "*", "_", "~", '"', "'", "“”", "„“", "‘’", "«»", "‹›", "()", "[]")
"""Marks around a whole command: of code, bold, italics, struck out, quotes, brackets; two characters are a pair."""
_GREETING = re.compile(
    r"^(?:(?:hi|hello|hallo|hey|hej|hiya|yo|moin|servus|dear|good (?:morning|afternoon|evening|day)|morning|greetings|"
    r"ok|okay|please|pls|plz|thanks|thank you)\b(?: (?:there|all|bot|batch ?bot|team|everyone|everybody|folks|guys))?"
    r"[\s,:;.!\N{EM DASH}\N{EN DASH}-]*)+",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"[\s,;.]*\b(?:please|pls|plz|thanks(?: a lot)?|thank you|thx|ty|cheers|asap|right now|for me)[\s,;.!]*$", re.I
)
_OPENING = re.compile(
    r"^(?:(?:can|could|would|will) (?:you|u|i|we)(?: please)?|(?:i|we) (?:want|need|would like|'d like)(?: you)? to|"
    r"i'd like to|let me|let us|let's) ",
    re.IGNORECASE,
)


def tidied(text: str) -> str:
    """The text without what stands around the command; what is within stays as it was."""
    text = _QUOTED.sub(" ", text)
    while True:
        short = _LEADING.sub("", text).strip()
        short = _TRAILING.sub("", short) if "\n" not in short else short
        for pair in _PAIRS:
            begin, end = (pair[0], pair[1]) if len(pair) == 2 and pair[0] != pair[1] else (pair, pair)
            inner = short[len(begin) : -len(end)]
            around = short.startswith(begin) and short.endswith(end) and inner
            if around and begin not in inner and end not in inner:
                short = inner.strip()
                break
        if short == text:
            return text
        text = short


def without_thanks(text: str) -> str:
    """The text without a word of politeness at its end, which would be taken for a word of a filter."""
    return _POLITE.sub("", text)


def without_greeting(text: str) -> str:
    """The text without a greeting before it and thanks behind it; empty where that is all there is."""
    while True:
        short = _POLITE.sub("", _GREETING.sub("", tidied(text)))
        short = tidied(_OPENING.sub("", short))
        if short == text:
            return short
        text = short
