"""What ``$expand=stats`` tells of pools and jobs: about half an hour late, and of their whole lives.

Numbers of 64 bits are text (recorded). What the simulation does not know, memory and disks, follows from core-hours.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bot.sandbox.world.durations import normalised
from bot.sandbox.world.ledger.charges import GIB_IN, GIB_OUT
from bot.sandbox.world.ledger.use import HOUR, Kinds
from bot.sandbox.world.live import LiveJob, LivePool

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

EVERY: Final = 1800
"""Seconds between two updates."""

_READ_IOPS, _WRITE_IOPS = 90_000, 40_000  # in a core-hour
_KERNEL = 0.06  # of the time that a task runs


class Statistics:
    """Of one account; settle the world before reading."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._pools: dict[LivePool, tuple[datetime, Kinds]] = {}

    def _last(self, since: datetime) -> datetime:
        """When the numbers were last brought up to date."""
        now = self._account.world.time.timestamp()
        return max(since, datetime.fromtimestamp(now // EVERY * EVERY, UTC))

    def _use(self, pool: LivePool, until: datetime) -> Kinds:
        known = self._pools.get(pool)
        if known is None or known[0] != until:
            use = self._account.ledger.core_seconds(pool.id, pool.body.creation_time, until)
            known = self._pools[pool] = until, use
        return known[1]

    def pool(self, pool: LivePool) -> dict[str, Any]:
        """``PoolStatistics``; core time is that of dedicated nodes."""
        since = pool.body.creation_time
        until = self._last(since)
        use = self._use(pool, until)
        busy = use.total.busy / HOUR
        share = use.total.busy / use.total.cores if use.total.cores else 0.0
        memory = pool.size.memory_gb
        span = {"startTime": since, "lastUpdateTime": until}
        return {
            "url": f"{self._account.facts.endpoint}/pools/{pool.id}/stats",
            **span,
            "usageStats": {**span, "dedicatedCoreTime": _duration(use.dedicated.cores)},
            "resourceStats": {
                **span,
                "avgCPUPercentage": round(share * 100, 3),
                "avgMemoryGiB": round(memory * share * 0.6, 3),
                "peakMemoryGiB": round(memory * 0.8 if busy else 0.0, 3),
                "avgDiskGiB": round(12.0 * share, 3),
                "peakDiskGiB": 21.0 if busy else 0.0,
                "diskReadIOps": str(round(busy * _READ_IOPS)),
                "diskWriteIOps": str(round(busy * _WRITE_IOPS)),
                "diskReadGiB": busy * GIB_IN * 2,
                "diskWriteGiB": busy * GIB_OUT * 4,
                "networkReadGiB": busy * GIB_IN,
                "networkWriteGiB": busy * GIB_OUT,
            },
        }

    def job(self, job: LiveJob) -> dict[str, Any]:
        """``JobStatistics``: of the tasks that had ended by the last update."""
        since = job.body.creation_time
        until = self._last(since)
        wall = waited = 0.0
        ended = {"success": 0, "failure": 0}
        retries = 0
        for task in job.tasks.values():
            info = task.execution_info
            if info.start_time is None or info.end_time is None or info.end_time > until:
                continue
            wall += (info.end_time - info.start_time).total_seconds()
            waited += max(0.0, (info.start_time - task.creation_time).total_seconds())
            retries += info.retry_count
            ended["success" if (info.result or "").lower() == "success" else "failure"] += 1
        hours = wall / HOUR
        return {
            "url": f"{self._account.facts.endpoint}/jobs/{job.id}/stats",
            "startTime": since,
            "lastUpdateTime": until,
            "userCPUTime": _duration(wall * (0.9 - _KERNEL)),
            "kernelCPUTime": _duration(wall * _KERNEL),
            "wallClockTime": _duration(wall),
            "readIOps": str(round(hours * _READ_IOPS)),
            "writeIOps": str(round(hours * _WRITE_IOPS)),
            "readIOGiB": hours * GIB_IN,
            "writeIOGiB": hours * GIB_OUT,
            "numTaskRetries": str(retries),
            "numSucceededTasks": str(ended["success"]),
            "numFailedTasks": str(ended["failure"]),
            "waitTime": _duration(waited),
        }


def _duration(seconds: float) -> str:
    return normalised(f"PT{seconds:.3f}S")
