"""What Cost Management's query answers: a table whose columns are found by their names."""

from __future__ import annotations

from msgspec import Struct

from bot.azure.models.base import Wire


class CostColumn(Wire):
    """A column: its name in whatever case, and ``Number`` or ``String``."""

    name: str = ""
    type: str = ""


class CostTable(Struct, rename="camel", frozen=True):
    """One page: rows of numbers and texts as ``columns`` say; no link on the last one."""

    columns: tuple[CostColumn, ...] = ()
    rows: tuple[tuple[float | str | None, ...], ...] = ()
    next_link: str | None = None


class CostAnswer(Wire):
    """A page as it is sent; without ``properties`` it is no page."""

    properties: CostTable | None = None
