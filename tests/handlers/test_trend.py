"""Trends: of an account and a pool beside the period before, and of a schedule's runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from bot.receipts.keeper import KEPT_SINCE
from cards.card import Actions, Button, Card, Menu, Picture, Table, plain
from cards.charts.bars import BarChart
from cards.charts.trend import TrendChart
from handlers.trend.gather import TIMED
from storage.port.changes import ChangeSet
from storage.port.core_use import CoreUse
from storage.port.monitoring import Cursor, Transition
from storage.port.runs import JobRun
from storage.port.samples import Sample
from storage.port.spread import spread_of
from storage.port.timings import NodeBoot
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.test_costs import words

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ACCOUNT = "render-prod"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SUBJECTS = ("tasks", "jobs", "queue", "runtime", "boot", "preempted")


def job(name: str, ended: datetime, *, failed: int = 0, slow: float = 1.0, pool: str = "render-gpu") -> JobRun:
    waits, runs = spread_of([5.0, 30.0, 600.0 * slow]), spread_of([60.0, 120.0 * slow, 900.0])
    schedule = name.rpartition(":")[0]
    return JobRun(
        account=ACCOUNT, job=name, started=ended - timedelta(minutes=20) * slow, ended=ended, schedule=schedule,
        pool=pool, tasks=100, failed=failed, waits=waits, runtimes=runs, read=3,
    )  # fmt: skip


async def fill(scene: Scene) -> None:
    """Four weeks that were watched: twice as many jobs in the last as in the one before, and more that failed."""
    await scene.ask("pool list")  # the service's clock
    jobs = [job(f"nightly:job-{100 - n}", AT - n * 12 * HOUR, failed=n % 3) for n in range(14)]
    jobs += [job(f"nightly:job-{80 - n}", AT - 7 * DAY - n * DAY, slow=0.5) for n in range(7)]
    jobs.append(job("other", AT - HOUR, pool="render-cpu"))
    boots = [
        NodeBoot(ACCOUNT, "render-gpu", f"tvm-{n}", "Standard_NC4as_T4_v3", True, AT - n * 6 * HOUR, 200.0 + n)
        for n in range(50)
    ]
    lost = [
        Transition(ACCOUNT, "node", "render-gpu", f"tvm-{n}", "running", "preempted", AT - n * DAY) for n in range(9)
    ]
    cursors = [Cursor(ACCOUNT, KEPT_SINCE, AT - 28 * DAY)]
    await scene.store.record(ChangeSet(transitions=lost, cursors=cursors, runs=jobs, boots=boots))
    samples = [
        Sample(ACCOUNT, "render-gpu", AT - n * HOUR / 12, 300, spot=CoreUse(busy=100), nodes=9, spot_nodes=9)
        for n in range(12 * 24)
    ]
    await scene.store.add_samples(samples)


def items(card: Card) -> list[Button | Menu]:
    found = [item for block in card.blocks if isinstance(block, Actions) for item in block.items]
    return [item for item in found if isinstance(item, Button | Menu)]


def rows(card: Card) -> dict[str, list[str]]:
    found = next(block for block in card.blocks if isinstance(block, Table))
    return {plain(row.cells[0]): [plain(cell) for cell in row.cells[1:]] for row in found.rows}


def golden(name: str, card: Card) -> None:
    check(f"trend-{name}", msgspec.json.decode(msgspec.json.encode(replace(card, as_of=AT)), type=Card))


@pytest.mark.parametrize("of", SUBJECTS)
async def test_each_figure_has_its_picture_beside_the_period_before(scene: Scene, of: str) -> None:
    await fill(scene)
    card = await scene.ask(f"trend 7d of:{of}")
    picture = next(block for block in card.blocks if isinstance(block, Picture))
    assert isinstance(picture.chart, TrendChart)
    assert any(any(series.before) for series in picture.chart.series)
    assert "before" in picture.alt
    golden(of, card)


async def test_the_table_has_this_period_the_one_before_and_the_change(scene: Scene) -> None:
    await fill(scene)
    card = await scene.ask("trend")
    found = rows(card)
    assert found["Jobs ended"][:2] == ["15", "7"]
    assert found["Tasks ended"] == ["1,500", "700", "+114 %"]
    assert found["failed"] == ["13 (0.9 %)", "0", "new"]
    assert found["Boot p50, Standard_NC4as_T4_v3"][2] == "−11 %"
    assert found["Preempted nodes"][:2] == ["7", "2"]
    assert "114 %" in plain(card.title) and "0.9 % failed" in plain(card.title)
    assert card.mark.symbol == "▲"
    of_pool = rows(await scene.ask("trend pool:RENDER-CPU"))
    assert of_pool["Jobs ended"][0] == "1" and "Preempted nodes" not in of_pool


async def test_with_a_period_before_that_was_watched_in_part_nothing_is_compared(scene: Scene) -> None:
    await fill(scene)
    await scene.store.record(ChangeSet(cursors=[Cursor(ACCOUNT, KEPT_SINCE, AT - 7 * DAY - 2 * HOUR)]))
    for of in SUBJECTS:
        card = await scene.ask(f"trend of:{of}")
        assert "before" not in plain(card.title)
        assert {cells[2] for cells in rows(card).values()} == {"–"}
    assert rows(card)["Jobs ended"][:2] == ["15", "7"], "what is known of it is shown"
    for of, mark in (("tasks", "line"), ("queue", "pale")):
        card = await scene.ask(f"trend of:{of}")
        (picture,) = [block for block in card.blocks if isinstance(block, Picture)]
        assert isinstance(picture.chart, TrendChart)
        assert picture.chart.subtitle.endswith(f" · {mark}: the time before, as far as it is known")


async def test_links_and_menus_redraw_the_message_and_work(scene: Scene) -> None:
    await fill(scene)
    card = await scene.ask("trend")
    buttons = [each for each in items(card) if isinstance(each, Button)]
    assert [each.text for each in buttons[:4]] == ["24 h", "7 d", "30 d", "90 d"]
    assert all(each.how == "edit" for each in buttons[:4])
    for each in buttons:
        assert not (await scene.ask(each.command)).refused, each.command
    for menu in (each for each in items(card) if isinstance(each, Menu)):
        for option in menu.options:
            assert not (await scene.ask(menu.command.replace("{}", option.value))).refused


async def test_a_newest_run_is_held_against_the_ten_before_it(scene: Scene) -> None:
    await fill(scene)
    late = job("nightly:job-101", AT + HOUR, failed=16, slow=3)
    await scene.store.record(ChangeSet(runs=[late]))
    scene.advance(hours=2)
    await scene.ask("pool list")  # the clock has moved
    card = await scene.ask("trend schedule:nightly")
    assert "job-101 took 1 h" in plain(card.title) and "40 min longer than usual" in plain(card.title)
    assert "16 of 100 tasks failed" in plain(card.title)
    picture = next(block for block in card.blocks if isinstance(block, Picture))
    assert isinstance(picture.chart, BarChart)
    assert len(picture.chart.bars) == 11 and picture.chart.level == 1200
    golden("schedule", card)
    gone = await scene.ask("trend schedule:nightli")
    assert gone.refused


async def test_what_was_never_kept_is_read_from_the_service_and_said(scene: Scene) -> None:
    await scene.ask("pool list")  # the service's clock
    card = await scene.ask("trend")
    found = rows(card)
    assert int(found["Tasks ended"][0].replace(",", "")) > 100
    assert "from before the bot watched are read from Batch" in str(card.blocks)
    kept = await scene.store.job_runs(ACCOUNT)
    assert len(kept) == TIMED and all(run.read and run.core_seconds for run in kept)
    await scene.ask("trend")
    assert {run.job for run in await scene.store.job_runs(ACCOUNT)} > {run.job for run in kept}
    of_schedule = await scene.ask("trend schedule:thumbnails")
    assert "took" in plain(of_schedule.title)


async def test_an_account_in_which_nothing_ended_says_so(scene: Scene) -> None:
    await scene.store.record(ChangeSet(cursors=[Cursor("sim-dev", KEPT_SINCE, AT - 400 * DAY)]))
    card = await scene.ask("trend 24h account:sim-dev")
    assert "No job has ended" in str(card.blocks)
    refused = await scene.ask("trend 24h account:sim-dev pool:nowhere")
    assert "No pool “nowhere”" in plain(refused.title)


async def test_a_fresh_installation_says_what_is_missing_and_from_when_it_will_be_there(scene: Scene) -> None:
    await scene.ask("pool list")  # the service's clock
    jobs = [job(f"nightly:job-{n}", AT - n * HOUR) for n in range(1, 6)]
    kept = Cursor(ACCOUNT, KEPT_SINCE, AT - 6 * HOUR)
    await scene.store.record(ChangeSet(runs=jobs, cursors=[kept]))
    card = await scene.ask("trend")
    assert plain(card.title).endswith("last 24 hours"), "of seven days six would be empty"
    assert "from before the bot watched" not in words(card) or "last 24 hours" in plain(card.title)
    assert any(isinstance(block, Picture) for block in card.blocks)
    assert "kept since 23 Nov 00:00" in words(card), "in the zone of who asks"
    assert "whole from 24 Nov on, the one before it from 25 Nov on" in words(card)
    month = await scene.ask("trend 30d")
    assert not any(isinstance(block, Picture) for block in month.blocks), "one bar of thirty is no trend"
    assert "No picture yet: of tasks only" in words(month)
    assert "whole from 23 Dec on, the one before it from 22 Jan on" in words(month)
