"""What is wrong with the words behind a command, in plain words, and the same command with that alone put right.

A correction is one that can be run, and has every other word as it was typed. Where there is none, the command's form
is offered with what was right in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import cyclopts
from rapidfuzz import process

from bot.requests.command import Command, CommandError, Parameter
from bot.requests.corrections import Fitting
from cards.command_line import Exact, join
from cards.formatting import with_article

_YES_NO = ("yes", "no")
_AROUND_NUMBERS = re.compile(r"[\s,_%$€£]")
_SHOWN = 60


def mistake(known: Command, tokens: Sequence[str], error: cyclopts.CycloptsError, fit: Fitting) -> CommandError:
    """The command is known, but not what was typed behind it (``tokens``)."""
    path = known.path.split()
    lacks, at = left_out(known, error), _parameter(known, error)
    wrong = error.token.value if isinstance(error, cyclopts.CoercionError) and error.token and at else None
    nearest = [[*path, *fixed] for fixed in _corrected(known, tokens, at, wrong)]
    whole = [join(each) for each in nearest if fit(each) == "whole"]
    filled = [token for index, token in enumerate(tokens) if not _wrong(tokens, index, error, at, lacks)]
    forms = [_readable(path, filled, fit)] if not whole and any(not each.hidden for each in known.parameters) else []
    return CommandError(
        _words(known, error, at, lacks),
        [*dict.fromkeys(whole), join(["help", *path])],
        at=at.name if at else "",
        forms=forms,
        lacks=lacks.name if lacks else "",
        settled=True,
    )


def _readable(path: Sequence[str], filled: Sequence[str], fit: Fitting) -> str:
    """The command with those of its words that can be read together."""
    tokens = [*path, *filled]
    if fit(tokens) == "none":
        tokens = list(path)
        for token in filled:
            tokens += [token] if fit([*tokens, token]) != "none" else []
    return join(tokens)


def left_out(known: Command, error: cyclopts.CycloptsError) -> Parameter | None:
    """The parameter that the command needs and was not given; None for other mistakes."""
    found = _parameter(known, error)
    return found if isinstance(error, cyclopts.MissingArgumentError) and found and found.required else None


def _parameter(known: Command, error: cyclopts.CycloptsError) -> Parameter | None:
    if error.argument is None:
        return None
    name = error.argument.field_info.name.rstrip("_")
    return next((each for each in known.parameters if each.name == name), None)


def _wrong(
    tokens: Sequence[str], index: int, error: cyclopts.CycloptsError, at: Parameter | None, lacks: Parameter | None
) -> bool:
    """Whether a word is what the command does not know."""
    token = tokens[index]
    if isinstance(error, cyclopts.UnusedCliTokensError):
        return token in (error.unused_tokens or ())
    if isinstance(error, cyclopts.UnknownOptionError):
        return token.lstrip("-").partition("=")[0] == error.token.keyword.lstrip("-") if error.token.keyword else False
    if at is None or lacks is not None:
        return False
    if at.positional:
        return isinstance(error, cyclopts.CoercionError) and error.token is not None and token == error.token.value
    before = tokens[index - 1].lower() if index else ""
    return _named(token) == at.name or (before == f"--{at.name}" and not token.startswith("--"))


def _named(token: str) -> str:
    """The option that a word gives a value."""
    return "" if isinstance(token, Exact) else re.split("[:=]", token, maxsplit=1)[0].lower().removeprefix("--")


def _words(known: Command, error: cyclopts.CycloptsError, at: Parameter | None, lacks: Parameter | None) -> str:
    given = getattr(getattr(error, "token", None), "value", "")
    typed = f"“{given[:_SHOWN]}”"
    match error:
        case cyclopts.MissingArgumentError() if lacks:
            what = f"“{known.path}” needs {with_article(lacks.name)}."
        case cyclopts.MissingArgumentError() if at:
            return f"{at.name} needs a value behind it, such as {_example(at)}."
        case cyclopts.UnusedCliTokensError(unused_tokens=[*rest]) if rest:
            what = f"“{known.path}” has no use for “{' '.join(rest)[:_SHOWN]}”."
            if ":" in rest[0]:
                return f"{what} {_takes(known)}"
        case cyclopts.RepeatArgumentError():
            return f"{(error.token.keyword or 'an option').removeprefix('--')} is given twice: give it once."
        case cyclopts.UnknownOptionError():
            option = error.token.keyword or error.token.value
            return f"“{known.path}” has no option “{option[:_SHOWN]}”. {_takes(known)}"
        case cyclopts.CoercionError() if at:
            return _unfit(at, typed, error.target_type)
        case _:
            what = f"“{known.path}” cannot be read that way."
    return f"{what} Type {known.brief}"


def _takes(known: Command) -> str:
    """What can be typed behind it: the names of its options, where there are any."""
    options = [each.name for each in known.parameters if not (each.positional or each.hidden)]
    if not options:
        return f"Type {known.brief}"
    *first, last = options
    return f"Its options: {', '.join(first)}{' and ' if first else ''}{last}."


def _unfit(parameter: Parameter, typed: str, wanted: object) -> str:
    """What values there are, of a parameter that cannot have the one that was ``typed``."""
    name = parameter.name
    if parameter.choices:
        return f"{typed} is not a value of {name}: write {_or(parameter.choices)}."
    if parameter.kind == "flag":
        return f"{typed} is neither yes nor no: write {name} for yes, or leave it out."
    if wanted in (int, float):
        kind = "whole number" if wanted is int else "number"
        value = parameter.default or "3"
        value = value if parameter.positional else f"{name}:{value}"
        return f"{typed} is not a {kind} for {name}: write one such as {value}."
    return f"{typed} is not a value of {name}."


def _example(parameter: Parameter) -> str:
    value = parameter.default or (parameter.choices[0] if parameter.choices else parameter.name.upper())
    return value if parameter.positional else f"{parameter.name}:{value}"


def _or(choices: Sequence[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def _corrected(known: Command, tokens: Sequence[str], at: Parameter | None, wrong: str | None) -> Iterator[list[str]]:
    """What could have been meant: one word put right, or each that is mistyped; not all of it can be run.

    ``wrong`` is the value that ``at`` cannot have; None where it is no value that is wrong.
    """
    typed = list(tokens)
    fixes = {index: found for index, token in enumerate(tokens) if (found := _respelled(known, token))}
    if at and at.positional and wrong is not None and wrong in tokens:
        index = typed.index(wrong)
        fixes[index] = _values(at, typed[index])
    elif at and wrong and (number := _number(wrong)):
        for index, token in enumerate(tokens):
            if _named(token) == at.name and token.endswith(wrong):
                fixes[index] = [f"{at.name}:{number}"]
    fixes = {index: found for index, found in fixes.items() if found}
    for index, found in fixes.items():
        yield from ([*typed[:index], each, *typed[index + 1 :]] for each in found)
    if len(fixes) > 1:
        yield [fixes[index][0] if index in fixes else token for index, token in enumerate(tokens)]
    options = _options(known)
    for index, (name, value) in enumerate(pairwise(tokens)):
        option = None if isinstance(name, Exact) else options.get(name.lower())
        if option and option.kind != "flag" and not value.startswith("--") and _named(value) not in options:
            yield [*typed[:index], f"{option.name}:{value}", *typed[index + 2 :]]
    for index, token in enumerate(tokens):  # something may be called as a flag is
        flag = None if isinstance(token, Exact) else options.get(token.lower())
        if flag and flag.kind == "flag":
            yield [*typed[:index], Exact(token), *typed[index + 1 :]]


def _options(known: Command) -> dict[str, Parameter]:
    """The parameters that are written ``name:value``."""
    return {parameter.name: parameter for parameter in known.parameters if not parameter.positional}


def _respelled(known: Command, token: str) -> list[str]:
    """``stat:actve`` → ``state:active``; nothing where the word is right or nothing is near."""
    if isinstance(token, Exact):
        return []
    options = _options(known)
    name, found, value = token.partition(":") if ":" in token else token.partition("=")
    near = process.extractOne(name.lower().removeprefix("--"), list(options), score_cutoff=60) if options else None
    if not found or not near:
        return []
    option = options[near[0]]
    values = _values(option, value) or ([value] if near[0] != name.lower() else [])
    return [f"{option.name}:{each}" for each in values]


def _values(parameter: Parameter, typed: str) -> list[str]:
    """Right values that are near a wrong one of a choice, a number, or yes and no; nothing where it is right."""
    choices = _YES_NO if parameter.kind == "flag" else parameter.choices
    if choices and typed not in choices:
        low = typed.lower()
        if parameter.kind == "flag" and low in ("true", "false", "on", "off", "1", "0"):
            return []
        best = process.extractOne(low, list(choices), score_cutoff=75 if parameter.kind == "flag" else 65)
        return [best[0]] if best else []
    return [number] if parameter.kind == "number" and (number := _number(typed)) else []


def _number(typed: str) -> str:
    """``$1,000`` → ``1000``; empty where it is none, or needs nothing taken away."""
    number = _AROUND_NUMBERS.sub("", typed)
    return number if number != typed and re.fullmatch(r"-?\d+(\.\d+)?", number) else ""
