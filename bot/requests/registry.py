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
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType

import cyclopts

from bot.operations.workflow import WORKFLOW, Workflow
from bot.requests import corrections
from bot.requests.command import MARK, Call, Command, CommandError, Handler, Mark
from bot.requests.grammar import grammar_of, names_last, node, parameters_of, spelled_out
from cards.command_line import join

LIVE_FORM = "__batchbot_form__"
"""The attribute of a function that :func:`bot.requests.forms.form_of` has marked."""

MOST = 10**12
"""No number that people type is further from 0: what is lies outside of what databases, dates and Azure can hold."""


@dataclass
class Registry:
    """Every command by its path."""

    commands: dict[str, Command] = field(default_factory=dict)
    live_forms: dict[str, object] = field(default_factory=dict)
    """What :func:`bot.requests.forms.form_of` has marked, by the command's path."""
    workflows: dict[str, Workflow] = field(default_factory=dict)
    """What :func:`bot.operations.workflow.workflow` has marked, by its name."""
    _app: cyclopts.App = field(default_factory=lambda: node("batch"))

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
        if strays := registry.live_forms.keys() - registry.commands.keys():
            raise ValueError(f"forms of commands that are not there: {', '.join(sorted(strays))}")
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
        app = self._app
        *nouns, verb = mark.path.split()
        for noun in nouns:
            if noun not in app:
                app.command(node(noun))
            app = app[noun]
        app.command(grammar_of(handler), name=verb, help_flags=[], version_flags=[])
        summary, _, rest = document.partition("\n")
        details = "\n".join(line for line in rest.strip().splitlines() if not line.startswith((":param", "    ")))
        known = Command(mark, handler, summary.strip(), details.strip(), tuple(parameters_of(app[verb])))
        _check(known)
        self.commands[mark.path] = known

    def find(self, tokens: Sequence[str]) -> Command | None:
        """The command that the first words name, longest path first."""
        for length in (3, 2, 1):
            found = self.commands.get(" ".join(tokens[:length]).lower())
            if found and len(tokens) >= length:
                return found
        return None

    def command(self, tokens: Sequence[str]) -> Command:
        """The command that the first words name. Raises CommandError with the nearest commands."""
        known = self.find(tokens)
        if known is None:
            raise corrections.unknown(self.commands, tokens)
        return known

    def parse(self, tokens: Sequence[str]) -> Call:
        """The call that was typed. Raises CommandError with the nearest commands."""
        known = self.command(tokens)
        path = known.path.split()
        arguments = names_last(known, list(spelled_out(known, tokens[len(path) :])))
        try:
            _, bound, _ = self._app.parse_args([*path, *arguments], print_error=False, exit_on_error=False)
        except cyclopts.CycloptsError as error:
            raise corrections.mistake(known, tokens[len(path) :], error) from None
        call = Call(known, bound.args, bound.kwargs, join(tokens))
        _bounded(call)
        return call

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
