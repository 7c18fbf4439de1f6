"""The seal of a button: which part of what comes back with it the bot wrote itself.

What a card carries passes through the client of whoever presses a button, which may send back anything. The seal is
made and checked by whoever posts cards (:mod:`bot.chat.teams.seals`); here is what it covers and where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from cards.teams.text import Json

Seal: TypeAlias = Callable[[tuple[str, ...]], str]
"""Makes the seal over all that a button carries."""

_SEAL = "s"


CLICK, FORM = ("c", "h", "m"), ("form",)
"""What a button or a menu carries, and what a form does. What was filled in or chosen is not part of it."""


def sealed(data: Mapping[str, object], keys: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """All that an action's ``data`` carries under these keys, and the seal that came with it (may be empty)."""
    seal = data.get(_SEAL)
    return (keys[0], *(str(data.get(key, "")) for key in keys)), seal if isinstance(seal, str) else ""


def with_seal(data: Json, seal: Seal | None, keys: tuple[str, ...] = CLICK) -> Json:
    """What an action carries, with its seal where there is one."""
    return {**data, _SEAL: seal(sealed(data, keys)[0])} if seal else data
