"""Writes of job schedules."""

from __future__ import annotations

from collections.abc import Mapping

from bot.azure.paths import Paths
from bot.azure.plane import Written
from bot.azure.writer import Writer


async def create(writer: Writer, body: Mapping[str, object]) -> Written:
    """Make a schedule. JobScheduleExists, or JobWithSameIdExists: a job and a schedule cannot share an id."""
    return await writer.send("POST", "/jobschedules", body)


async def delete(writer: Writer, schedule: str, *, etag: str = "") -> Written:
    """Delete a schedule with all its jobs, their tasks and their files."""
    return await writer.send("DELETE", Paths.schedule(schedule), if_match=etag)


async def patch(writer: Writer, schedule: str, changes: Mapping[str, object], *, etag: str = "") -> Written:
    """Change the properties that are given; jobs that exist keep what they were made with."""
    return await writer.send("PATCH", Paths.schedule(schedule), changes, if_match=etag)


async def enable(writer: Writer, schedule: str, *, etag: str = "") -> Written:
    """Make jobs again."""
    return await writer.send("POST", f"{Paths.schedule(schedule)}/enable", if_match=etag)


async def disable(writer: Writer, schedule: str, *, etag: str = "") -> Written:
    """Make no jobs until it is enabled; the job that runs goes on."""
    return await writer.send("POST", f"{Paths.schedule(schedule)}/disable", if_match=etag)


async def terminate(writer: Writer, schedule: str, *, etag: str = "") -> Written:
    """End a schedule, with the job that runs."""
    return await writer.send("POST", f"{Paths.schedule(schedule)}/terminate", if_match=etag)
