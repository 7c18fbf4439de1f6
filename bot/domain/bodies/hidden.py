"""What stands in the place of a secret value in a body that is shown: a parameter of whoever uses it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.domain.bodies.fields import FREE_FORM
from bot.domain.bodies.path import Path, spelled

MARK = "…"
"""What is shown of a value that is hidden whole."""

_WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True)
class Hidden:
    """A value that is not shown: where it stands, what it is, in words, and what may be shown of it."""

    path: Path
    what: str
    shown: str = MARK

    @property
    def place(self) -> str:
        """Where it stands: ``userAccounts[0].password``."""
        return spelled(self.path)

    @property
    def description(self) -> str:
        """What is asked for where it is a parameter, with what may be shown of it."""
        rest = "" if self.shown == MARK else f": {self.shown}"
        return f"{self.place}: {self.what}{rest}"

    @property
    def kind(self) -> str:
        """The type of the parameter: an extension's protected settings are an object."""
        return "object" if self.path[-1] in FREE_FORM else "string"


def parameter_names(hidden: Iterable[Hidden]) -> dict[Hidden, str]:
    """A name for the parameter of each, all different: ``userAccounts0Password``."""
    names: dict[Hidden, str] = {}
    for each in hidden:
        first, *rest = _WORD.findall(each.place) or ["value"]
        name = first + "".join(word[0].upper() + word[1:] for word in rest)
        taken = set(names.values())
        names[each] = name if name not in taken else f"{name}{len(names)}"
    return names


def found(body: Any) -> list[Hidden]:
    """Every hidden value of a body, in its order."""
    match body:
        case Hidden():
            return [body]
        case dict():
            return [each for value in body.values() for each in found(value)]
        case list():
            return [each for value in body for each in found(value)]
        case _:
            return []


def shown(body: Any) -> Any:
    """The body with what may be shown of hidden values; what is hidden whole is ``…``."""
    match body:
        case Hidden():
            return body.shown
        case dict():
            return {name: shown(value) for name, value in body.items()}
        case list():
            return [shown(value) for value in body]
        case _:
            return body
