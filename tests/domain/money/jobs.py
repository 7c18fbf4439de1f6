"""Tasks, machines and prices for tests of what jobs come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from bot.azure.models.task import Execution, MultiInstance, Place, TaskStats, TaskTimes
from bot.domain.money.job_tasks import Machine
from bot.domain.money.rates import Rate

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DEDICATED, SPOT = "tvmps_00_d", "tvmps_00_p"
FOUR_CORES = Machine("Standard_D4s_v3", 4, slots=4)


class Flat(Struct):
    """A dollar a node and hour, twenty cents for a spot one; ``dearer`` from that moment on twice as much."""

    currency: str = "USD"
    no_spot: bool = False
    dearer: datetime | None = None

    def hourly(self, vm_size: str, *, windows: bool, spot: bool, at: datetime) -> Rate | None:
        if not vm_size or (spot and self.no_spot):
            return None
        times = 2 if self.dearer and at >= self.dearer else 1
        return Rate((0.2 if spot else 1.0) * times, self.currency, "list price", at)


def machines(pool: str, at: datetime) -> Machine | None:
    """Every pool has four cores and four slots a node, but for one that nobody has seen."""
    return None if pool == "gone" else FOUR_CORES


def task(
    start: datetime | None = NOON,
    minutes: float = 60,
    *,
    node: str = DEDICATED,
    pool: str = "gpu",
    slots: int = 1,
    retries: int = 0,
    requeues: int = 0,
    failed: bool = False,
    created: datetime = NOON,
    all_minutes: float | None = None,
    instances: int = 0,
    running: bool = False,
) -> TaskTimes:
    """A task of an hour; ``all_minutes`` are those of all its runs, where its statistics have come."""
    end = None if start is None or running else start + timedelta(minutes=minutes)
    stats = TaskStats(wall_clock_time=f"PT{all_minutes}M", last_update_time=end) if all_minutes is not None else None
    return TaskTimes(
        id="t",
        creation_time=created,
        state="running" if running else "completed" if end else "active",
        execution_info=Execution(
            start_time=start,
            end_time=end,
            retry_count=retries,
            requeue_count=requeues,
            result="failure" if failed else "success" if end else "",
        ),
        node_info=Place(pool, node) if start else None,
        required_slots=slots,
        multi_instance_settings=MultiInstance(number_of_instances=instances) if instances else None,
        stats=stats,
    )
