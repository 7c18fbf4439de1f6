"""Reads what a job came to: its tasks from Azure, its share of idle from own samples, its schedule's runs before it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.answers import Fetched
from bot.azure.errors import AzureError
from bot.azure.models import Job, Pool, TaskCountsResult, VmSize, select_of
from bot.azure.models.task import TaskTimes
from bot.azure.models.watched import JobState
from bot.domain.cores import cores_of
from bot.domain.entity import fold, schedule_of
from bot.domain.job_health import JobFacts, pool_of
from bot.domain.job_health import total as all_tasks
from bot.domain.licence import pays_windows
from bot.domain.money.job_tasks import Machine, Machines, TaskSums, TaskTally
from bot.domain.money.ledger import Eras, JobSpend
from bot.domain.money.rates import Rates
from bot.domain.money.receipt import COMPARED, Receipt, boot_within, idle_share_of
from bot.domain.money.spend import NOTHING, Spend, total
from bot.domain.states import is_over
from bot.domain.timeline import floor
from bot.receipts.listed import JOB_TIMES, Runs, newest_first, runs_of, unkept
from storage.port.changes import ChangeSet, ChangeStore
from storage.port.runs import JobRun, RunStore
from storage.port.samples import SampleStore

PAGE = 1000
"""Tasks of a request, the service's limit."""
MOST_TASKS = 20_000
"""Tasks of a job that are read: twenty requests, some ten seconds."""
FEW_TASKS = 5_000
"""Tasks of each of several jobs that are read at once, so that ten runs are no matter of minutes."""
MOST_RUNS = 20
"""Runs whose tasks are read for one answer."""
_AT_ONCE = 3
_SPAN = 1800
"""Seconds of the spans in which idle time is shared out among jobs: the finest in which busy time is kept by job."""
_FINE, _FINE_KEPT = 60, timedelta(days=6)
"""Seconds of the buckets for what is sampled and when nodes boot, and how far back they are used."""
_JOB = "id,state,creationTime,stateTransitionTime,executionInfo,poolInfo"
_POOL = "id,vmSize,taskSlotsPerNode,virtualMachineConfiguration"
Reading = Callable[[int, int], None]
"""Hears how many tasks were read, of how many."""


class Accounts(Protocol):
    """What is needed of :class:`bot.accounting.service.Accounting`."""

    async def rates(self, account: str) -> Rates:
        """The rates of an account."""
        ...

    async def jobs(
        self, account: str, since: datetime, until: datetime, *, step: int, job: str | None
    ) -> Sequence[JobSpend]:
        """What a job took and its share of idle, by span."""
        ...


class Kept(SampleStore, RunStore, ChangeStore, Protocol):
    """What is needed of the store."""


class Sampled(Struct, frozen=True):
    """What own samples say of a job: ``own`` and ``idle_share`` None where they do not know it, ``seen`` the share of
    its time that was sampled, ``boot`` how long nodes of its pool were starting while it waited."""

    own: Spend | None = None
    idle_share: Spend | None = None
    seen: float = 0.0
    boot: timedelta | None = None


