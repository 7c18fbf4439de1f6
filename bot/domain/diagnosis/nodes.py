"""Clues of nodes: why one does no work, and what is wrong with those of a pool, alike ones together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct

from bot.azure.models import Node, NodeError, Pool
from bot.azure.models.node import StartTaskInfo
from bot.domain import knowledge
from bot.domain.advice import of_failed_start
from bot.domain.causes import program_began
from bot.domain.diagnosis.model import Clue, Evidence, by_formula, clue, on_its_way, unknown
from bot.domain.entity import Entity
from bot.domain.states import NODES, is_bad, word
from cards.formatting import duration, number, plural
from cards.text_fit import elide

LONG = timedelta(minutes=15)
"""A node that boots, or whose start task runs, for longer is slow: most are there within ten minutes."""
RECOVERS_WITHIN = timedelta(minutes=45)
"""Most nodes that are unusable without an error are back by then, or never (azure-batch-samples#238)."""
LEAVING_LONG = timedelta(minutes=30)
"""A node that leaves its pool for longer waits for something: a task that runs, or its files."""
ID = 20
"""Characters of a node's id in words: its end tells nodes apart."""
_NAMED = 3
"""Nodes that are named as examples."""


class NodeCase(Struct, frozen=True, kw_only=True):
    """A node as it was read at ``at``. ``printed`` is the line that says most of its start task's output.

    ``disabled`` is who disabled its scheduling, as far as our own audit knows.
    """

    node: Node
    pool: Pool | None = None
    at: datetime
    printed: Evidence | None = None
    disabled: Evidence | None = None


def of_node(case: NodeCase) -> list[Clue]:
    """Why one node does no work, the worst first; nothing for one that works or could."""
    node, at = case.node, case.at
    about = Entity("node", node.id, case.pool.id if case.pool else "")
    shown = Evidence(f"state {word(node.state)}", node.state_transition_time)
    found = [_of_error(each, about, [node], at) for each in node.errors]
    if node.state.lower() == "starttaskfailed":
        found.append(_of_start_task(node, about, [node], at, case.printed))
    elif is_bad(node.state) and not found:
        found.append(_silent(node.state, about, [node], shown, at, whole=False, extra=case.disabled))
    elif node.scheduling_state.lower() == "disabled":
        found.append(_silent("offline", about, [node], shown, at, whole=False, extra=case.disabled))
    elif not found:
        found += _in_between(case, about)
    found += _hidden_start_task(case, about)
    return [by_formula(each) for each in found] if case.pool and case.pool.enable_auto_scale else found


def may_have_printed(run: StartTaskInfo | None) -> bool:
    """Whether the program of a start task was ever started: of one that was not, what is in its files is older."""
    if run is None:
        return False
    info = run.failure_info
    return run.retry_count > 0 or info is None or program_began(run.exit_code, info.code)


def of_nodes(
    pool: str, nodes: Iterable[Node], size: int, at: datetime, printed: Mapping[str, Evidence] = MappingProxyType({})
) -> list[Clue]:
    """What is wrong with nodes of a pool of so many, one clue for those that are alike, the most frequent first.

    ``printed`` is what the start tasks of some of them printed, by the ids of the nodes.
    """
    alike: dict[tuple[str, str], list[Node]] = {}
    for node in nodes:
        if is_bad(node.state) or node.errors:
            alike.setdefault(_kind(node), []).append(node)
    found = []
    for group in sorted(alike.values(), key=len, reverse=True):
        first = group[0]
        about = Entity("node", first.id, pool)
        if first.errors:
            found.append(_of_error(first.errors[0], about, group, at, size))
        elif first.state.lower() == "starttaskfailed":
            found.append(_of_start_task(first, about, group, at, printed.get(first.id), size))
        else:
            found.append(
                _silent(first.state, about, group, _which(group, size, at), at, whole=len(group) >= max(2, size))
            )
    return found


def slow(pool: str, nodes: Iterable[Node], at: datetime) -> list[Clue]:
    """Nodes that are on their way for longer than they should be, one clue for each state."""
    found = []
    for state, row in _SLOW.items():
        late = [each for each in nodes if each.state.lower() == state and _age(each, at) > _LIMITS.get(state, LONG)]
        if late:
            about = Entity("node", late[0].id, pool)
            longest = max(_age(each, at) for each in late)
            said = f"{plural(len(late), 'node')} {word(state)}, the longest for {duration(longest)}"
            found.append(clue(row, about, since=_since(late), evidence=[Evidence(said, at)], nodes=len(late)))
    return found


_SLOW = {
    "waitingforstarttask": "node.start_task_long",
    "starting": "node.starting_long",
    "leavingpool": "node.leaving_long",
}
_LIMITS = {"leavingpool": LEAVING_LONG}


def _kind(node: Node) -> tuple[str, str]:
    """What makes nodes in trouble alike."""
    if node.errors:
        return "error", node.errors[0].code.lower()
    if node.state.lower() == "starttaskfailed":
        run = node.start_task_info
        failed = run.failure_info.code.lower() if run and run.failure_info else ""
        return "start task", f"{failed} {run.exit_code if run else ''}"
    return "state", node.state.lower()


def _of_error(error: NodeError, about: Entity, group: Sequence[Node], at: datetime, size: int = 0) -> Clue:
    details = "; ".join(f"{each.name}: {each.value}" for each in error.error_details)
    row = knowledge.find("node", code=error.code, message=f"{error.message} {details}")
    since = _since(group)
    if row is None:
        return unknown(
            "unknown.node",
            about,
            error.code,
            f"{error.message} {details}".strip(),
            since=since,
            at=at,
            nodes=len(group),
        )
    said = Evidence(f"{error.code}: {error.message}" + (f" ({details})" if details else ""), at)
    return clue(row, about, since=since, evidence=[said, _which(group, size, at)], nodes=len(group))


def _of_start_task(
    node: Node, about: Entity, group: Sequence[Node], at: datetime, printed: Evidence | None, size: int = 0
) -> Clue:
    run = node.start_task_info
    info = run.failure_info if run else None
    row = of_failed_start(run, printed.words if printed else "")
    since = _since(group)
    if row is None and info and (run is None or run.exit_code is None):
        return unknown("unknown.node", about, info.code, info.message, since=since, at=at, nodes=len(group))
    cause = f"the start task failed: {row.cause}" if row else ""
    evidence = [_which(group, size, at), _ran(run, at), printed]
    return clue(row or "node.start_task_failed", about, cause=cause, since=since, evidence=evidence, nodes=len(group))


def _ran(run: StartTaskInfo | None, at: datetime) -> Evidence | None:
    if run is None:
        return None
    parts = [f"exit code {run.exit_code}"] if run.exit_code is not None else []
    if run.failure_info:
        info = run.failure_info
        details = "; ".join(f"{each.name}: {each.value}" for each in info.details if each.value)
        parts.append(": ".join(filter(None, (info.code, info.message))) + (f" ({details})" if details else ""))
    parts += [plural(run.retry_count, "retry", "retries")] if run.retry_count else []
    return Evidence(f"start task: {', '.join(parts)}", run.end_time or at) if parts else None


def _silent(
    state: str,
    about: Entity,
    group: Sequence[Node],
    shown: Evidence,
    at: datetime,
    *,
    whole: bool,
    extra: Evidence | None = None,
) -> Clue:
    """Nodes that do no work and report no error; ``whole`` where all of a pool's are so."""
    row = {
        "unusable": "node.all_unusable" if whole else "node.unusable_silent",
        "unknown": "node.lost_contact",
        "offline": "node.offline",
    }[state.lower()]
    sure = "certain" if state.lower() == "offline" else "likely"
    evidence = [shown, _beyond_recovery(group, at) if row == "node.unusable_silent" else None, extra]
    return clue(row, about, sure=sure, since=_since(group), evidence=evidence, nodes=len(group))  # type: ignore[arg-type]


def _beyond_recovery(group: Sequence[Node], at: datetime) -> Evidence | None:
    """That nodes are unusable for longer than those are that recover by themselves."""
    longest = max(_age(each, at) for each in group)
    if longest <= RECOVERS_WITHIN:
        return None
    return Evidence(f"for {duration(longest)}: what recovers by itself does so within 45 minutes", at)


def _in_between(case: NodeCase, about: Entity) -> list[Clue]:
    """A node that is on its way, or gone for a while."""
    node, at = case.node, case.at
    if late := slow(about.parent, [node], at):
        return late
    state = NODES.get(node.state.lower())  # type: ignore[call-overload]
    shown = Evidence(f"state {word(node.state)} for {duration(_age(node, at))}", at)
    since = node.state_transition_time
    if node.state.lower() == "preempted":
        return [clue("node.preempted", about, since=since, evidence=[shown])]
    if node.state.lower() == "upgradingos":
        return [clue("node.rebooted_unasked", about, since=since, evidence=[shown], harm=False)]
    if state is not None and state.role in ("coming", "leaving", "gone"):
        cause = f"the node is {state.word}, as nodes are for a while"
        return [on_its_way(f"node.{node.state.lower()}", about, cause, since=since, evidence=[shown])]
    return []


def _hidden_start_task(case: NodeCase, about: Entity) -> list[Clue]:
    """A start task that failed on a node which takes tasks all the same: nobody waits for its success."""
    node, run = case.node, case.node.start_task_info
    works = node.state.lower() in ("idle", "running")
    if not (works and run and run.result.lower() == "failure"):
        return []
    evidence = [
        _ran(run, case.at),
        Evidence("the node takes tasks: the start task's success is not waited for", case.at),
    ]
    return [clue("node.start_task_failed", about, since=run.end_time, evidence=[*evidence, case.printed])]


def _which(group: Sequence[Node], size: int, at: datetime) -> Evidence:
    """``3 of 12 nodes unusable: a, b, c``."""
    if not size:
        return Evidence(f"state {word(group[0].state)}", _since(group) or at)
    many = f"{number(len(group))} of {plural(max(size, len(group)), 'node')}"
    names = ", ".join(elide(each.id, ID) for each in group[:_NAMED])
    rest = f" and {number(len(group) - _NAMED)} more" if len(group) > _NAMED else ""
    return Evidence(f"{many}, {word(group[0].state)}: {names}{rest}", at)


def _since(group: Sequence[Node]) -> datetime | None:
    return min((each.state_transition_time for each in group if each.state_transition_time), default=None)


def _age(node: Node, at: datetime) -> timedelta:
    return at - node.state_transition_time if node.state_transition_time else timedelta()
