"""Changes of a pool by somebody: its start task, packages and metadata at any time, the rest while it is empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from bot.sandbox.entity_parts import ApplicationPackageReference
from bot.sandbox.entity_requests import PoolPatch, PoolReplace
from bot.sandbox.world.behaviour import machines_of
from bot.sandbox.world.bodies import touch
from bot.sandbox.world.defaults import start_task_defaults
from bot.sandbox.world.live import LivePool
from bot.sandbox.world.refused import Refused, wrong_state
from bot.sandbox.world.sizes import size_named

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

AT_ANY_TIME = frozenset(
    {"start_task", "application_package_references", "metadata", "target_node_communication_mode", "resource_tags"}
)
"""The properties that may change while the pool has nodes; nodes take them up when they join or reboot."""


def patch(account: AccountState, pool: LivePool, given: PoolPatch) -> None:
    """Changes what is given. Raises `Refused` (409) where the pool has nodes and must not: the code is a guess."""
    account.allocator.refuse_deleting(pool)
    changes = {name: getattr(given, name) for name in given.__struct_fields__ if getattr(given, name) is not None}
    if fixed := sorted(changes.keys() - AT_ANY_TIME):
        empty = not pool.nodes and pool.body.allocation_state == "steady"
        if not empty:
            raise wrong_state(f"The following properties can be updated only when the pool is empty: {_wire(fixed)}")
    _change(account, pool, changes)


def replace(account: AccountState, pool: LivePool, given: PoolReplace) -> None:
    """Changes all of a pool that may change while it has nodes; the start task goes where none is given."""
    account.allocator.refuse_deleting(pool)
    changes = {name: getattr(given, name) for name in given.__struct_fields__}
    if given.target_node_communication_mode is None:
        del changes["target_node_communication_mode"]
    _change(account, pool, changes)


def _change(account: AccountState, pool: LivePool, changes: dict[str, object]) -> None:
    body = pool.body
    check_packages(account, changes.get("application_package_references"))  # type: ignore[arg-type]
    size = size_named(str(changes["vm_size"])) if "vm_size" in changes else pool.size
    for name, value in changes.items():
        setattr(body, name, value or None if isinstance(value, list) else value)
    body.start_task = start_task_defaults(body.start_task)
    body.vm_size = body.vm_size.lower()
    pool.rebuilt(size)
    account.ledger.changed(pool)
    if "virtual_machine_configuration" in changes:
        config = body.virtual_machine_configuration
        pool.machines = machines_of(config.node_agent_sku_id if config else None)
    touch(body, account.world.time)


def check_packages(account: AccountState, references: Sequence[ApplicationPackageReference] | None) -> None:
    """Refuses references to applications or versions that the account does not have.

    An application is named by its id or, as newer api-versions ask for, by its resource id.
    """
    wrong = {}
    for reference in references or ():
        name = reference.application_id.rpartition("/applications/")[2]
        known = {app_id.lower(): application for app_id, application in account.applications.items()}
        application = known.get(name.lower())
        version = reference.version or (application.default_version if application else None)
        if application is None or version not in application.packages:
            wrong[reference.application_id] = "The specified application package does not exist."
        elif not application.packages[version].active:
            wrong[reference.application_id] = "The specified application package is not active."
    if wrong:
        message = "One or more of the specified application package references are invalid."
        raise Refused(409, "InvalidApplicationPackageReferences", message, **wrong)


def _wire(names: list[str]) -> str:
    """The names as the wire has them."""
    known = {field.name: field.encode_name for field in msgspec.structs.fields(PoolPatch)}
    return ", ".join(known[name] for name in names)
