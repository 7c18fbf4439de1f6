"""When a job is over: keeps what it came to, and posts its receipt where that was asked for, once.

What is to be done is read from the transitions that are stored, behind a cursor of its own, which moves in the
transaction that keeps the run and writes the messages. So a job that ended while the program was down, or just before
it was killed, gets its receipt all the same; and since the messages of a receipt always have the same ids, one that is
made again is still sent once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog
from msgspec.structs import replace

from bot.alerting.model import Notification
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.clock import Clock
from bot.domain.entity import fold, same_id, schedule_of
from bot.domain.money.receipt import Receipt
from bot.monitor.background import RECEIPTS, Background
from bot.monitor.scene import JobView, Scene
from bot.receipts.asked import Asked, asked_anywhere
from bot.receipts.reader import ReceiptReader
from bot.receipts.receipt_card import receipt_card
from cards.command_line import command as line
from storage.port.changes import ChangeSet
from storage.port.decoding import decoded
from storage.port.errors import StoreError
from storage.port.monitoring import Cursor, Transition
from storage.port.outbox import OutboxEntry
from storage.port.runs import JobRun
from storage.port.store import Store

log = structlog.get_logger()

STREAM = "receipts"
"""The cursor's stream."""
KEPT_SINCE = "runs"
"""A cursor that stays: every job that ended from then on is kept."""
SETTLING = timedelta(minutes=2)
"""After its end: the last tasks of a job are listed, its last samples taken and its alert posted within two polls."""
MOST = 200
"""Jobs that ended at once: of more, only those are read that a schedule made or somebody asks for; of the others is
kept what the poll saw."""
TRIES = 5
"""Attempts at a job that the service refuses to tell of, one for each poll."""
PATIENCE = timedelta(hours=6)
"""After its end: how long a job is tried again while the service does not answer at all."""
STATISTICS = timedelta(minutes=35)
"""After its end the statistics of a job's tasks have come, which tell how long runs took that were made again."""
_LOOKS, _BETWEEN, _AT_ONCE = timedelta(hours=3), timedelta(minutes=30), 5
"""How long these are waited for, the time between two looks, and how many jobs are looked at after a poll."""
TOLD = timedelta(days=1)
"""How long it is said of a job that its receipt could not be made."""
_PAGE = 1000
_TICK = timedelta(microseconds=1)
_AFTER_FAILURE = 30.0
_ALERTS = ("job.completed", "job.failed", "task.failed")


class Post(Protocol):
    """What is needed of the delivery."""

    def put(self, entries: Iterable[OutboxEntry]) -> None:
        """These were stored: bring them out."""
        ...


