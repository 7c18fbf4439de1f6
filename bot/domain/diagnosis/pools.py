"""Clues of a pool: what is wrong with its nodes, its resize, its formula, and whether it is there at all.

Where home, lists and details have a verdict of a pool (:mod:`bot.domain.pool_health`), it is this one: both ask the
same functions, nodes before the resize before the formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from bot.azure.models import Node, Pool, PoolNodeCounts
from bot.azure.models.pool import ResizeError
from bot.domain import knowledge
from bot.domain.diagnosis.model import Clue, Evidence, by_formula, clue, on_its_way, unknown
from bot.domain.diagnosis.nodes import of_nodes, slow
from bot.domain.entity import Entity
from bot.domain.knowledge import Row, Step
from bot.domain.pool_health import (
    STOPPED,
    autoscale_failure,
    autoscale_overdue,
    deletion_overdue,
    fell_short,
    idles,
    is_resizing,
    is_steady,
    reached,
    resize_overdue,
    warms_up,
)
from bot.domain.pools import PoolFacts, bad, coming, counted, error_text, has, in_state, reading, size, usable, wanted
from bot.domain.states import BAD_NODES, NODES, is_active, word
from bot.domain.waiting import STARTING
from cards.formatting import duration, number, plural

_JUST = timedelta(minutes=5)
"""A pool that lacks nodes and has no error may have been told so within so much."""
_SHOW = Step("Open pool", "pool show {pool}")


class Holder(Struct, frozen=True):
    """A pool that holds cores of a quota."""

    pool: str
    cores: int


class Room(Struct, frozen=True):
    """The quota that a pool's resize ran into: of what, how much of it is used of how much, and who holds it.

    ``code`` is the error that it is about. ``nodes`` are how many more of the pool's nodes all quotas have room for by
    now, ``spot`` whether they are spot nodes.
    """

    what: str
    used: int
    limit: int
    holders: tuple[Holder, ...] = ()
    at: datetime | None = None
    code: str = ""
    nodes: int = 0
    spot: bool = False


class PoolCase(Struct, frozen=True, kw_only=True):
    """A pool as it was read at ``at``.

    ``nodes`` are those that do no work (None: not read), ``waiting`` the tasks that wait for its nodes (None: not
    known), ``room`` the quota that stands in the way, ``printed`` what start tasks printed, by the node's id,
    ``stopped`` and ``resized`` who ended or asked for a resize, ``idle_since`` since when none of its nodes has worked
    (None: not read, or some work).
    """

    pool: Pool
    at: datetime
    counts: PoolNodeCounts | None = None
    nodes: Sequence[Node] | None = None
    waiting: int | None = None
    room: Room | None = None
    printed: Mapping[str, Evidence] = MappingProxyType({})
    stopped: Evidence | None = None
    resized: Evidence | None = None
    idle_since: datetime | None = None

    @property
    def facts(self) -> PoolFacts:
        """The pool as facts are taken of it."""
        return reading(self.pool, self.counts)


def entity(pool: Pool) -> Entity:
    """A pool."""
    return Entity("pool", pool.id)


def short_of_cores(pool: Pool) -> str:
    """The first error of a pool's last resize that a quota of cores was used up; empty where none says so."""
    return next((code for code, _ in fell_short(reading(pool)) if "quota" in code.lower()), "")


def of_pool(case: PoolCase) -> list[Clue]:
    """What is wrong with a pool, or what it is waiting for; nothing for one that is well."""
    pool, facts = case.pool, case.facts
    if not is_active(pool.state):
        return [_deleting(case)]
    found = [*_of_its_nodes(case), *_of_resize(case), *_of_autoscale(case), *_of_target(case)]
    every = [*(found or _on_its_way(case, facts) or _of_nothing(case, facts)), *_of_idling(case)]
    return [by_formula(each) for each in every] if facts.autoscale else every


def _deleting(case: PoolCase) -> Clue:
    pool = case.pool
    since = pool.state_transition_time
    lasts = case.at - since if since else timedelta()
    said = Evidence(f"state {word(pool.state)}" + (f" for {duration(lasts)}" if since else ""), case.at)
    left = Evidence(f"{plural(has(case.facts), 'node')} left", case.at)
    if deletion_overdue(case.facts, lasts.total_seconds()):
        return clue("pool.deleting_too_long", entity(pool), since=since, evidence=[said, left])
    return on_its_way("pool.deleting", entity(pool), "the pool is being deleted", since=since, evidence=[said, left])


def _of_its_nodes(case: PoolCase) -> list[Clue]:
    """Nodes that do no work: one by one where they were listed, else by their counts."""
    facts, about = case.facts, entity(case.pool)
    if case.nodes is None:
        lost = [(state, in_state(facts, state)) for state in BAD_NODES if in_state(facts, state)]
        said = " · ".join(f"{plural(count, 'node')} {NODES[state].word}" for state, count in lost)
        row = {"starttaskfailed": "node.start_task_failed", "offline": "node.offline", "unknown": "node.lost_contact"}
        return (
            [
                clue(
                    row.get(lost[0][0], "node.unusable_silent"),
                    about,
                    sure="likely",
                    evidence=[Evidence(said, case.at)],
                    nodes=bad(facts),
                )
            ]
            if lost
            else []
        )
    found = of_nodes(case.pool.id, case.nodes, size(facts), case.at, case.printed)
    return [*found, *slow(case.pool.id, case.nodes, case.at)]


