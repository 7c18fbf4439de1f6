"""From the rules to a text without secrets."""

from __future__ import annotations

from collections.abc import Iterator

from bot.content.redaction.addresses import addresses
from bot.content.redaction.apart import apart
from bot.content.redaction.commands import commands
from bot.content.redaction.encoded import encoded
from bot.content.redaction.labelled import labelled
from bot.content.redaction.manifests import manifests
from bot.content.redaction.pairs import pairs
from bot.content.redaction.phrases import phrases
from bot.content.redaction.private_keys import private_keys
from bot.content.redaction.tokens import tokens
from bot.content.redaction.view import View
from bot.content.redaction.windows import windows

HIDDEN = "…"
_ROUNDS = 4
"""How often a window is looked at until nothing more is found in it."""

Span = tuple[int, int]


def redact(text: str) -> str:
    """``text`` with every secret's value replaced by ``…``.

    Its time grows with the length of the text, whatever stands in it. For megabytes, call it in a thread.
    """
    pieces, last = [], 0
    for start, end in windows(text):
        pieces += [text[last:start], _clear(text[start:end])]
        last = end
    return "".join([*pieces, text[last:]])


def _clear(window: str) -> str:
    for _ in range(_ROUNDS):
        spans = _merged(_spans(window, deep=True))
        if not spans:
            break
        pieces, last = [], 0
        for start, end in spans:
            pieces += [window[last:start], HIDDEN]
            last = end
        window = "".join([*pieces, window[last:]])
    return window


def _spans(window: str, *, deep: bool) -> Iterator[Span]:
    view = View(window)
    plain = view.plain
    for start, end in _found(plain, deep=deep):
        if end > start and plain[start:end].strip("… \t\r\n\\\"'"):
            yield view.at(start), view.at(end - 1) + 1


def _found(plain: str, *, deep: bool) -> Iterator[Span]:
    yield from private_keys(plain)
    yield from tokens(plain)
    yield from addresses(plain)
    yield from pairs(plain)
    yield from labelled(plain)
    yield from apart(plain)
    yield from manifests(plain)
    yield from commands(plain)
    yield from phrases(plain)
    if deep:
        yield from encoded(plain, _has_secret)


def _has_secret(text: str) -> bool:
    return any(True for _ in _spans(text, deep=False))


def _merged(spans: Iterator[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