class ReceiptKeeper:
    """Receipts of every account. :meth:`after` is called after each poll, :meth:`run` beside everything else."""

    def __init__(
        self,
        store: Store,
        accounts: Mapping[str, Account],
        reader: ReceiptReader,
        post: Post,
        clock: Clock,
        *,
        zone: Callable[[str], str],
        background: Background | None = None,
    ) -> None:
        """``zone`` gives a conversation's zone."""
        self._store = store
        self._accounts = accounts
        self._reader = reader
        self._post = post
        self._clock = clock
        self._zone = zone
        self._horizons: dict[str, datetime] = {}
        self._ended: dict[tuple[str, str], JobView] = {}
        self._tries: dict[tuple[str, str], int] = {}
        self._looked: dict[tuple[str, str], datetime] = {}
        self._nudged = asyncio.Event()
        self._background = background or Background(clock)
        self._unread: set[tuple[str, str]] = set()
        self._given_up: dict[tuple[str, str], datetime] = {}

    async def after(self, account: str, scene: Scene, now: datetime) -> None:
        """A poll was stored: what ended :data:`SETTLING` before it can be worked off."""
        for job in scene.ended:
            self._ended[account, fold(job.id)] = job
        if scene.blind is None and "jobs" in scene.read:
            self._horizons[account] = scene.at - SETTLING
            self._nudged.set()

    async def run(self) -> None:
        """Work off what has ended, until cancelled."""
        while True:
            await self._nudged.wait()
            self._nudged.clear()
            for account in list(self._horizons):
                try:
                    await self.work_off(account)
                except StoreError as error:
                    self._background.failed(RECEIPTS, error, account)
                    log.error("receipts.not_stored", account=account, message=str(error))  # noqa: TRY400 - it says all
                    await self._clock.sleep(_AFTER_FAILURE)  # the cursor stays: it is done again
                except Exception as error:  # one account's trouble does not keep the others from their receipts
                    log.exception("receipts.failed", account=account)
                    self._background.failed(RECEIPTS, error, account)
                    await self._clock.sleep(_AFTER_FAILURE)

    def _tell(self, account: str) -> None:
        """How it stands: a job that was given up is told for a day."""
        now = self._clock.now()
        self._given_up = {key: at for key, at in self._given_up.items() if now - at < TOLD}
        jobs = [job for of, job in self._given_up if of == account]
        if jobs:
            words = f"what {', '.join(jobs[:3])}{' and others' if len(jobs) > 3 else ''} came to could not be read"
            self._background.failed(RECEIPTS, words, account)
        else:
            self._background.ok(RECEIPTS, account)

    def _give_up(self, account: str, job: str, *, refused: bool) -> None:
        """A job has no receipt, or none that is complete; where it was only deleted, nothing is wrong with the bot."""
        log.warning("receipts.given_up", account=account, job=job, deleted=not refused)
        if refused:
            self._given_up[account, job] = self._clock.now()

    async def work_off(self, account: str) -> int:
        """Make the receipts of all jobs of an account that ended since the cursor; returns how many.

        Raises StoreError.
        """
        until = self._horizons[account]
        cursors = await self._store.cursors(account)
        cursor = next((each.at for each in cursors if each.stream == STREAM), None)
        if cursor is None:
            cursors = [Cursor(account, STREAM, until), Cursor(account, KEPT_SINCE, until)]
            await self._store.record(ChangeSet(cursors=cursors))
            return 0
        since = min(cursor, until)  # one from a time to come, as a wrong clock leaves it, would pass over all till then
        ended = await self._ended_within(account, since, until)
        asked = await asked_anywhere(self._store)
        made = 0
        for each in ended:
            wanted = schedule_of(each.id) or any(x.concerns(account, each.id) for x in asked)
            seen = self._seen(account, each)
            skipped = seen is not None and not wanted and len(ended) > MOST
            try:
                receipt = None if skipped else await self._receipt(account, each)
            except AzureError:
                return made  # the cursor stays before it
            if receipt is None:
                await self._store.record(
                    ChangeSet(runs=[seen] if seen else [], cursors=[Cursor(account, STREAM, each.at)])
                )
                if not skipped:
                    self._give_up(account, each.id, refused=(account, fold(each.id)) in self._unread)
                continue
            await self._keep(receipt, asked, each.at)
            made += 1
        if until != cursor:
            await self._store.record(ChangeSet(cursors=[Cursor(account, STREAM, until)]))
        await self._look_again(account, until)
        self._forget(account, until)
        self._tell(account)
        return made

    async def _ended_within(self, account: str, since: datetime, until: datetime) -> list[Transition]:
        """The ends of jobs in [since, until), the oldest first."""
        found: set[Transition] = set()
        while True:
            page = await self._store.transitions(account, entity="job", since=since, until=until, limit=_PAGE)
            found.update(each for each in page if each.after == "completed")
            before = page[-1].at + _TICK if len(page) == _PAGE else since  # what shares a moment comes again
            if not since < before < until:
                return sorted(found, key=lambda each: (each.at, each.id))
            until = before

    async def _receipt(self, account: str, ended: Transition) -> Receipt | None:
        """A job's receipt, by samples alone where it is gone; None where it is given up, or nobody saw it either.

        Raises AzureError where it is to be read again at the next poll.
        """
        source = self._accounts[account]
        try:
            return await self._reader.read(source, ended.id)
        except AzureError as error:
            if error.not_found:
                self._unread.discard((account, fold(ended.id)))
            else:
                self._unread.add((account, fold(ended.id)))
                log.warning("receipts.unread", account=account, job=ended.id, message=str(error))
                if self._again(account, ended, error):
                    raise
                return None
        view = self._ended.get((account, fold(ended.id)))
        return await self._reader.of_gone(source, view, view.ended or ended.at) if view else None

    def _seen(self, account: str, ended: Transition) -> JobRun | None:
        """What the poll saw of a job whose tasks are not read."""
        view = self._ended.get((account, fold(ended.id)))
        if view is None:
            return None
        at, counted = view.ended or ended.at, view.active is not None
        return JobRun(
            account=account,
            job=view.id,
            pool=view.pool,
            started=view.started or view.created or at,
            ended=at,
            schedule=schedule_of(view.id),
            tasks=view.total if counted else None,
            failed=view.failed if counted else None,
        )

    def _again(self, account: str, ended: Transition, error: AzureError) -> bool:
        """Whether a job that could not be read is tried again, at the next poll."""
        if error.passing:
            return self._horizons[account] - ended.at < PATIENCE
        key = account, fold(ended.id)
        self._tries[key] = self._tries.get(key, 0) + 1
        return self._tries[key] < TRIES

    async def _keep(self, receipt: Receipt, asked: Iterable[Asked], at: datetime) -> None:
        """Store the run, the messages about it and how far was read, in one transaction."""
        run = receipt.run()
        wanting = [each for each in asked if each.wants(receipt)] if run else []
        threads = await self._threads(receipt) if wanting else {}
        entries = [self._entry(receipt, each, threads.get(each.conversation.key, "")) for each in wanting]
        await self._store.record(
            ChangeSet(runs=[run] if run else [], entries=entries, cursors=[Cursor(receipt.account, STREAM, at)])
        )
        if entries:
            self._post.put(entries)

    async def _look_again(self, account: str, now: datetime) -> None:
        """Complete what was "at least" when its job ended, in what is kept and in what was posted of it."""
        runs = await self._store.job_runs(account, since=now - _LOOKS, until=now - STATISTICS)
        due = [run for run in runs if run.at_least and self._looked.get((account, run.job), now) <= now]
        for run in due[:_AT_ONCE]:
            self._looked[account, run.job] = now + _BETWEEN
            try:
                receipt = await self._reader.read(self._accounts[account], run.job)
            except AzureError as error:
                if error.not_found:  # it was deleted: what is kept stays "at least", as it says
                    self._looked[account, run.job] = now + _LOOKS
                    log.info("receipts.not_completed", account=account, job=run.job)
                elif run.ended < now + _BETWEEN - _LOOKS:  # else it is looked at once more
                    self._give_up(account, run.job, refused=True)
                continue
            whole = receipt.run()
            if whole is None or whole.started != run.started or whole.at_least:
                continue
            ids = [entry_id(receipt, each.conversation.key) for each in await asked_anywhere(self._store)]
            posted = [each.entry for each in await self._store.deliveries(ids)]
            entries = [
                replace(each, card=self._card(receipt, each.destination), version=each.version + 1) for each in posted
            ]
            await self._store.record(ChangeSet(runs=[whole], entries=entries))
            if entries:
                self._post.put(entries)

    async def _threads(self, receipt: Receipt) -> dict[str, str]:
        """The alerts that said in a conversation that the job is over: the receipt is a reply to them."""
        since = self._clock.now() - timedelta(days=1)
        rows = await self._store.incidents(account=receipt.account, since=since)
        ours = [each for each in rows if each.entity == "job" and same_id(each.name, receipt.job)]
        newest = {each.rule: each.id for each in reversed(ours)}
        found: dict[str, str] = {}
        for name in [newest[rule] for rule in _ALERTS if rule in newest]:
            for row in await self._store.notifications([name]):
                notification = decoded(row.body, Notification)
                if notification and notification.entry and not notification.gathered:
                    found.setdefault(row.conversation, notification.entry)
        return found

    def _entry(self, receipt: Receipt, asked: Asked, reply_to: str) -> OutboxEntry:
        where = asked.conversation.key
        return OutboxEntry(
            entry_id(receipt, where),
            where,
            msgspec.json.encode(asked.conversation),
            self._card(receipt, where),
            1,
            self._clock.now(),
            reply_to=reply_to,
        )

    def _card(self, receipt: Receipt, where: str) -> bytes:
        several = len(self._accounts) > 1

        def command(path: str, *names: str, **options: object) -> str:
            return line(path, *names, **options, account=receipt.account if several else None)

        return msgspec.json.encode(receipt_card(receipt, command, zone=self._zone(where), several=several))

    def _forget(self, account: str, until: datetime) -> None:
        """What was remembered of jobs that ended before a moment."""
        self._tries = {key: tries for key, tries in self._tries.items() if key[0] != account}
        self._unread = {key for key in self._unread if key[0] != account}
        for key, view in list(self._ended.items()):
            if key[0] == account and (view.ended or until) < until:
                del self._ended[key]
        self._looked = {key: due for key, due in self._looked.items() if key[0] != account or due > until - _LOOKS}


def entry_id(receipt: Receipt, conversation: str) -> str:
    """The outbox entry of a receipt in a conversation: the same whenever it is made; another for a job made anew."""
    what = "\n".join([receipt.account, fold(receipt.job), receipt.started.isoformat(), conversation])
    return f"receipt-{hashlib.sha256(what.encode()).hexdigest()[:20]}"
