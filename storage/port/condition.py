"""How a store stands: what of it cannot be read, and whether anything can be written now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class StoreCondition:
    """What those who run the bot have to know.

    ``unreadable`` are rows that were put aside, by the table they were in. ``failing`` says why nothing can be written;
    it is empty while writing works.
    """

    unreadable: Mapping[str, int] = field(default_factory=dict)
    failing: str = ""

    def troubles(self) -> Sequence[str]:
        """A line each; nothing where all is well."""
        aside = (
            f"{rows:,} unreadable row{'' if rows == 1 else 's'} of {table} {'was' if rows == 1 else 'were'} put aside"
            for table, rows in sorted(self.unreadable.items())
        )
        return [*([f"nothing can be stored: {self.failing}"] if self.failing else []), *aside]
