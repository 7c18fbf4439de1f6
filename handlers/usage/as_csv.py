"""The figures behind a usage picture as a file: core-hours of each bucket by what cores did."""

from __future__ import annotations

from typing import Final

from bot.domain.timeline import Window
from cards.card import Attachment
from handlers.shared.files import Cell, csv_of
from storage.port.core_use import CoreUse
from storage.port.samples import Bucket

_PARTS: Final = ("busy", "starting", "unused", "waiting", "broken", "leaving", "unknown")
_COLUMNS: Final = (
    "start",
    "seconds",
    "sampled seconds",
    *(f"dedicated {part} core-hours" for part in _PARTS),
    *(f"spot {part} core-hours" for part in _PARTS),
    "busy at most",
)


def csv(name: str, title: str, buckets: list[Bucket], window: Window) -> Attachment:
    """A row for each bucket that was sampled, its start in UTC; what nobody saw has none."""

    def row(bucket: Bucket) -> list[Cell]:
        use = [*_hours(bucket.dedicated), *_hours(bucket.spot)]
        return [bucket.start, window.step, round(bucket.seconds), *use, "yes" if bucket.at_most else ""]

    return csv_of(name, _COLUMNS, [row(bucket) for bucket in buckets if bucket.seconds > 0], title=title)


def _hours(use: CoreUse) -> list[Cell]:
    return [round(getattr(use, part) / 3600, 6) for part in _PARTS]
