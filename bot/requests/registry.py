"""The registry of commands: a handler's signature is its grammar.

A handler is an async function that takes a :class:`bot.requests.context.Context` and returns a card, or an async
generator whose cards replace each other in the same message (see :mod:`bot.requests.live`).
:func:`bot.requests.command.command` marks it, and :meth:`Registry.discover` finds every marked function in the
handlers' package, so that adding a command touches no other file. Parsing, help, forms, the documentation page and the
platforms' manifests come from the signature and the docstring (cyclopts does the parsing and the type conversion).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import get_args

import cyclopts

from bot.operations.workflow import WORKFLOW, Workflow
from bot.requests import corrections, mistakes
from bot.requests.command import MARK, Call, Command, CommandError, Handler, Mark
from bot.requests.corrections import Fit
from bot.requests.grammar import by_position, grammar_of, names_last, parameters_of, spelled_out, words
from bot.requests.universal import NAMES
from cards.card import Option
from cards.command_line import Exact, join

LIVE_FORM = "__batchbot_form__"
"""The attribute of a function that :func:`bot.requests.forms.form_of` has marked."""
LIVE_NAMES = "__batchbot_names__"
"""The attribute of a function that :func:`bot.requests.lacking.names_for` has marked."""

MOST = 10**12
"""No number that people type is further from 0: what is lies outside of what databases, dates and Azure can hold."""


@dataclass
class Registry:
    """Every command by its path."""

    commands: dict[str, Command] = field(default_factory=dict)
    live_forms: dict[str, object] = field(default_factory=dict)
    """What :func:`bot.requests.forms.form_of` has marked, by the command's path."""
    live_names: dict[str, Callable[..., Awaitable[list[Option]]]] = field(default_factory=dict)
    """What :func:`bot.requests.lacking.names_for` has marked, by the paths of the commands that it is for."""
    workflows: dict[str, Workflow] = field(default_factory=dict)
    """What :func:`bot.operations.workflow.workflow` has marked, by its name."""
    _grammars: dict[str, cyclopts.App] = field(default_factory=dict)
    """How each command's words are read, by its path. Each stands alone: a pool may be called as a verb is."""

    @classmethod
    def discover(cls, package: ModuleType) -> Registry:
        """Every marked handler in the modules of ``package``, however deep they lie.

        ``package.ORDER`` names modules (``pool.show``) in the order in which help, forms and the reference show their
        commands; what it does not name comes after that, by name. Within a module the order of its lines counts.
        """
        registry = cls()
        prefix = f"{package.__name__}."
        order = {f"{prefix}{name}": number for number, name in enumerate(getattr(package, "ORDER", ()))}
        names = [info.name for info in pkgutil.walk_packages(package.__path__, prefix) if not info.ispkg]
        for name in sorted(names, key=lambda name: (order.get(name, len(order)), name)):
            registry.collect(importlib.import_module(name))
        if strays := {*registry.live_forms, *registry.live_names} - registry.commands.keys():
            raise ValueError(f"forms or names of commands that are not there: {', '.join(sorted(strays))}")
        return registry

    def collect(self, module: ModuleType) -> None:
        """Register every marked handler that is written in ``module``, and every live form."""
        for handler in list(vars(module).values()):
            if getattr(handler, "__module__", None) != module.__name__:
                continue
            if isinstance(mark := getattr(handler, MARK, None), Mark):
                self.add(handler, mark)
            if form := getattr(handler, LIVE_FORM, None):
                self.live_forms[form.path] = form
            for path in getattr(handler, LIVE_NAMES, ()):
                self.live_names[path] = handler
            if isinstance(found := getattr(handler, WORKFLOW, None), Workflow):
                if found.name in self.workflows:
                    raise ValueError(f"two workflows of the name {found.name!r}")
                self.workflows[found.name] = found

    def add(self, handler: Handler, mark: Mark) -> None:
        """Register one handler. Raises ValueError for a path that is taken, a handler without a docstring, and a mark
        that cannot be true of the handler.
        """
        if mark.path in self.commands:
            raise ValueError(f"two handlers for the command {mark.path!r}")
        document = inspect.getdoc(handler)
        if not document:
            raise ValueError(f"the command {mark.path!r} has no docstring, which is its help")
        app = self._grammars[mark.path] = grammar_of(handler)
        summary, _, rest = document.partition("\n")
        known = Command(mark, handler, summary.strip(), _details(rest), tuple(parameters_of(app)))
        _check(known)
        self.commands[mark.path] = known

    def find(self, tokens: Sequence[str]) -> Command | None:
        """The command that the first words name, longest path first. What is exact is a name, unless nothing else fits:
        ``pool 'delete' gpu-a`` has the verb that was chosen in a menu.
        """
        for plain in (True, False):
            for length in (3, 2, 1):
                found = self.commands.get(" ".join(tokens[:length]).lower())
                exact = plain and any(isinstance(word, Exact) for word in tokens[:length])
                if found and len(tokens) >= length and not exact:
                    return found
        return None

    def command(self, tokens: Sequence[str]) -> Command:
        """The command that the first words name. Raises CommandError with the nearest commands."""
        known = self.find(tokens)
        if known is None:
            raise corrections.unknown(self.commands, tokens, self.fit)
        return known

    def parse(self, tokens: Sequence[str]) -> Call:
        """The call that was typed. Raises CommandError with the nearest commands."""
        known = self.command(tokens)
        try:
            call = self._read(known, tokens)
        except cyclopts.CycloptsError as error:
            behind = tokens[len(known.path.split()) :]
            mistake = mistakes.mistake(known, behind, error, self.fit)
            raise corrections.beside(self.commands, known, behind, mistake, self.fit) from None
        _bounded(call)
        return call

    def fit(self, tokens: Sequence[str]) -> Fit:
        """How far the words are a command: all of one, one that lacks a parameter, or none."""
        known = self.find(tokens)
        if known is None:
            return "none"
        try:
            _bounded(self._read(known, tokens))
        except cyclopts.MissingArgumentError as error:
            return "lacking" if mistakes.left_out(known, error) else "none"
        except (cyclopts.CycloptsError, CommandError):
            return "none"
        return "whole"

    def _read(self, known: Command, tokens: Sequence[str]) -> Call:
        """The call. Raises what cyclopts raises."""
        behind = by_position(known, tokens[len(known.path.split()) :])
        arguments = names_last(known, list(spelled_out(known, behind)))
        _, bound, _ = self._grammars[known.path].parse_args(arguments, print_error=False, exit_on_error=False)
        return Call(known, _without_quotes(known, bound.args), bound.kwargs, join(tokens))

    def beside(self, call: Call, error: CommandError) -> CommandError:
        """What a handler said of what was typed, with the longer commands that may have been meant."""
        if not any(each.positional and each.name == error.at for each in call.command.parameters):
            return error
        behind = words(call.typed)[len(call.command.path.split()) :]
        return corrections.beside(self.commands, call.command, behind, error, self.fit)

    def naming(self, path: str, names: Sequence[str]) -> list[str]:
        """The words behind a command's path, exact where they would be read as anything but what they are.

        The names that the command takes are: an option, a flag, the next word of a longer path. Behind them are the
        words of a filter, which may be options too where both mean the same.
        """
        known = self.find(path.split())
        if known is None:
            return list(names)
        placed = [each.name for each in known.parameters if each.positional and not each.many]
        positions = len(placed)
        options = {each.name: each for each in known.parameters if not each.positional}
        prefixes = {*options, *placed, *(NAMES if known.mark.azure else ())}

        def is_grammar(place: int, word: str) -> bool:
            flag = (option := options.get(word.lower())) is not None and option.kind == "flag"
            if place >= positions:
                return flag or word.startswith("--")
            longer = place == 0 and f"{path} {word}".lower() in self.commands
            given = any(mark in word and word.partition(mark)[0].lower() in prefixes for mark in ":=")
            return flag or longer or given or word.startswith("-")

        return [Exact(word) if is_grammar(place, word) else word for place, word in enumerate(names)]

    def type_of(self, path: str, name: str) -> type:
        """The type of a command's parameter where it is a number or a flag; str otherwise."""
        for argument in self._grammars[path].assemble_argument_collection():
            if argument.field_info.name.rstrip("_") == name:
                hints = {argument.hint, *get_args(argument.hint)}
                return next((each for each in (bool, int, float) if each in hints), str)
        raise KeyError(name)

    def menu(self) -> list[Command]:
        """The commands for a platform's short list, in their order."""
        return sorted((known for known in self.commands.values() if known.menu), key=lambda known: known.menu)

    def nouns(self) -> dict[str, list[Command]]:
        """Commands by their first word."""
        grouped: dict[str, list[Command]] = {}
        for known in self.commands.values():
            grouped.setdefault(known.noun, []).append(known)
        return grouped


