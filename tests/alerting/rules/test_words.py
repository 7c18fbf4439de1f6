"""What every alert says, whole: its words, figures, steps and what it concerns, kept as a golden file to be read."""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import replace

from bot.domain.findings import CauseCount, Finding
from bot.domain.retries import Retried
from bot.monitor.scene import JobView, PoolView, Rest
from tests.alerting.rules.scenes import (
    KINDS,
    NOON,
    ago,
    failing,
    found,
    job,
    node,
    pool,
    priced,
    schedule,
    turned,
    worth,
)
from tests.golden import check_text

QUOTA = ("AccountCoreQuotaReached", "The specified account has reached core quota")
TIMED_OUT = ("AllocationTimedout", "Desired number of dedicated nodes could not be allocated as the resize timed out")
FORMULA = ("AutoScalingFormulaEvaluationError", "no variable $Tasks")
EXIT, KILLED = CauseCount("exit code 1", 20, "frame-1", "boom"), CauseCount("exit code 137", 3, "frame-2")
_RUN = json.dumps({"resized": True, "results": "$TargetDedicatedNodes=9;", "targetDedicated": 9, "wasDedicated": 4})
MOVED = replace(turned("autoscale", "gpu-a", "ok", "ok"), details=_RUN)


def waiting(**more: Any) -> JobView:
    return job("shot", **{"active": 5, "counted": NOON, "priority": 3} | more)


def halves(**more: Any) -> JobView:
    counts = {"succeeded": 10, "active": 30, "running": 2, "failed": 23, "counted": NOON}
    return failing(EXIT, KILLED, **counts | {"rate": [(ago(50), 0, 0), (NOON, 33, 23)]} | more)


def over(**more: Any) -> JobView:
    ended = {"state": "completed", "ended": ago(2), "final": True, "counted": NOON, "active": 0}
    return job("shot", **ended | {"succeeded": 9, "reason": "AllTasksComplete"} | more)


def idling(**more: Any) -> PoolView:
    return pool(**{"idle": 4, "idle_since": ago(hours=9), "idle_least": 4, "idle_read": True} | more)


def news(
    entity: str, after: str, before: str = "", name: str = "shot", parent: str = "", **more: Any
) -> dict[str, Any]:
    return {"news": [turned(entity, name, after, before, parent)], **more}


