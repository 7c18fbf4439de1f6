"""Runs of text as Slack objects in which literal text stays literal.

Slack's mrkdwn has no escape for ``*_~``` and ``:emoji:``, so it is used only where a text cannot be misread; everything
else becomes ``rich_text``, which interprets nothing.
"""

from __future__ import annotations

import re

from cards.render_text import Run, said, unbroken
from cards.text_fit import cut, units

TEXT = 3_000
"""Units of a text object in a section or context."""

STYLES = {"bold": "*", "italic": "_", "code": "`"}
"""The styles that Slack draws, and their marks in mrkdwn."""

_WHO = re.compile(r"slack:([UWS][A-Z0-9]{2,20})")
"""Whom Slack can mention: users (U…, W…) and user groups (S…)."""

Json = dict[str, object]


_MARKUP = re.compile(
    r"(?<![^\W_])[*_~]|[*_~](?![^\W_])"  # a mark at the edge of a word; inside one Slack leaves it alone
    r"|`|^>|:(?!\d\d:)[\w+'-]+:",
    re.MULTILINE,
)


def plain(text: str, limit: int) -> Json:
    """A plain_text object; ``text`` is clean."""
    return {"type": "plain_text", "text": cut(text, limit) or "–", "emoji": False}


def paragraph(words: list[Run]) -> Json:
    """A section, or rich text where mrkdwn could be misread or is too long."""
    text = mrkdwn(words)
    if text is None or units(text) > TEXT:
        return rich_text({"type": "rich_text_section", "elements": rich(words)})
    return {"type": "section", "text": verbatim(text)}


def context(words: list[Run]) -> Json:
    """Small print; without styles where mrkdwn could be misread."""
    text = mrkdwn(words)
    if text is None or units(text) > TEXT:
        return {"type": "context", "elements": [plain(said([unbroken(run) for run in words]), TEXT)]}
    return {"type": "context", "elements": [verbatim(text)]}


def verbatim(text: str) -> Json:
    """A mrkdwn object in which Slack makes no links of its own."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def rich_text(*elements: Json) -> Json:
    """A block of rich text."""
    return {"type": "rich_text", "elements": list(elements)}


def _merged(words: list[Run]) -> list[Run]:
    """Neighbours that are shown the same on Slack become one run."""
    found: list[Run] = []
    for run in map(unbroken, words):
        style = run.style if run.style in STYLES else "plain"
        if user(run):
            found.append(run)
        elif found and found[-1].style == style and not user(found[-1]):
            found[-1] = Run(found[-1].text + run.text, style)
        else:
            found.append(Run(run.text, style))
    return found


def user(run: Run) -> str:
    """The id of the Slack user or user group that a run mentions; empty where it mentions none, or none of Slack's."""
    found = _WHO.fullmatch(run.who) if run.who else None
    return found[1] if found else ""


def rich(words: list[Run]) -> list[Json]:
    """Runs as elements of a rich text section."""
    elements: list[Json] = []
    for run in _merged(words):
        if who := user(run):
            kind = "usergroup" if who.startswith("S") else "user"
            elements.append({"type": kind, f"{kind}_id": who})
            continue
        element: Json = {"type": "text", "text": run.text}
        if run.style in STYLES:
            element["style"] = {run.style: True}
        elements.append(element)
    return elements


def preformatted(text: str) -> Json:
    """Verbatim text in a fixed width."""
    return rich_text({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]})


def entities(text: str) -> str:
    """Text with the three characters escaped that Slack reads everywhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(words: list[Run]) -> str | None:
    """The runs as mrkdwn, or None where Slack could read more or less into it than was intended."""
    words = _merged(words)
    parts: list[str] = []
    whole = said(words)
    index = 0
    for run in words:
        start, index = index, index + len(run.text)
        if who := user(run):
            parts.append(f"<!subteam^{who}>" if who.startswith("S") else f"<@{who}>")
            continue
        wrap = STYLES.get(run.style)
        inner = run.text.strip()
        if wrap is None or not inner:
            parts.append(entities(run.text))
            continue
        before = whole[:start] + run.text[: len(run.text) - len(run.text.lstrip())]
        after = run.text[len(run.text.rstrip()) :] + whole[index:]
        if "\n" in inner or (before and not before[-1].isspace()) or (after and not after[0].isspace()):
            return None
        if wrap == "`" and "`" in inner:
            return None
        lead, trail = run.text.partition(inner)[::2]
        parts.append(f"{lead}{wrap}{entities(inner)}{wrap}{trail}")
    literal = "".join(" " * len(run.text) if run.style == "code" or user(run) else run.text for run in words)
    return None if _MARKUP.search(literal) else "".join(parts)
