"""The card of a receipt, as it is posted and as it is asked for, and its words where something is lacking."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.money.job_tasks import TaskSums
from bot.domain.money.receipt import Receipt
from bot.domain.money.shares import digits_of
from bot.domain.money.spend import Spend
from bot.receipts.receipt_card import cost_words, currency_of, receipt_card, shown_lines
from cards import text
from cards.card import Card, Mark, plain
from cards.command_line import command as line
from storage.port.core_use import CoreUse
from storage.port.runs import JobRun
from tests.domain.money.jobs import HOUR, MINUTE, NOON
from tests.golden import check


def spend(hours: float, money: float, *, spot: float = 0.0, spot_money: float = 0.0, currency: str = "USD") -> Spend:
    """Busy core-hours; spot ones would have cost four times as much."""
    return Spend(
        currency, CoreUse(busy=hours), CoreUse(busy=spot), CoreUse(busy=money), CoreUse(busy=spot_money),
        if_dedicated=spot_money * 4,
    )  # fmt: skip


IDLE = Spend(
    "USD",
    hours=CoreUse(starting=30, unused=120, waiting=8.5),
    money=CoreUse(starting=1.72, unused=6.89, waiting=0.49),
)
TASKS = TaskSums(
    tasks=2003,
    failed=16,
    retries=212,
    took=spend(420, 18.77, spot=1640, spot_money=20.333),
    failed_spend=spend(9, 0.4),
    retried=spend(6.1, 0.2722),
    created=NOON - 4 * HOUR,
    began=NOON - 4 * HOUR + 11 * MINUTE,
    pools=("render-gpu",),
)


def run(number: int, minutes: int, cost: float | None) -> JobRun:
    ended = NOON - timedelta(days=number)
    return JobRun(
        account="render", job=f"nightly:job-{12 - number}", pool="render-gpu", started=ended - minutes * MINUTE,
        ended=ended, schedule="nightly", cost=cost, idle_cost=None if cost is None else 8.0, currency="USD",
    )  # fmt: skip


RUNS = [run(n, 220 + n, 30.0 + 3 * (n % 4)) for n in range(1, 11)]
WHOLE = Receipt(
    account="render", job="nightly:job-12", schedule="nightly", pool="render-gpu", state="completed",
    started=NOON - 252 * MINUTE, ended=NOON, as_of=NOON + 3 * MINUTE, counted=2003, tasks=TASKS, idle_share=IDLE,
    seen=1.0, boot=7 * MINUTE,
).against(RUNS)  # fmt: skip


def command(path: str, *names: str, **options: object) -> str:
    return line(path, *names, **options, account="render")


def shown(receipt: Receipt, *, whole: bool = False) -> Card:
    return receipt_card(receipt, command, zone="Europe/Berlin", several=True, whole=whole)


def words(receipt: Receipt, *, whole: bool = False) -> str:
    return str(text.render(shown(receipt, whole=whole), width=10_000).payload["text"])


CARDS = {
    "posted": (WHOLE, False),
    "asked": (WHOLE, True),
    "going": (replace(WHOLE, ended=None, state="active", tasks=replace(TASKS, failed=0, going=40)), True),
    "least": (
        replace(
            WHOLE, job="once", schedule="", usual=None, idle_share=None, seen=0.0, boot=None,
            tasks=replace(TASKS, retried=spend(0, 0), unknown_runs=180, requeues=3),
        ),
        True,
    ),
    "unpriced": (
        replace(
            WHOLE, usual=None, tasks=replace(TASKS, took=Spend("USD", hours=CoreUse(busy=420), unpriced=420)),
            idle_share=replace(IDLE, money=CoreUse(), unpriced=158.5),
        ),
        True,
    ),
    "sampled": (
        replace(WHOLE, counted=45_000, tasks=replace(TASKS, tasks=20_000), sampled_own=spend(9000, 402.4), usual=None),
        True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CARDS)
def test_the_card_of_a_receipt(name: str) -> None:
    receipt, whole = CARDS[name]
    check(f"receipt-{name}", shown(receipt, whole=whole))


def test_the_first_line_is_the_answer() -> None:
    card = shown(WHOLE)
    assert card.mark is Mark.DONE
    assert plain(card.title) == (
        "nightly:job-12 done in 4 h 12 min, 26 min longer than usual · $48.20, of it $9.10 idle share · render"
    )
    assert "2,003 tasks, 16 failed, 212 retries (6.1 core-hours, $0.27 lost)" in words(WHOLE)
    assert "queue 11 min, boot 7 min" in words(WHOLE)
    assert "spot saved $61" in words(WHOLE)
    assert "against the last 10 runs" in words(WHOLE)
    assert "13 % more than usual" in words(WHOLE)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"idle_share": None}, "$39.10 of its own"),
        ({"idle_share": Spend("USD")}, "$39.10"),
        ({"tasks": replace(TASKS, unknown_runs=4)}, "at least $48.20, of it $9.10 idle share"),
        ({"tasks": TaskSums(unplaced=60.0, tasks=2003)}, "cost unknown"),
        ({"tasks": TaskSums(), "counted": 0, "idle_share": None}, "no core-hours"),
        ({"tasks": replace(TASKS, took=replace(TASKS.took, unpriced=20.0))}, "price unknown, 2,060 core-hours"),
    ],
)
def test_unknown_not_sampled_without_a_price_and_nothing_are_different_answers(
    changed: dict[str, object], said: str
) -> None:
    assert cost_words(replace(WHOLE, **changed)) == said


def test_what_is_lost_is_told_as_far_as_it_is_known() -> None:
    some = replace(WHOLE, tasks=replace(TASKS, unknown_runs=4))
    assert "212 retries (at least 6.1 core-hours, $0.27 lost)" in words(some)
    none = replace(WHOLE, tasks=replace(TASKS, unknown_runs=4, retried=spend(0, 0)))
    assert "212 retries (how much was lost is not known)" in words(none)
    assert "statistics come about half an hour after the end" in words(none)
    gone = replace(WHOLE, counted=None, tasks=TaskSums())
    assert "tasks not counted" in words(gone)
    assert "its tasks could not be read" in words(gone).lower()


def test_runs_whose_costs_are_not_all_known_are_held_against_by_their_time() -> None:
    assert "cost against the last 10 runs" in words(WHOLE)
    assert "runtime against the last 10 runs" in words(WHOLE.against([*RUNS[:9], run(10, 200, None)]))
    assert "against" not in words(WHOLE.against(RUNS[:2]))  # too few to say what is usual


@given(
    st.floats(0, 5000),
    st.floats(0, 5000),
    st.floats(0, 2000),
    st.floats(0, 2000),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_lines_that_are_shown_sum_to_the_total_that_is_shown(
    own: float, failed: float, starting: float, unused: float, currency: str
) -> None:
    tasks = TaskSums(tasks=1, took=spend(own + failed, own + failed, currency=currency), failed_spend=spend(1, failed))
    idle = Spend(currency, hours=CoreUse(starting=1, unused=1), money=CoreUse(starting=starting, unused=unused))
    receipt = replace(WHOLE, tasks=tasks, counted=1, idle_share=idle)
    total = sum(line.money for line in shown_lines(receipt))
    digits = digits_of(sum(line.money for line in receipt.parts()), currency_of(receipt))
    assert float(total) == pytest.approx(receipt.cost, abs=0.500001 * 10**-digits)
    amount = re.search(r"[\d,.]+", cost_words(receipt).replace("at least ", ""))
    assert not total or (amount and float(amount[0].replace(",", "").rstrip(".")) == float(total))
