"""The two ways the stand-in says no: to the bot over HTTP, and to whoever plays the people."""

from __future__ import annotations


class StandInError(Exception):
    """A person cannot do this. ``code`` is one word, such as ``UserNotFound`` or ``NoSuchAction``."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message


class RefusedError(Exception):
    """The connector's answer to a request it does not accept: ``{"error": {"code", "message"}}`` with ``status``."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
