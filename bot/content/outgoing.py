"""What leaves: cards, forms, names and files, without secrets. The one place where that is done.

Whoever makes a card need not think of it. Every text of a card goes through :func:`clear`, whatever blocks it is made
of and whatever is drawn; values are hidden by the name that stands before them too: in facts, in tables, in a line.

What is acted on is never altered. A button, a menu's option or a link in which a secret would have to be hidden is left
out, since another command, another name or another address would be acted on in its place; a form's field is emptied
and says so, unless its value is what the person who sees it filled in.

Chats take an :class:`Outgoing` and nothing else (:mod:`bot.chat.port`), so that none can be sent a card that did not
come this way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

from msgspec import Struct
from msgspec.structs import replace

from bot.content.clear_text import HEAVY, clear
from bot.content.files_without_secrets import ClearFile, file_without_secrets
from bot.content.redaction import HIDDEN, is_secret
from bot.content.redaction.names import Kind, kind
from bot.content.texts import Texts
from cards.card import (
    Actions,
    Attachment,
    Button,
    Card,
    Chip,
    Fact,
    Field,
    Fold,
    Form,
    Link,
    Mention,
    Menu,
    Option,
    Row,
    Span,
    Table,
    Text,
    Time,
)


class Outgoing(Card, frozen=True):
    """A card without secrets. Nothing but this module makes one."""


_CELL = 20
"""Characters that a cell of a table counts for."""
_VALUE_COLUMNS = frozenset({"value", "values", "setting"})
_NAME_COLUMNS = frozenset({"name", "variable", "key", "setting", "field"})


def outgoing(card: Card) -> Outgoing:
    """The card without secrets, but for those that are meant to be shown (:attr:`cards.card.Card.secrets`).

    Its time grows with its texts and files: see :func:`sent` for the event loop.
    """
    cleared = _Cards(card.secrets).value(card)
    return Outgoing(**{name: getattr(cleared, name) for name in Card.__struct_fields__})


async def sent(card: Card) -> Outgoing:
    """The same, off the event loop where it would take long."""
    if is_heavy(card):
        return await asyncio.to_thread(outgoing, card)
    return outgoing(card)


def is_heavy(card: Card) -> bool:
    """Whether a card has so much text, or a file so large, that it belongs in a thread."""
    weight = _Weight()
    weight.value(card.title)
    for block in card.blocks:
        weight.value(block)
        if weight.total > HEAVY:
            return True
    return False


class _Weight(Texts):
    """Counts the characters and bytes of blocks; tables that are large by their cells are not gone through."""

    def __init__(self) -> None:
        super().__init__(self._weigh)
        self.total = 0

    def _weigh(self, text: str) -> str:
        self.total += len(text)
        return text

    def struct(self, value: Struct) -> Any:
        match value:
            case Attachment(content=content):
                self.total += len(content)
            case Table(columns=columns, rows=rows) if _CELL * len(columns) * len(rows) > HEAVY:
                self.total += _CELL * len(columns) * len(rows)
                return value
            case _:
                pass
        return self.fields(value)


def outgoing_form(form: Form, filled: Mapping[str, str]) -> Form:
    """The form without secrets, but for what the person who sees it ``filled`` in, by the field's name."""
    return _Cards(filled=filled).value(form)


def outgoing_options(options: Iterable[Option]) -> list[Option]:
    """Names to choose from, without those that cannot be shown."""
    return list(_Cards().value(tuple(options)))


