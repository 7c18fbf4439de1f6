"""How long the tasks of a job waited and ran, and nodes booted, of those that were read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from bot.azure.models.watched import NodeTimes, TaskTimes
from storage.port.spread import spread_of
from storage.port.timings import JobTimes, NodeBoot

LONGEST_BOOT: Final = timedelta(hours=1)
"""What took longer from its allocation to its last boot was rebooted since, or is no measure of a boot."""


def with_tasks(job: JobTimes, tasks: Sequence[TaskTimes]) -> JobTimes:
    """The job with the times of some of its tasks: of each the last run, which is all that a list says."""
    ran = [(task.creation_time, task.execution_info) for task in tasks]
    waits = [(run.start_time - made).total_seconds() for made, run in ran if made and run.start_time]
    runs = [(run.end_time - run.start_time).total_seconds() for _, run in ran if run.start_time and run.end_time]
    return replace(job, waits=spread_of(waits), runs=spread_of(runs), read=len(tasks))


def boots_of(account: str, pool: str, vm_size: str, nodes: Iterable[NodeTimes], since: datetime) -> Iterator[NodeBoot]:
    """The first boots of a pool's nodes (of ``vm_size``) that were allocated from then on.

    A node says when it booted last. Of one that was rebooted an hour or more after its allocation, nothing is known.
    """
    for node in nodes:
        allocated, booted = node.allocation_time, node.last_boot_time
        if allocated and booted and allocated >= since and timedelta() < booted - allocated <= LONGEST_BOOT:
            seconds = (booted - allocated).total_seconds()
            yield NodeBoot(account, pool, node.id, vm_size or node.vm_size, not node.is_dedicated, allocated, seconds)
