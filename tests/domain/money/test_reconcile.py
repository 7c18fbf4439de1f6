"""The bill beside own usage: what is explained, what the rest is for, and what may still change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.money.ledger import Ledger, LedgerRow
from bot.domain.money.meters import kind_of, meter_of_size, meters_of
from bot.domain.money.reconcile import by_day, by_pool, is_final, reconcile, restated
from bot.domain.money.spend import Spend
from storage.port.bill import Basis, BillCorrection, BillRow
from storage.port.core_use import CoreUse

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def billed(
    amount: float,
    meter: str = "D4s v3",
    category: str = "Virtual Machines",
    subcategory: str = "Dsv3 Series",
    *,
    pool: str = "p",
    day: date = DAY,
    basis: Basis = "amortized",
    currency: str = "USD",
) -> BillRow:
    return BillRow("a", day, basis, pool, f"/x/{pool}", meter, category, subcategory, currency, amount, 5.0, "1 Hour")


def ledger(rows: list[LedgerRow], currency: str = "USD", watched: float = 86_400.0) -> Ledger:
    """These rows, of days that were watched so long."""
    since, until = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    sampled = {since + timedelta(days=day): watched for day in range(30)}
    return Ledger("a", currency, since, until, NOW, since, 1.0, tuple(rows), sampled=sampled)


def own(
    money: float, size: str = "Standard_D4s_v3", *, day: date = DAY, spot: float = 0.0, windows: bool = False
) -> LedgerRow:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    spend = Spend("USD", CoreUse(busy=1), CoreUse(busy=1), CoreUse(busy=money), CoreUse(busy=spot))
    return LedgerRow("p", at, spend, size, windows=windows)


@pytest.mark.parametrize(
    ("category", "subcategory", "meter", "kind"),
    [
        ("Virtual Machines", "Dsv3 Series", "D4s v3", "machines"),
        ("Virtual Machines Licenses", "Windows Server", "4 vCPU VM License", "machines"),
        ("Storage", "Premium SSD Managed Disks", "P4 LRS Disk", "disks"),
        ("Storage", "General Block Blob v2", "Hot LRS Data Stored", "storage"),
        ("Storage", "Tables", "LRS Class 1", "storage"),
        ("Virtual Network", "IP Addresses", "Standard IPv4 Static Public IP", "addresses"),
        ("Load Balancer", "Standard", "Standard Included LB Rules and Outbound Rules", "load balancers"),
        ("Bandwidth", "Rtn Preference: MGN", "Standard Data Transfer Out", "bandwidth"),
        ("Azure Monitor", "", "Log Analytics", "other"),
        ("", "", "D4s v3 Spot", "machines"),
        ("", "", "NC24ads A100 v4", "machines"),
        ("", "", "P10 LRS Disk", "disks"),
        ("", "", "Standard Data Transfer Out", "bandwidth"),
    ],
)
def test_what_a_meter_is_for(category: str, subcategory: str, meter: str, kind: str) -> None:
    assert kind_of(billed(1.0, meter, category, subcategory)) == kind


def test_credits_stand_apart_and_a_refund_of_machines_is_theirs() -> None:
    assert kind_of(billed(-5.0, "Service credit", "Credit", "")) == "credits"
    assert kind_of(billed(-5.0, "P4 LRS Disk", "Storage", "")) == "credits"
    assert kind_of(billed(-5.0)) == "machines"


def test_a_meter_finds_its_size() -> None:
    assert meter_of_size("STANDARD_D4s_v3", spot=False, windows=False) in meters_of(billed(1.0, "D4 v3/D4s v3"))
    (lent,) = meters_of(billed(1.0, "NC6s v3 Low Priority", subcategory="NCSv3 Series Windows"))
    assert lent == meter_of_size("Standard_NC6s_v3", spot=True, windows=True)
    assert meters_of(billed(1.0, "E4-2s v3 Spot"))[0] == meter_of_size("Standard_E4-2s_v3", spot=True, windows=False)


def test_machines_are_explained_by_meter_and_the_rest_stands_by_kind() -> None:
    rows = [
        billed(100.0),
        billed(20.0, "D4s v3 Spot"),
        billed(50.0, "NC6s v3"),
        billed(7.0, "P4 LRS Disk", "Storage", "Premium SSD Managed Disks"),
        billed(-3.0, "Service credit", "Credit", "", pool=""),
    ]
    (found,) = reconcile(rows, ledger([own(97.0, spot=19.0)]), NOW)
    assert found.amortized == 174.0
    assert dict(found.kinds) == {"machines": 170.0, "disks": 7.0, "credits": -3.0}
    assert sum(found.kinds.values()) == found.amortized
    assert [(each.meter, each.own) for each in found.machines] == [
        ("D4s v3", 97.0),
        ("NC6s v3", None),
        ("D4s v3 Spot", 19.0),
    ]
    assert found.explained == pytest.approx(116 / 170)
    assert found.well_explained is False
    assert found.worst
    assert found.worst.meter == "NC6s v3"
    assert found.machines[0].explained == pytest.approx(0.97)


def test_windows_is_a_meter_of_its_own() -> None:
    rows = [billed(40.0, subcategory="Dsv3 Series Windows"), billed(20.0)]
    (found,) = reconcile(rows, ledger([own(40.0, windows=True), own(20.0)]), NOW)
    assert [(each.meter, each.explained) for each in found.machines] == [("D4s v3 Windows", 1.0), ("D4s v3", 1.0)]
    assert found.well_explained


def test_where_windows_is_not_told_a_meter_counts_both() -> None:
    rows = [billed(60.0, category="", subcategory="")]
    (found,) = reconcile(rows, ledger([own(40.0, windows=True), own(20.0)]), NOW)
    assert [(each.meter, each.explained) for each in found.machines] == [("D4s v3", 1.0)]


def test_own_usage_of_a_size_that_was_not_billed_is_told() -> None:
    (found,) = reconcile([billed(100.0)], ledger([own(100.0), own(30.0, "Standard_F2s_v2")]), NOW)
    assert found.unbilled == 30.0
    assert found.own == 130.0


def test_days_that_are_not_told_in_full_are_not_compared() -> None:
    late = NOW.date()
    rows = [billed(100.0), billed(5.0, day=late), billed(60.0, day=late - timedelta(days=1))]
    (found,) = reconcile(rows, ledger([own(100.0), own(50.0, day=late), own(60.0, day=late - timedelta(days=1))]), NOW)
    assert found.compared == (DAY,)
    assert found.explained == 1.0
    assert found.kinds["machines"] == 165.0


def test_days_that_were_not_watched_throughout_are_not_compared() -> None:
    (found,) = reconcile([billed(100.0)], ledger([own(60.0)], watched=0.6 * 86_400), NOW)
    assert (found.compared, found.explained, found.amortized) == ((), None, 100.0)


def test_days_younger_than_three_days_are_not_final() -> None:
    days = [DAY + timedelta(days=each) for each in range(6)]
    (found,) = reconcile([billed(1.0, day=day) for day in days], ledger([]), NOW)
    assert found.not_final == (date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25))
    ended = datetime(2026, 11, 24, tzinfo=UTC)
    assert is_final(date(2026, 11, 20), ended)
    assert not is_final(date(2026, 11, 20), ended - timedelta(seconds=1))


def test_two_currencies_are_never_added() -> None:
    rows = [billed(10.0), billed(900.0, currency="EUR", basis="amortized"), billed(9.0, basis="actual")]
    dear, cheap = reconcile(rows, ledger([own(10.0)]), NOW)
    assert (dear.currency, dear.own, dear.explained) == ("EUR", None, None)
    assert (cheap.currency, cheap.explained, cheap.actual) == ("USD", 1.0, 9.0)
    assert by_day(rows, "amortized") == {"USD": {DAY: 10.0}, "EUR": {DAY: 900.0}}
    assert by_pool(rows, "actual") == {"USD": {"p": 9.0}}


@pytest.mark.parametrize(("actual", "told"), [(100.0, None), (100.9, None), (150.0, 1 / 3), (0.0, -1.0)])
def test_actual_and_amortized_differ_where_it_is_worth_telling(actual: float, told: float | None) -> None:
    (found,) = reconcile([billed(100.0), billed(actual, basis="actual")], ledger([]), NOW)
    assert found.spread == (None if told is None else pytest.approx(told))


def test_nothing_billed_is_nothing_and_a_free_month_is_zero() -> None:
    assert reconcile([], ledger([own(5.0)]), NOW) == ()
    (free,) = reconcile([billed(0.0)], ledger([own(0.0)]), NOW)
    assert (free.amortized, free.explained, free.spread) == (0.0, None, None)


def test_a_settled_day_that_changed_is_told_with_what_it_had_been() -> None:
    def correction(hours: float, before: float, after: float, basis: Basis = "actual") -> BillCorrection:
        at = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(hours=hours)
        return BillCorrection("a", DAY, basis, "USD", at, before, after)

    found = restated(
        [
            correction(10, 1.0, 5.0),
            correction(80, 5.0, 6.0),
            correction(90, 6.0, 7.0),
            correction(91, 1.0, 2.0, "amortized"),
        ],
        "actual",
    )
    assert [(each.before, each.after) for each in found] == [(5.0, 7.0)]
    assert restated([correction(80, 5.0, 6.0), correction(90, 6.0, 5.0)], "actual") == ()
