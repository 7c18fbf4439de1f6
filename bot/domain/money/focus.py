"""Costs as rows that finance programs load: columns of FOCUS 1.2, and own ones that begin with ``x_``. Pure.

A row from the bill carries BilledCost (the actual bill) and EffectiveCost (the amortized one). An estimate, which is
own usage at its rates, carries neither: it has ListCost and ``x_EstimatedCost``.

See https://focus.finops.org/focus-specification/v1-2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias

from bot.domain.entity import schedule_of
from bot.domain.money.ledger import JobSpend, LedgerRow
from bot.domain.money.meters import kind_of, meters_of
from bot.domain.money.spans import utc_day
from bot.domain.money.spend import NOTHING, Spend
from storage.port.bill import BillRow
from storage.port.core_use import CoreUse

Cell: TypeAlias = str | float | None

FOCUS: Final = (
    "BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingAccountId", "BillingAccountName",
    "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd",
    "ChargeCategory", "ChargeClass", "ChargeFrequency", "ChargeDescription", "PricingCategory", "PricingQuantity",
    "PricingUnit", "ConsumedQuantity", "ConsumedUnit", "ListUnitPrice", "ServiceCategory", "ServiceName",
    "RegionId", "RegionName", "ResourceId", "ResourceName",
    "ResourceType", "SkuId", "SkuMeter", "SubAccountId", "Tags", "ProviderName", "PublisherName", "InvoiceIssuerName",
)  # fmt: skip
"""Columns of FOCUS 1.2 that are written, by their names there."""
OWN: Final = (
    "x_BatchAccount", "x_PoolId", "x_JobId", "x_JobScheduleId", "x_VmSize", "x_IsSpot", "x_EstimatedCost",
    "x_BusyCost", "x_IdleCost", "x_IdleReason", "x_CoreHours", "x_Source",
)  # fmt: skip
_ACCOUNT: Final = "microsoft.batch/batchaccounts"
COLUMNS: Final = (*FOCUS, *OWN)
_CATEGORIES: Final = {
    "machines": "Compute",
    "disks": "Storage",
    "storage": "Storage",
    "addresses": "Networking",
    "load balancers": "Networking",
    "bandwidth": "Networking",
}


_Line: TypeAlias = tuple[date, str, str, str, str, str, str, str]


def billed_rows(
    rows: Iterable[BillRow], *, subscription: str, region: str, batch_name: str
) -> Iterator[dict[str, Cell]]:
    """A row for each meter, resource and day of the bill: both bases of it in one."""
    together: dict[_Line, dict[str, float]] = {}
    first: dict[_Line, BillRow] = {}
    for row in rows:
        key = (row.day, row.pool, row.resource, row.meter, row.category, row.subcategory, row.currency, row.unit)
        costs = together.setdefault(key, {})
        costs[row.basis] = costs.get(row.basis, 0.0) + row.amount
        costs[f"{row.basis} quantity"] = costs.get(f"{row.basis} quantity", 0.0) + row.quantity
        first.setdefault(key, row)
    for key, row in sorted(first.items(), key=lambda each: (each[1].day, each[1].pool, each[1].meter)):
        costs, kind = together[key], kind_of(row)
        spot = kind == "machines" and any(each.spot for each in meters_of(row))
        quantity = costs.get("actual quantity", costs.get("amortized quantity"))
        hours = row.unit.lower() in ("1 hour", "hours")
        unit = "Hours" if hours else row.unit or None
        yield _row(
            row.day,
            row.currency,
            subscription=subscription,
            region=region,
            BilledCost=costs.get("actual", 0.0),
            EffectiveCost=costs.get("amortized", 0.0),
            ChargeCategory="Credit" if kind == "credits" else "Usage",
            ChargeDescription=" · ".join(filter(None, [row.category, row.subcategory, row.meter])),
            PricingCategory="Dynamic" if spot else "Standard",
            PricingQuantity=quantity,
            PricingUnit=unit,
            ConsumedQuantity=quantity,
            ConsumedUnit=unit,
            ServiceCategory=_CATEGORIES.get(kind, "Other"),
            ServiceName=row.category or ("Virtual Machines" if kind == "machines" else "Azure Batch"),
            ResourceId=row.resource or None,
            ResourceName=row.pool or row.resource.rpartition("/")[2] or None,
            ResourceType=_type(row.resource),
            SkuMeter=row.meter,
            x_BatchAccount=batch_name,
            x_PoolId=row.pool or None,
            x_IsSpot=_yes(spot) if kind == "machines" else None,
            x_Source="bill",
        )


def estimated_rows(
    ledger: Iterable[LedgerRow],
    jobs: Iterable[JobSpend],
    *,
    subscription: str,
    region: str,
    batch_name: str,
    account_id: str,
) -> Iterator[dict[str, Cell]]:
    """A row for each job of a pool, day and kind of nodes, with its share of idle time; the rest without a job.

    ``account_id`` is the resource that pools lie below. They sum to the ledger.
    """
    nobody = (JobSpend(row.pool, "", row.start, NOTHING, row.spend) for row in ledger if not row.pool)
    for each in sorted([*jobs, *nobody], key=lambda each: (each.start, each.pool, each.job, each.vm_size)):
        size, tags = each.vm_size, each.tags
        resource = f"{account_id}/pools/{each.pool}" if each.pool else account_id
        for spot in (False, True):
            busy, idle = _of_kind(each.own, spot=spot), _of_kind(each.idle_share, spot=spot)
            hours = busy[0].total + idle[0].total
            if not hours:
                continue
            cost = busy[1].total + idle[1].total or None
            reasons = idle[0].reasons()
            yield _row(
                utc_day(each.start),
                each.own.currency or each.idle_share.currency,
                subscription=subscription,
                region=region,
                ListCost=cost,
                ChargeCategory="Usage",
                ChargeDescription=_told(each),
                PricingCategory="Dynamic" if spot else "Standard",
                PricingQuantity=hours,
                PricingUnit="Core-Hours",
                ConsumedQuantity=hours,
                ConsumedUnit="Core-Hours",
                ListUnitPrice=cost / hours if cost is not None else None,
                ServiceCategory="Compute",
                ServiceName="Azure Batch",
                ResourceId=resource.lower(),
                ResourceName=each.pool or batch_name,
                ResourceType=f"{_ACCOUNT}/pools" if each.pool else _ACCOUNT,
                SkuId=size or None,
                Tags=json.dumps(dict(tags), ensure_ascii=False, sort_keys=True),
                x_BatchAccount=batch_name,
                x_PoolId=each.pool or None,
                x_JobId=each.job or None,
                x_JobScheduleId=schedule_of(each.job) or None,
                x_VmSize=size or None,
                x_IsSpot=_yes(spot),
                x_EstimatedCost=cost,
                x_BusyCost=busy[1].total if cost is not None else None,
                x_IdleCost=idle[1].total if cost is not None else None,
                x_IdleReason=max(reasons, key=lambda reason: reasons[reason]) if idle[0].total else None,
                x_CoreHours=hours,
                x_Source="estimate",
            )


def _of_kind(spend: Spend, *, spot: bool) -> tuple[CoreUse, CoreUse]:
    """Core-hours and money of one kind of nodes."""
    return (spend.spot_hours, spend.spot_money) if spot else (spend.hours, spend.money)


def _told(spend: JobSpend) -> str:
    if spend.job:
        return f"Job {spend.job} in pool {spend.pool} at its rates, with its share of idle time"
    return f"Pool {spend.pool} at its rates, of no known job" if spend.pool else "Usage of no known pool"


def _row(day: date, currency: str, *, subscription: str, region: str, **cells: Cell) -> dict[str, Cell]:
    month = day.replace(day=1)
    found: dict[str, Cell] = dict.fromkeys(COLUMNS)
    found |= {
        "BillingCurrency": currency or None,
        "BillingPeriodStart": _instant(month),
        "BillingPeriodEnd": _instant((month + timedelta(days=31)).replace(day=1)),
        "ChargePeriodStart": _instant(day),
        "ChargePeriodEnd": _instant(day + timedelta(days=1)),
        "ChargeFrequency": "Usage-Based",
        "RegionId": region or None,
        "RegionName": region or None,
        "SubAccountId": f"/subscriptions/{subscription}" if subscription else None,
        "Tags": "{}",
        "ProviderName": "Microsoft",
        "PublisherName": "Microsoft",
        "InvoiceIssuerName": "Microsoft",
    }
    return found | cells


def sums(rows: Iterable[Mapping[str, Cell]], column: str) -> dict[str, float]:
    """A money column summed by currency."""
    found: dict[str, float] = {}
    for row in rows:
        value = row[column]
        if isinstance(value, int | float):
            currency = str(row["BillingCurrency"] or "")
            found[currency] = found.get(currency, 0.0) + value
    return found


def _instant(day: date) -> str:
    return f"{datetime.combine(day, time(), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _type(resource: str) -> str | None:
    parts = resource.rsplit("/providers/", maxsplit=1)[-1].split("/")
    return "/".join([parts[0], *parts[1::2]]) if "/providers/" in resource and len(parts) > 1 else None


def _yes(value: bool) -> str:
    return "true" if value else "false"
