"""The neutral card as an Adaptive Card 1.5 for Teams, with every limit of Teams kept.

Text is drawn as TextRuns, which know no markdown, so literal text stays literal and states keep their colour; that is
why facts are rows of two columns and not a FactSet. Tables are rows of columns too: :mod:`cards.teams.table`.

A menu is a compact choice beside a "Go" button: Teams sends a bot a choice only when a button is pressed, a ShowCard
would hide the choice behind one more click, and an overflow of buttons has no room for a page of names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

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
    Link,
    Menu,
    Picture,
    Progress,
    Rendered,
    Table,
    Words,
)
from cards.click import Click, asking, fill, in_sight
from cards.render_text import Clock, Run, attachment, cut_runs, progress, runs, said, title
from cards.teams.chart import native_element
from cards.teams.limits import (
    ACTION_TEXT,
    ALT,
    COMMAND,
    ELEMENTS,
    FEW,
    FOOTER,
    LABEL,
    LABEL_LEAST,
    LABEL_MOST,
    LAST,
    NOTE,
    OPTION_TEXT,
    OPTION_VALUE,
    OPTIONS,
    PARAGRAPH,
    PRIMARY,
    ROOM,
    SUMMARY,
    TITLE,
    URL,
)
from cards.teams.mentions import mentioning, of_teams
from cards.teams.seal import Seal, with_seal
from cards.teams.table import drawn
from cards.teams.text import Json, defused, rich, safe, small_print
from cards.text_fit import Omitted, arrange, clean, clean_line, cut, cut_lines, isolate, pack, size, units, web_address


def render(
    card: Card,
    pictures: Mapping[str, str] = {},
    files: Mapping[str, str] = {},
    *,
    modern: bool = False,
    seal: Seal | None = None,
) -> Rendered:
    """The Adaptive Card. ``pictures`` maps a picture's key and ``files`` an attachment's name to its https address.

    With ``modern`` small charts are Teams' own, where their pictures allow it, with the picture as their fallback.
    ``seal`` makes the seal that goes with each button.
    """
    return _Message(card, pictures, files, modern=modern, seal=seal).render()


def decode_click(data: Mapping[str, object]) -> Click | None:
    """The command of an action's ``data`` (Action.Execute, Action.Submit or task/fetch).

    None for what no card of ours sends, and for a menu in which nothing was chosen.
    """
    try:
        command, how = data["c"], data["h"]
        if not isinstance(command, str) or how not in ("edit", "post", "form"):
            return None
        if menu := data.get("m"):
            command = fill(command, str(json.loads(str(data[str(menu)]))))
    except (KeyError, TypeError, ValueError):
        return None
    return Click(command, how)


class _Message:
    """One card in the making."""

    def __init__(
        self,
        card: Card,
        pictures: Mapping[str, str],
        files: Mapping[str, str],
        *,
        modern: bool,
        seal: Seal | None,
    ) -> None:
        self.card = card
        self.modern = modern
        self.seal = seal
        self.charts = 0
        self.addresses = pictures
        self.files = files
        self.clock = Clock(card)
        self.omitted = Omitted()
        self.waiting: list[Picture] = []
        self.attached: list[Attachment] = []
        self.mentioned: list[Json] = []
        self.menus = 0
        self.folds = 0

    def render(self) -> Rendered:
        headline, lost = cut_runs(title(self.card, self.clock), TITLE)
        self.omitted.add("character of the title", lost)
        summary = cut(clean_line(said(headline)) or "–", SUMMARY)
        shell: Json = {
            "type": "AdaptiveCard",
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "version": "1.5",
            "msteams": {"width": "Full"},
            "fallbackText": summary,
        }
        first = rich(headline, size="Medium", weight="Bolder")
        room = ROOM - size(shell) - size(first) - NOTE - 300
        middle = arrange(self.card.blocks, self._draw, room, ELEMENTS)
        last = [text for text in (self.clock.as_of(), self.omitted.note(NOTE)) if text]
        if last:
            middle.append(small_print([Run(" · ".join(last))]))
        if self.mentioned:
            shell["msteams"] = {"width": "Full", "entities": self.mentioned}
        return Rendered(
            defused(shell | {"body": [first, *middle]}),
            safe(summary),
            tuple(self.waiting),
            self.omitted.phrases(),
            tuple(self.attached),
            bool(self.charts),
        )

    def _draw(self, block: Block, room: int, slots: int) -> list[Json]:  # noqa: PLR0911, PLR0912 - one for each kind of block
        if slots < 1:
            return self._drop(block)
        match block:
            case Words(text):
                return self._words(runs(text, self.clock, lines=True), room)
            case Heading(text):
                return self._heading(isolate(clean_line(text)), room)
            case Progress():
                return self._words(progress(block), room)
            case Footer(text):
                return self._words(runs(text, self.clock), room, small=True)
            case Facts():
                return self._facts(block, room, slots)
            case Bullets():
                return self._bullets(block, room, slots)
            case Table():
                return self._table(block, room)
            case Code():
                return self._code(block, room)
            case Picture():
                return self._picture(block, room)
            case Attachment():
                return self._attachment(block, room)
            case Actions():
                return self._actions(block, room, slots)
            case Fold():
                return self._fold(block, room)

    def _drop(self, block: Block) -> list[Json]:
        self.omitted.add("block", names=[type(block).__name__.lower()])
        return []

    def _words(self, words: list[Run], room: int, *, small: bool = False) -> list[Json]:
        if not said(words).strip():
            return []
        limit = FOOTER if small else PARAGRAPH
        while limit > 60:
            short, lost = cut_runs(words, limit)
            people: list[Json] = list(self.mentioned)
            block = small_print(short) if small else mentioning(short, people) if of_teams(short) else rich(short)
            if size(block) + (size({"entities": people}) if people != self.mentioned else 0) < room:
                self.mentioned = people
                self.omitted.add("character of text", lost)
                return [block]
            limit //= 2
        self.omitted.add("paragraph", names=[said(words)])
        return []

    def _heading(self, words: str, room: int) -> list[Json]:
        short, lost = cut_runs([Run(words)], LABEL)
        block = rich(short, weight="Bolder") | {"spacing": "Large"}
        if not words or size(block) >= room:
            self.omitted.add("heading", bool(words), [words])
            return []
        self.omitted.add("character of text", lost)
        return [block]

    def _facts(self, facts: Facts, room: int, slots: int) -> list[Json]:
        items = [(isolate(clean_line(fact.label)), runs(fact.value, self.clock, lines=True)) for fact in facts.items]
        items = [(label, value) for label, value in items if label or said(value).strip()]
        found: list[Json] = []
        longest = max((units(label) for label, _ in items), default=0)
        beside = f"{min(max(longest, LABEL_LEAST), LABEL_MOST) * 8}px"
        for label, value in items:
            name, less = cut_runs([Run(label or "–", "muted")], LABEL)
            words, lost = cut_runs(value if said(value).strip() else [Run("–")], PARAGRAPH)
            columns = [
                {"type": "Column", "width": width, "items": [rich(text)]}
                for width, text in ((beside, name), ("stretch", words))
            ]
            fact: Json = {"type": "ColumnSet", "columns": columns, "spacing": "Small" if found else "Default"}
            room -= size(fact) + 1
            if room < 0 or len(found) >= slots:
                break
            found.append(fact)
            self.omitted.add("character of text", less + lost)
        self.omitted.add("fact", len(items) - len(found), [label for label, _ in items[len(found) :]])
        return found

    def _bullets(self, bullets: Bullets, room: int, slots: int) -> list[Json]:
        found: list[Json] = []
        lost_items = 0
        for item in bullets.items:
            words, lost = cut_runs(runs(item, self.clock), PARAGRAPH)
            if not said(words).strip():
                continue
            block = rich([Run("• "), *words] if bullets.dots else words) | {"spacing": "Small"}
            if lost_items or len(found) >= slots or (need := size(block) + 1) > room:
                lost_items += 1
                continue
            self.omitted.add("character of text", lost)
            found.append(block)
            room -= need
        self.omitted.add("list item", lost_items)
        return found

    def _table(self, table: Table, room: int) -> list[Json]:
        elements, lost, names = drawn(table, self.clock, self.omitted, room)
        if elements or not names:
            self.omitted.add("row", lost)
        else:
            self.omitted.add("table", names=names[:1])
        return elements

    def _code(self, code: Code, room: int) -> list[Json]:
        text = clean(code.text).expandtabs(4).strip("\n")
        if not text.strip():
            return []
        if room < 600:
            self.omitted.add("code block")
            return []
        limit = max(room - (900 if code.keep == "tail" else 300), 300) // 2
        while size(blocks := self._code_blocks((cutting := cut_lines(text, limit, code.keep))[0], code.keep)) > room:
            limit = limit * 4 // 5  # ends: a block of little more than its shell fits into what was asked for above
        self.omitted.add("line", cutting[1])
        return blocks

    def _code_blocks(self, text: str, keep: str) -> list[Json]:
        """The text; where its end matters, its last lines in sight and those before them behind a button: Teams shows
        the beginning of a long text, and no card can scroll it."""
        lines = text.split("\n")
        before = len(lines) - LAST
        if keep != "tail" or before < FEW:
            return [_code_block(text)]
        earlier = _code_block("\n".join(lines[:before]))
        return [
            *self._unfolding(f"Earlier: {before} lines", [earlier]),
            _code_block("\n".join(lines[before:]), before + 1),
        ]

    def _picture(self, picture: Picture, room: int) -> list[Json]:
        address = self.addresses.get(picture.key, "")
        alt = isolate(clean_line(picture.alt)) or "picture"
        name = isolate(clean_line(picture.title))
        if not web_address(address, URL):
            self.waiting.append(picture)
            words = f"{name}: picture · {alt}" if name else f"Picture · {alt}"
            return self._words([Run(words, "muted")], room, small=True)
        image: Json = {
            "type": "Image",
            "url": address,
            "altText": cut(alt, ALT),
            "size": "Stretch",
            "msteams": {"allowExpand": True},
        }
        if drawn := self._chart(picture, image, room):
            return drawn
        found = [rich([Run(cut(name, LABEL))], weight="Bolder"), image] if name else [image]
        if sum(size(block) + 1 for block in found) > room:
            self.omitted.add("picture", names=[name or alt])
            return []
        for words, limit in ((alt, ALT), (name, LABEL)):
            self.omitted.add("character of a picture's description", units(words) - limit)
        return found

    def _chart(self, picture: Picture, image: Json, room: int) -> list[Json]:
        """The picture's chart as Teams draws it, with what it cannot say below; nothing where it must be a picture."""
        found = native_element(picture, image) if self.modern else None
        if found is None:
            return []
        words = isolate(" · ".join(found[1].below))
        blocks = [found[0], *([small_print([Run(words)])] if words else [])]
        if sum(size(block) + 1 for block in blocks) > room:
            return []
        self.charts += 1
        return blocks

    def _attachment(self, block: Attachment, room: int) -> list[Json]:
        address = self.files.get(block.name, "")
        words = attachment(block)
        if not web_address(address, URL):
            self.attached.append(block)
            return self._words([*words, Run(" · cannot be fetched from here", "muted")], room)
        link = {"type": "Action.OpenUrl", "title": self._label(said(words), ACTION_TEXT), "url": address}
        found: Json = {"type": "ActionSet", "actions": [link]}
        if size(found) >= room:
            self.omitted.add("file", names=[block.name])
            return []
        return [found]

    def _fold(self, fold: Fold, room: int) -> list[Json]:
        """A container that a button shows and hides: two buttons, each of which hides itself and shows the other."""
        titles = self._label(fold.title, ACTION_TEXT)
        room -= size(self._unfolding(titles, [])) + 20
        items = arrange(fold.blocks, self._draw, room, ELEMENTS // 2) if room > 0 else []
        if not items:
            self.omitted.add("block", bool(fold.blocks), [fold.title])
            return []
        return self._unfolding(titles, items, opened=fold.opened)

    def _unfolding(self, title: str, items: list[Json], *, opened: bool = False) -> list[Json]:
        self.folds += 1
        name = f"fold{self.folds}"
        targets = [name, f"{name}more", f"{name}less"]
        buttons: list[Json] = [
            {
                "type": "ActionSet",
                "id": f"{name}{which}",
                "isVisible": (which == "less") is opened,
                "actions": [{"type": "Action.ToggleVisibility", "title": words, "targetElements": targets}],
            }
            for which, words in (("more", title), ("less", "Less"))
        ]
        box: Json = {"type": "Container", "id": name, "isVisible": opened, "items": items}
        return [buttons[0], box, buttons[1]]

    def _actions(self, actions: Actions, room: int, slots: int) -> list[Json]:
        buttons: list[Json] = []
        menus: list[Json] = []
        room -= 60
        shown, rest = in_sight(actions)
        most = min(PRIMARY, sum(not isinstance(each, Menu) for each in shown)) if rest else PRIMARY
        for action in (*shown, *rest):
            element = self._menu(action) if isinstance(action, Menu) else self._button(action)
            if isinstance(action, Menu) and action.asks and (element is None or size(element) >= room):
                action = asking(action)  # noqa: PLW2901 - too many names to choose from: its form asks for one
                element = self._button(action)
            if element is not None and not isinstance(action, Menu) and len(buttons) >= most:
                element["mode"] = "secondary"
            if element is None or (need := size(element) + 1) > room or len(menus) + 1 >= slots:
                label = action.label if isinstance(action, Menu) else action.text
                self.omitted.add(type(action).__name__.lower(), names=[label])
                continue
            room -= need
            (menus if isinstance(action, Menu) else buttons).append(element)
        row: list[Json] = [{"type": "ActionSet", "actions": buttons}] if buttons else []
        return row + menus

    def _button(self, action: Button | Link) -> Json | None:
        """The action, or None when Teams cannot carry it."""
        if isinstance(action, Link):
            if not web_address(action.url, URL):
                return None
            return {
                "type": "Action.OpenUrl",
                "title": self._label(clean_line(action.text) or action.url, ACTION_TEXT),
                "url": action.url,
            }
        if not _portable(action.command):
            return None
        text = self._label(clean_line(action.text) or action.command, ACTION_TEXT)
        style: Json = {}
        if action.style == "danger":
            style["style"] = "destructive"
        elif action.current or action.style == "primary":
            style["style"] = "positive"
        return _run(text, with_seal({"c": action.command, "h": action.how}, self.seal), inputs=False, **style)

    def _label(self, text: str, limit: int) -> str:
        words = isolate(clean_line(text))
        self.omitted.add("character of labels", units(words) - limit)
        return cut(words, limit) or "–"

    def _menu(self, menu: Menu) -> Json | None:
        if menu.asks and len(menu.options) > OPTIONS:
            return None
        choices: dict[str, Json] = {}
        for option in menu.options:
            value = pack(option.value)
            if units(value) <= OPTION_VALUE and value not in choices and len(choices) < OPTIONS:
                choices[value] = {
                    "title": self._label(clean_line(option.text) or option.value, OPTION_TEXT),
                    "value": value,
                }
        self.omitted.add("menu choice", len(menu.options) - len(choices))
        if not choices or not _portable(menu.command):
            return None
        self.menus += 1
        name = f"menu{self.menus}"
        label = self._label(menu.label, ACTION_TEXT)
        choice: Json = {
            "type": "Input.ChoiceSet",
            "id": name,
            "style": "compact",
            "label": label,
            "placeholder": "Choose",
            "choices": list(choices.values()),
        }
        go = _run("Go", with_seal({"c": menu.command, "h": menu.how, "m": name}, self.seal), tooltip=label)
        return {
            "type": "ColumnSet",
            "columns": [
                {"type": "Column", "width": "stretch", "items": [choice]},
                {
                    "type": "Column",
                    "width": "auto",
                    "verticalContentAlignment": "Bottom",
                    "items": [{"type": "ActionSet", "actions": [go]}],
                },
            ],
        }


def _code_block(text: str, first: int = 1) -> Json:
    """A CodeBlock, with a plain rendering for clients that do not know it (phones)."""
    lines = re.sub(" {2}|^ ", lambda spaces: "\u00a0" * len(spaces[0]), text, flags=re.MULTILINE)
    fallback = rich([Run(lines, "code")], size="Small")
    start = {"startLineNumber": first} if first > 1 else {}
    return {"type": "CodeBlock", "codeSnippet": text, "language": "PlainText", **start, "fallback": fallback}


def _run(text: str, data: Json, *, inputs: bool = True, **style: object) -> Json:
    """An action that sends ``data``; older clients send the same by Action.Submit."""
    common = {"title": text, "data": data, **({} if inputs else {"associatedInputs": "None"}), **style}
    if data["h"] == "form":  # dialogs are opened by task/fetch, which only Action.Submit can send
        return {"type": "Action.Submit", **common, "data": {"msteams": {"type": "task/fetch"}, **data}}
    return {"type": "Action.Execute", "verb": "run", **common, "fallback": {"type": "Action.Submit", **common}}


def _portable(command: str) -> bool:
    """Whether a command can travel: short enough, and without lone surrogates, which UTF-8 cannot hold."""
    try:
        return len(command.encode()) <= COMMAND
    except UnicodeEncodeError:
        return False
