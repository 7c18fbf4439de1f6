"""The neutral card as a Slack message: Block Kit with every limit of Slack kept.

Slack answers ``msg_blocks_too_long`` at about 13,200 characters over all blocks, by a count it does not publish; the
whole JSON of the blocks is kept under :data:`ROOM`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from cards.as_lines import every_column
from cards.card import (
    Actions,
    Attachment,
    Block,
    Bullets,
    Button,
    Card,
    Code,
    Facts,
    Fold,
    Footer,
    Heading,
    How,
    Link,
    Mark,
    Menu,
    Picture,
    Progress,
    Rendered,
    Table,
    Words,
)
from cards.click import MORE, Click, asking, fill, in_sight
from cards.render_text import Clock, Run, attachment, cut_runs, progress, runs, said, title
from cards.slack.chart import native_block
from cards.slack.limits import (
    ALT,
    BLOCKS,
    BUTTON_TEXT,
    BUTTON_VALUE,
    CHARTS,
    ELEMENTS,
    FIELD,
    FIELDS,
    FIXED_WIDTH,
    FOOTER,
    ID,
    LABEL,
    NARROW,
    NOTE,
    OPTION_TEXT,
    OPTION_VALUE,
    OPTIONS,
    PARAGRAPH,
    PLACEHOLDER,
    ROOM,
    SUMMARY,
    TABLE_COLUMNS,
    TITLE,
    URL,
)
from cards.slack.table import drawn
from cards.slack.text import (
    TEXT,
    Json,
    context,
    entities,
    mrkdwn,
    paragraph,
    plain,
    preformatted,
    rich,
    rich_text,
    verbatim,
)
from cards.table_fit import columns_of, fit, monospaced
from cards.text_fit import Omitted, arrange, clean, clean_line, cut, cut_lines, isolate, pack, size, units, web_address


def render(card: Card, pictures: Mapping[str, str] = {}, *, modern: bool = False) -> Rendered:
    """``{"text", "blocks"}`` for chat.postMessage and chat.update.

    ``pictures`` maps a picture's key to a file id, or to an address by https from which Slack can fetch it.

    With ``modern`` small charts are Slack's own, where their pictures allow it. Attachments are always still to be
    delivered: into the message's thread, which needs the message first.

    Where a card does not fit, its facts stand below each other instead of in two columns, which takes half the room.
    """
    message = _Message(card, pictures, modern=modern)
    rendered = message.render()
    if not message.crowded or not any(isinstance(block, Facts) for block in _unfolded(card.blocks)):
        return rendered
    narrow = _Message(card, pictures, modern=modern, narrow=True)
    closer = narrow.render()
    return closer if narrow.crowded < message.crowded else rendered


def decode_click(action: Mapping[str, object]) -> Click | None:
    """The command of one entry of block_actions ``actions``; None for a link, or for what no card of ours sends."""
    try:
        kind, _, packed = str(action["action_id"]).partition(":")
        if kind == "run":
            data = json.loads(str(action["value"]))
            return Click(str(data["c"]), _how(data["h"]))
        if kind == "more":
            option = cast("Mapping[str, object]", action["selected_option"])
            how, _, command = str(option["value"]).partition(" ")
            return Click(command, _how(_HOWS[how]))
        if kind == "menu":
            data = json.loads(packed.partition(":")[2])
            option = cast("Mapping[str, object]", action["selected_option"])
            return Click(fill(str(data["c"]), str(json.loads(str(option["value"])))), _how(data["h"]))
    except (KeyError, TypeError, ValueError):
        pass
    return None


_HOWS: dict[str, How] = {"e": "edit", "p": "post", "f": "form"}
"""The first letter of what a choice of the menu "More" does, of whose value every unit counts."""


def _how(value: object) -> How:
    if value not in ("edit", "post", "form"):
        raise ValueError(value)
    return value


_EMOJI = {Mark.FAILED: ("✖", "❌"), Mark.WARNING: ("▲", "⚠️")}
"""The symbols of what is failed or critical, and of a warning, and the emoji of the same shape, which Slack colours."""


def _coloured(headline: list[Run]) -> list[Run]:
    """A title whose first symbol has a colour, where it says that something is wrong."""
    first = headline[0]
    if first.mark not in _EMOJI:
        return headline
    symbol, emoji = _EMOJI[first.mark]
    return [first._replace(text=first.text.replace(symbol, emoji, 1)), *headline[1:]]


def _unfolded(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks with what is folded among them, where it is opened or no button can open it, and a button back."""
    for block in blocks:
        if not isinstance(block, Fold):
            yield block
            continue
        carried = bool(block.command) and units(pack({"c": block.command, "h": "edit"})) <= BUTTON_VALUE
        if carried and not block.opened:
            yield block
            continue
        yield from block.blocks
        if carried:
            yield Actions((Button("Less", block.command, how="edit"),))


