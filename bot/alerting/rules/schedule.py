"""What is reported of a job schedule: that it makes no job, and the ends of its life."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerting.rules import rule
from bot.alerting.rules.common import WERE_DISABLED, button, elapsed, job_entity, news, schedule_entity, span
from bot.domain.findings import Finding, Severity, SuggestedAction
from bot.domain.knowledge import row
from bot.domain.schedule_health import overdue_since
from bot.domain.states import is_active, is_over
from bot.monitor.scene import Scene, ScheduleView
from cards.formatting import number
from storage.port.monitoring import Transition


@rule("schedule.barren", severity=Severity.WARNING, reads=("schedules",))
def barren(scene: Scene) -> Iterator[Finding]:
    """A schedule is active and due, and makes no job.

    How late that is: :func:`bot.domain.schedule_health.overdue_since`. Most often its last job is not over: a schedule
    has one active job at a time.
    """
    for schedule in scene.schedules.values():
        due = overdue_since(schedule, scene.at)
        if due is None:
            continue
        yield Finding(
            entity=schedule_entity(schedule.id),
            headline=f"schedule {schedule.id} makes no job, {span(elapsed(scene, due))} overdue",
            since=due,
            figures=(
                *((("Every", span(schedule.interval)),) if schedule.interval else ()),
                *((("Last job", schedule.job),) if schedule.job else ()),
            ),
            cause=_why(scene, schedule),
            actions=(
                *_end_last(scene, schedule),
                button("Open", "schedule show", schedule.id),
                *((button("Last job", "job show", schedule.job),) if schedule.job else ()),
                button("Its jobs", "schedule jobs", schedule.id),
            ),
            related=(job_entity(schedule.job),) if schedule.job else (),
        )


@rule("schedule.created", severity=Severity.INFO, reads=("schedules",), quiet=True)
def created(scene: Scene) -> Iterator[Finding]:
    """A schedule was created."""
    for each in news(scene, "schedule", "active"):
        if not each.before:
            yield _event(each, "was created")


@rule("schedule.enabled", severity=Severity.INFO, reads=("schedules",), quiet=True)
def enabled(scene: Scene) -> Iterator[Finding]:
    """A schedule that was disabled was enabled: it makes jobs again."""
    for each in news(scene, "schedule", "active"):
        if each.before.lower() in WERE_DISABLED:
            yield _event(each, "was enabled")


@rule("schedule.disabled", severity=Severity.INFO, reads=("schedules",))
def disabled(scene: Scene) -> Iterator[Finding]:
    """A schedule was disabled: it makes no jobs until it is enabled."""
    for each in news(scene, "schedule", "disabled"):
        yield _event(each, "was disabled", button("Enable", "schedule enable", each.id))


@rule("schedule.completed", severity=Severity.INFO, reads=("schedules",), quiet=True)
def completed(scene: Scene) -> Iterator[Finding]:
    """A schedule has come to its end: it makes no more jobs."""
    for each in news(scene, "schedule", "completed"):
        yield _event(each, "has come to its end")


@rule("schedule.deleted", severity=Severity.INFO, reads=("schedules",), quiet=True)
def deleted(scene: Scene) -> Iterator[Finding]:
    """A schedule was deleted, and its jobs with it."""
    for each in news(scene, "schedule", "deleted"):
        yield _event(each, "was deleted", button("Schedules", "schedule list"))


def _why(scene: Scene, schedule: ScheduleView) -> str:
    last = scene.job(schedule.job)
    if last is not None and not is_over(last.state):
        return row("schedule.held_up").cause
    for what, used, limit in scene.quota.rows:
        if "job" in what.lower() and used >= limit:
            return f"the quota of {what} is used up: {number(used)} of {number(limit)}"
    return row("schedule.window_missed").cause if schedule.missed else "the service makes none and gives no reason"


def _end_last(scene: Scene, schedule: ScheduleView) -> tuple[SuggestedAction, ...]:
    """Ends the last job, where that keeps the next from coming."""
    last = scene.job(schedule.job)
    return (button("Terminate it", "job terminate", last.id),) if last and is_active(last.state) else ()


def _event(change: Transition, what: str, step: SuggestedAction | None = None) -> Finding:
    """News of a schedule."""
    return Finding(
        entity=schedule_entity(change.id),
        headline=f"schedule {change.id} {what}",
        since=change.at,
        state="event",
        actions=(step or button("Open", "schedule show", change.id),),
    )
