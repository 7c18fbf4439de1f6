"""Prices outlive a restart, are noted when they change, and own terms stand above them, over real HTTP and storage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from bot.azure.price_settings import PriceSettings, Reservation, SheetPrice
from bot.azure.prices import ASK_AGAIN, FRESH, Retail
from bot.domain.money.price_book import PriceBook
from storage.port.prices import PriceKey
from storage.sqlite.store import SqliteStore
from tests.azure.service import Handler, Service, say
from tests.azure.test_prices import _settled, page, row

LONG = 60.0
START = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
KEY = PriceKey("standard_d2s_v3", False, "on demand")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "t.db")
    yield store
    await store.close()


def say_at(at: datetime, body: dict[str, Any], status: int = 200) -> Handler:
    """An answer by a service whose clock shows ``at``."""
    return say(body, status, Date=format_datetime(at, usegmt=True))


async def read(service: Service, store: SqliteStore, at: datetime, *rows: dict[str, Any]) -> None:
    """One run of the program, which reads a list."""
    service.answers = [say_at(at, page(*rows))]
    retail = Retail(service.url, store=store, patience=LONG)
    await retail.read("westeurope")
    await retail.close()


async def test_a_change_is_noted_with_what_was_before(service: Service, store: SqliteStore) -> None:
    await read(service, store, START, row())
    await read(service, store, START + timedelta(days=1), row())
    change = START + timedelta(days=1, hours=15)
    later = change + timedelta(hours=9)
    await read(service, store, later, row(retailPrice=0.1, effectiveStartDate=change.isoformat()))
    listed = await store.prices("westeurope", "USD")
    assert listed
    assert listed.as_of == later
    assert [(each.since, each.amount) for each in listed.changes] == [
        (datetime(2025, 1, 1, tzinfo=UTC), 0.096),
        (change, 0.1),
    ]
    retail = Retail(service.url, store=store, patience=LONG)
    service.answers = [say_at(later + timedelta(hours=1), page(row(retailPrice=0.1)))]
    book = PriceBook(await retail.region("westeurope"))
    before = book.hourly("Standard_D2s_v3", windows=False, spot=False, at=START)
    after = book.hourly("Standard_D2s_v3", windows=False, spot=False, at=later)
    assert before and after
    assert (before.amount, after.amount) == (0.096, 0.1)
    assert book.changes(START, later) == [change]
    await retail.close()


async def test_a_price_that_changed_long_ago_by_its_date_holds_since_it_was_seen(
    service: Service, store: SqliteStore
) -> None:
    await read(service, store, START, row())
    seen = START + timedelta(days=1)
    await read(service, store, seen, row(retailPrice=0.1))
    listed = await store.prices("westeurope", "USD")
    assert listed
    assert listed.changes[-1].since == seen


async def test_a_price_that_is_listed_no_longer_is_unknown_from_then_on(service: Service, store: SqliteStore) -> None:
    await read(service, store, START, row(), row(armSkuName="Standard_D4s_v3"))
    gone = START + timedelta(days=1)
    await read(service, store, gone, row(armSkuName="Standard_D4s_v3"))
    listed = await store.prices("westeurope", "USD")
    assert listed
    assert [(each.since, each.amount) for each in listed.changes if each.key == KEY][-1] == (gone, None)


async def test_the_last_good_list_serves_thirty_days_over_a_restart(service: Service, store: SqliteStore) -> None:
    await read(service, store, START, row())
    now = 0.0
    retail = Retail(service.url, store=store, patience=LONG, clock=lambda: now)
    service.answers = [say_at(START + timedelta(days=29), {}, status=400)]
    prices = await retail.region("westeurope")
    assert prices.as_of == START
    assert prices.hourly("standard_d2s_v3", windows=False, spot=False)
    now = FRESH
    service.answers = [say_at(START + timedelta(days=31), {}, status=400)]
    await retail.region("westeurope")
    await _settled(retail)
    assert not await retail.region("westeurope")
    await retail.close()


async def test_an_empty_list_takes_no_price_away(service: Service, store: SqliteStore) -> None:
    await read(service, store, datetime.now(UTC) - timedelta(days=2), row())
    now = 0.0
    service.answers = [say(page()), say(page(row(retailPrice=0.2)))]
    retail = Retail(service.url, store=store, patience=LONG, clock=lambda: now)
    for asked, price in ((1, 0.096), (1, 0.096), (2, 0.2)):
        await retail.region("westeurope")
        await _settled(retail)
        found = (await retail.region("westeurope")).hourly("Standard_D2s_v3", windows=False, spot=False)
        assert (found and found.amount, len(service.asked) - 1) == (price, asked)
        now += ASK_AGAIN / 2 + 1
    await retail.close()


async def test_currencies_are_lists_of_their_own(service: Service, store: SqliteStore) -> None:
    retail = Retail(service.url, "USD", store=store, patience=LONG)
    service.answers = [
        say_at(START, page(row(currencyCode="CHF", retailPrice=0.08))),
        say_at(START, page(row())),
    ]
    assert (await retail.region("westeurope", "CHF")).currency == "CHF"
    assert (await retail.region("westeurope")).currency == "USD"
    assert "CHF" in service.asked[0].raw_path
    await retail.close()


async def test_own_prices_are_never_mixed_into_another_currency(service: Service) -> None:
    terms = PriceSettings(12.5, "EUR", [SheetPrice(size="Standard_D2s_v3", hourly=0.07)])
    retail = Retail(service.url, "USD", terms=terms, patience=LONG)
    service.answers = [say_at(START, page(row())), say_at(START, page(row(currencyCode="EUR")))]
    dollars = (await retail.region("westeurope")).hourly("standard_d2s_v3", windows=False, spot=False)
    euros = (await retail.region("westeurope", "EUR")).hourly("standard_d2s_v3", windows=False, spot=False)
    assert dollars and euros
    assert (dollars.amount, dollars.source) == (pytest.approx(0.084), "list price less 12.5 %")
    assert (euros.amount, euros.currency, euros.source) == (0.07, "EUR", "own price")
    await retail.close()


async def test_own_prices_need_no_list() -> None:
    retail = Retail("", "USD", terms=PriceSettings(sheet=[SheetPrice(size="Standard_D2s_v3", hourly=0.07)]))
    prices = await retail.region("westeurope")
    assert prices
    assert (prices.sources, prices.currency) == ("own prices", "USD")
    assert prices.hourly("standard_d2s_v3", windows=False, spot=True) is None
    await retail.close()


def test_mistakes_in_own_prices_are_told() -> None:
    wrong = PriceSettings(
        currency="euro",
        sheet=[
            SheetPrice(size="D2s", hourly=1.0),
            SheetPrice(size="a_b", hourly=1.0),
            SheetPrice(size="A_B", hourly=2),
        ],
        reservations=[
            Reservation(
                size="Standard_D2s_v3",
                nodes=1,
                hourly=1,
                since=date(2026, 2, 1),
                until=date(2026, 1, 1),
            )
        ],
    )
    assert list(wrong.mistakes()) == [
        "prices.currency: 'euro' is not a currency: write its three letters, such as USD or EUR",
        "prices.sheet 1: 'D2s' is not a VM size: write it like Standard_D4s_v5",
        "prices.sheet 3: A_B is priced twice: leave one out",
        "prices.reservations 1: until must be after since (2026-02-01)",
    ]
