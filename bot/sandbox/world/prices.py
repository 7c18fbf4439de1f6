"""What machines cost in the sandbox: a list price for every size, and what Azure makes of it elsewhere and on Windows.

Prices are about what Azure asks. Those of some machines changed in the weeks before a world began (`PriceBook`); since
then they do not move, so that the same world always costs the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, Literal
from zlib import crc32

from bot.sandbox.world.sizes import SIZES, VmSize

_EAST_US = """
    A1_v2:.043 A2_v2:.0903 A4_v2:.191 A8_v2:.399
    D1_v2:.073 D2_v2:.146 D3_v2:.293 D4_v2:.585 D5_v2:1.17
    DS1_v2:.073 DS2_v2:.146 DS3_v2:.293 DS4_v2:.585 DS5_v2:1.17
    D2_v3:.096 D4_v3:.192 D8_v3:.384 D16_v3:.768
    D2s_v3:.096 D4s_v3:.192 D8s_v3:.384 D16s_v3:.768 D32s_v3:1.536
    D2ds_v5:.113 D4ds_v5:.226 D8ds_v5:.452 D16ds_v5:.904 D32ds_v5:1.808
    D2ads_v5:.103 D4ads_v5:.206 D8ads_v5:.412 D16ads_v5:.824 D32ads_v5:1.648
    E2s_v3:.126 E4s_v3:.252 E8s_v3:.504 E16s_v3:1.008
    E2ds_v5:.144 E4ds_v5:.288 E8ds_v5:.576 E16ds_v5:1.152 E32ds_v5:2.304
    F2s_v2:.0846 F4s_v2:.169 F8s_v2:.338 F16s_v2:.677 F32s_v2:1.353 F64s_v2:2.706 F72s_v2:3.045
    L8s_v3:.696 L16s_v3:1.392 M64s:6.669 M128s:13.338 HC44rs:3.168
    NC6s_v3:3.06 NC12s_v3:6.12 NC24s_v3:12.24
    NC4as_T4_v3:.526 NC8as_T4_v3:.752 NC16as_T4_v3:1.204 NC64as_T4_v3:4.352
    NC24ads_A100_v4:3.673 NC48ads_A100_v4:7.346
    NV6ads_A10_v5:.454 NV12ads_A10_v5:.908 NV36ads_A10_v5:3.2
"""
LINUX: Final[dict[str, float]] = {
    f"standard_{name.lower()}": float(price) for name, _, price in (each.partition(":") for each in _EAST_US.split())
}
"""Dollars an hour with Linux in eastus, by size in lower case."""

REGIONS: Final[dict[str, tuple[str, float]]] = {
    "eastus": ("US East", 1.0),
    "eastus2": ("US East 2", 1.0),
    "westus2": ("US West 2", 1.0),
    "northcentralus": ("US North Central", 1.05),
    "northeurope": ("EU North", 1.12),
    "westeurope": ("EU West", 1.25),
    "southeastasia": ("AP Southeast", 1.3),
}
"""Region -> what the price list calls it, and how much dearer it is."""

RATES: Final = {"USD": 1.0, "EUR": 0.86, "GBP": 0.75, "CHF": 0.8, "AUD": 1.52, "JPY": 155.0}
"""Currency -> what a dollar is in it."""

Market = Literal["on demand", "spot", "low priority"]

LONG_AGO: Final = datetime(2025, 6, 1, tzinfo=UTC)
"""Since when prices that did not change are valid."""

_WINDOWS = 0.046  # dollars a core and hour
_LOW_PRIORITY = {False: 0.2, True: 0.4}  # of the price on demand, without and with Windows


def on_demand(size: VmSize, region: str, *, windows: bool) -> float:
    """Dollars an hour for a machine that stays."""
    return round(LINUX[size.name.lower()] * REGIONS[region][1] + (_WINDOWS * size.vcpus if windows else 0.0), 6)


def spot(size: VmSize, region: str, *, windows: bool) -> float:
    """Dollars an hour on the spot market: a share of the price on demand that differs from size to size."""
    share = 0.12 + crc32(f"{size.name} {region}".encode()) % 25 / 100
    return round(on_demand(size, region, windows=windows) * share, 6)


def low_priority(size: VmSize, region: str, *, windows: bool) -> float:
    """Dollars an hour for Batch's own low-priority machines."""
    return round(on_demand(size, region, windows=windows) * _LOW_PRIORITY[windows], 6)


UNLISTED: Final = frozenset({"standard_m128s"})
"""Sizes that the price list has forgotten, as Azure's has some: they cost, and nobody can look up what."""


def priced() -> list[VmSize]:
    """The sizes whose prices are listed, in the list's order."""
    return [size for name, size in SIZES.items() if name in LINUX and name not in UNLISTED]


def list_price(size: VmSize, region: str, market: Market, *, windows: bool) -> float:
    """Dollars an hour, as of when a world begins."""
    price = {"on demand": on_demand, "spot": spot, "low priority": low_priority}[market]
    return price(size, region, windows=windows)


def series_of(size: VmSize, *, windows: bool) -> str:
    """The series as the bill calls it."""
    series = size.family.removeprefix("Standard").removeprefix("standard").removesuffix("Family").strip()
    return f"{series} Series{' Windows' if windows else ''}"


def meter_of(size: VmSize, market: Market) -> str:
    """The meter, which is what the price list calls the size in that market."""
    return size.name.partition("_")[2].replace("_", " ") + MARKETS[market]


def meter_id(region: str, meter: str, product: str) -> str:
    """The meter's id, the same in the price list and on the bill."""
    return str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_OID, f"{region} {meter}"), product))


MARKETS: Final[dict[Market, str]] = {"on demand": "", "spot": " Spot", "low priority": " Low Priority"}
"""Market -> what the names of its meters end in."""


@dataclass(frozen=True)
class PriceBook:
    """Prices as time goes. Of every second spot price and every third other one there is an older value, up to
    ``changed``; for every fourth a dearer one is announced for ``coming``, which no world reaches."""

    changed: datetime
    coming: datetime

    @classmethod
    def of(cls, start: datetime) -> PriceBook:
        """That of a world that begins at ``start``: prices changed on the first of a month, 30 days before or more."""
        before = start.astimezone(UTC) - timedelta(days=30)
        changed = before.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return cls(changed, datetime(start.year + 5, 1, 1, tzinfo=UTC))

    def versions(self, size: VmSize, region: str, market: Market, *, windows: bool) -> Sequence[tuple[datetime, float]]:
        """Since when which price (dollars an hour) holds, the oldest first; announced ones too."""
        return _versions(self, size, region, market, windows)

    def at(self, size: VmSize, region: str, windows: bool, market: Market, when: datetime) -> float:
        """Dollars an hour at a time."""
        price = 0.0
        for since, dollars in _versions(self, size, region, market, windows):
            if since <= when or not price:
                price = dollars
        return price


@cache
def _versions(
    book: PriceBook, size: VmSize, region: str, market: Market, windows: bool
) -> Sequence[tuple[datetime, float]]:
    now = list_price(size, region, market, windows=windows)
    found = [(LONG_AGO, now)]
    mark = crc32(f"{size.name} {market}".encode())
    if mark % (2 if market == "spot" else 3) == 0:
        found = [(LONG_AGO, round(now * (0.85 if market == "spot" else 1.06), 6)), (book.changed, now)]
    if mark % 4 == 1:
        found.append((book.coming, round(now * 1.1, 6)))
    return found
