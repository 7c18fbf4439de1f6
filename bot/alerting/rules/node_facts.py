"""A pool's nodes as rules report them: which are in trouble, why, and their lines on a card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bot.alerting.rules import mending
from bot.alerting.rules.common import (
    MOST_ACTIONS,
    NAMED,
    button,
    cut,
    elapsed,
    newest,
    pool_entity,
    ranked,
    said,
    span,
    summed,
)
from bot.azure.models import FailureInfo, Node, NodeError
from bot.azure.models.node import StartTaskInfo
from bot.domain.advice import Trouble, of_node
from bot.domain.findings import CauseCount, Entity, Finding, Severity, SuggestedAction
from bot.domain.knowledge import Row, row
from bot.domain.pools import in_state, size
from bot.domain.states import TROUBLED_NODES, NodeState, word
from bot.monitor.scene import NodeView, PoolView, Scene
from cards.formatting import number, plural
from cards.text_fit import elide

_ALL, _SILENT = "node.all_unusable", "node.unusable_silent"
"""The row of nodes that are unusable without an error where they are all that a pool has, and where they are not."""
_NAME = 22
"""Characters of a node's name: its two ends distinguish the nodes of a pool."""


class Bad(NamedTuple):
    """Nodes of a pool in one state: those that are known, the longest first, and how many there are."""

    nodes: tuple[NodeView, ...]
    many: int


class Troubles(NamedTuple):
    """What nodes suffer from: a sentence, what to do, how often each strikes, what the service said first, and the row
    of the most frequent."""

    cause: str
    do: str
    tallies: tuple[CauseCount, ...]
    evidence: str
    known: Row | None


def bad(pool: PoolView, state: NodeState) -> Bad:
    """The nodes of a pool in one of the states of trouble (:data:`bot.domain.states.TROUBLED_NODES`)."""
    found = [node for node in pool.troubled.values() if node.state.lower() == state]
    found.sort(key=lambda node: (node.since, node.id))
    return Bad(tuple(found), in_state(pool, state))


def lost(pool: PoolView) -> tuple[CauseCount, ...]:
    """Why a pool has no node that works: how many are in which state."""
    found = [(word(state), bad(pool, state)) for state in TROUBLED_NODES]
    return ranked(
        CauseCount(name, each.many, next((n.id for n in each.nodes), "")) for name, each in found if each.many
    )


def evidence(pool: PoolView) -> str:
    """What the service says of the first node in trouble, or of the last resize."""
    for node in sorted(pool.troubled.values(), key=lambda each: (each.since, each.id)):
        for trouble in _of(node):
            if trouble.code or trouble.message:
                return said(trouble.code, trouble.message)
    return said(*pool.resize_errors[0]) if pool.resize_errors else ""


def troubles(nodes: Iterable[NodeView], *, whole: bool = False) -> Troubles:
    """What these nodes suffer from. A node with several troubles counts for its first, which is the service's order.

    ``whole`` where they are all that a pool has.
    """
    firsts = [(node, found[0]) for node in nodes if (found := _of(node))]
    kinds: dict[str, list[tuple[NodeView, Trouble]]] = {}
    for node, trouble in firsts:
        kinds.setdefault(trouble.name, []).append((node, trouble))
    tallies = ranked(CauseCount(name, len(them), them[0][0].id, them[0][1].message) for name, them in kinds.items())
    if not firsts:
        return Troubles("", "", (), "", None)
    main = kinds[max(kinds, key=lambda name: (len(kinds[name]), name))][0][1]
    known = row(_ALL) if whole and len(kinds) == 1 and main.advice.id == _SILENT else main.advice
    cause = known.cause if len(kinds) == 1 else f"{summed(tallies)}; most often {known.cause}"
    return Troubles(cause, known.do, tallies, said(main.code, main.message) if main.message else "", known)


