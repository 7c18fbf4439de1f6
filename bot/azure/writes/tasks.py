"""Writes of tasks."""

from __future__ import annotations

from collections.abc import Mapping

from bot.azure.paths import Paths
from bot.azure.plane import Written
from bot.azure.writer import Writer

MOST_ADDED = 100
"""Tasks that one collection holds at most."""
LONGEST_COLLECTION = 1_000_000
"""Bytes that one collection takes at most, and the service refuses with RequestBodyTooLarge from somewhere below."""


async def create(writer: Writer, job: str, body: Mapping[str, object]) -> Written:
    """Add one task. TaskExists where there is one of that id."""
    return await writer.send("POST", Paths.tasks(job), body)


async def create_many(writer: Writer, job: str, body: bytes) -> Written:
    """Add a collection (``{"value": [...]}``, encoded). Each task is taken or refused on its own: see the body."""
    return await writer.send("POST", f"{Paths.job(job)}/addtaskcollection", body)


async def update(writer: Writer, job: str, task: str, body: Mapping[str, object], *, etag: str = "") -> Written:
    """Replace the constraints of a task."""
    return await writer.send("PUT", Paths.task(job, task), body, if_match=etag)


async def delete(writer: Writer, job: str, task: str, *, etag: str = "") -> Written:
    """Delete a task with its files, at once whatever its retention."""
    return await writer.send("DELETE", Paths.task(job, task), if_match=etag)


async def terminate(writer: Writer, job: str, task: str, *, etag: str = "") -> Written:
    """End a task; it counts as failed."""
    return await writer.send("POST", f"{Paths.task(job, task)}/terminate", if_match=etag)


async def reactivate(writer: Writer, job: str, task: str, *, etag: str = "") -> Written:
    """Run a failed task again: its exit code, failure and output are gone, and its retries count from 0."""
    return await writer.send("POST", f"{Paths.task(job, task)}/reactivate", if_match=etag)
