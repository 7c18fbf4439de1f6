"""What every store has to do for runs of jobs. A test class per implementation inherits this and provides ``fresh``."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from storage.port.changes import ChangeSet
from storage.port.runs import JobRun
from storage.port.spread import spread_of
from storage.port.store import Store
from storage.retention import Retention
from tests.storage.contract import DAY, HOUR, MINUTE, NOON
from tests.storage.monitoring_contract import entry


def run(job: str, ended: datetime = NOON, *, schedule: str = "", account: str = "render") -> JobRun:
    """A run of an hour, with something in every field that is not given."""
    return JobRun(
        account=account, job=job, pool="gpu", started=ended - HOUR, ended=ended, schedule=schedule, tasks=12, failed=1,
        retries=3, queue=90.5, core_seconds=7200.25, lost_core_seconds=None, cost=4.2, idle_cost=0.0, currency="USD",
        at_least=True, waits=spread_of([0, 3, 60]), runtimes=spread_of([600, 3000]), read=3,
    )  # fmt: skip


class RunsContract:
    """Inherit it beside :class:`tests.storage.contract.StoreContract`, which gives ``store``."""

    async def test_runs_come_back_as_they_were_the_newest_first(self, store: Store) -> None:
        first, second = run("nightly:job-1", NOON, schedule="nightly"), run("b", NOON + MINUTE)
        second = replace(second, tasks=None, failed=None, read=None)
        await store.record(ChangeSet(runs=[first, second, run("c", account="other")]))
        assert await store.job_runs("render") == [second, first]
        assert await store.job_runs("render", limit=1) == [second]
        assert await store.job_runs("render", schedule="NIGHTLY") == [first]
        assert await store.job_runs("render", schedule="") == [second]
        assert await store.job_runs("render", job="B") == [second]
        assert await store.job_runs("render", since=NOON, until=NOON + MINUTE) == [first]
        assert first.total == 4.2
        assert replace(first, idle_cost=None).total is None

    async def test_a_run_that_is_put_again_is_the_same_run_and_a_job_made_anew_is_another(self, store: Store) -> None:
        before, anew = run("a", NOON), run("a", NOON + DAY)
        better = replace(before, job="A", cost=5.0)
        await store.record(ChangeSet(runs=[before, anew]))
        await store.record(ChangeSet(runs=[better], entries=[entry("receipt")]))
        assert await store.job_runs("render", job="a") == [anew, better]
        assert [each.entry.id for each in await store.undelivered()] == ["receipt"]

    async def test_a_run_of_which_more_tasks_were_read_is_not_replaced(self, store: Store) -> None:
        known = run("a")
        await store.record(ChangeSet(runs=[known]))
        await store.record(ChangeSet(runs=[replace(known, read=None, cost=None), replace(known, read=2)]))
        assert await store.job_runs("render") == [known]
        more = replace(known, read=4, failed=2)
        await store.record(ChangeSet(runs=[more]))
        assert await store.job_runs("render") == [more]

    async def test_runs_are_kept_for_more_than_a_year(self, store: Store) -> None:
        kept = Retention().job_runs
        old, young = run("old", NOON - kept - MINUTE), run("young", NOON - kept + MINUTE)
        await store.record(ChangeSet(runs=[old, young]))
        assert await store.prune(NOON) == 1
        assert await store.job_runs("render") == [young]