def lines(scene: Scene, some: Bad) -> tuple[tuple[str, str], ...]:
    """A line for each node: what it suffers from and for how long; the rest is counted."""
    named = some.nodes[:NAMED]
    rest = some.many - len(named)
    lines = [(elide(node.id, _NAME), f"{_name(node)} · {span(elapsed(scene, node.since))}") for node in named]
    more = [("And", plural(rest, "more node"))] if named and rest > 0 else []
    return (*lines, *more)


def about_nodes(
    scene: Scene,
    pool: PoolView,
    some: Bad,
    headline: str,
    severity: Severity | None = None,
    *,
    first: Sequence[tuple[str, str]] = (),
    related: tuple[Entity, ...] = (),
) -> Finding:
    """Nodes of a pool that are in trouble together, as a finding about the pool."""
    whole = some.many == len(some.nodes) >= max(2, size(pool))
    found = troubles(some.nodes, whole=whole)
    worst = some.nodes[0] if some.nodes else None
    return Finding(
        entity=pool_entity(pool.id),
        headline=headline,
        since=newest(scene, some.nodes[-1].since if some.nodes else None),
        severity=severity,
        figures=(*first, *lines(scene, some), *((("To do", found.do),) if found.do else ())),
        cause=found.cause,
        evidence=found.evidence,
        actions=(
            *_fixes(pool, worst, found.known),
            *((button("Node", "node show", pool.id, worst.id),) if worst else ()),
            button("Bad nodes", "node list", pool.id, state="bad"),
            button("Map", "node map", pool.id),
        )[:MOST_ACTIONS],
        related=related,
        count=some.many,
        causes=found.tallies,
    )


def _fixes(pool: PoolView, worst: NodeView | None, known: Row | None) -> tuple[SuggestedAction, ...]:
    """What mends nodes of this state, where something does, in the order of the row that knows what they suffer from.

    Nodes whose start task failed would fail again if they were replaced, and others for those that were never usable be
    no better.
    """
    match worst.state.lower() if worst else "":
        case "starttaskfailed" if worst and known:
            again = button("Reboot them", "node reboot", pool.id, state="starttaskfailed")
            steps = mending.of_pool(known, pool, node=worst.id)
            return tuple(again if each.command.startswith("node reboot ") else each for each in steps)
        case "unusable" if known and known.id == _ALL:
            return mending.of_pool(known, pool)
        case "unusable" | "starttaskfailed":
            return (button("Replace broken nodes", "pool replace-broken", pool.id),)
        case "unknown":
            return (button("Reboot them", "node reboot", pool.id, state="unknown"),)
        case "offline":
            return (button("Enable scheduling", "node enable-scheduling", pool.id, state="offline"),)
    return ()


def shape(pool: PoolView) -> tuple[tuple[str, str], ...]:
    """Size, and dedicated and spot nodes as far as it has or wants them."""
    rows = [("Size", pool.vm_size)] if pool.vm_size else []
    for label, nodes, wants in (
        ("Dedicated nodes", pool.dedicated, pool.target_dedicated),
        ("Spot nodes", pool.spot, pool.target_spot),
    ):
        if nodes or wants:
            rows.append((label, number(nodes) if nodes == wants else f"{number(nodes)} of {number(wants)}"))
    return tuple(rows)


def of_target(nodes: int, wants: int) -> str:
    """``4 of the 40 nodes it wants``; ``40 nodes, 4 are wanted`` where it has too many."""
    if nodes > wants:
        return f"{plural(nodes, 'node')}, {number(wants)} {'is' if wants == 1 else 'are'} wanted"
    return f"{number(nodes)} of the {plural(wants, 'node')} it wants"


def _name(node: NodeView) -> str:
    found = _of(node)
    return cut(found[0].name) if found else word(node.state)


def _of(node: NodeView) -> tuple[Trouble, ...]:
    """A node's troubles, by what is known of all nodes."""
    failure = FailureInfo(code=node.start_task[0], message=node.start_task[1]) if node.start_task else None
    return of_node(
        Node(
            state=node.state,
            errors=tuple(NodeError(code=code, message=message) for code, message in node.errors),
            start_task_info=StartTaskInfo(exit_code=node.start_exit, failure_info=failure),
        )
    )
