from __future__ import annotations

import json

import pytest

from bot.azure.errors import AzureError
from bot.azure.models import VmSize
from bot.monitor.cores_by_size import ASK_AGAIN, CoresBySize, cores_from_name
from tests.shared import shared


def test_a_name_that_is_read_is_read_right() -> None:
    sizes = json.loads(shared("azure/vm-sizes.json").read_text())["sizes"]
    read = {name: cores_from_name(name) for name in sizes}
    wrong = {name: cores for name, cores in read.items() if cores not in (None, sizes[name]["vcpus"])}
    assert wrong == {}
    assert sum(cores is not None for cores in read.values()) > len(sizes) * 0.7


@pytest.mark.parametrize(
    ("name", "cores"),
    [
        ("Standard_D4s_v3", 4),
        ("STANDARD_NC16AS_T4_V3", 16),
        ("standard_hb120rs_v3", 120),
        ("Standard_A4m_v2", 4),
        ("Standard_D3_v2", None),
        ("Standard_A7", None),
        ("Basic_A1", None),
        ("Standard_GS5", None),
        ("Standard_E4-2s_v3", None),
        ("small", None),
        ("", None),
    ],
)
def test_names(name: str, cores: int | None) -> None:
    assert cores_from_name(name) == cores


class Arm:
    name = "render"

    def __init__(self) -> None:
        self.calls = 0
        self.refuses = True

    async def vm_sizes(self) -> dict[str, VmSize]:
        self.calls += 1
        if self.refuses:
            raise AzureError("NoTokenCredential", "a shared key does not open ARM")
        return {"standard_d3_v2": VmSize("Standard_D3_v2", "", 4, 14.0, 0, True, None)}


async def test_names_stand_in_until_arm_answers() -> None:
    arm, now = Arm(), 0.0
    table = CoresBySize(arm, clock=lambda: now)
    cores = await table.by_size()
    assert (cores("Standard_D3_v2"), cores("Standard_F8s_v2")) == (None, 8)
    assert table.from_names == {"Standard_F8s_v2"}
    await table.by_size()
    assert arm.calls == 1, "a refusal is not asked for again at once"
    now, arm.refuses = ASK_AGAIN, False
    cores = await table.by_size()
    assert cores("STANDARD_D3_V2") == 4
