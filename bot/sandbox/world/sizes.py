"""Sizes of virtual machines: name, family (as the quota names it), vCPUs, memory in GB, GPUs."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.sandbox.world.refused import Refused


class VmSize(Struct, frozen=True):
    """One size; `low_priority_capable` sizes may be had as spot, `ends` is when support of it does."""

    name: str
    family: str
    vcpus: int
    memory_gb: float
    gpus: int = 0
    low_priority_capable: bool = True
    ends: datetime | None = None


_FAMILIES: dict[str, str] = {
    "standardAv2Family": "A1_v2:1:2 A2_v2:2:4 A4_v2:4:8 A8_v2:8:16",
    "standardDv2Family": "D1_v2:1:3.5 D2_v2:2:7 D3_v2:4:14 D4_v2:8:28 D5_v2:16:56",
    "standardDSv2Family": "DS1_v2:1:3.5 DS2_v2:2:7 DS3_v2:4:14 DS4_v2:8:28 DS5_v2:16:56",
    "standardDv3Family": "D2_v3:2:8 D4_v3:4:16 D8_v3:8:32 D16_v3:16:64",
    "standardDSv3Family": "D2s_v3:2:8 D4s_v3:4:16 D8s_v3:8:32 D16s_v3:16:64 D32s_v3:32:128",
    "standardDDSv5Family": "D2ds_v5:2:8 D4ds_v5:4:16 D8ds_v5:8:32 D16ds_v5:16:64 D32ds_v5:32:128",
    "standardDADSv5Family": "D2ads_v5:2:8 D4ads_v5:4:16 D8ads_v5:8:32 D16ads_v5:16:64 D32ads_v5:32:128",
    "standardESv3Family": "E2s_v3:2:16 E4s_v3:4:32 E8s_v3:8:64 E16s_v3:16:128",
    "standardEDSv5Family": "E2ds_v5:2:16 E4ds_v5:4:32 E8ds_v5:8:64 E16ds_v5:16:128 E32ds_v5:32:256",
    "standardFSv2Family": "F2s_v2:2:4 F4s_v2:4:8 F8s_v2:8:16 F16s_v2:16:32 F32s_v2:32:64 F64s_v2:64:128 F72s_v2:72:144",
    "standardLSv3Family": "L8s_v3:8:64 L16s_v3:16:128",
    "standardMSFamily": "M64s:64:1024 M128s:128:2048",
    "standardHCSFamily": "HC44rs:44:352",
    "standardNCSv3Family": "NC6s_v3:6:112:1 NC12s_v3:12:224:2 NC24s_v3:24:448:4",
    "Standard NCASv3_T4 Family": "NC4as_T4_v3:4:28:1 NC8as_T4_v3:8:56:1 NC16as_T4_v3:16:110:1 NC64as_T4_v3:64:440:4",
    "standardNCADSA100v4Family": "NC24ads_A100_v4:24:220:1 NC48ads_A100_v4:48:440:2",
    "StandardNVADSA10v5Family": "NV6ads_A10_v5:6:55:1 NV12ads_A10_v5:12:110:1 NV36ads_A10_v5:36:440:1",
}
_NOT_SPOT = frozenset({"standardAv2Family"})


def _sizes() -> dict[str, VmSize]:
    found = {}
    for family, sizes in _FAMILIES.items():
        for entry in sizes.split():
            name, vcpus, memory, *gpus = entry.split(":")
            cards = int(gpus[0]) if gpus else 0
            size = VmSize(f"Standard_{name}", family, int(vcpus), float(memory), cards, family not in _NOT_SPOT)
            found[size.name.lower()] = size
    return found


SIZES: dict[str, VmSize] = _sizes()
"""All sizes by their name in lower case: the service does not mind the case of a size."""


def size_named(name: str) -> VmSize:
    """The size of that name, or `Refused` with InvalidPropertyValue, as recorded."""
    size = SIZES.get(name.lower())
    if size is None:
        message = "The value provided for one of the properties in the request body is invalid."
        raise Refused(400, "InvalidPropertyValue", message, PropertyName="vmSize", PropertyValue=name, Reason=message)
    return size
