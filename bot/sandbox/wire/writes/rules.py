"""Limits of single properties, by the official documents; each check raises `Refusal` (400)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bot.sandbox.entity_parts import ApplicationPackageReference, NameValuePair, StartTask, TaskConstraints
from bot.sandbox.entity_specs import JobConstraints
from bot.sandbox.world.durations import seconds

from ..errors import Refusal
from .body import invalid

LONGEST_ID: Final = 64
LONGEST_NAME: Final = 1024
MOST_PACKAGES: Final = 10
MOST_RETRIES: Final = 100
PRIORITIES: Final = (-1000, 1000)

_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_WEEK: Final = 168 * 3600.0


def entity_id(value: str, name: str = "id") -> None:
    """1 to 64 letters, digits, hyphens and underscores."""
    if not value:
        raise Refusal("MissingRequiredProperty", [("PropertyName", name)])
    if len(value) > LONGEST_ID:
        raise invalid(name, value, f"The value is longer than {LONGEST_ID} characters")
    if not _ID.fullmatch(value):
        reason = "The value may contain only alphanumeric characters, hyphens and underscores"
        raise invalid(name, value, reason)


def display_name(value: str | None) -> None:
    """Up to 1,024 characters."""
    if value is not None and len(value) > LONGEST_NAME:
        raise invalid("displayName", value, f"The value is longer than {LONGEST_NAME} characters")


def within(name: str, value: int | None, least: int, most: int) -> None:
    """A number between two bounds, both included."""
    if value is not None and not least <= value <= most:
        raise invalid(name, value, f"The value has to be between {least} and {most}")


def span(name: str, value: str | None, least: float, most: float | None = _WEEK) -> None:
    """A duration of so many seconds; ``most`` None: as long as one likes."""
    if value is None:
        return
    length = seconds(value)
    if (length is not None and length < least) or (most is not None and (length is None or length > most)):
        longest = "" if most is None else f" and not longer than {most / 3600:g} hours"
        raise invalid(name, value, f"The duration may not be shorter than {least / 60:g} minutes{longest}")


def metadata(items: Sequence[NameValuePair] | None) -> None:
    """Each item has a name and a value."""
    for item in items or ():
        if not item.name:
            raise Refusal("EmptyMetadataKey")
        if item.value is None:
            raise Refusal("InvalidMetadata", [("Reason", f"The metadata item '{item.name}' has no value")])


def priority(value: int | None) -> None:
    """From -1000 to 1000."""
    if value is not None and not PRIORITIES[0] <= value <= PRIORITIES[1]:
        values = [("PropertyName", "priority"), ("PropertyValue", f"{value}")]
        values += [("MinimumAllowed", f"{PRIORITIES[0]}"), ("MaximumAllowed", f"{PRIORITIES[1]}")]
        raise Refusal("OutOfRangePriority", values)


def parallel_tasks(value: int | None) -> None:
    """-1 for no limit, or above 0."""
    if value is not None and value != -1 and value < 1:
        raise invalid("maxParallelTasks", value, "The value has to be -1 or greater than 0")


def retries(value: int | None) -> None:
    """-1 for no limit, up to 100."""
    within("maxTaskRetryCount", value, -1, MOST_RETRIES)


def job_constraints(given: JobConstraints | None) -> None:
    """Limits of a job."""
    if given is not None:
        span("maxWallClockTime", given.max_wall_clock_time, 0.0, None)
        retries(given.max_task_retry_count)


def task_constraints(given: TaskConstraints | None) -> None:
    """Limits of a task."""
    if given is not None:
        span("maxWallClockTime", given.max_wall_clock_time, 0.0, None)
        span("retentionTime", given.retention_time, 0.0, None)
        retries(given.max_task_retry_count)


def start_task(given: StartTask | None) -> None:
    """A command line and its retries."""
    if given is not None:
        command_line(given.command_line, "startTask.commandLine")
        retries(given.max_task_retry_count)


def command_line(value: str, name: str = "commandLine") -> None:
    """It is not empty."""
    if not value.strip():
        raise Refusal("MissingRequiredProperty", [("PropertyName", name)])


def packages(references: Sequence[ApplicationPackageReference] | None) -> None:
    """Up to ten."""
    if references is not None and len(references) > MOST_PACKAGES:
        raise invalid(
            "applicationPackageReferences", len(references), f"No more than {MOST_PACKAGES} packages may be referenced"
        )
