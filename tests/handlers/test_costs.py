"""Money on cards: prices of nodes, what pools cost now, an account so far this month, and cards without prices."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bot.azure.models import Pool
from bot.azure.models.price import NO_PRICES, Prices
from bot.domain.money.ledger import Ledger, LedgerRow
from bot.domain.money.reconcile import reconcile
from bot.domain.money.spans import days_of
from bot.domain.money.spend import Spend
from bot.domain.money.statement import Statement
from cards import slack, teams, text
from cards.card import Attachment, Card, Table, plain
from handlers.shared.per_hour import each_hour, now
from handlers.usage.costs import a_node, a_pool, hourly, month_so_far
from storage.port.bill import BillRow
from storage.port.core_use import CoreUse
from tests.golden import check
from tests.handlers.conftest import Scene, sampled
from tests.handlers.test_cards import still

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PRICES = Prices(
    {
        ("standard_d4s_v3", False, "on demand"): 0.2,
        ("standard_d4s_v3", False, "spot"): 0.04,
        ("standard_d4s_v3", True, "on demand"): 0.4,
        ("standard_a1_v2", False, "on demand"): 0.05,
        ("standard_nc6s_v3", False, "on demand"): 3.0,
        ("standard_nc6s_v3", False, "low priority"): 0.6,
    },
    "USD",
    AT - timedelta(hours=1),
)


def words(card: Card) -> str:
    return str(text.render(card, width=10_000).payload["text"])


def pool(name: str, size: str = "STANDARD_D4s_v3", dedicated: int = 0, spot: int = 0, agent: str = "") -> Pool:
    body = {
        "id": name,
        "vmSize": size,
        "currentDedicatedNodes": dedicated,
        "currentLowPriorityNodes": spot,
        "virtualMachineConfiguration": {"nodeAgentSKUId": agent},
    }
    return msgspec.convert(body, Pool)


def ledger(money: float, *, hours: float = 100.0, unpriced: float = 0.0, **more: Any) -> Ledger:
    """What an account used since the month began."""
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    spend = Spend("USD", CoreUse(busy=hours), money=CoreUse(busy=money), unpriced=unpriced)
    row = LedgerRow("d", begin, spend, "Standard_D4s_v3")
    facts: dict[str, Any] = {
        "as_of": AT,
        "first": begin,
        "watched": begin,
        "seen": 1.0,
        "price_source": "list prices",
        "prices_as_of": AT,
    }
    return Ledger("a", "USD", begin, AT, rows=(row,) if hours else (), **(facts | more))


def month(found: Ledger, *billed: BillRow) -> Statement:
    """The month of it, with these rows of the bill."""
    return Statement(days_of("month", AT), AT, found, billed, None, reconcile(billed, found, AT), ())


def test_a_month_in_words() -> None:
    utc = ZoneInfo("UTC")
    assert month_so_far(month(ledger(80.0)), utc) == "about $80.00 own usage this month"
    assert month_so_far(month(ledger(8.0, unpriced=60.0, seen=0.5)), utc) == (
        "40 % of the core-hours have a known price, 50 % of the time was sampled: about $8.00 own usage this month"
    )
    assert month_so_far(month(ledger(0.0, hours=0.0)), utc) == "about $0 own usage this month"
    assert month_so_far(month(ledger(0.0, unpriced=100.0)), utc) == "no core-hours this month have a known price"
    assert month_so_far(month(ledger(0.0, watched=None)), utc) == "nothing seen this month yet"
    late = month(ledger(5.0, watched=datetime(2026, 11, 3, 2, tzinfo=UTC), seen=0.1))
    assert month_so_far(late, ZoneInfo("America/Chicago")) == (
        "about $5.00 own usage since the bot began to watch on 2 Nov"
    )


def test_history_without_a_price_does_not_drown_what_the_bot_saw() -> None:
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    past = LedgerRow("", begin, Spend("USD", CoreUse(unknown=2400), unpriced=2400), at_most=True)
    found = ledger(185.0, watched=AT - timedelta(days=1))
    fresh = msgspec.structs.replace(found, rows=(past, *found.rows))
    assert month_so_far(month(fresh), ZoneInfo("UTC")) == "about $185 own usage since the bot began to watch on 22 Nov"


def test_a_month_that_is_billed_is_told_as_its_bill() -> None:
    rows = [
        BillRow("a", day, "amortized", "d", "vm", "D4s v3", "Virtual Machines", "Dsv3 Series", "USD", amount)
        for day, amount in ((date(2026, 11, 2), 3000.0), (date(2026, 11, 21), 931.0))
    ]
    told = month_so_far(month(ledger(80.0), *rows), ZoneInfo("UTC"))
    assert told == "$3,931 this month, still filling since 21 Nov"
    assert month_so_far(month(ledger(80.0), rows[0]), ZoneInfo("UTC")) == "$3,000 this month"


async def test_what_burns_most_is_told_in_one_answer_and_lists_are_by_price(scene: Scene) -> None:
    listed = await scene.ask("pool list sort:price")
    check("command-pool-list-price", still(listed, scene))
    rows = next(block for block in listed.blocks if isinstance(block, Table)).rows
    shown = [plain(row.cells[5]) for row in rows]
    costs = [float(each.removeprefix("$").removesuffix("/h")) for each in shown if each.startswith("$")]
    assert costs == sorted(costs, reverse=True) != []
    dearest = plain(rows[0].cells[0])
    assert f"most in {dearest}, {shown[0]} (" in plain(listed.title)
    burning = next(each for each in words(await scene.ask("cost")).splitlines() if each.startswith("Burning"))
    assert f"/h now: {dearest} {shown[0]} · " in burning
    exported = await scene.ask("csv pool sort:price")
    file = next(block for block in exported.blocks if isinstance(block, Attachment))
    first = next(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert (first["pool"], first["currency"]) == (dearest, "USD")
    assert f"${float(first['price per hour']):.2f}/h" == shown[0]


def test_prices_in_words() -> None:
    assert hourly(PRICES, "STANDARD_D4S_V3") == "$0.20, spot $0.04"
    assert hourly(PRICES, "standard_nc6s_v3") == "$3.00, low priority $0.60"
    assert hourly(PRICES, "standard_a1_v2") == "$0.05"
    assert hourly(PRICES, "standard_none") == ""
    windows = pool("w", agent="batch.node.windows amd64")
    assert plain(a_node(PRICES, windows)).startswith("$0.40 an hour · list price with Windows, read ")
    assert a_node(NO_PRICES, windows) == ()
    assert a_pool(None) == ""


def test_pools_of_unknown_price_are_counted() -> None:
    pools = [pool("a", dedicated=2), pool("b", "Standard_None", dedicated=1)]

    def said(prices: Prices, some: list[Pool]) -> str:
        return now(prices, each_hour(prices, some, {}), len(some))

    assert said(PRICES, pools) == "$0.40/h now without 1 pool of unknown price"
    assert said(PRICES, pools[:1]) == "$0.40/h now"
    assert said(PRICES, pools[1:]) == ""
    assert said(NO_PRICES, pools) == ""
    assert said(PRICES, []) == ""


async def test_home_tells_the_month_from_the_samples(scene: Scene) -> None:
    await sampled(scene, 15)
    card = await scene.ask("home")
    check("command-home-cost", still(card, scene))
    line = next(each for each in words(card).splitlines() if each.startswith("Cost"))
    assert "/h now · " in line
    assert line.endswith("own usage since the bot began to watch on 23 Nov")


async def test_sizes_by_price(scene: Scene) -> None:
    card = await scene.ask("size list nc sort:price")
    found = next(block for block in card.blocks if isinstance(block, Table))
    conversation = [column.name for column in found.columns].index("An hour")
    cells = [plain(row.cells[conversation]) for row in found.rows]
    amounts = [float(cell.split(",")[0].removeprefix("$")) for cell in cells]
    assert amounts == sorted(amounts)
    assert len(amounts) > 5
    assert slack.render(card).omitted == ()
    check("command-size-list-price", still(card, scene))


async def test_a_pool_with_windows_and_one_with_spot(scene: Scene) -> None:
    windows = words(await scene.ask("pool show win-build account:sim-dev"))
    assert "list price with Windows" in windows
    mixed = words(await scene.ask("pool show render-cpu"))
    assert "/h now" in mixed.splitlines()[0]


@pytest.mark.parametrize("command", ["home", "pool list", "pool show render-gpu", "size list nc sort:price"])
async def test_without_prices_the_cards_are_there_all_the_same(scene: Scene, command: str) -> None:
    scene.sandbox.arm.faults.add(kind="error", status=400, path="/api/retail/prices")
    card = await scene.ask(command)
    assert not card.refused
    told = words(card)
    assert "$" not in told
    assert ("Prices are not known." in told) is command.startswith("size")
    for render in (slack.render, teams.render, text.render):
        assert render(card).summary
