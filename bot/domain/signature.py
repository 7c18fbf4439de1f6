"""Until when a signed address (SAS) of Azure Storage may be used."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import unquote

_UNTIL = re.compile(r"[?&;]se=(?P<until>[^&\s\"'<>]+)", re.IGNORECASE)

_NOT_NOW = "signature not valid in the specified time frame"
"""What Azure Storage answers to one that has ended, or has not begun."""


def valid_until(*texts: str) -> datetime | None:
    """The earliest end of a signature that stands in these texts; None where none does. It is no secret.

    Sources: "Create a service SAS" (se: ISO 8601, UTC).
    """
    moments = [moment for text in texts for found in _UNTIL.finditer(text) if (moment := _moment(found["until"]))]
    return min(moments, default=None)


def is_over(at: datetime, *texts: str) -> bool:
    """Whether a signature in these texts has ended, or the storage says there that it is not valid at that time."""
    until = valid_until(*texts)
    return (until is not None and until <= at) or any(_NOT_NOW in text.lower() for text in texts)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(unquote(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
