"""The words of the formula language: what each variable, unit, function and method is, in plain words.

The tables are those of the service's autoscale page. What it calls retired (since 31 March 2024) says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

DEDICATED, SPOT = "$TargetDedicatedNodes", "$TargetLowPriorityNodes"
DEALLOCATION = "$NodeDeallocationOption"

MOST_NODES: Final = 2**31 - 1
"""That a target can hold: the service's are whole numbers of 32 bits ("Pool - Add", targetDedicatedNodes)."""

ALIASES: Final[Mapping[str, str]] = {"$TargetDedicated": DEDICATED, "$TargetLowPriority": SPOT}
"""Old names; where both are set the full name counts."""

WRITABLE: Final[Mapping[str, str]] = {
    DEDICATED: "dedicated nodes wanted",
    SPOT: "spot nodes wanted",
    DEALLOCATION: "what happens to tasks of nodes that go",
}

METRICS: Final[Mapping[str, str]] = {
    "$ActiveTasks": "tasks that wait and could start (their dependencies are met)",
    "$RunningTasks": "tasks that run",
    "$PendingTasks": "tasks that wait or run",
    "$SucceededTasks": "tasks that succeeded",
    "$FailedTasks": "tasks that failed",
    "$CurrentDedicatedNodes": "dedicated nodes that are there",
    "$CurrentLowPriorityNodes": "spot nodes that are there, preempted ones too",
    "$PreemptedNodeCount": "spot nodes that were taken away",
    "$UsableNodeCount": "nodes that can run tasks",
    "$CPUPercent": "mean use of the nodes' CPUs, 0 to 100",
    "$WallClockSeconds": "seconds used",
    "$MemoryBytes": "mean memory used, in MB",
    "$DiskBytes": "mean disk used, in GB",
    "$DiskReadBytes": "bytes read from disks",
    "$DiskWriteBytes": "bytes written to disks",
    "$DiskReadOps": "reads of disks",
    "$DiskWriteOps": "writes to disks",
    "$NetworkInBytes": "bytes received",
    "$NetworkOutBytes": "bytes sent",
    "$SampleNodeCount": "nodes that were sampled",
}
"""What is sampled every 30 seconds and asked for with GetSample and its like."""

RETIRED: Final = frozenset({
    "$WallClockSeconds", "$MemoryBytes", "$DiskBytes", "$DiskReadBytes", "$DiskWriteBytes", "$DiskReadOps",
    "$DiskWriteOps", "$NetworkInBytes", "$NetworkOutBytes", "$SampleNodeCount",
})  # fmt: skip
"""Metrics that the service has retired."""

NODE_COUNTS: Final = frozenset({"$CurrentDedicatedNodes", "$CurrentLowPriorityNodes"})
"""Metrics that the page's own example uses as plain numbers: the newest sample."""

SLOTS = "$TaskSlotsPerNode"
PLAIN: Final[Mapping[str, str]] = {SLOTS: "task slots of a node"}
"""What is known of the pool and is no metric."""

UNITS: Final[Mapping[str, timedelta]] = {
    "TimeInterval_Zero": timedelta(0),
    "TimeInterval_100ns": timedelta(microseconds=0.1),
    "TimeInterval_Microsecond": timedelta(microseconds=1),
    "TimeInterval_Millisecond": timedelta(milliseconds=1),
    "TimeInterval_Second": timedelta(seconds=1),
    "TimeInterval_Minute": timedelta(minutes=1),
    "TimeInterval_Hour": timedelta(hours=1),
    "TimeInterval_Day": timedelta(days=1),
    "TimeInterval_Week": timedelta(weeks=1),
    "TimeInterval_Year": timedelta(days=365),
}

OPTIONS: Final[Mapping[str, str]] = {
    "requeue": "their tasks are stopped and start anew elsewhere",
    "terminate": "their tasks are stopped for good",
    "taskcompletion": "they go when their tasks are done",
    "retaineddata": "they go when the kept data of their tasks has expired",
}

PERIOD: Final = timedelta(seconds=30)
"""How often the service samples."""
DELAY: Final = timedelta(seconds=60)
"""About how long a sample takes until a formula can see it."""

METHODS: Final = ("GetSample", "GetSamplePercent", "GetSamplePeriod", "Count", "HistoryBeginTime")
MEMBERS: Final = ("year", "month", "day", "weekday", "hour", "minute", "second")

KNOWN: Final = frozenset({*WRITABLE, *ALIASES, *METRICS, *PLAIN, *UNITS, *OPTIONS})
"""Every name that means something without being set."""


def meaning(name: str) -> str:
    """What a variable of the service says; empty for one of the formula's own."""
    name = ALIASES.get(name, name)
    return WRITABLE.get(name) or METRICS.get(name) or PLAIN.get(name) or ""
