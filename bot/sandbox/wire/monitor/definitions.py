"""Which metrics a Batch account has, as Azure Monitor publishes them."""

from __future__ import annotations

from typing import Final, Literal, get_args

from msgspec import Struct

from bot.sandbox.world.ledger.gauges import CORES, NODES, STATES, TaskEvent

NAMESPACE: Final = "microsoft.batch/batchaccounts"

Aggregation = Literal["average", "minimum", "maximum", "total", "count"]
AGGREGATIONS: Final[tuple[Aggregation, ...]] = get_args(Aggregation)


class Metric(Struct, frozen=True):
    """One metric: a level by its ``column``, or an ``event`` of tasks; with neither the sandbox has no values for it.

    Every one of them is aggregated by Total where nobody asks otherwise, levels too [learn.microsoft.com, "Supported
    metrics for Microsoft.Batch/batchaccounts"].
    """

    name: str
    title: str
    description: str
    column: int | None = None
    event: TaskEvent | None = None
    dimensions: tuple[str, ...] = ()


_LEVELS: Final = (
    ("CoreCount", "Dedicated Core Count", "Total number of dedicated cores in the batch account", CORES[True]),
    ("LowPriorityCoreCount", "LowPriority Core Count", "Total number of low-priority cores in the batch account",
     CORES[False]),
    ("TotalNodeCount", "Dedicated Node Count", "Total number of dedicated nodes in the batch account", NODES[True]),
    ("TotalLowPriorityNodeCount", "Low-Priority Node Count", "Total number of low-priority nodes in the batch account",
     NODES[False]),
    ("CreatingNodeCount", "Creating Node Count", "Number of nodes being created", STATES["creating"]),
    ("StartingNodeCount", "Starting Node Count", "Number of nodes starting", STATES["starting"]),
    ("WaitingForStartTaskNodeCount", "Waiting For Start Task Node Count",
     "Number of nodes waiting for the Start Task to complete", STATES["waitingforstarttask"]),
    ("StartTaskFailedNodeCount", "Start Task Failed Node Count", "Number of nodes where the Start Task has failed",
     STATES["starttaskfailed"]),
    ("IdleNodeCount", "Idle Node Count", "Number of idle nodes", STATES["idle"]),
    ("OfflineNodeCount", "Offline Node Count", "Number of offline nodes", STATES["offline"]),
    ("RebootingNodeCount", "Rebooting Node Count", "Number of rebooting nodes", STATES["rebooting"]),
    ("ReimagingNodeCount", "Reimaging Node Count", "Number of reimaging nodes", STATES["reimaging"]),
    ("RunningNodeCount", "Running Node Count", "Number of running nodes", STATES["running"]),
    ("LeavingPoolNodeCount", "Leaving Pool Node Count", "Number of nodes leaving the Pool", STATES["leavingpool"]),
    ("UnusableNodeCount", "Unusable Node Count", "Number of unusable nodes", STATES["unusable"]),
    ("PreemptedNodeCount", "Preempted Node Count", "Number of preempted nodes", STATES["preempted"]),
)  # fmt: skip
_TASKS: Final[tuple[tuple[str, str, str, TaskEvent], ...]] = (
    ("TaskStartEvent", "Task Start Events", "Total number of tasks that have started", "start"),
    ("TaskCompleteEvent", "Task Complete Events", "Total number of tasks that have completed", "complete"),
    ("TaskFailEvent", "Task Fail Events", "Total number of tasks that have completed in a failed state", "fail"),
)  # fmt: skip
_OTHER: Final = (
    ("PoolCreateEvent", "Pool Create Events", "Total number of pools that have been created"),
    ("PoolResizeStartEvent", "Pool Resize Start Events", "Total number of pool resizes that have started"),
    ("PoolResizeCompleteEvent", "Pool Resize Complete Events", "Total number of pool resizes that have completed"),
    ("PoolDeleteStartEvent", "Pool Delete Start Events", "Total number of pool deletes that have started"),
    ("PoolDeleteCompleteEvent", "Pool Delete Complete Events", "Total number of pool deletes that have completed"),
)

METRICS: Final = {
    metric.name.lower(): metric
    for metric in (
        *(Metric(name, title, text, column=column) for name, title, text, column in _LEVELS),
        *(
            Metric(name, title, text, event=event, dimensions=("poolId", "jobId"))
            for name, title, text, event in _TASKS
        ),
        *(Metric(name, title, text, dimensions=("poolId",)) for name, title, text in _OTHER),
    )
}
"""Name in lower case -> metric."""
