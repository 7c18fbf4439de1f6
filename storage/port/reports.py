"""Reports of money: which were posted, what they advised, and which days were found unusual."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from msgspec import Struct

from storage.port.outbox import OutboxEntry


class ReportPost(Struct, frozen=True):
    """A report of a period that was posted in a conversation (its key): once for each ``report`` and ``period``.

    ``report`` says which (``weekly:render-prod``), ``period`` of when (``2026-W47``). ``body`` is what it said in
    figures, encoded by whoever made it.
    """

    conversation: str
    report: str
    period: str
    at: datetime
    body: bytes = b""


class AdviceRow(Struct, frozen=True):
    """A piece of advice about a pool, as it was given for a period; ``body`` is encoded by whoever gave it."""

    account: str
    report: str
    period: str
    pool: str
    at: datetime
    body: bytes


class AnomalyRow(Struct, frozen=True):
    """An unusual day of a pool, and what was said of it; ``answer`` is empty while nothing was.

    ``found`` is when it was found, ``body`` what it was and ``reply`` the answer, encoded by whoever found it.
    """

    account: str
    pool: str
    day: date
    found: datetime
    body: bytes
    answer: str = ""
    reply: bytes = b""


class ReportStore(Protocol):
    """Reports. Every method may raise StoreError."""

    async def post_report(self, post: ReportPost, advice: Sequence[AdviceRow], entry: OutboxEntry | None) -> bool:
        """Put a report into the outbox with what it advised, whole or not at all.

        Without an ``entry`` nothing is sent, and the period is over all the same.

        False, and nothing is changed, where this period of this report was posted in the conversation before. Advice
        that another conversation was given for the same period stays as it is.
        """
        ...

    async def report_post(self, conversation: str, report: str, period: str) -> ReportPost | None:
        """One that was posted; None where it was not."""
        ...

    async def report_posted_after(self, conversation: str, report: str, period: str) -> bool:
        """Whether one of a later period was posted there."""
        ...

    async def advice(self, account: str, report: str, period: str) -> list[AdviceRow]:
        """What was advised for a period, by pool."""
        ...

    async def put_anomaly(self, row: AnomalyRow) -> bool:
        """Note an unusual day; False where it is known, which changes nothing."""
        ...

    async def answer_anomaly(self, account: str, pool: str, day: date, answer: str, reply: bytes) -> bool:
        """Note what was said of one; False where there is none. The last answer counts."""
        ...

    async def anomalies(self, account: str, since: datetime) -> list[AnomalyRow]:
        """Those found since a moment, by day and pool."""
        ...
