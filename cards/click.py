"""What comes back from a card: a click that carries a command, or a filled-in form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from cards.card import Action, Actions, Button, How, Link, Menu
from cards.command_line import join, named

MORE = "⋯ More"
"""The menu of the actions that are not in sight."""


class Click(Struct, frozen=True):
    """A button or menu that was pressed: the command it carries and what to do with the answer."""

    command: str
    how: How


class Submission(Struct, frozen=True):
    """A form that was sent.

    ``values`` are its inputs by parameter name (empty inputs are left out, a flag is "true" or "false"); ``carry`` is
    the opaque text that was given to ``render_form``. ``live`` is True where the form is checked before it is taken,
    ``opened`` where the fields behind "More…" are shown, ``check`` where it is to be checked and shown again, no more.
    """

    command: str
    how: Literal["edit", "post"]
    values: dict[str, str]
    carry: str = ""
    live: bool = False
    opened: bool = False
    check: bool = False


class Query(Struct, frozen=True):
    """Somebody types into a field that completes names.

    ``names`` says of what, ``within`` are the form's other values by parameter name as far as the platform sends them,
    ``carry`` is the opaque text that was given to ``render_form``, where it comes back.
    """

    names: str
    typed: str
    within: dict[str, str]
    carry: str = ""


def in_sight(actions: Actions, fits: Callable[[Button], bool] = bool) -> tuple[list[Action], list[Button]]:
    """The actions in sight, and those that are in the menu "More", each choice of a menu as a button of its own.

    Links and menus of names stay in sight: one cannot be in a menu, the other would fill it. So does a menu that has a
    choice that does not fit there: as it is, it is one element, and its choices would be as many buttons.
    """
    items = list(actions.items)
    if not 0 < actions.shown < len(items) - 1:
        return items, []
    likely = [each for each in items if not _is_more(each)][: actions.shown]
    stay = [*likely, *(each for each in items if each not in likely and _stays(each))]
    rest: list[Button] = []
    for each in items:
        if each in stay:
            continue
        if isinstance(each, Menu):
            name = "" if _is_more(each) else f"{each.label.rstrip('…')}: "
            choices = [
                Button(f"{name}{option.text}", fill(each.command, option.value), each.how) for option in each.options
            ]
            whole = not _is_more(each) and not all(map(fits, choices))
            stay += [each] if whole else []
            rest += [] if whole else choices
        elif isinstance(each, Button):
            rest.append(each)
    return stay, rest


def _is_more(action: Action) -> bool:
    """Whether it is a menu of what is rarely done, which belongs into the one that is called so."""
    return isinstance(action, Menu) and not action.asks and action.label.startswith("More")


def _stays(action: Action) -> bool:
    return isinstance(action, Link) or (isinstance(action, Menu) and action.asks)


def asking(menu: Menu) -> Button:
    """The button that opens the form of a menu's command, for when not all of its options can be carried."""
    before, _, after = menu.command.partition("{}")
    return Button(f"{menu.label}…", f"{before.rstrip()}{after}", how="form")


def fill(template: str, value: str) -> str:
    """The command of a menu after ``value`` was chosen: ``value`` stands where ``{}`` was, quoted as it has to be.

    A template without ``{}`` gets the value at its end.
    """
    before, found, after = template.partition("{}")
    word = join([named(value)])
    return f"{before}{word}{after}" if found else f"{template} {word}"
