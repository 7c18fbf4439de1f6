"""Statistics of a task, which the service rolls up now and then: about half an hour after it has ended.

`wallClockTime` is that of all its runs, which nothing else tells ("If the Task was retried, this includes the wall
clock time of all the Task retries", TaskStatistics). Processor time and input and output are not played.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from bot.sandbox.world.durations import normalised
from bot.sandbox.world.live import LiveJob, LiveTask

ROLLED_UP: Final = timedelta(minutes=30)


def task_stats(base: str, job: LiveJob, task: LiveTask, now: datetime) -> dict[str, Any] | None:
    """The statistics as they stand; none before they were rolled up."""
    ended = task.execution_info.end_time
    if task.state != "completed" or ended is None or now - ended < ROLLED_UP:
        return None
    began = task.execution_info.start_time or ended
    return {
        "url": f"{base}/jobs/{job.id}/tasks/{task.id}/stats",
        "startTime": task.creation_time,
        "lastUpdateTime": ended + ROLLED_UP,
        "userCPUTime": "PT0S",
        "kernelCPUTime": "PT0S",
        "wallClockTime": normalised(f"PT{task.held:.6f}S"),
        "readIOps": "0",
        "writeIOps": "0",
        "readIOGiB": 0.0,
        "writeIOGiB": 0.0,
        "waitTime": normalised(f"PT{max(0.0, (began - task.creation_time).total_seconds()):.6f}S"),
    }
