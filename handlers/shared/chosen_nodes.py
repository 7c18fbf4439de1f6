"""Which nodes a verb is about: by their ids, by a filter, or all of a pool."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Node
from bot.domain.entity import fold
from bot.domain.states import word
from bot.filter import NODE
from bot.requests.command import CommandError, Instead
from bot.requests.context import Context
from cards.build import refusal
from cards.card import Button
from cards.formatting import number, plural
from cards.text_fit import elide
from handlers.shared import filtering
from handlers.shared.common import line, nearest
from handlers.shared.missing import finding_pool

SHORT = 22
"""Characters of a node's id in a sentence: its two ends distinguish the nodes of a pool."""
ALL = "all"
"""The word for every node of a pool."""
_READ = "id,state,stateTransitionTime,schedulingState,lastBootTime,isDedicated,runningTasksCount,errors,startTaskInfo"


class Chosen(Struct, frozen=True):
    """A node as it was when it was chosen, by which is judged whether it is still the same when it is written to."""

    id: str
    state: str
    scheduling: str
    boot: datetime | None
    dedicated: bool
    running: int

    @classmethod
    def of(cls, node: Node) -> Chosen:
        """As the node is."""
        return cls(
            node.id,
            node.state.lower(),
            node.scheduling_state.lower(),
            node.last_boot_time,
            node.is_dedicated,
            node.running_tasks_count,
        )


async def choose(ctx: Context, source: Account, pool: str, typed: Sequence[str], command: str) -> list[Chosen]:
    """The nodes that were meant, in the order of their ids.

    ``typed`` are ids of nodes, the word ``all``, or a filter as ``node list`` takes it. Raises CommandError where
    nothing was typed, and Instead where nothing fits.
    """
    path = command.split()
    if not typed:
        raise CommandError(
            "Which nodes? Give their ids, a filter such as state:unusable, or the word all.",
            [line(ctx, source, command, pool, "state:bad"), line(ctx, source, "node list", pool)],
        )
    nodes, _ = await _read(ctx, source, pool, _READ, "")
    by_id = {fold(node.id): node for node in nodes}
    ids = [fold(word_) for word_ in typed]
    if ids == [ALL]:
        found = nodes
    elif all(each in by_id for each in ids):
        found = [by_id[each] for each in dict.fromkeys(ids)]
    else:
        wanted = filtering.understood(ctx, source, NODE, typed, *path, pool)
        bound = wanted.at(source.now())
        chosen, _ = await _read(ctx, source, pool, filtering.selected(_READ, wanted), bound.odata)
        found = [node for node in chosen if bound.row(node)]
    if not found:
        near = nearest(" ".join(typed), [node.id for node in nodes])
        raise Instead(
            refusal(
                f"“{' '.join(typed)[:80]}” matches no node of pool {pool}.",
                f"It has {plural(len(nodes), 'node')}. Did you mean one of these?" if near else "",
                [
                    *(Button(each, line(ctx, source, command, pool, each), how="form") for each in near),
                    Button("All nodes", line(ctx, source, "node list", pool)),
                ],
            )
        )
    return [Chosen.of(node) for node in sorted(found, key=lambda node: node.id)]


async def _read(ctx: Context, source: Account, pool: str, select: str, odata: str) -> tuple[list[Node], datetime]:
    async with finding_pool(ctx, source, pool, "node list"):
        return await source.every(Node, source.nodes(pool), select=select, filter=odata)


def digest(nodes: Iterable[Chosen]) -> str:
    """What a confirmation of a change to these nodes holds for: which they are, and when each booted."""
    told = "\n".join(f"{each.id} {each.boot}" for each in nodes)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def by_state(states: Iterable[str]) -> str:
    """``9 unusable, 3 start task failed``, the most frequent first."""
    return ", ".join(f"{number(count)} {word(state)}" for state, count in Counter(states).most_common())


def ids_of(nodes: Sequence[str], most: int = 3) -> str:
    """The first ids, and how many more there are."""
    rest = len(nodes) - most
    return ", ".join(elide(each, SHORT) for each in nodes[:most]) + (f" and {number(rest)} more" if rest > 0 else "")
