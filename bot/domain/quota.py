"""How much of its quotas an account uses, and what nodes cost.

The service tells limits only: what is used is summed up over the pools.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from bot.azure.models import AccountProperties, VmSize
from bot.azure.prices import Prices
from bot.domain.burn import per_hour, with_machine
from bot.domain.cores import cores_from_name
from bot.monitor.scene import PoolView, QuotaView
from cards.formatting import money


def quota_of(
    account: AccountProperties, sizes: Mapping[str, VmSize], pools: Iterable[PoolView], jobs_and_schedules: int
) -> QuotaView:
    """Cores, cores by VM family where that quota is enforced, pools, and active jobs together with schedules.

    Rows are (what in words, used, limit); a quota that the account does not have (its subscription's own holds) has no
    row. Cores of a size that nobody tells count as none.
    """
    pools = list(pools)
    dedicated, spot = 0, 0
    families: Counter[str] = Counter()
    for pool in pools:
        size = sizes.get(pool.vm_size.lower())
        cores = size.vcpus if size and size.vcpus else cores_from_name(pool.vm_size) or 0
        used = with_machine(pool.counts[0]) * cores
        dedicated += used
        spot += with_machine(pool.counts[1]) * cores
        if size:
            families[size.family.lower()] += used
    rows = [
        ("dedicated cores", dedicated, account.dedicated_core_quota),
        ("spot cores", spot, account.low_priority_core_quota),
        ("pools", len(pools), account.pool_quota),
        ("active jobs and schedules", jobs_and_schedules, account.active_job_and_job_schedule_quota),
    ]
    if account.dedicated_core_quota_per_vm_family_enforced:
        rows += [
            (f"{family.name} cores", families[family.name.lower()], family.core_quota)
            for family in account.dedicated_core_quota_per_vm_family or ()
            if families[family.name.lower()]
        ]
    return QuotaView(tuple((what, used, limit) for what, used, limit in rows if limit is not None))


def hourly(prices: Prices, pool: PoolView, nodes: int) -> str:
    """What so many of a pool's nodes cost an hour at list price, in words: ``$3.40/h``. Empty where that is unknown.

    Of a pool that has both, dedicated nodes are meant first.
    """
    dedicated = min(nodes, with_machine(pool.counts[0]))
    burn = per_hour(prices, pool.vm_size, windows=pool.windows, dedicated=dedicated, spot=nodes - dedicated)
    return f"{money(burn.amount, burn.currency)}/h" if burn else ""
