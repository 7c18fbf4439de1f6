"""What people type and what a handler's signature takes: words, options, and the grammar that cyclopts parses.

People type on phones: ``pool list state:active page:2`` is the same as ``pool list --state active --page 2``, and
typographic quotes, dashes and spaces are taken for the plain ones, and characters that nobody sees are left out. What
stands in plain quotes is exact, as on a button (:class:`cards.command_line.Exact`): not a letter of it is changed, and
it is no option, whatever it looks like.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Container, Iterator, Sequence
from copy import copy
from typing import Any

import cyclopts

from bot.chat.typed import LONGEST, MOST
from bot.requests.command import NAMED, Command, CommandError, Handler, Parameter
from cards.command_line import Exact

_INVISIBLE = "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0e\ufe0f\ufeff"
"""Characters that nobody sees, which come along with what is copied: a class of a regular expression."""
_SPACES = "\x00-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""Every kind of space, as such a class."""
_UNSEEN = re.compile(f"[{_INVISIBLE}]")
_TYPOGRAPHY = str.maketrans({
    "‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "—": "--", "–": "-", "\u00a0": " ",
    **dict.fromkeys("\u2010\u2011\u2012\u2212\ufe63\uff0d", "-"),  # hyphens and minus signs of every kind
    **dict(zip("\uff1a\uff1d\uff1e\uff1c\uff0c", ":=><,", strict=True)),  # as keyboards of East Asia have them
})  # fmt: skip
_PIECE = re.compile(
    rf"""
    ```(?:\w*\n)?(?P<fenced>.*?)\n?```
    | (?P<blank>[{_SPACES}]+)
    | '(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\]|\\.)*)"
    | "(?P<raw>[^"]*)"                              # a folder of Windows: "C:\data\"
    | ["“„”](?P<curly>[^"“„”]*)["“”]
    | (?P<opens>["'“„”])
    | (?P<plain>[^{_SPACES}'"“„”`]+|`)
    """,
    re.DOTALL | re.VERBOSE,
)
_CURLY = re.compile(r"['‘’](.*?)['‘’](?=[\s\xa0,]|$)", re.DOTALL)
_BEFORE_QUOTES = frozenset(":=~<>(,")
_MADE = re.compile(r"job:job-\d+", re.IGNORECASE)
"""How a job is called that was made by a schedule called ``job``."""
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
        meant = _meant(kind, piece)
        if kind == "plain" and not meant:
            continue
        exact = exact or (not begun and kind != "plain")
        word, begun = word + meant, True
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
            return _plain(piece[kind])
    return _plain(piece[1])


def _plain(text: str) -> str:
    return _UNSEEN.sub("", text).translate(_TYPOGRAPHY)


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
    Where the command takes a filter too, what the option does not know (``state:active,disabled``) is the filter's,
    but for an order, which is no condition.
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
                if filtered and option.choices and value not in option.choices and option.name != "sort":
                    yield token
                else:
                    yield f"--{name.lower()}={value}"  # in one word: the value may begin with a hyphen
                break
        else:
            yield token


def by_position(known: Command, tokens: Sequence[str]) -> list[str]:
    """The same with what is given by the name of a position in its place: ``node list state:bad pool:gpu-a``.

    Names of the service have no colon, but those of jobs that a schedule made: ``job:job-7`` stays such a one.
    """
    positions = [each for each in known.parameters if each.positional and not each.many]
    names = {each.name for each in positions if each.name in NAMED and each.name != "account"}
    options = {each.name for each in known.parameters if not each.positional}
    given: dict[str, str] = {}
    rest: list[str] = []
    for at, token in enumerate(tokens):
        name, separator, value = ("", "", "") if isinstance(token, Exact) else token.partition(":")
        fits = separator and value and name.lower() in names - options - given.keys() and not _MADE.fullmatch(token)
        if NAMES_FOLLOW in tokens[:at] or not fits:
            rest.append(token)
        else:
            given[name.lower()] = value
    if not given:
        return rest
    left = iter([each for each in rest if isinstance(each, Exact) or not _is_option(each, options)])
    placed = [given[each.name] if each.name in given else next(left, None) for each in positions]
    if None in placed[: max(at for at, each in enumerate(positions) if each.name in given)]:
        return list(tokens)  # one before it is lacking, and its name says which it is
    behind = [*left, *(each for each in rest if not isinstance(each, Exact) and _is_option(each, options))]
    return [*(each for each in placed if each is not None), *behind]


def _is_option(token: str, options: Container[str]) -> bool:
    return token.startswith("--") or re.split("[:=]", token, maxsplit=1)[0].lower() in options


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
