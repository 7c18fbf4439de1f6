"""Nodes as a heat map, and what is wrong with the bad ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import Node, NodeCounts, Pool, PoolNodeCounts
from bot.domain.advice import Trouble, of_node
from bot.domain.entity import fold
from bot.domain.states import BAD_NODES, is_bad, word
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, chip, code, muted, text
from cards.card import Block, Bullets, Button, Card, Footer, Mark, Menu, Option, Picture, Text, Time, Words
from cards.charts.heatmap import Cell, HeatMap, Section, heatmap_alt
from cards.charts.node_states import index_of
from cards.formatting import moment_words, number, plural
from handlers.shared import node_counts
from handlers.shared.common import line, section, template, titled
from handlers.shared.missing import finding_pool

_POOLS = "id,taskSlotsPerNode,currentDedicatedNodes,currentLowPriorityNodes"
_NARROW = "id,state,stateTransitionTime,isDedicated,runningTaskSlotsCount,errors"
_FAILED = "id,state,stateTransitionTime,isDedicated,errors,startTaskInfo"
_MOST_NODES = 2500
"""Nodes drawn at most: more squares than that are too small for their letters."""
_MOST_SECTIONS = 24
_AT_ONCE = 6
_MOST_CAUSES, _NAMED = 6, 3


class _Fleet(Struct, frozen=True):
    """The nodes of one pool and how many task slots each has; ``at`` is the service's time."""

    pool: str
    slots: int
    nodes: tuple[Node, ...]
    at: datetime

    @property
    def bad(self) -> list[Node]:
        return [node for node in self.nodes if is_bad(node.state)]


