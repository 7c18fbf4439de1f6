"""Receipts come by themselves where they are asked for: once, whatever happens, and runs are kept for comparison."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.alerting.model import Subscription
from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Pool
from bot.chat.request import Conversation
from bot.domain.findings import Severity
from bot.domain.money.receipt import Receipt
from bot.domain.trends.facts import percentile
from bot.receipts import keeper as keeping
from bot.receipts.asked import Asked, ask
from bot.receipts.reader import ReceiptReader
from cards.card import Card, plain
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError
from storage.port.outbox import OutboxEntry
from storage.port.runs import JobRun
from storage.port.samples import PoolEra
from tests.accounting.town import BEGIN, NAME, Town, small, town

HERE, THERE = Conversation("slack", "C1"), Conversation("teams", "T1")


def receipts(here: Town) -> list[OutboxEntry]:
    return [each for each in here.outbox.written if each.id.startswith("receipt-")]


def title(entry: OutboxEntry) -> str:
    return plain(msgspec.json.decode(entry.card, type=Card).title)


async def wanted(here: Town, conversation: Conversation = HERE, **more: object) -> None:
    await ask(here.store, Asked(conversation=conversation, **more), BEGIN)  # type: ignore[arg-type]


async def test_runs_are_kept_and_receipts_posted_where_they_are_asked_for(tmp_path: Path) -> None:
    async with town(small(), tmp_path) as here:
        await wanted(here, jobs="nightly:*")
        await wanted(here, THERE, over=1000.0)
        await here.watched(hours=2.2)
        runs = await here.store.job_runs(NAME)
        assert {run.job for run in runs} >= {"flaky", "nightly:job-1", "nightly:job-2"}
        first = next(run for run in runs if run.job == "nightly:job-1")
        assert (first.schedule, first.tasks, first.failed, first.pool) == (
            "nightly",
            13,
            0,
            "gpu",
        )  # with the task that adds the others
        truth = here.truth.ledger.job_core_seconds("nightly:job-1").total.busy
        assert first.core_seconds == pytest.approx(truth, rel=1e-3)
        assert first.cost
        assert first.idle_cost is not None
        await _times_agree(here, first)
        posted = receipts(here)
        assert sorted(title(each).split()[0] for each in posted) == ["nightly:job-1", "nightly:job-2"]
        assert {each.destination for each in posted} == {HERE.key}


async def _times_agree(here: Town, run: JobRun) -> None:
    """What a run's tasks waited and ran, with the truth."""
    ran = [task.execution_info for task in here.truth.jobs[run.job].tasks.values()]
    took = [(each.end_time - each.start_time).total_seconds() for each in ran]
    assert run.read == run.waits.total == run.runtimes.total == len(took)
    for share in (0.5, 1.0):
        assert run.runtimes.percentile(share) == pytest.approx(percentile(took, share), rel=0.05)


async def test_a_service_that_does_not_answer_delays_a_receipt_and_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(small(), tmp_path) as here:
        await wanted(here, jobs="nightly:*")
        with monkeypatch.context() as silent:

            async def away(*_: object, **__: object) -> None:
                raise AzureError("Timeout", "no answer")

            silent.setattr(ReceiptReader, "read", away)
            await here.watched(hours=1.2)
            assert receipts(here) == []
        await here.watched(minutes=5)
        assert [title(each).split()[0] for each in receipts(here)] == ["nightly:job-1", "nightly:job-2"]


@pytest.mark.parametrize("unread", ["pools", "sizes"])
async def test_a_receipt_that_is_kept_waits_for_the_pool_that_says_its_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unread: str
) -> None:
    async with town(small(), tmp_path) as here:
        await wanted(here, jobs="nightly:*")

        async def no_eras(*_: object) -> list[PoolEra]:
            return []

        busy = AzureError("ServerBusy", "503", status=503)
        fetch = Account.fetch

        async def fetching(self: Account, kind: Any, *asked: Any, **more: Any) -> Any:
            if kind is Pool:
                raise busy
            return await fetch(self, kind, *asked, **more)

        async def sizes(_: Account) -> object:
            raise busy

        monkeypatch.setattr(here.store, "pool_eras", no_eras)
        with monkeypatch.context() as silent:
            silent.setattr(*((Account, "fetch", fetching) if unread == "pools" else (Account, "vm_sizes", sizes)))
            await here.watched(hours=1.2)
            assert receipts(here) == []
            with gaps.listening() as found:
                shown = await here.reader.read(here.source, "nightly:job-1", partial=True)
            assert shown.tasks.tasks
            assert bool(found.lines) is (unread == "pools")
        await here.watched(minutes=5)
        assert [title(each).split()[0] for each in receipts(here)] == ["nightly:job-1", "nightly:job-2"]


