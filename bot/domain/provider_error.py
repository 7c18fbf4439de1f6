"""What lies at the bottom of an error that carries another one: the code that says what is wrong.

Batch asks other services of Azure for machines, networks and rights. Where one refuses, the error of the pool is a
general one (``AllocationFailed``), and the refusal is a JSON document in one of its values (``ProviderErrorJson``):
whole, cut at some length, with documents in its strings, or with several refusals. What is not JSON is left alone.

Source: "Azure Batch pool and node errors", the part about allocation failures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from msgspec import Struct

Named: TypeAlias = tuple[str, str]
"""What sort of thing refused, and its name: ("policy", "Only small machines")."""

_DEEPEST = 24
"""Documents and levels that are opened; what lies below them is not looked at."""
_LONGEST = 65_536
"""Characters that are read of one value."""
_MANY = 8
"""Refusals that are told apart."""
_BEGINS = re.compile(r"[{\[]\s*\\*[\"{\[]")
_HALF_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?$")
_LOOSE_CODE = re.compile(r"\\*\"code\\*\"\s*:\s*\\*\"(?P<code>[A-Za-z][\w.-]*)", re.IGNORECASE)
_POLICY = re.compile(
    r"\\*\"policy(?P<of>SetDefinition|Definition|Assignment)\\*\"\s*:\s*{\s*\\*\"name\\*\"\s*:\s*\\*\"(?P<name>[^\"\\]+)"
)
_WRAPPERS = frozenset(
    (
        "deploymentfailed",
        "invalidtemplatedeployment",
        "multipleerrorsoccurred",
        "resourcedeploymentfailure",
        "vmextensionprovisioningerror",
    )
)
"""Codes that say only that something below them failed: without that they say nothing."""


class ProviderError(Struct, frozen=True):
    """An error of the service that refused: its code and words, and what it names as the reason (a policy, a lock)."""

    code: str
    message: str = ""
    names: tuple[Named, ...] = ()

    @property
    def words(self) -> str:
        """The message, what refused first: whoever has to lift it needs its name, however much is cut off behind."""
        named = ", ".join(f"{sort} “{name}”" for sort, name in self.names)
        return ": ".join(filter(None, (named, self.message)))


def innermost(texts: Iterable[str]) -> tuple[ProviderError, ...]:
    """The errors at the bottom of what an error of the service carries, in their order; none where none is wrapped.

    ``texts`` are its message and the values of its details. Never raises.
    """
    found: dict[tuple[str, str], ProviderError] = {}
    for text in texts:
        for each in _in_text(text[:_LONGEST], _DEEPEST):
            found.setdefault((each.code.lower(), each.message), each)
    telling = [each for each in found.values() if each.code.lower() not in _WRAPPERS]
    return tuple((telling or list(found.values()))[:_MANY])


def _in_text(text: str, depth: int) -> Iterator[ProviderError]:
    """The errors at the bottom of a text that is JSON, or ends with it."""
    begin = _BEGINS.search(text)
    if begin is None or depth <= 0:
        return
    document = text[begin.start() :]
    parsed = _parsed(document)
    if parsed is None and '\\"' in document:  # a string of JSON that lost its quotes
        parsed = _parsed(document.replace('\\"', '"').replace("\\\\", "\\"))
    if parsed is None:
        yield from (ProviderError(each["code"]) for each in list(_LOOSE_CODE.finditer(document))[-1:])
        return
    yield from _in_value(parsed, depth - 1)


def _in_value(value: Any, depth: int) -> Iterator[ProviderError]:
    if depth <= 0:
        return
    if isinstance(value, str):
        yield from _in_text(value, depth)
    elif isinstance(value, list):
        for each in value:
            yield from _in_value(each, depth - 1)
    elif isinstance(value, dict):
        yield from _in_object(value, depth)


def _in_object(value: dict[str, Any], depth: int) -> Iterator[ProviderError]:
    known = {name.lower(): each for name, each in value.items()}
    code, message = known.get("code"), known.get("message")
    below = [
        error
        for name, each in value.items()
        if name.lower() != "additionalinfo"
        for error in _in_value(each, depth - 1)
    ]
    if not (isinstance(code, str) and code):
        yield from below
        return
    telling = [error for error in below if error.code.lower() not in _WRAPPERS]
    if telling:
        yield from telling
        return
    words = message if isinstance(message, str) else ""
    yield from (below if below and code.lower() in _WRAPPERS else [ProviderError(code, words, _names(known, words))])


def _names(error: dict[str, Any], message: str) -> tuple[Named, ...]:
    """The policies that forbid it: of the details where they stand there, else of the message, which quotes them."""
    found: dict[Named, None] = {}
    more = error.get("additionalinfo")
    for each in more if isinstance(more, list) else ():
        info = each.get("info") if isinstance(each, dict) else None
        for name in ("policyAssignmentDisplayName", "policyDefinitionDisplayName", "policyAssignmentName"):
            said = info.get(name) if isinstance(info, dict) else None
            if isinstance(said, str) and said:
                found["policy", said] = None
                break
    if not found:
        quoted = {each["of"]: each["name"] for each in reversed(list(_POLICY.finditer(message)))}
        for of in ("Assignment", "SetDefinition", "Definition"):
            if of in quoted:
                found["policy", quoted[of]] = None
                break
    return tuple(found)


def _parsed(text: str) -> Any:
    """A document that is whole, or was cut off somewhere; None for anything else."""
    for candidate in (text, *_mended(text)):
        try:
            return json.JSONDecoder(strict=False).raw_decode(candidate)[0]
        except (ValueError, RecursionError):
            continue
    return None


def _mended(text: str) -> Iterator[str]:
    """A cut document with everything closed that is open: at its end, after its last value, before its last member."""
    open_: list[str] = []
    quoted = escaped = False
    commas: list[tuple[int, str]] = []
    for place, sign in enumerate(text):
        if quoted:
            quoted = escaped or sign != '"'
            escaped = not escaped and sign == "\\"
        elif sign == '"':
            quoted = True
        elif sign in "{[":
            if len(open_) > 4 * _DEEPEST:
                return
            open_.append("}" if sign == "{" else "]")
        elif sign in "}]" and open_:
            open_.pop()
        elif sign == ",":
            commas.append((place, "".join(reversed(open_))))
    closing = "".join(reversed(open_))
    end = _HALF_ESCAPE.sub(r"\1", text) + '"' if quoted else text.rstrip()
    yield end + closing
    yield end + ":null" + closing
    yield end + "null" + closing
    for place, left in commas[:-3:-1]:
        yield text[:place] + left
