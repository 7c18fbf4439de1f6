"""Where a value ends: at its quote, before the next pair, at the end of its line."""

from __future__ import annotations

import re

_OPENING = re.compile(
    r"(?:(?:str|string|String|bytes)\s*=\s*|!!?[\w-]{1,20}\s+|&\w{1,20}\s+(?=\S))?(?:[bBuUrRfFN@]{1,2}(?=[\"']))?(\"{3}(?!\")|'{3}(?!')|\\{0,32}[\"'`]|&quot;|&#34;|%22|\\{1,8}u0022|\{(?=[^\r\n{}]{1,200}\}(?:;|\s|$)(?!\s*[,}])))"
)
_NEXT_PAIR = re.compile(
    r"[&,;|](?:\s{0,2}[\w.-]{1,40}(?: [\w.-]{1,20}){0,3}(?:=|:(?!//))|amp;|$|\s|[\"'])|&amp;|\\u0026|%26[\w.-]{1,40}(?:=|%3[dD])"
)
_BARE = re.compile(r"\S++")
_LINE = re.compile(r"[^\r\n]++")
_ESCAPED_END = re.compile(
    r"(?:\\{1,8}[rn]|\\{1,8}u000[ad])(?=$|\\|[A-Za-z_][\w.-]{0,60}[=:]|\s|[\"'}\]-])|\\{1,8}[\"'](?:$|[\s,;:}\])])|\\{1,8}u0022"
)
_FIRST = 256
_MOST_CLOSERS = 8
_CLOSERS = {")": "(", "]": "[", "}": "{", ">": "<"}
_AFTER = re.compile(r"[ \t]+(?:→|->|=>|#|//|\||&&|;|\\$|--?[A-Za-z]|/\w|\./|>{1,2}|[\w.-]{1,60}(?:=|:\s)|\(|\[|[<\"'])")


def opening(text: str, start: int) -> re.Match[str] | None:
    """The quote that opens a value at ``start``, with what may stand before it."""
    return _OPENING.match(text, start)


def quoted_end(text: str, opened: re.Match[str]) -> int:
    """Where the value behind an opening quote ends: before the same quote, or at the line's end where there is none."""
    mark = opened[1]
    close = "}" if mark == "{" else mark
    start = opened.end()
    end = start
    while (end := text.find(close, end)) >= 0:
        if (len(close) > 1 and close[0] == "\\") or len(close) > 2 or not _escaped(text, start, end):
            break
        end += 1
    if end < 0:
        return _line_end(text, start)
    if close in ("'", "`", "}") and (line := text.find("\n", start, end)) >= 0:
        return line - (text[line - 1] == "\r")  # an apostrophe somewhere further down
    return end


def bare_end(text: str, start: int, inside: str, longest: int | None = None) -> int:
    """Where a value without quotes ends; ``inside`` is the quote in which the whole pair stands, or nothing.

    No more than ``longest`` characters are looked at, and never many more than the value has.
    """
    stop, size = start, _FIRST
    limit = len(text) if longest is None else min(len(text), start + longest)
    while stop < limit:
        found = _BARE.match(text, stop, min(limit, start + size))
        stop = found.end() if found else stop
        if (end := _ended(text, start, stop, inside)) < stop or stop < min(limit, start + size):
            stop = end
            break
        size *= 2
    return start + len(_without_closers(text[start:stop]))


def _ended(text: str, start: int, end: int, inside: str) -> int:
    if inside and (quote := text.find(inside, start, end)) > start:
        end = quote
        while end > start and text[end - 1] == "\\":
            end -= 1
    if (tag := text.find("</", start, end)) > start:
        end = tag
    for pattern in (_NEXT_PAIR, _ESCAPED_END):
        if (next_pair := pattern.search(text, start, end)) and next_pair.start() > start:
            end = next_pair.start()
    return end


def line_end(text: str, start: int) -> int:
    """Where a value ends that goes to the end of its line, or to what can be told from it: options, pairs, comments."""
    found = _LINE.match(text, start)
    if found is None:
        return start
    after = _AFTER.search(text, start, found.end())
    end = after.start() if after else found.end()
    return start + len(text[start:end].rstrip(" \t,;"))


def inside_of(text: str, start: int) -> str:
    """The quote in which a pair stands whose name begins at ``start``: one that is opened before it and not closed."""
    begin = max(text.rfind("\n", 0, start) + 1, start - 400)
    before = text[begin:start]
    if before[-1:] in ("'", '"', "`"):
        return before[-1]
    for quote in ('"', "'"):
        if before.count(quote) % 2 and not (quote == "'" and re.search(r"[a-z]'[a-z]", before)):
            return quote
    return ""


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end - (text[end - 1 : end] == "\r")


def _escaped(text: str, start: int, place: int) -> bool:
    slashes = place
    while slashes > start and text[slashes - 1] == "\\":
        slashes -= 1
    return (place - slashes) % 2 == 1


def _without_closers(value: str) -> str:
    """Without the brackets, quotes and stops that belong to the sentence around the value."""
    end = len(value)
    while 1 < end > len(value) - _MOST_CLOSERS and (last := value[end - 1]) in ")]}>\"'`,;":
        if last in _CLOSERS and _CLOSERS[last] in value:
            break
        end -= 1
    return value[:end]
