"""The bill: machines at their price of the hour, what comes with them, reservations, credits and corrections."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zlib import crc32

from msgspec.structs import replace

from bot.sandbox.entities import Account
from bot.sandbox.world.ledger import charges as rates
from bot.sandbox.world.ledger.charges import Charge, Correction, Reservation
from bot.sandbox.world.ledger.past import PoolFacts
from bot.sandbox.world.ledger.reserved import Reserved, midnight
from bot.sandbox.world.ledger.resources import account_id, place
from bot.sandbox.world.ledger.use import HOUR, Kinds, hour_of
from bot.sandbox.world.prices import RATES, Market, PriceBook, meter_of, series_of

if TYPE_CHECKING:
    from bot.sandbox.world.ledger.ledger import Ledger

REFRESH = 4 * HOUR
"""Cost Management's data are refreshed so often."""
SETTLED = timedelta(hours=72)
"""A day may still change until it is so old."""
_STORED_GB = 1_800


class Billing:
    """The bill of one account, in ``currency``: `charges` are the truth, `told` is what Cost Management knows of it."""

    def __init__(self, ledger: Ledger, account: Account, prices: PriceBook) -> None:
        self._ledger = ledger
        self._account = account
        self._prices = prices
        self._currency = "USD"
        self._reservations: list[Reservation] = []
        self._credits: list[tuple[date, float]] = []
        self._corrections: list[Correction] = []
        self._whole: dict[date, tuple[Charge, ...]] = {}

    # --- what a scenario or a test may set ----------------------------------------------------------------------------

    @property
    def currency(self) -> str:
        """The bill's currency, one of `RATES`."""
        return self._currency

    @currency.setter
    def currency(self, currency: str) -> None:
        if currency not in RATES:
            raise ValueError(f"there is no rate for {currency}; there are {', '.join(RATES)}")
        self._currency = currency
        self._whole.clear()

    def reserve(self, reservation: Reservation) -> None:
        """Machines were reserved."""
        self._reservations.append(reservation)
        self._whole.clear()

    def credit(self, day: date, dollars: float) -> None:
        """So much was given back on a day."""
        self._credits.append((day, dollars))
        self._whole.clear()

    def correct(self, correction: Correction) -> None:
        """A day turns out to be other than told; from now on that is what it was."""
        self._corrections.append(correction)
        self._whole.clear()

    # --- the truth ----------------------------------------------------------------------------------------------------

    def charges(self, day: date) -> Sequence[Charge]:
        """All lines of a UTC day, so far where it is today."""
        begins = midnight(day)
        ends = begins + timedelta(days=1)
        if (known := self._whole.get(day)) is not None:
            return known
        found = tuple(self._charges(day, ends))
        if ends.timestamp() <= self._ledger.now:
            self._whole[day] = found
        return found

    def _charges(self, day: date, until: datetime) -> Iterator[Charge]:
        factors = [each for each in self._corrections if each.day == day]
        for charge in self._made(day, until):
            factor = 1.0
            for each in factors:
                if each.pool.lower() in ("", charge.pool.lower()) and charge.charge_type == "Usage":
                    factor *= each.factor
            money = RATES[self._currency] * factor
            yield replace(charge, actual=charge.actual * money, amortized=charge.amortized * money)

    def _made(self, day: date, until: datetime) -> Iterator[Charge]:
        """In dollars, before corrections."""
        hours: defaultdict[PoolKey, list[tuple[int, Kinds]]] = defaultdict(list)
        facts: dict[PoolKey, PoolFacts] = {}
        for of, key, use in self._ledger.pieces(None, midnight(day), until):
            facts[_key(of)] = of
            hours[_key(of)].append((key, use))
        free = Reserved(self._reservations, day)
        for pool in sorted(hours):
            yield from self._machines(day, facts[pool], hours[pool], free)
            yield from self._beside(day, facts[pool], hours[pool])
        yield from self._storage(day, until)
        yield from self._purchases(day, free, until)
        for when, dollars in self._credits:
            if when == day:
                yield Charge(
                    day=day, service="Azure App Service", category="Credit", subcategory="", meter="Service credit",
                    unit="1", quantity=1, actual=-dollars, amortized=-dollars, charge_type="Refund",
                    location=self._account.location,
                )  # fmt: skip

    def _machines(
        self, day: date, facts: PoolFacts, hours: list[tuple[int, Kinds]], reserved: Reserved
    ) -> Iterator[Charge]:
        for dedicated in (True, False):
            market: Market = "on demand" if dedicated else "spot"
            where = place(self._account, facts, "machines", dedicated=dedicated)
            paid, covered = [0.0, 0.0], [0.0, 0.0]  # node-hours and dollars
            for key, use in hours:
                nodes = (use.dedicated if dedicated else use.spot).nodes / HOUR
                if not nodes:
                    continue
                given, hourly = reserved.take(facts, key, nodes) if dedicated else (0.0, 0.0)
                price = self._prices.at(facts.size, self._account.location, facts.windows, market, hour_of(key))
                paid[0] += nodes - given
                paid[1] += (nodes - given) * price
                covered[0] += given
                covered[1] += given * hourly
            line = Charge(
                day=day,
                pool=facts.pool,
                resource_id=where.resource_id,
                resource_type=where.resource_type,
                group=where.group,
                tags=where.tags,
                location=self._account.location,
                service="Virtual Machines",
                category="Virtual Machines",
                subcategory=series_of(facts.size, windows=facts.windows),
                meter=meter_of(facts.size, market),
                quantity=paid[0],
                actual=paid[1],
                amortized=paid[1],
                pricing="OnDemand" if dedicated else "Spot",
            )
            if paid[0]:
                yield line
            if covered[0]:
                name = reserved.name(facts)
                yield replace(
                    line,
                    quantity=covered[0],
                    actual=0.0,
                    amortized=covered[1],
                    pricing="Reservation",
                    reservation=name,
                )

    def _beside(self, day: date, facts: PoolFacts, hours: list[tuple[int, Kinds]]) -> Iterator[Charge]:
        """Disks, address, load balancer, and what went over the network."""
        nodes = sum(use.total.nodes for _, use in hours) / HOUR
        span = sum(min(HOUR, use.total.nodes) for _, use in hours) / HOUR
        out = sum(use.total.busy for _, use in hours) / HOUR * rates.GIB_OUT
        disk, monthly = rates.WINDOWS_DISK if facts.windows else rates.LINUX_DISK
        months = nodes / rates.MONTH_HOURS
        lines = (
            ("disks", "Storage", "Premium SSD Managed Disks", disk, "1/Month", months, months * monthly),
            ("address", "Virtual Network", "IP Addresses", "Standard IPv4 Static Public IP", "1 Hour", span,
             span * rates.ADDRESS),
            ("balancer", "Load Balancer", "Standard", "Standard Included LB Rules and Outbound Rules", "1 Hour", span,
             span * rates.BALANCER),
            ("machines", "Bandwidth", "Rtn Preference: MGN", "Standard Data Transfer Out", "1 GB", out,
             out * rates.TRANSFER),
        )  # fmt: skip
        for what, category, subcategory, meter, unit, quantity, dollars in lines:
            if quantity:
                where = place(self._account, facts, what)
                yield Charge(
                    day=day, pool=facts.pool, resource_id=where.resource_id, resource_type=where.resource_type,
                    group=where.group, tags=where.tags, location=self._account.location, service=category,
                    category=category, subcategory=subcategory, meter=meter, unit=unit, quantity=quantity,
                    actual=dollars, amortized=dollars,
                )  # fmt: skip

    def _storage(self, day: date, until: datetime) -> Iterator[Charge]:
        storage = self._account.auto_storage_account_id
        seconds = (min(until.timestamp(), self._ledger.now)) - midnight(day).timestamp()
        first = min((part.since for part in self._ledger.past), default=self._ledger.start).date()
        if not storage or seconds <= 0 or day < first:
            return
        stored = _STORED_GB * (1 + crc32(f"{storage} {day}".encode()) % 40 / 1000)
        quantity = stored * seconds / 86_400 / 30.4
        yield Charge(
            day=day, resource_id=storage.lower(), resource_type="microsoft.storage/storageaccounts",
            group=self._account.resource_group.lower(), location=self._account.location, service="Storage",
            category="Storage", subcategory="General Block Blob v2", meter="Hot LRS Data Stored", unit="1 GB/Month",
            quantity=quantity, actual=quantity * rates.STORED, amortized=quantity * rates.STORED,
        )  # fmt: skip

    def _purchases(self, day: date, reserved: Reserved, until: datetime) -> Iterator[Charge]:
        for each in self._reservations:
            order = uuid.uuid5(uuid.NAMESPACE_URL, f"{account_id(self._account)}/{each.name}")
            line = Charge(
                day=day,
                resource_id=f"/providers/microsoft.capacity/reservationorders/{order}",
                resource_type="microsoft.capacity/reservationorders",
                location=self._account.location,
                service="Virtual Machines",
                category="Virtual Machines",
                subcategory="Reservation",
                meter=each.vm_size.partition("_")[2].replace("_", " "),
                quantity=0.0,
                actual=0.0,
                amortized=0.0,
                pricing="Reservation",
                reservation=each.name,
            )
            if each.since.date() == day:
                yield replace(line, unit="1", quantity=each.quantity, actual=each.price, charge_type="Purchase")
            ends = min(until.timestamp(), self._ledger.now)
            left = reserved.left(each, midnight(day).timestamp(), ends)
            if left > 1e-9:
                yield replace(line, quantity=left, amortized=left * each.hourly, charge_type="UnusedReservation")

    # --- what is told -------------------------------------------------------------------------------------------------

    def told(self, day: date, now: datetime) -> Sequence[Charge]:
        """What Cost Management says of a UTC day at a time.

        Usage comes 8 to 24 hours late, by the day, and is looked at every four hours. Until a day is 72 hours old a
        little of it is missing: nothing says how much, so two per cent of the machines and a seventh of the rest.
        """
        looked = now.timestamp() // REFRESH * REFRESH
        late = (8 + crc32(f"{self._account.name} {day}".encode()) % 17) * HOUR
        begins, known = midnight(day), looked - late
        ends = begins + timedelta(days=1)
        if known <= begins.timestamp():
            return ()
        if known < ends.timestamp():
            return tuple(self._filling(self._charges(day, datetime.fromtimestamp(known, UTC)), 0.0))
        age = looked - ends.timestamp()
        if age >= SETTLED.total_seconds():
            return self.charges(day)
        return tuple(self._filling(self.charges(day), age // 86_400 / 3))

    @staticmethod
    def _filling(charges: Sequence[Charge] | Iterator[Charge], share: float) -> Iterator[Charge]:
        for charge in charges:
            if charge.charge_type != "Usage":
                yield charge
                continue
            part = 1 - (1 - share) * (0.02 if charge.machines else 1 / 7)
            yield replace(
                charge, quantity=charge.quantity * part, actual=charge.actual * part, amortized=charge.amortized * part
            )


PoolKey = tuple[str, str, bool]


def _key(facts: PoolFacts) -> PoolKey:
    return facts.pool, facts.size.name, facts.windows
