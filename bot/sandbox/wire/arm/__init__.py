"""Azure Resource Manager: subscriptions, Batch accounts and what lies below them."""

from __future__ import annotations

from .manager import ResourceManager

__all__ = ["ResourceManager"]
