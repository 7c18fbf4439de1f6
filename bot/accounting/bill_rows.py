"""Which account and pool a line of the bill belongs to. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from bot.azure.cost import CostLine
from storage.port.bill import Basis, BillRow

BATCH = "microsoft.batch/batchaccounts"
"""The type of the resources below which pools are billed that the service allocates."""
ACCOUNT_TAG, POOL_TAG = "batchaccountname", "poolname"
"""What Batch tags the machines with that it allocates in a customer's own subscription ("Batch account allocation
modes")."""
_BELOW = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/microsoft\.batch/batchaccounts/"
    r"(?P<account>[^/]+)(?:/pools/(?P<pool>[^/]+))?/?",
    re.IGNORECASE,
)


class BilledAccount(Struct, frozen=True):
    """An account as the bill knows it: ``name`` in the settings, its own name and group, its storage account's id.

    ``own_machines`` says that its pools lie in the customer's subscription (pool allocation mode UserSubscription).
    """

    name: str
    batch_name: str
    group: str
    storage: str = ""
    own_machines: bool = False


def batch_filter(accounts: Iterable[BilledAccount]) -> Mapping[str, object]:
    """What Cost Management is to tell of accounts whose pools the service allocates: one query for all of them.

    A resource's type, since the ids of pools cannot be known beforehand: those that are gone were billed too.
    """
    storage = sorted({each.storage.lower() for each in accounts if each.storage})
    kind = {"dimensions": {"name": "ResourceType", "operator": "In", "values": [BATCH]}}
    return {"or": [kind, _resources(storage)]} if storage else kind


def tagged_filter(account: BilledAccount) -> Mapping[str, object]:
    """What it is to tell of an account whose pools lie in the customer's subscription."""
    mine = {"tags": {"name": ACCOUNT_TAG, "operator": "In", "values": [account.batch_name]}}
    return {"or": [mine, _resources([account.storage.lower()])]} if account.storage else mine


def _resources(ids: Sequence[str]) -> Mapping[str, object]:
    return {"dimensions": {"name": "ResourceId", "operator": "In", "values": list(ids)}}


def rows_of(lines: Iterable[CostLine], accounts: Sequence[BilledAccount], basis: Basis) -> dict[str, list[BillRow]]:
    """The lines of each account, by its name in the settings; those of other accounts are left out.

    An account that moved to another resource group is known by its name, unless another one of the same name is there.
    """
    exact = {(each.group.lower(), each.batch_name.lower()): each for each in accounts}
    named: dict[str, list[BilledAccount]] = defaultdict(list)
    for account in accounts:
        named[account.batch_name.lower()].append(account)
    storage = {account.storage.lower(): account for account in reversed(accounts) if account.storage}
    found: dict[str, list[BillRow]] = {account.name: [] for account in accounts}
    for line in lines:
        resource = line.resource.lower()
        below = _BELOW.fullmatch(resource)
        if below:
            same = named.get(below["account"], [])
            owner = exact.get((below["group"], below["account"])) or (same[0] if len(same) == 1 else None)
        else:
            owner = storage.get(resource)
        if owner is not None:
            found[owner.name].append(_row(line, owner, basis, (below["pool"] if below else "") or ""))
    return found


def tagged_rows(lines: Iterable[CostLine], account: BilledAccount, basis: Basis) -> list[BillRow]:
    """The lines of an account whose pools lie in the customer's subscription: pools by their tag."""
    return [_row(line, account, basis, line.tag.lower()) for line in lines]


def _row(line: CostLine, account: BilledAccount, basis: Basis, pool: str) -> BillRow:
    return BillRow(
        account.name,
        line.day,
        basis,
        pool,
        line.resource.lower(),
        line.meter,
        line.category,
        line.subcategory,
        line.currency,
        line.amount,
        line.quantity,
        line.unit,
    )
