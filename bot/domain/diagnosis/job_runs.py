"""Clues of a job that runs: tasks that fail, that are run again without end, that hang; and one that nothing ends."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot.azure.models import Execution, Task
from bot.domain.causes import cause_of_run, grouped
from bot.domain.diagnosis.job_case import JobCase
from bot.domain.diagnosis.model import Clue, Evidence, clue, on_its_way
from bot.domain.diagnosis.tasks import PREPARING_LONG, TaskCase, failed, how_failed, of_failure, runs_again
from bot.domain.job_health import FEW, total
from bot.domain.knowledge import Step
from bot.domain.states import is_active
from cards.formatting import duration, number, plural

NEVER_ENDS = timedelta(hours=1)
"""A job that has had no task for so long is not about to get any."""
_NAMED = 3


def of_running(case: JobCase) -> list[Clue]:
    """What is wrong with tasks that the counts call running: they are run again without end, or hang."""
    found = []
    again = case.again
    if again.endless:
        worst = again.tasks[0]
        most = {each.id: each for each in case.unfinished}[worst.task]
        run = most.execution_info or Execution()
        said = Evidence(f"{plural(again.times, 'retry', 'retries')} of {plural(len(again.tasks), 'task')}, "
                        f"{worst.task} {plural(worst.times, 'time')}", again.last or case.at)  # fmt: skip
        how = how_failed(run)
        why = Evidence(f"they last failed with {how}", again.last or case.at) if how else None
        names = {**case.names, "task": worst.task}
        printed = case.printed.get(worst.task)
        found.append(
            clue("task.retried_endlessly", case.about, since=run.start_time, evidence=[said, why, printed], names=names)
        )
    hanging = [
        each
        for each in case.unfinished
        if each.state.lower() == "preparing" and each.state_transition_time
        and case.at - each.state_transition_time > PREPARING_LONG
    ]  # fmt: skip
    running = case.counts.running if case.counts else 0
    if hanging and len(hanging) >= max(1, running):
        first = min(hanging, key=lambda each: each.state_transition_time or case.at)
        since = first.state_transition_time
        lasts = duration(case.at - since) if since else ""
        said = Evidence(
            f"{plural(len(hanging), 'task')} preparing, {first.id} for {lasts}; the counts call them running", case.at
        )
        names = {**case.names, "task": first.id}
        found.append(clue("task.preparing_long", case.about, sure="likely", since=since, evidence=[said], names=names))
    return found


def serious(case: JobCase) -> bool:
    """Whether the failures are what is wrong with the job: one in :data:`FEW` of those that ended, as lists mark it."""
    counts = case.counts
    return bool(counts and counts.failed * FEW > counts.completed)


def telling(case: JobCase) -> str:
    """The task whose output says why its tasks fail: one that fails on and on, or of the most frequent exit code.

    Empty where the service says why, or none failed.
    """
    again = case.again.tasks
    if again and case.again.endless:
        return again[0].task
    groups = _groups(case)
    first = groups[0][1][-1] if groups else None
    ran = first is not None and first.execution_info is not None and first.execution_info.exit_code is not None
    return first.id if first is not None and ran else ""


def _groups(case: JobCase) -> list[tuple[str, list[Task]]]:
    """Its failed tasks by their cause, the most frequent first."""
    return list(grouped(filter(failed, case.failures), lambda each: cause_of_run(each.execution_info)).items())


def of_failures(case: JobCase) -> list[Clue]:
    """Why its tasks failed: the most frequent cause, with how many of those read it struck."""
    groups = _groups(case)
    if not groups:
        return []
    group = groups[0][1]
    example = next((each for each in group if each.id in case.printed), group[0])
    whole = TaskCase(
        task=example,
        job=case.job,
        at=case.at,
        pool=case.pool.pool if case.pool else None,
        printed=case.printed.get(example.id),
        ended=case.ended,
    )
    inner = of_failure(whole)[0]
    counts, read = case.counts, sum(len(them) for _, them in groups)
    many = f"{number(counts.failed if counts else read)} of {plural(total(counts) if counts else read, 'task')} failed"
    all_read = not counts or read >= counts.failed
    of_those = "them" if all_read else f"{number(read)} that were read"
    share = f", {number(len(group))} of {of_those}" if len(groups) > 1 else ""
    kinds = " · ".join(f"{name.partition(':')[0]} ×{number(len(them))}" for name, them in groups[:_NAMED])
    some = "" if all_read else f" (of {number(read)} that were read)"
    told = Evidence(f"{many}: {kinds}{some}", case.at)
    ends = (run.end_time for each in group if (run := each.execution_info) and run.end_time)
    return [
        replace(
            inner,
            about=case.about,
            cause=f"{many}{share}: {inner.cause}",
            since=min(ends, default=None),
            evidence=(told, *inner.evidence),
            names={**inner.names, **case.names, "job": case.job.id, "task": example.id},
            steps=_steps_of_many(case, inner) if (counts.failed if counts else read) > 1 else inner.steps,
        )
    ]


_ALL_FAILURES = Step("Failures", "failures job {job}")
_RUN_AGAIN = Step("Run them again", "job reactivate-failed {job}", changes=True)


def _steps_of_many(case: JobCase, inner: Clue) -> tuple[Step, ...]:
    """What mends one of many that failed mends all of them; what shows shows all of them first."""
    shown = [each for each in inner.steps if not each.changes]
    if not runs_again(inner, case.job):
        return (_ALL_FAILURES, *shown)
    mends = bool(inner.steps) and inner.steps[0].changes
    return (_RUN_AGAIN, _ALL_FAILURES, *shown) if mends else (_ALL_FAILURES, *shown[:1], _RUN_AGAIN, *shown[1:])


def never_ends(case: JobCase) -> Clue | None:
    """A job all whose tasks are over, and that does not end."""
    counts, job = case.counts, case.job
    if counts is None or counts.active or counts.running or not is_active(job.state):
        return None
    if job.on_all_tasks_complete.lower() == "terminatejob" and counts.completed:
        return None
    created = job.creation_time
    if not counts.completed:
        cause = "no task was added to it yet"
        old = created is not None and case.at - created > NEVER_ENDS
        if not old:
            return on_its_way("job.empty", case.about, cause, since=created, names=case.names)
        said = Evidence(f"no tasks for {duration(case.at - created)}" if created else "no tasks", case.at)
        return clue(
            "job.never_ends",
            case.about,
            cause=f"{cause}, and nothing ends it",
            since=created,
            evidence=[said],
            names=case.names,
        )
    said = Evidence(f"all {plural(counts.completed, 'task')} over; when all are done, it stays open", case.at)
    return clue("job.never_ends", case.about, evidence=[said], names=case.names)
