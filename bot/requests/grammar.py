"""What people type and what a handler's signature takes: words, options, and the grammar that cyclopts parses.

People type on phones: ``pool list state:active page:2`` is the same as ``pool list --state active --page 2``, and
typographic quotes and dashes are taken for the plain ones. What stands in plain quotes is exact, as on a button
(:class:`cards.command_line.Exact`): not a letter of it is changed, and it is no option, whatever it looks like.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

import cyclopts

from bot.chat.typed import LONGEST, MOST
from bot.requests.command import NAMED, Command, CommandError, Handler, Parameter
from cards.command_line import Exact

_TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "—": "--", "–": "-", "\u00a0": " "})
_PIECE = re.compile(
    r"""
    ```(?:\w*\n)?(?P<fenced>.*?)\n?```
    | (?P<blank>[\x00-\x20\xa0]+)
    | '(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\]|\\.)*)"
    | "(?P<raw>[^"]*)"                              # a folder of Windows: "C:\data\"
    | ["“„”](?P<curly>[^"“„”]*)["“”]
    | (?P<opens>["'“„”])
    | (?P<plain>[^\x00-\x20\xa0'"“„”`]+|`)
    """,
    re.DOTALL | re.VERBOSE,
)
_CURLY = re.compile(r"['‘’](.*?)['‘’](?=[\s\xa0,]|$)", re.DOTALL)
_BEFORE_QUOTES = frozenset(":=~<>(,")
NAMES_FOLLOW = "--"
"""Behind it every word is a name, as on other command lines."""
_YES_NO = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


def words(text: str) -> list[str]:
    """Split what a person typed, or a button carries. Raises CommandError for a quote that is not closed or text that
    is too long.

    What stands in plain quotes is exact, what stands in typographic ones is made plain as the rest is; a word that
    begins with a quote is an :class:`~cards.command_line.Exact` one. A block of code between three backticks is one
    such word. A backslash is a letter like others; only between ``"`` it takes ``"`` and ``\\`` behind it as they are.
    """
    if len(text) > LONGEST:
        length = f"{len(text):,}" if len(text) < MOST else f"{MOST:,} or more"
        raise CommandError(f"That is {length} characters long; a command has {LONGEST:,} at most.")
    found: list[str] = []
    word, begun, exact, at = "", False, False, 0
    while at < len(text):
        piece = _quotation(text, at, word, begun=begun) or _PIECE.match(text, at)
        assert piece is not None  # noqa: S101 - every character begins a piece
        at = piece.end()
        kind = piece.lastgroup
        if kind == "opens":
            raise CommandError("A quote is opened and not closed: close it or leave it out.")
        if kind in ("blank", "fenced"):
            if begun:
                found.append(Exact(word) if exact else word)
            found += [Exact(piece[kind])] if kind == "fenced" else []
            word, begun, exact = "", False, False
            continue
        exact = exact or (not begun and kind != "plain")
        word, begun = word + _meant(kind, piece), True
    return [*found, Exact(word) if exact else word] if begun else found


def _quotation(text: str, at: int, word: str, *, begun: bool) -> re.Match[str] | None:
    """A quotation in typographic single quotes, which are apostrophes too: it begins a word or what is behind an
    operator. What begins with the plain one and is closed by it is none.
    """
    if text[at] not in "'‘’" or (begun and word[-1:] not in _BEFORE_QUOTES):
        return None
    if text[at] == "'" and "'" in text[at + 1 :]:
        return None
    return _CURLY.match(text, at)


def _meant(kind: str | None, piece: re.Match[str]) -> str:
    match kind:
        case "single" | "raw":
            return piece[kind]
        case "double":
            return re.sub(r'\\(["\\])', r"\1", piece[kind])
        case "plain" | "curly":
            return piece[kind].translate(_TYPOGRAPHY)
    return piece[1].translate(_TYPOGRAPHY)


def grammar_of(handler: Handler) -> cyclopts.App:
    """How cyclopts reads a command's words: the handler's signature without its context. It is parsed, never called."""
    signature = inspect.signature(handler, eval_str=True)
    parameters = list(signature.parameters.values())[1:]

    def grammar(*args: object, **kwargs: object) -> None:
        raise AssertionError("a grammar is parsed, not called")

    grammar.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    grammar.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    grammar.__doc__ = handler.__doc__
    grammar.__name__ = handler.__name__
    app = Grammar(help_flags=[], version_flags=[])
    app.default(grammar)
    return app


class Grammar(cyclopts.App):
    """One command's words. What its signature says is found out once and copied for each reading: half of the time."""

    _known: cyclopts.ArgumentCollection | None = None

    def assemble_argument_collection(self, **how: Any) -> cyclopts.ArgumentCollection:
        """What the command takes, with nothing read yet."""
        if how:
            return super().assemble_argument_collection(**how)
        if self._known is None:
            self._known = super().assemble_argument_collection()
        unread = copy(self._known)
        unread[:] = map(_unread, self._known)
        return unread


def _unread(argument: cyclopts.Argument) -> cyclopts.Argument:
    fresh = copy(argument)
    fresh.tokens = []
    return fresh


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

    A flag is given by its name alone (``follow``) or with a yes or no. What is exact or behind ``--`` is a name.
    Where the command takes a filter too, what the option does not know (``state:active,disabled``) is the filter's.
    """
    options = {parameter.name: parameter for parameter in known.parameters if not parameter.positional}
    filtered = any(parameter.many for parameter in known.parameters)
    rest = iter(tokens)
    for token in rest:
        if isinstance(token, Exact):
            yield token
            continue
        if token == NAMES_FOLLOW:
            yield from map(Exact, rest)
            return
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
    if not any(word.startswith("-") and (isinstance(word, Exact) or word[1:2] not in ("", "-")) for word in arguments):
        return list(arguments)
    flags = {parameter.name for parameter in known.parameters if parameter.kind == "flag"}
    options: list[str] = []
    names: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if isinstance(word, Exact) or not word.startswith("--"):
            names.append(word)
            continue
        options.append(word)
        if word[2:].removeprefix("no-") not in flags and "=" not in word:
            options += [value for value in [next(rest, None)] if value is not None]
    return [*options, NAMES_FOLLOW, *names]


def _shown(default: object) -> str:
    value = getattr(default, "value", default)
    return str(value).lower() if isinstance(value, bool) else str(value)
