"""Clues of a job whose tasks wait, while none of them runs.

Which cause it is :func:`bot.domain.waiting.why_waits` says, for alerts as for this. Of one that lies in the pool the
pool's own clue tells more; what is left open ("the tasks themselves") is looked into here: dependencies, the
preparation task, slots.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec.structs import replace

from bot.azure.models import Counts, Execution, Task
from bot.domain.dependencies import blocks
from bot.domain.diagnosis.job_case import Explained, JobCase, tasks_waiting
from bot.domain.diagnosis.job_runs import serious
from bot.domain.diagnosis.model import Clue, Evidence, by_formula, clue, on_its_way
from bot.domain.diagnosis.nodes import ID
from bot.domain.diagnosis.pools import PoolCase
from bot.domain.diagnosis.tasks import how_failed, too_many_slots
from bot.domain.job_health import JobFacts, pool_of
from bot.domain.knowledge import Step
from bot.domain.nodes import ErrorText
from bot.domain.pools import wanted
from bot.domain.waiting import NONE_TAKES, ONLY_JUST, Cause, before_it, why_waits
from cards.formatting import duration as spoken
from cards.formatting import number, plural
from cards.text_fit import elide

_NAMED = 3
_NO_LONGER = timedelta(days=180)
"""Tasks that wait for so long never start, although their job is enabled ("Job - Enable" in the REST reference)."""
_YOUNG = timedelta(minutes=2)
"""Tasks that came within so much are still being sent to nodes."""
_TURN = (
    Step("More urgent", "job set {job}", changes=True),
    Step("Resize the pool", "pool resize {pool}", changes=True),
    Step("Jobs of the pool", "job list pool:{pool}"),
)
"""What lets a job's turn come sooner."""


def of_waiting(case: JobCase, pool: list[Clue], failing: list[Clue]) -> Explained:
    """Tasks wait and none runs."""
    blocked = [*_dependencies(case), *_slots(case)]
    prepared = _preparation(case)
    others = _others(case)
    wait = why_waits(_facts(case), case.pool.facts if case.pool else None, others)
    if case.pool is None or not wait.for_work:
        pool = sorted(pool, key=lambda each: not tells(wait.cause, each))
        last = [] if pool or blocked or prepared else [_no_nodes(case)]
        return Explained((*pool, *prepared, *blocked, *last), (*failing,))
    aside = [each for each in pool if each.harm]
    if blocked or prepared:
        return Explained((*prepared, *blocked), (*aside, *failing))
    full = case.free == 0 or (case.free is None and wait.queued)
    if others and full:
        return Explained((_of_its_size(case.pool, _others_first(case, others)),), (*aside, *failing))
    since = case.job.creation_time
    young = [each for each in case.unfinished if each.state.lower() == "active"]
    newest = max((each.state_transition_time for each in young if each.state_transition_time), default=since)
    if newest and case.at - newest < _YOUNG:
        return Explained(
            (on_its_way("job.just_begun", case.about, ONLY_JUST, since=newest, evidence=[tasks_waiting(case)]),),
            (*aside, *failing),
        )
    if since and case.active and all(_older(each, case) for each in case.active):
        said = Evidence(f"they were added {spoken(case.at - since)} ago", since)
        late = clue(
            "job.enabled_too_late", case.about, since=since, evidence=[tasks_waiting(case), said], names=case.names
        )
        return Explained((late,), (*aside, *failing))
    free = Evidence(f"{plural(case.free, 'slot')} free in pool {case.pool.pool.id}", case.at) if case.free else None
    guess = clue(
        "job.tasks_not_started",
        case.about,
        sure="guess",
        since=since,
        evidence=[tasks_waiting(case), free],
        names=case.names,
    )
    return Explained((guess, *failing), (*aside,)) if serious(case) else Explained((guess,), (*aside, *failing))


_OF_NODES = ("node.", "start_task.", "exit.", "line.", "unknown.node")
_OF_RESIZE = ("pool.", "provider.", "unknown.resize")
_TELLS: Mapping[Cause, tuple[str, ...]] = {
    "resizing": ("pool.resiz", "pool.no_nodes_yet", "pool.start_task_runs", "pool.nodes_start"),
    "autoscale fails": ("autoscale.", "unknown.autoscale"),
    "autoscale warms up": ("autoscale.warming_up",),
    "autoscale wants none": ("autoscale.wants_none",),
    "scaled to zero": ("pool.scaled_to_zero",),
    "resize failed": _OF_RESIZE,
    "no nodes yet": ("pool.",),
    "nodes in trouble": _OF_NODES,
    "start task": ("pool.start_task_runs", "node.start_task_long"),
    "nodes starting": ("pool.nodes_start", "node.starting_long"),
}
"""By which ids clues of a pool tell the cause that the tree found."""


def tells(cause: Cause, clue: Clue) -> bool:
    """Whether a clue of its pool is about the cause for which a job's tasks wait."""
    return clue.id.startswith(_TELLS.get(cause, ()))


def _others(case: JobCase) -> list[JobFacts]:
    """The jobs that work in its pool."""
    return [
        JobFacts(
            id=each.job, priority=each.priority if each.priority is not None else case.priority, running=each.tasks
        )
        for each in case.working
        if each.job != case.job.id
    ]


