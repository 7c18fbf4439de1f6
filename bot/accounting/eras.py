"""What pools were, without the secrets that earlier versions kept of their metadata."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from bot.content.clear_values import clear_pairs
from storage.port.samples import PoolEra


def shown_eras(eras: Iterable[PoolEra]) -> list[PoolEra]:
    """The same with tags as they may be shown."""
    return [replace(era, tags=clear_pairs(era.tags)) for era in eras]
