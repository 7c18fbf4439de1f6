"""Which licence a pool's nodes pay for."""

from __future__ import annotations

from typing import Protocol


class Licensed(Protocol):
    """The machine of a pool, as far as its licence goes."""

    # fmt: off
    @property
    def node_agent_sku_id(self) -> str: ...  # noqa: D102
    @property
    def windows_configuration(self) -> object | None: ...  # noqa: D102
    @property
    def license_type(self) -> str: ...  # noqa: D102
    # fmt: on


def pays_windows(machine: Licensed | None) -> bool:
    """Whether the price of a node includes Windows: not where one's own licence is brought along (``licenseType``)."""
    if machine is None or machine.license_type:
        return False
    return machine.windows_configuration is not None or machine.node_agent_sku_id.lower().startswith(
        "batch.node.windows"
    )
