"""Clues of a task: why it failed, why it does not start, why it does not end.

One code has several causes: ``TaskEnded`` is a person, the wall clock, or the job or the node that ended under it, told
apart by the category, by how long it ran against what it may, by why its job ended, and by our own audit ("Error
handling and detection in Azure Batch": the service ends with exit code 0xC000013A what runs longer than its
maxWallClockTime, and says ServerError).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from bot.azure.models import Execution, Job, Node, Pool, Task, duration
from bot.domain import advice, knowledge
from bot.domain.advice import words_of
from bot.domain.dependencies import blocks
from bot.domain.diagnosis.model import Clue, Evidence, Sure, clue, on_its_way, unknown
from bot.domain.diagnosis.nodes import ID
from bot.domain.entity import Entity
from bot.domain.job_endings import ended_because
from bot.domain.knowledge import Step, signed
from bot.domain.retries import MANY
from bot.domain.signature import valid_until
from bot.domain.states import is_over, word
from cards.formatting import duration as spoken
from cards.formatting import number, plural
from cards.text_fit import elide

PREPARING_LONG = timedelta(minutes=15)
"""A task that fetches its files, packages or image for longer hangs: the counts call it running meanwhile."""
_NEAR_END = timedelta(minutes=2)
"""A process that was killed within so much of its node's end was killed by that."""
_CLOCK_SLACK = timedelta(seconds=5)
"""So much before its limit a task may have ended of the limit: the two are not taken by one clock."""
_KILLED = frozenset({137, 143, -9, -15, -1073741510})
"""Exit codes of what was ended from outside: SIGKILL, SIGTERM, Ctrl-C."""
_WALL_CLOCK = -1073741510
_IN_VAIN = frozenset({"task.signature_expired", "line.usage"})
"""Causes that stand in the task itself, which cannot be changed: run again it fails the same."""
_RUN_AGAIN = "task reactivate "
EXITED = "failureexitcode"
"""The code of all that end with an exit code: its words say nothing more."""


class TaskCase(Struct, frozen=True, kw_only=True):
    """A task as it was read at ``at``.

    ``node`` is where it ran or runs (None: gone, or not read), ``gone`` whether Batch no longer has that node.
    ``printed`` is the line that says most of what it printed, ``ended`` who ended it or its job, as far as our own
    audit knows, ``parents`` are tasks that it depends on, as far as they were read.
    """

    task: Task
    job: Job
    at: datetime
    pool: Pool | None = None
    node: Node | None = None
    gone: bool = False
    printed: Evidence | None = None
    ended: Evidence | None = None
    parents: Sequence[Task] | None = None

    @property
    def about(self) -> Entity:
        """The task."""
        return Entity("task", self.task.id, self.job.id)

    @property
    def run(self) -> Execution:
        """How it ran."""
        return self.task.execution_info or Execution()


def failed(task: Task) -> bool:
    """Whether a task is over and has failed."""
    run = task.execution_info
    return is_over(task.state) and run is not None and run.result.lower() == "failure"


def of_task(case: TaskCase) -> list[Clue]:
    """Why one task is not well; nothing for one that succeeded, or that runs as it should."""
    state = case.task.state.lower()
    if failed(case.task):
        return of_failure(case)
    if state == "preparing":
        return [*of_retries(case), *_of_preparing(case)]
    if state == "running":
        return [*of_retries(case), *_of_running(case)]
    return [*of_retries(case), *of_waiting(case)] if state == "active" else []


