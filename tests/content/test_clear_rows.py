"""What is read to be watched is cleared as it is read, and a page of it off the event loop."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from bot.azure.account import Account
from bot.azure.answers import Page
from bot.azure.models import NameValue
from bot.azure.models.watched import JobState
from bot.content import clear_rows
from bot.content.clear_rows import clear_page, clear_row
from bot.monitor.reader import Reader

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Source:
    """An account that answers one list, in pages."""

    name = "films"

    def __init__(self, *sizes: int) -> None:
        self.sizes = sizes

    async def pages(self, kind: type, path: str, **asked: Any) -> AsyncIterator[Page[JobState]]:
        for size in self.sizes:
            rows = [JobState(id=f"job-{number}") for number in range(size)]
            yield Page(rows, None, NOON)


async def test_pages_are_cleared_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    where: list[bool] = []

    def noted(row: JobState) -> JobState:
        where.append(threading.current_thread() is threading.main_thread())
        return row

    monkeypatch.setattr(clear_rows, "clear_row", noted)
    reader = Reader(cast("Account", Source(1000, 2)))
    jobs = await reader._list(JobState, "/jobs")
    assert [job.id for job in jobs] == [*(f"job-{number}" for number in range(1000)), "job-0", "job-1"]
    assert where == [False] * 1000 + [True] * 2, "few rows take no time, and no thread"


async def test_a_page_keeps_its_order_and_has_no_secret() -> None:
    rows = [NameValue(name=f"FRAME_{number}", value="password=hunter2abc") for number in range(20)]
    rows[7] = NameValue(name="DB_PASSWORD", value="hunter2abc")
    page = await clear_page(rows)
    assert [row.name for row in page] == [row.name for row in rows]
    assert {row.value for row in page} == {"password=…", "…"}
    assert [clear_row(row) for row in rows] == page
