"""Where a charge lies: the resources of a pool, which differ by how its account allocates machines."""

from __future__ import annotations

import uuid

from msgspec import Struct

from bot.sandbox.entities import Account
from bot.sandbox.world.ledger.past import PoolFacts


class Place(Struct, frozen=True):
    """A resource as Cost Management tells it: identifiers in lower case."""

    resource_id: str
    resource_type: str
    group: str
    tags: dict[str, str]


_KINDS = {
    "machines": ("microsoft.compute/virtualmachinescalesets", "{name}-azurebatch-vmss-{kind}"),
    "disks": ("microsoft.compute/disks", "{name}-azurebatch-osdisk"),
    "address": ("microsoft.network/publicipaddresses", "{name}-azurebatch-ip"),
    "balancer": ("microsoft.network/loadbalancers", "{name}-azurebatch-lb"),
}


def account_id(account: Account) -> str:
    """The account's id in lower case."""
    return (
        f"/subscriptions/{account.subscription}/resourcegroups/{account.resource_group}"
        f"/providers/microsoft.batch/batchaccounts/{account.name}"
    ).lower()


def place(account: Account, facts: PoolFacts, what: str, *, dedicated: bool = True) -> Place:
    """Of what kind ("machines", "disks", "address", "balancer") of the pool.

    With pool allocation mode BatchService all of it lies below the account, without tags. With UserSubscription it is
    in a resource group of its own, under tags that name pool and account; the names there are of the service's making
    and said nowhere, so these are the likeliest.
    """
    if account.pool_allocation_mode != "UserSubscription":
        pool_id = f"{account_id(account)}/pools/{facts.pool.lower()}"
        return Place(pool_id, "microsoft.batch/batchaccounts", account.resource_group.lower(), {})
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{account_id(account)}/{facts.pool.lower()}")
    group = f"azurebatch-{name}-c"
    kind, pattern = _KINDS[what]
    own = pattern.format(name=name, kind="d" if dedicated else "p")
    provider, _, type_ = kind.partition("/")
    where = f"/subscriptions/{account.subscription.lower()}/resourcegroups/{group}/providers/{provider}/{type_}/{own}"
    tags = {**facts.tags, "poolname": facts.pool, "batchaccountname": account.name}
    return Place(where, kind, group, tags)
