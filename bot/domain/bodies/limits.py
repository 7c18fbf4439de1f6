"""What the service would refuse in a create body, said before it is asked.

The numbers are those of the descriptions of each field in the data plane's document and of "Batch service quotas and
limits"; what only the service can know (quotas, names that are taken) is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from bot.domain.bodies.fields import FIELDS, Body, Noun
from bot.domain.bodies.path import held_by, objects, spelled, value_at
from bot.domain.bodies.shapes import misshapen

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = 1024
PRIORITY = 1000
"""A job's priority goes from this below zero to this above."""
RETRIES = 100
"""Retries of a task at most; -1 is without end."""
_SLOTS = 256
_PACKAGES = 10
_USERS = 5
_MOUNTS = 10
_FORMULA = 8 * 1024
_LEAST = timedelta(minutes=5)
_LONGEST_INTERVAL = timedelta(hours=168)
_LEAST_RECURRENCE = timedelta(minutes=1)
_DEPENDENCIES = 64_000


@dataclass(frozen=True)
class Problem:
    """What is wrong, and at which place: ``constraints.maxTaskRetryCount``."""

    place: str
    words: str

    def __str__(self) -> str:
        return f"{self.place}: {self.words}"


def problems(noun: Noun, body: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with a create body; empty for a good one."""
    kinds = [Problem(spelled(path), words) for path, words in misshapen(dict(body))]
    return kinds or [Problem(place, words) for place, words in _problems(noun, dict(body))]


def _problems(noun: Noun, body: Body) -> Iterator[tuple[str, str]]:
    named = body.get("id")
    if not isinstance(named, str) or not _ID.fullmatch(named):
        yield "id", "1 to 64 letters, digits, hyphens and underscores"
    unknown = sorted(set(body) - FIELDS[noun].create)
    for name in unknown:
        answered = name in FIELDS[noun].answered
        yield name, "only the service writes it" if answered else f"a {noun} has no such field"
    yield from _longest(body.get("displayName"), "displayName", _NAME, "characters")
    match noun:
        case "pool":
            yield from _pool(body, "")
        case "job":
            yield from _job(body, "")
        case "task":
            yield from _task(body)
        case "schedule":
            yield from _schedule(body)
    for path, held in objects(body):
        if held_by(path) == "constraints" and path:
            yield from _within(held.get("maxTaskRetryCount"), f"{spelled(path)}.maxTaskRetryCount", -1, RETRIES)


def _pool(body: Body, place: str) -> Iterator[tuple[str, str]]:
    if not body.get("vmSize"):
        yield f"{place}vmSize", "a pool needs a VM size"
    if not body.get("virtualMachineConfiguration"):
        yield f"{place}virtualMachineConfiguration", "a pool needs an image"
    if body.get("enableAutoScale"):
        if not body.get("autoScaleFormula"):
            yield f"{place}autoScaleFormula", "a pool that scales itself needs a formula"
        for name in ("targetDedicatedNodes", "targetLowPriorityNodes"):
            if name in body:
                yield f"{place}{name}", "a pool that scales itself takes no counts"
        interval = f"{place}autoScaleEvaluationInterval"
        yield from _lasting(body.get("autoScaleEvaluationInterval"), interval, _LEAST, _LONGEST_INTERVAL)
        yield from _longest(body.get("autoScaleFormula"), f"{place}autoScaleFormula", _FORMULA, "characters")
    elif body.get("autoScaleFormula"):
        yield f"{place}enableAutoScale", "a formula needs autoscale to be enabled"
    for name in ("targetDedicatedNodes", "targetLowPriorityNodes"):
        yield from _within(body.get(name), f"{place}{name}", 0, None)
    yield from _lasting(body.get("resizeTimeout"), f"{place}resizeTimeout", _LEAST, None)
    yield from _within(body.get("taskSlotsPerNode"), f"{place}taskSlotsPerNode", 1, _SLOTS)
    yield from _longest(body.get("applicationPackageReferences"), f"{place}applicationPackageReferences", _PACKAGES)
    yield from _longest(body.get("userAccounts"), f"{place}userAccounts", _USERS)
    yield from _longest(body.get("mountConfiguration"), f"{place}mountConfiguration", _MOUNTS)
    if (start := body.get("startTask")) is not None and not start.get("commandLine"):
        yield f"{place}startTask.commandLine", "a start task needs a command"


def _job(body: Body, place: str) -> Iterator[tuple[str, str]]:
    where = body.get("poolInfo") or {}
    chosen = [name for name in ("poolId", "autoPoolSpecification") if where.get(name)]
    if len(chosen) != 1:
        yield f"{place}poolInfo", "a job needs a pool, or the specification of one that is made for it; not both"
    yield from _within(body.get("priority"), f"{place}priority", -PRIORITY, PRIORITY)
    parallel = body.get("maxParallelTasks")
    if parallel is not None and parallel != -1:
        yield from _within(parallel, f"{place}maxParallelTasks", 1, None)
    if body.get("jobReleaseTask") and not body.get("jobPreparationTask"):
        yield f"{place}jobReleaseTask", "a release task needs a preparation task"
    for name in ("jobManagerTask", "jobPreparationTask", "jobReleaseTask"):
        if (task := body.get(name)) is not None and not task.get("commandLine"):
            yield f"{place}{name}.commandLine", "a task needs a command"
    if pool := value_at(body, ("poolInfo", "autoPoolSpecification", "pool")):
        yield from _pool(pool, f"{place}poolInfo.autoPoolSpecification.pool.")


def _task(body: Body) -> Iterator[tuple[str, str]]:
    if not body.get("commandLine"):
        yield "commandLine", "a task needs a command"
    yield from _within(body.get("requiredSlots"), "requiredSlots", 1, _SLOTS)
    ids = value_at(body, ("dependsOn", "taskIds"), [])
    if sum(map(len, ids)) > _DEPENDENCIES:
        yield "dependsOn.taskIds", f"the ids together are longer than {_DEPENDENCIES:,} characters"


def _schedule(body: Body) -> Iterator[tuple[str, str]]:
    if "schedule" not in body:
        yield "schedule", "a schedule says when it runs"
    interval = value_at(body, ("schedule", "recurrenceInterval"))
    yield from _lasting(interval, "schedule.recurrenceInterval", _LEAST_RECURRENCE, None)
    yield from _lasting(value_at(body, ("schedule", "startWindow")), "schedule.startWindow", _LEAST_RECURRENCE, None)
    specification = body.get("jobSpecification")
    if not specification:
        yield "jobSpecification", "a schedule says what its jobs are like"
    else:
        yield from _job(specification, "jobSpecification.")


def _within(value: Any, place: str, least: int, most: int | None) -> Iterator[tuple[str, str]]:
    """A whole number, also written as text, as old clients send it."""
    if value is None:
        return
    try:
        number = int(value)
    except (TypeError, ValueError):
        yield place, f"“{str(value)[:40]}” is not a whole number"
        return
    if number < least or (most is not None and number > most):
        yield place, f"{number:,} is not {least:,} to {most:,}" if most is not None else f"at least {least:,}"


def _longest(value: Any, place: str, most: int, what: str = "") -> Iterator[tuple[str, str]]:
    if value is not None and len(value) > most:
        yield place, f"{len(value):,} are more than {most:,}{f' {what}' if what else ''}"


def _lasting(value: Any, place: str, least: timedelta, most: timedelta | None) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    try:
        length = msgspec.convert(value, timedelta)
    except msgspec.ValidationError:
        yield place, f"“{str(value)[:40]}” is not a duration: write it like PT15M or P1D"
        return
    if length < least or (most is not None and length > most):
        upto = f" and at most {msgspec.to_builtins(most)}" if most else ""
        yield place, f"{value} is too short or too long: at least {msgspec.to_builtins(least)}{upto}"