def _facts(case: JobCase) -> JobFacts:
    """The job as :func:`why_waits` takes it."""
    job, run, counts = case.job, case.job.execution_info, case.counts or Counts()
    error: ErrorText | None = None
    if run and run.scheduling_error:
        error = run.scheduling_error.code, run.scheduling_error.message
    return JobFacts(
        id=job.id,
        state=job.state,
        created=job.creation_time,
        started=run.start_time if run else None,
        pool=pool_of(job),
        priority=job.priority,
        scheduling_error=error,
        active=counts.active,
        running=counts.running,
        succeeded=counts.succeeded,
        failed=counts.failed,
    )


def _older(task: Task, case: JobCase) -> bool:
    """Whether a task waits for longer than the service lets one start."""
    return task.creation_time is not None and case.at - task.creation_time > _NO_LONGER


def _no_nodes(case: JobCase) -> Clue:
    """The pool takes no tasks, and nothing of it says why."""
    return on_its_way(
        "pool.no_nodes_yet", case.about, NONE_TAKES,
        since=case.job.state_transition_time, evidence=[tasks_waiting(case)], names=case.names,
    )  # fmt: skip


def _dependencies(case: JobCase) -> list[Clue]:
    """Tasks that will never run because one that they depend on failed."""
    stuck = {each.id: each for each in case.failures if blocks(each)}
    active = case.active
    held = [(each, parent) for each in active if (parent := _parent(each, stuck)) is not None]
    if not held or len(held) < len(active):
        return []  # where others could run, those are what the answer has to be about
    parents = Counter(parent for _, parent in held)
    first = stuck[parents.most_common(1)[0][0]]
    run = first.execution_info or Execution()
    how = how_failed(run)
    said = [
        Evidence(
            f"task {first.id} failed{f' ({how})' if how else ''}, {plural(parents[first.id], 'task')} behind it",
            run.end_time,
        ),
        tasks_waiting(case),
    ]
    names = {**case.names, "task": first.id}
    one = parents[first.id] == 1
    waits, never = ("depends", "it never runs") if one else ("depend", "they never run")
    cause = f"{plural(parents[first.id], 'task')} {waits} on {first.id}, which failed, so {never}"
    return [clue("task.parent_failed", case.about, cause=cause, since=run.end_time, evidence=said, names=names)]


def _parent(task: Task, stuck: Mapping[str, Task]) -> str | None:
    """The failed task that keeps this one from ever running; None where none of those read does."""
    wanted = task.depends_on
    if wanted is None:
        return None
    if found := next((name for name in wanted.task_ids if name in stuck), None):
        return found
    return next(
        (
            name
            for name in stuck
            if name.isdecimal() and any(each.start <= int(name) <= each.end for each in wanted.task_id_ranges)
        ),
        None,
    )


def _slots(case: JobCase) -> list[Clue]:
    active = case.active
    if case.pool is None or not active:
        return []
    large = too_many_slots(active, case.pool.pool, case.at)
    fits = [each for each in active if not too_many_slots([each], case.pool.pool, case.at)]
    return (
        [clue("task.slots", case.about, evidence=[*large, tasks_waiting(case)], names=case.names)]
        if large and not fits
        else []
    )


def _preparation(case: JobCase) -> list[Clue]:
    """Nodes that take no task of the job because its preparation task failed there."""
    ran = [(each.node_id, run) for each in case.preparations if (run := each.job_preparation_task_execution_info)]
    broken = [(node, run) for node, run in ran if run.result.lower() == "failure"]
    if not broken or case.pool is None:
        return []
    node, run = broken[0]
    said = Evidence(
        f"preparation failed on {number(len(broken))} of {plural(len(ran), 'node')}, such as {elide(node, ID)}"
        + (f": exit code {run.exit_code}" if run.exit_code is not None else ""),
        run.end_time or case.at,
    )
    info = run.failure_info
    why = Evidence(": ".join(filter(None, (info.code, info.message))), run.end_time) if info else None
    ended = [each.end_time for _, each in broken if each.end_time]
    names = {**case.names, "node": node}
    evidence = [said, why, tasks_waiting(case)]
    return [clue("job.preparation_failed", case.about, since=min(ended, default=None), evidence=evidence, names=names)]


def _others_first(case: JobCase, others: Sequence[JobFacts]) -> Clue:
    first = sorted(others, key=lambda each: (-each.priority, each.id))
    above = [each for each in first if each.priority > case.priority]
    names = ", ".join(
        f"{each.id} ({plural(each.running, 'task')}, priority {number(each.priority)})"
        for each in (above or first)[:_NAMED]
    )
    said = Evidence(f"they hold the nodes: {names}", case.at)
    mine = Evidence(f"its own priority is {number(case.job.priority)}", case.at)
    cause = before_it(higher=bool(above))
    evidence = [said, mine, tasks_waiting(case)]
    since = min((each.state_transition_time for each in case.active if each.state_transition_time), default=None)
    return on_its_way(
        "job.others_first", case.about, cause, since=since, evidence=evidence, names=case.names, steps=_TURN
    )


def _of_its_size(case: PoolCase, found: Clue) -> Clue:
    """The same clue of a pool whose formula decides how many nodes there are to share, and that nobody can resize."""
    facts, run = case.facts, case.pool.auto_scale_run
    if not facts.autoscale:
        return found
    gave = f"its formula asks for {plural(wanted(facts), 'node')}"
    said = Evidence(gave, run.timestamp if run and run.timestamp else case.at)
    held, *rest = found.evidence
    return by_formula(replace(found, evidence=(held, said, *rest)))
