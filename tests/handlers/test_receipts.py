"""What jobs and schedules cost, on cards, and receipts that are asked for here."""

from __future__ import annotations

import pytest

from bot.chat.request import Conversation
from bot.receipts.asked import asked_here
from bot.receipts.reader import ReceiptReader
from cards import text
from cards.card import Actions, Button, Card, Menu, Picture, plain
from cards.charts.bars import BarChart
from tests.golden import check
from tests.handlers.conftest import Scene, sampled
from tests.handlers.test_cards import still

ACCOUNT = "account:render-prod"


def words(card: Card) -> str:
    return str(text.render(card, width=10_000).payload["text"])


def buttons(card: Card) -> list[str]:
    items = [item for block in card.blocks if isinstance(block, Actions) for item in block.items]
    return [item.command for item in items if isinstance(item, Button)]


async def test_a_job_that_is_over_has_a_receipt(scene: Scene) -> None:
    card = await scene.ask(f"cost job thumbnails:job-3 {ACCOUNT}")
    assert not card.refused
    assert "done in" in plain(card.title)
    assert "of its own" in plain(card.title)  # nothing was sampled
    assert "its share of idle is not known" in words(card).lower()
    check("cost-job-over", still(card, scene))
    for each in buttons(card):
        answer = await scene.ask(each)
        if each.startswith("cost pool"):  # no more than its job was sampled
            assert plain(answer.title).startswith("Nothing was used or billed of a pool"), each
        else:
            assert not answer.refused, each


async def test_a_job_that_goes_on_has_a_receipt_so_far(scene: Scene) -> None:
    await sampled(scene, 4)
    jobs = await scene.ask(f"job list state:active {ACCOUNT}")
    menu = next(
        item for block in jobs.blocks if isinstance(block, Actions) for item in block.items if isinstance(item, Menu)
    )
    card = await scene.ask(f"cost job {menu.options[0].value} {ACCOUNT}")
    assert "so far" in plain(card.title)
    pools = [each for each in buttons(card) if each.startswith("cost pool")]
    assert pools
    for each in pools:
        assert not (await scene.ask(each)).refused, each


async def test_a_job_that_is_not_there_is_answered_with_the_nearest(scene: Scene) -> None:
    card = await scene.ask(f"cost job thumbnail:job-1 {ACCOUNT}")
    assert card.refused
    assert any("cost job" in each and "thumbnails" in each for each in buttons(card))


async def test_more_tasks_than_are_read_are_said(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    read = ReceiptReader.read

    async def few(self: ReceiptReader, *asked: object, **more: object) -> object:
        return await read(self, *asked, **{**more, "most": 1})  # type: ignore[arg-type]

    monkeypatch.setattr(ReceiptReader, "read", few)
    monkeypatch.setattr("bot.receipts.reader.PAGE", 10)
    card = await scene.ask(f"cost job thumbnails:job-3 {ACCOUNT}")
    assert "10 of 19 tasks were read" in words(card)
    assert "at least" in plain(card.title)


async def test_the_runs_of_a_schedule_are_read_once_and_drawn(scene: Scene) -> None:
    card = await scene.ask(f"cost schedule thumbnails {ACCOUNT}")
    check("cost-schedule", still(card, scene))
    assert plain(card.title).startswith("The last run cost $"), "the finding goes first"
    picture = next(block for block in card.blocks if isinstance(block, Picture))
    assert isinstance(picture.chart, BarChart)
    runs = await scene.store.job_runs("render-prod", schedule="thumbnails")
    assert len(picture.chart.bars) == len(runs) > 3
    total = sum(run.cost or 0 for run in runs)
    assert sum(value for bar in picture.chart.bars for value in bar.values if value is not None) == pytest.approx(total)
    again = await scene.ask(f"cost schedule thumbnails {ACCOUNT}")
    assert words(still(again, scene)) == words(still(card, scene))


async def test_a_schedule_without_a_run_that_is_over_says_so(scene: Scene) -> None:
    card = await scene.ask(f"cost schedule legacy-export {ACCOUNT}")
    assert plain(card.title).startswith("No run is over · schedule legacy-export")
    assert not card.refused
    assert (await scene.ask(f"cost schedule thumbnail {ACCOUNT}")).refused


async def test_receipts_are_asked_for_and_taken_back(scene: Scene) -> None:
    assert "needs the role operator" in words(await scene.ask("cost receipts on"))
    assert plain((await scene.ask("cost receipts")).title).startswith("Receipts · none are posted"), "to show is a read"
    scene.permit(operators=["text:viewer"])
    here = Conversation("text", "here")
    none = await scene.ask("cost receipts")
    check("cost-receipts-none", still(none, scene))
    assert await asked_here(scene.store, here) is None
    on = await scene.ask("cost receipts on")
    assert "of every job" in plain(on.title)
    asked = await asked_here(scene.store, here)
    assert asked
    assert (asked.over, asked.jobs, asked.accounts) == (None, "*", "*")
    dear = await scene.ask(f"cost receipts over:50 job:thumbnails:* {ACCOUNT}")
    check("cost-receipts-over", still(dear, scene))
    asked = await asked_here(scene.store, here)
    assert asked
    assert (asked.over, asked.jobs, asked.accounts) == (50, "thumbnails:*", "render-prod")
    assert "posted" in plain((await scene.ask("cost receipts")).title)
    assert "no more are posted" in plain((await scene.ask("cost receipts off")).title)
    assert "none were asked for" in plain((await scene.ask("cost receipts off")).title)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("cost receipts off over:5", "takes nothing else"),
        ("cost receipts over:-3", "over:"),
        ("cost receipts over:much", "over"),
        ("cost receipts maybe", "maybe"),
        ("cost receipts on account:nowhere", "nowhere"),
        ('cost receipts job:"a b"', "fits no name"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_advice(scene: Scene, typed: str, said: str) -> None:
    scene.permit(operators=["text:viewer"])
    card = await scene.ask(typed)
    assert card.refused
    assert said in words(card)
