"""The images that the node agent runs on, with the day on which the service's support for each ends."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from bot.sandbox.entity_inventory import ImageInformation
from bot.sandbox.entity_parts import ImageReference


class Image(Struct, frozen=True):
    """One image; `id` orders the list."""

    id: str
    body: ImageInformation


_CAPABILITIES = {
    "d": "DockerCompatible",
    "n": "NvidiaTeslaDriverInstalled",
    "g": "NvidiaGridDriverInstalled",
    "r": "SupportsRDMAOnly",
    "c": "ConfidentialVMCompatible",
    "2": "Generation2VMImage",
    "i": "IntelMPIRuntimeInstalled",
}
# publisher offer | agent | sku [:capabilities, as above] [@end of support] [! where nobody has verified it]
_TABLE = """
almalinux almalinux-hpc | batch.node.el 8 | 8-hpc-gen1:dri! 8-hpc-gen2:dri2!
almalinux almalinux-x86_64 | batch.node.el 8 | 8-gen1@2029-03-01 8-gen2:2@2029-03-01
almalinux almalinux-x86_64 | batch.node.el 9 | 9-gen1 9-gen2:2
canonical 0001-com-ubuntu-server-focal | batch.node.ubuntu 20.04 | 20_04-lts@2025-04-23 20_04-lts-gen2:2@2025-04-23
canonical 0001-com-ubuntu-server-jammy | batch.node.ubuntu 22.04 | 22_04-lts@2027-04-01 22_04-lts-gen2:2@2027-04-01
canonical 0001-com-ubuntu-confidential-vm-jammy | batch.node.ubuntu 22.04 | 22_04-lts-cvm:c2@2027-04-01!
canonical ubuntu-24_04-lts | batch.node.ubuntu 24.04 | server:2 server-gen1 cvm:c2!
microsoft-azure-batch ubuntu-server-container | batch.node.ubuntu 20.04 | 20-04-lts:dng@2025-04-23
microsoft-azure-batch ubuntu-server-container-rdma | batch.node.ubuntu 20.04 | 20-04-lts:dnri@2025-04-23
microsoft-dsvm dsvm-win-2019 | batch.node.windows amd64 | winserver-2019:d!
microsoft-dsvm dsvm-win-2022 | batch.node.windows amd64 | winserver-2022:d
microsoft-dsvm ubuntu-hpc | batch.node.ubuntu 20.04 | 2004:dr2i@2025-04-23
microsoft-dsvm ubuntu-hpc | batch.node.ubuntu 22.04 | 2204:dr2i@2026-12-31
microsoft-dsvm ubuntu-hpc | batch.node.ubuntu 24.04 | 2404:dr2i
microsoftwindowsserver windowsserver | batch.node.windows amd64 | 2016-datacenter@2027-01-12 2016-datacenter-gensecond:2@2027-01-12
microsoftwindowsserver windowsserver | batch.node.windows amd64 | 2016-datacenter-smalldisk@2027-01-12
microsoftwindowsserver windowsserver | batch.node.windows amd64 | 2019-datacenter 2019-datacenter-core 2019-datacenter-gs!
microsoftwindowsserver windowsserver | batch.node.windows amd64 | 2019-datacenter-gensecond:c2 2019-datacenter-smalldisk
microsoftwindowsserver windowsserver | batch.node.windows amd64 | 2022-datacenter 2022-datacenter-core 2022-datacenter-g2:c2
microsoftwindowsserver windowsserver | batch.node.windows amd64 | 2022-datacenter-smalldisk 2022-datacenter-smalldisk-g2:c2
microsoftwindowsserver windowsserver | batch.node.windows amd64 | 2025-datacenter 2025-datacenter-g2:c2 2025-datacenter-smalldisk
"""  # noqa: E501  a table


def _image(publisher: str, offer: str, agent: str, entry: str) -> Image:
    verified = not entry.endswith("!")
    entry, _, end = entry.rstrip("!").partition("@")
    sku, _, letters = entry.partition(":")
    body = ImageInformation(
        image_reference=ImageReference(publisher=publisher, offer=offer, sku=sku, version="latest"),
        verification_type="verified" if verified else "unverified",
        node_agent_sku_id=agent,
        capabilities=[_CAPABILITIES[letter] for letter in letters] or None,
        os_type="windows" if "windows" in agent else "linux",
        batch_support_end_of_life=datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None,
    )
    return Image(f"{publisher}:{offer}:{sku}", body)


def _images() -> tuple[Image, ...]:
    found = []
    for line in _TABLE.strip().splitlines():
        names, agent, entries = line.split(" | ")
        publisher, offer = names.split()
        found += [_image(publisher, offer, agent.strip(), entry) for entry in entries.split()]
    return tuple(sorted(found, key=lambda image: image.id))


IMAGES = _images()
"""All of them, in the order of the list."""