class _Cards(Texts):
    """Rewrites cards and forms. ``shown`` are secrets that are meant to be seen, ``filled`` a form's own values."""

    def __init__(self, shown: tuple[str, ...] = (), filled: Mapping[str, str] | None = None) -> None:
        super().__init__(self._clear)
        self._shown = tuple(filter(None, shown))
        self._filled = filled or {}

    def _clear(self, text: str) -> str:
        for secret in self._shown:
            if secret in text:
                return secret.join(map(self._clear, text.split(secret)))
        return clear(text)

    def _is_clear(self, text: str) -> bool:
        return self._clear(text) == text

    def struct(self, value: Struct) -> Any:
        kind = type(value)
        own = _OWN.get(kind)
        return own(self, value) if own else self.fields(value)

    def _words_of(self, value: Any, *names: str) -> Any:
        """A struct of which only these fields are words; the others are acted on."""
        changes = {name: new for name in names if (new := self.text(old := getattr(value, name))) != old}
        return replace(value, **changes) if changes else value

    def _button(self, button: Button) -> Button | None:
        return self._words_of(button, "text") if self._is_clear(button.command) else None

    def _link(self, link: Link) -> Link | None:
        return self._words_of(link, "text") if self._is_clear(link.url) and HIDDEN not in link.url else None

    def _option(self, option: Option) -> Option | None:
        return self._words_of(option, "text") if self._is_clear(option.value) else None

    def _actions(self, block: Actions) -> Actions | None:
        made: Actions = self.fields(block)
        return made if made.items else None

    def _fold(self, block: Fold) -> Fold:
        made: Fold = self.fields(replace(block, command=""))
        return replace(made, command=block.command if self._is_clear(block.command) else "")

    def _mention(self, mention: Mention) -> Mention:
        return self._words_of(mention, "name")  # type: ignore[no-any-return]

    def _card(self, card: Card) -> Card:
        made: Card = self.fields(card)
        return made if made.secrets is card.secrets else replace(made, secrets=card.secrets)

    def sequence(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(value) > 1 and _is_text(value):
            return self._line(value)
        return super().sequence(value)

    def _line(self, pieces: Text) -> Text:
        """A text in several pieces: a name may stand in one and its secret in the next."""
        made: list[Any] = []
        named = False
        for piece in pieces:
            new = self.struct(piece)
            if isinstance(new, Span):
                if named and not self._meant(new.text) and new.text.strip(_AROUND):
                    new = replace(new, text=HIDDEN)
                named = new.text.rstrip().endswith((":", "=")) and _names_secret(_name(new.text))
            made.append(new)
        words = "".join(_words(piece) for piece in made)
        whole = self._clear(words)
        if whole != words:  # it is one only as a whole, so its parts lose their styles
            return (Span(whole),)
        return pieces if all(new is old for new, old in zip(made, pieces, strict=True)) else tuple(made)

    def _fact(self, fact: Fact) -> Fact:
        if _names_secret(fact.label) and not self._meant("".join(map(_words, fact.value))):
            return replace(fact, label=self.text(fact.label), value=(Span(HIDDEN),))
        return self.fields(fact)  # type: ignore[no-any-return]

    def _table(self, table: Table) -> Table:
        names = [column.name.strip().lower() for column in table.columns]
        secret = {number for number, name in enumerate(names) if _names_secret(name)}
        called = next((number for number, name in enumerate(names) if name in _NAME_COLUMNS), None)
        valued = [n for n, name in enumerate(names) if name in _VALUE_COLUMNS and n != called]

        def hidden(row: Row) -> Row:
            hide = set(secret)
            if called is not None and valued and is_secret("".join(map(_words, row.cells[called])).strip()):
                hide.update(valued)
            if not hide:
                return row
            cells = tuple(
                (Span(HIDDEN),) if n in hide and cell and not self._meant("".join(map(_words, cell))) else cell
                for n, cell in enumerate(row.cells)
            )
            return replace(row, cells=cells)

        if secret or (called is not None and valued):
            table = replace(table, rows=tuple(map(hidden, table.rows)))
        return self.fields(table)  # type: ignore[no-any-return]

    def _menu(self, menu: Menu) -> Menu | None:
        options = self.value(menu.options)
        if not options or not self._is_clear(menu.command):
            return None
        made: Menu = self._words_of(menu, "label")
        return made if options is menu.options else replace(made, options=options)

    def _attachment(self, file: Attachment) -> Attachment:
        made: Attachment = self._words_of(file, "name", "title")
        if isinstance(file, ClearFile):
            return made
        content = file_without_secrets(file.content, file.kind)
        return made if content is file.content else replace(made, content=content)

    def _field(self, field: Field) -> Field:
        mine = self._filled.get(field.name) == field.value
        kept: Field = self.fields(replace(field, value=""))
        kept = replace(kept, name=field.name, names=field.names, pasted_in=field.pasted_in)
        if mine or (self._is_clear(field.value) and not (field.value and is_secret(field.name))):
            return replace(kept, value=field.value)
        return replace(kept, hint=" ".join(filter(None, [kept.hint, _EMPTIED])), reset=True)

    def _form(self, form: Form) -> Form:
        cleared: Form = self.fields(form)
        return replace(cleared, command=form.command)  # its path, which is one of ours

    def _meant(self, words: str) -> bool:
        """Whether a secret stands there that is meant to be seen."""
        return any(secret in words for secret in self._shown)


_OWN: dict[type, Callable[[Any, Any], Any]] = {
    Button: _Cards._button,
    Link: _Cards._link,
    Option: _Cards._option,
    Menu: _Cards._menu,
    Actions: _Cards._actions,
    Fold: _Cards._fold,
    Mention: _Cards._mention,
    Fact: _Cards._fact,
    Table: _Cards._table,
    Attachment: _Cards._attachment,
    ClearFile: _Cards._attachment,
    Field: _Cards._field,
    Form: _Cards._form,
    Card: _Cards._card,
    Outgoing: _Cards._card,
}
"""What is gone through in a way of its own. Every other struct is, field by field."""
_EMPTIED = "A secret stood here and is not shown: fill it in again."
_AROUND = " \t:=·,;\"'"


def _is_text(value: tuple[Any, ...]) -> TypeGuard[Text]:
    return all(isinstance(each, Span | Chip | Time | Mention) for each in value)


def _words(piece: object) -> str:
    match piece:
        case Span(text=text):
            return text
        case Chip(word=word):
            return word
        case Mention(name=name):
            return name
        case _:
            return " "


def _names_secret(label: str) -> bool:
    """Whether a label says that a secret follows; a word that a card has labels of (Licence, Session) does not."""
    return kind(label) > Kind.ORDINARY


def _name(words: str) -> str:
    """The last word before a colon or an equals sign."""
    return (words.rstrip().rstrip(":=").rstrip().split() or [""])[-1].strip("\"'")
