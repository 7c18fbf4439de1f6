"""How many more nodes fit, and which quota binds."""

from __future__ import annotations

import pytest

from bot.azure.models import AccountProperties, VmSize
from bot.azure.models.resource import FamilyQuota
from bot.domain.headroom import headroom
from bot.domain.quota import Quota, Used

SIZE = VmSize("standard_d4s_v3", "standardDSv3Family", 4, 16.0, 0, True, None)
FAMILIES = (FamilyQuota(name="STANDARDDSV3FAMILY", core_quota=40), FamilyQuota(name="other", core_quota=9))
USED = Used(dedicated=70, spot=11, families={"standarddsv3family": 17})


def account(**quotas: object) -> AccountProperties:
    known = {"dedicated_core_quota": 100, "low_priority_core_quota": 20, "dedicated_core_quota_per_vm_family": FAMILIES}
    return AccountProperties(**known | quotas)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "spot", "nodes", "quota"),
    [
        (account(), False, 7, Quota("dedicated", 70, 100)),
        (account(), True, 2, Quota("spot", 11, 20)),
        (account(dedicated_core_quota=70), False, 0, Quota("dedicated", 70, 70)),
        (account(dedicated_core_quota=60), False, 0, Quota("dedicated", 70, 60)),
        (account(dedicated_core_quota=None), False, None, None),
        (account(low_priority_core_quota=None), True, None, None),
        (None, False, None, None),
        # by family, where that is enforced: whichever leaves less
        (account(dedicated_core_quota_per_vm_family_enforced=True), False, 5,
         Quota("family", 17, 40, "standardDSv3Family")),
        (account(dedicated_core_quota_per_vm_family_enforced=True, dedicated_core_quota=80), False, 2,
         Quota("dedicated", 70, 80)),
        (account(dedicated_core_quota_per_vm_family_enforced=True, dedicated_core_quota_per_vm_family=None), False, 0,
         Quota("family", 17, 0, "standardDSv3Family")),
        (account(dedicated_core_quota_per_vm_family_enforced=True), True, 2, Quota("spot", 11, 20)),
    ],
)  # fmt: skip
def test_the_tightest_quota_says_how_many(
    given: AccountProperties | None, spot: bool, nodes: int | None, quota: Quota | None
) -> None:
    assert headroom(SIZE, given, USED, spot=spot) == (nodes, quota)


def test_a_family_that_is_not_used_yet_has_all_of_its_quota() -> None:
    enforced = account(dedicated_core_quota_per_vm_family_enforced=True)
    assert headroom(SIZE, enforced, Used(dedicated=0), spot=False).nodes == 10


def test_a_size_without_known_cores_says_nothing() -> None:
    unknown = VmSize("standard_x", "f", 0, 0.0, 0, True, None)
    assert headroom(unknown, account(), USED, spot=False) == (None, None)
