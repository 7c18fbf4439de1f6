"""What of its quotas an account uses."""

from __future__ import annotations

import pytest

from bot.azure.models import AccountProperties, FamilyQuota, NodeCounts
from bot.domain.pools import PoolFacts
from bot.domain.quota import Level, Quota, level, quotas_of, used_by, uses_quota
from tests.domain.accounts import SIZES


def pool(size: str, dedicated: NodeCounts, spot: NodeCounts | None = None) -> PoolFacts:
    return PoolFacts(size, vm_size=size, counts=(dedicated, spot or NodeCounts()))


def test_cores_of_nodes_that_have_a_machine() -> None:
    used = used_by(
        [
            pool("STANDARD_D4S_V3", NodeCounts(unusable=1, running=2), NodeCounts(preempted=5, idle=1)),
            pool("standard_d8s_v5", NodeCounts(idle=1), NodeCounts()),
            pool("standard_d3_v2", NodeCounts(idle=1)),
        ],
        SIZES,
        7,
    )
    assert (used.dedicated, used.spot) == (3 * 4 + 8, 4)
    assert used.families == {"standarddsv3family": 12}
    assert used.unknown == ("standard_d3_v2",)
    assert (used.pools, used.active) == (3, 7)


def test_nodes_that_are_not_counted_yet_are_those_the_pool_tells() -> None:
    facts = PoolFacts("a", vm_size="standard_nc6s_v3", dedicated=2, spot=1)
    used = used_by([facts], SIZES, 0)
    assert (used.dedicated, used.spot) == (12, 6)


def test_quotas_that_the_account_has() -> None:
    account = AccountProperties(
        dedicated_core_quota=40,
        pool_quota=10,
        dedicated_core_quota_per_vm_family_enforced=True,
        dedicated_core_quota_per_vm_family=(FamilyQuota("standardDSv3Family", 8), FamilyQuota("other", 4)),
    )
    used = used_by([pool("standard_d4s_v3", NodeCounts(idle=2))], SIZES, 3)
    assert quotas_of(account, used) == [
        Quota("dedicated", 8, 40),
        Quota("pools", 1, 10),
        Quota("family", 8, 8, "standardDSv3Family"),
    ]
    assert [each.what for each in quotas_of(account, used)] == ["dedicated cores", "pools", "standardDSv3Family cores"]


@pytest.mark.parametrize(
    ("used", "limit", "how"),
    [
        (79, 100, ""),
        (80, 100, "near"),
        (90, 100, "nearer"),
        (100, 100, "full"),
        (8, 4, "full"),
        (0, 0, ""),
        (1, 0, "full"),
    ],
)
def test_how_close_to_the_limit(used: int, limit: int, how: Level) -> None:
    assert level(used, limit) == how


@pytest.mark.parametrize("state", ["active", "Disabled", "disabling", "enabling", "terminating", "deleting"])
def test_what_is_not_over_uses_the_quota(state: str) -> None:
    assert uses_quota(state)
    assert not uses_quota("Completed")
