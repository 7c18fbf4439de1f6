"""Cards of costs: the bill beside own usage, who spent it, the file for finance, and what is told of unknown things."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from collections.abc import Awaitable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from msgspec.structs import replace

from bot.accounting.bill_keeper import BillKeeper
from bot.domain.money.focus import COLUMNS
from bot.domain.money.ledger import JobSpend, jobs_merged
from bot.domain.money.spend import NOTHING, Spend
from cards.card import Actions, Attachment, Button, Card, Picture, Table, plain
from cards.charts.bars import BarChart
from cards.formatting import money
from handlers.cost.pool import jobs_table
from storage.port.bill import BillReading
from storage.port.core_use import CoreUse
from storage.sqlite.store import SqliteStore
from tests.accounting.history import billed, watched
from tests.golden import check
from tests.handlers.conftest import START, Scene
from tests.handlers.test_cards import still
from tests.handlers.test_costs import words


class Known(Protocol):
    """How a test lets the bot have watched and read."""

    def __call__(self, *, days: int = 24, bill: bool = True) -> Awaitable[None]: ...


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where databases lie that are filled once and copied from then on."""
    return tmp_path_factory.mktemp("filled")


@pytest.fixture
def known(scene: Scene, folder: Path, tmp_path: Path) -> Known:
    """Let the bot have watched for some days, and have read the bill: from a copy where that was done before."""

    async def fill(*, days: int = 24, bill: bool = True) -> None:
        scene.sandbox.arm.costs.throttle.on = False
        source = scene.accounts.get("render-prod")
        await source.node_counts()  # from then on the service's clock is known
        done = folder / f"{days}-{bill}.db"
        if not done.exists():
            made = SqliteStore.open(tmp_path / "filling.db")
            await watched(made, scene.world, [source], days)
            if bill:
                await billed(made, [source], days)
            await made.close()
            (tmp_path / "filling.db").rename(done)
        with closing(sqlite3.connect(done)) as whole, closing(sqlite3.connect(tmp_path / "t.db")) as here:
            whole.backup(here)
        if bill:
            await BillKeeper([source], scene.store).load()

    return fill


def told(card: Card, label: str) -> str:
    return next(line for line in words(card).splitlines() if line.startswith(label))


def table(card: Card) -> Table:
    return next(block for block in card.blocks if isinstance(block, Table))


def amount(cell: str) -> float:
    return 0.0 if cell == "–" else float(cell.replace("−", "-").replace("$", "").replace(",", ""))


async def test_the_bill_beside_own_usage(scene: Scene, known: Known) -> None:
    await known()
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


async def test_what_is_shown_adds_up(scene: Scene, known: Known) -> None:
    await known()
    for command in ("cost by:pool", "cost by:day window:30d", "cost by:size", "cost pool render-cpu"):
        shown = table(await scene.ask(command))
        names = [column.name for column in shown.columns]
        for name in ("Cost", "Own usage", "Idle", "Own", "Share of idle", "Together"):
            if name in names:
                place = names.index(name)
                *parts, whole = (amount(plain(row.cells[place])) for row in shown.rows)
                assert sum(parts) == pytest.approx(whole), (command, name)
    card = await scene.ask("cost")
    line = told(card, "Cost  ")
    whole, _, pieces = line.removeprefix("Cost  ").partition(": ")
    assert sum(amount(piece.split()[0]) for piece in pieces.split(" · ")) == amount(whole)


