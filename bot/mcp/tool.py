"""A command as a tool: its name, its schema, and its arguments as the words of the command and back.

Everything here comes from the code: the signature and the docstring of the handler. Nothing that Azure answers is ever
part of a tool's description. Of the settings only the names of the accounts are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot.mcp.offered import is_change
from bot.requests.command import Call, Command, CommandError, Parameter
from bot.requests.forms import live_form
from bot.requests.grammar import words
from bot.requests.registry import Registry
from cards.command_line import Exact, join
from cards.text_fit import clean_line

_TEXT = frozenset({"formula", "because"})
"""What takes all words that are left as one text; other such parameters take several words."""
_PAGING = frozenset({"skip", "met"})
"""What no person types and the next page needs."""
_LEFT_OUT = frozenset({"follow", "csv", "whole", "emergency"})
"""What is for people alone: an answer that goes on, a file of the same rows, what a card folds, an emergency."""
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
_READ: Mapping[str, Callable[[str], object]] = {"integer": int, "number": float}
_LONGEST = 20_000
"""Characters of one argument."""
_ASKS = "Changes nothing itself: it asks the person in their chat, and it is done when they say yes there."
_DESTROYS = "What it asks for cannot be undone."


@dataclass(frozen=True)
class Tool:
    """One tool. ``accounts`` are the names of the accounts; where there is only one, it is not asked for."""

    known: Command
    registry: Registry
    accounts: tuple[str, ...]

    @cached_property
    def name(self) -> str:
        """``pool list`` is ``pool_list``, which every client takes: letters, digits, ``_`` and ``-``."""
        return self.known.path.replace(" ", "_")

    @property
    def changes(self) -> bool:
        """Whether it asks for a change."""
        return is_change(self.known)

    @property
    def destroys(self) -> bool:
        """Whether what it asks for destroys something."""
        return self.known.effect == "destroy"

    @cached_property
    def description(self) -> str:
        """What it does: the first line of the docstring; of a change also that it only asks."""
        said = [self.known.summary, _ASKS if self.changes else "", _DESTROYS if self.destroys else ""]
        return " ".join(filter(None, said))

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """What it takes, by name. What only takes an attached file cannot come this way."""
        live = live_form(self.registry, self.known.path)
        files = {each.name for each in (live.fields if live else ()) if each.kind == "file"}
        return {
            each.name: each
            for each in self.known.parameters
            if each.name not in _LEFT_OUT | files
            and (not each.hidden or each.name in _PAGING)
            and not (each.name == "account" and not each.required and len(self.accounts) < 2)
        }

    @cached_property
    def takes_reason(self) -> bool:
        """Whether it takes the reason that an approval may want."""
        return self.known.mark.azure and "reason" not in {each.name for each in self.known.parameters}

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments."""
        properties = {name: self._property(each) for name, each in self.parameters.items()}
        if self.takes_reason:
            properties["reason"] = {"type": "string", "description": "why it should be done, for whoever must agree"}
        required = [name for name, each in self.parameters.items() if each.required]
        return {
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }

    def _property(self, each: Parameter) -> dict[str, Any]:
        made: dict[str, Any] = {"type": _TYPES[self.registry.type_of(self.known.path, each.name)]}
        if each.choices:
            made["enum"] = list(each.choices)
        elif each.name == "account" and self.accounts:
            made["enum"] = list(self.accounts)
        if each.help and each.name != "account":
            made["description"] = _plain(each.help)
        if each.default and not each.many and made["type"] != "boolean":
            made["default"] = _READ.get(made["type"], str)(each.default)
        return made

    def command(self, arguments: Mapping[str, Any]) -> str:
        """The command in words. Raises CommandError for arguments that are not as the schema says.

        What names something is exact: no text can become an option, or another command.
        """
        self._check(arguments)
        placed: list[str] = []
        options: list[str] = []
        rest: list[str] = []
        missing = ""
        for name, each in self.parameters.items():
            value = arguments.get(name)
            if value is None or value == "":
                missing = missing or (name if each.positional and not each.many else "")
            elif each.many:
                rest += [Exact(value)] if name in _TEXT else words(value)
            elif each.positional:
                if missing:
                    raise CommandError(f"{name} is given and {missing}, which stands before it, is not.")
                placed.append(_spelled(value))
            elif isinstance(value, bool):
                options += [name] if value else []
            else:
                options.append(f"{name}:{_spelled(value)}")
        if self.takes_reason and arguments.get("reason"):
            options.append(f"reason:{arguments['reason']}")
        path = self.known.path
        return join([*path.split(), *self.registry.naming(path, placed), *options, *rest])

    def _check(self, arguments: Mapping[str, Any]) -> None:
        """Raises CommandError with the first argument that does not fit, in a sentence that says what does."""
        properties = self.schema["properties"]
        for name, value in arguments.items():
            if name not in properties:
                known = ", ".join(properties) or "none"
                raise CommandError(f"{self.name} has no argument “{clean_line(name)[:60]}”. It has: {known}.")
            wanted = properties[name]
            if value is not None and not _fits(value, wanted["type"]):
                raise CommandError(f"{name} has to be of the type {wanted['type']}.")
            if value is not None and "enum" in wanted and value not in wanted["enum"]:
                raise CommandError(f"{name} has to be one of: {', '.join(wanted['enum'])}.")
            if isinstance(value, str) and len(value) > _LONGEST:
                raise CommandError(f"{name} has {len(value):,} characters; {_LONGEST:,} are taken.")
        for name in self.schema.get("required", ()):
            if arguments.get(name) in (None, ""):
                raise CommandError(f"{self.name} needs the argument {name}.")


def arguments_of(tool: Tool, call: Call) -> dict[str, Any] | None:
    """The arguments with which a tool makes a call; None where it cannot, as where it has something for people only."""
    made: dict[str, Any] = {}
    for name, value in call.arguments.items():
        if value in (None, (), False, ""):
            continue
        each = tool.parameters.get(name)
        if each is None:
            if name in _LEFT_OUT or name == "account":
                continue
            return None
        if isinstance(value, tuple):
            made[name] = " ".join(map(str, value)) if name in _TEXT else " ".join(map(_as_typed, value))
        elif isinstance(value, bool | int | float):
            made |= {} if str(value) == each.default else {name: value}
        elif (given := str(value).removeprefix(f"{name}:")) != each.default:
            made[name] = given
    return made


def tools_of(registry: Registry, commands: Sequence[Command], accounts: Sequence[str]) -> dict[str, Tool]:
    """The tools of some commands, by name."""
    made = [Tool(known, registry, tuple(accounts)) for known in commands]
    return {each.name: each for each in made}


def _fits(value: object, kind: str) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)


def _as_typed(word: object) -> str:
    """A word among others: in quotes only where it would be several, or none."""
    typed = str(word)
    return typed if words(typed) == [typed] else join([typed])


def _spelled(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
