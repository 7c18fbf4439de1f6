"""Moments as the database keeps them: whole microseconds since 1970 (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def to_timestamp(at: datetime) -> int:
    """Whole microseconds since 1970; exact, unlike ``timestamp()``."""
    return (at - _EPOCH) // _TICK


def from_timestamp(at: int) -> datetime:
    """The aware datetime (UTC) of some microseconds since 1970."""
    return _EPOCH + at * _TICK