async def test_the_picture_is_the_bill_by_day(scene: Scene, known: Known) -> None:
    await known()
    statement_total = amount(plain((await scene.ask("cost")).title).split()[1])
    card = await scene.ask("cost")
    (picture,) = [block for block in card.blocks if isinstance(block, Picture)]
    chart = picture.chart
    assert isinstance(chart, BarChart)
    assert len(chart.bars) == 23
    assert [bar.partial for bar in chart.bars[-4:]] == [True] * 4
    names = [series.name for series in chart.series]
    waiting = names.index("not billed yet")
    drawn = sum(value or 0.0 for bar in chart.bars for n, value in enumerate(bar.values) if n != waiting)
    assert drawn == pytest.approx(statement_total, abs=0.6)
    assert [value is not None for value in chart.bars[-1].values] == [n == waiting for n in range(len(names))]
    assert all(bar.values[waiting] == 0 for bar in chart.bars if bar.values[0] is not None)  # what is billed waits not
    unbilled = sum(bar.values[waiting] or 0.0 for bar in chart.bars)
    assert f" + about {money(unbilled, 'USD')} not billed yet" in chart.headline
    assert f"about {money(unbilled, 'USD')} of own usage" in told(card, "Not billed yet")
    idle = sum(bar.values[names.index("idle")] or 0.0 for bar in chart.bars)
    assert f"In all {plain(card.title).split(' · ')[0].removeprefix('Cost ')}" in picture.alt
    assert f"the bill has {money(idle, 'USD')} of it" in told(card, "Idle")
    quarter = await scene.ask("cost window:90d")
    weekly = next(block for block in quarter.blocks if isinstance(block, Picture))
    assert isinstance(weekly.chart, BarChart)
    assert len(weekly.chart.bars) == 14
    assert weekly.chart.headline.startswith(
        f"{plain(quarter.title).split(' · ')[0]} since 31 Oct, still being read + about "
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
async def test_without_a_bill_it_is_told_why(
    scene: Scene, known: Known, reading: BillReading | None, expected: str
) -> None:
    await known(days=3, bill=False)
    if reading:
        await scene.store.put_bill_reading(reading)
    card = await scene.ask("cost")
    assert expected in told(card, "Bill")
    assert not re.search(r"\$0(?![.\d])", words(card))
    assert plain(card.title).split(" · ")[0].endswith("own usage")


async def test_a_bill_of_nothing_is_zero(scene: Scene, known: Known) -> None:
    await known(days=3)
    day = (START - timedelta(days=2)).date()
    rows = await scene.store.bill("render-prod", day, START.date())
    free = [replace(row, amount=0.0) for row in rows]
    await scene.store.put_bill("render-prod", day, START.date(), free, BillReading("render-prod", "ok", START, START))
    assert plain((await scene.ask("cost")).title).startswith("Cost $0 ")


async def test_two_currencies_are_two_lines(scene: Scene, known: Known) -> None:
    await known(days=3)
    first = (START - timedelta(days=2)).date()
    rows = await scene.store.bill("render-prod", first, START.date())
    mixed = [*rows, *(replace(row, currency="EUR", amount=row.amount / 2) for row in rows)]
    reading = BillReading("render-prod", "ok", START, START)
    await scene.store.put_bill("render-prod", first, START.date(), mixed, reading)
    card = await scene.ask("cost")
    dollars, euros = plain(card.title).split(" · ")[0].removeprefix("Cost ").split(" and ")
    lines = [line for line in words(card).splitlines() if line.startswith("Cost  ")]
    whole = [amount(line.removeprefix("Cost  ").split(":")[0].replace("€", "")) for line in lines]
    assert whole == pytest.approx([amount(each.replace("€", "")) for each in (dollars, euros)], abs=0.5)
    assert euros.startswith("€")
    for shown in (card, await scene.ask("cost by:pool")):
        below = table(shown).rows[-1]
        assert [plain(cell) for cell in below.cells][:2] == ["billed in EUR", euros]


async def test_a_bill_that_cannot_be_read_any_more_says_so(scene: Scene, known: Known) -> None:
    await known(days=3)
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


async def test_without_prices_core_hours_are_told(scene: Scene, known: Known) -> None:
    scene.sandbox.arm.faults.add(kind="error", status=400, path="/api/retail/prices")
    await known(days=2, bill=False)
    card = await scene.ask("cost")
    assert plain(card.title).startswith("Price unknown of ")
    assert told(card, "Own usage").endswith("price unknown")
    assert "core-hours" in told(card, "Idle")
    assert "$" not in words(card)


async def test_the_file_has_the_columns_of_focus_and_the_sums_of_the_card(scene: Scene, known: Known) -> None:
    await known()
    card = await scene.ask("cost export")
    (file,) = [block for block in card.blocks if isinstance(block, Attachment)]
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert tuple(rows[0]) == COLUMNS

    def column(name: str) -> float:
        return sum(float(row[name]) for row in rows if row[name])

    for label, name in (("Invoice", "BilledCost"), ("Cost", "EffectiveCost"), ("Own usage", "x_EstimatedCost")):
        assert amount(told(card, f"{label} ({name})").split("  ")[1]) == pytest.approx(column(name), abs=0.01)
    summary = await scene.ask("cost")
    assert amount(plain(summary.title).split()[1]) == pytest.approx(column("EffectiveCost"), abs=0.6)
    assert all(not row["BilledCost"] and not row["EffectiveCost"] for row in rows if row["x_Source"] == "estimate")
    assert {row["x_Source"] for row in rows} == {"bill", "estimate"}
    assert all(row["ChargePeriodStart"] < row["ChargePeriodEnd"] for row in rows)


async def test_what_is_not_known_is_no_zero_and_a_pool_without_anything_is_no_row(scene: Scene, known: Known) -> None:
    await known(days=5)
    day = (START - timedelta(days=2)).date()
    rows = await scene.store.bill("render-prod", day, day)
    unseen = replace(next(row for row in rows if row.basis == "amortized" and row.pool), pool="unseen", amount=161.38)
    reading = await scene.store.bill_reading("render-prod")
    assert reading
    await scene.store.put_bill("render-prod", day, day, [*rows, unseen], reading)
    shown = [[plain(cell) for cell in row.cells] for row in table(await scene.ask("cost by:pool")).rows]
    assert next(cells for cells in shown if cells[0] == "unseen") == ["unseen", "$161.38", "–", "–", "–", "–"]
    assert not any(cells[0] != "all" and all(cell in ("–", "0") for cell in cells[1:]) for cells in shown)
    days = [[plain(cell) for cell in row.cells] for row in table(await scene.ask("cost by:day window:14d")).rows]
    assert all(cells[4] == "–" for cells in days if cells[2] == "–")


def test_idle_time_that_is_nobodys_has_a_row_however_many_jobs_there_are() -> None:
    use = CoreUse(busy=1.0)
    idle = Spend("USD", CoreUse(unused=50.0), money=CoreUse(unused=71.38))
    mine = Spend("USD", use, money=use)
    jobs = [JobSpend("p", f"job-{n}", START, mine, NOTHING) for n in range(12)]
    jobs += [JobSpend("p", "", START, NOTHING, idle), JobSpend("p", "", START, mine, NOTHING)]
    shown = jobs_table(jobs, "USD")
    assert shown
    cells = {plain(row.cells[0]): [plain(cell) for cell in row.cells[1:]] for row in shown.rows}
    assert list(cells)[-4:] == ["4 others", "no known job", "idle, nobody's", "all"]
    assert cells["idle, nobody's"] == ["0", "$0.00", "$71.38", "$71.38"]
    assert cells["4 others"] == ["4", "$4.00", "$0.00", "$4.00"]
    assert [column.name for column in shown.columns][1] == "Own core-hours"
    day = jobs_merged(jobs, START, 86_400)
    assert sorted(each.own.core_hours.total for each in day if not each.job) == [0.0, 1.0]


@pytest.mark.parametrize("command", ["cost 7d", "cost last-month", "cost 14d by:size", "cost pool render-cpu 30d"])
async def test_the_window_may_be_a_word(scene: Scene, known: Known, command: str) -> None:
    await known(days=3)
    assert not (await scene.ask(command)).refused


async def test_a_longer_command_that_was_meant_is_read_before_windows(scene: Scene) -> None:
    assert "Understood as cost receipts" in words(await scene.ask("cost reciepts"))
    assert "Reports do not run here" in words(await scene.ask("cost budget")), "what cost budgets answers here"
    offering = await scene.ask("cost shedule nightly")
    buttons = [each for block in offering.blocks if isinstance(block, Actions) for each in block.items]
    assert isinstance(buttons[0], Button) and buttons[0].command == "cost schedule nightly"


async def test_while_the_bill_is_read_back_it_is_not_told_as_the_whole_month(scene: Scene, known: Known) -> None:
    await known(days=3)
    for account_card in ("cost", "cost by:day", "cost pool render-gpu", "home"):
        card = await scene.ask(account_card)
        assert "since 21 Nov, still being read" in words(card), account_card
    picture = next(block for block in (await scene.ask("cost")).blocks if isinstance(block, Picture))
    assert "since 21 Nov, still being read" in picture.alt
    reading = await scene.store.bill_reading("render-prod")
    assert reading
    await scene.store.put_bill_reading(replace(reading, first=START.date() - timedelta(days=92)))
    assert plain((await scene.ask("cost")).title).endswith("this month")


@pytest.mark.parametrize("window", ["0d", "9999d"])
async def test_what_is_no_window_is_told_what_is(scene: Scene, window: str) -> None:
    card = await scene.ask(f"cost {window}")
    assert card.refused
    assert "is not a window" in words(card)


@pytest.mark.parametrize("window", ["24h", "yesterday"])
async def test_a_window_in_other_words_is_understood(scene: Scene, window: str) -> None:
    assert "Understood as cost 1d" in words(await scene.ask(f"cost {window}"))


async def test_who_spent_it_by_tag(scene: Scene, known: Known) -> None:
    await known(days=5, bill=False)
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
    assert names[-2:] == ["no owner", "all"]
    keys = await scene.ask("cost by:tag window:7d")
    assert [plain(row.cells[0]) for row in table(keys).rows] == ["Owner", "all pools"]
    buttons = [each for block in keys.blocks if isinstance(block, Actions) for each in block.items]
    assert any(isinstance(each, Button) and each.command.startswith("cost tag Owner") for each in buttons)
    one = await scene.ask("cost tag owner=ANN 7d")
    assert [plain(row.cells[0]) for row in table(one).rows] == ["ann", "all"]
    assert amount(plain(table(one).rows[0].cells[1])) == amount(plain(table(card).rows[names.index("ann")].cells[1]))
    other = await scene.ask("cost tag owner=an window:7d")
    assert other.refused
    assert "with other values" in words(other)
    missing = await scene.ask("cost tag ownr window:7d")
    assert missing.refused
    assert (await scene.ask("cost tag '' window:7d")).refused
    secret = replace(tagged[0], since=tagged[0].since + timedelta(seconds=1), tags={"db_password": "hunter2"})
    await scene.store.add_pool_eras("render-prod", [secret])  # as versions before kept it
    assert "hunter2" not in words(await scene.ask("cost tag db_password window:7d"))


async def test_every_button_is_a_command_that_is_answered(scene: Scene, known: Known) -> None:
    await known(days=3)
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
