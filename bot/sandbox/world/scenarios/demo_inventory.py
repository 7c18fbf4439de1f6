"""What the demo's accounts have beside daily work: applications, certificates, pools parked between projects."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.entity_specs import (
    JobPreparationTask,
    JobReleaseTask,
    JobSpecification,
    PoolSpecification,
    TaskSpecification,
)
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.applications import Application, Package, application
from bot.sandbox.world.behaviour import Work
from bot.sandbox.world.certificates import certificate
from bot.sandbox.world.live import Preparation
from bot.sandbox.world.scenarios.parts import UBUNTU, WINDOWS, Batch, later, metadata, on

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


def certificates(account: AccountState) -> None:
    """Three that somebody added long ago: one in use, one on its way out, one that two pools hold on to."""
    now = account.world.time

    def add(name: str, days: float, **rest: Any) -> None:
        made = certificate(f"{account.world.seed}/{account.facts.name}", name, now - timedelta(days=days), **rest)
        account.certificates[made.id] = made

    add("licence.render.example", 402)
    add("storage-2024.render.example", 640, state="deleting", since=now - timedelta(minutes=25), kind="Cer")
    add(
        "queue.render.example",
        511,
        state="deletefailed",
        since=now - timedelta(days=2, hours=3),
        used_by=("granite-archive", "granite-comp"),
    )


def calibration(account: AccountState) -> None:
    """A job of every eight hours whose preparation fails on one node, which then takes none of its tasks."""
    world = account.world

    def calibrate() -> None:
        later(world, 8 * 3600.0, calibrate)
        for last in list(account.jobs.values()):
            if last.id.startswith("calibrate-") and last.state == "active":
                account.job_lifecycle.terminate(last)
        pool = account.pool("montecarlo")
        job = account.job_lifecycle.add(
            f"calibrate-{world.time:%m%d-%H%M}",
            JobSpecification(
                display_name="Calibration",
                pool_info=on(pool.id),
                job_preparation_task=JobPreparationTask(command_line="/bin/bash -c './fetch-quotes.sh'"),
                job_release_task=JobReleaseTask(command_line="/bin/bash -c 'rm -rf $AZ_BATCH_NODE_SHARED_DIR/quotes'"),
            ),
        )
        ill = next((node for node in pool.ordered() if node.open), None)
        if ill is not None:
            ended = world.time + timedelta(seconds=14)
            job.preparations[ill.id] = Preparation(node_id=ill.id, start_time=world.time, end_time=ended, exit_code=17)
        Batch(
            count=16,
            task_id="desk-{n:02}",
            command="/bin/bash -c 'python calibrate.py --desk {n}'",
            spec=TaskSpecification(),
            work=Work(median=150.0),
        ).add(account, job)

    later(world, 700.0, calibrate)
