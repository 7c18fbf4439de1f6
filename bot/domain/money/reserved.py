"""Reserved nodes: what is covered by a reservation costs its own rate, up to so many nodes of a size at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.azure.price_settings import Reservation
from bot.domain.entity import fold
from bot.domain.money.ledger import Eras
from bot.domain.money.rates import Rate, Rates
from bot.domain.money.spans import utc_day
from storage.port.samples import PoolBucket


class ReservedRates:
    """Rates with reservations in them: of a size's dedicated nodes in a span, those that are covered cost less.

    A reservation is used by the hour or lost ("How a reservation discount is applied"), so spans are to be short. Which
    pool is covered Azure does not say: all pools of a size pay the same mean. Windows is paid for beside a reservation.
    """

    def __init__(
        self, rates: Rates, reservations: Sequence[Reservation], buckets: Iterable[PoolBucket], eras: Eras
    ) -> None:
        self._rates = rates
        self._covered: dict[tuple[datetime, str], tuple[float, float]] = {}
        used: dict[tuple[datetime, str], tuple[float, float]] = {}  # nodes' seconds, and the longest time seen
        for each in buckets:
            bucket = each.bucket
            era = eras.at(each.pool, bucket.start)
            if era and era.cores and bucket.dedicated.total:
                seconds, seen = used.get((bucket.start, fold(era.vm_size)), (0.0, 0.0))
                nodes = seconds + bucket.dedicated.total / era.cores
                used[bucket.start, fold(era.vm_size)] = nodes, max(seen, bucket.seconds)
        for (start, size), (seconds, seen) in used.items():
            left, paid = seconds, 0.0
            for reserved in reservations:
                if fold(reserved.size) == size and _holds(reserved, start):
                    taken = min(left, reserved.nodes * seen)
                    left, paid = left - taken, paid + taken * reserved.hourly
            if left < seconds:
                covered = seconds - left
                self._covered[start, size] = covered / seconds, paid / covered

    @property
    def currency(self) -> str:
        """The currency of every rate; empty where none is known."""
        return self._rates.currency

    def hourly(self, vm_size: str, *, windows: bool, spot: bool, at: datetime) -> Rate | None:
        """The mean of covered and other nodes of a size in the span that begins at ``at``; None where it is unknown."""
        rate = self._rates.hourly(vm_size, windows=windows, spot=spot, at=at)
        found = None if spot else self._covered.get((at, fold(vm_size)))
        if found is None:
            return rate
        share, reserved = found
        if windows:
            linux = self._rates.hourly(vm_size, windows=False, spot=False, at=at)
            if rate is None or linux is None:
                return None
            reserved += max(0.0, rate.amount - linux.amount)
        if share < 1 and rate is None:
            return None
        mean = share * reserved + (1 - share) * (rate.amount if rate else 0.0)
        return Rate(mean, self.currency, "reservation", rate.as_of if rate else at)


def _holds(reservation: Reservation, at: datetime) -> bool:
    day = utc_day(at)
    return (reservation.since is None or reservation.since <= day) and (
        reservation.until is None or day < reservation.until
    )
