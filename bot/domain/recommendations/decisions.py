"""What people said of recommendations: what they do not want to be told of again, or not yet."""

from __future__ import annotations

from datetime import datetime

from storage.port.recommendations import RecommendationRow


def is_set_aside(row: RecommendationRow, at: datetime) -> bool:
    """Whether a recommendation is left out: it was dismissed, or is snoozed until later."""
    return row.state == "dismissed" or (row.state == "snoozed" and row.until is not None and at < row.until)
