"""Little checks that rules are made of; each says what is wrong and where, in the manner of Slack's answers.

A check takes a value, its JSON pointer and the :class:`Findings`, and adds to the findings whatever is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit


class Findings:
    """What is wrong with a payload. ``file_ready`` answers whether a ``slack_file`` may be shown as an image now."""

    def __init__(self, file_ready: Callable[[Mapping[str, object]], bool] = lambda file: False) -> None:
        self.words: list[str] = []
        self.file_ready = file_ready

    def add(self, words: str, pointer: str) -> None:
        """Note one mistake."""
        self.words.append(f"{words} [json-pointer:{pointer}]")


Check: TypeAlias = Callable[[Any, str, Findings], None]
Fields: TypeAlias = Mapping[str, Check]


def anything(value: object, at: str, findings: Findings) -> None:
    """Accept every value."""


def flag(value: object, at: str, findings: Findings) -> None:
    """True or false."""
    if not isinstance(value, bool):
        findings.add("must provide a boolean", at)


def number(value: object, at: str, findings: Findings) -> None:
    """A number, whole or not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        findings.add("must provide a number", at)


def whole(low: int, high: int) -> Check:
    """A whole number from ``low`` to ``high``."""

    def check(value: object, at: str, findings: Findings) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            findings.add("must provide an integer", at)
        elif not low <= value <= high:
            findings.add(f"must be a number from {low} to {high}", at)

    return check


def string(most: int | None = None, least: int = 1) -> Check:
    """A string of ``least`` to ``most`` characters."""

    def check(value: object, at: str, findings: Findings) -> None:
        if not isinstance(value, str):
            findings.add("must provide a string", at)
        elif most is not None and len(value) > most:
            findings.add(f"must be less than {most + 1} characters", at)
        elif len(value) < least:
            findings.add(f"must be more than {least - 1} characters", at)

    return check


def one_of(*values: object) -> Check:
    """Exactly one of these values."""

    def check(value: object, at: str, findings: Findings) -> None:
        if value not in values:
            findings.add("must be one of: " + ", ".join(map(str, values)), at)

    return check


def url(most: int, *schemes: str) -> Check:
    """An absolute address, by default of the web."""
    length, allowed = string(most), schemes or ("http", "https")

    def check(value: object, at: str, findings: Findings) -> None:
        length(value, at, findings)
        if isinstance(value, str) and value:
            parts = urlsplit(value)
            if parts.scheme not in allowed or (parts.scheme in {"http", "https"} and not parts.hostname):
                findings.add("must provide a valid URL", at)

    return check


def many(item: Check, most: int, least: int = 1) -> Check:
    """An array of ``least`` to ``most`` items."""

    def check(value: object, at: str, findings: Findings) -> None:
        if not isinstance(value, list):
            findings.add("must provide an array", at)
            return
        if len(value) > most:
            findings.add(f"no more than {most} items allowed", at)
        elif len(value) < least:
            findings.add(f"no fewer than {least} items allowed", at)
        for index, each in enumerate(value):
            item(each, f"{at}/{index}", findings)

    return check


def shape(required: Fields, optional: Fields | None = None, *also: Check) -> Check:
    """An object with these keys and no others; ``also`` look at it as a whole when it is sound by itself."""
    known = {**required, **(optional or {})}

    def check(value: object, at: str, findings: Findings) -> None:
        if not isinstance(value, dict):
            findings.add("must provide an object", at)
            return
        before = len(findings.words)
        for key in required:
            if value.get(key) is None:
                findings.add(f"missing required field: {key}", at)
        for key, each in value.items():
            if key not in known:
                findings.add(f"invalid additional property: {key}", at)
            elif each is not None:
                known[key](each, f"{at}/{key}", findings)
        if len(findings.words) == before:
            for whole_check in also:
                whole_check(value, at, findings)

    return check


def typed(table: Mapping[str, Check]) -> Check:
    """An object whose ``type`` says which check applies."""

    def check(value: object, at: str, findings: Findings) -> None:
        if not isinstance(value, dict):
            findings.add("must provide an object", at)
        elif not isinstance(kind := value.get("type"), str):
            findings.add("missing required field: type", at)
        elif kind not in table:
            findings.add(f"unsupported type: {kind}", f"{at}/type")
        else:
            table[kind](value, at, findings)

    return check


def exactly_one(*keys: str) -> Check:
    """Of these keys one and only one is there."""

    def check(value: Mapping[str, object], at: str, findings: Findings) -> None:
        if sum(value.get(key) is not None for key in keys) != 1:
            findings.add("must provide exactly one of: " + ", ".join(keys), at)

    return check


def at_least_one(*keys: str) -> Check:
    """Of these keys one or more is there."""

    def check(value: Mapping[str, object], at: str, findings: Findings) -> None:
        if not any(value.get(key) for key in keys):
            findings.add("must provide one of: " + ", ".join(keys), at)

    return check


def text(most: int, *kinds: str) -> Check:
    """A text object, by default of either kind."""
    forms: dict[str, Check] = {
        "plain_text": shape({"type": anything, "text": string(most)}, {"emoji": flag}),
        "mrkdwn": shape({"type": anything, "text": string(most)}, {"verbatim": flag}),
    }
    return typed({kind: forms[kind] for kind in kinds or forms})


def plain(most: int) -> Check:
    """A plain_text object."""
    return text(most, "plain_text")
