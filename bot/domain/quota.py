"""How much of its quotas an account uses.

The service reports limits only: what is used is summed up over the pools, jobs and schedules. Cores are those of nodes
that have a machine: preempted and deallocated ones hold none. Cores of a VM size are those that Resource Manager lists,
or else its name; a size of which neither says anything counts as none, and is named in :attr:`Used.unknown`. Active
jobs and schedules share one quota, and every one that is not completed uses it, disabled ones too ("Batch service
quotas and limits": completed jobs have no limit).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.azure.models import AccountProperties, VmSize
from bot.domain.cores import cores_of
from bot.domain.pools import PoolFacts, machines
from bot.domain.states import is_active, is_over

QuotaKind: TypeAlias = Literal["dedicated", "spot", "pools", "jobs", "family"]
Level: TypeAlias = Literal["", "near", "nearer", "full"]
"""How close a quota is to its limit."""
NEAR, NEARER, FULL = 80, 90, 100
"""Per cent of a quota: time to ask for more (that takes days), time to hurry, too late."""
_WORDS: Mapping[QuotaKind, str] = {
    "dedicated": "dedicated cores",
    "spot": "spot cores",
    "pools": "pools",
    "jobs": "active jobs and schedules",
}


class Used(Struct, frozen=True):
    """What an account has in use: cores, dedicated ones by VM family (lower case) too, pools, jobs with schedules.

    ``unknown`` are the VM sizes in use whose cores are not known; ``active`` is None where jobs could not be counted.
    ``short`` are the cores that pools want more of than they have: "dedicated", "spot", and VM families.
    """

    dedicated: int = 0
    spot: int = 0
    families: Mapping[str, int] = {}
    pools: int = 0
    active: int | None = 0
    unknown: tuple[str, ...] = ()
    short: frozenset[str] = frozenset()


class Quota(Struct, frozen=True):
    """One quota: of what, how much of it is used, how much there is. ``family`` is a VM family's own name."""

    kind: QuotaKind
    used: int
    limit: int
    family: str = ""
    wanted: bool = False
    """Whether somebody wants more of it than there is now."""

    @property
    def what(self) -> str:
        """What it is of, in words."""
        return f"{self.family} cores" if self.kind == "family" else _WORDS[self.kind]

    @property
    def level(self) -> Level:
        """How close it is to its limit."""
        return level(self.used, self.limit)


def level(used: int, limit: int) -> Level:
    """How close to its limit a quota is. Above the limit (it was lowered) counts as full; nothing of nothing does not.

    An account that may have no spot cores, and has none, is not at its limit.
    """
    share = used * 100 // limit if limit > 0 else FULL if used > 0 else 0
    return "full" if share >= FULL else "nearer" if share >= NEARER else "near" if share >= NEAR else ""


def uses_quota(state: str) -> bool:
    """Whether a job or schedule of this state uses the quota of active jobs and schedules."""
    return not is_over(state)


def used_by(pools: Iterable[PoolFacts], sizes: Mapping[str, VmSize], active: int | None) -> Used:
    """What is in use. ``sizes`` are by lower-case name, ``active`` counts jobs and schedules that use their quota."""
    dedicated = spot = many = 0
    families: Counter[str] = Counter()
    unknown: dict[str, None] = {}
    short: set[str] = set()
    for pool in pools:
        many += 1
        of_dedicated, of_spot = machines(pool)
        cores = cores_of(pool.vm_size, sizes)
        if cores is None:
            if of_dedicated or of_spot:
                unknown[pool.vm_size.lower()] = None
            continue
        dedicated += of_dedicated * cores
        spot += of_spot * cores
        size = sizes.get(pool.vm_size.lower())
        if is_active(pool.state) and pool.target_dedicated > pool.dedicated:
            short |= {"dedicated", size.family.lower() if size else ""}
        if is_active(pool.state) and pool.target_spot > pool.spot:
            short.add("spot")
        if size and of_dedicated:
            families[size.family.lower()] += of_dedicated * cores
    return Used(dedicated, spot, families, many, active, tuple(unknown), frozenset(short))


def quotas_of(account: AccountProperties, used: Used, *, families: Literal["used", "all"] = "used") -> list[Quota]:
    """The quotas that an account has: cores, pools, jobs with schedules, and VM families where these count.

    ``families`` are those in use, or all that the account has a quota of.

    A quota that the account does not have (its subscription's own holds) is left out.
    """
    limits: tuple[tuple[QuotaKind, int | None, int | None], ...] = (
        ("dedicated", used.dedicated, account.dedicated_core_quota),
        ("spot", used.spot, account.low_priority_core_quota),
        ("pools", used.pools, account.pool_quota),
        ("jobs", used.active, account.active_job_and_job_schedule_quota),
    )
    found = [
        Quota(kind, count, limit, wanted=kind in used.short)
        for kind, count, limit in limits
        if limit is not None and count is not None
    ]
    if account.dedicated_core_quota_per_vm_family_enforced:
        found += [
            Quota("family", cores, family.core_quota, family.name, family.name.lower() in used.short)
            for family in account.dedicated_core_quota_per_vm_family or ()
            if (cores := used.families.get(family.name.lower(), 0)) or families == "all"
        ]
    return found
