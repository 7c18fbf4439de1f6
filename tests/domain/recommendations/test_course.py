"""What became of recommendations."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from msgspec.structs import replace

from bot.domain.money.advice import PoolNow
from bot.domain.money.movers import PoolSpan
from bot.domain.money.spend import Spend
from bot.domain.recommendations.course import renewed
from bot.domain.recommendations.decisions import is_set_aside
from bot.domain.recommendations.judge import judge
from bot.domain.recommendations.model import Recommendation, Spent
from storage.port.core_use import CoreUse
from storage.port.recommendations import RecommendationRow
from tests.domain.recommendations.test_rules import AT, DAY, case, job


def spent(unused: float, *, idles: bool = True, whole: bool = True) -> Spent:
    """A pool over the last 7 days, a dollar a core-hour."""
    hours = CoreUse(unused=unused, busy=200)
    now = PoolNow("sim", 12, idle=12 if idles else 0, idle_since=AT - DAY if idles else None)
    return Spent([PoolSpan("Sim", Spend("USD", hours, money=hours), "s")], {"sim": now}, "USD", whole=whole)


def after(rows: list[RecommendationRow], **given: object) -> list[RecommendationRow]:
    """What changes at another look."""
    looked = case(**given)
    return renewed("render", rows, judge(looked), looked)


def test_what_is_found_is_kept_with_the_most_that_it_cost() -> None:
    [row] = after([], spent=spent(96))
    assert (row.first, row.last, row.over, row.loss) == (AT, AT, None, 96)
    [later] = after([row], spent=spent(90), at=AT + DAY)
    assert (later.id, later.first, later.last, later.loss) == (row.id, AT, AT + DAY, 96)
    assert msgspec.json.decode(later.body, type=Recommendation).week == 90


def test_money_is_saved_when_it_was_measured_and_not_before() -> None:
    [row] = after([], spent=spent(96))
    assert not after([row], spent=spent(90, idles=False), at=AT + DAY)  # resized a day ago: the week still has it
    [over] = after([row], spent=spent(20, idles=False), at=AT + 6 * DAY)
    assert (over.over, over.saved) == (AT + 6 * DAY, 76)
    assert not after([row], spent=spent(20, idles=False, whole=False))  # nobody looked for most of the week
    gone = Spent([], {}, "USD", whole=True)
    assert after([row], spent=gone)[0].saved == 96
    assert not after([row], spent=replace(gone, currency="EUR"))


def test_what_is_no_more_so_is_over_only_where_that_was_looked_at() -> None:
    [row] = after([], jobs=[job()])
    assert not after([row], jobs=None)
    assert not after([row], unknown=frozenset(("zombie jobs",)))
    [over] = after([row], at=AT + DAY)
    assert (over.over, over.saved) == (AT + DAY, None)
    assert not after([over], at=AT + 2 * DAY)
    [again] = after([over], jobs=[job()], at=AT + 3 * DAY)
    assert (again.first, again.over) == (AT + 3 * DAY, None)


def test_what_is_set_aside_comes_back_when_its_time_is_up() -> None:
    [row] = after([], jobs=[job()])
    assert not is_set_aside(row, AT)
    assert not is_set_aside(replace(row, state="accepted"), AT)
    assert is_set_aside(replace(row, state="dismissed"), AT)
    snoozed = replace(row, state="snoozed", until=AT + DAY)
    assert is_set_aside(snoozed, AT + DAY - timedelta(seconds=1))
    assert not is_set_aside(snoozed, AT + DAY)
