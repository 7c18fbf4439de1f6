"""Names with values: variables, settings, fields of JSON and YAML, headers, options, attributes, in all their spellings.

A name is found with what stands between it and its value; :mod:`bot.content.redaction.names` says what it means, and what
it means decides how much a value must look like a secret. A value that is hidden is not looked at again, and of one
that is not, a few characters are read; so the time grows with the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bot.content.redaction import value_ends
from bot.content.redaction.names import Kind, kind
from bot.content.redaction.values import (
    LOOKED_AT,
    is_address,
    is_nothing,
    is_number,
    is_path,
    looks_mixed,
    looks_secret,
)

Span = tuple[int, int]

_GOES_ON = r"(?:[\\`^]\r?\n[ \t]*+)?"
"""The end of a line that goes on in the next: of a shell, of PowerShell, of a batch file."""
_PAIR = re.compile(
    r"(?<![\w.$-])(--?|/(?=[A-Za-z]{1,20}[:=]\S)|\$\{?(?:env:)?)?([^\W\d][\w.$-]{0,200}+)"
    r"((?:\\{0,32}[\"'`]|&quot;|\\{1,8}u0022|%22)?[\])}]{0,2})"
    r"([ \t]*+(?::=|=>|->|<-(?=[ \t]*[\"'])|={1,3}(?!=)|::?(?!//|\\(?![\"'u]))|%3[Dd]|%3[Aa]|\\{1,8}u003d|,(?=\s*\\{0,32}[bu]?[\"']))[ \t]*+"
    rf"{_GOES_ON}|[ \t]++{_GOES_ON}(?=[^\s=:-]|-\S*\d))"
)
_PHRASE = re.compile(r"(?:(?:[A-Za-z]{2,20}) ){1,2}\Z")
_SHORT = frozenset({"key", "keys", "string", "strings", "phrase", "code", "codes", "url", "uri", "id", "signature"})
_KEY_WORDS = """
    api access account storage secret shared private license licence subscription auth encryption signing master primary secondary
    function batch host service personal bearer session refresh client deploy admin connection seed recovery backup sas webhook
