"""The neutral card as a Slack message: Block Kit with every limit of Slack kept.

Literal text stays literal. Slack's mrkdwn has no escape for ``*_~``` and ``:emoji:``, so it is used only where a text
cannot be misread; everything else becomes ``rich_text``, which interprets nothing.

Slack answers ``msg_blocks_too_long`` at about 13,200 characters over all blocks, by a count it does not publish; the
whole JSON of the blocks is kept under :data:`ROOM`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from cards.card import (
    Actions,
    Block,
    Bullets,
    Button,
    Card,
    Code,
    Facts,
    Footer,
    Heading,
    How,
    Link,
    Menu,
    Picture,
    Progress,
    Rendered,
    Table,
    Words,
)
from cards.click import Click, fill
from cards.grid import fit, monospaced
from cards.limits import Omitted, arrange, clean, clean_line, cut, cut_lines, isolate, pack, size, units, web_address
from cards.slack_form import decode_submission, render_form
from cards.words import Clock, Run, cut_runs, progress, runs, said, title

__all__ = ["decode_click", "decode_submission", "render", "render_form"]

BLOCKS = 50
ROOM = 12_000
"""Units of JSON for all blocks of a message."""
SUMMARY = 1_000
TEXT, FIELD, FIELDS = 3_000, 2_000, 10
BUTTON_TEXT, BUTTON_VALUE, URL, ID = 75, 2_000, 3_000, 255
ELEMENTS = 25
OPTIONS, OPTION_TEXT, OPTION_VALUE = 100, 75, 75
PLACEHOLDER = 150
ALT = 2_000
TABLE_ROWS, TABLE_COLUMNS, TABLE_TEXT = 100, 20, 10_000
NARROW = 6
"""Columns of a table that still read well in Slack's message width."""
TITLE, PARAGRAPH, LABEL, FOOTER, NOTE = 1_000, 3_000, 300, 1_200, 600

Json = dict[str, object]


def render(card: Card, pictures: Mapping[str, str] = {}) -> Rendered:
    """``{"text", "blocks"}`` for chat.postMessage and chat.update. ``pictures`` maps a picture's key to a file id."""
    return _Message(card, pictures).render()


def decode_click(action: Mapping[str, object]) -> Click | None:
    """The command of one entry of block_actions ``actions``; None for a link, or for what no card of ours sends."""
    try:
        kind, _, packed = str(action["action_id"]).partition(":")
        if kind == "run":
            data = json.loads(str(action["value"]))
            return Click(str(data["c"]), _how(data["h"]))
        if kind == "menu":
            data = json.loads(packed.partition(":")[2])
            option = cast("Mapping[str, object]", action["selected_option"])
            return Click(fill(str(data["c"]), str(json.loads(str(option["value"])))), _how(data["h"]))
    except (KeyError, TypeError, ValueError):
        pass
    return None


def _how(value: object) -> How:
    if value not in ("edit", "post", "form"):
        raise ValueError(value)
    return value


