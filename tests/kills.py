"""How often the program is killed with -9 in the middle of operations: ``BATCHBOT_KILLS``, shared out over kinds."""

from __future__ import annotations

import os

KILLS = int(os.environ.get("BATCHBOT_KILLS", "50"))
"""Over all kinds: 50 in every run of the tests, 500 by ``make soak KILLS=500``."""

_SHARES = {
    "account create": 9,
    "pool create": 9,
    "pool resize": 8,
    "node remove": 9,
    "task add": 5,
    "task delete": 10,
}
"""How many of fifty; adding 10,000 tasks is the longest of them."""


def kills_of(kind: str) -> int:
    """The kills of one kind of operation: its share, one at least."""
    return max(1, round(KILLS * _SHARES[kind] / sum(_SHARES.values())))
