"""How many cores a VM size has."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.azure.models import VmSize

# Standard_NC16as_T4_v3: tier, family, vCPUs, features, accelerator, version.
_NAME = re.compile(
    r"(?:standard|basic)_(?P<family>[a-z]+)(?P<cores>\d+)(?P<features>[a-z]*)(?P<rest>(?:_[a-z0-9]+)*)", re.IGNORECASE
)
_NUMBERED = {"d", "ds", "g", "gs"}
"""Families of old whose number is a rank (D3_v2 has 4 cores), up to version 2."""


def cores_from_name(size: str) -> int | None:
    """The cores that a VM size's name gives, or None where it does not give them beyond doubt.

    Since version 3 the number in a size's name is its vCPUs. In older sizes of the families A, D, DS, G and GS it is a
    rank, and in constrained sizes (``E4-2s_v3``) there are two numbers: those are not read.
    """
    found = _NAME.fullmatch(size)
    if found is None:
        return None
    family = found["family"].lower()
    version = re.search(r"_v(\d+)$", found["rest"].lower())
    generation = int(version[1]) if version else 1
    if (family in _NUMBERED and generation <= 2) or (family == "a" and generation == 1):
        return None
    return int(found["cores"]) or None


def cores_of(size: str, sizes: Mapping[str, VmSize]) -> int | None:
    """The cores of a VM size in any case, by what Resource Manager lists (by lower-case name), or else by its name."""
    known = sizes.get(size.lower())
    return known.vcpus if known and known.vcpus else cores_from_name(size)
