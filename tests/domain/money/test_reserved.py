"""Reserved nodes: from which day to which, up to how many, at what rate, and what Windows costs beside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.azure.models.price import Prices
from bot.azure.price_settings import Reservation
from bot.domain.money.ledger import Eras
from bot.domain.money.price_book import PriceBook
from bot.domain.money.rates import Rate
from bot.domain.money.reserved import ReservedRates
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Bucket, PoolBucket, PoolEra

SIZE = "Standard_D4s_v3"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LISTED = NOON - timedelta(days=3)
LIST = Prices(
    {
        ("standard_d4s_v3", False, "on demand"): 0.2,
        ("standard_d4s_v3", True, "on demand"): 0.5,
        ("standard_d4s_v3", False, "spot"): 0.04,
    },
    "USD",
    LISTED,
)
TWO = Reservation(size=SIZE, nodes=2, hourly=0.05)


def nodes(number: float, pool: str = "d", seconds: float = 1800.0, cores: int = 4) -> PoolBucket:
    """Dedicated nodes that were busy for all of a span of so many seconds."""
    return PoolBucket(pool, Bucket(NOON, CoreUse(busy=number * cores * seconds), NO_USE, seconds))


def rates(reserved: Sequence[Reservation], *buckets: PoolBucket, known: Prices = LIST, cores: int = 4) -> ReservedRates:
    eras = Eras(PoolEra(pool, NOON, size, cores, False, {}) for pool, size in (("d", SIZE), ("e", SIZE.upper())))
    return ReservedRates(PriceBook(known), reserved, buckets, eras)


def linux(found: ReservedRates, at: datetime = NOON) -> Rate:
    rate = found.hourly(SIZE, windows=False, spot=False, at=at)
    assert rate
    return rate


@pytest.mark.parametrize(
    ("number", "amount"),
    [
        pytest.param(1, 0.05, id="all of them are covered"),
        pytest.param(2, 0.05, id="just so many as are reserved"),
        pytest.param(4, (2 * 0.05 + 2 * 0.2) / 4, id="half of them"),
    ],
)
def test_so_many_as_are_reserved_cost_their_own_rate(number: int, amount: float) -> None:
    found = linux(rates([TWO], nodes(number)))
    assert found == Rate(pytest.approx(amount), "USD", "reservation", LISTED)


def test_all_pools_of_a_size_share_what_is_reserved_of_it() -> None:
    found = rates([TWO], nodes(3, "d"), nodes(1, "e"))
    assert linux(found).amount == pytest.approx((2 * 0.05 + 2 * 0.2) / 4)


def test_a_second_reservation_covers_what_the_first_left() -> None:
    dear = Reservation(size=SIZE.lower(), nodes=1, hourly=0.1)
    other = Reservation(size="Standard_NC6s_v3", nodes=9, hourly=0.01)
    assert linux(rates([other, TWO, dear], nodes(4))).amount == pytest.approx((2 * 0.05 + 0.1 + 0.2) / 4)
    assert linux(rates([TWO, dear], nodes(2))).amount == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("since", "until", "covered"),
    [
        (None, None, True),
        (date(2026, 11, 23), None, True),
        (date(2026, 11, 24), None, False),
        (None, date(2026, 11, 24), True),
        (None, date(2026, 11, 23), False),
        (date(2026, 11, 22), date(2026, 11, 23), False),
    ],
)
def test_it_holds_from_its_first_day_to_the_day_before_its_end(
    since: date | None, until: date | None, covered: bool
) -> None:
    reserved = Reservation(size=SIZE, nodes=2, hourly=0.05, since=since, until=until)
    assert linux(rates([reserved], nodes(2))).amount == pytest.approx(0.05 if covered else 0.2)


def test_spot_nodes_other_spans_and_pools_that_nobody_knows_are_not_covered() -> None:
    found = rates([TWO], nodes(2), nodes(2, "unknown"))
    spot = found.hourly(SIZE, windows=False, spot=True, at=NOON)
    assert spot
    assert (spot.amount, spot.source) == (0.04, "list price")
    assert linux(found, NOON + timedelta(minutes=30)).amount == 0.2
    assert linux(rates([TWO], nodes(2), cores=0)).amount == 0.2
    assert linux(rates([TWO], nodes(0))).amount == 0.2


def test_windows_is_paid_beside_a_reservation() -> None:
    found = rates([TWO], nodes(2)).hourly(SIZE, windows=True, spot=False, at=NOON)
    assert found
    assert found.amount == pytest.approx(0.05 + 0.3)


def test_without_a_list_price_what_is_covered_whole_has_its_price_and_the_rest_has_none() -> None:
    nothing = Prices({("standard_nc6s_v3", False, "on demand"): 3.0}, "USD", LISTED)
    covered = rates([TWO], nodes(2), known=nothing)
    assert linux(covered) == Rate(pytest.approx(0.05), "USD", "reservation", NOON)
    assert rates([TWO], nodes(3), known=nothing).hourly(SIZE, windows=False, spot=False, at=NOON) is None
    assert covered.hourly(SIZE, windows=True, spot=False, at=NOON) is None, "what Windows costs is unknown"
    half = Prices({("standard_d4s_v3", True, "on demand"): 0.5}, "USD", LISTED)
    assert rates([TWO], nodes(2), known=half).hourly(SIZE, windows=True, spot=False, at=NOON) is None
