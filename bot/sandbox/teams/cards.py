"""What the client draws of an Adaptive Card, and what it does not: Adaptive Cards up to 1.5 as Teams hosts them.

The client never refuses a card over the wire. It shows fallback text, leaves out what it does not know, hides what is
too much. All of that is told here as problems, so that a program which draws well here draws well there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from msgspec import Struct, field

from bot.sandbox.teams.elements import ACTIONS, ADAPTIVE, ELEMENTS, Check, Spec, Version

__all__ = ["ADAPTIVE", "Drawing", "Press", "Problem", "draw", "loopback"]

Json: TypeAlias = dict[str, Any]

LATEST: Version = (1, 5)
PRIMARY_ACTIONS = 6
REFRESH_USERS = 60
UNDRAWABLE = "This card could not be displayed."

_UNSUPPORTED_MARKDOWN = re.compile(r"^\s{0,3}(#{1,6}\s|>\s|\|.*\|\s*$)|!\[[^\]]*\]\(", re.MULTILINE)
_DATA_IMAGE = re.compile(r"data:image/(png|jpeg|gif|svg\+xml);base64,")
_LOOPBACK = re.compile(r"http://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?(/|$)")


class Problem(Struct, frozen=True):
    """Something a person does not see as it was meant. Not ``grave``: only worse than it could be."""

    code: str
    path: str
    message: str
    grave: bool = True

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class _Scope(Struct):
    parent: _Scope | None = None
    inputs: list[Json] = field(default_factory=list)

    def all(self) -> Iterator[Json]:
        if self.parent is not None:
            yield from self.parent.all()
        yield from self.inputs


class Press(Struct, frozen=True):
    """An action a person can press, and the scope whose inputs go with it."""

    action: Json
    scope: _Scope

    def inputs(self) -> list[Json]:
        """The input elements whose values are sent along."""
        return [] if self.action.get("associatedInputs", "auto") == "none" else list(self.scope.all())


class Drawing(Struct):
    """A card as one client draws it. ``instead`` is the text shown in its place, where it is not drawn at all."""

    problems: list[Problem] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    inputs: list[Json] = field(default_factory=list)
    refresh: Json | None = None
    instead: str | None = None

    def find(self, action: Json) -> Press | None:
        """The press whose action is the same, key for key."""
        return next((press for press in self.presses if press.action == action), None)


def draw(card: object, *, dialog: bool = False) -> Drawing:
    """Draw a card. In a ``dialog`` only Action.Submit reaches the bot: an Action.Execute is drawn by its fallback."""
    artist = _Artist(dialog=dialog)
    artist.card(card)
    return artist.drawing


def loopback(url: str) -> bool:
    """An http address of this machine: what a demo may use in the place of https."""
    return _LOOPBACK.match(url) is not None


def _version(value: object) -> Version | None:
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)*", value) if isinstance(value, str) else None
    return (int(match[1]), int(match[2])) if match else None


class _Artist:
    def __init__(self, *, dialog: bool) -> None:
        self.drawing = Drawing()
        self._dialog = dialog
        self._version: Version = LATEST
        self._ids: set[str] = set()

    def _tell(self, code: str, path: str, message: str, *, grave: bool = True) -> None:
        self.drawing.problems.append(Problem(code, path, message, grave))

    # -- the card ------------------------------------------------------------------------------------------------------

    def card(self, card: object) -> None:
        if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
            self._give_up(card, "NotACard", "the content is no object of type AdaptiveCard")
            return
        version = _version(card.get("version"))
        if version is None:
            self._give_up(card, "NoVersion", f"version {card.get('version')!r} is missing or no version")
            return
        if version > LATEST:
            self._give_up(card, "UnsupportedVersion", f"version {card['version']} is newer than 1.5")
            return
        self._version = version
        self._body(card, "card", _Scope())
        self._refresh(card)

    def _give_up(self, card: object, code: str, message: str) -> None:
        text = card.get("fallbackText") if isinstance(card, dict) else None
        self.drawing.instead = text if isinstance(text, str) and text else UNDRAWABLE
        self._tell(code, "card", message)

    def _body(self, card: Json, path: str, scope: _Scope) -> None:
        self._children(card, "body", "element", path, scope)
        self._children(card, "actions", "action", path, scope)
        if "selectAction" in card:
            self._thing(card["selectAction"], "action", f"{path}.selectAction", scope)

    def _refresh(self, card: Json) -> None:
        refresh = card.get("refresh")
        if refresh is None:
            return
        action = refresh.get("action") if isinstance(refresh, dict) else None
        users = refresh.get("userIds", []) if isinstance(refresh, dict) else None
        if not isinstance(action, dict) or action.get("type") != "Action.Execute":
            self._tell("BadRefresh", "card.refresh", "refresh needs an Action.Execute")
        elif self._version < (1, 4):
            self._tell("NeedsVersion", "card.refresh", "refresh needs version 1.4")
        elif not isinstance(users, list) or len(users) > REFRESH_USERS:
            self._tell("BadRefresh", "card.refresh.userIds", f"a list of at most {REFRESH_USERS} user ids")
        else:
            self.drawing.refresh = refresh

    # -- elements and actions ------------------------------------------------------------------------------------------

    def _children(self, parent: Json, key: str, kind: str, path: str, scope: _Scope) -> None:
        children = parent.get(key)
        if children is None:
            return
        if not isinstance(children, list):
            self._tell("BadProperty", f"{path}.{key}", "must be a list")
            return
        primary = 0
        for index, child in enumerate(children):
            where = f"{path}.{key}[{index}]"
            if kind == "action" and isinstance(child, dict) and str(child.get("mode", "primary")).lower() == "primary":
                primary += 1
                if primary > PRIMARY_ACTIONS:
                    self._tell("TooManyActions", where, f"only {PRIMARY_ACTIONS} primary actions are shown")
                    continue
            self._thing(child, kind, where, scope)

    def _thing(self, thing: object, kind: str, path: str, scope: _Scope) -> None:
        if kind == "text" and isinstance(thing, str):
            return
        if not isinstance(thing, dict):
            self._tell("BadElement", path, "must be an object")
            return
        name = thing.get("type", {"column": "Column", "row": "TableRow", "cell": "TableCell"}.get(kind))
        spec = (ACTIONS if kind == "action" else ELEMENTS).get(str(name))
        reason = self._unknown(str(name), spec, kind)
        if spec is None or reason:
            self._fall_back(thing, kind, path, scope, reason)
            return
        self._properties(thing, spec, path)
        if str(name).startswith("Input."):
            self._input(thing, path, scope)
        for key, child_kind in spec.children.items():
            self._children(thing, key, child_kind, path, scope)
        for key in ("selectAction", "inlineAction"):
            if key in thing:
                self._thing(thing[key], "action", f"{path}.{key}", scope)
        if kind == "action":
            self._action(thing, path, scope)
        elif name == "TextBlock" and _UNSUPPORTED_MARKDOWN.search(str(thing.get("text", ""))):
            self._tell("Markdown", path, "headings, quotes, tables and images are shown as typed", grave=False)
        elif name == "Image" and not thing.get("altText"):
            self._tell("NoAltText", path, "an image without altText says nothing to a screen reader", grave=False)

    def _unknown(self, name: str, spec: Spec | None, kind: str) -> str:
        if spec is None or kind not in spec.where:
            return f"{name!r} is not known here"
        if self._version < spec.since:
            return f"{name} needs version {spec.since[0]}.{spec.since[1]}"
        if self._dialog and name == "Action.Execute":
            return "Action.Execute does nothing in a dialog"
        return ""

    def _fall_back(self, thing: Json, kind: str, path: str, scope: _Scope, reason: str) -> None:
        fallback = thing.get("fallback")
        if isinstance(fallback, dict):
            self._thing(fallback, kind, f"{path}.fallback", scope)
        elif not (isinstance(fallback, str) and fallback.lower() == "drop"):
            self._tell("NeedsVersion" if "needs version" in reason else "UnknownElement", path, f"not drawn: {reason}")

    def _properties(self, thing: Json, spec: Spec, path: str) -> None:
        for key in spec.required:
            if thing.get(key) is None:
                self._tell("MissingProperty", f"{path}.{key}", f"{thing.get('type')} needs {key}")
        for key, value in thing.items():
            check = spec.properties.get(key)
            if check is not None and value is not None and not _fits(value, check):
                wanted = check if isinstance(check, str) else " | ".join(check)
                self._tell("BadProperty", f"{path}.{key}", f"{value!r:.60} is not {wanted}")
        self._id(thing.get("id"), path)
        for key in ("url", "iconUrl"):
            if key in thing:
                self._url(str(thing[key]), key, thing, f"{path}.{key}")

    def _id(self, value: object, path: str) -> None:
        if value is None:
            return
        if value in self._ids:
            self._tell("DuplicateId", path, f"the id {value!r} is there twice")
        self._ids.add(str(value))

    def _url(self, url: str, key: str, thing: Json, path: str) -> None:
        picture = key == "iconUrl" or thing.get("type") == "Image"
        if url.startswith("https://") or loopback(url) or (picture and _DATA_IMAGE.match(url)):
            return
        if not picture and url.startswith(("mailto:", "tel:", "msteams:")):
            return
        self._tell("BadAddress", path, f"{url[:60]!r} is not https")

    def _input(self, thing: Json, path: str, scope: _Scope) -> None:
        if not thing.get("id"):
            self._tell("InputWithoutId", path, "an input without id is never sent")
            return
        scope.inputs.append(thing)
        self.drawing.inputs.append(thing)
        if not thing.get("label"):
            self._tell("NoLabel", path, "an input without label says nothing to a screen reader", grave=False)
        if thing.get("isRequired") and not thing.get("errorMessage"):
            self._tell("NoErrorMessage", path, "a required input without errorMessage fails silently", grave=False)

    def _action(self, thing: Json, path: str, scope: _Scope) -> None:
        if thing["type"] == "Action.ShowCard":
            card = thing.get("card")
            if isinstance(card, dict):
                self._body(card, f"{path}.card", _Scope(parent=scope))
        if thing.get("isEnabled") is not False:
            self.drawing.presses.append(Press(thing, scope))


def _fits(value: object, check: Check) -> bool:
    if isinstance(check, tuple):
        return isinstance(value, str) and value.lower() in check
    return _CHECKS[check](value)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, dict) and isinstance(pair.get("title"), str) and isinstance(pair.get("value"), str)
        for pair in value
    )


def _points(value: object) -> bool:
    return _all(value, lambda point: isinstance(point.get("x"), str | int | float) and _number(point.get("y")))


def _groups(value: object) -> bool:
    return _all(value, lambda group: isinstance(group.get("legend"), str) and _points(group.get("values")))


def _rows(value: object) -> bool:
    def point(each: Json) -> bool:
        return isinstance(each.get("legend"), str) and _number(each.get("value"))

    return _all(value, lambda row: isinstance(row.get("title"), str) and _all(row.get("data"), point))


def _all(value: object, sound: Callable[[Json], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and sound(each) for each in value)


_CHECKS: dict[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": _number,
    "string or number": lambda value: isinstance(value, str) or _number(value),
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "pairs": _pairs,
    "points": _points,
    "groups": _groups,
    "rows": _rows,
}
