"""Where money is judged by a number: just below, at and just above each, and what is shown of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.money.advice import PoolNow, advise, measure, outcome
from bot.domain.money.anomalies import calmness, first_unusual, unusual
from bot.domain.money.budgets import Budget, state_of
from bot.domain.money.ledger import LedgerRow
from bot.domain.money.movers import PoolSpan, cause_of, movers
from bot.domain.money.reconcile import MachineMeter, Reconciled
from bot.domain.money.shares import digits_of, parts, rounded_parts, share_of
from bot.domain.money.spend import Spend, of_cores
from storage.port.core_use import NO_USE, CoreUse
from tests.domain.money.jobs import Flat

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = NOON.date()


def span(
    name: str = "a", price: float = 1.0, size: str = "s", jobs: dict[str, float] | None = None, **use: float
) -> PoolSpan:
    """Core-hours of dedicated nodes at a price each."""
    hours = CoreUse(**use)
    return PoolSpan(name, Spend("USD", hours, money=hours * price), size, jobs or {})


def kinds(spans: list[PoolSpan], *now: PoolNow) -> list[tuple[str, str]]:
    return [(each.pool, each.kind) for each in advise(spans, {each.pool: each for each in now}, NOON)]


# Advice


@pytest.mark.parametrize(("minutes", "told"), [(119, []), (120, [("a", "idle")]), (121, [("a", "idle")])])
def test_a_pool_idles_from_two_hours_on(minutes: int, told: list[tuple[str, str]]) -> None:
    pool = PoolNow("a", 4, idle=4, idle_since=NOON - timedelta(minutes=minutes))
    assert kinds([span(unused=30, busy=70)], pool) == told


@pytest.mark.parametrize(("unused", "told"), [(39, []), (40, [("a", "formula")]), (41, [("a", "formula")])])
def test_a_pool_would_do_better_with_a_formula_from_forty_per_cent_on(
    unused: float, told: list[tuple[str, str]]
) -> None:
    assert kinds([span(unused=unused, busy=100 - unused)], PoolNow("a", 4)) == told
    assert kinds([span(unused=unused, busy=100 - unused)], PoolNow("a", 4, autoscale=True)) == []


@pytest.mark.parametrize(("loss", "told"), [(0.9, []), (1.0, [("a", "broken")]), (1.1, [("a", "broken")])])
def test_a_loss_is_worth_a_word_from_a_hundredth_of_everything_on(loss: float, told: list[tuple[str, str]]) -> None:
    spans = [span("a", broken=loss, busy=50 - loss), span("b", busy=50)]
    assert kinds(spans, PoolNow("a", 4, broken=1, autoscale=True)) == told


def test_less_than_a_cent_is_never_worth_a_word() -> None:
    pool = PoolNow("a", 4, broken=1, autoscale=True)
    assert kinds([span(broken=0.009)], pool) == []
    assert kinds([span(broken=0.01)], pool) == [("a", "broken")]


def test_advice_in_words() -> None:
    """One node and several, of every kind of loss."""

    def told(found: PoolSpan, now: PoolNow) -> tuple[str, str, str, bool]:
        (each,) = advise([found], {"a": now}, NOON)
        return each.words, each.button, each.command, each.changes

    long_ago = NOON - timedelta(days=1)
    assert told(span(unused=9), PoolNow("a", 3, spot_nodes=1, idle=1, idle_since=long_ago)) == (
        "1 node of pool a has nothing to do", "Resize to 0", "pool resize a 0 spot:0", True,
    )  # fmt: skip
    assert told(span(unused=45, busy=55), PoolNow("a", 3)) == (
        "pool a had nothing to do for 45 % of its core-hours: let a formula size it, or pack its tasks",
        "Formula…", "pool autoscale enable a", False,
    )  # fmt: skip
    assert told(span(broken=9), PoolNow("a", 3, broken=1)) == (
        "1 node of pool a is broken and billed", "Replace them", "pool replace-broken a", True,
    )  # fmt: skip
    assert told(span(broken=9), PoolNow("a", 3, broken=2))[0] == "2 nodes of pool a are broken and billed"
    assert told(span(waiting=9, busy=1), PoolNow("a", 3)) == (
        "nodes of pool a idled for 9 core-hours while tasks waited", "Open", "pool show a", False,
    )  # fmt: skip
    assert told(span(starting=9, busy=1), PoolNow("a", 3)) == (
        "nodes of pool a spent 9 core-hours on booting", "Open", "pool show a", False,
    )  # fmt: skip
    assert told(span(busy=10), PoolNow("a", 3, spot_ratio=0.25)) == (
        "pool a as spot nodes would have cost 75 % less for its busy hours, if its tasks may be interrupted",
        "Open", "pool show a", False,
    )  # fmt: skip


def test_what_spot_nodes_would_save_is_nothing_where_their_price_is_unknown() -> None:
    found = span(busy=100).spend
    assert [measure("spot", found, ratio) for ratio in (None, 0.25, 1.0)] == [0.0, 75.0, 0.0]


@pytest.mark.parametrize(("after", "became", "saved"), [(49, "done", 51), (50, "done", 50), (51, "not done", 0)])
def test_advice_was_acted_on_where_the_loss_is_halved(after: float, became: str, saved: float) -> None:
    found = outcome("idle", 100, span(unused=after, busy=1))
    assert (found.became, found.after, found.saved) == (became, after, saved)


# Unusual days


def even(cost: float, days: int, last: float) -> dict[date, float]:
    """So many days of ten less and ten more by turns, and today."""
    known = {TODAY - timedelta(days=n): cost + (10 if n // 7 % 2 else -10) for n in range(1, days + 1)}
    return {**known, TODAY: last}


@pytest.mark.parametrize(("amount", "stands_out"), [(124.9, False), (125.0, True)])
def test_an_unusual_day_costs_twenty_five_more_at_least(amount: float, stands_out: bool) -> None:
    known = {TODAY - timedelta(days=n): 100.0 for n in range(1, 90)}
    assert (unusual({**known, TODAY: amount}, TODAY) is not None) == stands_out


def test_an_unusual_day_is_over_four_deviations_above_its_weekdays() -> None:
    """Ten up and ten down: a deviation is 14.826, four of them 59.304."""
    known = even(200, 90, 0)
    assert unusual({**known, TODAY: 200 + 59.3}, TODAY) is None
    found = unusual({**known, TODAY: 200 + 59.4}, TODAY)
    assert found
    assert (found.usual, found.excess) == (200, pytest.approx(59.4))


@pytest.mark.parametrize(("days", "known"), [(27, False), (28, True)])
def test_four_same_weekdays_have_to_be_known(days: int, known: bool) -> None:
    found = unusual({**{TODAY - timedelta(days=n): 100.0 for n in range(1, days + 1)}, TODAY: 300.0}, TODAY)
    assert (found is not None) == known


@pytest.mark.parametrize(("number", "known"), [(13, False), (14, True)])
def test_fourteen_of_the_last_days_have_to_be_known(number: int, known: bool) -> None:
    """The same weekdays of eight weeks, four of which are of the last 28 days, and others of these."""
    days = [7 * week for week in range(1, 9)] + [n for n in range(1, 28) if n % 7][: number - 4]
    found = unusual({**{TODAY - timedelta(days=n): 100.0 for n in days}, TODAY: 300.0}, TODAY)
    assert (found is not None) == known


def test_the_same_weekday_of_eight_weeks_is_what_is_usual() -> None:
    """Four at a hundred and four at three hundred: without the last of them the median would be one of these."""
    days = {TODAY - timedelta(days=n): 100.0 for n in range(1, 29) if n % 7}
    weeks = {TODAY - timedelta(weeks=n): 100.0 if n % 2 else 300.0 for n in range(1, 10)}
    found = unusual({**days, **weeks, TODAY: 2000.0}, TODAY)
    assert found
    assert (found.usual, found.excess) == (200.0, 1800.0)


def test_a_series_is_judged_by_twenty_eight_days_that_can_be() -> None:
    """The first 28 days have too few weekdays before them: 28 more are needed, and a day before today."""
    for days, said in ((55, "too few days"), (56, "calm")):
        known = {TODAY - timedelta(days=n): 100.0 for n in range(1, days + 1)}
        assert calmness(known, TODAY) == said


def test_one_alarm_in_sixty_days_is_calm_and_two_are_not_though_days_in_a_row_are_one() -> None:
    def with_alarms(*ago: int) -> dict[date, float]:
        known = {TODAY - timedelta(days=n): 100.0 for n in range(1, 130)}
        return {**known, **{TODAY - timedelta(days=n): 900.0 for n in ago}}

    assert calmness(with_alarms(20), TODAY) == "calm"
    assert calmness(with_alarms(20, 21, 22), TODAY) == "calm"
    assert calmness(with_alarms(20, 30), TODAY) == "irregular"
    assert calmness(with_alarms(20, 60), TODAY) == "irregular", "the sixtieth day is one of them"
    assert calmness(with_alarms(20, 61), TODAY) == "calm"
    assert calmness(with_alarms(1, 20), TODAY) == "irregular", "and so is yesterday"


def test_a_day_that_nobody_saw_is_no_day_that_an_alarm_goes_on_with() -> None:
    known = {TODAY - timedelta(days=n): 100.0 for n in range(2, 130)}
    assert first_unusual({**known, TODAY: 300.0}, TODAY)


# Budgets


def budget(amount: float, today: float, past: float = 10.0) -> tuple[str, date]:
    """The last of November: 29 days at ten each, and today."""
    last = date(2026, 11, 30)
    costs = {last - timedelta(days=n): past for n in range(1, 61)} | {last: today}
    rows = [
        LedgerRow("p", datetime(day.year, day.month, day.day, tzinfo=UTC), Spend("USD", money=CoreUse(busy=cost)))
        for day, cost in costs.items()
    ]
    found = state_of(Budget("b", "a", amount), rows, "USD", last, costs)
    return found.level, found.reached


@pytest.mark.parametrize(
    ("amount", "level", "reached"),
    [
        pytest.param(294.9, "over", date(2026, 11, 30), id="295 are spent"),
        pytest.param(295.0, "will be over", date(2026, 11, 30), id="all of it is not over, and today costs ten"),
        pytest.param(299.9, "will be over", date(2026, 11, 30), id="300 will be"),
        pytest.param(300.0, "near", date(2026, 11, 24), id="240 are near"),
        pytest.param(368.75, "near", date(2026, 11, 30), id="four fifths to the cent"),
        pytest.param(369.0, "", date(2026, 11, 30), id="less than four fifths"),
    ],
)
def test_a_budget_is_near_will_be_over_and_is_over(amount: float, level: str, reached: date) -> None:
    assert budget(amount, 5.0) == (level, reached)


# Movers


@pytest.mark.parametrize(("now", "moved"), [(101.0, False), (101.1, True), (99.0, False), (98.9, True)])
def test_what_moved_by_a_hundredth_of_everything_or_less_is_not_told(now: float, moved: bool) -> None:
    found = movers([span("a", busy=100)], [span("a", busy=now)], "before")
    assert bool(found) == moved or now > 100, "of 101 a hundredth is more than one"


def test_pools_that_moved_alike_stand_by_their_names() -> None:
    was = [span(name, busy=10) for name in "dbca"]
    is_ = [span(name, busy=20) for name in "cabd"]
    assert [each.pool for each in movers(was, is_, "before")] == ["a", "b", "c"]
    assert [each.pool for each in movers(was, is_, "before", most=1)] == ["a"]


@pytest.mark.parametrize(("price", "kind"), [(51.0, None), (51.1, "price"), (49.0, None), (48.9, "price")])
def test_another_price_is_more_than_two_per_cent(price: float, kind: str | None) -> None:
    cause = cause_of(span(busy=100, price=50.0), span(busy=100, price=price), "before")
    assert (cause and cause.kind) == kind


@pytest.mark.parametrize(("hours", "kind"), [(102.0, None), (102.1, "hours"), (98.0, None), (97.9, "hours")])
def test_other_hours_are_more_than_two_per_cent(hours: float, kind: str | None) -> None:
    cause = cause_of(span(busy=100), span(busy=hours), "before")
    assert (cause and cause.kind) == kind


def test_a_cause_explains_half_of_a_change_at_least() -> None:
    was = span(busy=50, unused=50, jobs={"fit": 50.0})
    half = cause_of(was, span(busy=75, unused=75, jobs={"fit": 75.0}), "before")
    assert half
    assert (half.kind, half.money, half.target, half.amounts, half.currency) == (
        "jobs", 25.0, "fit", (75.0, 50.0), "USD",
    )  # fmt: skip
    less = cause_of(was, span(busy=74, unused=76, jobs={"fit": 74.0}), "before")
    assert less
    assert (less.kind, less.words) == (
        "hours",
        "its nodes ran for 150 core-hours, 100 before: 26 more with nothing to do",
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"starting": 5.0}, "its nodes ran for 15 core-hours, 10 before: 5 more booting"),
        ({"waiting": 5.0}, "its nodes ran for 15 core-hours, 10 before: 5 more idle while tasks waited"),
        ({"broken": 5.0}, "its nodes ran for 15 core-hours, 10 before: 5 more of broken nodes"),
        ({"leaving": 2.5, "busy": 2.5}, "its nodes ran for 15 core-hours, 10 before: 2 more of nodes on their way out"),
        ({"leaving": 2.4, "busy": 2.6}, "its nodes ran for 15 core-hours, 10 before"),
    ],
)
def test_what_more_hours_were_of(more: dict[str, float], words: str) -> None:
    now = {"busy": 10.0 + more.pop("busy", 0.0), **more}
    cause = cause_of(span(busy=10), span(**now), "before")
    assert cause
    assert (cause.words, cause.money) == (words, 5.0)


def test_the_other_kind_of_nodes_is_named_where_a_price_of_each_is_known() -> None:
    """A hundred core-hours, all of them on the other kind: 1.00 and 0.20 each, known of one period alone."""

    def of(hours: float, spot: float) -> PoolSpan:
        spend = Spend("USD", CoreUse(busy=hours), CoreUse(busy=spot), CoreUse(busy=hours), CoreUse(busy=spot * 0.2))
        return PoolSpan("a", spend, "s")

    dear, cheap = cause_of(of(0, 100), of(100, 0), "before"), cause_of(of(100, 0), of(0, 100), "before")
    assert dear and cheap
    assert (dear.kind, dear.money, dear.words) == (
        "dedicated", pytest.approx(80.0), "100 % of its core-hours were dedicated, 0 % before",
    )  # fmt: skip
    assert (cheap.kind, cheap.money) == ("spot", pytest.approx(-80.0))


def test_small_hours_have_a_decimal_and_fewer_hours_are_of_nothing() -> None:
    cause = cause_of(span(busy=9.96, unused=4), span(busy=4.44, starting=5), "before")
    assert cause
    assert cause.words == "its nodes ran for 9.4 core-hours, 14 before"


# Figures


@pytest.mark.parametrize(
    ("total", "currency", "digits"),
    [
        (100.0, "USD", 0), (99.99, "USD", 2), (-100.0, "USD", 0), (0.1, "USD", 2), (0.09, "USD", 4), (0.01, "USD", 4),
        (0.001, "USD", 5), (0.0000001, "USD", 6), (0.0, "USD", 2), (99.0, "JPY", 0), (0.05, "JPY", 2),
    ],
)  # fmt: skip
def test_the_decimals_of_an_amount(total: float, currency: str, digits: int) -> None:
    assert digits_of(total, currency) == digits


def test_what_rounding_leaves_goes_to_the_largest_remainders() -> None:
    assert [str(each) for each in rounded_parts([0.4, 0.4, 0.2], 0)] == ["1", "0", "0"]
    assert [str(each) for each in rounded_parts([1.005, 2.005, 3.008], 2)] == ["1.01", "2.00", "3.01"]
    assert [str(each) for each in rounded_parts([-0.6, 0.6], 0)] == ["-1", "1"]
    assert [str(each) for each in rounded_parts([0.5], 0)] == ["1"]
    assert parts([0.05, 0.04], "USD") == (["$0.0500", "$0.0400"], "$0.0900")


def test_a_share_is_rounded_to_the_nearest_and_of_nothing_it_is_a_dash() -> None:
    assert [share_of(1, 3), share_of(2, 3), share_of(1, 8), share_of(5, 5), share_of(0, 0)] == [
        "33 %", "67 %", "13 %", "100 %", "–",
    ]  # fmt: skip


def test_nodes_without_cores_have_no_price() -> None:
    def spent(cores: int, dedicated: float, spot: float, rates: Flat) -> Spend:
        return of_cores(
            rates, "s", cores, windows=False, at=NOON,
            dedicated=CoreUse(busy=dedicated), spot=CoreUse(busy=spot),
        )  # fmt: skip

    nothing = spent(0, 7200, 3600, Flat())
    assert (nothing.unpriced, nothing.cost.total, nothing.if_dedicated) == (3.0, 0.0, None)
    assert spent(1, 7200, 0, Flat()).if_dedicated == 0.0
    assert spent(2, 0, 7200, Flat()).if_dedicated == 1.0, "two core-hours are a node for an hour"
    lent = spent(1, 7200, 3600, Flat(no_spot=True))
    assert (lent.unpriced, lent.cost.total, lent.if_dedicated) == (1.0, 2.0, None)
    assert spent(4, 0, 0, Flat()) == Spend("USD")
    assert Spend("USD", NO_USE).priced is None


@pytest.mark.parametrize(("own", "well"), [(94.9, False), (95.0, True), (105.0, True), (105.1, False), (None, None)])
def test_a_bill_is_explained_within_five_per_cent(own: float | None, well: bool | None) -> None:
    meter = MachineMeter("D4s v3", 100.0, 10.0, own)
    assert Reconciled("USD", 100.0, 100.0, own, (meter,), {}).well_explained is well


def test_half_a_cent_explains_nothing() -> None:
    assert MachineMeter("m", 0.005, 1.0, 1.0).explained is None
    assert MachineMeter("m", 0.01, 1.0, 0.02).explained == 2.0
    assert Reconciled("USD", 0.0, 0.005, 1.0, (MachineMeter("m", 0.005, 1.0, 1.0),), {}).explained is None
    assert Reconciled("USD", 101.0, 100.0, None, (), {}).spread is None
    assert Reconciled("USD", 99.0, 100.0, None, (), {}).spread is None
    assert Reconciled("USD", 98.9, 100.0, None, (), {}).spread == pytest.approx(-0.011)
    assert Reconciled("USD", -120.0, -100.0, None, (), {}).spread == pytest.approx(-1 / 6)
