"""Rows of an answer: charges, added up by day and group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from bot.sandbox.world.ledger import Charge
from bot.sandbox.world.prices import RATES

from .columns import DIMENSIONS, dimension, tag
from .definition import Query


class Told(NamedTuple):
    """A line of the bill and its currency."""

    charge: Charge
    currency: str


def columns(query: Query) -> list[dict[str, str]]:
    """Names and types: what is added up, the day or month, the groups, the currency."""
    found = [{"name": name, "type": "Number"} for name in query.measures]
    if query.granularity == "daily":
        found.append({"name": "UsageDate", "type": "Number"})
    elif query.granularity == "monthly":
        found.append({"name": "BillingMonth", "type": "Datetime"})
    for group in query.groups:
        if group.type.lower() == "tagkey":
            found += [{"name": "TagKey", "type": "String"}, {"name": "TagValue", "type": "String"}]
        else:
            found.append({"name": DIMENSIONS[group.name.lower()].name, "type": "String"})
    if query.tags:
        found.append({"name": "Tags", "type": "Array"})
    return [*found, {"name": "Currency", "type": "String"}]


def rows(query: Query, told: Iterable[Told]) -> list[list[Any]]:
    """In the order of days and groups."""
    sums: defaultdict[tuple[Any, ...], list[float]] = defaultdict(lambda: [0.0] * len(query.measures))
    for charge, currency in told:
        if not _counts(query, charge) or not query.wanted(charge):
            continue
        row = sums[*_when(query, charge), *_groups(query, charge), *_tags(query, charge), currency]
        for index, measure in enumerate(query.measures):
            row[index] += _amount(query, charge, measure, currency)
    return [[*sums[key], *key] for key in sorted(sums)]


def _counts(query: Query, charge: Charge) -> bool:
    """Usage is what was used; a purchase is not amortized cost, and what was reserved for nothing not actual."""
    if query.type == "Usage":
        return charge.charge_type == "Usage"
    return charge.charge_type != ("UnusedReservation" if query.type == "ActualCost" else "Purchase")


def _when(query: Query, charge: Charge) -> tuple[Any, ...]:
    if query.granularity == "daily":
        return (int(f"{charge.day:%Y%m%d}"),)
    if query.granularity == "monthly":
        return (f"{charge.day:%Y-%m}-01T00:00:00",)
    return ()


def _groups(query: Query, charge: Charge) -> list[str]:
    found = []
    for group in query.groups:
        if group.type.lower() == "tagkey":
            found += [group.name.lower(), tag(charge, group.name)]
        else:
            found.append(dimension(charge, group.name))
    return found


def _tags(query: Query, charge: Charge) -> list[tuple[str, ...]]:
    """Tags are texts of a name and a value in quotes [github.com/mivano/azure-cost-cli, AzureCostApiRetriever.cs]."""
    return [tuple(f'"{key.lower()}":"{charge.tags[key]}"' for key in sorted(charge.tags))] if query.tags else []


def _amount(query: Query, charge: Charge, measure: str, currency: str) -> float:
    if measure == "UsageQuantity":
        return charge.quantity
    amount = charge.amortized if query.type == "AmortizedCost" else charge.actual
    return amount / RATES[currency] if measure.endswith("USD") else amount
