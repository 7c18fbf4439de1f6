"""Sums of cores: pools to their account, jobs to their pools, gaps that stay gaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.core_usage import (
    core_hours,
    finer,
    has_tag,
    idlest,
    is_of_size,
    last_at_most,
    of_job,
    of_pools,
    sizes,
    tags,
)
from bot.domain.money.ledger import Eras, JobSpend
from bot.domain.money.spend import Spend
from bot.domain.tag import Tag
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Bucket, PoolBucket, PoolEra

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ERAS = [
    PoolEra("a", NOON, "Standard_F8", 8, False, {"team": "render"}),
    PoolEra("a", NOON + 2 * HOUR, "Standard_D2", 2, False, {"Team": "sim"}),
    PoolEra("b", NOON, "standard_f8", 8, False, {}),
]
AMOUNT = st.integers(0, 100_000).map(float)
USES = st.builds(CoreUse, busy=AMOUNT, starting=AMOUNT, unused=AMOUNT, unknown=AMOUNT)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4), USES, USES), max_size=30))
def test_parts_of_an_account_sum_to_it(found: list[tuple[str, int, CoreUse, CoreUse]]) -> None:
    rows = [PoolBucket(pool, Bucket(NOON + n * HOUR, kept, spot, 3600)) for pool, n, kept, spot in found]
    whole = core_hours(of_pools(rows, lambda pool, at: True)).use.total
    parts = [core_hours(of_pools(rows, lambda pool, at, own=own: pool == own)).use.total for own in "abc"]
    assert abs(whole - sum(parts)) < 1e-6 * max(1, whole)


def test_a_pool_that_had_no_cores_is_zero_where_others_were_sampled_and_a_gap_is_none() -> None:
    rows = [
        PoolBucket("a", Bucket(NOON, CoreUse(busy=9), NO_USE, 1800)),
        PoolBucket("b", Bucket(NOON + HOUR, NO_USE, NO_USE, 60)),
    ]
    assert of_pools(rows, lambda pool, at: pool == "b") == [
        Bucket(NOON, NO_USE, NO_USE, 1800),
        Bucket(NOON + HOUR, NO_USE, NO_USE, 60),
    ]


def test_sizes_and_tags_are_those_of_the_time() -> None:
    eras = Eras(ERAS)
    f8, render, sim = (
        is_of_size(eras, "STANDARD_F8"),
        has_tag(eras, Tag("team", "RENDER")),
        has_tag(eras, Tag("TEAM", "sim")),
    )
    early, late = NOON + HOUR, NOON + 3 * HOUR
    assert [f8("a", early), f8("A", late), f8("b", late), f8("gone", late)] == [True, False, True, False]
    assert [render("a", early), render("a", late), sim("a", late)] == [True, False, True]
    assert sizes(ERAS) == ["standard_f8", "Standard_D2"]
    assert tags(ERAS) == ["Team=sim", "team=render"]


def test_a_job_has_what_it_kept_busy_and_its_share_of_what_idled() -> None:
    rows = [PoolBucket("a", Bucket(NOON + n * HOUR, CoreUse(busy=7200, unused=7200), NO_USE, 3600)) for n in range(2)]
    parts = [JobSpend("a", "j", NOON, Spend(hours=CoreUse(busy=1)), Spend(hours=CoreUse(unused=1)))]
    own = of_job(parts, rows)
    assert [bucket.busy for bucket in own] == [3600, 0]
    assert core_hours(own).use == CoreUse(busy=1, unused=1)
    assert core_hours(own).seconds == 7200


def test_the_pool_that_idles_most_and_the_end_of_what_is_only_known_at_most() -> None:
    def row(pool: str, use: CoreUse, *, at_most: bool = False) -> PoolBucket:
        return PoolBucket(pool, Bucket(NOON, use, NO_USE, 3600, at_most))

    found = idlest([row("a", CoreUse(busy=9e9)), row("b", CoreUse(broken=7200)), row("c", CoreUse(unused=3600))])
    assert found and (found.pool, found.use.broken) == ("b", 2)
    assert idlest([row("a", CoreUse(busy=1))]) is None
    assert idlest([]) is None
    assert last_at_most([row("a", NO_USE).bucket]) is None
    assert last_at_most([row("a", NO_USE, at_most=True).bucket]) == NOON


def test_the_pool_whose_idle_cores_cost_most_is_the_idlest_where_prices_are_known() -> None:
    rows = [
        PoolBucket(name, Bucket(BEGIN, CoreUse(unused=idle), NO_USE, 60.0))
        for name, idle in (("cheap", 9e6), ("Dear", 3600.0))
    ]
    found = idlest(rows, {"dear": 80.0, "cheap": 6.0})
    assert found
    assert found.pool == "Dear"


def test_history_in_pieces_sums_to_itself_and_what_was_sampled_is_no_history() -> None:
    history = Bucket(BEGIN, CoreUse(busy=1800.0, unknown=900.0), CoreUse(busy=90.0), 1800.0, at_most=True)
    sampled = Bucket(BEGIN + timedelta(minutes=30), CoreUse(busy=5.0), CoreUse(), 1800.0)
    pieces = list(finer([history, sampled], 1800, 300))
    assert [each.start for each in pieces] == [BEGIN + timedelta(minutes=5 * n) for n in range(6)]
    assert all(each.at_most and each.seconds == 300 for each in pieces)
    assert sum(each.total for each in pieces) == pytest.approx(history.total)


def test_one_bucket_that_is_only_known_at_most_makes_the_sum_so() -> None:
    known = Bucket(BEGIN, CoreUse(busy=3600.0), CoreUse(unused=7200.0), 300.0)
    at_most = Bucket(BEGIN, CoreUse(busy=1800.0), CoreUse(), 60.0, at_most=True)
    for order in ([known, at_most, known], [at_most, known], [known, at_most]):
        found = core_hours(order)
        assert found.at_most, order
        assert found.dedicated == CoreUse(busy=order.count(known) + 0.5)
        assert found.spot == CoreUse(unused=2.0 * order.count(known))
        assert found.seconds == 300 * order.count(known) + 60
    assert not core_hours([known, known]).at_most
