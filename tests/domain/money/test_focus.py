"""The export: columns of FOCUS 1.2 alone beside own ones, estimates never billed, sums as they were given."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.money.focus import COLUMNS, FOCUS, billed_rows, estimated_rows, sums
from bot.domain.money.ledger import JobSpend, LedgerRow, jobs_of
from bot.domain.money.spend import Spend
from storage.port.bill import Basis, BillRow
from storage.port.core_use import CoreUse
from storage.port.samples import JobBucket

DAY = date(2026, 12, 31)
AT = datetime(2026, 12, 31, tzinfo=UTC)
_SPEC = """
AvailabilityZone BilledCost BillingAccountId BillingAccountName BillingAccountType BillingCurrency BillingPeriodEnd
BillingPeriodStart CapacityReservationId CapacityReservationStatus ChargeCategory ChargeClass ChargeDescription
ChargeFrequency ChargePeriodEnd ChargePeriodStart CommitmentDiscountCategory CommitmentDiscountId
CommitmentDiscountName CommitmentDiscountQuantity CommitmentDiscountStatus CommitmentDiscountType
CommitmentDiscountUnit ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice EffectiveCost InvoiceId
InvoiceIssuerName ListCost ListUnitPrice PricingCategory PricingCurrency PricingCurrencyContractedUnitPrice
PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice PricingQuantity PricingUnit ProviderName PublisherName
RegionId RegionName ResourceId ResourceName ResourceType ServiceCategory ServiceName ServiceSubcategory SkuId
SkuMeter SkuPriceDetails SkuPriceId SubAccountId SubAccountName SubAccountType Tags
"""
SPEC = frozenset(_SPEC.split())
"""Column ids of the FOCUS 1.2 specification."""
_MANDATORY = """
BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd BillingPeriodStart ChargeCategory
ChargeClass ChargeDescription ChargePeriodEnd ChargePeriodStart ContractedCost EffectiveCost InvoiceIssuerName
ListCost PricingQuantity PricingUnit ProviderName PublisherName ServiceCategory ServiceName
"""
MANDATORY = frozenset(_MANDATORY.split())
PLACE = {"subscription": "s", "region": "westeurope", "batch_name": "farm"}
amounts = st.floats(-1e5, 1e6).map(lambda value: round(value, 4))


def billed(
    amount: float, basis: Basis = "actual", *, meter: str = "D4s v3", currency: str = "USD", pool: str = "p"
) -> BillRow:
    resource = f"/subscriptions/s/resourcegroups/g/providers/microsoft.batch/batchaccounts/farm/pools/{pool}"
    return BillRow("a", DAY, basis, pool, resource, meter, "Virtual Machines", "Dsv3", currency, amount, 3.0, "1 Hour")


def test_columns_are_of_the_specification_or_own() -> None:
    assert set(FOCUS) <= SPEC
    assert set(FOCUS) >= MANDATORY
    assert all(column in SPEC or column.startswith("x_") for column in COLUMNS)
    assert len(COLUMNS) == len(set(COLUMNS))


@given(
    st.lists(
        st.tuples(
            amounts, st.sampled_from(["D4s v3", "D4s v3 Spot"]), st.sampled_from(["USD", "EUR"]), st.sampled_from("pq")
        )
    )
)
def test_the_bill_sums_to_itself(lines: list[tuple[float, str, str, str]]) -> None:
    rows = [
        billed(amount * part, basis, meter=meter, currency=currency, pool=pool)
        for amount, meter, currency, pool in lines
        for basis, part in (("actual", 1.0), ("amortized", 0.5))
    ]
    found = list(billed_rows(rows, **PLACE))  # type: ignore[arg-type]
    for currency in {row.currency for row in rows}:
        for column, basis in (("BilledCost", "actual"), ("EffectiveCost", "amortized")):
            whole = sum(row.amount for row in rows if row.basis == basis and row.currency == currency)
            assert sums(found, column)[currency] == pytest.approx(whole, abs=1e-6)
    assert all(row["ListCost"] is None and row["x_EstimatedCost"] is None for row in found)


def test_a_billed_row() -> None:
    (row,) = billed_rows([billed(12.5, meter="D4s v3 Spot"), billed(11.5, "amortized", meter="D4s v3 Spot")], **PLACE)
    assert tuple(row) == COLUMNS
    wanted = {
        "BilledCost": 12.5,
        "EffectiveCost": 11.5,
        "BillingPeriodStart": "2026-12-01T00:00:00Z",
        "BillingPeriodEnd": "2027-01-01T00:00:00Z",
        "ChargePeriodStart": "2026-12-31T00:00:00Z",
        "ChargePeriodEnd": "2027-01-01T00:00:00Z",
        "PricingCategory": "Dynamic",
        "PricingQuantity": 3.0,
        "PricingUnit": "Hours",
        "ResourceType": "microsoft.batch/batchaccounts/pools",
        "ResourceName": "p",
        "x_PoolId": "p",
        "x_IsSpot": "true",
        "x_Source": "bill",
    }
    assert {key: row[key] for key in wanted} == wanted


def test_a_billed_row_of_no_pool_is_named_by_its_resource() -> None:
    whole = billed(1.0, pool="farm-storage")
    (row,) = billed_rows([replace(whole, pool="")], **PLACE)
    assert (row["ResourceName"], row["x_PoolId"], row["ResourceId"]) == ("farm-storage", None, whole.resource)
    (row,) = billed_rows([replace(whole, pool="", resource="", category="")], **PLACE)
    assert (row["ResourceName"], row["ResourceId"]) == (None, None)
    assert row["ServiceName"] == "Virtual Machines"


def estimated(*, tags: dict[str, str] | None = None) -> tuple[list[LedgerRow], list[JobSpend]]:
    spend = Spend(
        "USD",
        CoreUse(busy=6, starting=2),
        CoreUse(busy=1, unused=1),
        CoreUse(busy=0.6, starting=0.2),
        CoreUse(busy=0.01, unused=0.01),
    )
    pool = LedgerRow("P", AT, spend, "Standard_D4s_v3", tags or {})
    unknown = LedgerRow("", AT, Spend("USD", CoreUse(unknown=4), unpriced=4))
    jobs = [JobBucket("p", "nightly:job-7", AT, 4 * 3600, 3600), JobBucket("p", "b", AT, 2 * 3600, 0)]
    return [pool, unknown], list(jobs_of([pool], jobs))


def test_an_estimate_is_never_billed_and_sums_to_the_ledger() -> None:
    ledger, jobs = estimated(tags={"owner": 'a "b", {c}'})
    found = list(estimated_rows(ledger, jobs, account_id="/Subscriptions/S/Farm", **PLACE))
    assert all(row["BilledCost"] is None and row["EffectiveCost"] is None for row in found)
    assert sums(found, "ListCost") == {"USD": pytest.approx(0.82)}
    assert sums(found, "x_EstimatedCost") == sums(found, "ListCost")
    assert sum(float(row["x_CoreHours"] or 0) for row in found) == pytest.approx(14)
    for row in found:
        if row["x_EstimatedCost"] is not None:
            assert float(row["x_BusyCost"] or 0) + float(row["x_IdleCost"] or 0) == pytest.approx(
                float(row["x_EstimatedCost"])
            )
    first = next(row for row in found if row["x_JobId"] == "nightly:job-7" and row["x_IsSpot"] == "false")
    assert first["x_JobScheduleId"] == "nightly"
    assert json.loads(str(first["Tags"])) == {"owner": 'a "b", {c}'}
    assert first["ResourceId"] == "/subscriptions/s/farm/pools/p"
    assert {row["BillingCurrency"] for row in found} == {"USD"}, "idle time that is nobody's is in dollars, too"
    (nobody,) = [row for row in found if row["x_PoolId"] is None]
    assert (nobody["ListCost"], nobody["x_CoreHours"]) == (None, 4)


@pytest.mark.parametrize(
    ("resource", "type_", "name"),
    [
        ("/subscriptions/s/providers/Microsoft.Batch/batchAccounts/a/pools/P",
         "Microsoft.Batch/batchAccounts/pools", "P"),
        ("/subscriptions/s/providers/Microsoft.Storage/storageAccounts/x", "Microsoft.Storage/storageAccounts", "x"),
        ("/subscriptions/s/providers/Microsoft.Batch/locations", "Microsoft.Batch/locations", "locations"),
        ("/subscriptions/s/providers/Microsoft.Batch", None, "Microsoft.Batch"),
        ("/subscriptions/s", None, "s"),
        ("", None, None),
    ],
)  # fmt: skip
def test_a_resource_is_told_by_its_type_and_its_name(resource: str, type_: str | None, name: str | None) -> None:
    (row,) = billed_rows([replace(billed(1.0), pool="", resource=resource)], **PLACE)
    assert (row["ResourceType"], row["ResourceName"], row["ResourceId"]) == (type_, name, resource or None)


@pytest.mark.parametrize(
    ("category", "unit", "amount", "told"),
    [
        ("Storage", "10K", 1.0, ("Storage", "Usage", "10K", None)),
        ("Bandwidth", "", 1.0, ("Networking", "Usage", None, None)),
        ("Load Balancer", "hours", 1.0, ("Networking", "Usage", "Hours", None)),
        ("Virtual Machines", "1 Hour", 1.0, ("Compute", "Usage", "Hours", "false")),
        ("Credit", "1 Hour", -1.0, ("Other", "Credit", "Hours", None)),
        ("SQL Database", "1 Hour", 1.0, ("Other", "Usage", "Hours", None)),
    ],
)
def test_what_a_billed_row_is_for(category: str, unit: str, amount: float, told: tuple[str | None, ...]) -> None:
    given = replace(billed(amount, meter="m"), category=category, subcategory="", unit=unit)
    (row,) = billed_rows([given], **PLACE)
    assert (row["ServiceCategory"], row["ChargeCategory"], row["PricingUnit"], row["x_IsSpot"]) == told
    assert (row["ServiceName"], row["ChargeDescription"]) == (category, f"{category} · m")


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (PLACE, ("westeurope", "westeurope", "/subscriptions/s")),
        ({"subscription": "", "region": "", "batch_name": "farm"}, (None, None, None)),
    ],
)
def test_where_it_is_is_told_where_it_is_known(place: dict[str, str], told: tuple[str | None, ...]) -> None:
    (row,) = billed_rows([billed(1.0)], **place)
    assert (row["RegionId"], row["RegionName"], row["SubAccountId"]) == told
