"""What Azure refused, in a form that can be shown to people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType

import msgspec

_UNANSWERED = frozenset({"noconnection", "timeout", "operationtimedout"})
"""Codes after which a write may have been done, whatever the status ("Batch status and error codes")."""


class AzureError(Exception):
    """An answer that is not a success.

    ``code`` is the service's (``PoolNotFound``), ``message`` its words without RequestId and Time, ``values`` the
    details it gave, ``request_id`` for the log only. ``status`` is 0 when no answer came at all. ``retry_after`` are
    the seconds that the service asked to wait, where it did.

    Codes that are the program's own: ``NoConnection``, ``Timeout``, ``NoToken``, ``NoTokenCredential``,
    ``UnexpectedAnswer``, ``ForeignNextLink``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 0,
        values: Mapping[str, str] = MappingProxyType({}),
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.values = values
        self.request_id = request_id
        self.retry_after = retry_after
        self.host = self.method = self.path = ""
        """What was asked: set by :meth:`asked`, empty where it is not known."""

    def asked(self, host: str, method: str = "", path: str = "") -> AzureError:
        """The same error, which says what was asked and of whom."""
        self.host, self.method, self.path = host, method, path
        return self

    @property
    def not_found(self) -> bool:
        """True where the thing asked for does not exist."""
        return self.status == 404

    @property
    def throttled(self) -> bool:
        """True where the service asks to come less often."""
        return self.status == 429 or (self.status == 503 and self.code.lower() == "serverbusy")

    @property
    def unanswered(self) -> bool:
        """True where what was asked may have been done all the same: no answer came, or the service failed at it."""
        return not self.throttled and (self.status >= 500 or self.code.lower() in _UNANSWERED)

    @property
    def passing(self) -> bool:
        """True where the same may well succeed a little later."""
        return self.throttled or self.unanswered


def refusal(status: int, body: bytes, headers: Mapping[str, str], retry_after: float | None = None) -> AzureError:
    """The error that an answer carries: the data plane's shape, Resource Manager's, or none at all (gateways, HEAD)."""
    error = _object(body)
    inner = error.get("error")
    if isinstance(inner, dict):
        error = inner
    text = error.get("message")
    if isinstance(text, dict):
        text = text.get("value")
    message, request_id = _parted(text if isinstance(text, str) else "")
    code = error.get("code")
    phrase = _phrase(status)
    return AzureError(
        code if isinstance(code, str) and code else phrase.title().replace(" ", "").replace("-", ""),
        message or f"the service answered {status} {phrase} without saying why",
        status=status,
        values=dict(_details(error)),
        request_id=request_id or headers.get("request-id") or headers.get("x-ms-request-id") or "",
        retry_after=retry_after,
    )


def _object(body: bytes) -> dict[str, object]:
    try:
        found = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"


def _parted(text: str) -> tuple[str, str]:
    """The words for people, and the request id that stood among them."""
    found = re.search(r"^RequestId:\s*(\S+)", text, re.MULTILINE)
    words = (line.strip() for line in text.splitlines() if not re.match(r"(RequestId|Time):", line))
    return _unsigned(" ".join(filter(None, words))), found.group(1) if found else ""


def _details(error: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """``values`` of the data plane are {key, value}, ``details`` of Resource Manager {code, message}."""
    for field, key, value in (("values", "key", "value"), ("details", "code", "message")):
        items = error.get(field)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and isinstance(item.get(key), str):
                yield item[key], _parted(str(item.get(value) or ""))[0]


def _unsigned(text: str) -> str:
    """Without request signatures, which the service quotes where it does not accept one."""
    return re.sub(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=(?!=)", "…", text)
