"""What Azure billed, as Cost Management answered it, and what became of asking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

Basis: TypeAlias = Literal["actual", "amortized"]
"""``actual`` is what the invoice says; ``amortized`` spreads a reservation's price over what it covers."""
BillState: TypeAlias = Literal["ok", "no permission", "no data", "throttled", "failed"]
"""What the last reading came to: three different answers where there is no money to show."""


class BillRow(Struct, frozen=True):
    """One meter of one resource on one UTC day.

    ``pool`` is the pool as Cost Management names it (lower case), empty for what belongs to no pool (storage, say).
    ``amount`` is in ``currency`` and may be negative (a credit); ``quantity`` is in ``unit`` as the meter counts.
    """

    account: str
    day: date
    basis: Basis
    pool: str
    resource: str
    meter: str
    category: str
    subcategory: str
    currency: str
    amount: float
    quantity: float = 0.0
    unit: str = ""


class BillCorrection(Struct, frozen=True):
    """A day of an account whose amount became another one ``at`` a reading, after it had been read as ``before``."""

    account: str
    day: date
    basis: Basis
    currency: str
    at: datetime
    before: float
    after: float


class BillReading(Struct, frozen=True):
    """How the bill of an account stands: ``at`` it was asked last, ``as_of`` answered last (None: never).

    ``message`` says what was wrong and what to do, such as the role that is missing. ``first`` is the earliest day that
    was read (None: none was), so that reading what is older goes on after a restart.
    """

    account: str
    state: BillState
    at: datetime
    as_of: datetime | None = None
    message: str = ""
    first: date | None = None


class BillStore(Protocol):
    """The bill. Every method may raise StoreError."""

    async def put_bill(
        self, account: str, first: date, last: date, rows: Sequence[BillRow], reading: BillReading
    ) -> None:
        """Put ``rows`` in the place of all that is kept of the account from ``first`` to ``last``, both inclusive.

        Where that makes another amount of a day that had one, a correction is noted.
        """
        ...

    async def put_bill_reading(self, reading: BillReading) -> None:
        """Note a reading that brought nothing."""
        ...

    async def bill(self, account: str, first: date, last: date) -> list[BillRow]:
        """The rows of these days, both inclusive, by day, pool and meter."""
        ...

    async def bill_corrections(self, account: str, first: date, last: date) -> list[BillCorrection]:
        """What became another amount after it had been read, for these days, both inclusive; by day and time."""
        ...

    async def bill_reading(self, account: str) -> BillReading | None:
        """How the bill stands; None where it was never asked for."""
        ...
