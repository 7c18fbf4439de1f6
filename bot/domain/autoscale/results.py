"""The outcome of a run in words: the service's results (``$TargetDedicatedNodes=3;…``), each variable explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from bot.domain.autoscale import vocabulary
from bot.domain.autoscale.evaluate import Outcome
from bot.domain.autoscale.syntax import Formula, FormulaError, Name, parts, read
from bot.domain.autoscale.values import shown

_ORDER: Final = (vocabulary.DEDICATED, vocabulary.SPOT, vocabulary.DEALLOCATION)


class Explained(Struct, frozen=True):
    """A variable: its value, what it means (empty for one of the formula's own), and how the formula makes it."""

    name: str
    value: str
    meaning: str = ""
    made: str = ""


def parsed(results: str) -> dict[str, str]:
    """Variables and their values, as the service writes them; what has no ``=`` is left out."""
    found = {}
    for part in results.split(";"):
        name, separator, value = part.strip().partition("=")
        if separator:
            found[name.strip()] = value.strip()
    return found


def explained(results: Mapping[str, str], text: str = "") -> list[Explained]:
    """Every variable in words: targets first, then those of the formula in the order in which it sets them."""
    try:
        formula: Formula | None = read(text)
    except FormulaError:
        formula = None
    made = {name: formula.source(each.value) for name, each in formula.targets().items()} if formula else {}
    names = [name for name in _ORDER if name in results]
    names += [name for name in made if name in results and name not in names]
    names += [name for name in results if name not in names]
    return [_explained(name, results[name], made.get(name, "")) for name in names]


def _explained(name: str, value: str, made: str) -> Explained:
    meaning = vocabulary.meaning(name)
    if vocabulary.ALIASES.get(name, name) == vocabulary.DEALLOCATION and value in vocabulary.OPTIONS:
        meaning = f"when nodes go: {vocabulary.OPTIONS[value]}"
    return Explained(name, _short(value), meaning, "" if made == value else made)


def of_outcome(outcome: Outcome) -> dict[str, str]:
    """What our own evaluation found, as the service's results are given."""
    return {name: shown(value) for name, value in outcome.values.items()}


def _short(value: str) -> str:
    """A long vector by its first elements."""
    if not value.startswith("[") or value.count(",") < 4:
        return value
    elements = value.strip("[]").split(",")
    return f"[{', '.join(each.strip() for each in elements[:3])}, …] ({len(elements)} values)"


def metrics_of(formula: Formula) -> list[str]:
    """The sampled variables that a formula asks for, in the order in which it does."""
    names = [
        part.name
        for statement in formula.statements
        for part in parts(statement.value)
        if isinstance(part, Name) and part.name in vocabulary.METRICS
    ]
    return list(dict.fromkeys(names))
