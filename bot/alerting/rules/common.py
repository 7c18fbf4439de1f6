"""What the rules share: entities, buttons, and words that stay the same while nothing happens.

A message is edited when what it says changes. So spans are given in coarse steps: a figure that moved with every poll
would edit every message of every open incident once a minute.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from msgspec.structs import replace

from bot.content.clear_text import clear
from bot.domain.entity import Entity, schedule_of
from bot.domain.findings import CauseCount, SuggestedAction
from bot.domain.states import is_active
from bot.monitor.scene import JobView, PoolView, Scene
from cards.command_line import command
from cards.formatting import duration, number, plural
from storage.port.monitoring import Transition

EVIDENCE = 300
"""Characters of what the service or a program said: a phone's screen; the rest is behind the buttons."""
NAMED = 10
"""Nodes that are named; more do not help on a phone, and the list is a button away."""
MOST_ACTIONS = 4
"""Buttons of a finding."""
CAUSES = 3
"""Causes that are named in a sentence."""
WERE_DISABLED = ("disabled", "disabling", "enabling")
"""States out of which a job or schedule that becomes active was enabled."""
STEP = timedelta(minutes=5)
"""Below an hour spans are given in steps of this."""


def pool_entity(pool: str) -> Entity:
    """A pool."""
    return Entity("pool", pool)


def job_entity(job: str) -> Entity:
    """A job."""
    return Entity("job", job)


def schedule_entity(schedule: str) -> Entity:
    """A job schedule."""
    return Entity("schedule", schedule)


def around(job: JobView) -> tuple[Entity, ...]:
    """What a job belongs to: its pool and its schedule, where it has them."""
    pool = (pool_entity(job.pool),) if job.pool else ()
    return (*pool, schedule_entity(job.schedule)) if job.schedule else pool


def button(text: str, path: str, *names: str, **options: object) -> SuggestedAction:
    """A button with the command at a path, about these names."""
    return SuggestedAction(text, command(path, *names, **options))


def elapsed(scene: Scene, moment: datetime | None) -> float:
    """Seconds from a moment to the poll; 0 for one that is unknown or lies ahead (clocks differ)."""
    return max(0.0, (scene.at - moment).total_seconds()) if moment else 0.0


def newest(scene: Scene, *moments: datetime | None) -> datetime:
    """The last of the moments that are known; where none is, the beginning of the hour: it may not move each time."""
    known = [each for each in moments if each is not None]
    return max(known) if known else scene.at.replace(minute=0, second=0, microsecond=0)


def span(seconds: float) -> str:
    """A span in coarse steps, cut down: ``under 5 min``, ``40 min``, ``2 h``, from two days on ``3 d``."""
    whole = timedelta(seconds=seconds)
    if whole < STEP:
        return f"under {duration(STEP)}"
    step = STEP if whole < timedelta(hours=1) else timedelta(hours=1 if whole < timedelta(days=2) else 24)
    return duration(whole // step * step)


def said(code: str, message: str = "") -> str:
    """What the service said: code and words, without secrets, cut to :data:`EVIDENCE`."""
    return cut(": ".join(filter(None, (code, message))))


@lru_cache(maxsize=4096)
def cut(words: str) -> str:
    """Words without secrets and line breaks, cut to :data:`EVIDENCE` characters. Hidden first, so no half key stays.

    Remembered, because the same words come with every poll, and the search for secrets takes most of the judging.
    """
    line = " ".join(clear(words).split())
    return line if len(line) <= EVIDENCE else line[: EVIDENCE - 1].rstrip() + "…"


def ranked(tallies: Iterable[CauseCount]) -> tuple[CauseCount, ...]:
    """Causes, the greatest first, then by name; what a program said is redacted."""
    ordered = sorted(tallies, key=lambda each: (-each.count, each.cause))
    return tuple(replace(each, cause=cut(each.cause), said=cut(each.said)) for each in ordered)


def summed(tallies: Collection[CauseCount]) -> str:
    """``out of memory (exit 137) ×198 · input not found ×16 · 2 more causes``; a single cause stands alone."""
    if len(tallies) == 1:
        return next(iter(tallies)).cause
    first = [f"{each.cause} ×{number(each.count)}" for each in list(tallies)[:CAUSES]]
    rest = len(tallies) - CAUSES
    return " · ".join([*first, *([plural(rest, "more cause", "more causes")] if rest > 0 else [])])


def news(scene: Scene, entity: str, *after: str) -> Iterator[Transition]:
    """What is new of a kind of entity: transitions into one of these states, oldest first."""
    found = [each for each in scene.news if each.entity == entity and each.after.lower() in after]
    return iter(sorted(found, key=lambda each: (each.at, each.parent, each.id)))


def jobs_of(scene: Scene, pool: PoolView) -> list[JobView]:
    """The active jobs whose tasks wait for nodes of a pool, the most urgent first."""
    waiting = [job for job in scene.jobs_in(pool.id) if is_active(job.state) and job.active]
    return sorted(waiting, key=lambda job: (-job.priority, job.id))


def waiting(jobs: Collection[JobView]) -> str:
    """``3 jobs with 1,204 tasks``."""
    return f"{plural(len(jobs), 'job')} with {plural(sum(job.active or 0 for job in jobs), 'task')}"


def waits(jobs: Collection[JobView]) -> tuple[tuple[str, str], ...]:
    """The line of figures that says which jobs wait; none where none do."""
    return (("Waiting", waiting(jobs)),) if jobs else ()


def spoken(job: str) -> str:
    """A job as people say it: ``schedule2 / job-3`` for ``schedule2:job-3``, which a schedule made; its id else."""
    schedule = schedule_of(job)
    return f"{schedule} / {job.removeprefix(schedule + ':')}" if schedule else f"job {job}"
