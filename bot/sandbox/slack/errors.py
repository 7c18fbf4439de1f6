"""Two kinds of refusal: one that Slack sends to the app, one for whoever plays the people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType


class StandInError(Exception):
    """A person cannot do that: there is no such button, channel or message. ``code`` is stable, the rest explains."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code


class Refused(Exception):
    """An ``ok: false`` answer of the Web API.

    ``messages`` become ``response_metadata.messages``; ``details`` are further keys of the answer;
    ``retry_after`` (seconds) makes it HTTP 429.
    """

    def __init__(
        self,
        code: str,
        messages: Sequence[str] = (),
        *,
        details: Mapping[str, object] = MappingProxyType({}),
        retry_after: int = 0,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.messages = tuple(messages)
        self.details = details
        self.retry_after = retry_after
