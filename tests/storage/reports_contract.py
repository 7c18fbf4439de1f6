"""What every store has to do for reports. A test class per implementation inherits this and provides ``fresh``."""

from __future__ import annotations

import asyncio
from datetime import date

from msgspec.structs import replace

from storage.port.outbox import OutboxEntry
from storage.port.reports import AdviceRow, AnomalyRow, ReportPost
from storage.port.store import Store
from tests.storage.contract import DAY, MINUTE, NOON

POST = ReportPost("slack:C1", "weekly:render", "2026-W47", NOON, b"figures")
ADVICE = AdviceRow("render", "weekly:render", "2026-W47", "a", NOON, b"idle")


def entry(name: str) -> OutboxEntry:
    return OutboxEntry(name, "slack:C1", b"address", b"card", 1, NOON)


class ReportsContract:
    """Inherit it beside :class:`tests.storage.contract.StoreContract`, which gives ``store``."""

    async def test_a_period_is_posted_once_whoever_posts_it(self, store: Store) -> None:
        tries = await asyncio.gather(*(store.post_report(POST, [ADVICE], entry(f"e{n}")) for n in range(5)))
        assert sorted(tries) == [False, False, False, False, True]
        assert [state.entry.id for state in await store.undelivered()] == [f"e{tries.index(True)}"]
        assert await store.report_post("slack:C1", "weekly:render", "2026-W47") == POST
        assert await store.report_post("slack:C1", "weekly:render", "2026-W48") is None
        assert await store.report_posted_after("slack:C1", "weekly:render", "2026-W46")
        assert not await store.report_posted_after("slack:C1", "weekly:render", "2026-W47"), "that one itself"
        assert not await store.report_posted_after("slack:C1", "daily:render", "2026-W46")
        assert not await store.report_posted_after("slack:C2", "weekly:render", "2026-W46")

    async def test_other_periods_reports_and_conversations_are_posted_too(self, store: Store) -> None:
        others = [
            POST,
            replace(POST, period="2026-W48"),
            replace(POST, report="daily:render"),
            replace(POST, conversation="slack:C2"),
        ]
        assert [await store.post_report(each, [], entry(f"e{n}")) for n, each in enumerate(others)] == [True] * 4

    async def test_advice_that_was_given_first_stays(self, store: Store) -> None:
        await store.post_report(POST, [ADVICE, replace(ADVICE, pool="b")], entry("e1"))
        later = replace(ADVICE, at=NOON + MINUTE, body=b"other")
        await store.post_report(replace(POST, conversation="slack:C2"), [later], entry("e2"))
        assert await store.advice("render", "weekly:render", "2026-W47") == [ADVICE, replace(ADVICE, pool="b")]
        assert await store.advice("render", "weekly:render", "2026-W46") == []

    async def test_an_unusual_day_is_found_once_and_answered(self, store: Store) -> None:
        row = AnomalyRow("render", "a", date(2026, 11, 18), NOON, b"cost")
        assert await store.put_anomaly(row)
        assert not await store.put_anomaly(replace(row, found=NOON + DAY))
        assert not await store.put_anomaly(replace(row, pool="A"))  # ids are the same in any case
        assert await store.answer_anomaly("render", "A", row.day, "planned", b"by whom")
        assert not await store.answer_anomaly("render", "b", row.day, "planned", b"")
        assert await store.anomalies("render", NOON) == [replace(row, answer="planned", reply=b"by whom")]
        assert await store.anomalies("render", NOON + MINUTE) == []
        assert await store.anomalies("sim", NOON - DAY) == []

    async def test_old_reports_are_forgotten(self, store: Store) -> None:
        await store.post_report(POST, [ADVICE], entry("e1"))
        await store.put_anomaly(AnomalyRow("render", "a", date(2026, 11, 18), NOON, b"cost"))
        await store.prune(NOON + 399 * DAY)
        assert await store.report_post("slack:C1", "weekly:render", "2026-W47")
        await store.prune(NOON + 401 * DAY)
        assert await store.report_post("slack:C1", "weekly:render", "2026-W47") is None
        assert await store.advice("render", "weekly:render", "2026-W47") == []
        assert await store.anomalies("render", NOON - DAY) == []
