"""In which account the name in a command lies, and what is called almost so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from bot.domain.entity import fold
from bot.requests.command import Call
from bot.requests.grammar import words
from bot.requests.plain_words.known import Known, World
from bot.requests.registry import Registry
from bot.requests.services import Standing
from cards.command_line import join

LIKE = 0.88
"""Least likeness of a name that is offered for another, of 1: ``redner-gpu`` for ``render-gpu``, not ``cpu-b``."""
_MOST = 3
_PLACED = ("job", "pool", "schedule", "application")
_AROUND = '?!.,;<>"`*_~“”'


def like(word: str, known: Iterable[Known]) -> list[Known]:
    """What is called almost as a word, the likest first."""
    every = list(known)
    folded = [each.name.casefold() for each in every]
    found = process.extract(
        word.casefold(), folded, scorer=JaroWinkler.normalized_similarity, limit=_MOST, score_cutoff=LIKE
    )
    return [every[index] for _, _, index in found]


class Watched:
    """The names of every account, as the monitor has them now."""

    def __init__(self, accounts: Sequence[str], default: str, every: Sequence[Standing]) -> None:
        self.default = default
        order = sorted(accounts, key=lambda name: name != default)  # as the settings have them, the default first
        self._accounts = [Known("account", name, name) for name in order]
        self._every = sorted(
            (each for each in every if each.account in order),
            key=lambda each: (order.index(each.account), _PLACED.index(each.kind)),
        )

    def called(self, word: str) -> Sequence[Known]:
        """See :class:`bot.requests.plain_words.known.World`."""
        folded = fold(word)
        found = [each for each in self._accounts if fold(each.name) == folded]
        found += [
            Known(each.kind, each.names[each.places[folded]], each.account)
            for each in self._every
            if folded in each.places
        ]
        return found

    def like(self, word: str) -> Sequence[Known]:
        """See :class:`bot.requests.plain_words.known.World`."""
        found = [(1.0, each) for each in like(word, self._accounts)]
        for each in self._every:
            near = process.extract(
                fold(word), each.folded, scorer=JaroWinkler.normalized_similarity, limit=_MOST, score_cutoff=LIKE
            )
            found += [(score, Known(each.kind, each.names[place], each.account)) for _, score, place in near]
        return [each for _, each in sorted(found, key=lambda one: -one[0])][:_MOST]


@dataclass(frozen=True)
class Placed:
    """``tokens`` are the command in the account of what it names, empty where it means that already; ``offers`` the
    same command in each of several accounts.
    """

    tokens: list[str] = field(default_factory=list)
    offers: tuple[str, ...] = ()


def placed(registry: Registry, call: Call, world: World) -> Placed:
    """Where a command names something that only another account has, the command in that account.

    A command that changes anything is not put elsewhere: it is offered there.
    """
    parameters = {each.name: each for each in call.command.parameters}
    given = call.arguments
    name = next((each for each in _PLACED if isinstance(given.get(each), str)), None)
    if name is None or name not in parameters or parameters[name].many:
        return Placed()
    typed = str(given[name])
    found = _found(world, name, typed)
    bare = typed.strip(_AROUND)
    if not found and bare != typed:
        found = _found(world, name, bare)
    if not found:
        return Placed()
    here = [each for each in found if each.account == (given.get("account") or world.default)]
    tokens = [(found[0].name if token == typed and bare != typed else token) for token in words(call.typed)]
    if here or "account" not in parameters or given.get("account"):
        return Placed(tokens if bare != typed and not _found(world, name, typed) else [])
    there = [[*tokens, f"account:{each.account}"] for each in found[:_MOST]]
    if len(there) == 1 and call.effect == "read":
        return Placed(there[0])
    return Placed([], tuple(map(join, there)))


def _found(world: World, kind: str, name: str) -> Sequence[Known]:
    return [each for each in world.called(name) if each.kind == kind]