"""
_KEYS_IN_WORDS = frozenset(_KEY_WORDS.split())
_COOKIE_NAMES = frozenset({"cookie", "setcookie", "cookies"})
_ENV = re.compile(r"[A-Z][A-Z0-9_]*")
_LINE_HEAD = re.compile(
    r"[ \t]*(?:[-+>*#]\s+|//\s*)?(?:(?:export|set|setx|setenv|declare(?: -\w+)?|local|readonly|env|ENV|ARG|let|var|const|-e|--env|putenv|SET)[ \t]+)?"
    r"[\"'$]{0,2}(?:env:|\{env:)?\Z"
)
_SETTER = re.compile(r"(?:^|[\s;&|(])(?:setx(?:\s+/[mM])?|setenv|ENV|ARG)[ \t]+\Z", re.IGNORECASE)
_PROSE = re.compile(r"[a-z]{2,}(?:[ ,.;:!?]|$)")
_KEY_LIKE = re.compile(
    r"(?=[A-Za-z0-9_-]*\d[A-Za-z0-9_-]*[A-Za-z]|[0-9a-f]{32})(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{12,}={0,2}"
)
_SERVER = re.compile(r"\d{2,5}@[\w.-]+")  # of licences: a port and a host
_LIST = re.compile(r"\[\s*(?=\\{0,8}[\"'])")
_ITEM = re.compile(r"\s*,?\s*(?=\\{0,32}[\"'])")
_NEXT_LINE = re.compile(r"[ \t]*\r?\n([ \t]+(?:- )?)(?![\w.-]+\s*:(?:\s|$)|- |\w+=|[{}\[\]])(?=\S)")
_SAME_BLOCK = re.compile(r"[ \t]*(?:!\S+[ \t]+)?[|>][+-]?\d?[ \t]*\r?\n")


_SIGNED = re.compile(r"\??(?:sv|sr|st|se|sp|ss|srt|sig|skoid)=[^\s\"'<>;,`]++(?=\W|$)")


class _Pair(NamedTuple):
    found: re.Match[str]
    name: str
    kind: Kind
    quoted: bool
    option: bool
    separator: str

    @property
    def value(self) -> int:
        """Where the value begins."""
        return self.found.end()


def pairs(text: str) -> Iterator[Span]:
    """Where values of secret names are."""
    place = cookies = 0
    while found := _PAIR.search(text, place):
        place = found.end(3)
        pair = _read(text, found)
        if pair is None:
            continue
        if _plain(pair.name) in _COOKIE_NAMES:
            if found.start() < cookies:
                continue  # among those of the one before
            cookies = place + _LONGEST_COOKIE
        for span in _values(text, pair):
            if span[1] > span[0]:
                yield span
                place = max(place, span[1])


def _read(text: str, found: re.Match[str]) -> _Pair | None:
    name, separator = found[2], found[4].strip()
    option = bool(found[1]) and found[1][0] in "-/"
    means = kind(name)
    if (
        not option
        and name.lower() in _SHORT
        and (before := _PHRASE.search(text, max(0, found.start() - 42), found.start()))
        and not _KEYS_IN_WORDS.isdisjoint(before.group().lower().split())
    ):
        means = max(means, kind(before.group() + name))
    if (
        name in ("PWD", "pwd")
        and separator == "="
        and text[found.end() : found.end() + 1] not in "/~.\"'"
        and text[found.end() + 1 : found.end() + 2] != ":"
    ):
        means = Kind.PASSWORD  # of a connection string; else the working directory
    if (
        name == "pwd"
        and separator == ":"
        and found[3][-1:] in tuple("\"'")
        and text[found.end() + 1 : found.end() + 2] not in "/~."
    ):
        means = Kind.PASSWORD
    if means is Kind.OPEN or (found[1] == "${" and separator[:1] == ":"):  # ${NAME:-other}
        return None
    if separator == "," and (not found[3] or text[found.start() - 1 : found.start()] not in tuple("\"'`;2")):
        return None
    quoted = "_" in name and text[found.end() : found.end() + 1] in tuple("\"'")
    if (
        not separator
        and not option
        and not quoted
        and not _SETTER.search(text, max(0, found.start() - 20), found.start())
    ):
        return None
    return _Pair(found, name, means, found[3] != "" and found[3][-1] in "\"'`;2", option, separator)


def _plain(name: str) -> str:
    return "".join(filter(str.isalpha, name)).lower()


def _values(text: str, pair: _Pair) -> Iterator[Span]:
    start = pair.value
    name = _plain(pair.name)
    if pair.separator and name in _COOKIE_NAMES:
        yield from _cookies(text, pair, name)
        return
    if pair.separator and name.endswith("authorization"):
        yield from _authorization(text, start)
        return
    if block := _SAME_BLOCK.match(text, start):
        if pair.kind > Kind.ORDINARY:
            yield from _block(text, pair, block.end())
        return
    if start >= len(text) or text[start] in "\r\n":
        if pair.kind > Kind.ORDINARY and pair.separator in (":", "=") and (below := _NEXT_LINE.match(text, start)):
            yield from _one(text, pair, below.end(), anchored=True)
        return
    if pair.kind > Kind.ORDINARY and (items := _LIST.match(text, start)):
        yield from _items(text, items.end())
        return
    yield from _one(text, pair, start, anchored=_anchored(text, pair))


def _anchored(text: str, pair: _Pair) -> bool:
    """Whether the pair has its line for itself, so that the value goes to its end."""
    start = pair.found.start()
    begin = text.rfind("\n", max(0, start - 60), start) + 1
    if not begin and start > 60:
        return False
    return bool(_LINE_HEAD.match(text[begin:start])) and not pair.option


def _one(text: str, pair: _Pair, start: int, *, anchored: bool) -> Iterator[Span]:
    opened = value_ends.opening(text, start)
    if opened and opened[1] == "{" and pair.kind is not Kind.PASSWORD:
        opened = None  # braces are quotes in connection strings alone
    if not opened and (signed := _SIGNED.match(text, start)):
        yield signed.span()
        return
    shown = text[opened.end() if opened else start : start + LOOKED_AT]
    env = (bool(_ENV.fullmatch(pair.name)) and (pair.separator.startswith("=") or not pair.separator)) or pair.found[
        1
    ] in ("${env:", "$env:")
    if opened:
        end = value_ends.quoted_end(text, opened)
        value = text[opened.end() : min(end, opened.end() + LOOKED_AT)]
        if _accepted(pair, value, env=env, firm=True, quoted=True):
            yield opened.end(), end
        return
    word = re.match(r"\S*", shown)
    first = word.group() if word else ""
    whole = re.match(r"[^\r\n]*", shown)
    line = whole.group() if whole else ""
    if env and anchored and first[:1] in "{[" and pair.kind > Kind.ORDINARY and not is_nothing(line):
        yield start, start + len(text[start : value_ends.line_end(text, start)])
        return
    if first[:1] in "{[(" and not (
        pair.kind is Kind.PASSWORD and len(first) > 1 and not is_nothing(first[1:]) and pair.separator == "="
    ):
        return
    firm = (
        env
        or pair.option
        or pair.separator.startswith(("=", "%", "\\"))
        or pair.quoted
        or (anchored and pair.separator == ":")
    )
    inside = value_ends.inside_of(text, pair.found.start())
    judged = text[start : value_ends.bare_end(text, start, inside, LOOKED_AT)]
    if not _accepted(pair, judged, env=env, firm=firm, line=line if anchored and not env else ""):
        return
    end = value_ends.bare_end(text, start, inside)
    if anchored and not inside and end - start < LOOKED_AT and text[end : end + 1] in (" ", "\t"):
        end = max(end, value_ends.line_end(text, start))
    yield start, end


def _accepted(  # noqa: PLR0911, PLR0912 - a line for each reason
    pair: _Pair, value: str, *, env: bool, firm: bool, line: str = "", quoted: bool = False
) -> bool:
    """Whether what goes by this name here is a secret. ``firm``: nobody writes prose like that."""
    if is_nothing(value, quoted=quoted) or (
        pair.option and value.strip("[]").upper() in pair.name.upper().replace("-", "_") and value.isupper()
    ):
        return False
    if line and is_nothing(line):
        return False
    if (
        pair.kind < Kind.PASSWORD
        and not pair.option
        and value.isidentifier()
        and pair.name.lower().endswith(value.lower())
    ):
        return False  # token = token
    if pair.kind is Kind.PASSWORD:
        return (
            not (is_number(value) and len(value) < 4 and pair.name.lower().endswith(("passwords", "pass")))
            and not (pair.name.lower() == "pwd" and is_path(value))
            and not (pair.name.lower() == "pw" and is_number(value))
            and not (pair.found[4].isspace() and not pair.option and not env and not quoted)
        )
    if is_path(value) or (
        is_address(value) and not pair.name.lower().replace("_", "").endswith(("webhookurl", "webhook"))
    ):
        return False
    numeric = is_number(value) and not (len(value) > 20)
    if pair.kind is Kind.SECRET:
        if numeric and not (env and len(value) >= 6):
            return False
        alone = pair.name.lower() in ("token", "key", "bearer", "cookie", "pat", "sas")
        if env or pair.option or (firm and not alone):
            return not (line and len(_PROSE.findall(line)) >= 3)
        return (
            looks_secret(value)
            or (quoted and looks_mixed(value))
            or (pair.quoted and len(value) >= 8 and not value.islower())
            or bool(_KEY_LIKE.fullmatch(value))
        )
    if _SERVER.fullmatch(value):
        return False
    if env:
        if value.isdigit() or numeric:
            return pair.name.upper().endswith("PIN") and value.isdigit() and len(value) >= 4
        if pair.name in ("PASS", "KEY", "SESSION"):
            return looks_secret(value) or (
                len(value) >= 6 and not re.fullmatch(r"[A-Za-z]+(?:[_-]?[A-Za-z0-9]+)*", value)
            )
        return True
    if _plain(pair.name).endswith("pin") and re.fullmatch(r"\d{4,8}", value):
        return True
    return looks_secret(value)


def _items(text: str, start: int) -> Iterator[Span]:
    """Values of a list in quotes."""
    while opened := value_ends.opening(text, start):
        end = value_ends.quoted_end(text, opened)
        if not is_nothing(text[opened.end() : min(end, opened.end() + LOOKED_AT)], quoted=True):
            yield opened.end(), end
        more = _ITEM.match(text, end + len(opened[1]))
        if not more or "," not in more.group():
            return
        start = more.end()


def _block(text: str, pair: _Pair, start: int) -> Iterator[Span]:
    """Lines of a block scalar: those that are indented further than its name."""
    near = max(0, pair.found.start() - LOOKED_AT)
    before = text[max(near, text.rfind("\n", near, pair.found.start()) + 1) : pair.found.start()]
    indent = len(before) - len(before.lstrip(" \t-"))
    end = first = start
    while start < len(text):
        stop = text.find("\n", start)
        stop = len(text) if stop < 0 else stop
        line = text[start:stop]
        if line.strip() and len(line) - len(line.lstrip(" \t")) <= indent:
            break
        if line.strip():
            if end == first:
                first = start + len(line) - len(line.lstrip(" \t"))
            end = start + len(line.rstrip())
        start = stop + 1
    if end > first and not is_nothing(text[first : min(end, first + LOOKED_AT)]):
        yield first, end


_SCHEME = re.compile(
    r"(?:basic|bearer|digest|token|negotiate|ntlm|apikey|api-key|sharedkey(?:lite)?\s+[\w-]+(?=:):|ssws|aws4-hmac-sha256|hmac|key|genie-?key|bot"
    r"|oauth|splunk|sharedaccesssignature|bot\w*|[A-Z][\w-]{2,30})(?:[ \t]+|(?<=:))(?=\S)",
    re.IGNORECASE,
)


def _authorization(text: str, start: int) -> Iterator[Span]:
    """All behind the scheme, to the end of the quote or the line."""
    opened = value_ends.opening(text, start)
    begin = opened.end() if opened else start
    inside = "" if opened else value_ends.inside_of(text, start)
    near = _rest(text, begin, inside, LOOKED_AT) if not opened else min(len(text), begin + LOOKED_AT)
    scheme = _SCHEME.match(text, begin, near)
    if not scheme and not looks_secret(text[begin:near].split("\n", 1)[0].split(opened[1] if opened else "\n", 1)[0]):
        return
    begin = scheme.end() if scheme else begin
    value = text[begin:near].rstrip("\\")
    if (
        is_nothing(value)
        or len(value) < 6
        or (value.isalpha() and value.islower())
        or (" " in value and not re.search(r"[=\d]", value))
    ):
        return
    end = value_ends.quoted_end(text, opened) if opened else _rest(text, begin, inside, None)
    yield begin, begin + len(text[begin:end].rstrip("\\ \t"))


_LINE = re.compile(r"[^\r\n]*+")
_BRACKET = re.compile(r"[\]\"'](?=[\s,}\])]|$)")


def _rest(text: str, start: int, inside: str, longest: int | None) -> int:
    """The end of a header's value: at the quote in which it stands, at a bracket that closes it, or with its line."""
    found = _LINE.match(text, start, len(text) if longest is None else start + longest)
    end = found.end() if found else start
    if inside and (quote := text.find(inside, start, end)) >= 0:
        return quote
    bracket = _BRACKET.search(text, start, end)
    return bracket.start() if bracket else end


