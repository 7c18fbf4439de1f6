"""The price list against the sandbox and against a service that misbehaves, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from aiohttp import web

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.clock import Clock
from bot.azure.errors import AzureError
from bot.azure.models.price import PriceItem, Prices
from bot.azure.pipeline import pipeline
from bot.azure.plane import Plane
from bot.azure.prices import ASK_AGAIN, FRESH, Choice, Retail
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock as WorldClock
from bot.sandbox.world.prices import low_priority, on_demand, priced, spot
from bot.sandbox.world.scenarios import build
from bot.settings import AccountSettings
from tests.azure.service import KEY, Service, say

NOW = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
LONG = 60.0
"""Seconds that a test waits for a first answer at most: not what a person would."""


def row(**more: Any) -> dict[str, Any]:
    """One price as it is sent."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": 0.096,
        "armRegionName": "westeurope",
        "armSkuName": "Standard_D2s_v3",
        "productName": "Virtual Machines DSv3 Series",
        "skuName": "D2s v3",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "effectiveStartDate": "2025-01-01T00:00:00Z",
        **more,
    }


def page(*rows: dict[str, Any], link: str | None = None) -> dict[str, Any]:
    return {"BillingCurrency": "USD", "Items": list(rows), "NextPageLink": link, "Count": len(rows)}


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    sandbox = AzureSandbox(build("tiny", seed=1, clock=WorldClock(NOW, paused=True)))
    await sandbox.start()
    yield sandbox
    await sandbox.close()


@pytest.fixture
async def retail(sandbox: AzureSandbox) -> AsyncIterator[Retail]:
    retail = Retail(sandbox.prices_url, patience=LONG)
    yield retail
    await retail.close()


async def test_every_price_of_a_region_is_read(sandbox: AzureSandbox, retail: Retail) -> None:
    prices = await retail.region("West Europe")
    assert (prices.currency, prices.as_of) == ("USD", NOW)
    for size in priced():
        for windows in (False, True):
            price = prices.hourly(size.name.upper(), windows=windows, spot=False)
            assert price
            assert (price.amount, price.meter) == (on_demand(size, "westeurope", windows=windows), "on demand")
            cheap = prices.hourly(size.name, windows=windows, spot=True)
            assert (cheap is not None) is size.low_priority_capable
            if cheap:
                assert (cheap.amount, cheap.meter) == (spot(size, "westeurope", windows=windows), "spot")
    assert prices.hourly("Standard_None", windows=False, spot=False) is None


async def test_windows_is_dearer_and_spot_cheaper(retail: Retail) -> None:
    prices = await retail.region("eastus")

    def amount(**kind: bool) -> float:
        price = prices.hourly("Standard_D4s_v3", **kind)
        assert price
        return price.amount

    assert amount(windows=True, spot=False) > amount(windows=False, spot=False) > amount(windows=False, spot=True)
    assert amount(windows=False, spot=False) == 0.192


async def test_pages_are_followed(sandbox: AzureSandbox, retail: Retail) -> None:
    whole = await retail.region("westeurope")
    asked: list[web.Request] = []
    sandbox.arm.observers.append(lambda request, _: asked.append(request))
    sandbox.arm.prices.page = 50
    paged = await retail.read("westeurope")
    assert paged.amounts == whole.amounts
    assert len(asked) > 5
    assert "Authorization" not in asked[0].headers


async def test_another_currency(sandbox: AzureSandbox) -> None:
    retail = Retail(sandbox.prices_url, "CHF", patience=LONG)
    price = (await retail.region("eastus")).hourly("standard_d4s_v3", windows=False, spot=False)
    assert price
    assert price.currency == "CHF"
    assert price.amount == pytest.approx(0.192 * 0.8)
    await retail.close()


async def test_only_consumption_of_one_region_is_asked_for(service: Service) -> None:
    service.answers = [say(page(row()))]
    retail = Retail(f"{service.url}/prices", "EUR", patience=LONG)
    assert await retail.region("North Central US")
    assert unquote(service.asked[0].raw_path) == (
        "/prices?currencyCode='EUR'&$filter=serviceName eq 'Virtual Machines' and armRegionName eq 'northcentralus' "
        "and priceType eq 'Consumption'"
    )
    await retail.close()