def _bounded(call: Call) -> None:
    """Raises CommandError for a number that is none of anything here, before a handler reckons with it."""
    for name, value in call.arguments.items():
        if isinstance(value, int | float) and not abs(value) <= MOST:  # nor one that is no number
            raise CommandError(
                f"{name} is out of range: a number here is between -{MOST:,} and {MOST:,}.",
                [f"help {call.command.path}"],
            )


def _without_quotes(known: Command, given: tuple[object, ...]) -> tuple[object, ...]:
    """What was given, as plain text. Only a command in words keeps which of its words are exact: it is read again."""
    if any(each.many and each.name == "words" for each in known.parameters):
        return given
    return tuple(str(each) if isinstance(each, Exact) else each for each in given)


def _details(rest: str) -> str:
    """What a docstring says below its summary, without the parameters: a paragraph is one line, since lines end in the
    source where there is no room for more, and in a chat elsewhere.
    """
    kept = "\n".join(line for line in rest.strip().splitlines() if not line.startswith((":param", "    ")))
    return "\n\n".join(" ".join(each.split()) for each in kept.strip().split("\n\n"))


def _check(known: Command) -> None:
    """Raises ValueError where what ``@command`` says cannot be true of the handler."""
    mark, names = known.mark, {parameter.name for parameter in known.parameters}
    option = mark.alone.partition(":")[0]
    if missing := {*mark.changes_with, *mark.reads_with, *mark.names, *mark.uses, *filter(None, [option])} - names:
        raise ValueError(f"the command {mark.path!r} has no parameter {', '.join(sorted(missing))}")
    if bool(mark.others) != bool(mark.owner):
        raise ValueError(f"the command {mark.path!r} has others without owner, or owner without others")
    surrounds = (mark.azure, mark.shared, mark.others, mark.preflight, mark.reconcile, mark.reads_with)
    if mark.effect == "read" and any(surrounds):
        raise ValueError(f"the command {mark.path!r} only reads: what surrounds a change has no meaning for it")
