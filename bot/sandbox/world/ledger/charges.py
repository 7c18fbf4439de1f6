"""What is on the bill of a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal

from msgspec import Struct

ChargeType = Literal["Usage", "Purchase", "UnusedReservation", "Refund"]
PricingModel = Literal["OnDemand", "Spot", "Reservation"]

LINUX_DISK: Final = ("P4 LRS Disk", 5.28)
WINDOWS_DISK: Final = ("P10 LRS Disk", 19.71)
"""The disk of a node's operating system, and dollars a month."""
MONTH_HOURS: Final = 730.0
ADDRESS: Final = 0.005
BALANCER: Final = 0.025
"""Dollars an hour for the public address and the load balancer of a pool that has nodes."""
TRANSFER: Final = 0.087
"""Dollars for a gigabyte that leaves the region."""
STORED: Final = 0.0208
"""Dollars for a gigabyte and month in the account's storage."""
GIB_IN, GIB_OUT = 0.35, 0.05
"""What tasks read and write over the network while a core is busy for an hour."""


class Charge(Struct, kw_only=True, frozen=True):
    """One line: a meter of a resource on a UTC day. ``actual`` and ``amortized`` are in the bill's currency.

    ``pool`` is empty where the line belongs to no pool. ``quantity`` counts ``unit``.
    """

    day: date
    pool: str = ""
    resource_id: str = ""
    resource_type: str = ""
    group: str = ""
    location: str = ""
    service: str
    category: str
    subcategory: str
    meter: str
    unit: str = "1 Hour"
    quantity: float
    actual: float
    amortized: float
    charge_type: ChargeType = "Usage"
    pricing: PricingModel = "OnDemand"
    reservation: str = ""
    tags: dict[str, str] = {}

    @property
    def machines(self) -> bool:
        """Whether it is for machines, and not for what comes with them."""
        return self.category == "Virtual Machines"


class Reservation(Struct, kw_only=True, frozen=True):
    """So many machines of a size, paid for ``days`` at once: ``price`` dollars on the day of ``since``."""

    name: str
    vm_size: str
    quantity: int
    since: datetime
    price: float
    days: int = 365

    @property
    def hourly(self) -> float:
        """Dollars an hour and machine."""
        return self.price / (self.quantity * self.days * 24)


class Correction(Struct, kw_only=True, frozen=True):
    """The lines of a day, or of a pool on it, turn out to be ``factor`` times as much."""

    day: date
    factor: float
    pool: str = ""
