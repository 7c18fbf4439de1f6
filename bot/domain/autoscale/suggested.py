"""A formula to begin with, for pools that have none."""

from __future__ import annotations


def suggested(slots: int, most: int, *, spot: bool = False) -> str:
    """As many nodes as tasks need, up to ``most`` and down to none; lint has no word against it."""
    target = "$TargetLowPriorityNodes" if spot else "$TargetDedicatedNodes"
    tasks = f"ceil(tasks / {slots})" if slots > 1 else "tasks"
    return (
        "known = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute);\n"
        "tasks = known < 70 ? max(0, $PendingTasks.GetSample(1)) :\n"
        "  max($PendingTasks.GetSample(1), avg($PendingTasks.GetSample(5 * TimeInterval_Minute)));\n"
        f"{target} = min({most}, {tasks});\n"
        "$NodeDeallocationOption = taskcompletion;"
    )
