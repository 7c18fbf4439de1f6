"""Secrets of Kubernetes: ``kind: Secret``, whose every value is secret by what it stands in, whatever it is called."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

_KIND = re.compile(r"^[ \t-]{0,60}kind:[ \t]*[\"']?(?:Sealed|External)?Secret(?:List)?[\"']?[ \t]*\r?$", re.MULTILINE)
_DATA = re.compile(r"^([ \t-]{0,60})(?:data|stringData):[ \t]*\r?\n", re.MULTILINE)
_ENTRY = re.compile(
    r"([ \t]+)[\"']?[\w.-]{1,253}[\"']?:[ \t]*(?:([|>][+-]?)[ \t]*\r?\n|(\"[^\"\r\n]*\"|'[^'\r\n]*'|[^\s#][^\r\n]*+)?[ \t]*(?:\r?\n|\Z))"
)
_INSIDE = re.compile(r"([ \t]+)\S[^\r\n]*+(?:\r?\n|\Z)|[ \t]*\r?\n")
_JSON_KIND = re.compile(r"\"kind\"\s{0,20}:\s{0,20}\"Secret\"")
_JSON_DATA = re.compile(r"\"(?:data|stringData)\"\s{0,20}:\s{0,20}\{([^{}]{1,200000})\}")
_JSON_VALUE = re.compile(r":\s{0,20}\"((?:[^\"\\]|\\.)+)\"")
_OF_MANIFEST = re.compile(
    r"[ \t-]{0,60}[\"']?(?:apiVersion|kind|metadata|type|immutable|data|stringData)[\"']?:|[ \t]*[}\]],?[ \t]*\r?$"
)


class Manifest:
    """Which lines belong to a manifest of which a window has seen a part."""

    BEGINS = re.compile(
        r"^[ \t-]{0,60}(?:(?:data|stringData):[ \t]*\r?$|kind:[ \t]*[\"']?Secret\b|\"(?:data|stringData)\":[ \t]*\{[ \t]*\r?$)",
        re.MULTILINE,
    )

    def __init__(self, line: str) -> None:
        self._indent = _indent(line)

    def goes_on(self, line: str) -> bool:
        """Whether this line is of the manifest: indented further, or one of its fields."""
        return bool(line.strip()) and (_indent(line) > self._indent or bool(_OF_MANIFEST.match(line)))


def manifests(text: str) -> Iterator[Span]:
    """Where the values of Kubernetes' secrets are."""
    if _KIND.search(text):
        for document in _documents(text):
            if _KIND.search(text, *document):
                for data in _DATA.finditer(text, *document):
                    yield from _entries(text, data, document[1])
    if _JSON_KIND.search(text):
        for found in _JSON_DATA.finditer(text):
            for value in _JSON_VALUE.finditer(text, *found.span(1)):
                yield value.span(1)


def _documents(text: str) -> Iterator[Span]:
    start = 0
    for divider in re.finditer(r"^---[ \t]*\r?$", text, re.MULTILINE):
        yield start, divider.start()
        start = divider.end()
    yield start, len(text)


def _entries(text: str, data: re.Match[str], stop: int) -> Iterator[Span]:
    base, place = len(data[1]), data.end()
    while place < stop and (entry := _ENTRY.match(text, place, stop)) and len(entry[1]) > base:
        place = entry.end()
        if entry[3]:
            start, end = entry.span(3)
            quotes = 1 if text[start] in "\"'" else 0
            yield start + quotes, end - quotes
        elif entry[2]:
            first = place
            while (line := _INSIDE.match(text, place, stop)) and (not line[1] or len(line[1]) > len(entry[1])):
                place = line.end()
            inner = text[first:place]
            yield first + len(inner) - len(inner.lstrip()), first + len(inner.rstrip())


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t-"))
