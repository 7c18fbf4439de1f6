"""The list of pools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from bot.azure.account import Account
from bot.azure.models import Pool, PoolNodeCounts
from bot.azure.models.price import Prices
from bot.domain.entity import fold
from bot.domain.pool_health import PoolTrouble
from bot.domain.price import HourlyCost
from bot.filter import POOL
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Button, Card, Column, Mark, Menu, Text
from cards.formatting import number, plural
from handlers.pool.sections import nodes_of
from handlers.pool.trouble import in_words, trouble, worst
from handlers.pool.verbs import broken
from handlers.shared import filtering, node_counts, per_hour
from handlers.shared.common import UNKNOWN, line, template, titled
from handlers.shared.states import pool_chip
from handlers.shared.verbs import verb
from handlers.shared.why import why_button

_LISTED = (
    "id,creationTime,state,allocationState,allocationStateTransitionTime,vmSize,virtualMachineConfiguration,"
    "currentDedicatedNodes,currentLowPriorityNodes,targetDedicatedNodes,targetLowPriorityNodes,resizeErrors,enableAutoScale,autoScaleRun"
)
_PRICE = Column("Price", "right", rank=1, width=2)
_COLUMNS = (
    Column("Pool", width=3),
    Column("State", width=2),
    Column("Nodes", "right", width=2),
    Column("Running", "right", rank=2),
    Column("Trouble", width=3, beneath=True),
    _PRICE,
    Column("Size", rank=3, width=3),
)
PoolState = Literal["active", "deleting", "steady", "resizing", "stopping"]
PoolSort = Literal["trouble", "name", "state", "nodes", "price", "size", "age"]


@command(
    "pool list",
    effect="read",
    examples=["pool list", "pool list state:resizing", "pool list render-* bad>0", "pool list sort:price"],
    menu=20,
)
async def list_pools(
    ctx: Context,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    state: PoolState | None = None,
    sort: PoolSort = "trouble",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the pools of an account, those with problems first, then those with nodes.

    :param filter: which ones, such as render-* bad>0 idle>2 nodes:0 size:*_d4s_v3 error:*quota* autoscale
    :param state: only pools in this state, of the pool or of its allocation
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, POOL, filter, "pool", "list", state=state)
    bound = wanted.at(source.now())
    select = filtering.selected(_LISTED, wanted)
    (pools, at), entries, prices = await asyncio.gather(
        source.every(Pool, "/pools", select=select, filter=bound.odata), node_counts.known(source), source.prices()
    )
    counts = node_counts.by_pool(entries)
    fitting = [pool for pool in pools if bound.row(pool) and bound.counts(counts.get(fold(pool.id)))]
    wrong = {pool.id: worst(pool, counts.get(fold(pool.id))) for pool in fitting}
    prices_of = per_hour.each_hour(prices, fitting, counts)
    fitting = in_order(fitting, counts, sort, prices_of)
    start = filtering.PageStart(page)
    found = filtering.paged(fitting, start, at)
    rows = found.rows

    def again(**options: object) -> str:
        ordered = {"sort": sort if sort != "trouble" else None}
        return line(ctx, source, "pool list", *wanted.tokens, **{**ordered, **options})

    status = filtering.ListStatus(ctx, filtering.Step(found), start, again)
    back, on = status.turning
    troubled = sum(map(bool, wrong.values()))
    return Card(
        title=titled(
            f"Pools in {source.name}",
            wanted.words(at),
            status.extent,
            plural(sum(_allocated(pool) for pool in fitting), "node") if fitting else None,
            per_hour.now(prices, prices_of, len(fitting)),
            per_hour.dearest(prices_of) if sort == "price" else None,
            f"{troubled} in trouble" if troubled else None,
        ),
        mark=Mark.WARNING if troubled else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            build.table(
                _COLUMNS if prices else [each for each in _COLUMNS if each is not _PRICE],
                [
                    _row(pool, counts.get(fold(pool.id)), wrong[pool.id], _price(prices, prices_of.get(pool.id)))
                    for pool in rows
                ],
            )
            if rows
            else status.nothing(wanted, "This account has no pools."),
            build.actions(
                back,
                on,
                build.open_menu("Open a pool", template(ctx, source, "pool show", "{}"), [pool.id for pool in rows]),
                why_button(ctx, source, "pool", [pool.id for pool in rows if wrong[pool.id]]),
                Button("Filter…", again(), how="form"),
                _replacing(ctx, source, [pool.id for pool in rows if broken(counts.get(fold(pool.id)))]),
                verb(ctx, source, "+ Pool", "pool create", how="form"),
                Button("Usage", line(ctx, source, "usage")) if not troubled else None,
                filtering.without(wanted, line(ctx, source, "pool list")),
                filtering.sorting(again(sort=None), get_args(PoolSort), sort),
                Button("Refresh", again(page=page), how="edit"),
                Button("Node map", line(ctx, source, "node map")),
                Button("CSV", line(ctx, source, "csv pool", *wanted.tokens, sort=sort if sort != "trouble" else None)),
                shown=5,
            ),
        ),
    )


def _replacing(ctx: Context, source: Account, pools: list[str]) -> Menu | None:
    """The menu of the pools that have broken nodes; None where there is none, or the asker may replace none."""
    may = [pool for pool in pools if verb(ctx, source, "", "pool replace-broken", pool)]
    return build.open_menu("Replace broken nodes", template(ctx, source, "pool replace-broken", "{}"), may)


def in_order(
    pools: Iterable[Pool], counts: Mapping[str, PoolNodeCounts], sort: PoolSort, prices: Mapping[str, HourlyCost]
) -> list[Pool]:
    """Pools as a list shows them; ``counts`` are by folded id, ``prices`` what those cost an hour whose price is known.

    By price the dearest come first, those that nobody knows the price of last.
    """
    if sort == "price":
        return sorted(pools, key=lambda pool: (-prices[pool.id].amount if pool.id in prices else 1.0, pool.id.lower()))
    if sort != "trouble":
        return sorted(pools, key=_SORTS[sort])
    return sorted(
        pools, key=lambda pool: (not trouble(pool, counts.get(fold(pool.id))), not _allocated(pool), pool.id.lower())
    )


_SORTS: dict[str, Callable[[Pool], Any]] = {
    "name": lambda pool: pool.id.lower(),
    "state": lambda pool: (pool.state.lower(), pool.allocation_state.lower(), pool.id.lower()),
    "nodes": lambda pool: (-_allocated(pool), pool.id.lower()),
    "size": lambda pool: (pool.vm_size.lower(), pool.id.lower()),
    "age": lambda pool: (
        pool.allocation_state_transition_time.timestamp() if pool.allocation_state_transition_time else 0.0
    ),
}


def _allocated(pool: Pool) -> int:
    return pool.current_dedicated_nodes + pool.current_low_priority_nodes


def _row(pool: Pool, entry: PoolNodeCounts | None, wrong: PoolTrouble | None, price: Sequence[Text]) -> list[Text]:
    state = pool_chip(pool.state, pool.allocation_state, wrong)
    mark = Mark.FAILED if state.mark is Mark.FAILED else Mark.WARNING
    return [
        text(code(pool.id)),
        text(state),
        text(nodes_of(pool)),
        text(number(node_counts.running(entry)) if entry else UNKNOWN),
        text(chip(mark, in_words(wrong)) if wrong else muted("–")),
        *price,
        text(pool.vm_size.lower().removeprefix("standard_")),
    ]


def _price(prices: Prices, cost: HourlyCost | None) -> list[Text]:
    """The cell of the price; none where no price is known at all, as where prices are switched off."""
    return [text(per_hour.an_hour(cost))] if prices else []
