"""Did you mean: the nearest commands to what was typed and is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import cyclopts
from rapidfuzz import fuzz, process
from rapidfuzz.distance import DamerauLevenshtein

from bot.requests.command import Command, CommandError, Parameter
from cards.command_line import join

_OFFERED = 3
_ALIKE = 65
"""Least likeness (of 100) of a command that only reads."""
_LONG = 14
"""Letters of a command in which two slips are as likely as one in a shorter one."""


def unknown(commands: Mapping[str, Command], tokens: Sequence[str]) -> CommandError:
    """No command begins like that; ``commands`` are those that there are, by path."""
    typed = " ".join(tokens[:2]).lower()
    verbs = [known.path for known in commands.values() if known.noun == tokens[0].lower()] if tokens else []
    if verbs and len(tokens) == 1:
        return CommandError(f"What about {tokens[0]}?", verbs[:5])
    rest = list(tokens[2:])
    nearest = _nearest(commands, typed)
    if not nearest and verbs:
        nearest = [path for path in verbs if commands[path].effect == "read"]
    offered = [join([*path.split(), *rest]) if len(path.split()) > 1 else path for path in nearest[:_OFFERED]]
    if verbs and len(tokens) == 2 and f"{tokens[0].lower()} show" in commands:
        offered.append(join([tokens[0].lower(), "show", tokens[1]]))
    if not offered or verbs:
        offered.append(join(["help", tokens[0].lower()]) if verbs else "help")
    return CommandError(f"I know no command “{' '.join(tokens[:2])}”.", list(dict.fromkeys(offered)))


def beside(commands: Mapping[str, Command], known: Command, tokens: Sequence[str], error: CommandError) -> CommandError:
    """The first word behind a command was wrong: a longer command may have been meant (``cost budget``).

    ``tokens`` are what was typed behind it. Those commands are offered before what the error offers.
    """
    if not tokens:
        return error
    word, lead = tokens[0].lower(), f"{known.path} "
    longer = {path: each for path, each in commands.items() if path.startswith(lead)}
    meant = [
        path for path in _nearest(longer, lead + word) if fuzz.ratio(word, path.removeprefix(lead), score_cutoff=_ALIKE)
    ]
    offered = [join([*path.split(), *tokens[1:]]) for path in meant]
    return CommandError(error.message, [*offered, *error.nearest], at=error.at) if meant else error


def _nearest(commands: Mapping[str, Command], typed: str) -> list[str]:
    """The paths that were meant, the likeliest first.

    What changes or destroys something is among them only where nothing but a slip of the finger lies between: a word
    that is merely alike may do the opposite (``node start`` for ``node restart``).
    """
    slips = [path for path in commands if DamerauLevenshtein.distance(typed, path) <= (2 if len(path) >= _LONG else 1)]
    slips = [path for path in slips if commands[path].effect == "read" or _same_ends(typed, path)]
    reads = [path for path, known in commands.items() if known.effect == "read" and path not in slips]
    alike = process.extract(typed, reads, scorer=fuzz.ratio, limit=_OFFERED, score_cutoff=_ALIKE)
    slips.sort(key=lambda path: DamerauLevenshtein.distance(typed, path))
    return [*slips, *(path for path, _, _ in alike)]


def _same_ends(typed: str, path: str) -> bool:
    """Whether each word begins as the other's: what is put before a word (``de``, ``un``) turns it around."""
    pairs = zip(typed.split(), path.split(), strict=False)
    return len(typed.split()) == len(path.split()) and all(one[:1] == other[:1] for one, other in pairs)


def mistake(known: Command, tokens: Sequence[str], error: cyclopts.CycloptsError) -> CommandError:
    """The command is known, but not what was typed behind it (``tokens``)."""
    match error:
        case cyclopts.MissingArgumentError(argument=cyclopts.Argument(field_info=missing)):
            word = missing.name.rstrip("_")
            article = "an" if word[:1] in "aeio" else "a"  # an operation, but a user
            message = f"“{known.path}” needs {article} {word}. Type {known.brief}"
        case cyclopts.UnusedCliTokensError(unused_tokens=[*rest]) if rest:
            message = f"“{known.path}” does not know what to do with “{' '.join(rest)}”. Type {known.brief}"
        case _:
            message = " ".join(str(error).split()).replace("--", "")
    nearest = [
        join([*known.path.split(), *tokens[:index], fixed, *tokens[index + 1 :]])
        for index, token in enumerate(tokens)
        if (fixed := _respelled(known, token))
    ]
    nearest += [
        join([*known.path.split(), *tokens[:index], f"{name.lower()}:{value}", *tokens[index + 2 :]])
        for index, (name, value) in enumerate(pairwise(tokens))
        if name.lower() in _options(known) and ":" not in value
    ]
    return CommandError(message, [*nearest, join(["help", *known.path.split()])])


def _options(known: Command) -> dict[str, Parameter]:
    """The parameters that are written ``name:value``."""
    return {parameter.name: parameter for parameter in known.parameters if not parameter.positional}


def _respelled(known: Command, token: str) -> str | None:
    """``stat:actve`` → ``state:active``; None where the word is right or nothing is near."""
    name, found, value = token.partition(":")
    options = _options(known)
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