SCENES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("account.quota", (), {"quota": [("dedicated cores", 96, 100)], "wanted": ["dedicated cores"]}),
    ("account.quota", (waiting(),), {"quota": [("active jobs", 100, 100)]}),
    ("job.completed", (), {"ended": [over()]}),
    ("job.completed", (), {"ended": [over(final=False, succeeded=0, reason="")]}),
    ("job.deleted", (), news("job", "deleted", "active")),
    ("job.disabled", (waiting(active=1),), news("job", "disabled", "active")),
    ("job.disabled", (waiting(),), news("job", "disabled", "active")),
    ("job.disabled", (), news("job", "disabled", "active")),
    ("job.enabled", (waiting(),), news("job", "active", "disabled")),
    ("job.failed", (), {"ended": [over(failed=2)]}),
    ("job.failed", (), {"ended": [over(failed=9, succeeded=0, final=False, causes={EXIT.cause: EXIT})]}),
    ("job.failed", (), {"ended": [over(scheduling_error=("PoolNotFound", "there is no such pool"), succeeded=0)]}),
    ("job.failure_rate", (pool(running=4), halves()), {}),
    ("job.failure_rate", (halves(rate=[(ago(50), 0, 0), (NOON, 100, 10)]),), {}),
    ("job.started", (waiting(),), news("job", "active")),
    ("job.stuck", (pool(idle=4), waiting(progressed=ago(hours=1))), {}),
    ("job.stuck", (pool(), waiting(progressed=ago(hours=3), active=1)), {}),
    ("job.stuck", (pool(running=4), waiting(progressed=ago(hours=3)), job("first", running=4, priority=9)), {}),
    ("node.changed", (), news("node", "unusable", "idle", "tvm-1", "gpu-a")),
    ("node.changed", (), news("node", "idle", "", "tvm-1", "gpu-a")),
    ("node.offline", (pool("gpu-a", node("tvm-1", "offline"), offline=1, idle=3),), {}),
    ("node.preempted", (pool(spot_idle=3, spot_preempted=2, preempted_at=[ago(2), ago(1)], target_spot=5),), {}),
    ("node.preempted", (pool(spot_idle=30, preempted_at=[ago(1)], target_spot=31),), {}),
    ("node.start_task_failed", (pool("gpu-a", node("n", "starttaskfailed", start_exit=1), start_task_failed=1),), {}),
    ("node.unknown", (pool("gpu-a", node("tvm-1", "unknown"), unknown=1, idle=3),), {}),
    ("node.unusable", (pool("gpu-a", node("tvm-1", "unusable"), unusable=1, idle=3),), {"prices": priced(0.5)}),
    ("node.unusable", (pool("gpu-a", *(node(f"tvm-{n}", "unusable") for n in range(12)), unusable=12),), {}),
    ("pool.autoscale_failed", (pool(running=4, autoscale=True, autoscale_error=FORMULA, autoscale_at=ago(5)),), {}),
    ("pool.autoscale_failed", (pool(autoscale=True, autoscale_error=FORMULA, autoscale_at=ago(5)), waiting()), {}),
    ("pool.autoscale_resized", (pool(idle=4),), {"news": [MOVED]}),
    ("pool.autoscale_stale", (pool(idle=4, autoscale=True, autoscale_at=ago(hours=5), autoscale_interval=900.0),), {}),
    ("pool.created", (pool(idle=4),), news("pool", "active", "", "gpu-a")),
    ("pool.deleted", (), news("pool", "deleted", "deleting", "gpu-a")),
    ("pool.down", (pool("gpu-a", node("tvm-1", "unusable"), unusable=1), waiting()), {}),
    ("pool.down", (pool("gpu-a", node("tvm-1", "starttaskfailed"), start_task_failed=2), waiting()), {}),
    ("pool.down", (pool("gpu-a", node("tvm-1", "offline"), offline=2), waiting(active=1)), {}),
    ("pool.down", (pool(dedicated=2, target_dedicated=2), waiting()), {}),
    ("pool.idle", (idling(),), {"prices": priced(0.5)}),
    ("pool.idle", (idling(idle=2, idle_least=1),), {}),
    ("pool.idle", (pool(running=4, rested=Rest(ago(hours=9), ago(5), 3)),), {}),
    ("pool.resize_failed", (pool(running=4, target_dedicated=40, resize_errors=(QUOTA,)),), {}),
    ("pool.resize_failed", (pool(target_dedicated=4, resize_errors=(TIMED_OUT, QUOTA)), waiting()), {}),
    ("pool.resize_failed", (pool(running=4, target_dedicated=1, resize_errors=(("RemoveNodesFailed", ""),)),), {}),
    ("pool.resize_stuck", (pool(idle=4, target_dedicated=9, allocation="resizing", allocation_since=ago(300)),), {}),
    ("pool.resize_stuck", (pool(idle=4, target_dedicated=9, state="deleting", since=ago(hours=9)), waiting()), {}),
    ("pool.resized", (pool(idle=4, spot_idle=2),), news("allocation", "steady", "resizing", "gpu-a")),
    ("pool.start_task_failing", (pool("gpu-a", node("tvm-1", "starttaskfailed"), start_task_failed=1, idle=1),), {}),
    ("schedule.barren", (schedule(due=ago(hours=3), job="nightly:job-12"), job()), {}),
    ("schedule.barren", (schedule(due=ago(hours=3)),), {"quota": [("active jobs", 100, 100)]}),
    ("schedule.barren", (schedule(due=ago(hours=3), missed=ago(hours=3)),), {}),
    ("schedule.completed", (), news("schedule", "completed", "active", "nightly")),
    ("schedule.created", (), news("schedule", "active", "", "nightly")),
    ("schedule.deleted", (), news("schedule", "deleted", "active", "nightly")),
    ("schedule.disabled", (), news("schedule", "disabled", "active", "nightly")),
    ("schedule.enabled", (), news("schedule", "active", "disabled", "nightly")),
    ("task.completed", (job(),), news("task", "completed", "running", "frame-1", "nightly:job-12")),
    ("task.failed", (pool(running=4), halves()), {}),
    ("task.failed", (failing(EXIT, failed=0, active=None, schedule="", pool=""),), {}),
    ("task.failed", (halves(failed_at=ago(60)),), {}),
    ("task.retries_exhausted", (halves(exhausted=1),), {}),
    ("task.retrying", (waiting(running=2, retried={"a": Retried("a", 7, ago(5)), "b": Retried("b", 9, ago(9))}),), {}),
    ("task.retrying", (waiting(succeeded=1, retried={"a": Retried("a", 7, ago(5))}),), {}),
    ("task.started", (), news("task", "running", "active", "frame-1", "nightly:job-12")),
]  # fmt: skip


def said(kind: str, each: Finding) -> str:
    lines = [
        f"{kind}, {worth(kind, each)}, {each.state}, {each.count}: {each.headline}",
        f"  since {each.since:%a %H:%M}" + (f", counted {each.counted:%H:%M}" if each.counted else ""),
        *(f"  {label}: {value}" for label, value in each.figures),
        *([f"  because {each.cause}"] if each.cause else []),
        *([f"  evidence: {each.evidence}"] if each.evidence else []),
        *(f"  {cause.count} x {cause.cause} ({cause.example}) {cause.said}".rstrip() for cause in each.causes),
        *(f"  [{step.text}] {step.command}{' ...' if step.changes else ''}" for step in each.actions),
        f"  about {', '.join(' '.join(filter(None, each.identity)) for each in (each.entity, *each.related))}",
    ]
    return "\n".join(lines)


def test_every_alert_says_what_it_should() -> None:
    parts = []
    for kind, views, more in SCENES:
        findings = found(kind, *views, **more)
        parts += [said(kind, each) for each in findings] or [f"{kind}: nothing"]
    check_text("alert-findings", "\n\n".join(parts) + "\n")
    elsewhere = {"account.behind", "account.budget", "account.throttled", "account.unreachable", "pool.unusual_cost"}
    assert {kind for kind, _, _ in SCENES} == KINDS.keys() - elsewhere, "a new alert has its scene here"