def of_failure(case: TaskCase) -> list[Clue]:
    """Why a task failed: the inner cause, and beside it what only carries it."""
    run, about = case.run, case.about
    info = run.failure_info
    code = info.code if info else ""
    words = words_of(info)
    if code.lower() == "taskended":
        return [_of_ended(case)]
    if run.exit_code == 0:
        return [_of_upload(case, words)]
    evidence = [_said(case), _details(case), case.printed]
    names = _where(case)
    found: list[Clue] = []
    if run.exit_code is not None and signed(run.exit_code) in _KILLED and (lost := _of_its_node(case)):
        found.append(lost)
    row = advice.of_task(run.exit_code, info, case.printed.words if case.printed else "")
    if row is not None:
        sure: Sure = "likely" if row.where == "exit" and not case.printed else "certain"
        told = clue(row, about, sure=sure, since=run.end_time, evidence=[*evidence, _expired(case)], names=names)
        return [*found, told if runs_again(told, case.job) else _without_another_run(told, case.job)]
    if run.exit_code is not None:
        cause = f"its program ended with exit code {run.exit_code}, which only the program knows"
        found.append(clue("task.exit_code", about, cause=cause, since=run.end_time, evidence=evidence, names=names))
        return found
    return [*found, unknown("unknown.task", about, code, words, since=run.end_time, at=case.at)]


def runs_again(found: Clue, job: Job) -> bool:
    """Whether running it again may mend it: the service runs no task of a job that is over, and some fail the same."""
    return found.id not in _IN_VAIN and not is_over(job.state)


def _without_another_run(found: Clue, job: Job) -> Clue:
    kept = tuple(each for each in found.steps if not each.command.startswith(_RUN_AGAIN))
    if is_over(job.state) and len(kept) < len(found.steps):
        kept = (*kept, Step("Clone the job", "job clone {job}", changes=True))
    return replace(found, steps=kept)


def _of_ended(case: TaskCase) -> Clue:
    """Who or what ended a task: the clock, its job, its node, or a person."""
    run, info = case.run, case.run.failure_info
    told = words_of(info).lower()
    server = bool(info and info.category.lower() == "servererror")
    clocked = run.exit_code is not None and signed(run.exit_code) == _WALL_CLOCK
    job = case.job.execution_info
    extra: Evidence | None = case.ended
    sure: Sure = "certain"
    if case.ended is not None:
        row = "task.ended_by_person"
    elif "wall clock" in told or (_over_limit(case) and (server or clocked)):
        row = "task.ran_too_long"
    elif job and job.end_time and run.end_time and abs(run.end_time - job.end_time) <= _NEAR_END:
        row, extra = "task.ended_with_job", Evidence(_job_ended(job.terminate_reason), job.end_time)
    elif lost := _of_its_node(case):
        return lost
    elif "user request" in told or (info and info.category.lower() == "usererror"):
        row, sure = "task.ended_by_person", "likely"
    else:
        row, sure = ("task.ran_too_long", "likely") if _over_limit(case) else ("task.ended", "guess")
    evidence = [_said(case), _took(case), extra]
    return clue(row, case.about, sure=sure, since=run.end_time, evidence=evidence, names=_where(case))


def _job_ended(reason: str) -> str:
    return f"its job ended then, because {ended_because(reason)}" if reason else "its job ended then"


def _of_its_node(case: TaskCase) -> Clue | None:
    """That its node went, or started anew, while it ran: what was killed then was killed by that."""
    run, node = case.run, case.node
    end = run.end_time
    if case.gone and case.task.node_info and case.task.node_info.node_id:
        said = Evidence(f"node {elide(case.task.node_info.node_id, ID)} is not there any more", case.at)
        return clue(
            "task.ended_with_node",
            case.about,
            sure="guess",
            since=end,
            evidence=[_said(case), said],
            names=_where(case),
        )
    if node is None or end is None:
        return None
    about = Entity("node", node.id, case.task.node_info.pool_id if case.task.node_info else "")
    booted = node.last_boot_time
    if booted and end - _NEAR_END <= booted <= end + _NEAR_END:
        said = Evidence(f"the node started anew {spoken(abs(booted - end))} from the task's end", booted)
        return clue("task.ended_with_node", about, sure="likely", since=end, evidence=[_said(case), said])
    moved = node.state_transition_time
    if node.state.lower() in ("preempted", "leavingpool") and moved and abs(moved - end) <= _NEAR_END:
        said = Evidence(f"the node became {word(node.state)} then", moved)
        return clue("task.ended_with_node", about, sure="likely", since=end, evidence=[_said(case), said])
    return None


