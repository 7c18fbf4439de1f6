"""How a store stands: what of it cannot be read, and whether anything can be written now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class StoreCondition:
    """What those who run the bot have to know.

    ``unreadable`` are rows that were put aside, by the table they were in; ``left`` those that were not, since another
    program has the store. ``failing`` says why nothing can be written; it is empty while writing works. ``lost`` says
    that another program has taken the store over, and this one is to end.
    """

    unreadable: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    failing: str = ""
    lost: str = ""

    def troubles(self) -> Sequence[str]:
        """A line each; nothing where all is well."""
        return [
            *([f"nothing can be stored: {self.failing}"] if self.failing else []),
            *(f"{_rows(rows, table)} put aside" for table, rows in sorted(self.unreadable.items())),
            *(f"{_rows(rows, table)} left in place" for table, rows in sorted(self.left.items())),
        ]


def _rows(rows: int, table: str) -> str:
    return f"{rows:,} unreadable row{'' if rows == 1 else 's'} of {table} {'was' if rows == 1 else 'were'}"