_CROWDED_OUT = ("fact", "paragraph", "list item", "row", "table", "code block", "line", "picture", "button", "menu")
"""What is left out for want of room, in the words of :class:`Omitted`."""


class _Message:
    """One message in the making."""

    def __init__(self, card: Card, pictures: Mapping[str, str], *, modern: bool, narrow: bool = False) -> None:
        self.card = card
        self.modern = modern
        self.narrow = narrow
        self.charts = 0
        self.files = pictures
        self.clock = Clock(card)
        self.omitted = Omitted()
        self.waiting: list[Picture] = []
        self.attached: list[Attachment] = []
        self.actions = 0
        self.table_drawn = False

    @property
    def crowded(self) -> int:
        """How much went for want of room."""
        return self.omitted.lacking(*_CROWDED_OUT)

    def render(self) -> Rendered:
        headline, lost = cut_runs(_coloured(title(self.card, self.clock)), TITLE)
        self.omitted.add("character of the title", lost)
        first = paragraph([run._replace(style="bold") if run.style == "plain" else run for run in headline])
        blocks = list(_unfolded(self.card.blocks))
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
            {"text": entities(summary), "blocks": [first, *middle, *([context(last)] if last else [])]},
            summary,
            tuple(self.waiting),
            self.omitted.phrases(),
            tuple(self.attached),
            bool(self.charts),
        )

    def _small_print(self, footers: Sequence[Footer]) -> list[Run]:
        words: list[Run] = []
        for footer in footers:
            if more := runs(footer.text, self.clock):
                words += [*([Run(" · ")] if words else []), *more]
        words, lost = cut_runs(words, FOOTER)
        self.omitted.add("character of small print", lost)
        return words

    def _draw(self, block: Block, room: int, slots: int) -> list[Json]:  # noqa: PLR0911 - one for each kind of block
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
            case Attachment():
                self.attached.append(block)
                where = Run(" · in the thread", "muted")
                return self._words([*attachment(block), where], room, slots, small=True)
            case Actions():
                return self._actions(block, room, slots)
            case Fold(title, _, command):
                return self._actions(Actions((Button(title, command, how="edit"),)), room, slots)

    def _words(self, words: list[Run], room: int, slots: int, *, small: bool = False) -> list[Json]:
        if not said(words).strip():
            return []
        if slots < 1 or room < 300:
            self.omitted.add("paragraph", names=[said(words)])
            return []
        limit = FOOTER if small else PARAGRAPH
        while True:
            short, lost = cut_runs(words, limit)
            block = context(short) if small else paragraph(short)
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
            name, value = isolate(clean_line(fact.label)), runs(fact.value, self.clock, lines=True)
            self.omitted.add("character of labels", units(name) - LABEL)
            label = cut(name, LABEL)
            if not label and not said(value).strip():
                continue
            short, lost = cut_runs(value, FIELD - 2 * LABEL)
            self.omitted.add("character of text", lost)
            items.append((label or "–", short if said(short).strip() else [Run("–")]))
        kept = len(items)
        while kept:
            blocks = (_facts_below if self.narrow else _facts)(items[:kept])
            if len(blocks) <= slots and sum(size(block) + 1 for block in blocks) <= room:
                break
            kept = kept * 3 // 4
        self.omitted.add("fact", len(items) - kept, [label for label, _ in items[kept:]])
        return blocks if kept else []

    def _bullets(self, bullets: Bullets, room: int, slots: int) -> list[Json]:
        items: list[list[Json]] = []
        for item in bullets.items:
            words, lost = cut_runs(runs(item, self.clock), PARAGRAPH)
            self.omitted.add("character of text", lost)
            if said(words).strip():
                items.append(rich(words))
        sections: list[Json] = [{"type": "rich_text_section", "elements": each} for each in items]
        room -= 100
        kept = 0
        while kept < len(items) and slots and (need := size(sections[kept]) + 1) <= room:
            room -= need
            kept += 1
        self.omitted.add("list item", len(items) - kept)
        if not kept:
            return []
        if bullets.dots:
            return [rich_text({"type": "rich_text_list", "style": "bullet", "elements": sections[:kept]})]
        lines = items[0]
        for each in items[1:kept]:
            lines = [*lines, {"type": "text", "text": "\n"}, *each]
        return [rich_text({"type": "rich_text_section", "elements": lines})]

    def _table(self, table: Table, room: int, slots: int) -> list[Json]:
        if self.table_drawn:  # one table a message: the next ones are drawn in a fixed width, or as a list
            return self._monospaced(table, room, slots)
        blocks, lost, names = drawn(table, self.clock, self.omitted, room if slots else 0)
        if blocks or not names:
            self.omitted.add("row", lost)
        else:
            self.omitted.add("table", names=names[:1])
        self.table_drawn = bool(blocks)
        return blocks

    def _monospaced(self, table: Table, room: int, slots: int) -> list[Json]:
        tried = monospaced(fit(table, self.clock, Omitted(), columns=TABLE_COLUMNS, most=TABLE_COLUMNS))
        if max(map(columns_of, tried), default=0) > FIXED_WIDTH:
            return self._bullets(every_column(table), room, slots)
        grid = fit(table, self.clock, self.omitted, columns=NARROW, most=TABLE_COLUMNS)
        if not grid.columns:
            self.omitted.add("row", len(table.rows))
            return []
        lines = monospaced(grid)
        text, lost = cut_lines("\n".join(lines), min(room - 150, 6_000), "head") if room > 400 else ("", 0)
        if slots and text and size(block := preformatted(text)) <= room:
            self.omitted.add("row", lost)
            return [block]
        self.omitted.add("table", names=grid.names[:1])
        return []

    def _code(self, code: Code, room: int, slots: int) -> list[Json]:
        text = clean(code.text).expandtabs(4).strip("\n")
        if not text.strip():
            return []
        if not slots or room < 300:
            self.omitted.add("code block")
            return []
        limit = room - 120
        while size(block := preformatted((cutting := cut_lines(text, limit, code.keep))[0])) > room:
            limit = limit * 4 // 5  # line ends and quotes take two characters of JSON
        self.omitted.add("line", cutting[1])
        return [block]

    def _chart(self, picture: Picture, room: int, slots: int) -> list[Json]:
        """The picture's chart as Slack draws it, with what it cannot say below; nothing where it must be a picture."""
        found = native_block(picture) if self.modern and self.charts < CHARTS and slots > 1 else None
        if found is None:
            return []
        below = context([Run(isolate(" · ".join(found[1].below)), "muted")]) if found[1].below else None
        blocks = [found[0], *([below] if below else [])]
        if sum(size(block) + 1 for block in blocks) > room:
            return []
        self.charts += 1
        return blocks

    def _picture(self, picture: Picture, room: int, slots: int) -> list[Json]:
        if drawn := self._chart(picture, room, slots):
            return drawn
        file = self.files.get(picture.key)
        alt = isolate(clean_line(picture.alt)) or "picture"
        name = isolate(clean_line(picture.title))
        if not file:
            self.waiting.append(picture)
            words = f"{name}: the picture follows · {alt}" if name else f"The picture follows · {alt}"
            return self._words([Run(words, "muted")], room, slots, small=True)
        at: Json = {"image_url": file} if web_address(file, URL) else {"slack_file": {"id": file}}
        block: Json = {"type": "image", **at, "alt_text": cut(alt, ALT)}
        if name:
            block["title"] = plain(name, ALT)
        if not slots or size(block) > room:
            self.omitted.add("picture", names=[name or alt])
            return []
        for words in (alt, name):
            self.omitted.add("character of a picture's description", units(words) - ALT)
        return [block]

    def _actions(self, actions: Actions, room: int, slots: int) -> list[Json]:
        elements: list[Json] = []
        shown, rest = in_sight(actions, _is_short)
        carried = [button for button in rest if self._option(button)]
        more = self._more(carried) if len(carried) > 1 else None
        if more and size(more) + 45 <= room:
            room -= size(more) + 45
        else:
            more, carried = None, []
        for action in (*shown, *(button for button in rest if button not in carried)):
            made = self._made(action, room)
            if not made or len(elements) + len(made) > ELEMENTS * slots:
                label = action.label if isinstance(action, Menu) else action.text
                self.omitted.add(type(action).__name__.lower(), names=[label])
                continue
            elements += made
            room -= sum(size(element) + 45 for element in made)
        elements += [more] if more else []
        return [
            {"type": "actions", "elements": elements[start : start + ELEMENTS]}
            for start in range(0, len(elements), ELEMENTS)
        ]

    def _option(self, button: Button) -> Json | None:
        """A button as a choice of the menu "More", None where its command is too long for one."""
        if not _is_short(button):
            return None
        text = clean_line(button.text) or button.command
        return {"text": self._label(text, OPTION_TEXT), "value": _choice(button)}

    def _more(self, buttons: Sequence[Button]) -> Json:
        self.actions += 1
        options = {str(option["value"]): option for button in buttons[:OPTIONS] if (option := self._option(button))}
        return {
            "type": "static_select",
            "action_id": f"more:{self.actions}",
            "placeholder": plain(MORE, PLACEHOLDER),
            "options": list(options.values()),
        }

    def _made(self, action: Button | Link | Menu, room: int) -> list[Json]:
        """The action as elements that fit; a menu of names that Slack cannot carry all is, or has, a button to ask."""
        found = [element for element in (self._element(action),) if element and size(element) + 45 <= room]
        if isinstance(action, Menu) and action.asks and not (found and _holds(found[0], action)):
            room -= sum(size(element) + 45 for element in found)
            button = self._element(asking(action))
            found += [button] if button and size(button) + 45 <= room else []
        return found

    def _label(self, text: str, limit: int) -> Json:
        words = isolate(clean_line(text))
        self.omitted.add("character of labels", units(words) - limit)
        return plain(words, limit)

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
                    "text": self._label(clean_line(action.text) or action.command, BUTTON_TEXT),
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
                    "text": self._label(clean_line(action.text) or action.url, BUTTON_TEXT),
                    "url": action.url,
                }
            case Menu():
                return self._menu(action)

    def _menu(self, menu: Menu) -> Json | None:
        action_id = f"menu:{self.actions}:{pack({'c': menu.command, 'h': menu.how})}"
        if units(action_id) > ID or (menu.asks and len(menu.options) > OPTIONS):
            return None
        options: dict[str, Json] = {}
        for option in menu.options:
            value = pack(option.value)
            if units(value) <= OPTION_VALUE and value not in options and len(options) < OPTIONS:
                options[value] = {
                    "text": self._label(clean_line(option.text) or option.value, OPTION_TEXT),
                    "value": value,
                }
        self.omitted.add("menu choice", 0 if menu.asks else len(menu.options) - len(options))
        if not options:
            return None
        return {
            "type": "static_select",
            "action_id": action_id,
            "placeholder": self._label(menu.label, PLACEHOLDER),
            "options": list(options.values()),
        }


