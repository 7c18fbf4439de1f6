"""The price of a core-hour: by pool size, licence, kind of node and day."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Rate(Struct, frozen=True):
    """What one node costs an hour: ``amount`` of ``currency``, from ``source`` (list price, own sheet) ``as_of``."""

    amount: float
    currency: str
    source: str
    as_of: datetime


class Rates(Protocol):
    """Prices as they were at a time."""

    @property
    def currency(self) -> str:
        """The currency of every rate; empty where none is known."""
        ...

    def hourly(self, vm_size: str, *, windows: bool, spot: bool, at: datetime) -> Rate | None:
        """What a node of a size (in any case) cost an hour at a time; None where that is unknown."""
        ...