@pytest.mark.parametrize("link", ["https://evil.example/api", "http://127.0.0.1:1/x", "//evil.example/x", "ftp:x"])
async def test_a_list_that_goes_on_elsewhere_is_refused(service: Service, link: str) -> None:
    service.answers = [say(page(row(), link=link))]
    retail = Retail(service.url, patience=LONG)
    with pytest.raises(AzureError) as caught:
        await retail.read("westeurope")
    assert caught.value.code == "ForeignNextLink"
    assert len(service.asked) == 1
    assert not await retail.region("westeurope")
    await retail.close()


async def test_a_list_that_never_ends_is_not_followed_for_ever(service: Service) -> None:
    service.answers = [say(page(row(), link="?again"))]
    retail = Retail(service.url, patience=LONG)
    assert not await retail.region("westeurope")  # who knows what the rest of it says
    assert len(service.asked) == 2
    await retail.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *product(("retailPrice", "tierMinimumUnits"), (None, "0.1", [], True)),
        *product(("effectiveStartDate", "effectiveEndDate"), ("soon", "2026-13-01T00:00:00Z", {})),
        *product(("currencyCode", "unitOfMeasure", "type", "productName", "skuName"), (None, 7)),
        ("isPrimaryMeterRegion", "yes"),
        ("Items", None),
        ("Items", {}),
        ("NextPageLink", 7),
    ],
)
async def test_a_list_in_which_one_value_is_odd_is_no_list(service: Service, name: str, value: object) -> None:
    """Half of it would be taken for the whole, and a price of the past for today's."""
    whole = page(row(), row(armSkuName="Standard_D4s_v3"))
    (whole if name in whole else whole["Items"][1])[name] = value
    service.answers = [say(whole)]
    retail = Retail(service.url, patience=LONG)
    with pytest.raises(AzureError) as caught:
        await retail.read("westeurope")
    assert caught.value.code == "UnexpectedAnswer"
    await retail.close()


@pytest.mark.parametrize("name", ["retailPrice", "currencyCode", "unitOfMeasure", "type", "productName", "skuName"])
async def test_a_list_in_which_one_value_is_missing_is_no_list(service: Service, name: str) -> None:
    rows = [row(), row(armSkuName="Standard_D4s_v3")]
    del rows[1][name]
    service.answers = [say(page(*rows))]
    retail = Retail(service.url, patience=LONG)
    with pytest.raises(AzureError, match="not understood"):
        await retail.read("westeurope")
    await retail.close()


def test_the_port_that_https_has_anyway_may_be_named() -> None:
    base = "https://prices.azure.com/api/retail/prices"

    class Nobody:
        pass

    plane = Plane(Nobody(), base, "", Clock())  # type: ignore[arg-type]
    assert plane.own("https://prices.azure.com:443/api/retail/prices?$skip=1000") == f"{base}?$skip=1000"
    for link in ("https://prices.azure.com:8443/x", "http://prices.azure.com/x", "https://u@prices.azure.com/x"):
        with pytest.raises(AzureError):
            plane.own(link)
    assert "policies" not in pipeline(base, Clock())


async def test_what_cannot_be_read_is_no_price_and_is_asked_for_again_later(service: Service) -> None:
    now = 0.0
    service.answers = [say({"Error": {"Code": "BadRequest"}}, 400), say(page(row()))]
    retail = Retail(service.url, patience=LONG, clock=lambda: now)
    assert not await retail.region("westeurope")
    assert not await retail.region("westeurope")
    assert len(service.asked) == 1
    now = ASK_AGAIN
    assert await retail.region("westeurope")
    assert len(service.asked) == 2
    await retail.close()


