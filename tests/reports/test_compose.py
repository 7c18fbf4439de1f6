"""Reports of periods that Azure billed and the bot did not watch: what is compared, with what, and what is said."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.domain.money.forecast import Forecast
from bot.domain.money.report import Report
from bot.reports.calendar import Cadence, Kind, latest
from bot.reports.card import ReportWriter
from bot.reports.picture import picture
from bot.reports.words import month_words
from cards.card import plain
from cards.charts.bars import BarChart
from cards.text import render
from storage.port.bill import BillReading, BillRow
from storage.sqlite.store import SqliteStore
from tests.reports.ledgered import ACCOUNT, Priced, Sources, composer

NOW = datetime(2026, 11, 30, 3, 30, tzinfo=UTC)
"""A Monday, before the days from Friday on are settled."""


def _row(day: date, pool: str, amount: float, hours: float) -> BillRow:
    return BillRow(
        ACCOUNT, day, "amortized", pool, "r", "D4s v3", "Virtual Machines", "Dsv3", "USD", amount, hours, "1 Hour"
    )


async def _billed(store: SqliteStore, first: date) -> None:
    """A hundred a day, a hundred and twenty in the last week, of whose days from Friday on a part is billed."""
    rows = []
    day = first
    while day < NOW.date():
        usual = 120.0 if day >= date(2026, 11, 23) else 100.0
        share = {27: 0.8, 28: 0.6, 29: 0.2}.get(day.day, 1.0) if day >= date(2026, 11, 27) else 1.0
        rows.append(_row(day, "gpu-a", share * (usual - 20), share * (usual - 20)))
        rows.append(_row(day, "", share * 20, 0))
        day += timedelta(days=1)
    reading = BillReading(ACCOUNT, "ok", NOW, NOW, "", first)
    await store.put_bill(ACCOUNT, first, NOW.date(), rows, reading)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "billed.db")
    yield store
    await store.close()


async def _report(store: SqliteStore, kind: Kind) -> Report:
    made = composer(store, sources=Sources({ACCOUNT: Priced(at=NOW)}))
    return await made.report(ACCOUNT, latest(Cadence(kind, "UTC", 0), NOW), NOW, {})


def _said(report: Report, zone: str = "UTC") -> tuple[str, str]:
    card = ReportWriter(zone, several=False).card(report, NOW)
    return plain(card.title), " ".join(str(render(card).payload).split())


async def test_a_week_that_still_fills_has_no_verdict_but_its_final_days_compared(store: SqliteStore) -> None:
    await _billed(store, date(2026, 8, 30))
    report = await _report(store, "weekly")
    title, whole = _said(report)
    assert report.amount == pytest.approx(4 * 120 + 1.6 * 120)
    assert title == "$672 billed for render-prod last week, not final: 3 days still fill · 23 – 29 Nov"
    assert "✔" not in whole
    assert "Mon – Thu $480, 20 % more than the same 4 days of the week before" in whole
    assert "gpu-a +$80.00 (+25 %): its nodes ran for 400 node-hours, 320 the same days of the week before" in whole
    assert report.change == pytest.approx(0.2)


async def test_what_goes_by_own_usage_is_not_called_billed(store: SqliteStore) -> None:
    await _billed(store, date(2026, 8, 30))
    report = await _report(store, "weekly")
    last = report.last
    own = replace(report, by_own={last: 14.0})
    title, whole = _said(own, "Europe/Berlin")
    assert title.startswith("$672 on render-prod last week")
    assert "about $14.00 not billed yet" in whole
    drawn = picture(own)
    assert drawn and isinstance(drawn.chart, BarChart)
    assert drawn.chart.headline == "$658 billed + about $14.00 not billed yet"
    assert drawn.chart.bars[-1].values[1] == 14.0
    assert {bar.values[1] for bar in drawn.chart.bars[:-1]} == {0.0}
    assert sum(sum(value or 0.0 for value in bar.values) for bar in drawn.chart.bars) == 672
    assert not re.search(r"\d\d:\d\d UTC", whole)  # one zone on a card


async def test_labels_of_days_add_up_to_the_headline(store: SqliteStore) -> None:
    await _billed(store, date(2026, 8, 30))
    report = await _report(store, "weekly")
    drawn = picture(report)
    assert drawn
    assert isinstance(drawn.chart, BarChart)
    days = [value for bar in drawn.chart.bars for value in bar.values if value is not None]
    assert all(value == round(value) for value in days)
    assert [bar.partial for bar in drawn.chart.bars] == [False] * 4 + [True] * 3
    assert sum(days) == 672


async def test_a_month_that_is_over_is_compared_as_a_whole(store: SqliteStore) -> None:
    await _billed(store, date(2026, 8, 30))
    title, whole = _said(await _report(store, "monthly"))
    assert title == "$3,100 billed for render-prod in October, 3 % more than the month before · 1 – 31 Oct"
    assert "still fill" not in whole.split("November")[0]


async def test_it_is_said_where_the_bill_is_still_being_read(store: SqliteStore) -> None:
    await _billed(store, date(2026, 10, 1))
    title, whole = _said(await _report(store, "monthly"))
    assert "nothing to compare with the month before" in title
    assert "the bill is still being read: it is known since Thu 1 Oct" in whole


async def test_a_day_is_held_against_the_same_weekday(store: SqliteStore) -> None:
    await _billed(store, date(2026, 8, 30))
    title, whole = _said(await _report(store, "daily"))
    assert "not final: the day still fills" in title
    assert "%" not in title
    assert "less than" not in whole


async def test_the_month_starts_from_what_is_billed_and_takes_late_days_as_usual(store: SqliteStore) -> None:
    await _billed(store, date(2026, 8, 30))
    month = (await _report(store, "weekly")).month
    assert month
    assert month.so_far == pytest.approx(22 * 100 + 4 * 120 + 1.6 * 120)
    assert (month.filling, month.missing, month.state) == (3, 0, "ok")
    assert month.amount == pytest.approx(22 * 100 + 4 * 120 + 3 * 100 + 100, abs=30)


def test_what_is_not_billed_yet_is_told_beside_what_is_so_far() -> None:
    month = Forecast(today=NOW.date(), state="no band", so_far=3959.0, amount=4400.0, filling=3, unbilled=40.0)
    assert month_words(month, "USD") == (
        "about $4,400; $3,959 up to 29 Nov ($40.00 of it not billed yet), 3 days still fill"
    )
    assert "not billed" not in month_words(replace(month, unbilled=0.0), "USD")
