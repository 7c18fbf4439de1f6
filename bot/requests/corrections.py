"""Did you mean: the nearest commands to what was typed and begins like none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from rapidfuzz import fuzz, process
from rapidfuzz.distance import DamerauLevenshtein

from bot.requests.command import Command, CommandError
from bot.requests.used import lately
from cards.command_line import join

Fit: TypeAlias = Literal["whole", "lacking", "none"]
"""How far words are a command: all of one, one that lacks a parameter, none."""
Fitting: TypeAlias = Callable[[Sequence[str]], Fit]

_OFFERED = 3
_ALIKE = 65
"""Least likeness (of 100) of a command that only reads."""
_ALIKE_ALONE = 75
"""The same of a command of one word, which is soon alike."""
_ALIKE_WORD = 40
"""The same of each word by itself."""
_LONG = 14
"""Letters of a command in which two slips are as likely as one in a shorter one."""
_LONGEST_PATH = 3
_MEANT = {
    **dict.fromkeys(("bill", "bills", "billing", "invoice", "invoices", "spend", "spending", "costs"), ("cost",)),
    **dict.fromkeys(("receipt", "receipts"), ("cost receipts", "cost job")),
    **dict.fromkeys(("failure", "failed", "errors"), ("failures", "job list failed>0", "alert list")),
    **dict.fromkeys(("explain", "reason"), ("job show", "pool show", "alert list")),
    **dict.fromkeys(("budget", "budgets"), ("cost budgets",)),
    **dict.fromkeys(("logs", "output"), ("log",)),
    **dict.fromkeys(("quota", "quotas"), ("account quotas", "account show")),
    **dict.fromkeys(("incident", "incidents"), ("alert list",)),
}
"""Commands by a word of the trade that begins none: with what was typed behind it where they take that."""


def unknown(commands: Mapping[str, Command], tokens: Sequence[str], fit: Fitting) -> CommandError:
    """No command begins like that; ``commands`` are those that there are, by path.

    What was typed behind the words that are no command stands behind each correction too. One that lacks a parameter
    is offered as its form.
    """
    first = tokens[0].lower() if tokens else ""
    verbs = sorted((known.path for known in commands.values() if known.noun == first), key=lately)
    if verbs and len(tokens) == 1:
        return _offering(f"What about {tokens[0]}?", [path.split() for path in verbs], fit, most=5)
    message = f"There is no command “{' '.join(tokens[:2])}”."
    if meant := _MEANT.get(first):
        helped = "help cost" if meant[0].startswith("cost") else "help"
        found = _offering(message, [[*path.split(), *tokens[1:]] for path in meant], fit, helped)
        if found.nearest != (helped,) or found.forms:
            return found
    nearest = list(_nearest(commands, tokens))
    if (one := first.removesuffix("s")) != first and f"{one} list" in commands:  # people say “pools”
        nearest = [[one, "list", *tokens[1:]], *nearest]
    if not nearest and verbs:
        nearest = [[*path.split(), *tokens[2:]] for path in verbs if commands[path].effect == "read"]
    if verbs and len(tokens) == 2 and f"{first} show" in commands:
        nearest = [*nearest[:_OFFERED], [first, "show", tokens[1]]]
    return _offering(message, nearest, fit, join(["help", first]) if verbs else "help", most=_OFFERED + 1)


def beside(
    commands: Mapping[str, Command], known: Command, tokens: Sequence[str], error: CommandError, fit: Fitting
) -> CommandError:
    """The first word behind a command was wrong: a longer command may have been meant (``cost budget``).

    ``tokens`` are what was typed behind it. Those commands are offered before what the error offers.
    """
    if not tokens or error.lacks:
        return error
    word, lead = tokens[0].lower(), f"{known.path} "
    longer = {
        path: each
        for path, each in commands.items()
        if path.startswith(lead) and fuzz.ratio(word, path.removeprefix(lead)) >= _ALIKE
    }
    meant = [(fit(each), join(each)) for each in _nearest(longer, [*known.path.split(), *tokens])]
    whole = [line for how, line in meant if how == "whole"]
    lacking = [line for how, line in meant if how == "lacking"]
    if not whole and not lacking:
        return error
    nearest = list(dict.fromkeys([*whole, *error.nearest]))
    return CommandError(error.message, nearest, at=error.at, forms=[*lacking, *error.forms], settled=True)


def _offering(
    message: str, nearest: Iterable[Sequence[str]], fit: Fitting, helped: str = "help", most: int = _OFFERED
) -> CommandError:
    by_fit: dict[Fit, list[str]] = {"whole": [], "lacking": [], "none": []}
    for tokens in nearest:
        by_fit[fit(tokens)].append(join(tokens))
    whole = list(dict.fromkeys(by_fit["whole"]))[:most]
    lacking = list(dict.fromkeys(by_fit["lacking"]))[: most - len(whole)]
    return CommandError(message, [*whole, helped], forms=lacking, settled=True)


def _nearest(commands: Mapping[str, Command], tokens: Sequence[str]) -> Iterable[list[str]]:
    """The commands that were meant, the likeliest first, each with the words behind what was mistyped.

    Of those that are equally near, those come first that were used last (:mod:`bot.requests.used`).

    What changes or destroys something is among them only where nothing but a slip of the finger lies between: a word
    that is merely alike may do the opposite (``node start`` for ``node restart``).
    """
    slips: list[tuple[int, list[str]]] = []
    alike: list[tuple[float, list[str]]] = []
    for length in range(1, min(len(tokens), _LONGEST_PATH) + 1):
        typed, rest = " ".join(tokens[:length]).lower(), list(tokens[length:])
        paths = [path for path in commands if len(path.split()) == length and _word_by_word(typed, path)]
        paths.sort(key=lately)
        found = [path for path in paths if DamerauLevenshtein.distance(typed, path) <= (2 if len(path) >= _LONG else 1)]
        found = [path for path in found if commands[path].effect == "read" or _same_ends(typed, path)]
        slips += [(DamerauLevenshtein.distance(typed, path), [*path.split(), *rest]) for path in found]
        reads = [path for path in paths if commands[path].effect == "read" and path not in found]
        least = _ALIKE if length > 1 else _ALIKE_ALONE
        near = process.extract(typed, reads, scorer=fuzz.ratio, limit=_OFFERED, score_cutoff=least)
        alike += [(score, [*path.split(), *rest]) for path, score, _ in near]
    slips.sort(key=lambda each: each[0])
    alike.sort(key=lambda each: -each[0])
    yield from (tokens for _, tokens in (*slips, *alike))


def _word_by_word(typed: str, path: str) -> bool:
    """Whether each word can have been meant for the other's: what names something is not made a part of a path."""
    return all(fuzz.ratio(*each) >= _ALIKE_WORD for each in zip(typed.split(), path.split(), strict=False))


def _same_ends(typed: str, path: str) -> bool:
    """Whether each word begins as the other's: what is put before a word (``de``, ``un``) turns it around."""
    pairs = zip(typed.split(), path.split(), strict=False)
    return len(typed.split()) == len(path.split()) and all(one[:1] == other[:1] for one, other in pairs)
