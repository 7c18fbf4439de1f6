"""The buttons of an alert that mend its cause: the steps of the row that knows it, which ``why`` offers too."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.domain.diagnosis.model import BY_HAND
from bot.domain.diagnosis.pools import got
from bot.domain.findings import SuggestedAction
from bot.domain.knowledge import Row
from bot.monitor.scene import PoolView
from cards.command_line import join, named

STEPS = 2
"""Steps of a row that an alert has room for, beside the buttons of its entity and of care."""
_PLACE = re.compile(r"\{(\w+)\}")


def steps_of(known: Row, names: Mapping[str, str], *, by_formula: bool = False) -> tuple[SuggestedAction, ...]:
    """The first steps of a row with the names filled in, the one that mends first.

    Steps that need a name which is not among ``names`` are left out, and so are resizes of a pool ``by_formula``, which
    the service refuses. What changes something opens its form: a step seldom says all that the command needs.
    """
    made = []
    for step in known.steps:
        if by_formula and step.command.startswith(BY_HAND):
            continue
        if all(name in names for name in _PLACE.findall(step.command)):
            words = [_filled(word, names) for word in step.command.split()]
            made.append(SuggestedAction(_PLACE.sub(lambda at: names[at[1]], step.text), join(words), step.changes))
    return tuple(made[:STEPS])


def of_pool(known: Row, pool: PoolView, **more: str) -> tuple[SuggestedAction, ...]:
    """The first steps of a row that is about a pool; ``more`` are other names, such as its node's."""
    return steps_of(known, {"pool": pool.id, **got(pool), **more}, by_formula=pool.autoscale)


def _filled(word: str, names: Mapping[str, str]) -> str:
    """A word with its names filled in: what is nothing but a name is exact."""
    only = _PLACE.fullmatch(word)
    return named(names[only[1]]) if only else _PLACE.sub(lambda at: names[at[1]], word)
