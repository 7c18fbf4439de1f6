"""What scenarios are put together from: accounts, images, start tasks, and workloads that follow the hours."""

from __future__ import annotations

import contextlib
import math
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from bot.sandbox.entities import Account, VirtualMachineFamilyCoreQuota
from bot.sandbox.entity_parts import (
    AutoUserSpecification,
    ContainerConfiguration,
    ImageReference,
    NameValuePair,
    NodePlacementConfiguration,
    ResourceFile,
    StartTask,
    UserIdentity,
    VirtualMachineConfiguration,
)
from bot.sandbox.entity_specs import JobSpecification, PoolInformation, TaskSpecification
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import Work
from bot.sandbox.world.engine import World
from bot.sandbox.world.keys import derived_key
from bot.sandbox.world.live import LiveJob
from bot.sandbox.world.refused import Refused

ADMIN = UserIdentity(auto_user=AutoUserSpecification(scope="pool", elevation_level="admin"))

UBUNTU = VirtualMachineConfiguration(
    image_reference=ImageReference(
        publisher="canonical", offer="0001-com-ubuntu-server-jammy", sku="22_04-lts", version="latest"
    ),
    node_agent_sku_id="batch.node.ubuntu 22.04",
    node_placement_configuration=NodePlacementConfiguration(policy="Regional"),
)
HPC = VirtualMachineConfiguration(
    image_reference=ImageReference(publisher="microsoft-dsvm", offer="ubuntu-hpc", sku="2204", version="latest"),
    node_agent_sku_id="batch.node.ubuntu 22.04",
    node_placement_configuration=NodePlacementConfiguration(policy="Regional"),
)
WINDOWS = VirtualMachineConfiguration(
    image_reference=ImageReference(
        publisher="microsoftwindowsserver", offer="windowsserver", sku="2022-datacenter-smalldisk", version="latest"
    ),
    node_agent_sku_id="batch.node.windows amd64",
    node_placement_configuration=NodePlacementConfiguration(policy="Regional"),
)


def containers(image: str) -> VirtualMachineConfiguration:
    """Machines that run containers, with an image fetched ahead."""
    return VirtualMachineConfiguration(
        image_reference=ImageReference(publisher="microsoft-dsvm", offer="ubuntu-hpc", sku="2204", version="latest"),
        node_agent_sku_id="batch.node.ubuntu 22.04",
        container_configuration=ContainerConfiguration(type="dockerCompatible", container_image_names=[image]),
        node_placement_configuration=NodePlacementConfiguration(policy="Regional"),
    )


def add_account(
    world: World,
    name: str,
    location: str,
    *,
    dedicated: int,
    spot: int,
    families: Mapping[str, int],
    pools: int = 100,
    jobs: int = 300,
    tags: dict[str, str] | None = None,
) -> AccountState:
    """An account in a subscription of its own; its keys and ids follow from the world's seed and its name."""
    seed = f"{world.seed}/{name}"

    group = f"{name}-rg"
    subscription = str(uuid.uuid5(uuid.NAMESPACE_URL, f"subscription/{seed}"))
    storage = "".join(filter(str.isalnum, name)) + "files"
    return world.add_account(
        Account(
            name=name,
            subscription=subscription,
            resource_group=group,
            location=location,
            endpoint=f"https://{name}.{location}.batch.azure.com",
            keys=(derived_key(seed, "primary"), derived_key(seed, "secondary")),
            dedicated_core_quota=dedicated,
            low_priority_core_quota=spot,
            families=[
                VirtualMachineFamilyCoreQuota(name=family, core_quota=cores) for family, cores in families.items()
            ],
            families_enforced=True,
            pool_quota=pools,
            job_quota=jobs,
            pool_allocation_mode="BatchService",
            auto_storage_account_id=f"/subscriptions/{subscription}/resourceGroups/{group}"
            f"/providers/Microsoft.Storage/storageAccounts/{storage}",
            tags=tags,
        )
    )


