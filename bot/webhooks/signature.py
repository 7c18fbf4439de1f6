"""How events are signed: Standard Webhooks 1.0, symmetric.

The signature is HMAC-SHA256 over ``ID.TIMESTAMP.BODY`` in Base64, with ``v1,`` before it; one for each key, so that a
key can be renewed while events arrive. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime


def signed(id_: str, at: datetime, body: bytes, keys: Iterable[bytes]) -> dict[str, str]:
    """The headers of an attempt; ``at`` is when it is made."""
    seconds = int(at.timestamp())
    content = b".".join((id_.encode(), str(seconds).encode(), body))
    made = (base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode() for key in keys)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{each}" for each in made),
    }