def _of_upload(case: TaskCase, words: str) -> Clue:
    """A program that ended well (exit code 0) whose task failed: its output could not be uploaded."""
    info = case.run.failure_info
    row = knowledge.find("task", code=info.code, message=words) if info and info.code else None
    files = "what was tried stands in fileuploadout.txt and fileuploaderr.txt of the task's directory"
    evidence = [_said(case), _details(case), Evidence(files)]
    return clue(
        row or "task.upload_failed",
        case.about,
        since=case.run.end_time,
        evidence=[*evidence, _expired(case)],
        names=_where(case),
    )


def of_retries(case: TaskCase) -> list[Clue]:
    """A task that fails and is run again, so that it never counts as failed."""
    run = case.run
    if run.retry_count < MANY:
        return []
    limit = _retries(case)
    said = Evidence(f"run again {plural(run.retry_count, 'time')}, {limit}", run.last_retry_time or case.at)
    last = how_failed(run)
    why = Evidence(f"it last failed with {last}", run.last_retry_time or case.at) if last else None
    return [
        clue(
            "task.retried_endlessly",
            case.about,
            since=run.start_time,
            evidence=[said, why, case.printed],
            names=_where(case),
        )
    ]


def _retries(case: TaskCase) -> str:
    own, of_job = case.task.constraints, case.job.constraints
    most = own.max_task_retry_count if own else of_job.max_task_retry_count if of_job else 0
    return "without a limit" if most < 0 else f"at most {number(most)}"


def _of_preparing(case: TaskCase) -> list[Clue]:
    since = case.task.state_transition_time
    lasts = case.at - since if since else timedelta()
    said = Evidence(f"preparing for {spoken(lasts)}; the counts call it running", case.at)
    what = _fetched(case.task)
    fetched = Evidence(f"it fetches {what}", case.at) if what else None
    if lasts > PREPARING_LONG:
        return [
            clue(
                "task.preparing_long",
                case.about,
                sure="likely",
                since=since,
                evidence=[said, fetched],
                names=_where(case),
            )
        ]
    return [
        on_its_way(
            "task.prepares",
            case.about,
            "the task is being prepared",
            since=since,
            evidence=[said, fetched],
            names=_where(case),
        )
    ]


def _fetched(task: Task) -> str:
    image = task.container_settings.image_name if task.container_settings else ""
    parts = [f"image {image}"] if image else []
    parts += [plural(len(task.resource_files), "resource file")] if task.resource_files else []
    packages = len(task.application_package_references)
    return " and ".join([*parts, *([plural(packages, "package")] if packages else [])])


def _of_running(case: TaskCase) -> list[Clue]:
    run = case.run
    lasts = case.at - run.start_time if run.start_time else None
    if lasts is None:
        return []
    limit = limit_of(case.task)
    said = Evidence(f"running for {spoken(lasts)}" + (f" of at most {spoken(limit)}" if limit else ""), case.at)
    return [
        on_its_way("task.runs", case.about, "the task runs", since=run.start_time, evidence=[said], names=_where(case))
    ]


def of_waiting(case: TaskCase) -> list[Clue]:
    """What a task that waits for a node waits for by itself, whatever its job and its pool are like."""
    task, pool, about, names = case.task, case.pool, case.about, _where(case)
    found = []
    since = task.state_transition_time or task.creation_time
    stuck = [each for each in case.parents or () if failed(each) and blocks(each)]
    if stuck:
        said = [
            Evidence(f"task {each.id} failed{_comma(how_failed(each.execution_info))}", _end(each) or case.at)
            for each in stuck[:3]
        ]
        names = {**names, "task": stuck[0].id}
        found.append(clue("task.parent_failed", about, since=_end(stuck[0]), evidence=said, names=names))
    elif case.parents and (open_ := [each for each in case.parents if not is_over(each.state)]):
        not_over = f"{plural(len(open_), 'task')} that {'is' if len(open_) == 1 else 'are'} not over"
        said = [Evidence(f"it depends on {not_over}: {', '.join(each.id for each in open_[:3])}", case.at)]
        cause = "the task waits for others that it depends on"
        found.append(on_its_way("task.waits_for_others", about, cause, since=since, evidence=said, names=names))
    if pool is not None:
        slots = too_many_slots([task], pool, case.at)
        found += [clue("task.slots", about, since=since, evidence=slots, names=names)] if slots else []
    return found


