"""What the accounts of the demo have beside work: applications and pools that are parked between projects."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.sandbox.entity_specs import PoolSpecification
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.applications import Application, Package, application
from bot.sandbox.world.scenarios.parts import UBUNTU, WINDOWS, metadata

# show | department | size | days since it was made
_PARKED = """
amber comp E4ds_v5 212
amber lighting F8s_v2 212
aurora fx F16s_v2 96
aurora layout D4s_v3 131
aurora previs D4s_v3 133
basalt fx F16s_v2 74
basalt layout D4s_v3 88
basalt matchmove D8s_v3 69
cinder crowd F8s_v2 44
cinder fx F16s_v2 39
cinder layout D4s_v3 47
delta conform D4ads_v5 301
delta lighting F8s_v2 318
ember comp E8ds_v5 158
ember groom D8s_v3 149
fjord lighting F8s_v2 26
fjord previs D4s_v3 31
granite archive D2s_v3 402
granite comp E4ds_v5 365
harbor transcode D4ads_v5 19
trailer finals E8ds_v5 12
"""


def park(account: AccountState) -> None:
    """Pools of past and coming projects: without nodes, and nothing happens to them."""
    now = account.world.time
    for line in _PARKED.strip().splitlines():
        show, department, size, days = line.split()
        made = now - timedelta(days=int(days), hours=len(line), minutes=7 * len(show))
        account.allocator.add(
            f"{show}-{department}",
            PoolSpecification(
                display_name=f"{show.capitalize()}, {department}",
                vm_size=f"Standard_{size}",
                virtual_machine_configuration=WINDOWS if department == "conform" else UBUNTU,
                task_slots_per_node=2 if department in ("comp", "layout") else 1,
                metadata=metadata(show=show, department=department),
            ),
            since=made,
        )


def _package(version: str, made: datetime, *, pending: bool = False) -> Package:
    later = timedelta(minutes=4)
    return Package(version=version, modified=made + later, activated=None if pending else made + later)


def _keep(account: AccountState, *applications: Application) -> None:
    account.applications |= {one.id: one for one in applications}


def studio_applications(account: AccountState) -> None:
    """What the studio's nodes are given."""
    now = account.world.time

    def ago(days: float) -> datetime:
        return now - timedelta(days=days)

    _keep(
        account,
        application(
            "renderer",
            ago(420),
            _package("3.9", ago(420)),
            _package("4.0", ago(160)),
            _package("4.1", ago(41.2)),
            _package("4.2-rc1", ago(1.3), pending=True),
            display_name="Renderer",
            default="4.1",
        ),
        application(
            "denoise-models", ago(88), _package("2026.2", ago(88)), _package("2026.3", ago(11.6)), default="2026.3"
        ),
        application("ffmpeg", ago(240), _package("6.1", ago(240)), display_name="FFmpeg", allow_updates=False),
        application("colour-transforms", ago(0.4), _package("1.0", ago(0.4), pending=True), display_name="Looks"),
    )


def engineering_applications(account: AccountState) -> None:
    """What the engineers' nodes are given."""
    now = account.world.time
    _keep(
        account,
        application(
            "flow-solver",
            now - timedelta(days=300),
            _package("11", now - timedelta(days=300)),
            _package("12", now - timedelta(days=58)),
            display_name="Flow solver",
            default="12",
        ),
        application("mesh-tools", now - timedelta(days=75), _package("0.7.1", now - timedelta(days=75))),
    )
