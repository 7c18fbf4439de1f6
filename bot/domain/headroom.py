"""How many more nodes the quotas leave room for, and which quota is the first to say no."""

from __future__ import annotations

from typing import NamedTuple

from bot.azure.models import AccountProperties, VmSize
from bot.domain.quota import Quota, Used


class Headroom(NamedTuple):
    """``nodes`` more fit, by the ``quota`` that binds; both None where no quota is known."""

    nodes: int | None
    quota: Quota | None


def headroom(size: VmSize, account: AccountProperties | None, used: Used, *, spot: bool) -> Headroom:
    """How many more nodes of a VM size fit. Spot nodes have a quota of their own, and none by family."""
    if account is None or not size.vcpus:
        return Headroom(None, None)
    quotas: list[Quota] = []
    if spot:
        if account.low_priority_core_quota is not None:
            quotas.append(Quota("spot", used.spot, account.low_priority_core_quota))
    else:
        if account.dedicated_core_quota is not None:
            quotas.append(Quota("dedicated", used.dedicated, account.dedicated_core_quota))
        if account.dedicated_core_quota_per_vm_family_enforced:
            limits = {each.name.lower(): each.core_quota for each in account.dedicated_core_quota_per_vm_family or ()}
            family = size.family.lower()
            quotas.append(Quota("family", used.families.get(family, 0), limits.get(family, 0), size.family))
    if not quotas:
        return Headroom(None, None)
    tightest = min(quotas, key=lambda quota: quota.limit - quota.used)
    return Headroom(max(0, tightest.limit - tightest.used) // size.vcpus, tightest)
