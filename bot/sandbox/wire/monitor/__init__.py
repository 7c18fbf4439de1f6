"""Azure Monitor: the metrics of Batch accounts."""

from __future__ import annotations

from .server import Monitor

__all__ = ["Monitor"]
