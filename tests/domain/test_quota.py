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


def test_every_pool_adds_to_what_is_used() -> None:
    """Spot cores are those of spot nodes; several pools of one family are one figure."""
    used = used_by(
        [
            pool("standard_d4s_v3", NodeCounts(idle=1), NodeCounts(idle=2)),
            pool("standard_d4s_v3", NodeCounts(running=5), NodeCounts(running=3)),
            pool("standard_nc6s_v3", NodeCounts(idle=1), NodeCounts(offline=7)),
            pool("standard_nc6s_v3", NodeCounts(), NodeCounts(idle=1)),
        ],
        SIZES,
        9,
    )
    assert (used.dedicated, used.spot) == (4 + 20 + 6, 8 + 12 + 42 + 6)
    assert used.families == {"standarddsv3family": 24, "standardncsv3family": 6}
    assert (used.pools, used.active, used.unknown, used.short) == (4, 9, (), frozenset())


def test_sizes_that_are_not_known_are_named_once_and_only_where_they_have_nodes() -> None:
    used = used_by(
        [
            pool("Standard_D3_v2", NodeCounts()),
            pool("Standard_D4_v2", NodeCounts(), NodeCounts(idle=1)),
            pool("standard_d4_v2", NodeCounts(idle=1)),
            pool("standard_d4s_v3", NodeCounts(idle=1)),
        ],
        SIZES,
        None,
    )
    assert (used.unknown, used.dedicated, used.spot, used.active) == (("standard_d4_v2",), 4, 0, None)


@pytest.mark.parametrize(
    ("state", "dedicated", "spot", "short"),
    [
        ("active", (2, 3), (1, 1), {"dedicated", "standarddsv3family"}),
        ("active", (3, 3), (1, 2), {"spot"}),
        ("active", (3, 2), (2, 1), set()),
        ("active", (0, 1), (0, 1), {"dedicated", "spot", "standarddsv3family"}),
        ("deleting", (0, 1), (0, 1), set()),
    ],
)
def test_of_what_pools_want_more(
    state: str, dedicated: tuple[int, int], spot: tuple[int, int], short: set[str]
) -> None:
    """(nodes that are there, nodes that are wanted) of either sort."""
    facts = PoolFacts(
        "a",
        state=state,
        vm_size="Standard_D4s_v3",
        dedicated=dedicated[0],
        target_dedicated=dedicated[1],
        spot=spot[0],
        target_spot=spot[1],
    )
    assert used_by([facts], SIZES, 0).short == short


def test_a_quota_says_whether_somebody_wants_more_of_it() -> None:
    account = AccountProperties(
        dedicated_core_quota=40,
        low_priority_core_quota=8,
        pool_quota=10,
        active_job_and_job_schedule_quota=300,
        dedicated_core_quota_per_vm_family_enforced=True,
        dedicated_core_quota_per_vm_family=(FamilyQuota("standardDSv3Family", 8), FamilyQuota("other", 4)),
    )
    facts = PoolFacts(
        "a", state="active", vm_size="standard_d4s_v3", dedicated=1, target_dedicated=2, spot=2, target_spot=2
    )
    assert quotas_of(account, used_by([facts], SIZES, 7)) == [
        Quota("dedicated", 4, 40, wanted=True),
        Quota("spot", 8, 8),
        Quota("pools", 1, 10),
        Quota("jobs", 7, 300),
        Quota("family", 4, 8, "standardDSv3Family", wanted=True),
    ]
    assert [each.kind for each in quotas_of(account, used_by([facts], SIZES, None))] == [
        "dedicated",
        "spot",
        "pools",
        "family",
    ], "jobs that could not be counted are no figure"


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
        (89, 100, "near"),
        (99, 100, "nearer"),
        (1, 1, "full"),
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