async def test_prices_are_kept_a_day_and_longer_while_reading_fails(service: Service) -> None:
    now = 0.0
    service.answers = [say(page(row()))]
    retail = Retail(service.url, patience=LONG, clock=lambda: now)
    first = await retail.region("westeurope")
    now = FRESH - 1
    assert await retail.region("westeurope") is first
    assert len(service.asked) == 1
    service.answers = [say({}, 404)]
    now = FRESH
    assert await retail.region("westeurope") is first  # while it is read anew
    await _settled(retail)
    assert await retail.region("westeurope") is first
    service.answers = [say(page(row(retailPrice=0.2)))]
    now += ASK_AGAIN
    await retail.region("westeurope")
    await _settled(retail)
    price = (await retail.region("westeurope")).hourly("standard_d2s_v3", windows=False, spot=False)
    assert price
    assert price.amount == 0.2
    assert len(service.asked) == 3
    await retail.close()


async def _settled(retail: Retail) -> None:
    """Until nothing is being read any more."""
    tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("prices ")]
    await asyncio.gather(*tasks)


async def test_nobody_waits_long_for_the_first_prices(service: Service) -> None:
    arrived, go = asyncio.Event(), asyncio.Event()

    async def late(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await go.wait()
        return web.json_response(page(row()))

    service.answers = [late]
    retail = Retail(service.url, patience=0.01)
    assert not await retail.region("westeurope")
    await arrived.wait()
    assert not await retail.region("westeurope")
    go.set()
    await _settled(retail)
    assert await retail.region("westeurope")
    assert len(service.asked) == 1
    await retail.close()


async def test_many_cards_at_once_cost_one_read(service: Service) -> None:
    service.answers = [say(page(row()))]
    retail = Retail(service.url, patience=LONG)
    found = await asyncio.gather(*(retail.region(name) for name in ["westeurope", "West Europe"] * 10))
    assert all(found)
    assert len(service.asked) == 1
    await retail.close()


async def test_closing_ends_a_read(service: Service) -> None:
    arrived = asyncio.Event()

    async def never(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    service.answers = [never]
    retail = Retail(service.url, patience=0.01)
    assert not await retail.region("westeurope")
    await arrived.wait()
    await retail.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("prices ")]


async def test_nonsense_is_no_price(service: Service) -> None:
    service.answers = [say(b"<html>")]
    retail = Retail(service.url, patience=LONG)
    assert await retail.region("westeurope") == Prices()
    await retail.close()


async def test_prices_may_be_switched_off() -> None:
    retail = Retail("")
    assert not await retail.region("westeurope")
    await retail.close()


def picked(*rows: dict[str, Any]) -> Prices:
    choice = Choice()
    for each in rows:  # a page each
        choice.add([msgspec.convert(each, PriceItem)], NOW)
    return choice.prices(NOW)


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "Reservation", "unitOfMeasure": "1 Hour"},
        {"type": "DevTestConsumption"},
        {"unitOfMeasure": "1 GB/Hour"},
        {"retailPrice": 0.0},
        {"armSkuName": ""},
        {"armSkuName": None},
        {"tierMinimumUnits": 100.0},
        {"productName": "Virtual Machines DSv3 Series CloudServices"},
        {"productName": "DSv3 Series Cloud Services"},
        {"productName": "DSv3 Series Dedicated Host"},
        {"currencyCode": "EUR"},
        {"effectiveStartDate": "2024-01-01T00:00:00Z"},
        {"effectiveStartDate": "2027-01-01T00:00:00Z"},
        {"isPrimaryMeterRegion": False, "effectiveStartDate": "2026-01-01T00:00:00Z"},
    ],
)
def test_what_is_not_the_price_of_a_machine_is_left_out(odd: dict[str, Any]) -> None:
    for rows in ([row(), row(retailPrice=7.0) | odd], [row(), row(retailPrice=7.0) | odd, row()]):
        assert picked(*rows).amounts == {("standard_d2s_v3", False, "on demand"): 0.096}


def test_prices_of_the_past_are_what_it_cost_before() -> None:
    older = row(retailPrice=0.08, effectiveStartDate="2024-01-01T00:00:00Z")
    elsewhere = row(retailPrice=9.0, isPrimaryMeterRegion=False, effectiveStartDate="2023-01-01T00:00:00Z")
    later = row(retailPrice=7.0, effectiveStartDate="2099-01-01T00:00:00Z")
    prices = picked(row(), elsewhere, later, older)
    for at, amount in ((datetime(2024, 12, 31, tzinfo=UTC), 0.08), (NOW, 0.096), (None, 0.096)):
        price = prices.hourly("standard_d2s_v3", windows=False, spot=False, at=at)
        assert price
        assert price.amount == amount
    assert prices.changes(datetime(2024, 1, 1, tzinfo=UTC), NOW) == [datetime(2025, 1, 1, tzinfo=UTC)]


