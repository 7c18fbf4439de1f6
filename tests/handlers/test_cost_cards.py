"""Cards of costs: the bill beside own usage, who spent it, the file for finance, and what is told of unknown things."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.money.focus import COLUMNS
from cards.card import Actions, Attachment, Button, Card, Picture, Table, plain
from cards.charts.bars import BarChart
from storage.port.bill import BillReading
from tests.accounting.history import billed, watched
from tests.golden import check
from tests.handlers.conftest import START, Scene
from tests.handlers.test_cards import still
from tests.handlers.test_costs import words


async def known(scene: Scene, *, days: int = 24, bill: bool = True, own: bool = True) -> None:
    """The bot has watched for some days, and has read the bill."""
    scene.sandbox.arm.costs.throttle.on = False
    source = scene.accounts.get("render-prod")
    await source.node_counts()  # from then on the service's clock is known
    if own:
        await watched(scene.store, scene.world, [source], days)
    if bill:
        await billed(scene.store, [source], days)


def told(card: Card, label: str) -> str:
    return next(line for line in words(card).splitlines() if line.startswith(label))


def table(card: Card) -> Table:
    return next(block for block in card.blocks if isinstance(block, Table))


def amount(cell: str) -> float:
    return 0.0 if cell == "–" else float(cell.replace("−", "-").replace("$", "").replace(",", ""))


async def test_the_bill_beside_own_usage(scene: Scene) -> None:
    await known(scene)
    for name, command in {
        "cost": "cost",
        "cost-by-day": "cost by:day window:7d",
        "cost-by-pool": "cost by:pool",
        "cost-by-size": "cost by:size window:last-month",
        "cost-pool": "cost pool RENDER-GPU",
        "cost-pool-unknown": "cost pool render-gp",
        "cost-export": "cost export",
    }.items():
        card = await scene.ask(command)
        assert card.refused is name.endswith("unknown")
        if name == "cost-export":
            card = without_file(card)
        check(f"command-{name}", still(replace(card, as_of=scene.world.time), scene))


def without_file(card: Card) -> Card:
    """The card of an export without the file, whose content other tests hold."""
    return replace(card, blocks=tuple(block for block in card.blocks if not isinstance(block, Attachment)))


async def test_what_is_shown_adds_up(scene: Scene) -> None:
    await known(scene)
    for command in ("cost by:pool", "cost by:day window:30d", "cost by:size", "cost pool render-cpu"):
        shown = table(await scene.ask(command))
        names = [column.name for column in shown.columns]
        for name in ("Billed", "Own usage", "Idle", "Own", "Share of idle", "Together"):
            if name in names:
                place = names.index(name)
                *parts, whole = (amount(plain(row.cells[place])) for row in shown.rows)
                assert sum(parts) == pytest.approx(whole), (command, name)
    card = await scene.ask("cost")
    line = told(card, "Billed")
    whole, _, pieces = line.removeprefix("Billed").strip().partition(": ")
    assert sum(amount(piece.split()[0]) for piece in pieces.split(" · ")) == amount(whole)


async def test_the_picture_is_the_bill_by_day(scene: Scene) -> None:
    await known(scene)
    statement_total = amount(plain((await scene.ask("cost")).title).split()[0])
    card = await scene.ask("cost")
    (picture,) = [block for block in card.blocks if isinstance(block, Picture)]
    chart = picture.chart
    assert isinstance(chart, BarChart)
    assert len(chart.bars) == 23
    assert [bar.partial for bar in chart.bars[-4:]] == [True] * 4
    drawn = sum(value or 0.0 for bar in chart.bars[:-1] for value in bar.values)
    assert drawn == pytest.approx(statement_total, abs=0.6)
    assert chart.bars[-1].values[2] is None  # nothing of today is on the bill: own usage stands there
    quarter = await scene.ask("cost window:90d")
    weekly = next(block for block in quarter.blocks if isinstance(block, Picture))
    assert isinstance(weekly.chart, BarChart)
    assert len(weekly.chart.bars) == 14
    assert (
        weekly.chart.headline
        == f"{plain((await scene.ask('cost window:90d')).title).split(' · ')[0]} in the last 90 days"
    )


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (None, "not read yet"),
        (
            BillReading("render-prod", "no permission", START, message="Give the role Cost Management Reader."),
            "Reader.",
        ),
        (BillReading("render-prod", "no data", START, START, "Costs appear late."), "Costs appear late."),
        (BillReading("render-prod", "ok", START, START), "nothing billed yet this month: costs appear 8 to 24 hours"),
    ],
)
async def test_without_a_bill_it_is_told_why(scene: Scene, reading: BillReading | None, expected: str) -> None:
    await known(scene, days=3, bill=False)
    if reading:
        await scene.store.put_bill_reading(reading)
    card = await scene.ask("cost")
    assert expected in told(card, "Billed")
    assert "$0" not in words(card)
    assert plain(card.title).split(" · ")[0].endswith("own usage")


async def test_a_bill_of_nothing_is_zero(scene: Scene) -> None:
    await known(scene, days=3)
    day = (START - timedelta(days=2)).date()
    rows = await scene.store.bill("render-prod", day, START.date())
    free = [replace(row, amount=0.0) for row in rows]
    await scene.store.put_bill("render-prod", day, START.date(), free, BillReading("render-prod", "ok", START, START))
    assert plain((await scene.ask("cost")).title).startswith("$0 billed")


async def test_two_currencies_are_two_lines(scene: Scene) -> None:
    await known(scene, days=3)
    first = (START - timedelta(days=2)).date()
    rows = await scene.store.bill("render-prod", first, START.date())
    mixed = [*rows, *(replace(row, currency="EUR", amount=row.amount / 2) for row in rows)]
    reading = BillReading("render-prod", "ok", START, START)
    await scene.store.put_bill("render-prod", first, START.date(), mixed, reading)
    card = await scene.ask("cost")
    dollars, euros = plain(card.title).split(" · ")[0].removesuffix(" billed").split(" and ")
    lines = [line for line in words(card).splitlines() if line.startswith("Billed  ")]
    assert [line.removeprefix("Billed  ").split(":")[0] for line in lines] == [dollars, euros]
    assert euros.startswith("€")
    below = table(await scene.ask("cost by:pool")).rows[-1]
    assert [plain(cell) for cell in below.cells][:2] == ["billed in EUR", euros]


async def test_a_bill_that_cannot_be_read_any_more_says_so(scene: Scene) -> None:
    await known(scene, days=3)
    reading = await scene.store.bill_reading("render-prod")
    assert reading
    await scene.store.put_bill_reading(replace(reading, state="no permission", message="The role is missing."))
    assert "The bill may be old. The role is missing." in words(await scene.ask("cost"))


async def test_nothing_at_all(scene: Scene) -> None:
    card = await scene.ask("cost")
    assert plain(card.title).startswith("Nothing used")
    assert "There are no samples of own usage in this window." in words(card)
    assert not any(isinstance(block, Picture) for block in card.blocks)
    assert not (await scene.ask("cost export")).refused
    assert (await scene.ask("cost tag owner")).refused


async def test_without_prices_core_hours_are_told(scene: Scene) -> None:
    scene.sandbox.arm.faults.add(kind="error", status=400, path="/api/retail/prices")
    await known(scene, days=2, bill=False)
    card = await scene.ask("cost")
    assert plain(card.title).startswith("Price unknown of ")
    assert told(card, "Own usage").endswith("price unknown")
    assert "core-hours" in told(card, "Idle")
    assert "$" not in words(card)


async def test_the_file_has_the_columns_of_focus_and_the_sums_of_the_card(scene: Scene) -> None:
    await known(scene)
    card = await scene.ask("cost export")
    (file,) = [block for block in card.blocks if isinstance(block, Attachment)]
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert tuple(rows[0]) == COLUMNS

    def column(name: str) -> float:
        return sum(float(row[name]) for row in rows if row[name])

    for label, name in (("Billed", "BilledCost"), ("Amortized", "EffectiveCost"), ("Own usage", "x_EstimatedCost")):
        assert amount(told(card, label).removeprefix(label).strip()) == pytest.approx(column(name), abs=0.01)
    summary = await scene.ask("cost")
    assert amount(plain(summary.title).split()[0]) == pytest.approx(column("EffectiveCost"), abs=0.6)
    assert all(not row["BilledCost"] and not row["EffectiveCost"] for row in rows if row["x_Source"] == "estimate")
    assert {row["x_Source"] for row in rows} == {"bill", "estimate"}
    assert all(row["ChargePeriodStart"] < row["ChargePeriodEnd"] for row in rows)


async def test_who_spent_it_by_tag(scene: Scene) -> None:
    await known(scene, days=5, bill=False)
    eras = await scene.store.pool_eras("render-prod")
    owners = {"render-cpu": "ann", "render-gpu": "bob"}
    tagged = [
        replace(each, since=each.since + timedelta(seconds=1), tags={"Owner": owners[each.pool]})
        for each in eras
        if each.pool in owners
    ]
    await scene.store.add_pool_eras("render-prod", tagged)
    card = await scene.ask("cost tag owner window:7d")
    names = [plain(row.cells[0]) for row in table(card).rows]
    assert set(names[:2]) == {"ann", "bob"}
    assert names[-2:] == ["without it", "all"]
    keys = await scene.ask("cost by:tag window:7d")
    assert [plain(row.cells[0]) for row in table(keys).rows] == ["Owner"]
    buttons = [each for block in keys.blocks if isinstance(block, Actions) for each in block.items]
    assert any(isinstance(each, Button) and each.command.startswith("cost tag Owner") for each in buttons)
    missing = await scene.ask("cost tag ownr window:7d")
    assert missing.refused
    assert (await scene.ask("cost tag '' window:7d")).refused
    secret = replace(tagged[0], since=tagged[0].since + timedelta(seconds=1), tags={"db_password": "hunter2"})
    await scene.store.add_pool_eras("render-prod", [secret])  # as versions before kept it
    assert "hunter2" not in words(await scene.ask("cost tag db_password window:7d"))


async def test_every_button_is_a_command_that_is_answered(scene: Scene) -> None:
    await known(scene, days=3)
    seen: set[str] = set()
    waiting: list[str] = ["cost"]
    while waiting and len(seen) < 25:
        command = waiting.pop()
        if command in seen or not command.startswith("cost"):
            continue
        seen.add(command)
        card: Any = await scene.ask(command)
        assert not card.refused, command
        waiting += [
            each.command
            for block in card.blocks
            if isinstance(block, Actions)
            for each in block.items
            if isinstance(each, Button)
        ]
    assert len(seen) > 10
