"""What people set by name: defaults, saved queries, subscriptions, mutes, quiet hours, watched jobs.

``namespace`` is the kind of setting, ``owner`` a conversation or a person, ``name`` separates one owner's settings of a
namespace apart. The value is encoded by whoever the namespace belongs to.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Preference(Struct, frozen=True):
    """One setting of an owner; ``at`` is when it was last set."""

    name: str
    value: bytes
    at: datetime


class PreferenceStore(Protocol):
    """Preferences. Every method may raise StoreError."""

    async def put_preference(self, namespace: str, owner: str, name: str, value: bytes, at: datetime) -> None:
        """Set one, in place of what was set under that name before."""
        ...

    async def preferences(self, namespace: str, owner: str) -> list[Preference]:
        """An owner's preferences in a namespace, by name."""
        ...

    async def all_preferences(self, namespace: str) -> list[tuple[str, Preference]]:
        """Every preference in a namespace with its owner, by owner and name."""
        ...

    async def delete_preference(self, namespace: str, owner: str, name: str) -> bool:
        """Delete one; False where there is none of that name."""
        ...
