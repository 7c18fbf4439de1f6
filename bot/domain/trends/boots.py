"""How long nodes took to boot, of those that were read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from bot.azure.models.watched import NodeTimes
from storage.port.timings import NodeBoot

LONGEST_BOOT: Final = timedelta(hours=1)
"""What took longer from its allocation to its last boot was rebooted since, or is no measure of a boot."""


def boots_of(account: str, pool: str, vm_size: str, nodes: Iterable[NodeTimes], since: datetime) -> Iterator[NodeBoot]:
    """The first boots of a pool's nodes (of ``vm_size``) that were allocated from then on.

    A node says when it booted last. Of one that was rebooted an hour or more after its allocation, nothing is known.
    """
    for node in nodes:
        allocated, booted = node.allocation_time, node.last_boot_time
        if allocated and booted and allocated >= since and timedelta() < booted - allocated <= LONGEST_BOOT:
            seconds = (booted - allocated).total_seconds()
            yield NodeBoot(account, pool, node.id, vm_size or node.vm_size, not node.is_dedicated, allocated, seconds)