class _Message:
    """One message in the making."""

    def __init__(self, card: Card, pictures: Mapping[str, str]) -> None:
        self.card = card
        self.files = pictures
        self.clock = Clock(card)
        self.omitted = Omitted()
        self.waiting: list[Picture] = []
        self.actions = 0
        self.table_drawn = False

    def render(self) -> Rendered:
        headline, lost = cut_runs(title(self.card, self.clock), TITLE)
        self.omitted.add("character of the title", lost)
        first = _paragraph([run._replace(style="bold") if run.style == "plain" else run for run in headline])
        blocks = list(self.card.blocks)
        small: list[Footer] = []
        while blocks and isinstance(blocks[-1], Footer):
            small.insert(0, cast("Footer", blocks.pop()))
        last = self._small_print(small)
        room = ROOM - size(first) - size(last) - 2 * NOTE - 200
        middle = arrange(blocks, self._draw, room, BLOCKS - 2)
        for text in (self.clock.as_of(), self.omitted.note(NOTE)):
            last += [*([Run(" · ")] if last else []), Run(text)] if text else []
        summary = cut(clean_line(said(headline)) or "–", SUMMARY)
        return Rendered(
            {"text": _entities(summary), "blocks": [first, *middle, *([_context(last)] if last else [])]},
            summary,
            tuple(self.waiting),
            self.omitted.phrases(),
        )

    def _small_print(self, footers: Sequence[Footer]) -> list[Run]:
        words: list[Run] = []
        for footer in footers:
            if more := runs(footer.text, self.clock):
                words += [*([Run(" · ")] if words else []), *more]
        words, lost = cut_runs(words, FOOTER)
        self.omitted.add("character of small print", lost)
        return words

    def _draw(self, block: Block, room: int, slots: int) -> list[Json]:  # noqa: PLR0911
        match block:
            case Words(text):
                return self._words(runs(text, self.clock, lines=True), room, slots)
            case Heading(text):
                words = isolate(clean_line(text))
                return self._words([Run(words, "bold")] if words else [], room, slots)
            case Progress():
                return self._words(progress(block), room, slots)
            case Footer(text):
                return self._words(runs(text, self.clock), room, slots, small=True)
            case Facts():
                return self._facts(block, room, slots)
            case Bullets():
                return self._bullets(block, room, slots)
            case Table():
                return self._table(block, room, slots)
            case Code():
                return self._code(block, room, slots)
            case Picture():
                return self._picture(block, room, slots)
            case Actions():
                return self._actions(block, room, slots)

    def _words(self, words: list[Run], room: int, slots: int, *, small: bool = False) -> list[Json]:
        if not said(words).strip():
            return []
        if slots < 1 or room < 300:
            self.omitted.add("paragraph", names=[said(words)])
            return []
        limit = FOOTER if small else PARAGRAPH
        while True:
            short, lost = cut_runs(words, limit)
            block = _context(short) if small else _paragraph(short)
            if size(block) <= room:
                self.omitted.add("character of text", lost)
                return [block]
            if limit < 60:
                self.omitted.add("paragraph", names=[said(words)])
                return []
            limit //= 2

    def _facts(self, facts: Facts, room: int, slots: int) -> list[Json]:
        items = []
        for fact in facts.items:
            label, value = cut(isolate(clean_line(fact.label)), LABEL), runs(fact.value, self.clock, lines=True)
            if not label and not said(value).strip():
                continue
            short, lost = cut_runs(value, FIELD - 2 * LABEL)
            self.omitted.add("character of text", lost)
            items.append((label or "–", short if said(short).strip() else [Run("–")]))
        kept = len(items)
        while kept:
            blocks = _facts(items[:kept])
            if len(blocks) <= slots and sum(size(block) + 1 for block in blocks) <= room:
                break
            kept = kept * 3 // 4
        self.omitted.add("fact", len(items) - kept, [label for label, _ in items[kept:]])
        return blocks if kept else []

    def _bullets(self, bullets: Bullets, room: int, slots: int) -> list[Json]:
        items = []
        for item in bullets.items:
            words, lost = cut_runs(runs(item, self.clock), PARAGRAPH)
            self.omitted.add("character of text", lost)
            if said(words).strip():
                items.append({"type": "rich_text_section", "elements": _rich(words)})
        room -= 100
        kept = 0
        while kept < len(items) and slots and (need := size(items[kept]) + 1) <= room:
            room -= need
            kept += 1
        self.omitted.add("list item", len(items) - kept)
        return [_rich_text({"type": "rich_text_list", "style": "bullet", "elements": items[:kept]})] if kept else []

    def _table(self, table: Table, room: int, slots: int) -> list[Json]:
        grid = fit(table, self.clock, self.omitted, columns=NARROW, most=TABLE_COLUMNS)
        if not grid.columns:
            self.omitted.add("row", len(table.rows))
            return []
        if self.table_drawn:  # one table a message: the next ones are drawn in a fixed width
            lines = monospaced(grid)
            text, lost = cut_lines("\n".join(lines), min(room - 150, 6_000), "head") if room > 400 else ("", 0)
            if slots and text and size(block := _preformatted(text)) <= room:
                self.omitted.add("row", lost)
                return [block]
            self.omitted.add("table", names=grid.names[:1])
            return []
        head = [_cell([Run(name)]) for name in grid.names]
        settings = [
            {"align": column.align, "is_wrapped": any(units(said(row[index])) > 40 for row in grid.rows)}
            for index, column in enumerate(grid.columns)
        ]
        room -= size(head) + size(settings) + 60
        letters = TABLE_TEXT - sum(units(name) for name in grid.names)
        if room < 0 or not slots:
            self.omitted.add("table", names=grid.names[:1])
            return []
        rows: list[object] = [head]
        for row in grid.rows[: TABLE_ROWS - 1]:
            cells = [_cell(cell) for cell in row]
            room -= size(cells) + 1
            letters -= sum(units(said(cell)) for cell in row)
            if room < 0 or letters < 0:
                break
            rows.append(cells)
        self.omitted.add("row", len(grid.rows) - len(rows) + 1)
        self.table_drawn = True
        return [{"type": "table", "column_settings": settings, "rows": rows}]

    def _code(self, code: Code, room: int, slots: int) -> list[Json]:
        text = clean(code.text).expandtabs(4).strip("\n")
        if not text.strip():
            return []
        if not slots or room < 300:
            self.omitted.add("code block")
            return []
        limit = room - 120
        while size(block := _preformatted((cutting := cut_lines(text, limit, code.keep))[0])) > room:
            limit = limit * 4 // 5  # line ends and quotes take two characters of JSON
        self.omitted.add("line", cutting[1])
        return [block]

    def _picture(self, picture: Picture, room: int, slots: int) -> list[Json]:
        file = self.files.get(picture.key)
        alt = isolate(clean_line(picture.alt)) or "picture"
        name = isolate(clean_line(picture.title))
        if not file:
            self.waiting.append(picture)
            words = f"{name}: the picture follows · {alt}" if name else f"The picture follows · {alt}"
            return self._words([Run(words, "muted")], room, slots, small=True)
        block: Json = {"type": "image", "slack_file": {"id": file}, "alt_text": cut(alt, ALT)}
        if name:
            block["title"] = _plain(name, ALT)
        if not slots or size(block) > room:
            self.omitted.add("picture", names=[name or alt])
            return []
        self.omitted.add("character of a picture's description", max(units(alt) - ALT, 0) + max(units(name) - ALT, 0))
        return [block]

    def _actions(self, actions: Actions, room: int, slots: int) -> list[Json]:
        elements: list[Json] = []
        for action in actions.items:
            element = self._element(action)
            label = action.label if isinstance(action, Menu) else action.text
            if element is None or (need := size(element) + 45) > room or len(elements) >= ELEMENTS * slots:
                self.omitted.add(type(action).__name__.lower(), names=[label])
                continue
            elements.append(element)
            room -= need
        return [
            {"type": "actions", "elements": elements[start : start + ELEMENTS]}
            for start in range(0, len(elements), ELEMENTS)
        ]

    def _element(self, action: Button | Link | Menu) -> Json | None:
        """The action as an element, or None when Slack cannot carry it."""
        self.actions += 1
        match action:
            case Button():
                value = pack({"c": action.command, "h": action.how})
                if units(value) > BUTTON_VALUE:
                    return None
                button: Json = {
                    "type": "button",
                    "action_id": f"run:{self.actions}",
                    "text": _plain(isolate(clean_line(action.text or action.command)), BUTTON_TEXT),
                    "value": value,
                }
                if action.style == "danger":
                    button["style"] = "danger"
                elif action.current or action.style == "primary":
                    button["style"] = "primary"
                return button
            case Link():
                if not web_address(action.url, URL):
                    return None
                return {
                    "type": "button",
                    "action_id": f"link:{self.actions}",
                    "text": _plain(isolate(clean_line(action.text or action.url)), BUTTON_TEXT),
                    "url": action.url,
                }
            case Menu():
                return self._menu(action)

    def _menu(self, menu: Menu) -> Json | None:
        action_id = f"menu:{self.actions}:{pack({'c': menu.command, 'h': menu.how})}"
        if units(action_id) > ID:
            return None
        options: dict[str, Json] = {}
        for option in menu.options:
            value = pack(option.value)
            if units(value) <= OPTION_VALUE and value not in options and len(options) < OPTIONS:
                text = isolate(clean_line(option.text or option.value))
                options[value] = {"text": _plain(text, OPTION_TEXT), "value": value}
        self.omitted.add("menu choice", len(menu.options) - len(options))
        if not options:
            return None
        return {
            "type": "static_select",
            "action_id": action_id,
            "placeholder": _plain(isolate(clean_line(menu.label)), PLACEHOLDER),
            "options": list(options.values()),
        }


