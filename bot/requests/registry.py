"""The registry of commands: a handler's signature is its grammar.

A handler is an async function that takes a :class:`bot.requests.context.Context` and returns a card, or an async
generator whose cards replace each other in the same message (see :mod:`bot.requests.live`). ``@command("pool list")``
marks it, and :meth:`Registry.discover` finds every marked function in the handlers' package, so that adding a
command touches no other file. Parsing, help, forms, the documentation page and the platforms' manifests come
from the signature and the docstring (cyclopts does the parsing and the type conversion).

People type on phones: ``pool list state:active page:2`` is the same as ``pool list --state active --page 2``, and
typographic quotes and dashes are taken for the plain ones.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import cyclopts
from rapidfuzz import fuzz, process

from cards.card import Card

if TYPE_CHECKING:
    from bot.requests.context import Context
    from bot.settings import Role

Handler: TypeAlias = Callable[..., Awaitable[Card] | AsyncIterator[Card]]
H = TypeVar("H", bound=Handler)

NAMED = frozenset({"account", "pool", "node", "job", "task", "schedule", "application"})
"""Parameters are called after what they take: one of these takes the name of one, and forms complete it."""

_MARK = "__batchbot_command__"
LIVE_FORM = "__batchbot_form__"
"""The attribute of a function that :func:`bot.requests.forms.form_of` has marked."""
_TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "—": "--", "–": "-", "\u00a0": " "})
_LONGEST = 3000
_FEW = 4
_YES_NO = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


@dataclass(frozen=True)
class Mark:
    """What ``@command`` says about a handler."""

    path: str
    role: Role
    examples: tuple[str, ...]
    menu: int


def command(path: str, *, role: Role = "viewer", examples: Sequence[str] = (), menu: int = 0) -> Callable[[H], H]:
    """Mark a handler as the command ``path`` (one to three words).

    ``role`` is the least role that may run it, ``examples`` are shown in its help, ``menu`` > 0 puts it into the short
    command lists that platforms show, smallest number first.
    """

    def marked(handler: H) -> H:
        setattr(handler, _MARK, Mark(path, role, tuple(examples), menu))
        return handler

    return marked


class CommandError(Exception):
    """What was typed cannot be run: ``message`` says why, ``nearest`` are corrected commands to offer."""

    def __init__(self, message: str, nearest: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.nearest = tuple(nearest)


class Instead(Exception):
    """An answer that a handler comes upon on its way: what was asked for is not there, and this card says so."""

    def __init__(self, card: Card) -> None:
        super().__init__("answered otherwise")
        self.card = card


@dataclass(frozen=True)
class Parameter:
    """One parameter of a command, for help and forms."""

    name: str
    help: str
    kind: str
    required: bool
    positional: bool
    choices: tuple[str, ...]
    default: str
    many: bool = False
    """Takes all words that are left, such as a filter."""
    hidden: bool = False
    """For buttons only: not in forms."""
    names: str = ""
    """What it names, where that can be completed: pool, job, …; see :data:`NAMED`."""

    @property
    def usage(self) -> str:
        """How it is typed: ``JOB``, ``[page:NUMBER]``, or ``[follow]`` for a flag."""
        if self.many:
            return f"[{self.name.upper()} …]"
        if self.kind == "flag":
            return f"[{self.name}]"
        value = "|".join(self.choices) if 0 < len(self.choices) <= _FEW else self.name.upper()
        word = self.name.upper() if self.positional else f"{self.name}:{value}"
        return word if self.required else f"[{word}]"


@dataclass(frozen=True)
class Command:
    """A handler under its path."""

    path: str
    role: Role
    handler: Handler
    summary: str
    details: str
    examples: tuple[str, ...]
    menu: int
    parameters: tuple[Parameter, ...] = ()

    @property
    def noun(self) -> str:
        """The first word of the path."""
        return self.path.split()[0]

    @property
    def usage(self) -> str:
        """The whole grammar in one line."""
        return " ".join([self.path, *(parameter.usage for parameter in self.parameters if not parameter.hidden)])


@dataclass(frozen=True)
class Call:
    """A command with its arguments, ready to run."""

    command: Command
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    async def cards(self, ctx: Context) -> AsyncIterator[Card]:
        """Run the handler: one card, or for a live answer each card that follows."""
        answer = self.command.handler(ctx, *self.args, **self.kwargs)
        if isinstance(answer, Awaitable):
            yield await answer
        else:
            async for card in answer:
                yield card


def words(text: str) -> list[str]:
    """Split what a person typed. Raises CommandError for a quote that is not closed or text that is too long."""
    if len(text) > _LONGEST:
        raise CommandError(f"That is {len(text):,} characters long; a command has {_LONGEST:,} at most.")
    text = "".join(" " if ord(char) < ord(" ") else char for char in text.translate(_TYPOGRAPHY))
    try:
        return shlex.split(text)
    except ValueError:
        raise CommandError("A quote is opened and not closed: close it or leave it out.") from None


def join(tokens: Sequence[str]) -> str:
    """The inverse of :func:`words`."""
    return shlex.join(tokens)


@dataclass
class Registry:
    """Every command by its path."""

    commands: dict[str, Command] = field(default_factory=dict)
    live_forms: dict[str, object] = field(default_factory=dict)
    """By the command's path; :mod:`bot.requests.forms` knows what they are."""
    _app: cyclopts.App = field(default_factory=lambda: _node("batch"))

    @classmethod
    def discover(cls, package: ModuleType) -> Registry:
        """Every marked handler in the modules of ``package``, however deep they lie.

        ``package.ORDER`` names modules (``pool.show``) in the order in which help, forms and the reference tell their
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
            if isinstance(mark := getattr(handler, _MARK, None), Mark):
                self.add(handler, mark)
            if form := getattr(handler, LIVE_FORM, None):
                self.live_forms[form.path] = form

    def add(self, handler: Handler, mark: Mark) -> None:
        """Register one handler. Raises ValueError for a path that is taken or a handler without a docstring."""
        if mark.path in self.commands:
            raise ValueError(f"two handlers for the command {mark.path!r}")
        document = inspect.getdoc(handler)
        if not document:
            raise ValueError(f"the command {mark.path!r} has no docstring, which is its help")
        app = self._app
        *nouns, verb = mark.path.split()
        for noun in nouns:
            if noun not in app:
                app.command(_node(noun))
            app = app[noun]
        app.command(_grammar(handler), name=verb, help_flags=[], version_flags=[])
        summary, _, rest = document.partition("\n")
        details = "\n".join(line for line in rest.strip().splitlines() if not line.startswith((":param", "    ")))
        self.commands[mark.path] = Command(
            path=mark.path,
            role=mark.role,
            handler=handler,
            summary=summary.strip(),
            details=details.strip(),
            examples=mark.examples,
            menu=mark.menu,
            parameters=tuple(_parameters(app[verb])),
        )

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
            raise self._unknown(tokens)
        return known

    def parse(self, tokens: Sequence[str]) -> Call:
        """The call that was typed. Raises CommandError with the nearest commands."""
        known = self.command(tokens)
        path = known.path.split()
        arguments = self._spelled_out(known, tokens[len(path) :])
        try:
            _, bound, _ = self._app.parse_args([*path, *arguments], print_error=False, exit_on_error=False)
        except cyclopts.CycloptsError as error:
            raise self._mistake(known, tokens[len(path) :], error) from None
        return Call(known, bound.args, bound.kwargs)

    def menu(self) -> list[Command]:
        """The commands for a platform's short list, in their order."""
        return sorted((known for known in self.commands.values() if known.menu), key=lambda known: known.menu)

    def nouns(self) -> dict[str, list[Command]]:
        """Commands by their first word."""
        grouped: dict[str, list[Command]] = {}
        for known in self.commands.values():
            grouped.setdefault(known.noun, []).append(known)
        return grouped

    def _spelled_out(self, known: Command, tokens: Sequence[str]) -> Iterator[str]:
        """``state:active`` and ``state=active`` become ``--state active`` where the command has that option.

        A flag is given by its name alone (``follow``) or with a yes or no.
        Where the command takes a filter too, what the option does not know (``state:active,disabled``) is the filter's.
        """
        options = {parameter.name: parameter for parameter in known.parameters if not parameter.positional}
        filtered = any(parameter.many for parameter in known.parameters)
        for token in tokens:
            if (option := options.get(token.lower())) and option.kind == "flag":
                yield f"--{option.name}"
                continue
            for separator in (":", "="):
                name, found, value = token.partition(separator)
                option = options.get(name.lower())
                if option and option.kind == "flag" and (given := _YES_NO.get(value.lower())) is not None:
                    if given:
                        yield f"--{option.name}"
                    break
                if option and found and value:
                    if filtered and option.choices and value not in option.choices:
                        yield token
                    else:
                        yield from (f"--{name.lower()}", value)
                    break
            else:
                yield token

    def _unknown(self, tokens: Sequence[str]) -> CommandError:
        typed = " ".join(tokens[:2]).lower()
        verbs = [known.path for known in self.commands.values() if known.noun == tokens[0].lower()] if tokens else []
        if verbs and len(tokens) == 1:
            return CommandError(f"What about {tokens[0]}?", verbs[:5])
        found = process.extract(typed, list(self.commands), scorer=fuzz.WRatio, limit=3, score_cutoff=60)
        nearest = [path for path, _, _ in found] or verbs
        rest = list(tokens[2:])
        offered = [join([*path.split(), *rest]) if len(path.split()) > 1 else path for path in nearest[:3]]
        if verbs and len(tokens) == 2 and f"{tokens[0].lower()} show" in self.commands:
            offered.append(join([tokens[0].lower(), "show", tokens[1]]))
        if not offered:
            offered.append("help")
        return CommandError(f"I know no command “{' '.join(tokens[:2])}”.", list(dict.fromkeys(offered)))

    def _mistake(self, known: Command, tokens: Sequence[str], error: cyclopts.CycloptsError) -> CommandError:
        match error:
            case cyclopts.MissingArgumentError(argument=cyclopts.Argument(field_info=missing)):
                message = f"“{known.path}” needs a {missing.name}: {known.usage}"
            case cyclopts.UnusedCliTokensError(unused_tokens=[*rest]) if rest:
                message = f"“{known.path}” does not know what to do with “{' '.join(rest)}”: {known.usage}"
            case _:
                message = " ".join(str(error).split()).replace("--", "")
        nearest = [
            join([*known.path.split(), *tokens[:index], fixed, *tokens[index + 1 :]])
            for index, token in enumerate(tokens)
            if (fixed := _respelled(known, token))
        ]
        return CommandError(message, [*nearest, join(["help", *known.path.split()])])


