"""The neutral card for a terminal: aligned columns, numbered choices, colour on request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypedDict

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
from cards.click import asking, fill
from cards.render_text import Clock, Run, attachment, cut_runs, progress, runs, said, title
from cards.table_fit import Grid, columns_of, fit, keep, pad
from cards.text_fit import Omitted, clean, clean_line, isolate

SUMMARY, PARAGRAPH = 1_000, 4_000
OPTIONS = 100
"""Names of a menu that people still read through; with more of them it asks for one."""


class Choice(TypedDict):
    """What a number in the text stands for."""

    label: str
    command: str
    how: How


def render(
    card: Card,
    pictures: Mapping[str, str] = {},
    files: Mapping[str, str] = {},
    *,
    width: int = 100,
    colour: bool = False,
    first: int = 1,
) -> Rendered:
    """``{"text", "actions"}``: the card in ``width`` columns, and its choices in the order of the numbers shown.

    ``pictures`` maps a picture's key, ``files`` an attachment's name to a file path; ``colour`` adds ANSI colours;
    choices are numbered from ``first`` on. A terminal scrolls: only columns of tables that do not fit beside the others
    are left out, and the end of paragraphs over 4,000 characters.
    """
    return _Page(card, pictures, files, max(width, 20), colour, first).render()


_ANSI_MARK = {
    Mark.RUNNING: "32",
    Mark.DONE: "32",
    Mark.CHANGING: "36",
    Mark.FAILED: "31",
    Mark.WARNING: "33",
    Mark.STOPPED: "90",
    Mark.IDLE: "90",
}
_ANSI_STYLE = {"bold": "1", "italic": "3", "muted": "90", "code": "36"}


class _Page:
    """One answer in the making."""

    def __init__(
        self, card: Card, pictures: Mapping[str, str], files: Mapping[str, str], width: int, colour: bool, first: int
    ) -> None:
        self.card = card
        self.first = first
        self.paths = pictures
        self.files = files
        self.width = width
        self.colour = colour
        self.clock = Clock(card)
        self.omitted = Omitted()
        self.choices: list[Choice] = []
        self.waiting: list[Picture] = []
        self.attached: list[Attachment] = []

    def render(self) -> Rendered:
        headline = title(self.card, self.clock)
        parts = [self._wrap([run._replace(style="bold") if run.style == "plain" else run for run in headline])]
        before: Block | None = None
        for block in self.card.blocks:
            lines = self._draw(block)
            if isinstance(block, Progress) and isinstance(before, Progress):
                parts[-1] += lines
            else:
                parts.append(lines)
            before = block
        if last := " · ".join(text for text in (self.clock.as_of(), self.omitted.note()) if text):
            parts.append(self._wrap([Run(last, "muted")]))
        text = "\n\n".join("\n".join(lines) for lines in parts if lines)
        summary = clean_line(said(headline)) or "–"
        return Rendered(
            {"text": text, "actions": self.choices},
            summary if len(summary) <= SUMMARY else summary[: SUMMARY - 1] + "…",
            tuple(self.waiting),
            self.omitted.phrases(),
            tuple(self.attached),
        )

    def _draw(self, block: Block) -> list[str]:  # noqa: PLR0911 - one for each kind of block
        match block:
            case Words(text):
                return self._wrap(self._cut(runs(text, self.clock, lines=True)))
            case Heading(text):
                return self._wrap([Run(isolate(clean_line(text)), "bold")])
            case Progress():
                return self._wrap(progress(block))
            case Footer(text):
                return self._wrap([run._replace(style="muted") for run in runs(text, self.clock)])
            case Facts():
                return self._facts(block)
            case Bullets(items, dots):
                dot = "• " if dots else ""
                return [line for item in items for line in self._wrap(self._cut(runs(item, self.clock)), dot)]
            case Table():
                return self._table(block)
            case Code():
                text = clean(block.text).expandtabs(4).strip("\n")
                return [f"  {line}".rstrip() for line in text.split("\n")] if text.strip() else []
            case Picture():
                return self._picture(block)
            case Attachment():
                return self._attachment(block)
            case Actions():
                return self._actions(block)
            case Fold():
                parts = [lines for each in block.blocks if (lines := self._draw(each))]
                titled = bool(parts) and not any(isinstance(each, Heading) for each in block.blocks)
                return [
                    *(self._wrap([Run(isolate(clean_line(block.title)), "bold")]) if titled else []),
                    *(line for index, lines in enumerate(parts) for line in (*([""] if index else []), *lines)),
                ]

    def _cut(self, words: list[Run]) -> list[Run]:
        words, lost = cut_runs(words, PARAGRAPH)
        self.omitted.add("character of text", lost)
        return words

    def _paint(self, text: str, run: Run) -> str:
        if not self.colour or not text.strip():
            return text
        code = _ANSI_MARK.get(run.mark) if run.mark else _ANSI_STYLE.get(run.style)
        return f"\x1b[{code}m{text}\x1b[0m" if code else text

    def _wrap(self, words: list[Run], lead: str = "", indent: int | None = None) -> list[str]:
        """The runs in lines of at most the width, the first after ``lead``, the others indented as far."""
        if not said(words).strip():
            return []
        indent = columns_of(lead) if indent is None else indent
        lines: list[str] = []
        line, used, empty = lead, columns_of(lead), True

        def flush() -> None:
            nonlocal line, used, empty
            lines.append(line.rstrip())
            line, used, empty = " " * indent, indent, True

        for run in words:
            for number, part in enumerate(run.text.split("\n")):
                if number:
                    flush()
                for word in _words(part):
                    for piece in _pieces(word, self.width - indent):
                        shown = piece.rstrip()
                        need = columns_of(shown)
                        if used + need > self.width and not empty:
                            flush()
                        if empty and lines and not shown:
                            continue
                        line += self._paint(piece, run)
                        used += need + len(piece) - len(shown)
                        empty = False
        flush()
        return lines

    def _facts(self, facts: Facts) -> list[str]:
        items = [(isolate(clean_line(fact.label)), runs(fact.value, self.clock, lines=True)) for fact in facts.items]
        items = [(label, value) for label, value in items if label or said(value).strip()]
        widest = min(max((columns_of(label) for label, _ in items), default=0), self.width // 3)
        lines: list[str] = []
        for label, value in items:
            lead = self._paint(pad(label, widest, "left"), Run(label, "muted")) + "  "
            lines += self._wrap(self._cut(value) or [Run("–")], lead, widest + 2) or [lead + "–"]
        return lines

    def _table(self, table: Table) -> list[str]:
        if not table.columns:
            self.omitted.add("row", len(table.rows))
            return []
        columns = len(table.columns)
        widths = _widths(fit(table, self.clock, Omitted(), columns=columns, most=columns))
        while columns > 1 and sum(widths[index] + 2 for index in keep(table, columns, columns)) - 2 > self.width:
            columns -= 1
        grid = fit(table, self.clock, self.omitted, columns=columns, most=columns)
        widths = _widths(grid)
        head = [[Run(name, "bold")] for name in grid.names]
        return [
            "  ".join(
                self._cell(cell, width, column.align)
                for cell, width, column in zip(row, widths, grid.columns, strict=True)
            ).rstrip()
            for row in (head, *grid.rows)
        ]

    def _cell(self, cell: list[Run], width: int, align: str) -> str:
        painted = "".join(self._paint(run.text, run) for run in cell)
        space = " " * (width - columns_of(said(cell)))
        return space + painted if align == "right" else painted + space

    def _picture(self, picture: Picture) -> list[str]:
        path = self.paths.get(picture.key)
        if path is None:
            self.waiting.append(picture)
        name = isolate(clean_line(picture.title))
        alt = isolate(clean_line(picture.alt))
        return [
            *(self._wrap([Run(name, "bold")]) if name else []),
            *self._wrap([Run(f"[picture: {alt}]")]),
            *([path] if path else []),
        ]

    def _attachment(self, block: Attachment) -> list[str]:
        path = self.files.get(block.name)
        if path is None:
            self.attached.append(block)
        return [*self._wrap(attachment(block)), *([path] if path else [])]

    def _actions(self, actions: Actions) -> list[str]:
        lines: list[str] = []
        row: list[str] = []
        for each in actions.items:
            action = asking(each) if isinstance(each, Menu) and each.asks and len(each.options) > OPTIONS else each
            match action:
                case Button():
                    label = isolate(clean_line(action.text) or clean_line(action.command))
                    shown = f"{label} (now)" if action.current else label
                    number = self._number(label, action.command, action.how)
                    row.append(f"{number} {shown} → {clean_line(action.command)}")
                case Link():
                    lines += self._wrap([Run(f"{isolate(clean_line(action.text))}: {clean_line(action.url)}")])
                case Menu():
                    lines += self._menu(action)
        return [*row, *lines]

    def _menu(self, menu: Menu) -> list[str]:
        label = isolate(clean_line(menu.label))
        template = clean_line(menu.command.replace("{}", "…"))
        lines = self._wrap([Run(label if template == "…" else f"{label} → {template}")])
        line, wide = "", 0
        for option in menu.options:
            text = isolate(clean_line(option.text)) or clean_line(option.value)
            item = f"{self._number(f'{label}: {text}', fill(menu.command, option.value), menu.how)} {text}"
            needs = columns_of(item)
            if line and wide + needs + 6 > self.width:
                lines += self._wrap([Run(line)], "    ")
                line, wide = "", 0
            line, wide = (f"{line}  {item}", wide + 2 + needs) if line else (item, needs)
        return lines + (self._wrap([Run(line)], "    ") if line else [])

    def _number(self, label: str, command: str, how: How) -> str:
        self.choices.append({"label": label, "command": command, "how": how})
        return f"[{self.first + len(self.choices) - 1}]"


def _widths(grid: Grid) -> list[int]:
    cells = [[columns_of(name)] for name in grid.names]
    for row in grid.rows:
        for column, cell in zip(cells, row, strict=True):
            column.append(columns_of(said(cell)))
    return [max(column) for column in cells]


_WORD = re.compile(r"\S+\s*|\s+")


def _words(text: str) -> list[str]:
    """Words with the spaces after them."""
    return _WORD.findall(text)


def _pieces(word: str, width: int) -> Iterator[str]:
    """A word in pieces of at most ``width`` columns."""
    start = used = 0
    if columns_of(word.rstrip()) > width:
        for end, char in enumerate(word):
            need = columns_of(char)
            if used + need > width and end > start:
                yield word[start:end]
                start, used = end, 0
            used += need
    yield word[start:]