async def test_a_receipt_comes_once_over_restarts_and_full_disks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is killed before, while and after it stores a receipt; the outbox has each once."""
    async with town(small(), tmp_path) as here:
        await wanted(here)
        await here.watched(minutes=30, every=30)
        for _ in range(3):
            await here.restarted()
            record, broken = here.store.record, [True]

            async def full(changes: ChangeSet, record=record, broken=broken) -> int:  # type: ignore[no-untyped-def]
                if changes.runs and broken:
                    broken.clear()
                    raise StoreError("the disk is full")
                return int(await record(changes))

            monkeypatch.setattr(here.store, "record", full)
            for _ in range(15):
                try:
                    await here.watched(minutes=1)
                except StoreError:
                    await here.restarted()
        kept = await here.store.deliveries(list({each.id for each in receipts(here)}))
        jobs = Counter(title_of.split()[0] for title_of in (title(each.entry) for each in kept))
        assert jobs
        assert set(jobs.values()) == {1}
        assert {each.entry.version for each in kept} <= {1, 2}  # the second when statistics have come
        assert set(jobs) == {run.job for run in await here.store.job_runs(NAME)}


async def test_what_ended_while_the_program_was_down_gets_its_receipt(tmp_path: Path) -> None:
    async with town(small(), tmp_path) as here:
        await wanted(here)
        await here.watched(minutes=3)
        assert await here.store.job_runs(NAME) == []
        since = {each.at for each in await here.store.cursors(NAME) if each.stream == keeping.KEPT_SINCE}
        await here.store.close()
        here.advance(hours=2.5)
        here.started()
        await here.restarted()
        await here.watched(minutes=6)
        jobs = {run.job for run in await here.store.job_runs(NAME)}
        assert {"flaky", "nightly:job-1", "nightly:job-2"} <= jobs
        assert {title(each).split()[0] for each in receipts(here)} == jobs
        kept = {each.at for each in await here.store.cursors(NAME) if each.stream == keeping.KEPT_SINCE}
        assert kept == since != set()
        gap = next(run for run in await here.store.job_runs(NAME) if run.job == "nightly:job-2")
        assert gap.core_seconds  # by its tasks' own times
        assert gap.idle_cost is None  # nobody sampled that time


async def test_a_receipt_is_a_reply_to_the_alert_of_its_job(tmp_path: Path) -> None:
    async with town(small(), tmp_path) as here:
        await here.alerts.load()
        subscription = Subscription(id="s", conversation=HERE, kinds=("job.completed",), severity=Severity.INFO)
        await here.alerts.subscribe(subscription)
        await wanted(here)
        await wanted(here, THERE)
        await here.watched(hours=1.2)
        written = {each.id: each for each in here.outbox.written}
        nightly = [each for each in receipts(here) if title(each).startswith("nightly:job-1 ")]
        assert {each.destination: bool(each.reply_to) for each in nightly} == {HERE.key: True, THERE.key: False}
        alert = next(written[each.reply_to] for each in nightly if each.reply_to)
        assert alert.destination == HERE.key
        assert "has completed" in title(alert)


async def test_a_job_that_is_deleted_at_its_end_is_kept_by_what_was_seen_of_it(tmp_path: Path) -> None:
    async with town(small(), tmp_path) as here:
        await wanted(here)
        job = here.truth.jobs["flaky"]
        while job.state != "completed":
            await here.watched(minutes=1)
        await here.watched(minutes=1)
        here.truth.job_lifecycle.delete(job)
        await here.watched(minutes=5)
        run = (await here.store.job_runs(NAME, job="flaky"))[0]
        assert run.tasks == 8
        assert run.seconds > 0
        assert any(title(each).startswith("flaky ") for each in receipts(here))


async def test_a_job_that_can_never_be_read_is_given_up_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(small(), tmp_path) as here:
        read = here.reader.read

        async def refused(source: Account, job: str, **more: Any) -> Receipt:
            if job == "nightly:job-1":
                raise AzureError("Forbidden", "the role is gone", status=403)
            return await read(source, job, **more)

        monkeypatch.setattr(here.reader, "read", refused)
        await here.watched(hours=1.2)
        (seen,) = await here.store.job_runs(NAME, job="nightly:job-1")
        assert seen.cost is None  # what the poll saw of it is kept
        [said] = here.background.troubles()
        assert "what nightly:job-1 came to could not be read" in said


async def test_of_very_many_jobs_only_those_of_schedules_and_those_asked_for_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST", 0)
    async with town(small(), tmp_path) as here:
        await here.watched(hours=1.2)
        runs = await here.store.job_runs(NAME)
        assert {run.job for run in runs if run.read} == {"nightly:job-1"}
        (seen,) = [run for run in runs if run.job == "flaky"]  # what the poll saw
        assert (seen.tasks, seen.cost, seen.read) == (8, None, None)
        assert seen.failed is not None
        assert seen.seconds > 0


async def test_what_was_at_least_is_completed_when_statistics_have_come(tmp_path: Path) -> None:
    async with town(small(), tmp_path) as here:
        await wanted(here, jobs="flaky")
        job = here.truth.jobs["flaky"]
        while job.state != "completed":
            await here.watched(minutes=1)
        await here.watched(minutes=4)
        (first,) = receipts(here)
        assert "at least" in title(first)
        (run,) = await here.store.job_runs(NAME, job="flaky")
        assert run.at_least
        await here.watched(minutes=40, every=120)
        (whole,) = await here.store.job_runs(NAME, job="flaky")
        assert not whole.at_least
        assert whole.core_seconds == pytest.approx(here.truth.ledger.job_core_seconds("flaky").total.busy, rel=1e-3)
        assert whole.core_seconds > (run.core_seconds or 0)
        before, after = receipts(here)
        assert (before.id, before.version, after.id, after.version) == (first.id, 1, first.id, 2)
        assert "at least" not in title(after)