class ReceiptReader:
    """Makes receipts. It keeps nothing."""

    def __init__(self, store: Kept, accounting: Accounts) -> None:
        self._store = store
        self._accounting = accounting

    async def read(
        self,
        source: Account,
        job: str,
        *,
        reading: Reading | None = None,
        most: int = MOST_TASKS,
        compare: bool = True,
        partial: bool = False,
    ) -> Receipt:
        """The receipt of a job, so far where it goes on. Raises AzureError and StoreError.

        With ``partial`` it is made also where its tasks cannot be counted or its pool cannot be read: to be shown, with
        what is not known, and not to be kept.

        About ``most`` tasks are read and no more; the receipt says so (``read_all``). ``compare`` holds it against the
        runs of its schedule before it.
        """
        found = (await source.fetch(Job, source.job(job), select=_JOB)).value
        count: Awaitable[Fetched[TaskCountsResult] | None] = source.task_counts(found.id)
        if partial:
            count = gaps.maybe(f"task counts of job {found.id}", count)
        counts, rates = await asyncio.gather(count, self._accounting.rates(source.name))
        numbers, now = (counts.value.task_counts, counts.at) if counts else (None, source.now())
        counted = all_tasks(numbers) if numbers else None
        run = found.execution_info
        started = (run.start_time if run else None) or found.creation_time or now
        ended = (run.end_time if run else None) or (found.state_transition_time if is_over(found.state) else None)
        tally = TaskTally(await self._machines(source, found, partial=partial), ended or now)
        path, select = source.tasks(found.id), select_of(TaskTimes)
        read = 0
        async for page in source.pages(TaskTimes, path, select=select, expand="stats", page_size=PAGE):
            tally.add(page.items)
            read += len(page.items)
            if reading:
                reading(read, counted if counted is not None else read)
            if read >= most:
                break
            await asyncio.sleep(0)  # a page is a few milliseconds: others have their turn between two
        tasks = tally.sums(rates)
        pool = pool_of(found) or next(iter(tasks.pools), "")
        sampled = await self._sampled(source, found.id, pool, started, ended or now, tasks.began)
        receipt = Receipt(
            account=source.name,
            job=found.id,
            schedule=schedule_of(found.id),
            pool=pool,
            state=found.state,
            started=started,
            ended=ended,
            as_of=now,
            counted=counted,
            counted_failed=numbers.failed if numbers else 0,
            tasks=tasks,
            idle_share=sampled.idle_share,
            seen=sampled.seen,
            boot=sampled.boot,
            sampled_own=sampled.own,
        )
        return await self._compared(source, receipt) if compare else receipt

    async def of_gone(self, source: Account, job: JobFacts, ended: datetime) -> Receipt:
        """The receipt of a job that was deleted when it was over, by what was seen of it and by samples alone.

        Raises StoreError.
        """
        started = job.started or job.created or ended
        sampled = await self._sampled(source, job.id, job.pool, started, ended, None)
        receipt = Receipt(
            account=source.name,
            job=job.id,
            schedule=schedule_of(job.id),
            pool=job.pool,
            state="completed",
            started=started,
            ended=ended,
            as_of=source.now(),
            counted=None if job.active is None else job.total,
            counted_failed=job.failed,
            tasks=TaskSums(),
            idle_share=sampled.idle_share,
            seen=sampled.seen,
            sampled_own=sampled.own,
        )
        return await self._compared(source, receipt)

    async def runs(self, source: Account, schedule: str, *, limit: int = COMPARED) -> Runs:
        """The last runs of a schedule: as they were kept, else by their times alone.

        Raises AzureError where the schedule is not there and no run of it is kept, and StoreError.
        """
        kept = await self._store.job_runs(source.name, schedule=schedule, limit=limit)
        try:
            rows, _ = await source.every(JobState, source.schedule_jobs(schedule), select=JOB_TIMES)
        except AzureError as error:
            if not error.not_found or not kept:
                raise
            rows = []
        going = sorted((row.id for row in rows if not is_over(row.state)), reverse=True)
        return Runs(newest_first([*kept, *unkept(kept, runs_of(source.name, rows))])[:limit], going)

    async def completed(
        self, source: Account, runs: Sequence[JobRun], *, most: int = MOST_RUNS, counted: int = 0
    ) -> list[JobRun]:
        """The runs with what their tasks came to where nobody has looked at them; it is kept, so that it is read once.

        It is read of the first ``most`` of these, up to :data:`FEW_TASKS` each; the tasks of the first ``counted``
        are counted, which is not kept. What cannot be read is left as it is. Raises StoreError.
        """
        gate = asyncio.Semaphore(_AT_ONCE)
        due = [run for run in runs if run.read is None]
        uncounted = [run for run in due[most:counted] if run.tasks is None]

        async def read(run: JobRun) -> JobRun | None:
            return (await self.read(source, run.job, most=FEW_TASKS, compare=False)).run()

        async def count(run: JobRun) -> JobRun:
            counts = (await source.task_counts(run.job)).value.task_counts
            return replace(run, tasks=all_tasks(counts), failed=counts.failed)

        async def one(work: Callable[[JobRun], Awaitable[JobRun | None]], run: JobRun) -> JobRun | None:
            async with gate:
                try:
                    found = await work(run)
                except AzureError as error:
                    if not error.not_found:  # it may be deleted just now: its times are known
                        gaps.note(f"tasks of job {run.job}", gaps.reason(error))
                    return None
            return found if found and found.started == run.started else None  # else it was made anew

        found = await asyncio.gather(*(one(read, run) for run in due[:most]), *(one(count, run) for run in uncounted))
        better = {(run.job, run.started): run for run in found if run}
        await self._store.record(ChangeSet(runs=[run for run in better.values() if run.read is not None]))
        return [better.get((run.job, run.started), run) for run in runs]

    async def _compared(self, source: Account, receipt: Receipt) -> Receipt:
        """With what is usual for its schedule; by the runs that are kept where the schedule cannot be read."""
        if not receipt.schedule:
            return receipt
        try:
            runs = (await self.runs(source, receipt.schedule, limit=COMPARED + 1)).ended
        except AzureError as error:
            gaps.note(f"jobs of schedule {receipt.schedule}", gaps.reason(error))
            runs = await self._store.job_runs(source.name, schedule=receipt.schedule, limit=COMPARED + 1)
        before = [run for run in runs if run.started < receipt.started]
        return receipt.against(before)

    async def _machines(self, source: Account, job: Job, *, partial: bool) -> Machines:
        """What nodes of pools were: by what was sampled of them, else as the job's pool is now."""
        eras = Eras(await self._store.pool_eras(source.name))
        now = await self._pool(source, pool_of(job), partial=partial) if pool_of(job) else None
        sizes: dict[str, VmSize] = {}
        if now is not None:
            try:
                sizes = await source.vm_sizes()
            except AzureError as error:
                if error.passing and not partial and eras.at(now.id, source.now()) is None:
                    raise  # nothing else says how many cores it has

        def machine(pool: str, at: datetime) -> Machine | None:
            era = eras.at(pool, at)
            if era is not None:
                return Machine(era.vm_size, era.cores, era.slots, era.windows)
            if now is None or fold(now.id) != fold(pool):
                return None
            cores = cores_of(now.vm_size, sizes)
            windows = pays_windows(now.virtual_machine_configuration)
            return Machine(now.vm_size, cores, now.task_slots_per_node, windows) if cores else None

        return machine

    @staticmethod
    async def _pool(source: Account, pool: str, *, partial: bool) -> Pool | None:
        """The pool as it is now; None where it is gone."""
        try:
            return (await source.fetch(Pool, source.pool(pool), select=_POOL)).value
        except AzureError as error:
            if not error.not_found:
                if not partial:
                    raise
                gaps.note(f"pool {pool}", gaps.reason(error))
            return None

    async def _sampled(
        self, source: Account, job: str, pool: str, started: datetime, until: datetime, began: datetime | None
    ) -> Sampled:
        """What own samples say of the time of a job."""
        if not pool or until <= started:
            return Sampled()
        step = _FINE if source.now() - started < _FINE_KEPT else _SPAN
        span = (until - started).total_seconds()
        buckets = await self._store.usage(source.name, None, started, until, step)
        seen = min(1.0, sum(bucket.seconds for bucket in buckets) / span)
        if not seen:
            return Sampled()
        waited = await self._store.usage(source.name, pool, started, began or until, step) if step == _FINE else []
        spends = await self._accounting.jobs(source.name, floor(started, _SPAN), until, step=_SPAN, job=job)
        return Sampled(
            total(each.own for each in spends) if spends else None,
            idle_share_of(job, spends) if spends else NOTHING,
            seen,
            boot_within(waited, timedelta(seconds=step), started, began or until),
        )
