"""A name and a value that only space, a line or a table's border divides: ``| DB_PASSWORD | … |``, ``--token`` and a line.

Nothing says here that the one is the other's, so the value must look like a secret, or like a password behind a name
that is a password's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.content.redaction.names import Kind, kind
from bot.content.redaction.values import is_nothing, is_number, is_path, looks_secret

Span = tuple[int, int]

_BORDER = "[|│┃║]"
_CELLS = re.compile(
    rf"{_BORDER}?[ \t]*[\"'`*]{{0,2}}([^\W\d][\w.-]{{0,60}}+(?: [\w.-]{{1,30}}){{0,2}})[\"'`*]{{0,2}}[ \t]*{_BORDER}[ \t]*"
    rf"[\"'`*]{{0,2}}([^\s|│┃║\"'`*][^\s|│┃║\"'`]*+)(?=[\"'`*]{{0,2}}[ \t]*(?:{_BORDER}|\r?$))",
    re.MULTILINE,
)
_COLUMNS = re.compile(
    r"^[ \t]*([^\W\d][\w.-]{2,60}+(?: [\w-]{2,20}){0,2}?)(?:[ \t]{2,60}+|\t)([^\s|]{6,}+)[ \t]*\r?$", re.MULTILINE
)
_ENV_COLUMNS = re.compile(
    r"^[ \t]*(?:[-*>] )?([A-Z][A-Z0-9]*_[A-Z0-9_]{1,60}+|[A-Za-z][A-Za-z0-9]{0,30}[_.][\w.-]{1,60}+)[ \t]{1,60}+([^\s|]{6,}+)[ \t]*\r?$",
    re.MULTILINE,
)
_BELOW = re.compile(
    r"^([^\r\n]{2,200}?)[ \t]*\r?\n(?:[ \t]*\r?\n)?[ \t]*(?:[-*>] +)?[\"'`]?([^\s\"'`]{6,}+)[\"'`]?,?[ \t]*\r?$",
    re.MULTILINE,
)
_LAST_WORDS = re.compile(r"(?:^|[\s\"'`])(--?)?([^\W\d][\w.-]{1,60})[\"'`]?[ \t]?([,:]?)[ \t]*\Z")
_ALONE = re.compile(
    r"[ \t]*(?:[-*>#] +)?[\"'`<*]{0,2}((?:[\w'’-]{1,30} ){0,3}[\w'’.-]{1,60})[\"'`>*]{0,2}[ \t]?[:,]?[ \t]*\Z"
)
_TOLD = re.compile(
    r"\b(?:pass(?:word|phrase|code)s?|token|secret|(?:api|access|secret|account|license|licence|recovery|storage|subscription)[ -]keys?"
    r"|codes?|mot de passe|kennwort|passwort|contraseña|senha)\b[^\r\n]{0,100}:[ \t]*\Z",
    re.IGNORECASE,
)
_PRINTED = re.compile(
    r"(?:-o|--output)[ =]?(?:tsv|text|jsonpath|raw|custom-columns)|[ \t]--?raw\b|\bprint-|-field[ =]|\bget-|; *echo$|--query\b|\bshow\b"
)
_ASKED = re.compile(r"passw|secret|token|key|credential", re.IGNORECASE)
_REGISTRY = re.compile(
    r"([A-Za-z_][\w.-]{0,60}+)\"?[ \t]+(?:/t[ \t]+)?REG_(?:EXPAND_|MULTI_)?SZ[ \t]+(?:/d[ \t]+)?\"?([^\s\"]+)",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"([^\W\d][\w.-]{0,60}+)[\"']?[ \t]*(?::=|=|:)[ \t]*(?![\w.]{0,40}(?:get|decode|read|load|env|fetch|lookup|find|input|require|resolve|ask|open|path))"
    r"(?:\[\]byte|[A-Za-z_][\w.]{0,40})\([ \t]*[bu]?[\"']([^\"'\s]{6,200})[\"']",
    re.IGNORECASE,
)
_NESTED = re.compile(
    r"[\"']([^\W\d][\w.-]{0,60}+)[\"']\s{0,9}:\s{0,9}\{\s{0,40}[\"'](?:value|plaintext|secret|text|#text|data)[\"']\s{0,9}:\s{0,9}[\"']([^\"'\s]{4,})[\"']",
    re.IGNORECASE,
)
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_LINE = 200
"""Characters of a line behind which a value may stand for itself."""


def awaits(line: str) -> bool:
    """Whether a line ends with what a secret is called, so that the next one may be the secret."""
    line = line.rstrip("\r\n \t")
    return 1 < len(line) <= _LINE and _means(line) is not Kind.OPEN


def apart(text: str) -> Iterator[Span]:
    """Where values are that stand apart from their names."""
    if any(border in text for border in "|│┃║"):
        yield from _pairs(_CELLS, text)
    yield from _pairs(_COLUMNS, text)
    yield from _pairs(_ENV_COLUMNS, text)
    if "(" in text:
        yield from _pairs(_CALLED, text)
    if "{" in text:
        yield from _pairs(_NESTED, text)
    if "REG_" in text.upper():
        yield from _pairs(_REGISTRY, text)
    if "\n" in text:
        start = 0
        while found := _BELOW.search(text, start):
            start = found.end(1)
            means = _means(found[1])
            if means is not Kind.OPEN and _looks(means, found[2]):
                yield found.span(2)


def _pairs(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for found in pattern.finditer(text):
        means = kind(found[1].replace(" ", "_"))
        if means is not Kind.OPEN and _looks(means, found[2]):
            yield found.span(2)


def _means(line: str) -> Kind:
    """What a line says of the next: it is a name alone, ends with an option, or tells of a secret and ends in a colon."""
    last = _LAST_WORDS.search(line, max(0, len(line) - 70))
    if last and last[1] and last[3] != ":":
        return kind(last[2])
    if alone := _ALONE.match(line):
        words = alone[1]
        found = kind(words.replace(" ", "_").replace("'", "_"))
        if found > Kind.ORDINARY or (found is Kind.ORDINARY and words.isupper()):
            return found
    if line.endswith("UGFzc3dvcmQ6"):  # what a mail server asks for, in base64
        return Kind.PASSWORD
    if _PRINTED.search(line) and _ASKED.search(line):
        return Kind.SECRET
    return Kind.SECRET if line.endswith(":") and _TOLD.search(line) else Kind.OPEN


def _looks(means: Kind, value: str) -> bool:
    value = value.rstrip(",;")
    if is_nothing(value) or is_path(value) or is_number(value) or value.startswith("-") or value.endswith(":"):
        return False
    if looks_secret(value) or (means > Kind.ORDINARY and _GUID.fullmatch(value)):
        return True
    return means is Kind.PASSWORD and bool(re.fullmatch(r"(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[^\s=:]{6,}", value))