def test_prices_that_disagree_are_unknown() -> None:
    twice = row(retailPrice=0.1)
    for rows in ([row(), twice], [twice, row()], [row(), twice, row()], [row(), twice, twice]):
        assert picked(*rows).amounts == {}
    assert list(picked(row(), row()).amounts.values()) == [0.096]
    newer = row(retailPrice=0.2, effectiveStartDate="2026-01-01T00:00:00Z")
    assert list(picked(row(), twice, newer).amounts.values()) == [0.2]
    elsewhere = row(retailPrice=0.3, isPrimaryMeterRegion=False)
    assert list(picked(elsewhere, row(retailPrice=0.4, isPrimaryMeterRegion=False), row()).amounts.values()) == [0.096]


def test_a_price_that_has_ended_is_left_out() -> None:
    assert picked(row(effectiveEndDate="2026-01-01T00:00:00Z")).amounts == {}
    assert picked(row(effectiveEndDate="2029-01-01T00:00:00Z")).amounts


def test_the_latest_price_that_holds() -> None:
    later = row(retailPrice=0.1, effectiveStartDate="2026-01-01T00:00:00Z")
    for rows in ([row(), later], [later, row()]):
        assert list(picked(*rows).amounts.values()) == [0.1]


def test_low_priority_stands_in_for_spot_and_says_so() -> None:
    low = row(skuName="D2s v3 Low Priority", retailPrice=0.02)
    market = row(skuName="D2s v3 Spot", retailPrice=0.03)
    for rows, told in (([low], (0.02, "low priority")), ([low, market], (0.03, "spot")), ([market], (0.03, "spot"))):
        price = picked(row(), *rows).hourly("STANDARD_D2S_V3", windows=False, spot=True)
        assert price
        assert (price.amount, price.meter) == told
    assert picked(row()).hourly("standard_d2s_v3", windows=False, spot=True) is None


def test_the_sandbox_has_both_kinds() -> None:
    size = next(each for each in priced() if each.name == "Standard_D2s_v3")
    assert low_priority(size, "eastus", windows=False) == pytest.approx(0.0192)


async def test_an_account_with_a_key_has_the_prices_of_its_region(sandbox: AzureSandbox, retail: Retail) -> None:
    settings = AccountSettings("https://a.westeurope.batch.azure.com", "s", "g", credential="shared_key", key_env="KEY")
    unknown = AccountSettings("http://127.0.0.1:1", "s", "g", account="b", credential="shared_key", key_env="KEY")
    accounts = Accounts({"a": settings, "b": unknown}, {"KEY": KEY}, retail=retail)
    assert (await accounts.get("a").prices()).hourly("Standard_D2s_v3", windows=False, spot=False)
    assert not await accounts.get("b").prices()
    await accounts.close()


async def test_an_account_finds_its_region_itself(
    sandbox: AzureSandbox, retail: Retail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", sandbox.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", sandbox.identity_header)
    name, endpoint = next(iter(sandbox.endpoints.items()))
    facts = sandbox.world.accounts[name].facts
    settings = AccountSettings(
        endpoint.replace("127.0.0.1", "localhost"),
        facts.subscription,
        facts.resource_group,
        account=name,
        credential="managed_identity",
        arm_endpoint=sandbox.arm_url,
    )
    accounts = Accounts({name: settings}, {}, retail=retail)
    assert await accounts.get().prices() == await retail.region(facts.location)
    await accounts.close()


async def test_without_a_price_list_there_are_no_prices(account: Account) -> None:
    assert await account.prices() == Prices()


def test_the_age_of_a_price_is_known() -> None:
    price = picked(row()).hourly("standard_d2s_v3", windows=False, spot=False)
    assert price
    assert NOW - price.as_of == timedelta(0)
    assert (price.currency, price.source) == ("USD", "list price")
