"""The machine below a pool: its image with the end of its support, disks, security, extensions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.azure.models import SupportedImage, VmConfiguration
from bot.azure.models.pool import ContainerConfiguration, DataDisk, OsDisk, SecurityProfile, VmExtension
from bot.domain.images import end_of_life, image_key, image_name
from bot.domain.states import word
from cards.build import facts
from cards.card import Block
from handlers.shared.common import section, some, tail
from handlers.shared.definition import registry, yes_no
from handlers.shared.states import support_chip


def image(
    machine: VmConfiguration | None, images: Iterable[SupportedImage] = (), at: datetime | None = None
) -> list[Block]:
    """The operating system image and when its support ends, the agent, containers and extensions."""
    if machine is None:
        return []
    source = machine.image_reference
    end = end_of_life(source, images)
    windows = machine.windows_configuration
    artifact = machine.service_artifact_reference
    return section(
        "Image",
        facts(
            ("Image", image_name(source)),
            ("Exact version", source.exact_version if source else None),
            ("Support", support_chip(end, at) if end and at else None),
            ("Node agent", machine.node_agent_sku_id),
            ("Containers", _containers(machine.container_configuration)),
            ("Licence", machine.license_type),
            ("Windows updates", yes_no(windows.enable_automatic_updates) if windows else None),
            ("Extensions", some([_extension(each) for each in machine.extensions])),
            ("Security", _security(machine.security_profile)),
            ("Service artifact", tail(artifact.id) if artifact else None),
        ),
    )


def hardware(machine: VmConfiguration | None) -> list[Block]:
    """Disks, their encryption, and placement."""
    if machine is None:
        return []
    placement, encryption = machine.node_placement_configuration, machine.disk_encryption_configuration
    return section(
        "Disks",
        facts(
            ("System disk", _system(machine.os_disk)),
            ("Data disks", some([_disk(each) for each in machine.data_disks])),
            ("Encrypted", ", ".join(map(word, encryption.targets)) if encryption else None),
            ("Placement", placement.policy.lower() if placement else None),
        ),
    )


def _containers(configuration: ContainerConfiguration | None) -> str:
    if configuration is None:
        return ""
    lines = [word(configuration.type), *configuration.container_image_names]
    return some([*filter(None, lines), *(registry(each) for each in configuration.container_registries)])


def _extension(extension: VmExtension) -> str:
    kind = " ".join(filter(None, (extension.publisher, extension.type, extension.type_handler_version)))
    return f"{extension.name} ({kind})" if kind else extension.name


def _security(profile: SecurityProfile | None) -> str:
    if profile is None:
        return ""
    uefi = profile.uefi_settings
    pieces = [
        word(profile.security_type),
        "encryption at host" if profile.encryption_at_host else "",
        "secure boot" if uefi and uefi.secure_boot_enabled else "",
        "virtual TPM" if uefi and uefi.v_tpm_enabled else "",
        "metadata protection" if profile.proxy_agent_settings and profile.proxy_agent_settings.enabled else "",
    ]
    return ", ".join(filter(None, pieces))


def _system(disk: OsDisk | None) -> str:
    if disk is None:
        return ""
    pieces = [
        f"{disk.disk_size_gb} GB" if disk.disk_size_gb else "",
        word(disk.managed_disk.storage_account_type) if disk.managed_disk else "",
        "ephemeral" if disk.ephemeral_os_disk_settings else "",
        _caching(disk.caching),
        "write accelerator" if disk.write_accelerator_enabled else "",
    ]
    return " · ".join(filter(None, pieces))


def _disk(disk: DataDisk) -> str:
    stored = disk.managed_disk.storage_account_type if disk.managed_disk else disk.storage_account_type
    pieces = [f"LUN {disk.lun}: {disk.disk_size_gb} GB", word(stored), _caching(disk.caching)]
    return " · ".join(filter(None, pieces))


def _caching(caching: str) -> str:
    return f"caching {word(caching)}" if caching.lower() not in ("", "none") else ""


def image_key_of(machine: VmConfiguration | None) -> tuple[str, str, str] | None:
    """The image's key, for counting which pools use it; None for one's own image."""
    source = machine.image_reference if machine else None
    return image_key(source) if source and source.sku else None
