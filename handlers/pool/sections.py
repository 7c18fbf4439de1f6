"""The sections of a pool's card, each left out where the pool has nothing of it; most serve automatic pools as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from bot.azure.models import Pool, PoolNodeCounts, StartTask, SupportedImage, VmSize, duration
from bot.azure.models.job import AutoPool
from bot.azure.models.pool import Mount, PoolSpecification, ResizeError, UpgradePolicy, UserAccount
from bot.azure.models.price import NO_PRICES, Prices
from bot.domain.advice import of_autoscale, of_resize
from bot.domain.pool_health import fell_short
from bot.domain.pools import error_text, reading
from bot.domain.price import of_pool
from cards.build import bold, chip, code, facts, muted, text, when
from cards.card import Block, Bullets, Code, Mark, Text, Words
from cards.formatting import duration as spoken
from cards.formatting import number, plural
from handlers.pool.machine import hardware, image
from handlers.shared import node_counts
from handlers.shared.common import named, section, since, some, tail
from handlers.shared.definition import command_of, packages, setting, yes_no
from handlers.shared.states import pool_chip, support_chip
from handlers.usage import costs

_OLD = timedelta(days=1)
Shape = Pool | PoolSpecification


def resize_errors(pool: Pool, at: datetime) -> list[Block]:
    """Why the last resize fell short. The service keeps the errors until the next one: stale ones say why they are."""
    if not pool.resize_errors:
        return []
    moment = pool.allocation_state_transition_time
    pieces: list[Text] = []
    for error in pool.resize_errors:
        code, words = error_text(error)
        advice = of_resize(code, words)
        pieces.append(text(bold(code), ": ", words))
        pieces.append(text(muted("Cause: "), f"{advice.cause}.", muted(" To do: "), f"{advice.do}."))
    heading = bold("The last resize fell short" + _age(pool, moment, at))
    return [Words(text(heading, *((" · ", when(moment)) if moment else ()))), Bullets(tuple(pieces))]


def _age(pool: Pool, moment: datetime | None, at: datetime) -> str:
    """Whether the errors of a resize still mean something, and whether they are old."""
    old = bool(moment and at - moment > _OLD)
    if not fell_short(reading(pool)):
        return " (stale: over a day old)" if old else " (stale)"
    return " (over a day ago)" if old else ""


def overview(
    pool: Pool, size: VmSize | None, at: datetime, prices: Prices = NO_PRICES, entry: PoolNodeCounts | None = None
) -> Block | None:
    """What most people ask of a pool: its nodes, the machine, what it costs, and who sizes it."""
    return facts(
        ("State", since(pool_chip(pool.state, ""), pool.state_transition_time)
                  if pool.state.lower() != "active" else None),
        ("Allocation", since(pool_chip("active", pool.allocation_state), pool.allocation_state_transition_time)),
        ("Dedicated nodes", towards(pool.current_dedicated_nodes, pool.target_dedicated_nodes)),
        ("Spot nodes", towards(pool.current_low_priority_nodes, pool.target_low_priority_nodes)),
        ("Costs now", costs.a_pool(of_pool(prices, reading(pool, entry)))),
        ("Size", machine(pool.vm_size, size)),
        ("Support of the size", support_chip(size.eol, at) if size and size.eol else None),
        ("Autoscale", _scaled(pool)),
        ("Task slots a node", number(pool.task_slots_per_node)),
    )  # fmt: skip


def particulars(pool: Pool, prices: Prices = NO_PRICES) -> Block | None:
    """The other facts of a pool, which few ask for."""
    return facts(
        ("State", since(chip(Mark.RUNNING, "active"), pool.state_transition_time)
                  if pool.state.lower() == "active" else None),
        ("Price of a node", costs.a_node(prices, pool)),
        *_rules(pool),
        ("Created", when(pool.creation_time)),
        ("Changed", when(pool.last_modified)),
    )  # fmt: skip


def _shape(pool: Shape, size: VmSize | None) -> list[tuple[str, Text | str | None]]:
    return [
        ("Size", machine(pool.vm_size, size)),
        ("Task slots a node", number(pool.task_slots_per_node)),
        ("Autoscale", _scaled(pool)),
        *_rules(pool),
    ]


def _scaled(pool: Shape) -> str:
    interval = duration(pool.auto_scale_evaluation_interval)
    return f"every {spoken(interval)}" if interval else "on" if pool.enable_auto_scale else "off"


def _rules(pool: Shape) -> list[tuple[str, Text | str | None]]:
    timeout = duration(pool.resize_timeout)
    policy = pool.task_scheduling_policy
    return [
        ("Fills nodes", _FILLS.get(policy.node_fill_type.lower(), policy.node_fill_type) if policy else None),
        ("Resize timeout", spoken(timeout) if timeout else None),
        ("Nodes talk to each other", yes_no(pool.enable_inter_node_communication)),
        ("Display name", pool.display_name),
    ]


_FILLS = {"pack": "one after the other (pack)", "spread": "evenly (spread)"}


def machine(vm_size: str, size: VmSize | None) -> str:
    """``standard_nc4as_t4_v3 · 4 cores · 28 GB · 1 GPU``."""
    pieces = [vm_size]
    if size:
        pieces += [plural(size.vcpus, "core"), f"{number(size.memory_gb)} GB"]
        pieces += [plural(size.gpus, "GPU")] if size.gpus else []
    return " · ".join(filter(None, pieces))


def towards(current: int, target: int | None) -> str:
    """``18``, or ``18 → 24`` while that is wanted."""
    return number(current) if target in (None, current) else f"{number(current)} → {number(target or 0)}"


def nodes_of(pool: Pool) -> str:
    """``18``, ``18 → 24`` while that is wanted, spot nodes after a plus: ``4 + 10 → 12 spot``."""
    dedicated = towards(pool.current_dedicated_nodes, pool.target_dedicated_nodes)
    spot = towards(pool.current_low_priority_nodes, pool.target_low_priority_nodes)
    if spot == "0":
        return dedicated
    return f"{spot} spot" if dedicated == "0" else f"{dedicated} + {spot} spot"


def autoscale(pool: Shape) -> list[Block]:
    """The formula, when it ran last and what came out."""
    if not pool.enable_auto_scale:
        return []
    run = pool.auto_scale_run if isinstance(pool, Pool) else None
    error = run.error if run else None
    results = "  ".join(filter(None, map(str.strip, run.results.split(";")))) if run else ""
    return section(
        "Autoscale",
        *(_autoscale_error(error) if error else ()),
        facts(
            ("Last run", when(run.timestamp) if run else None), ("It gave", text(code(results)) if results else None)
        ),
        Code(pool.auto_scale_formula.strip()) if pool.auto_scale_formula else None,
    )


def _autoscale_error(error: ResizeError) -> Iterator[Block]:
    words = "; ".join(each.value for each in error.values if each.value) or error.message
    known = of_autoscale(error.code, words)
    yield Words(text(chip(Mark.FAILED, error.code), ": ", words))
    yield Words(text(muted("Cause: "), f"{known.cause}.", muted(" To do: "), f"{known.do}."))


def start_task(task: StartTask | None, entry: PoolNodeCounts | None = None) -> list[Block]:
    """What every node runs first, and on how many nodes that failed."""
    if task is None:
        return []
    failed = node_counts.in_state(entry, "starttaskfailed") if entry else 0
    waiting = node_counts.in_state(entry, "waitingforstarttask") if entry else 0
    return section(
        "Start task",
        Words(text(chip(Mark.FAILED, f"failed on {plural(failed, 'node')}"))) if failed else None,
        command_of(task),
        facts(
            ("Retries", number(task.max_task_retry_count) if task.max_task_retry_count >= 0 else "without end"),
            ("Tasks wait for it", yes_no(task.wait_for_success)),
            ("Waiting for it", plural(waiting, "node") if waiting else None),
            *setting(task),
        ),
    )


def network(pool: Shape) -> list[Block]:
    """Subnet, public addresses and open ports."""
    net = pool.network_configuration
    if net is None:
        return []
    ports = net.endpoint_configuration.inbound_nat_pools if net.endpoint_configuration else ()
    public = net.public_ip_address_configuration
    scope = net.dynamic_vnet_assignment_scope
    open_ports = []
    for port in ports:
        reached = f"{port.frontend_port_range_start} – {port.frontend_port_range_end}"
        open_ports.append(f"{port.name}: {port.backend_port}/{port.protocol.lower()}, from outside {reached}")
        open_ports += [
            f"  {rule.access.lower()} {rule.source_address_prefix}"
            + (f" ports {', '.join(rule.source_port_ranges)}" if rule.source_port_ranges else "")
            + f" (priority {rule.priority})"
            for rule in port.network_security_group_rules
        ]
    return section(
        "Network",
        facts(
            ("Subnet", _subnet(net.subnet_id)),
            ("Assigned to a network by", scope if scope.lower() not in ("", "none") else None),
            ("Public addresses", _PUBLIC.get(public.provision.lower(), public.provision) if public else None),
            ("Addresses", some([tail(each) for each in public.ip_address_ids]) if public else None),
            ("Address families", ", ".join(public.ip_families) if public else None),
            ("Address tags", ", ".join(f"{tag.ip_tag_type}={tag.tag}" for tag in public.ip_tags) if public else None),
            ("Accelerated", yes_no(net.enable_accelerated_networking)),
            ("Open ports", some(open_ports, 12)),
        ),
    )


_PUBLIC = {
    "batchmanaged": "made by Batch",
    "usermanaged": "your own",
    "nopublicipaddresses": "none",
}


def _subnet(subnet_id: str) -> str:
    """``network / subnet``, of the resource id."""
    parts = subnet_id.strip("/").split("/")
    return f"{parts[-3]} / {parts[-1]}" if len(parts) > 3 else subnet_id


def the_rest(pool: Shape) -> list[Block]:
    """Packages, users, mounts, identities, upgrades and metadata."""
    identity = pool.identity if isinstance(pool, Pool) else None
    identities = identity.user_assigned_identities if identity else ()
    return section(
        "More",
        facts(
            ("Packages", packages(pool.application_package_references)),
            ("Users", some([_user(each) for each in pool.user_accounts])),
            ("Mounts", some([line for each in pool.mount_configuration for line in _mount(each)])),
            ("Identities", ", ".join(tail(each.resource_id) for each in identities)),
            ("Upgrades of the image", _upgrades(pool.upgrade_policy)),
            ("Metadata", named(pool.metadata)),
        ),
    )


def _user(user: UserAccount) -> str:
    rights = {"admin": "administrator", "nonadmin": "no administrator"}
    pieces = [rights.get(user.elevation_level.lower(), user.elevation_level)]
    linux, windows = user.linux_user_configuration, user.windows_user_configuration
    if linux and linux.uid is not None:
        pieces.append(f"uid {linux.uid}")
    if linux and linux.gid is not None:
        pieces.append(f"gid {linux.gid}")
    if windows and windows.login_mode:
        pieces.append(f"{windows.login_mode.lower()} login")
    return f"{user.name} ({', '.join(filter(None, pieces))})"


def _mount(mount: Mount) -> Iterable[str]:
    if blob := mount.azure_blob_file_system_configuration:
        yield f"{blob.relative_mount_path} ← blobs {blob.account_name}/{blob.container_name}"
    if nfs := mount.nfs_mount_configuration:
        yield f"{nfs.relative_mount_path} ← NFS {nfs.source}"
    if cifs := mount.cifs_mount_configuration:
        yield f"{cifs.relative_mount_path} ← CIFS {cifs.source} as {cifs.username}"
    if share := mount.azure_file_share_configuration:
        yield f"{share.relative_mount_path} ← file share {share.azure_file_url}"


def _upgrades(policy: UpgradePolicy | None) -> str:
    if policy is None:
        return ""
    lines = [policy.mode.lower()]
    automatic, rolling = policy.automatic_os_upgrade_policy, policy.rolling_upgrade_policy
    if automatic:
        lines += ["by the system itself"] if automatic.enable_automatic_os_upgrade else []
        lines += ["no rollback by itself"] if automatic.disable_automatic_rollback else []
        lines += ["waits while tasks run"] if automatic.os_rolling_upgrade_deferral else []
    if rolling and rolling.max_batch_instance_percent is not None:
        pause = duration(rolling.pause_time_between_batches)
        lines.append(
            f"{rolling.max_batch_instance_percent} % at a time" + (f", pause {spoken(pause)}" if pause else "")
        )
    if rolling and rolling.max_unhealthy_instance_percent is not None:
        lines.append(f"stops above {rolling.max_unhealthy_instance_percent} % unhealthy nodes")
    return "\n".join(lines)


def sections(
    pool: Shape,
    entry: PoolNodeCounts | None = None,
    images: Iterable[SupportedImage] = (),
    at: datetime | None = None,
) -> list[Block]:
    """All sections below the overview; ``at`` is what ends of support are compared with."""
    return [
        *autoscale(pool),
        *start_task(pool.start_task, entry),
        *image(pool.virtual_machine_configuration, images, at),
        *hardware(pool.virtual_machine_configuration),
        *network(pool),
        *the_rest(pool),
    ]


def auto_pool(spec: AutoPool | None, size: VmSize | None) -> list[Block]:
    """The pool that the service makes for a job or a schedule."""
    if spec is None:
        return []
    lives = {"job": "as long as the job", "jobschedule": "as long as the schedule"}
    pool = spec.pool
    return [
        *section(
            "Automatic pool",
            facts(
                ("Name begins with", spec.auto_pool_id_prefix),
                ("Lives", lives.get(spec.pool_lifetime_option.lower(), spec.pool_lifetime_option)),
                ("Kept afterwards", yes_no(spec.keep_alive)),
                ("Dedicated nodes", _target(pool.target_dedicated_nodes) if pool else None),
                ("Spot nodes", _target(pool.target_low_priority_nodes) if pool else None),
                *(_shape(pool, size) if pool else ()),
            ),
        ),
        *(sections(pool) if pool else ()),
    ]


def _target(nodes: int | None) -> Text | str:
    return number(nodes) if nodes is not None else text(muted("–"))
