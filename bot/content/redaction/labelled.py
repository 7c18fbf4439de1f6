"""A name and a value that stand apart, each behind a label: ``{"name": "DB_PASSWORD", "value": "…"}`` and its like.

Settings of tasks, Kubernetes, app settings and ``web.config`` are written so. The value may stand before the name.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Mapping
from typing import Any

from bot.content.redaction import value_ends
from bot.content.redaction.names import Kind, kind
from bot.content.redaction.values import LOOKED_AT, is_nothing, is_number, is_path, looks_secret

Span = tuple[int, int]

_NAME_LABELS = (
    *(
        "name",
        "key",
        "variable",
        "variablename",
        "envname",
        "settingname",
        "env",
        "header",
        "headername",
        "field",
        "param",
    ),
    *("parameter", "property", "setting", "option", "id", "displayname", "label"),
)
_VALUE_LABELS = (
    *("value", "val", "values", "secretvalue", "stringvalue", "content", "contents", "text", "plaintext", "data"),
    *("default", "defaultvalue"),
)
_QUOTE = r"(?:\\{0,32}[\"']|&quot;)?"
_NAMED = r"[A-Za-z_][\w.:/ -]{0,100}+"
_NAME = re.compile(
    rf"(?<![\w.$-]){_QUOTE}(?:{'|'.join(_NAME_LABELS)}){_QUOTE}[ \t]*[:=][ \t]*{_QUOTE}({_NAMED})", re.IGNORECASE
)
_VALUE = re.compile(rf"(?<![\w.$-]){_QUOTE}(?:{'|'.join(_VALUE_LABELS)}){_QUOTE}[ \t]*[:=][ \t]*", re.IGNORECASE)
_ELEMENT = re.compile(r"<([\w.:-]{1,60}+)([^<>]{0,300})>")
_CONTENT = re.compile(r"(?:\s*<(?:\w{1,10}:)?(?:value|string)>)?\s*(?:<!\[CDATA\[)?([^<]{1,20000})", re.IGNORECASE)
_VAULT = re.compile(r"vault\.azure\.(?:net|cn|us)/secrets/|secretsmanager:|\"SecretString\"")
_LEAST = 6
"""Characters of what is called a token or a key in a document and is one."""
_NEAR = 400
"""Characters between a name and its value."""


def labelled_name(fields: Mapping[Any, Any]) -> str:
    """The name behind a label of an object of JSON, where it is a secret's; else empty."""
    for label, name in fields.items():
        if not isinstance(name, str) or str(label).lower() not in _NAME_LABELS or _kind(name) is Kind.OPEN:
            continue
        if label == "name" or re.fullmatch(_NAMED, name):
            return name
    return ""


def is_labelled_value(name: str, label: str, value: object) -> bool:
    """Whether the value behind this label is the secret of that name."""
    if not name or label.lower() not in _VALUE_LABELS:
        return False
    return label == "value" or not isinstance(value, str) or _is_meant(value[:LOOKED_AT], _kind(name))


def labelled(text: str) -> Iterator[Span]:
    """Where values of labelled names are."""
    names = [(found, _kind(found[1])) for found in _NAME.finditer(text)]
    secret = [found for found, means in names if means is not Kind.OPEN]
    if secret or _VAULT.search(text):
        yield from _near(text, names)
    if "</" in text:
        yield from _elements(text)


def _kind(name: str) -> Kind:
    return kind(name.strip().replace(" ", "_"))


def _near(text: str, names: list[tuple[re.Match[str], Kind]]) -> Iterator[Span]:
    """Each value belongs to the nearest name that nothing divides from it, the one before it first."""
    index = 0
    vaults = [found.start() for found in _VAULT.finditer(text)]
    for value in _VALUE.finditer(text):
        while index < len(names) and names[index][0].start() < value.start():
            index += 1
        before = names[index - 1] if index else None
        after = names[index] if index < len(names) else None
        means = Kind.OPEN
        if before and value.start() - before[0].end() < _NEAR and not _divided(text[before[0].end() : value.start()]):
            means = before[1]
        elif (
            after
            and (after[1] is not Kind.OPEN or not vaults)
            and after[0].start() - value.end() < _NEAR
            and not _divided(text[value.end() : after[0].start()])
        ):
            means = after[1]
        elif any(abs(place - value.start()) < _NEAR for place in _nearest(vaults, value.start())):
            means = Kind.SECRET
        if means is not Kind.OPEN:
            yield from _value(text, value.end(), means)


def _nearest(places: list[int], place: int) -> list[int]:
    at = bisect(places, place)
    return places[max(0, at - 1) : at + 1]


def _divided(between: str) -> bool:
    """Whether another entry begins between a name and a value."""
    return bool(re.search(r"[}\]]|^\s*-\s|\n\s*- |/>|\n\s*\n", between, re.MULTILINE))


def _value(text: str, start: int, means: Kind) -> Iterator[Span]:
    if block := re.compile(r"[|>][+-]?[ \t]*\r?\n").match(text, start):
        if lines := re.compile(r"(?:[ \t]++\S[^\n]*+\n?){1,200}").match(text, block.end()):
            begin = block.end() + len(lines.group()) - len(lines.group().lstrip())
            yield begin, block.end() + len(lines.group().rstrip())
        return
    opened = value_ends.opening(text, start)
    begin = opened.end() if opened else start
    if not opened and text[start : start + 1] in ("{", "[", "", "\n"):
        return
    end = value_ends.quoted_end(text, opened) if opened else value_ends.line_end(text, start)
    if not opened and (stop := re.compile(r",\s|[})\]](?=[\s,})\]]|$)").search(text, start, end)):
        end = stop.start()
    value = text[begin : min(end, begin + LOOKED_AT)]
    if _is_meant(value, means):
        yield begin, end


def _is_meant(value: str, means: Kind) -> bool:
    """Whether this is a secret that goes by a name, and does not only stand in the place of one."""
    if is_nothing(value) or (means < Kind.PASSWORD and (is_path(value) or value.lower() in ("true", "false"))):
        return False
    return means is not Kind.ORDINARY or looks_secret(value) or not (is_number(value) or value.isalpha())


def _elements(text: str) -> Iterator[Span]:
    """``<password>…</password>``, ``<setting name="password">…``."""
    for found in _ELEMENT.finditer(text):
        name, attributes = found[1], found[2]
        if attributes.endswith("/") or name.startswith("/"):
            continue
        means = kind(name.rpartition(":")[2])
        if means is Kind.OPEN and (named := re.search(r"\b(?:name|key|id)\s*=\s*[\"']([^\"']{1,100})", attributes)):
            means = kind(named[1])
        if means is Kind.OPEN:
            continue
        content = _CONTENT.match(text, found.end())
        if (content and text.startswith(("</", "]]>"), content.end())) or (content and content.end() < len(text)):
            value = content[1].strip().removesuffix("]]>")
            if is_nothing(value) or (means < Kind.PASSWORD and (is_path(value) or is_number(value))):
                continue
            if means is Kind.ORDINARY and not looks_secret(value):
                continue
            if means is Kind.SECRET and len(value) < _LEAST:
                continue  # a word of a language
            begin = content.start(1) + len(content[1]) - len(content[1].lstrip())
            yield begin, begin + len(value)
