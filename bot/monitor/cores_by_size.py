"""How many cores a node has: as Azure reports it, or as its size's name says where that is beyond doubt."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from bot.azure.errors import AzureError
from bot.azure.models import VmSize
from bot.domain.cores import cores_from_name

log = structlog.get_logger()

ASK_AGAIN = 600.0
"""Seconds until ARM is asked again after it could not list the sizes."""


class Sizes(Protocol):
    """What is needed of an account: its name, and the VM sizes of its region by lower-case name."""

    @property
    def name(self) -> str:
        """The account's name in the settings."""
        ...

    async def vm_sizes(self) -> Mapping[str, VmSize]:
        """Every size; raises AzureError where ARM cannot be asked."""
        ...


class CoresBySize:
    """Cores by VM size for one account. ``from_names`` are the sizes whose name was taken for an answer."""

    def __init__(self, account: Sizes, clock: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._clock = clock
        self._not_before = 0.0
        self._complained: set[str] = set()
        self.from_names: set[str] = set()

    async def by_size(self) -> Callable[[str], int | None]:
        """A function from a VM size to its cores; None where nobody knows. Says so in the log, once a size."""
        sizes = await self._sizes()

        def cores(size: str) -> int | None:
            known = sizes.get(size.lower())
            if known is not None and known.vcpus > 0:
                self.from_names.discard(size)
                return known.vcpus
            read = cores_from_name(size)
            if read is not None:
                self.from_names.add(size)
            if size not in self._complained:
                self._complained.add(size)
                if read is None:
                    log.warning(
                        "monitor.size_unknown",
                        account=self._account.name,
                        size=size,
                        effect="its pools are not sampled",
                    )
                else:
                    log.info("monitor.size_from_name", account=self._account.name, size=size, cores=read)
            return read

        return cores

    async def _sizes(self) -> Mapping[str, VmSize]:
        """What ARM says, or nothing while it cannot be asked (a shared key does not open ARM)."""
        if self._clock() < self._not_before:
            return {}
        try:
            return await self._account.vm_sizes()
        except AzureError as error:
            self._not_before = self._clock() + ASK_AGAIN
            log.info("monitor.sizes_refused", account=self._account.name, code=error.code, message=error.message)
            return {}
