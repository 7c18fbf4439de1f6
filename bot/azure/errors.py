"""What Azure refused, in a form that can be told to people."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class AzureError(Exception):
    """An answer that is not a success.

    ``code`` is the service's (``PoolNotFound``), ``message`` its first line without RequestId and Time, ``values``
    the details it gave, ``request_id`` for the log only. ``status`` is 0 when no answer came at all.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 0,
        values: Mapping[str, str] = MappingProxyType({}),
        request_id: str = "",
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.values = values
        self.request_id = request_id

    @property
    def not_found(self) -> bool:
        """True where the thing asked for does not exist."""
        return self.status == 404
