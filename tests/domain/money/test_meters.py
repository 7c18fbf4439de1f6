"""What a meter of the bill is for: each word that says it alone, and what says nothing."""

from __future__ import annotations

from datetime import date

import pytest

from bot.domain.money.meters import MeterOf, kind_of, meter_of_size, meters_of
from storage.port.bill import BillRow


def billed(category: str, subcategory: str = "", meter: str = "m", amount: float = 1.0) -> BillRow:
    return BillRow("a", date(2026, 11, 20), "amortized", "p", "/x/p", meter, category, subcategory, "USD", amount)


@pytest.mark.parametrize(
    ("category", "amount", "kind"),
    [
        pytest.param("Azure Credits", 5.0, "credits", id="a credit by its category, whatever its sign"),
        pytest.param("Refunds", 5.0, "credits", id="a refund by its category, whatever its sign"),
        pytest.param("Storage", -0.01, "credits", id="what is given back of anything but machines"),
        pytest.param("", -0.01, "credits", id="what is given back of nobody knows what"),
        pytest.param("Virtual Machines", -0.01, "machines", id="what is given back of machines is theirs"),
        pytest.param("Storage", 0.0, "storage", id="nothing is not given back"),
        pytest.param("Virtual Machines Licenses", 1.0, "machines", id="a licence is a part of its machine"),
        pytest.param("SQL Database", 1.0, "other", id="any other service"),
    ],
)
def test_what_is_given_back_is_a_credit_but_for_machines(category: str, amount: float, kind: str) -> None:
    assert kind_of(billed(category, amount=amount)) == kind


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Managed Disk", "disks"),
        ("Load Balancing", "load balancers"),
        ("Overage LB Rules", "load balancers"),
        ("Inter-Region Data Transfer", "bandwidth"),
        ("Peering Bandwidth", "bandwidth"),
        ("Basic Public IP", "addresses"),
        ("Standard Static Public", "addresses"),
        ("IP Addresses", "addresses"),
        ("LRS Data Stored", "storage"),
        ("Batch Write Operations", "storage"),
    ],
)
def test_a_word_tells_a_meter_wherever_it_stands(words: str, kind: str) -> None:
    assert kind_of(billed(words)) == kind
    assert kind_of(billed("Something", words)) == kind
    assert kind_of(billed("Something", "", words)) == kind


def test_a_size_alone_is_a_machine_and_beside_another_service_it_is_not() -> None:
    sizes = ["D4s v3", "D4 v3/D4s v3", "NC24ads A100 v4", "F16 Low Priority", "E4-2s v3 spot"]
    assert [kind_of(billed("", "", each)) for each in sizes] == ["machines"] * 5
    assert [kind_of(billed("Azure Databricks", "", each)) for each in sizes] == ["other"] * 5
    assert [kind_of(billed("", "", each)) for each in ("vCore", "ABCD4", "4 vCPU")] == ["other"] * 3


def test_where_no_product_is_told_a_meter_is_of_both_systems() -> None:
    assert meters_of(billed("", "", "D4 v3/D4s v3")) == [
        MeterOf("d4v3", spot=False, windows=False),
        MeterOf("d4v3", spot=False, windows=True),
        MeterOf("d4sv3", spot=False, windows=False),
        MeterOf("d4sv3", spot=False, windows=True),
    ]
    assert meters_of(billed("", "Dv3 Series", "D4 v3 Spot")) == [MeterOf("d4v3", spot=True, windows=False)]
    assert meters_of(billed("", "Dv3 Series WINDOWS", "D4 v3  low priority")) == [
        MeterOf("d4v3", spot=True, windows=True)
    ]


def test_a_size_is_called_what_its_meter_is_called() -> None:
    assert meter_of_size("Standard_E4-2s_v3", spot=True, windows=False) == MeterOf("e42sv3", spot=True, windows=False)
    assert meter_of_size("small", spot=False, windows=True) == MeterOf("small", spot=False, windows=True)
