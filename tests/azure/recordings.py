"""The recorded exchanges, read once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.shared import shared


@cache
def recordings() -> tuple[dict[str, Any], ...]:
    """Every recorded exchange with Batch, both planes."""
    with shared("azure/recordings.jsonl").open(encoding="utf-8") as lines:
        found = (json.loads(line) for line in lines)
        return tuple(each for each in found if each["route"].startswith(("DP ", "ARM ")))


def body(recording: dict[str, Any]) -> bytes:
    """The answer's body as bytes."""
    answered = recording["response_body"]
    if isinstance(answered, str):
        return answered.encode()
    return b"" if answered is None else json.dumps(answered).encode()


def answered(*routes: str) -> Iterator[dict[str, Any]]:
    """Successful GETs of routes that carry a body; an ARM route is what stands behind the subscription."""
    for each in recordings():
        route = each["route"].split("{sub}")[-1]
        if each["method"] == "GET" and each["status"] == 200 and route in routes and each["response_body"]:
            yield each
