"""Scenes to judge: an account at noon, with what a test says of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.alerting.rules import discover
from bot.azure.models import NodeCounts
from bot.azure.models.price import Prices
from bot.domain.findings import CauseCount, Finding
from bot.monitor.scene import JobView, NodeView, PoolView, QuotaView, Scene, ScheduleView
from storage.port.monitoring import Transition

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
EVERYTHING: Any = frozenset(("pools", "nodes", "jobs", "tasks", "schedules", "quota", "money"))
KINDS = discover()


def priced(amount: float, currency: str = "USD") -> Prices:
    """A region where a node of :func:`pool` costs so much an hour."""
    return Prices({("standard_nc4as_t4_v3", False, "on demand"): amount}, currency, NOON)


def ago(minutes: float = 0.0, *, hours: float = 0.0) -> datetime:
    """So long before noon."""
    return NOON - timedelta(minutes=minutes, hours=hours)


def scene(
    *views: PoolView | JobView | ScheduleView,
    news: Iterable[Transition] = (),
    quota: Iterable[tuple[str, int, int]] = (),
    wanted: Iterable[str] = (),
    **more: Any,
) -> Scene:
    """The account render-prod at noon."""
    return Scene(
        account="render-prod",
        at=NOON,
        read=EVERYTHING,
        pools={view.id: view for view in views if isinstance(view, PoolView)},
        jobs={view.id: view for view in views if isinstance(view, JobView)},
        schedules={view.id: view for view in views if isinstance(view, ScheduleView)},
        quota=QuotaView(tuple(quota), tuple(wanted)),
        news=tuple(news),
        **more,
    )


def pool(name: str = "gpu-a", *troubled: NodeView, **more: Any) -> PoolView:
    """A steady pool of four dedicated nodes that run; further node states by the names of columns of the counts."""
    columns = NodeCounts.__struct_fields__
    counts = {column: more.pop(column) for column in list(more) if column in columns}
    spot = {column.removeprefix("spot_"): more.pop(column) for column in list(more) if column[5:] in columns}
    has = sum(counts.values())
    given: dict[str, Any] = {
        "state": "active",
        "allocation": "steady",
        "allocation_since": ago(hours=5),
        "created": ago(hours=100),
        "vm_size": "standard_nc4as_t4_v3",
        "dedicated": has,
        "spot": sum(spot.values()),
        "counts": (NodeCounts(**counts, total=has), NodeCounts(**spot, total=sum(spot.values()))),
        "troubled": {node.id: node for node in troubled},
    }
    given["target_dedicated"], given["target_spot"] = given["dedicated"], given["spot"]
    return PoolView(name, **{**given, **more})


def node(name: str = "tvm-1", state: str = "unusable", since: datetime | None = None, **more: Any) -> NodeView:
    """A node in trouble since an hour."""
    return NodeView(name, state, since or ago(hours=1), **more)


def job(name: str = "nightly:job-12", **more: Any) -> JobView:
    """An active job in gpu-a, begun two hours ago."""
    given: dict[str, Any] = {
        "state": "active",
        "pool": "gpu-a",
        "created": ago(hours=2),
        "started": ago(hours=2),
        "progressed": ago(1),
        "active": 0,
        "schedule": name.rpartition(":job-")[0],
    }
    return JobView(name, **{**given, **more})


def failing(*causes: CauseCount, **more: Any) -> JobView:
    """A job whose tasks were seen to fail, the last one five minutes ago."""
    given: dict[str, Any] = {
        "causes": {each.cause: each for each in causes},
        "failures": sum(each.count for each in causes),
        "failed": sum(each.count for each in causes),
        "failing_since": ago(12),
        "failed_at": ago(5),
    }
    return job(**{**given, **more})


def schedule(name: str = "nightly", **more: Any) -> ScheduleView:
    """An active schedule that runs every hour."""
    given: dict[str, Any] = {"state": "active", "interval": 3600.0, "due": NOON + timedelta(minutes=20)}
    return ScheduleView(name, **{**given, **more})


def turned(entity: str, name: str, after: str, before: str = "", parent: str = "") -> Transition:
    """A change of state a minute ago."""
    return Transition("render-prod", entity, parent, name, before, after, ago(1))


def found(kind: str, *views: PoolView | JobView | ScheduleView, **more: Any) -> list[Finding]:
    """What a kind finds."""
    return list(KINDS[kind].judge(scene(*views, **more)))


def only(kind: str, *views: PoolView | JobView | ScheduleView, **more: Any) -> Finding:
    """The one thing that a kind finds."""
    (finding,) = found(kind, *views, **more)
    return finding


def worth(kind: str, finding: Finding) -> str:
    """How bad it is: the finding's own severity, else the kind's."""
    return (finding.severity or KINDS[kind].severity).value
