"""What nodes tell of themselves: an agent that is old, a disk that fills with what tasks leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.domain.entity import Entity
from bot.domain.recommendations.model import Case, NodesStanding, Output, PoolStanding, Recommendation
from bot.domain.states import is_active
from cards.command_line import command
from cards.formatting import duration, file_size, number, plural

OLD = timedelta(days=90)
"""Since an agent's last update: "every few months" pools are to be made anew ("Batch best practices")."""
VERY_OLD = 2 * OLD
BEHIND = 2
"""Versions (the second figure) behind the newest in the account, from which an agent is old whatever its age."""
FULL = 0.8
"""The share of a node's disk that tasks leave behind, from which it is a matter of time."""
_SPANS = tuple(timedelta(hours=hours) for hours in (72, 24, 12, 6, 3, 1))
"""How long the files of tasks may be kept instead."""


def old_agents(case: Case) -> Iterator[Recommendation]:
    """Pools whose nodes' agent had no update for :data:`OLD`, or is :data:`BEHIND` versions behind others here."""
    known = [(pool, pool.nodes) for pool in case.pools or () if pool.nodes and is_active(pool.facts.state)]
    newest = max((_figures(name) for _, nodes in known for name in nodes.agents), default=())
    for pool, nodes in known:
        since = nodes.agent_since
        age = case.at - since if since else timedelta()
        behind = [name for name in nodes.agents if _behind(_figures(name), newest)]
        if age < OLD and not behind:
            continue
        name, count = pool.facts.id, sum(nodes.agents[each] for each in behind)
        oldest = min(nodes.agents, key=_figures, default="")
        words = (
            f"{number(count)} of {plural(nodes.read, 'node')} of pool {name} run{'s' if count == 1 else ''} version "
            f"{oldest} of Batch's agent, while there is {'.'.join(map(str, newest))} in this account"
            if behind
            else f"Batch's agent {oldest} on nodes of pool {name} had its last update {age.days} days ago"
        )
        yield Recommendation(
            kind="old agent",
            about=Entity("pool", name),
            words=words,
            harm="only new nodes get a newer one: resize the pool to 0 and back, or rebuild it",
            button="Rebuild…",
            command=command("pool rebuild", name),
            changes=True,
            form=True,
            since=since if age >= OLD else None,
            risk=3 if age >= VERY_OLD else 2,
        )


def _figures(version: str) -> tuple[int, ...]:
    """``1.12.2`` as figures; nothing for what is no version."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(each.isdecimal() for each in parts) else ()


def _behind(version: tuple[int, ...], newest: tuple[int, ...]) -> bool:
    if len(version) < 2 or len(newest) < 2:
        return False
    return version[0] < newest[0] or (version[0] == newest[0] and newest[1] - version[1] >= BEHIND)


def full_disks(case: Case) -> Iterator[Recommendation]:
    """Pools with nodes whose disk is full, or is going to be by what tasks leave there for their retention time."""
    for pool in case.pools or ():
        nodes, output = pool.nodes, pool.output
        if nodes is None or not is_active(pool.facts.state):
            continue
        left = _left(nodes, output)
        fills = output is not None and output.disk > 0 and left >= FULL * output.disk
        if not nodes.full and not fills:
            continue
        name, full = pool.facts.id, len(nodes.full)
        words = (
            f"the disk of {plural(full, 'node')} of pool {name} is full" if full else f"the disks of pool {name} fill"
        )
        yield Recommendation(
            kind="full disk",
            about=Entity("pool", name),
            words=words + (f": {_leaves(nodes, output, left)}" if output and fills else ""),
            harm="a full disk makes a node unusable, and it is billed all the same: "
            + _instead(nodes, output, fills=fills),
            button="Replace them" if full else "Open",
            command=command("pool replace-broken", name) if full else command("job show", output.job if output else ""),
            changes=bool(full),
            risk=5 if full else 3,
        )


def _left(nodes: NodesStanding, output: Output | None) -> float:
    """Bytes that tasks leave on a node once the first of them are deleted."""
    return nodes.tasks_a_day * (output.kept / timedelta(days=1)) * output.size if output else 0.0


def _leaves(nodes: NodesStanding, output: Output, left: float) -> str:
    disk = f" of {file_size(output.disk)}" if output.disk else ""
    return (
        f"task {output.task} of job {output.job}, say, leaves {file_size(output.size)} for {duration(output.kept)}; "
        f"at {number(round(nodes.tasks_a_day))} a day that is {file_size(round(left))}{disk} on a node"
    )


def _instead(nodes: NodesStanding, output: Output | None, *, fills: bool) -> str:
    """For how long files of tasks may be kept so that they take half of the disk."""
    if output is None:
        return "give its tasks a shorter retention time"
    if not fills:
        left = f"what tasks leave for {duration(output.kept)} ({file_size(round(_left(nodes, output)))})"
        return f"{left} does not fill it, so look what packages, images and programs write"
    a_day = nodes.tasks_a_day * output.size
    if output.disk and a_day:
        fitting = [
            each for each in _SPANS if each < output.kept and a_day * (each / timedelta(days=1)) <= output.disk / 2
        ]
        if fitting:
            return f"a retention time of {duration(fitting[0])} takes half of it at most"
    return "give its tasks a shorter retention time"


def is_suspect(pool: PoolStanding) -> bool:
    """Whether what its tasks leave is worth a look: a disk is full, or nodes run tasks by the hundred."""
    nodes = pool.nodes
    return nodes is not None and bool(nodes.full or nodes.ran >= MANY)


MANY = 50
"""Tasks of a node, from which on what they leave may fill a disk."""
