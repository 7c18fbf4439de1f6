"""The columns of the bill by the names that Cost Management gives them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from bot.sandbox.world.ledger import Charge
from bot.sandbox.world.prices import meter_id


class Column(Struct, frozen=True):
    """A dimension: its name as it is spelt, and its value in a line of the bill."""

    name: str
    value: Callable[[Charge], str]


def _subscription(charge: Charge) -> str:
    return charge.resource_id.split("/")[2] if charge.resource_id.startswith("/subscriptions/") else ""


def _meter_id(charge: Charge) -> str:
    return meter_id(charge.location, charge.meter, f"{charge.category} {charge.subcategory}")


_COLUMNS: Final[Mapping[str, Callable[[Charge], str]]] = {
    "ResourceId": lambda charge: charge.resource_id,
    "ResourceType": lambda charge: charge.resource_type,
    "ResourceGroup": lambda charge: charge.group,
    "ResourceGroupName": lambda charge: charge.group,
    "ResourceLocation": lambda charge: charge.location,
    "SubscriptionId": _subscription,
    "ServiceName": lambda charge: charge.service,
    "ServiceTier": lambda charge: charge.subcategory,
    "Meter": lambda charge: charge.meter,
    "MeterId": _meter_id,
    "MeterCategory": lambda charge: charge.category,
    "MeterSubcategory": lambda charge: charge.subcategory,
    "ChargeType": lambda charge: charge.charge_type,
    "PricingModel": lambda charge: charge.pricing,
    "PublisherType": lambda _: "Azure",
    "ReservationName": lambda charge: charge.reservation,
    "ReservationId": lambda charge: charge.reservation and str(uuid.uuid5(uuid.NAMESPACE_OID, charge.reservation)),
    "BillingMonth": lambda charge: f"{charge.day:%Y-%m}-01T00:00:00",
    "ConsumedService": lambda charge: charge.resource_type.partition("/")[0],
    "Frequency": lambda charge: "OneTime" if charge.charge_type == "Purchase" else "UsageBased",
    **dict.fromkeys(
        (
            *("AccountName", "BenefitId", "BenefitName", "BillingAccountId", "BillingPeriod", "CostAllocationRuleName"),
            *("DepartmentName", "EnrollmentAccountName", "InvoiceNumber", "MarkupRuleName", "PartNumber"),
            *("ResourceGuid", "SubscriptionName"),
        ),
        lambda _: "",
    ),
}
# The names are those the service lists when it refuses another one [github.com/warrendt/Azure2AzureTK,
# 3-CostInformation/README.md]: a unit of measure is none of them. Those the world knows nothing of are empty.

DIMENSIONS: Final = {name.lower(): Column(name, value) for name, value in _COLUMNS.items()}
"""Name in lower case -> dimension."""

MEASURES: Final = ("PreTaxCost", "Cost", "PreTaxCostUSD", "CostUSD", "UsageQuantity")
"""What can be added up."""


def dimension(charge: Charge, name: str) -> str:
    """The value of a dimension, whatever the case of its name."""
    return DIMENSIONS[name.lower()].value(charge)


def tag(charge: Charge, name: str) -> str:
    """The value of a tag, whatever the case of its name; empty where there is none."""
    return next((value for key, value in charge.tags.items() if key.lower() == name.lower()), "")
