"""Secrets in every answer of Azure: planted on the wire, as it goes out, where the service itself could put words."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from aiohttp import web

SEED = "Zq9Xw7Kp"
"""What a secret is made of, again and again, so that of one that was cut some is found."""
SECRETS = (
    f"https://x.blob.core.windows.net/c/f.txt?sv=2024-11-04&sr=c&se=2026-12-01&sig={SEED * 4}%2Fa%3D",
    f"password={SEED}{SEED}",
    f"AccountKey={(SEED * 11)[:86]}==",
    f"Authorization: Bearer {SEED * 5}",
)

_NAMES = """
    id poolId jobId taskId nodeId jobScheduleId affinityId applicationId thumbprint resourceId virtualMachineImageId
    subnetId computeNodeId subtaskId name type nodeAgentSKUId publisher offer sku version
"""
_ADDRESSES = "url odata.metadata odata.nextLink nextLink nodeUrl taskRootDirectoryUrl eTag accountEndpoint"
_FIXED = """
    state previousState allocationState result category action kind level scope elevationLevel osType caching
    storageAccountType onAllTasksComplete onTaskFailure verificationType nodeFillType provisioningState
    poolAllocationMode allocationMode currency unit vmSize location timeGrain aggregationType status
    schedulingState resourceType restrictionReason
"""
LEFT_OUT = {
    "names by which things are found": frozenset(_NAMES.split()),
    "addresses, which are followed or compared": frozenset(_ADDRESSES.split()),
    "words of a fixed list": frozenset(_FIXED.split()),
}
"""Fields whose alteration would break the protocol: no service puts words there. Moments, spans and figures too."""
_LEFT_OUT = frozenset().union(*LEFT_OUT.values())
_FIGURE = re.compile(r"[\d.,:TZPHMSD+-]*|true|false|\d{4}-\d\d-\d\dT.*", re.IGNORECASE)
_SETTINGS = frozenset({"metadata", "environmentSettings", "details", "values", "errorDetails"})


class Planter:
    """An observer of a listener's answers (:class:`bot.sandbox.wire.listener.AnswerObserver`) that alters them."""

    def __init__(self) -> None:
        self.planted: Counter[str] = Counter()
        """How often a secret was planted in each field, and in how many errors, headers and files."""
        self._secrets: Iterator[str] = cycle(SECRETS)

    def __call__(self, request: web.Request, response: web.Response) -> None:
        """Plant in what goes out."""
        body = response.body
        if response.status >= 400:
            self.planted["error"] += 1
            response.set_status(response.status, f"Refused {next(self._secrets)}")
            if "x-ms-error-code" in response.headers:
                response.headers["x-ms-error-code"] += f" {next(self._secrets)}"
        if not isinstance(body, bytes) or not body or request.method == "HEAD":
            return
        if b'"access_token"' in body:
            return  # the program's own token, which must work
        if "json" in response.headers.get("Content-Type", ""):
            response.body = json.dumps(self._in(json.loads(body), ())).encode()
        elif "/files/" in request.path and response.status == 200:
            self.planted["file"] += 1
            response.body = self._file(body)

    def _file(self, body: bytes) -> bytes:
        """Of the same length, since its length was told before."""
        line = f"\n{next(self._secrets)}\n".encode()
        return body if len(body) < len(line) else line + body[len(line) :]

    def _in(self, value: Any, path: tuple[str, ...]) -> Any:
        match value:
            case dict():
                return {key: self._in(each, (*path, key)) for key, each in value.items()}
            case list():
                return [self._in(each, path) for each in value]
            case str() if self._takes(path, value):
                self.planted[path[-1]] += 1
                return f"{value} {next(self._secrets)}"
            case _:
                return value

    def _takes(self, path: tuple[str, ...], value: str) -> bool:
        if path and path[-1] == "rows" and len(value) == 3:  # a currency
            return False
        if not path or _FIGURE.fullmatch(value) or value.startswith("/subscriptions/"):
            return False
        if path[-1] == "name":  # of a setting it is no more than words
            return len(path) > 1 and path[-2] in _SETTINGS
        return path[-1] not in _LEFT_OUT
