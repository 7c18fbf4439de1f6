"""What a meter of the bill is about, and which VM size a machine's meter is."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from storage.port.bill import BillRow

MeterKind: TypeAlias = Literal[
    "machines", "disks", "addresses", "load balancers", "bandwidth", "storage", "credits", "other"
]
METER_KINDS: Final[tuple[MeterKind, ...]] = get_args(MeterKind)
_LENT = re.compile(r"\s+(spot|low priority)$", re.IGNORECASE)
_SIZE_LIKE = re.compile(r"[A-Z]{1,3}\d+[A-Za-z0-9 -]*(?: v\d+)?(?: (?:spot|low priority))?(?:/.*)?", re.IGNORECASE)
_BY_WORD: Final[tuple[tuple[str, MeterKind], ...]] = (
    ("disk", "disks"),
    ("load balanc", "load balancers"),
    ("lb rules", "load balancers"),
    ("data transfer", "bandwidth"),
    ("bandwidth", "bandwidth"),
    ("public ip", "addresses"),
    ("static public", "addresses"),
    ("ip address", "addresses"),
    ("data stored", "storage"),
    ("operations", "storage"),
)


def kind_of(row: BillRow) -> MeterKind:
    """What a row of the bill is for: by its category where it is told, else by its meter's name."""
    category, meter = row.category.lower(), row.meter.lower()
    if "credit" in category or "refund" in category or (row.amount < 0 and category != "virtual machines"):
        return "credits"
    if category in ("virtual machines", "virtual machines licenses"):
        return "machines"
    words = f"{category} {row.subcategory.lower()} {meter}"
    found = next((kind for word, kind in _BY_WORD if word in words), None)
    if found:
        return found
    if category == "storage":
        return "storage"
    return "machines" if not category and _SIZE_LIKE.fullmatch(row.meter) else "other"


class MeterOf(NamedTuple):
    """A machine's meter by what it counts: the size in letters and digits alone, spot or low priority, Windows."""

    size: str
    spot: bool
    windows: bool


def meters_of(row: BillRow) -> list[MeterOf]:
    """What a machine's meter counts; some count two sizes (``D4 v3/D4s v3``).

    Spot and low priority are in the meter's name, Windows in the product, which is the meter's subcategory: where that
    is not told, both are meant.
    """
    name = _LENT.sub("", row.meter)
    spot, windows = name != row.meter, "windows" in row.subcategory.lower()
    licences = (windows,) if row.subcategory else (False, True)
    return [MeterOf(_plain(part), spot, licence) for part in name.split("/") for licence in licences]


def meter_of_size(vm_size: str, *, spot: bool, windows: bool) -> MeterOf:
    """The meter by which nodes of a VM size are billed: ``Standard_D4s_v3`` by ``D4s v3``."""
    _, _, name = vm_size.partition("_")
    return MeterOf(_plain(name or vm_size), spot, windows)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
