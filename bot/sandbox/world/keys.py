"""The keys of accounts: they follow from the world's seed, so that two worlds of one seed take the same."""

from __future__ import annotations

import base64
import hashlib


def derived_key(seed: str, which: str) -> str:
    """A key: 64 bytes in base64."""
    return base64.b64encode(hashlib.sha512(f"{seed}/{which}".encode()).digest()).decode()