def install(command: str, *, retries: int = 1) -> StartTask:
    """A start task that installs something as administrator and must succeed."""
    return StartTask(
        command_line=f"/bin/bash -c '{command}'",
        resource_files=[
            ResourceFile(http_url="https://assets.blob.core.windows.net/setup/setup.sh", file_path="setup.sh")
        ],
        user_identity=ADMIN,
        max_task_retry_count=retries,
        wait_for_success=True,
    )


def metadata(**items: str) -> list[NameValuePair]:
    """Metadata items."""
    return [NameValuePair(name=name, value=value) for name, value in items.items()]


def on(pool_id: str) -> PoolInformation:
    """A job runs on this pool."""
    return PoolInformation(pool_id=pool_id)


def later(world: World, seconds: float, event: Callable[..., object], *args: object) -> None:
    """Calls the event then. What it asks may be refused by that time: a quota is spent, somebody deleted the pool."""
    world.after(seconds, _happen, event, args)


def _happen(event: Callable[..., object], args: tuple[object, ...]) -> None:
    with contextlib.suppress(Refused):
        event(*args)


@contextlib.contextmanager
def apart(world: World) -> Iterator[None]:
    """What is made inside draws its chances from a generator of its own: the rest of the history stays as it was."""
    shared, world.rng = world.rng, random.Random(f"{world.seed}/apart")
    try:
        yield
    finally:
        world.rng = shared


class Batch(Struct, kw_only=True):
    """A batch of like tasks: how many, under which ids and commands ("{n}" is the number), and how they behave."""

    count: int
    task_id: str
    command: str
    spec: TaskSpecification
    work: Work
    first: int = 1

    def add(self, account: AccountState, job: LiveJob) -> None:
        """Adds them all."""
        for number in range(self.first, self.first + self.count):
            name = self.task_id.format(n=number)
            account.runner.add(job, name, self.command.format(n=number), self.spec, work=self.work)


def submit(account: AccountState, job_id: str, spec: JobSpecification, *batches: Batch, ends: bool = True) -> LiveJob:
    """A job with its tasks; with `ends` it terminates once all have completed."""
    job = account.job_lifecycle.add(job_id, spec)
    for batch in batches:
        batch.add(account, job)
    if ends:
        account.job_lifecycle.set_on_all_tasks_complete(job, "terminatejob")
    return job


def give_up(account: AccountState, job: LiveJob, *, hours: float) -> None:
    """Terminates the job after so many hours: where a parent failed its dependents wait for ever, till one notices."""

    def notice() -> None:
        if job.state == "active":
            account.job_lifecycle.terminate(job)

    later(account.world, hours * 3600, notice)


def rhythm(now: datetime, *, opens: float, closes: float) -> float:
    """How busy people are, 0.22 to 1: the hours UTC in which an office works, softly, and less at weekends."""
    hour = now.hour + now.minute / 60
    length = (closes - opens) % 24
    since = (hour - opens) % 24
    awake = math.sin(math.pi * since / length) ** 0.6 if since < length else 0.0
    return max(0.22, awake * (0.35 if now.weekday() >= 5 else 1.0))


def stream(
    world: World,
    submits: Callable[[], None],
    *,
    a_day: float,
    opens: float = 8,
    closes: float = 18,
    steady: bool = False,
) -> None:
    """Calls `submits` about so many times on a working day, at times of chance that follow the office hours."""
    step = 600.0
    share = 1 / 24 if steady else 1.35 / ((closes - opens) % 24)

    def tick() -> None:
        level = 1.0 if steady else rhythm(world.time, opens=opens, closes=closes)
        expected = a_day * share * level * step / 3600
        while expected > 0:
            if world.rng.random() < min(1.0, expected):
                later(world, world.rng.uniform(0, step), submits)
            expected -= 1.0
        world.after(step, tick)

    world.after(0.0, tick)
