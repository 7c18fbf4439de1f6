"""The windows that money is shown over: whole UTC days, as Azure bills."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

DayPreset: TypeAlias = Literal["7d", "30d", "90d"]
Window: TypeAlias = Literal["month", "last-month", DayPreset]
WINDOWS: Final[tuple[Window, ...]] = get_args(Window)


def utc_day(at: datetime) -> date:
    """The UTC day of a moment."""
    return at.astimezone(UTC).date()


class Days(Struct, frozen=True):
    """Days from ``first`` to ``last``, both inclusive, in words such as ``this month``."""

    first: date
    last: date
    words: str

    @property
    def since(self) -> datetime:
        """The beginning of the first day."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        """The end of the last day."""
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)

    @property
    def count(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1


BILL_BACK: Final = 92
"""Days that the bill is read back to, over some minutes after the start; known for fewer, it is still being read."""
LONGEST: Final = 400
"""Days: what is kept of the bill and of days."""


def days_of(window: str, now: datetime) -> Days:
    """The days of a :data:`Window`, or of another number of them such as ``14d``; all but ``last-month`` end today.

    Raises ValueError for anything else.
    """
    today = utc_day(now)
    begin = today.replace(day=1)
    match window:
        case "month":
            return Days(begin, today, "this month")
        case "last-month":
            last = begin - timedelta(days=1)
            return Days(last.replace(day=1), last, f"in {last:%B %Y}")
        case _:
            number = window.removesuffix("d").strip()
            if not window.endswith("d") or not number.isdecimal() or not 1 <= int(number) <= LONGEST:
                raise ValueError(
                    f"“{window[:20]}” is not a window: say month, last-month, or up to {LONGEST} days such as 14d."
                )
            count = int(number)
            if count == 1:
                return Days(today, today, "today")
            return Days(today - timedelta(days=count - 1), today, f"in the last {count} days")
