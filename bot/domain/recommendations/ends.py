"""What comes to its end: how near that is, and in which words."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.recommendations.model import Risk

SOON, NEAR, NOW = timedelta(days=90), timedelta(days=30), timedelta(days=7)
"""How long before an end something is said of it, and said louder."""


def risk_of(end: datetime, at: datetime) -> Risk | None:
    """How bad an end is at a moment; None where it is more than :data:`SOON` away."""
    left = end - at
    if left > SOON:
        return None
    if left <= timedelta(0):
        return 5
    return 4 if left <= NOW else 3 if left <= NEAR else 2


def ends(end: datetime, at: datetime) -> str:
    """``ends on 1 Apr 2027`` or ``ended on …``; a day in UTC, the same wherever it is read."""
    return f"{'ended' if end <= at else 'ends'} on {day(end)}"


def day(moment: datetime) -> str:
    """``1 Apr 2027``."""
    return f"{moment.day} {moment:%b %Y}"
