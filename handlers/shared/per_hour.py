"""What pools cost an hour as they are now, for lists and cards; of what has no known price nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.azure.models import Pool, PoolNodeCounts
from bot.azure.models.price import Prices
from bot.domain.entity import fold
from bot.domain.pools import reading
from bot.domain.price import HourlyCost, of_pool
from cards.formatting import money, percent, plural
from cards.text_fit import elide
from handlers.shared.common import UNKNOWN


def each_hour(prices: Prices, pools: Iterable[Pool], counts: Mapping[str, PoolNodeCounts]) -> dict[str, HourlyCost]:
    """What each pool costs an hour as it is now, by its id; those whose price is unknown are left out.

    ``counts`` are by folded id.
    """
    found = ((pool.id, of_pool(prices, reading(pool, counts.get(fold(pool.id))))) for pool in pools)
    return {name: cost for name, cost in found if cost}


def an_hour(cost: HourlyCost | None) -> str:
    """``$4.21/h``; ``–`` for what costs nothing, ``?`` where that is not known."""
    if cost is None:
        return UNKNOWN
    return f"{money(cost.amount, cost.currency)}/h" if cost.amount else "–"


def dearest(prices: Mapping[str, HourlyCost]) -> str:
    """``most in render-cpu, $6.80/h (48 %)``; empty where nothing costs anything."""
    total = sum(each.amount for each in prices.values())
    if not total:
        return ""
    name = max(sorted(prices), key=lambda each: prices[each].amount)
    return f"most in {elide(name, 40)}, {an_hour(prices[name])} ({percent(prices[name].amount, total)})"


def now(prices: Prices, each: Mapping[str, HourlyCost], pools: int) -> str:
    """``$12.41/h now`` for so many pools of which ``each`` has a known price; the others are counted, not guessed."""
    if not prices or not each:
        return ""
    unknown = pools - len(each)
    without = f" without {plural(unknown, 'pool')} of unknown price" if unknown else ""
    return f"{money(sum(cost.amount for cost in each.values()), prices.currency)}/h now{without}"
