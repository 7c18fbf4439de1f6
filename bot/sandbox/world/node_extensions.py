"""The virtual machine extensions of a node: those of its pool, installed when the machine booted."""

from __future__ import annotations

from msgspec import Struct

from bot.sandbox.entity_inventory import InstanceViewStatus, NodeVMExtension, VMExtensionInstanceView
from bot.sandbox.world.live import LiveNode


class Extension(Struct, frozen=True):
    """One extension; `id` is its name."""

    id: str
    body: NodeVMExtension


def extensions(node: LiveNode) -> list[Extension]:
    """All of them, by name. Until the machine has booted they are being created."""
    config = node.pool.body.virtual_machine_configuration
    found = []
    for one in sorted((config.extensions if config else None) or (), key=lambda one: one.name):
        booted = node.body.last_boot_time
        done = InstanceViewStatus(
            code="ProvisioningState/succeeded" if booted else "ProvisioningState/transitioning",
            level="Info",
            display_status="Provisioning succeeded" if booted else "Transitioning",
            message="Extension was installed" if booted else "Extension is being installed",
            time=booted.isoformat() if booted else None,
        )
        body = NodeVMExtension(
            provisioning_state="Succeeded" if booted else "Creating",
            vm_extension=one,
            instance_view=VMExtensionInstanceView(name=one.name, statuses=[done]),
        )
        found.append(Extension(one.name, body))
    return found
