"""The bill is read from the sandbox's Cost Management as it is, within the quota, and its refusals are told apart."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.accounting.bill_keeper import BACK, BETWEEN, SOON, BillKeeper, currency_of
from bot.accounting.service import Accounting
from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.clock import Clock
from bot.domain.money.spans import days_of
from bot.monitor.background import Background
from bot.sandbox.world.ledger import Correction
from storage.port.bill import BillRow
from storage.port.condition import StoreCondition
from storage.port.errors import CannotStore
from tests.accounting.history import billed, watched
from tests.azure.test_cost_limiter import Ticks
from tests.handlers.conftest import START, Scene, scene

__all__ = ["scene"]
TODAY = START.date()
KEY = base64.b64encode(b"k" * 64).decode()


@pytest.fixture
async def source(scene: Scene) -> AsyncIterator[Account]:
    found = scene.accounts.get("render-prod")
    scene.sandbox.arm.costs.throttle.on = False
    await found.node_counts()
    yield found


def asked(scene: Scene) -> list[web.Request]:
    found: list[web.Request] = []
    scene.sandbox.arm.observers.append(
        lambda request, _: found.append(request) if request.path.endswith("/query") else None
    )
    return found


async def kept(scene: Scene, first: date, last: date = TODAY) -> list[BillRow]:
    return await scene.store.bill("render-prod", first, last)


async def test_the_bill_is_the_ledgers(scene: Scene, source: Account) -> None:
    first = TODAY - timedelta(days=9)
    await billed(scene.store, [source], 10)
    rows = await kept(scene, first)
    billing = scene.world.accounts["render-prod"].ledger.billing
    told = [charge for day in range(10) for charge in billing.told(first + timedelta(days=day), scene.world.time)]
    usage = [charge for charge in told if charge.charge_type == "Usage"]
    actual = sum(row.amount for row in rows if row.basis == "actual")
    amortized = sum(row.amount for row in rows if row.basis == "amortized")
    assert actual == pytest.approx(sum(charge.actual for charge in usage))
    assert amortized == pytest.approx(sum(charge.amortized for charge in usage))
    assert amortized > actual  # machines that a reservation covers cost nothing that day
    assert {row.pool for row in rows} == {charge.pool.lower() for charge in usage}
    assert source.currency == "USD"


async def test_own_usage_explains_what_machines_were_billed(scene: Scene, source: Account) -> None:
    for account in scene.accounts:
        await billed(scene.store, [account], 12)
        await watched(scene.store, scene.world, [account], 12)
    days = days_of("30d", source.now())
    main = (await Accounting(scene.store, scene.accounts).statement("sim-dev", days)).main
    assert main
    assert main.explained == pytest.approx(1, abs=0.05)
    assert len(main.compared) == 10


async def test_days_that_settled_are_not_asked_for_again(scene: Scene, source: Account) -> None:
    seen = asked(scene)
    keeper = BillKeeper([source], scene.store, Clock(speed=1000.0))
    waits = [await keeper.tick([source]) for _ in range(6)]
    reading = await scene.store.bill_reading("render-prod")
    assert reading
    assert (reading.state, reading.first) == ("ok", TODAY - timedelta(days=BACK))
    assert waits[-1] > 4 * 3600
    assert len({each.path for each in seen}) == 1
    before = len(seen)
    assert await keeper.tick([source]) > 4 * 3600
    assert len(seen) == before  # nothing is due
    scene.advance(hours=6)
    await source.node_counts()
    await keeper.tick([source])
    assert len(seen) == before + 2  # both bases of the days that may move, and nothing else
    (body,) = {await each.text() for each in seen[-1:]}
    assert TODAY.isoformat() in body
    assert (TODAY - timedelta(days=4)).isoformat() in body


async def test_a_correction_is_noted(scene: Scene, source: Account) -> None:
    day = TODAY - timedelta(days=4)
    await billed(scene.store, [source], 5)
    scene.world.accounts["render-prod"].ledger.billing.correct(Correction(day=day, factor=1.5))
    await billed(scene.store, [source], 5)
    found = [each for each in await scene.store.bill_corrections("render-prod", day, day) if each.basis == "actual"]
    assert [round(each.after / each.before, 6) for each in found] == [1.5]


@pytest.mark.parametrize(
    ("access", "state", "words"),
    [
        ("no role", "no permission", "give the identity that reads the account the role Cost Management Reader"),
        ("no cost role", "no permission", "Cost Management Reader"),
        ("disabled", "failed", "Access to cost data has been disabled"),
    ],
)
async def test_what_is_refused_is_told(scene: Scene, source: Account, access: Any, state: str, words: str) -> None:
    await billed(scene.store, [source], 3)
    rows = await kept(scene, TODAY - timedelta(days=9))
    scene.sandbox.arm.costs.access = access
    background = Background()
    keeper = BillKeeper([source], scene.store, background=background)
    assert not await keeper.read([source], TODAY - timedelta(days=2), TODAY)
    reading = await scene.store.bill_reading("render-prod")
    assert reading
    assert reading.state == state
    assert words in reading.message
    [said] = background.all()
    assert (said.error, said.refused) == (reading.message, state == "no permission")
    assert reading.as_of is not None  # what was read before is still there
    assert await kept(scene, TODAY - timedelta(days=9)) == rows
    if state == "no permission":
        assert source.settings.subscription in reading.message


async def test_what_could_not_be_stored_is_read_again_soon(
    scene: Scene, source: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    class Patient(Ticks):
        async def sleep(self, seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                raise asyncio.CancelledError
            await super().sleep(seconds)

    async def full(*_: object) -> None:
        raise CannotStore("bot.db: the disk is full")

    monkeypatch.setattr(scene.store, "bill_reading", full)
    background = Background()
    with suppress(asyncio.CancelledError):
        await BillKeeper([source], scene.store, Patient(), background).run()
    assert waits == [SOON, SOON]
    [said] = background.all()
    assert said.unstored
    background.store = StoreCondition()
    assert background.troubles() == []


async def test_too_many_questions_are_told_and_waited_for(scene: Scene, source: Account) -> None:
    scene.sandbox.arm.costs.throttle.refuse(1, 45)
    clock = Ticks()
    keeper = BillKeeper([source], scene.store, clock)
    assert not await keeper.read([source], TODAY, TODAY)
    reading = await scene.store.bill_reading("render-prod")
    assert reading
    assert (reading.state, reading.as_of) == ("throttled", None)
    assert await keeper.read([source], TODAY, TODAY)
    assert clock.at == 45


async def test_an_account_that_never_cost_anything_has_no_data(scene: Scene, source: Account) -> None:
    ledger = scene.world.accounts["render-prod"].ledger
    ledger.past.clear()
    ledger.books.clear()
    await billed(scene.store, [source], 3)
    reading = await scene.store.bill_reading("render-prod")
    assert reading
    assert reading.state == "no data"
    assert "8 to 24 hours" in reading.message


async def test_own_usage_is_the_truth_of_the_ledger_pool_by_pool(scene: Scene, source: Account) -> None:
    sim = scene.accounts.get("sim-dev")
    await sim.node_counts()
    await watched(scene.store, scene.world, [sim], 9)
    ledger = scene.world.accounts["sim-dev"].ledger
    since = START.replace(hour=0) - timedelta(days=8)
    found = await Accounting(scene.store, scene.accounts).spend("sim-dev", since, START.replace(hour=0))
    truth: dict[str, float] = {}
    for day in range(8):
        for charge in ledger.bill(since.date() + timedelta(days=day)):
            if charge.machines:
                truth[charge.pool] = truth.get(charge.pool, 0.0) + charge.amortized
    own = {pool: spend.cost.total for pool, spend in found.by("pool").items()}
    assert own == pytest.approx(truth, rel=0.01)
    assert sum(own.values()) == pytest.approx(sum(truth.values()), rel=0.01)
    assert found.total.core_hours.total == pytest.approx(
        ledger.core_seconds(None, since, START.replace(hour=0)).total.cores / 3600, rel=0.01
    )


async def test_what_is_wrong_with_one_account_is_its_own_trouble(
    scene: Scene, source: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", KEY)
    settings = source.settings
    gone = replace(settings, account="nosuch")
    keyed = replace(settings, credential="shared_key", key_env="KEY")
    several = Accounts({"gone": gone, "keyed": keyed, source.name: settings})
    await several.get(source.name).node_counts()
    keeper = BillKeeper(list(several), scene.store, Clock(speed=1000.0))
    assert sorted([each.name for each in group] for group in keeper.groups()) == [["gone", "render-prod"], ["keyed"]]
    assert await keeper.tick([several.get(source.name), several.get("gone"), several.get("keyed")]) == BETWEEN
    fine, *others = [await scene.store.bill_reading(name) for name in (source.name, "gone", "keyed")]
    assert fine
    assert (fine.state, await kept(scene, TODAY - timedelta(days=4)) != []) == ("ok", True)
    assert [each and each.state for each in others] == ["failed", "no permission"]
    assert [words in (each.message if each else "") for each, words in zip(others, ("nosuch", "its key"), strict=True)]
    seen = asked(scene)
    for _ in range(8):
        await keeper.tick(list(several))
    assert len(seen) < 8  # the others' trouble does not make its latest days due again
    await several.close()


async def test_an_empty_answer_is_believed_when_another_agrees(scene: Scene, source: Account) -> None:
    await billed(scene.store, [source], 10)
    rows = await kept(scene, TODAY - timedelta(days=9))
    keeper, first = BillKeeper([source], scene.store, Clock(speed=1000.0)), TODAY - timedelta(days=2)
    ledger = scene.world.accounts["render-prod"].ledger
    ledger.past.clear()
    ledger.books.clear()
    assert not await keeper.read([source], first, TODAY)
    assert await kept(scene, TODAY - timedelta(days=9)) == rows
    scene.sandbox.arm.costs.access = "no role"
    assert not await keeper.read([source], first, TODAY)
    scene.sandbox.arm.costs.access = "allowed"
    assert await keeper.read([source], first, TODAY)
    assert await kept(scene, first) == []
    reading = await scene.store.bill_reading("render-prod")
    assert reading
    assert (reading.state, reading.message) == ("ok", "")  # there are days before it that cost something


async def test_a_reading_from_a_time_to_come_is_due(scene: Scene, source: Account) -> None:
    await billed(scene.store, [source], 3)
    reading = await scene.store.bill_reading("render-prod")
    assert reading
    await scene.store.put_bill_reading(replace(reading, as_of=source.now() + timedelta(days=10)))
    await BillKeeper([source], scene.store, Clock(speed=1000.0)).tick([source])
    reading = await scene.store.bill_reading("render-prod")
    assert reading and reading.as_of
    assert reading.as_of <= source.now()


def test_the_currency_is_the_one_most_was_billed_in() -> None:
    def row(currency: str, amount: float, day: date = TODAY) -> BillRow:
        return BillRow("a", day, "actual", "p", "r", "m", "c", "s", currency, amount)

    assert currency_of([row("EUR", 1.0), row("USD", 90.0), row("EUR", 2.0)]) == "USD"
    assert currency_of([row("EUR", 500.0, TODAY - timedelta(days=60)), row("USD", 9.0)]) == "USD"
    assert currency_of([]) == ""
