"""Writes of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from bot.azure.paths import Paths
from bot.azure.plane import Written
from bot.azure.writer import Writer

OfTasks: TypeAlias = Literal["requeue", "terminate", "wait"]
"""What becomes of the tasks that run when a job is disabled."""


async def create(writer: Writer, body: Mapping[str, object]) -> Written:
    """Make a job. JobExists, or JobScheduleWithSameIdExists: a job and a schedule cannot share an id."""
    return await writer.send("POST", "/jobs", body)


async def delete(writer: Writer, job: str, *, etag: str = "") -> Written:
    """Delete a job with its tasks and their files, at once whatever their retention."""
    return await writer.send("DELETE", Paths.job(job), if_match=etag)


async def patch(writer: Writer, job: str, changes: Mapping[str, object], *, etag: str = "") -> Written:
    """Change the properties that are given. The pool can be changed only while the job is disabled."""
    return await writer.send("PATCH", Paths.job(job), changes, if_match=etag)


async def enable(writer: Writer, job: str, *, etag: str = "") -> Written:
    """Let a disabled job run again; tasks that are older than 180 days never run."""
    return await writer.send("POST", f"{Paths.job(job)}/enable", if_match=etag)


async def disable(writer: Writer, job: str, *, tasks: OfTasks = "requeue", etag: str = "") -> Written:
    """Start no more tasks of a job. Refused in any state but active, disabling and disabled."""
    return await writer.send("POST", f"{Paths.job(job)}/disable", {"disableTasks": tasks}, if_match=etag)


async def terminate(writer: Writer, job: str, *, reason: str = "", etag: str = "") -> Written:
    """End a job: its running tasks end, tasks that wait stay active and never run."""
    body = {"terminateReason": reason} if reason else {}
    return await writer.send("POST", f"{Paths.job(job)}/terminate", body, if_match=etag)