def _of_resize(case: PoolCase) -> list[Clue]:
    """Why it has not the nodes it wants. Errors of a pool that has them, or is being resized again, say nothing."""
    pool, facts, about = case.pool, case.facts, entity(case.pool)
    short = Evidence(_towards(facts), case.at)
    since = pool.allocation_state_transition_time
    if fell_short(facts):
        told = [each for each in pool.resize_errors if each.code.lower() != STOPPED]
        return [_of_resize_error(each, case, short) for each in told]
    seconds = (case.at - since).total_seconds() if since else 0.0
    if resize_overdue(facts, seconds):
        lasts = duration(timedelta(seconds=seconds))
        allowed = duration(timedelta(seconds=facts.resize_timeout))
        said = Evidence(f"{pool.allocation_state.lower()} for {lasts}, its timeout is {allowed}", case.at)
        return [clue(overdue_row(facts), about, since=since, evidence=[said, short, case.resized])]
    stopped = any(error[0].lower() == STOPPED for error in facts.resize_errors)
    if stopped and is_steady(facts) and not reached(facts):
        return [clue("pool.resize.stopped", about, since=since, evidence=[short, case.stopped], harm=False)]
    return []


def _of_resize_error(error: ResizeError, case: PoolCase, short: Evidence) -> Clue:
    """The cause of one error of a resize: of the one at its bottom where it only carries another."""
    code, words = error_text(error)
    about, since = entity(case.pool), case.pool.allocation_state_transition_time
    said = Evidence(": ".join(filter(None, (code, words))), since or case.at)
    row = knowledge.find("resize", code=code, message=words)
    if row is None:
        return unknown("unknown.resize", about, code, words, since=since, at=case.at)
    room = case.room if case.room and case.room.code == code else None
    return clue(row, about, since=since, evidence=[said, *_of_room(room), short], names=_fits(case.facts, room))


def _fits(facts: PoolFacts, room: Room | None) -> dict[str, str]:
    """How many nodes a pool can have: those that it got, and those for which there is room by now."""
    if room is None or facts.autoscale:
        return got(facts)
    more = min(room.nodes, max(0, (facts.target_spot - facts.spot) if room.spot else _lacks(facts)))
    return got(
        replace(facts, spot=facts.spot + more) if room.spot else replace(facts, dedicated=facts.dedicated + more)
    )


def _lacks(facts: PoolFacts) -> int:
    return facts.target_dedicated - facts.dedicated


def overdue_row(facts: PoolFacts) -> Row:
    """The row of a resize that takes longer than it may."""
    if has(facts) > wanted(facts):
        return knowledge.row("pool.resize.waits_for_tasks")
    return knowledge.row("pool.resize.too_long_autoscale" if facts.autoscale else "pool.resize.too_long")


def got(facts: PoolFacts) -> dict[str, str]:
    """How many nodes a pool has got, for a resize to what fits; nothing where a formula resizes it, or none fit."""
    if facts.autoscale or not has(facts):
        return {}
    return {"nodes": number(has(facts)), "dedicated": str(facts.dedicated), "spot": str(facts.spot)}


def _of_room(room: Room | None) -> list[Evidence]:
    """How full the quota is, and which pools hold most of it."""
    if room is None:
        return []
    holders = " · ".join(f"{each.pool} {number(each.cores)}" for each in room.holders)
    held = f", held by {holders}" if holders else ""
    used = Evidence(f"{number(room.used)} of {number(room.limit)} {room.what} in use{held}", room.at)
    more = f"there is room for {plural(room.nodes, 'more node')} of this size by now"
    return [used, Evidence(more, room.at)] if room.nodes else [used]


def _of_autoscale(case: PoolCase) -> list[Clue]:
    facts, about, run = case.facts, entity(case.pool), case.pool.auto_scale_run
    if error := autoscale_failure(facts):
        row = knowledge.find("autoscale", code=error[0], message=error[1])
        since = facts.autoscale_at
        if row is None:
            return [unknown("unknown.autoscale", about, *error, since=since, at=case.at)]
        return [clue(row, about, since=since, evidence=[Evidence(": ".join(error), since)])]
    tried = facts.autoscale_at
    if tried and autoscale_overdue(facts, (case.at - tried).total_seconds()):
        every = duration(timedelta(seconds=facts.autoscale_interval))
        said = Evidence(f"last evaluated {duration(case.at - tried)} ago, its interval is {every}", case.at)
        return [clue("autoscale.dead", about, since=tried, evidence=[said])]
    if facts.autoscale and is_steady(facts) and wanted(facts) == 0 and case.waiting and not warms_up(facts):
        gave = Evidence(f"the formula gave {run.results.strip()}", tried) if run and run.results else None
        waits = Evidence(f"{plural(case.waiting, 'task')} waiting for its nodes", case.at)
        return [clue("autoscale.wants_none", about, sure="likely", since=tried, evidence=[waits, gave])]
    return []