def too_many_slots(tasks: Sequence[Task], pool: Pool, at: datetime) -> list[Evidence]:
    """That tasks need more than any node of their pool has: such tasks never run there."""
    large = [each for each in tasks if each.required_slots > pool.task_slots_per_node]
    said = []
    if large:
        needs = f"{large[0].id} needs {plural(large[0].required_slots, 'slot')}"
        said.append(Evidence(f"{needs}, a node of {pool.id} has {number(pool.task_slots_per_node)}", at))
    many = [
        each for each in tasks if each.multi_instance_settings and each.multi_instance_settings.number_of_instances > 1
    ]
    if many and not pool.enable_inter_node_communication:
        said.append(
            Evidence(f"{many[0].id} runs on several nodes, and those of {pool.id} may not talk to each other", at)
        )
    return said


def limit_of(task: Task) -> timedelta | None:
    """How long a task may run; None without a limit."""
    limit = duration(task.constraints.max_wall_clock_time) if task.constraints else None
    return limit if limit and limit < timedelta(days=3650) else None


def _over_limit(case: TaskCase) -> bool:
    run, limit = case.run, limit_of(case.task)
    return bool(limit and run.start_time and run.end_time and run.end_time - run.start_time >= limit - _CLOCK_SLACK)


def _said(case: TaskCase) -> Evidence | None:
    """The code, the category and the words of the service, and the exit code, which says more than its code."""
    run, info = case.run, case.run.failure_info
    parts = [f"exit code {run.exit_code}"] if run.exit_code is not None else []
    if info and info.code.lower() != EXITED:
        whose = f" ({info.category})" if info.category else ""
        parts.append(f"{info.code}{whose}: {info.message}" if info.message else f"{info.code}{whose}")
    return Evidence(" · ".join(parts), run.end_time or case.at) if parts else None


def _details(case: TaskCase) -> Evidence | None:
    info = case.run.failure_info
    tells = info is not None and info.code.lower() != EXITED
    told = [f"{each.name}: {each.value}" for each in info.details if each.value] if info and tells else []
    return Evidence(" · ".join(told), case.run.end_time or case.at) if told else None


def _took(case: TaskCase) -> Evidence | None:
    """How long it ran against how long it may."""
    run, limit = case.run, limit_of(case.task)
    if not (run.start_time and run.end_time):
        return None
    took = f"it ran for {spoken(run.end_time - run.start_time)}"
    return Evidence(took + (f" of at most {spoken(limit)}" if limit else ", it has no time limit"), run.end_time)


def _expired(case: TaskCase) -> Evidence | None:
    """That a signature of an address in the service's details was over when the task ended."""
    info = case.run.failure_info
    until = valid_until(*(each.value for each in info.details), info.message) if info else None
    ended = case.run.end_time or case.at
    return Evidence("the signature in the address expired before that", until) if until and until < ended else None


def _where(case: TaskCase) -> dict[str, str]:
    """The names that steps may need: of its pool and node, and what made its job."""
    place = case.task.node_info
    pool = place.pool_id if place and place.pool_id else case.pool.id if case.pool else ""
    names = {"pool": pool, "node": place.node_id if place else ""}
    return {name: value for name, value in names.items() if value}


def how_failed(run: Execution | None) -> str:
    """``exit code 137``, or else the service's code; empty where neither is told."""
    if run is None:
        return ""
    return (
        f"exit code {run.exit_code}" if run.exit_code is not None else run.failure_info.code if run.failure_info else ""
    )


def _comma(words: str) -> str:
    return f", {words}" if words else ""


def _end(task: Task) -> datetime | None:
    return task.execution_info.end_time if task.execution_info else None
