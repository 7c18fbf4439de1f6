"""What people type and what a handler's signature takes: words, options, and the grammar that cyclopts parses.

People type on phones: ``pool list state:active page:2`` is the same as ``pool list --state active --page 2``, and
typographic quotes and dashes are taken for the plain ones.
"""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Callable, Iterator, Sequence

import cyclopts

from bot.chat.typed import LONGEST, MOST
from bot.requests.command import NAMED, Command, CommandError, Handler, Parameter

_TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "—": "--", "–": "-", "\u00a0": " "})
_FENCED = re.compile(r"```(?:\w*\n)?(.*?)\n?```", re.DOTALL)
_YES_NO = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


def words(text: str) -> list[str]:
    """Split what a person typed. Raises CommandError for a quote that is not closed or text that is too long.

    A block of code between three backticks is one word, taken as it is; so is what stands in quotes, lines and all.
    """
    if len(text) > LONGEST:
        length = f"{len(text):,}" if len(text) < MOST else f"{MOST:,} or more"
        raise CommandError(f"That is {length} characters long; a command has {LONGEST:,} at most.")
    text = "".join(" " if ord(char) < ord(" ") and char != "\n" else char for char in text)
    found: list[str] = []
    for number, part in enumerate(_FENCED.split(text)):
        try:
            found += [part] if number % 2 else shlex.split(part.translate(_TYPOGRAPHY))
        except ValueError:
            raise CommandError("A quote is opened and not closed: close it or leave it out.") from None
    return found


def node(name: str) -> cyclopts.App:
    """A part of the grammar: a noun, or the whole of it."""
    return cyclopts.App(name=name, help_flags=[], version_flags=[])


def grammar_of(handler: Handler) -> Callable[..., object]:
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


def parameters_of(app: cyclopts.App) -> Iterator[Parameter]:
    """The parameters of a command, for help and forms."""
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


def spelled_out(known: Command, tokens: Sequence[str]) -> Iterator[str]:
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
                    yield f"--{name.lower()}={value}"  # in one word: the value may begin with a hyphen
                break
        else:
            yield token


def names_last(known: Command, arguments: Sequence[str]) -> list[str]:
    """The same, with a name such as ``-a`` behind ``--``, where it is taken as it is.

    The service's ids may begin with a hyphen, and no option has one alone.
    """
    if "--" in arguments or not any(word.startswith("-") and word[1:2] not in ("", "-") for word in arguments):
        return list(arguments)
    flags = {parameter.name for parameter in known.parameters if parameter.kind == "flag"}
    options: list[str] = []
    names: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if not word.startswith("--"):
            names.append(word)
            continue
        options.append(word)
        if word[2:].removeprefix("no-") not in flags and "=" not in word:
            options += [value for value in [next(rest, None)] if value is not None]
    return [*options, "--", *names]


def _shown(default: object) -> str:
    value = getattr(default, "value", default)
    return str(value).lower() if isinstance(value, bool) else str(value)