def _of_target(case: PoolCase) -> list[Clue]:
    """A pool without autoscale that is to have no nodes, though tasks wait for some."""
    facts = case.facts
    if facts.autoscale or wanted(facts) or has(facts) or not is_steady(facts) or not case.waiting:
        return []
    waits = Evidence(f"{plural(case.waiting, 'task')} waiting for its nodes", case.at)
    since = case.pool.allocation_state_transition_time
    return [clue("pool.scaled_to_zero", entity(case.pool), since=since, evidence=[waits, case.resized])]


def _of_idling(case: PoolCase) -> list[Clue]:
    """Nodes that cost money and have no work. Those that a formula keeps are there because somebody wants it so."""
    since, facts = case.idle_since, case.facts
    lasts = case.at - since if since else timedelta()
    if since is None or not idles(facts, lasts.total_seconds()):
        return []
    nodes = in_state(facts, "idle")
    evidence = [Evidence(f"{plural(nodes, 'node')} idle for {duration(lasts)}, none at work", case.at)]
    if not facts.autoscale:
        return [clue("pool.idle", entity(case.pool), since=since, evidence=evidence, nodes=nodes)]
    run = case.pool.auto_scale_run
    if run and run.results:
        evidence.append(Evidence(f"the formula gave {run.results.strip()}", facts.autoscale_at))
    return [clue("pool.idle_by_formula", entity(case.pool), since=since, evidence=evidence, harm=False)]


def _on_its_way(case: PoolCase, facts: PoolFacts) -> list[Clue]:
    """What takes its time without being wrong."""
    since, at = case.pool.allocation_state_transition_time, case.at
    short, about = Evidence(_towards(facts), at), entity(case.pool)
    if warms_up(facts):
        said = Evidence(": ".join(facts.autoscale_error or ()), facts.autoscale_at)
        return [clue("autoscale.warming_up", about, since=facts.created, evidence=[said, short], harm=False)]
    found: tuple[str, str, list[Evidence | None]] | None = None
    of_all = f" of {number(size(facts))}"
    if is_resizing(facts):
        what = "being resized" if facts.allocation.lower() == "resizing" else "ending its resize"
        found = "pool.resizing", f"the pool is {what}", [short, case.resized]
    elif held := in_state(facts, "waitingforstarttask"):
        said = Evidence(f"{plural(held, 'node')}{of_all} run the start task", at)
        found = "pool.start_task_runs", "its nodes run their start task", [said]
    elif coming(facts) and not usable(facts):
        said = Evidence(f"{plural(coming(facts), 'node')}{of_all} starting", at)
        found = "pool.nodes_start", STARTING, [said]
    elif lost := in_state(facts, "preempted"):
        said = Evidence(f"{plural(lost, 'spot node')} preempted", at)
        found = "pool.preempted", knowledge.row("node.preempted").cause, [said, short]
        since = None  # the counts do not tell when, and the last resize may be weeks ago
    elif not reached(facts) and is_steady(facts) and since and at - since < _JUST:
        found = "pool.no_nodes_yet", "the pool has only just been told to change", [short]
    if found is None:
        return []
    id_, cause, evidence = found
    return [on_its_way(id_, about, cause, since=since, evidence=evidence, steps=(_SHOW,))]


def _of_nothing(case: PoolCase, facts: PoolFacts) -> list[Clue]:
    """A pool that lacks nodes while nothing goes on and nothing says why."""
    if reached(facts) or not is_steady(facts):
        return []
    since = case.pool.allocation_state_transition_time
    short = Evidence(f"{_towards(facts)}, steady and without an error", case.at)
    return [clue("pool.no_reason", entity(case.pool), sure="guess", since=since, evidence=[short])]


def _towards(facts: PoolFacts) -> str:
    """``4 of 12 nodes``, with spot nodes apart: ``2 of 2 dedicated and 0 of 10 spot nodes``."""
    dedicated = f"{number(facts.dedicated)} of {number(facts.target_dedicated)}"
    spot = f"{number(facts.spot)} of {number(facts.target_spot)}"
    if not (facts.spot or facts.target_spot):
        return f"{dedicated} nodes"
    return (
        f"{spot} spot nodes"
        if not (facts.dedicated or facts.target_dedicated)
        else (f"{dedicated} dedicated and {spot} spot nodes")
    )


def well(case: PoolCase) -> str:
    """A pool that is well, in words."""
    facts = case.facts
    nodes = _towards(facts)
    return f"{nodes}, none of them in trouble" if counted(facts) else f"{nodes}"
