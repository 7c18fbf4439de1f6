"""What every store has to do for how long things took. A test class inherits this beside the other contracts."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from storage.port.changes import ChangeSet
from storage.port.spread import spread_of
from storage.port.store import Store
from storage.port.timings import JobTimes, NodeBoot
from storage.retention import Retention
from tests.storage.contract import DAY, HOUR, MINUTE, NOON


def job(name: str, ended: datetime = NOON, *, schedule: str = "", account: str = "render") -> JobTimes:
    """A job of an hour with three tasks."""
    waits, runs = spread_of([0, 3, 60]), spread_of([600, 700, 3000])
    return JobTimes(
        account=account, job=name, started=ended - HOUR, ended=ended, schedule=schedule, pool="gpu", tasks=3, failed=1,
        waits=waits, runs=runs, read=3,
    )  # fmt: skip


def boot(node: str, at: datetime = NOON, *, pool: str = "gpu", seconds: float = 200) -> NodeBoot:
    """A boot of a spot node."""
    return NodeBoot("render", pool, node, "Standard_NC6", True, at, seconds)


class TimingsContract:
    """Inherit it beside :class:`tests.storage.contract.StoreContract`, which gives ``store``."""

    async def test_jobs_come_back_as_they_were_the_newest_first(self, store: Store) -> None:
        first, second = job("nightly:job-1", schedule="nightly"), replace(job("b", NOON + MINUTE), tasks=None)
        await store.record(ChangeSet(job_times=[first, second, job("c", account="other")]))
        everything = NOON - DAY, NOON + DAY
        assert await store.job_times("render", *everything) == [second, first]
        assert await store.job_times("render", *everything, limit=1) == [second]
        assert await store.job_times("render", *everything, schedule="NIGHTLY") == [first]
        assert await store.job_times("render", NOON, NOON + MINUTE) == [first]
        better = replace(first, failed=2)
        await store.record(ChangeSet(job_times=[better]))
        assert await store.job_times("render", *everything, schedule="nightly") == [better]

    async def test_a_boot_is_kept_as_it_was_first_seen(self, store: Store) -> None:
        first, other = boot("tvm-1"), boot("tvm-2", NOON + MINUTE, pool="cpu")
        await store.record(ChangeSet(boots=[other, first]))
        await store.record(ChangeSet(boots=[replace(first, seconds=90_000)]))
        everything = NOON - DAY, NOON + DAY
        assert await store.node_boots("render", *everything) == [first, other]
        assert await store.node_boots("render", *everything, pool="CPU") == [other]
        assert await store.node_boots("render", NOON, NOON + MINUTE) == [first]

    async def test_times_are_kept_for_more_than_a_year(self, store: Store) -> None:
        kept = Retention().timings
        for at in (NOON - kept - MINUTE, NOON - kept + MINUTE):
            await store.record(ChangeSet(job_times=[job("a", at)], boots=[boot("tvm", at)]))
        assert await store.prune(NOON) == 2
        since = NOON - 2 * kept
        assert (
            len(await store.job_times("render", since, NOON)) == len(await store.node_boots("render", since, NOON)) == 1
        )
