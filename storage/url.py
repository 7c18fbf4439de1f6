"""How a PostgreSQL database is told from a SQLite file."""

from __future__ import annotations

import re

_URL = re.compile(r"postgres(ql)?://", re.IGNORECASE)


def is_url(database: str) -> bool:
    """Whether it is a PostgreSQL URL, and no path."""
    return bool(_URL.match(database))
