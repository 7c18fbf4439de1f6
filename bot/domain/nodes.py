"""A node in trouble as facts are taken of it, wherever it was read."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

ErrorText: TypeAlias = tuple[str, str]
"""The service's code, and its words."""


class NodeFacts(Struct):
    """A node in trouble. ``errors`` and ``start_task`` are (code, message) as the service reports them."""

    id: str
    state: str
    since: datetime
    dedicated: bool = True
    vm_size: str = ""
    errors: tuple[ErrorText, ...] = ()
    start_task: ErrorText | None = None
    start_exit: int | None = None