def _choice(button: Button) -> str:
    """What a choice of the menu "More" carries."""
    return f"{button.how[0]} {button.command}"


def _is_short(button: Button) -> bool:
    """Whether a button can be a choice of the menu "More"."""
    return units(_choice(button)) <= OPTION_VALUE


def _holds(element: Json, menu: Menu) -> bool:
    """Whether a select has every option of its menu."""
    return len(cast("list[Json]", element["options"])) == len({option.value for option in menu.options})


def _facts(items: list[tuple[str, list[Run]]]) -> list[Json]:
    """Two columns of fields, or one of rich text where a value could be misread as markup."""
    fields = []
    for label, value in items:
        text = _field(label, value)
        if text is None or units(text) > FIELD:
            return [_rich_facts(items)]
        fields.append(verbatim(text))
    return [{"type": "section", "fields": fields[start : start + FIELDS]} for start in range(0, len(fields), FIELDS)]


def _facts_below(items: list[tuple[str, list[Run]]]) -> list[Json]:
    """One column of lines, which takes half the room; rich text where a value could be misread as markup."""
    blocks: list[Json] = []
    lines: list[str] = []

    def flush() -> None:
        if lines:
            blocks.append({"type": "section", "text": verbatim("\n".join(lines))})
            lines.clear()

    for label, value in items:
        text = (_field(label, value) or "").replace("\n", "  ", 1)
        if not text or units(text) > TEXT:
            flush()
            blocks.append(_rich_facts([(label, value)]))
            continue
        if units("\n".join([*lines, text])) > TEXT:
            flush()
        lines.append(text)
    flush()
    return blocks


def _field(label: str, value: list[Run]) -> str | None:
    head = mrkdwn([Run(label, "bold")])
    body = mrkdwn(value) or mrkdwn([Run(said(value).strip(), "code")])
    return f"{head}\n{body}" if head and body else None


def _rich_facts(items: list[tuple[str, list[Run]]]) -> Json:
    elements: list[Json] = []
    for label, value in items:
        elements += rich([*([Run("\n")] if elements else []), Run(label, "bold"), Run("  "), *value])
    return rich_text({"type": "rich_text_section", "elements": elements})