def _plain(text: str, limit: int) -> Json:
    """A plain_text object; ``text`` is clean."""
    return {"type": "plain_text", "text": cut(text, limit) or "–", "emoji": False}


def _paragraph(words: list[Run]) -> Json:
    text = _mrkdwn(words)
    if text is None or units(text) > TEXT:
        return _rich_text({"type": "rich_text_section", "elements": _rich(words)})
    return {"type": "section", "text": _verbatim(text)}


def _context(words: list[Run]) -> Json:
    text = _mrkdwn(words)
    if text is None or units(text) > TEXT:
        return {"type": "context", "elements": [_plain(said(words), TEXT)]}
    return {"type": "context", "elements": [_verbatim(text)]}


def _verbatim(text: str) -> Json:
    """A mrkdwn object in which Slack makes no links of its own."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _facts(items: list[tuple[str, list[Run]]]) -> list[Json]:
    """Two columns of fields, or one of rich text where a value could be misread as markup."""
    fields = []
    for label, value in items:
        text = _field(label, value)
        if text is None or units(text) > FIELD:
            return [_rich_facts(items)]
        fields.append(_verbatim(text))
    return [{"type": "section", "fields": fields[start : start + FIELDS]} for start in range(0, len(fields), FIELDS)]


def _field(label: str, value: list[Run]) -> str | None:
    head = _mrkdwn([Run(label, "bold")])
    body = _mrkdwn(value) or _mrkdwn([Run(said(value).strip(), "code")])
    return f"{head}\n{body}" if head and body else None


def _rich_facts(items: list[tuple[str, list[Run]]]) -> Json:
    elements: list[Json] = []
    for label, value in items:
        elements += _rich([*([Run("\n")] if elements else []), Run(label, "bold"), Run("  "), *value])
    return _rich_text({"type": "rich_text_section", "elements": elements})


def _rich_text(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": list(elements)}


def _merged(words: list[Run]) -> list[Run]:
    """Neighbours that look the same on Slack become one run."""
    found: list[Run] = []
    for run in words:
        style = run.style if run.style in _WRAP else "plain"
        if found and found[-1].style == style:
            found[-1] = Run(found[-1].text + run.text, style)
        else:
            found.append(Run(run.text, style))
    return found


def _rich(words: list[Run]) -> list[Json]:
    elements: list[Json] = []
    for run in _merged(words):
        element: Json = {"type": "text", "text": run.text}
        if run.style in _WRAP:
            element["style"] = {run.style: True}
        elements.append(element)
    return elements


def _preformatted(text: str) -> Json:
    return _rich_text({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]})


def _cell(words: list[Run]) -> Json:
    if any(run.style in _WRAP for run in words):
        return _rich_text({"type": "rich_text_section", "elements": _rich(words)})
    return {"type": "raw_text", "text": said(words)}


_MARKUP = re.compile(
    r"(?<![^\W_])[*_~]|[*_~](?![^\W_])"  # a mark at the edge of a word; inside one Slack leaves it alone
    r"|`|^>|:(?!\d\d:)[\w+'-]+:",
    re.MULTILINE,
)
_WRAP = {"bold": "*", "italic": "_", "code": "`"}


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mrkdwn(words: list[Run]) -> str | None:
    """The runs as mrkdwn, or None where Slack could read more or less into it than was meant."""
    words = _merged(words)
    parts: list[str] = []
    whole = said(words)
    place = 0
    for run in words:
        start, place = place, place + len(run.text)
        wrap = _WRAP.get(run.style)
        inner = run.text.strip()
        if wrap is None or not inner:
            parts.append(_entities(run.text))
            continue
        before = whole[:start] + run.text[: len(run.text) - len(run.text.lstrip())]
        after = run.text[len(run.text.rstrip()) :] + whole[place:]
        if "\n" in inner or (before and not before[-1].isspace()) or (after and not after[0].isspace()):
            return None
        if wrap == "`" and "`" in inner:
            return None
        lead, trail = run.text.partition(inner)[::2]
        parts.append(f"{lead}{wrap}{_entities(inner)}{wrap}{trail}")
    literal = "".join(" " * len(run.text) if run.style == "code" else run.text for run in words)
    return None if _MARKUP.search(literal) else "".join(parts)
