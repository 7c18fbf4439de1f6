"""One condition of a filter, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.filter.fields import Field
from bot.filter.values import Value, spelled

FLIPPED = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
"""What holds where the key does not, of a value that is there."""


def _spelled(value: Value) -> str:
    match value:
        case timedelta():
            return spelled(value)
        case float():
            return str(int(value)) if value.is_integer() else str(value)
    return str(value)


@dataclass(frozen=True)
class Condition:
    """``field op values``, turned round where ``negated``. Several values are alternatives; comparisons have one."""

    field: Field
    op: str
    values: tuple[Value, ...]
    negated: bool = False

    def __str__(self) -> str:
        values = ",".join(_spelled(value) for value in self.values)
        gap = " " if self.op in "<>" and values[:1] in "<>=" else ""  # or they would be read as one operator
        return f"{'-' if self.negated else ''}{self.field.name}{self.op}{gap}{values}"
