"""Money on cards: prices of nodes, what pools cost now, an account so far this month, and cards without prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bot.azure.models import Pool, VmSize
from bot.azure.models.price import NO_PRICES, Prices
from cards import slack, teams, text
from cards.card import Card, Table, plain
from handlers.usage.costs import Month, a_node, a_pool, hourly, month_so_far, now
from storage.port.core_use import CoreUse
from storage.port.samples import Sample
from storage.sqlite.store import SqliteStore
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
SIZES = {"standard_nc6s_v3": VmSize("Standard_NC6s_v3", "f", 6, 112.0, 1, True, None)}


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


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore.open(tmp_path / "t.db")


async def burnt(store: SqliteStore, name: str, cores: float, first: datetime, hours: int) -> None:
    """Samples of a pool that had so many cores, five minutes each."""
    steps = hours * 12
    moments = [first + timedelta(minutes=5 * (step + 1)) for step in range(steps)]
    await store.add_samples([Sample("a", name, at, 300.0, CoreUse(unused=cores), nodes=1) for at in moments])


async def test_a_month_is_core_hours_times_the_price_of_a_core(store: SqliteStore) -> None:
    first = AT - timedelta(hours=10)
    await burnt(store, "d", 40, first, 10)
    await burnt(store, "gpu", 12, first, 10)
    pools = [pool("d", dedicated=10), pool("gpu", "Standard_NC6s_v3", dedicated=2)]
    month = await month_so_far(store, "a", pools, SIZES, PRICES, AT)
    assert month
    # 40 cores of four for 0.2, and 12 of six for 3.0, ten hours each
    assert month.amount == pytest.approx(10 * (10 * 0.2 + 2 * 3.0))
    assert month.seen == pytest.approx(1, abs=0.01)
    assert (month.priced, month.mixed) == (1.0, False)
    assert month.since == first + timedelta(minutes=5)
    assert month.sentence(PRICES, ZoneInfo("UTC")) == (
        "about $80.00 this month at list prices of 23 Nov (own samples since 23 Nov)"
    )


async def test_what_was_before_the_month_does_not_count(store: SqliteStore) -> None:
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    await burnt(store, "d", 4, begin - timedelta(hours=20), 21)
    month = await month_so_far(store, "a", [pool("d", dedicated=1)], {}, PRICES, begin + timedelta(hours=1))
    assert month
    assert month.amount == pytest.approx(0.2)
    assert month.since == begin
    none = await month_so_far(store, "a", [], {}, PRICES, datetime(2026, 12, 2, tzinfo=UTC))
    assert none is None
    assert await month_so_far(store, "b", [], {}, PRICES, begin) is None


async def test_gone_and_unpriced_pools_are_told_and_spot_is_shared_out(store: SqliteStore) -> None:
    first = AT - timedelta(hours=20)
    await burnt(store, "mixed", 40, first, 10)  # and nothing in the ten hours after
    await burnt(store, "gone", 40, first, 10)
    await burnt(store, "odd", 20, first, 10)
    pools = [pool("mixed", dedicated=1, spot=3), pool("odd", "Standard_Unknown", dedicated=5)]
    month = await month_so_far(store, "a", pools, {}, PRICES, AT)
    assert month
    assert month.amount == pytest.approx(10 * 40 / 4 * (0.2 + 3 * 0.04) / 4)
    assert month.priced == pytest.approx(0.4)
    assert month.mixed
    assert month.sentence(PRICES, ZoneInfo("UTC")) == (
        "about $8.00 this month at list prices of 23 Nov (own samples since 22 Nov, 50 % of the time; "
        "without 60 % of the core-hours, of pools that are gone or unpriced; spot at its share of now)"
    )


@pytest.mark.parametrize(
    ("wanted", "expected"), [({"targetLowPriorityNodes": 5}, 0.04), ({"targetDedicatedNodes": 5}, 0.2), ({}, 0.2)]
)
async def test_an_empty_pool_is_priced_by_what_it_wants(
    store: SqliteStore, wanted: dict[str, int], expected: float
) -> None:
    await burnt(store, "d", 4, AT - timedelta(hours=1), 1)
    empty = msgspec.convert({"id": "d", "vmSize": "Standard_D4s_v3", **wanted}, Pool)
    month = await month_so_far(store, "a", [empty], {}, PRICES, AT)
    assert month
    assert month.amount == pytest.approx(expected)


def test_a_month_without_cores_or_without_prices() -> None:
    idle = Month(0.0, AT, 1.0, None, mixed=False)
    assert idle.sentence(PRICES, ZoneInfo("UTC")).startswith("about $0 this month")
    blind = Month(0.0, AT, 1.0, 0.0, mixed=False)
    assert blind.sentence(PRICES, ZoneInfo("UTC")) == "this month's cores have no known price"
    late = Month(5.0, datetime(2026, 11, 3, 2, tzinfo=UTC), 1.0, 1.0, mixed=False)
    assert "since 2 Nov" in late.sentence(PRICES, ZoneInfo("America/Chicago"))


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
    assert now(PRICES, pools, {}) == "$0.40/h now without 1 pool of unknown price"
    assert now(PRICES, pools[:1], {}) == "$0.40/h now"
    assert now(PRICES, pools[1:], {}) == ""
    assert now(NO_PRICES, pools, {}) == ""
    assert now(PRICES, [], {}) == ""


async def test_home_tells_the_month_from_the_samples(scene: Scene) -> None:
    await sampled(scene, 15)
    card = await scene.ask("home")
    check("command-home-cost", still(card, scene))
    line = next(each for each in words(card).splitlines() if each.startswith("Cost"))
    assert "/h now · about $" in line
    assert line.endswith("this month at list prices of 23 Nov (own samples since 23 Nov)")


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
