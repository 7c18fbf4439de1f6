"""The form of a list of jobs: their pool is picked, and is part of the filter that the command takes."""

from __future__ import annotations

from bot.requests.forms import Values
from bot.requests.grammar import words
from cards.card import Field
from cards.command_line import join

POOL = Field("pool", "Pool", "name", names="pool", hint="Or a pattern, such as gpu-*.")
_NAMED = "pool:"


def gathered(values: Values) -> Values:
    """The command's parameters: the pool is the first condition of its filter."""
    pool, typed = values.get("pool", "").strip(), values.get("filter", "")
    rest = {name: value for name, value in values.items() if name not in ("pool", "filter")}
    both = " ".join([*([join([f"{_NAMED}{pool}"])] if pool else []), *([typed] if typed else [])])
    return rest | ({"filter": both} if both else {})


def scattered(values: Values) -> Values:
    """What was typed, with the pool taken out of its filter, where it names one."""
    typed = words(values.get("filter", ""))
    named = [each for each in typed if each.lower().startswith(_NAMED) and "," not in each]
    if len(named) != 1:
        return values
    rest = join([each for each in typed if each is not named[0]])
    kept = {name: value for name, value in values.items() if name != "filter"}
    return {**kept, "pool": named[0][len(_NAMED) :], **({"filter": rest} if rest else {})}