def _respelled(known: Command, token: str) -> str | None:
    """``stat:actve`` → ``state:active``; None where the word is right or nothing is near."""
    name, found, value = token.partition(":")
    options = {parameter.name: parameter for parameter in known.parameters if not parameter.positional}
    if not found or not options:
        return None
    near = process.extractOne(name.lower(), list(options), score_cutoff=60)
    if not near:
        return None
    choices = options[near[0]].choices
    if choices and value not in choices:
        best = process.extractOne(value.lower(), list(choices), score_cutoff=50)
        value = best[0] if best else value
    fixed = f"{near[0]}:{value}"
    return fixed if fixed != token else None


def _node(name: str) -> cyclopts.App:
    return cyclopts.App(name=name, help_flags=[], version_flags=[])


def _grammar(handler: Handler) -> Callable[..., object]:
    """The handler's signature without its context, as cyclopts reads it. It is parsed, never called."""
    signature = inspect.signature(handler, eval_str=True)
    parameters = list(signature.parameters.values())[1:]

    def grammar(*args: object, **kwargs: object) -> None:
        raise AssertionError("a grammar is parsed, not called")

    grammar.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    grammar.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    grammar.__doc__ = handler.__doc__
    grammar.__name__ = handler.__name__
    return grammar


def _parameters(app: cyclopts.App) -> Iterator[Parameter]:
    for argument in app.assemble_argument_collection(parse_docstring=True):
        choices = tuple(argument.get_choices() or ())
        hint = argument.hint
        default = argument.field_info.default
        positional = argument.field_info.kind is not inspect.Parameter.KEYWORD_ONLY
        kind = {bool: "flag", int: "number", float: "number"}.get(hint, "text")
        many = argument.field_info.kind is inspect.Parameter.VAR_POSITIONAL
        name = argument.field_info.name.rstrip("_")  # a word of Python, such as for_
        yield Parameter(
            name=name,
            help=str(argument.parameter.help or ""),
            kind=kind,
            required=bool(argument.required),
            positional=positional,
            choices=choices,
            default="" if default is inspect.Parameter.empty or default is None else _shown(default),
            many=many,
            hidden=not argument.show,
            names=name if name in NAMED and kind == "text" and not choices and not many else "",
        )


def _shown(default: object) -> str:
    value = getattr(default, "value", default)
    return str(value).lower() if isinstance(value, bool) else str(value)
