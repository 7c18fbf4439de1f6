"""Posts reports: each subscription's last period that is due, once, when what it says is fresh.

The period's key is taken in the transaction that puts the message into the outbox. So it is posted once, whoever else
runs on the same store, whenever this program dies, and however long it was away: then the last period alone is made up
for. What is not fresh yet is waited for, up to a limit, and then it is posted and says so.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import structlog

from bot.clock import Clock
from bot.domain.money.report import Report
from bot.monitor.background import REPORTS, Background
from bot.reports.calendar import Cadence, Kind, Period, following, latest
from bot.reports.card import ReportWriter
from bot.reports.compose import Composer
from bot.reports.pools import Pools
from bot.reports.subscriptions import ReportSubscription, subscriptions
from cards.card import Card
from storage.port.errors import StoreError
from storage.port.outbox import OutboxEntry
from storage.port.reports import AdviceRow, ReportPost

log = structlog.get_logger()

LONGEST = 60.0
"""Seconds between two looks: a subscription that was made elsewhere is seen within that."""
_AFTER_FAILURE = 10.0
PATIENCE = timedelta(hours=6)
"""How long a report waits for data of its period after it is due."""
FIRST_READING = timedelta(minutes=10)
"""After its start the program has read the bill, where it may."""
_BILL_AGE = timedelta(hours=12)
"""A bill that was read longer ago is not fresh."""

Put = Callable[[Iterable[OutboxEntry]], None]


class Reports:
    """Reports of every account. Run :meth:`run` beside everything else."""

    def __init__(
        self,
        composer: Composer,
        pools: Pools,
        put: Put,
        clock: Clock,
        *,
        several: bool,
        patience: timedelta = PATIENCE,
        background: Background | None = None,
    ) -> None:
        """``put`` hears of messages in the outbox, ``several`` is True with more than one account."""
        self.composer = composer
        self._pools = pools
        self._put = put
        self._clock = clock
        self._several = several
        self._patience = patience
        self._nudged = asyncio.Event()
        self._done: set[tuple[str, str, str]] = set()
        self._started = clock.now()
        self._background = background or Background(clock)
        self._unmade: dict[tuple[str, str], str] = {}

    def now(self) -> datetime:
        """The bot's clock."""
        return self._clock.now()

    def nudge(self) -> None:
        """A subscription was made or taken back."""
        self._nudged.set()

    async def run(self) -> None:
        """Post what falls due, until cancelled."""
        while True:
            self._nudged.clear()
            wait = LONGEST
            try:
                wait = await self.tick()
            except StoreError as error:
                log.error("reports.not_stored", message=str(error))  # noqa: TRY400 - it says all
                self._background.failed(REPORTS, error)
                wait = _AFTER_FAILURE
            except Exception as error:  # one look that fails does not keep the next one from being made
                log.exception("reports.failed")
                self._background.failed(REPORTS, error)
            with suppress(TimeoutError):
                await self._clock.until(self._nudged, wait)

    async def tick(self) -> float:
        """Post what is due now; seconds until the next look. Raises StoreError."""
        now = self.now()
        wait = LONGEST
        wanted = await subscriptions(self.composer.store)
        for each in wanted:
            period = latest(each.cadence, now)
            if each.at <= period.due and self._key(each, period) not in self._done:
                try:
                    await self._due(each, period, now)
                    self._unmade.pop(_place(each), None)
                except (KeyError, ValueError) as error:
                    # An account that the settings know no more, or amounts that cannot be added: others go on.
                    log.warning("report.not_made", report=each.report, error=str(error))
                    self._unmade[_place(each)] = _why(each, error)
                    self._done.add(self._key(each, period))
            wait = min(wait, max(1.0, (following(each.cadence, now).due - now).total_seconds()))
        self._tell({_place(each) for each in wanted})
        return wait

    def _tell(self, wanted: set[tuple[str, str]]) -> None:
        """How posting stands; what was not made matters as long as somebody wants it."""
        self._unmade = {place: why for place, why in self._unmade.items() if place in wanted}
        if self._unmade:
            self._background.failed(REPORTS, " ".join(sorted(set(self._unmade.values()))))
        else:
            self._background.ok(REPORTS)

    def not_made(self, subscription: ReportSubscription) -> str:
        """Why the last report of a subscription could not be made, in words; empty where it could."""
        return self._unmade.get(_place(subscription), "")

    async def preview(self, account: str, kind: Kind, zone: str, conversation: str = "") -> Card:
        """The report of the last period whose UTC days are over: what is posted last, or next, in whatever zone.

        ``zone`` is the one that moments are shown in. So everybody who asks at one moment sees one answer. Where the
        conversation has the report by subscription it says when that period comes there. Raises KeyError, StoreError.
        """
        now = self.now()
        period = _over(kind, now)
        report = await self._report(account, period, now, conversation, late=False)
        said = await self._comes(account, period, now, conversation)
        return ReportWriter(zone, several=self._several).card(report, now, said)

    async def _comes(self, account: str, period: Period, now: datetime, conversation: str) -> str:
        """``posted here Mon 30 Nov 09:00 America/Chicago``: when a period comes by subscription; else empty."""
        wanted = await subscriptions(self.composer.store, conversation) if conversation else []
        for each in wanted:
            if each.account == account and each.cadence.kind == period.kind:
                soon, last = following(each.cadence, now), latest(each.cadence, now)
                found = next((one for one in (soon, last) if one.key == period.key), None)
                if found:
                    local = found.due.astimezone(ZoneInfo(each.cadence.zone))
                    when = f"{local:%a} {local.day} {local:%b %H:%M} {each.cadence.zone}"
                    return f"{'comes here' if found.due > now else 'was due here'} {when}"
        return ""

    async def foreseen(self, subscription: ReportSubscription) -> tuple[Card, bool]:
        """What a subscription would post now, and whether its conditions hold. Raises KeyError, StoreError."""
        now, cadence = self.now(), subscription.cadence
        period = _over(cadence.kind, now)
        report = await self._report(subscription.account, period, now, subscription.conversation.key, late=False)
        return ReportWriter(cadence.zone, several=self._several).card(report, now), _holds(subscription, report)

    async def _report(self, account: str, period: Period, now: datetime, conversation: str, *, late: bool) -> Report:
        pools = self._pools.now(account)
        return await self.composer.report(account, period, now, pools, conversation=conversation, late=late)

    async def _due(self, subscription: ReportSubscription, period: Period, now: datetime) -> None:
        store, key = self.composer.store, self._key(subscription, period)
        if await store.report_post(*key):
            self._done.add(key)
            return
        account = subscription.account
        fresh = await self.fresh(account, period, now)
        if await store.report_posted_after(*key):
            log.warning("report.older_than_posted", report=subscription.report, period=period.key)
            self._done.add(key)
            return
        # East of UTC a period may be due before its last UTC day is over; after a start the bill is still to be read.
        longest = max(max(period.due, period.until) + self._patience, self._started + FIRST_READING)
        if not fresh and now < longest:
            return
        report = await self._report(account, period, now, subscription.conversation.key, late=not fresh)
        if (entry := self._entry(subscription, period, report, now)) is None:
            log.info("report.not_wanted", report=subscription.report, period=period.key)
        post = ReportPost(*key, now, msgspec.json.encode(report.said()))
        advice = [
            AdviceRow(account, subscription.report, period.key, each.pool, now, msgspec.json.encode(each))
            for each in report.advice
        ]
        if await store.post_report(post, advice if entry else [], entry) and entry:
            log.info("report.posted", report=subscription.report, period=period.key, late=not fresh)
            self._put([entry])
        self._done.add(key)

    async def fresh(self, account: str, period: Period, now: datetime) -> bool:
        """Whether all of a period was seen, and the bill was read after it where it is read at all."""
        kept = await self.composer.store.sampled_range(account)
        if kept is None or kept[1] < period.until:
            return False
        reading = await self.composer.store.bill_reading(account)
        if reading is None:  # so it is where no bill is read at all, too
            return now >= self._started + FIRST_READING
        if reading.as_of is None or reading.state in ("no permission", "no data"):
            return True
        return now - reading.as_of < _BILL_AGE and reading.as_of >= period.until

    def _entry(
        self, subscription: ReportSubscription, period: Period, report: Report, now: datetime
    ) -> OutboxEntry | None:
        """The message; None where its conditions do not hold."""
        if not _holds(subscription, report):
            return None
        where = subscription.conversation
        card = ReportWriter(subscription.cadence.zone, several=self._several).card(report, now)
        name = hashlib.blake2b("\0".join(self._key(subscription, period)).encode(), digest_size=8).hexdigest()
        address, body = msgspec.json.encode(where), msgspec.json.encode(card)
        return OutboxEntry(f"report-{name}", where.key, address, body, 1, now)

    def _key(self, subscription: ReportSubscription, period: Period) -> tuple[str, str, str]:
        """What makes a post the same: its conversation, report and period."""
        return subscription.conversation.key, subscription.report, period.key


def _holds(subscription: ReportSubscription, report: Report) -> bool:
    """Whether a report is to be posted by the conditions of who asked for it."""
    if subscription.least is not None and report.amount < subscription.least:
        return False
    return subscription.rose is None or (report.change is not None and report.change >= subscription.rose)


def _place(subscription: ReportSubscription) -> tuple[str, str]:
    """A report in a conversation, of any period."""
    return subscription.conversation.key, subscription.report


def _why(subscription: ReportSubscription, error: KeyError | ValueError) -> str:
    """Why a report cannot be made, and what to do."""
    what = f"The {subscription.cadence.kind} report of {subscription.account} could not be made: "
    if isinstance(error, KeyError):
        return f"{what}the settings have no account of that name any more: take it back."
    return f"{what}{error}."


def _over(kind: Kind, now: datetime) -> Period:
    """The last period whose UTC days are over, which does not depend on anybody's zone."""
    return latest(Cadence(kind, "UTC", 0), now)