_LONGEST_COOKIE = 8192
_COOKIE = re.compile(r"([^\s=;,\"']{1,100})=([^;\s\"']{1,8192}+)")
_ATTRIBUTE = frozenset(
    ["path", "domain", "expires", "max-age", "samesite", "version", "priority", "comment", "httponly", "secure"]
)


def _cookies(text: str, pair: _Pair, name: str) -> Iterator[Span]:
    """The values of cookies; what a Set-Cookie says of them stays."""
    opened = value_ends.opening(text, pair.value)
    if opened:
        begin, end = opened.end(), value_ends.quoted_end(text, opened)
    else:
        begin = pair.value
        line = _LINE.match(text, begin, begin + _LONGEST_COOKIE)
        end = line.end() if line else begin
        if (inside := value_ends.inside_of(text, pair.found.start())) and (quote := text.find(inside, begin, end)) >= 0:
            end = quote
    some = False
    for found in _COOKIE.finditer(text, begin, end):
        if found[1].lower() in _ATTRIBUTE:
            continue
        some = True
        if not is_nothing(found[2]):
            yield found.span(2)
            if name.startswith("setcookie"):
                return
    if not some and _accepted(
        pair, text[begin : min(end, begin + LOOKED_AT)], env=bool(_ENV.fullmatch(pair.name)), firm=False
    ):
        yield begin, end
