"""This machine's clock for leases: one that nobody sets, and that goes on while the machine sleeps."""

from __future__ import annotations

import time
from typing import Final

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds."""
    return time.clock_gettime(_CLOCK)