@command("node map", effect="read", examples=["node map", "node map gpu-a"])
async def map_nodes(ctx: Context, pool: str | None = None, *, account: str | None = None) -> Card:
    """Draw the nodes of a pool, or of all pools, as a heat map, with what is wrong with the unhealthy ones.

    :param pool: the pool's id; all pools without
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    if pool is None:
        return await _all_pools(ctx, source)
    async with finding_pool(ctx, source, pool, "node map"):
        found = (await source.fetch(Pool, source.pool(pool), select="id,taskSlotsPerNode")).value
        fleet = await _read(source, found)
    bad = _by_trouble(fleet.bad)
    return Card(
        title=titled(*_answer([fleet]), f"pool {fleet.pool}"),
        mark=_mark([fleet]),
        as_of=fleet.at,
        blocks=blocks(
            _picture(ctx, source, [fleet], f"pool {fleet.pool}", fleet.pool),
            *_troubles([fleet]),
            build.actions(
                _bad_menu(ctx, source, fleet.pool, bad),
                _bad_list(ctx, source, fleet.pool, bad),
                Button("Nodes", line(ctx, source, "node list", fleet.pool)),
                Button("Pool", line(ctx, source, "pool show", fleet.pool)),
                Button("All pools", line(ctx, source, "node map")),
                Button("Refresh", line(ctx, source, "node map", fleet.pool), how="edit"),
            ),
        ),
    )


async def _all_pools(ctx: Context, source: Account) -> Card:
    pools, at = await source.every(Pool, "/pools", select=_POOLS)
    known = await node_counts.known(source)
    counts = node_counts.by_pool(known)
    if known is None:  # then the pools themselves say how many nodes there are
        counts = {fold(pool.id): _as_listed(pool) for pool in pools}
    pools = [pool for pool in pools if fold(pool.id) in counts and _total(counts[fold(pool.id)])]
    pools.sort(key=lambda pool: (-node_counts.bad(counts[fold(pool.id)]), -_total(counts[fold(pool.id)]), pool.id))
    drawn, left = _within(pools, counts)
    gate = asyncio.Semaphore(_AT_ONCE)
    read = (gaps.maybe(f"nodes of pool {pool.id}", _read(source, pool, gate)) for pool in drawn)
    fleets = [each for each in await asyncio.gather(*read) if each]
    fleets.sort(key=lambda fleet: (-len(fleet.bad), -len(fleet.nodes), fleet.pool))
    worst = next((fleet for fleet in fleets if fleet.bad), None)
    return Card(
        title=titled(*_answer(fleets), plural(len(fleets), "pool"), source.name),
        mark=_mark(fleets),
        as_of=at,
        blocks=blocks(
            _picture(ctx, source, fleets, plural(len(fleets), "pool"), "all")
            if fleets
            else Words(text("No pool of this account has nodes.")),
            *_troubles(fleets),
            _left_out(left, counts),
            build.actions(
                build.open_menu("Map of a pool", template(ctx, source, "node map", "{}"), _names(fleets, left)),
                Button(f"Worst: {worst.pool}", line(ctx, source, "node map", worst.pool)) if worst else None,
                Button("Pools", line(ctx, source, "pool list")),
                Button("Refresh", line(ctx, source, "node map"), how="edit"),
            ),
        ),
    )


async def _read(source: Account, pool: Pool, gate: asyncio.Semaphore | None = None) -> _Fleet:
    """The nodes of a pool, narrow; what start tasks said is read of failed ones alone."""
    async with gate or asyncio.Semaphore(1):
        nodes, at = await source.every(Node, source.nodes(pool.id), select=_NARROW)
        if any(node.state.lower() == "starttaskfailed" for node in nodes):
            only = "state eq 'starttaskfailed'"
            failed, _ = await source.every(Node, source.nodes(pool.id), select=_FAILED, filter=only)
            full = {node.id: node for node in failed}
            nodes = [full.get(node.id, node) if node.state.lower() == "starttaskfailed" else node for node in nodes]
    return _Fleet(pool.id, max(1, pool.task_slots_per_node), tuple(nodes), at)


def _as_listed(pool: Pool) -> PoolNodeCounts:
    """The nodes of a pool as its own row counts them: in no state that is known."""
    return PoolNodeCounts(
        pool.id,
        NodeCounts(total=pool.current_dedicated_nodes),
        NodeCounts(total=pool.current_low_priority_nodes),
    )


def _within(pools: Sequence[Pool], counts: dict[str, PoolNodeCounts]) -> tuple[list[Pool], list[Pool]]:
    """The worst pools with as many nodes as can be drawn, and the rest; the first is always drawn."""
    drawn: list[Pool] = []
    nodes = 0
    for pool in pools:
        if drawn and nodes + _total(counts[fold(pool.id)]) > _MOST_NODES:
            break
        drawn.append(pool)
        nodes += _total(counts[fold(pool.id)])
    return drawn, list(pools[len(drawn) :])


def _total(entry: PoolNodeCounts) -> int:
    return sum(node_counts.by_state([entry]).values())


def _answer(fleets: Sequence[_Fleet]) -> tuple[str, ...]:
    """The finding in a few words."""
    total = sum(len(fleet.nodes) for fleet in fleets)
    bad = sum(len(fleet.bad) for fleet in fleets)
    if bad:
        return (f"{number(bad)} of {plural(total, 'node')} bad",)
    states = Counter(node.state.lower() for fleet in fleets for node in fleet.nodes)
    lines = [f"{number(states[state])} {word(state)}" for state in ("running", "idle") if states[state]]
    return (f"{plural(total, 'node')}, none bad" if total else "No nodes", *lines)


def _mark(fleets: Iterable[_Fleet]) -> Mark:
    nodes = [node.state.lower() for fleet in fleets for node in fleet.nodes]
    if any(is_bad(state) for state in nodes):
        return Mark.FAILED
    return Mark.RUNNING if "running" in nodes else Mark.IDLE


def _picture(ctx: Context, source: Account, fleets: Sequence[_Fleet], where: str, key: str) -> Picture:
    at = max(fleet.at for fleet in fleets).astimezone(ZoneInfo(ctx.zone))
    parts = [Section(fleet.pool, _cells(fleet)) for fleet in fleets]
    if len(parts) > _MOST_SECTIONS:
        rest = parts[_MOST_SECTIONS - 1 :]
        together = tuple(cell for part in rest for cell in part.cells)
        parts = [*parts[: _MOST_SECTIONS - 1], Section(f"{number(len(rest))} more pools", together)]
    chart = HeatMap(
        headline=_answer(fleets)[0],
        subtitle=f"{source.name} · {where} · {moment_words(at)}",
        sections=tuple(parts),
    )
    return Picture(f"nodes-{source.name}-{key}", heatmap_alt(chart), chart, f"Nodes of {where}")


def _cells(fleet: _Fleet) -> tuple[Cell, ...]:
    return tuple(
        Cell(index_of(node.state), min(1.0, node.running_task_slots_count / fleet.slots), not node.is_dedicated)
        for node in fleet.nodes
    )


def _troubles(fleets: Sequence[_Fleet]) -> list[Block]:
    """Nodes grouped by what is wrong: how many, where, since when, the likely cause, what to do."""
    groups: dict[tuple[str, str], list[tuple[str, Node]]] = {}
    known: dict[tuple[str, str], Trouble] = {}
    for fleet in fleets:
        for node in fleet.nodes:
            for trouble in of_node(node):
                key = (node.state.lower(), trouble.name)
                known.setdefault(key, trouble)
                groups.setdefault(key, []).append((fleet.pool, node))
    ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    lines = [_cause(key[0], known[key], found, several=len(fleets) > 1) for key, found in ranked[:_MOST_CAUSES]]
    if rest := ranked[_MOST_CAUSES:]:
        nodes = sum(len(found) for _, found in rest)
        lines.append(text(muted(f"and {plural(nodes, 'node')} with {plural(len(rest), 'other cause')}")))
    return section("What is wrong, and what to do", Bullets(tuple(lines)) if lines else None)


def _cause(state: str, trouble: Trouble, found: Sequence[tuple[str, Node]], *, several: bool) -> Text:
    pools = Counter(pool for pool, _ in found)
    since = min((node.state_transition_time for _, node in found if node.state_transition_time), default=None)
    where = text(" in ", _places(pools)) if several else ()
    return text(
        chip(Mark.FAILED if is_bad(state) else Mark.WARNING, f"{number(len(found))} {word(state)}"),
        text(", ", bold(trouble.name)) if trouble.name != state else None,
        where,
        text(", first ", Time(since)) if since else None,
        f". {trouble.message.rstrip('.')}" if trouble.message else None,
        text(". ", muted("Likely: "), trouble.advice.cause, ". ", muted("What to do: "), trouble.advice.do, "."),
    )


def _places(pools: Counter[str]) -> Text:
    """``gpu-a ×3, cpu-b and 2 pools more``."""
    parts: list[Text] = []
    for pool, count in pools.most_common(_NAMED):
        times = f" ×{number(count)}" if count > 1 and len(pools) > 1 else None
        parts.append(text(", " if parts else None, code(pool), times))
    more = f" and {plural(len(pools) - _NAMED, 'pool')} more" if len(pools) > _NAMED else None
    return text(*parts, more)


_RANKS: dict[str, int] = {state: rank for rank, state in enumerate(BAD_NODES)}


def _by_trouble(nodes: Iterable[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (_RANKS.get(node.state.lower(), 0), node.id))


def _bad_menu(ctx: Context, source: Account, pool: str, bad: Sequence[Node]) -> Menu | None:
    options = tuple(Option(f"{node.id} · {word(node.state)}", node.id) for node in bad)
    command = template(ctx, source, "node show", pool, "{}")
    return Menu("Open a bad node", command, options, asks=True) if options else None


def _bad_list(ctx: Context, source: Account, pool: str, bad: Sequence[Node]) -> Button | None:
    if not bad:
        return None
    return Button(plural(len(bad), "bad node"), line(ctx, source, "node list", pool, state="bad"), style="primary")


def _left_out(left: Sequence[Pool], counts: dict[str, PoolNodeCounts]) -> Footer | None:
    if not left:
        return None
    nodes = sum(_total(counts[fold(pool.id)]) for pool in left)
    bad = sum(node_counts.bad(counts[fold(pool.id)]) for pool in left)
    return build.note(
        f"Not drawn: {plural(len(left), 'pool')} with {plural(nodes, 'node')}, {number(bad) if bad else 'none'} bad. "
        "Open the map of a pool for them."
    )


def _names(fleets: Sequence[_Fleet], left: Sequence[Pool]) -> list[str]:
    return [fleet.pool for fleet in fleets] + [pool.id for pool in left]
