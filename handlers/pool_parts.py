"""The sections of a pool's card, each left out where the pool has nothing of it."""

from __future__ import annotations

from datetime import datetime

from bot.azure.models import Pool, PoolNodeCounts, StartTask, duration
from cards.build import bold, chip, code, facts, muted, text, when
from cards.card import Block, Bullets, Code, Mark, Text, Words
from cards.phrases import duration as spoken
from cards.phrases import number, plural
from handlers.common import identity, named, section

_STALE_HOURS = 24


def resize_errors(pool: Pool, at: datetime) -> list[Block]:
    """Why the last resize fell short. The service keeps the errors until the next one: an old one is marked stale."""
    if not pool.resize_errors:
        return []
    since = pool.allocation_state_transition_time
    stale = bool(since and (at - since).total_seconds() > _STALE_HOURS * 3600)
    told: list[Text] = []
    for error in pool.resize_errors:
        details = "; ".join(f"{value.name} {value.value}" for value in error.values if value.name)
        told.append(text(bold(error.code), ": ", error.message, f" ({details})" if details else ""))
    heading = "The last resize fell short" + (" (stale: over a day old)" if stale else "")
    return section(heading, Words(text(when(since))) if since else None, Bullets(tuple(told)))


def autoscale(pool: Pool) -> list[Block]:
    """The formula, when it ran last and what came out."""
    if not pool.enable_auto_scale:
        return []
    run = pool.auto_scale_run
    interval = duration(pool.auto_scale_evaluation_interval)
    results = (run.results if run else "").replace(";", "\n").strip()
    return section(
        "Autoscale",
        facts(
            ("Every", spoken(interval) if interval else None),
            ("Last run", when(run.timestamp) if run else None),
            ("Error", text(chip(Mark.FAILED, run.error.code), ": ", run.error.message) if run and run.error else None),
        ),
        Code(pool.auto_scale_formula) if pool.auto_scale_formula else None,
        Words(text(muted("It gave "), code(results.replace("\n", "  ")))) if results else None,
    )


def start_task(task: StartTask | None, entry: PoolNodeCounts | None = None) -> list[Block]:
    """What every node runs first, and on how many nodes that failed."""
    if task is None:
        return []
    failed = entry.dedicated.start_task_failed + entry.low_priority.start_task_failed if entry else 0
    waiting = entry.dedicated.waiting_for_start_task + entry.low_priority.waiting_for_start_task if entry else 0
    return section(
        "Start task",
        Words(text(chip(Mark.FAILED, f"failed on {plural(failed, 'node')}"))) if failed else None,
        Code(task.command_line) if task.command_line else None,
        facts(
            ("Retries", number(task.max_task_retry_count)),
            ("Tasks wait for it", "yes" if task.wait_for_success else "no"),
            ("Runs as", identity(task.user_identity)),
            ("Waiting for it", plural(waiting, "node") if waiting else None),
            ("Image", task.container_settings.image_name if task.container_settings else None),
            ("Resource files", number(len(task.resource_files)) if task.resource_files else None),
            ("Environment", named(task.environment_settings)),
        ),
    )


def image(pool: Pool) -> list[Block]:
    """The operating system image, the agent, disks and containers."""
    machine = pool.virtual_machine_configuration
    if machine is None:
        return []
    source = machine.image_reference
    market = " ".join(filter(None, (source.publisher, source.offer, source.sku, source.version))) if source else ""
    custom = source and (
        source.virtual_machine_image_id or source.shared_gallery_image_id or source.community_gallery_image_id
    )
    containers = machine.container_configuration
    return section(
        "Image",
        facts(
            ("Image", market or custom or None),
            ("Exact version", source.exact_version if source else None),
            ("Node agent", machine.node_agent_sku_id),
            ("Containers", ", ".join(containers.container_image_names) or containers.type if containers else None),
            ("Licence", machine.license_type),
            ("Extensions", ", ".join(each.name for each in machine.extensions)),
        ),
    )


def hardware(pool: Pool) -> list[Block]:
    """Disks, mounts and placement."""
    machine = pool.virtual_machine_configuration
    disks = [f"{disk.disk_size_gb} GB at LUN {disk.lun}" for disk in machine.data_disks] if machine else []
    placement = machine.node_placement_configuration if machine else None
    mounts = []
    for mount in pool.mount_configuration:
        for kind, told in (
            ("blob", mount.azure_blob_file_system_configuration),
            ("NFS", mount.nfs_mount_configuration),
            ("CIFS", mount.cifs_mount_configuration),
            ("file share", mount.azure_file_share_configuration),
        ):
            if told:
                mounts.append(f"{kind} at {told.relative_mount_path}")
    system = machine.os_disk if machine else None
    return section(
        "Disks",
        facts(
            ("System disk", f"{system.disk_size_gb} GB" if system and system.disk_size_gb else None),
            ("Data disks", ", ".join(disks)),
            ("Mounts", ", ".join(mounts)),
            ("Placement", placement.policy.lower() if placement else None),
            (
                "Encrypted",
                ", ".join(machine.disk_encryption_configuration.targets)
                if machine and machine.disk_encryption_configuration
                else None,
            ),
        ),
    )


def network(pool: Pool) -> list[Block]:
    """Subnet, public addresses and open ports."""
    net = pool.network_configuration
    if net is None:
        return []
    ports = net.endpoint_configuration.inbound_nat_pools if net.endpoint_configuration else ()
    public = net.public_ip_address_configuration
    return section(
        "Network",
        facts(
            ("Subnet", code(net.subnet_id) if net.subnet_id else None),
            ("Public addresses", public.provision if public else None),
            ("Accelerated", "yes" if net.enable_accelerated_networking else None),
            ("Open ports", ", ".join(f"{port.name} {port.backend_port}/{port.protocol}" for port in ports)),
        ),
    )


def the_rest(pool: Pool) -> list[Block]:
    """Packages, users, identities, upgrades and metadata."""
    packages = [f"{each.application_id} {each.version}".strip() for each in pool.application_package_references]
    identities = pool.identity.user_assigned_identities if pool.identity else ()
    return section(
        "More",
        facts(
            ("Packages", ", ".join(packages)),
            ("Users", ", ".join(f"{user.name} ({user.elevation_level})" for user in pool.user_accounts)),
            ("Identities", ", ".join(each.resource_id.rsplit("/", 1)[-1] for each in identities)),
            ("Upgrades", pool.upgrade_policy.mode if pool.upgrade_policy else None),
            ("Metadata", named(pool.metadata)),
        ),
    )
