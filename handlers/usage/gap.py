"""What cores did, in figures that add up: a line for busy, one for each reason of idleness, and their sum."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from bot.domain.core_usage import CoreHours
from bot.domain.core_use import IDLE_WORDS
from bot.domain.money.shares import parts_beside, rounded_parts, share_of
from bot.domain.money.spend import Spend
from cards import build
from cards.build import bold, text
from cards.card import Column, Footer, Table, Text
from cards.formatting import core_hours
from storage.port.core_use import IDLE_REASONS

_WHOLE_FROM = 100
_LITTLE = 1e-6
_ALL = 100
TOLD = 0.005
"""Core-hours that can be told: of less than that no share is one."""


class Line(Struct, frozen=True):
    """A part of the core-hours and of the money."""

    words: str
    hours: float
    cost: float


class Gap(Struct, frozen=True):
    """The parts of all core-hours of a window, and what they cost."""

    lines: tuple[Line, ...]
    hours: CoreHours
    spend: Spend

    @property
    def total(self) -> float:
        """All core-hours."""
        return sum(line.hours for line in self.lines)


def gap(hours: CoreHours, spend: Spend, *, shared: bool = False) -> Gap:
    """The parts: busy, and each reason that there was; ``shared`` says that idle ones are a share of a pool's."""
    use, cost = hours.use, spend.cost
    lines = [Line("busy", use.busy, cost.busy)]
    lines += [
        Line(
            f"{'share of ' if shared else ''}idle: {IDLE_WORDS[reason]}", use.reasons()[reason], cost.reasons()[reason]
        )
        for reason in IDLE_REASONS
        if use.reasons()[reason] > _LITTLE or cost.reasons()[reason] > _LITTLE
    ]
    return Gap(tuple(lines), hours, spend)


def is_priced(spend: Spend) -> bool:
    """Whether any of it has a price."""
    return bool(spend.currency) and (spend.priced or 0.0) > _LITTLE


def shares(found: Gap) -> list[str]:
    """The share of each part in percent, which sum to 100: with a decimal where whole ones would not."""
    total = found.total
    if total < TOLD:
        return ["–"] * len(found.lines)
    exact = [100 * line.hours / total for line in found.lines]
    whole = [rounded_parts([share], 0)[0] for share in exact]
    digits = 0 if sum(whole) == _ALL else 1  # no share is moved by a whole percent for the sake of the sum
    return [f"{share} %" for share in rounded_parts(exact, digits)]


def digits(total: float) -> int:
    """Decimals of core-hours that sum to so many."""
    return 0 if total >= _WHOLE_FROM else 1 if total >= 1 else 2


def hours_in_words(values: Sequence[float]) -> tuple[list[str], str]:
    """Core-hours and their sum, rounded so that what is shown adds up."""
    total = sum(values)
    rounded = rounded_parts(values, digits(total))
    places = digits(total)
    return [f"{each:,.{places}f}" for each in rounded], f"{sum(rounded):,.{places}f}"


def table(found: Gap, priced_as: str = "Cost") -> Table:
    """Core-hours, shares and money of each part, the money under a name that says since when it is known."""
    hours, all_hours = hours_in_words([line.hours for line in found.lines])
    spend = found.spend
    priced = is_priced(spend)
    costs: list[str] = [""] * len(found.lines)
    all_costs = ""
    if priced:
        costs, all_costs, _ = parts_beside([line.cost for line in found.lines], spend.currency)
        unknown = priced_as != "Cost"  # what has hours and no money is then not free
        costs = [
            "–" if unknown and line.cost <= _LITTLE < line.hours else cost
            for line, cost in zip(found.lines, costs, strict=True)
        ]
    rows: list[list[Text]] = [
        [text(line.words), text(mine), text(share), text(cost)]
        for line, mine, share, cost in zip(found.lines, hours, shares(found), costs, strict=True)
    ]
    rows.append(
        [
            text(bold("all")),
            text(bold(all_hours)),
            text(bold("100 %" if found.total >= TOLD else "–")),
            text(bold(all_costs)) if all_costs else (),
        ]
    )
    columns = [Column("Cores", width=3), Column("Core-hours", "right", width=2), Column("Share", "right", rank=2)]
    if priced:
        return build.table([*columns, Column(priced_as, "right", rank=1, width=2)], rows)
    return build.table(columns, [row[:3] for row in rows])


def idle_money(found: Gap) -> str:
    """What idle cores cost, as the table's lines sum to; empty where that is unknown."""
    if not is_priced(found.spend) or not found.total:
        return ""
    return parts_beside([line.cost for line in found.lines], found.spend.currency)[2]


def kinds(hours: CoreHours) -> tuple[str, str]:
    """Dedicated and spot core-hours, each with its busy part; empty where there are none of a kind."""
    amounts = [hours.dedicated.total, hours.spot.total]
    (dedicated, spot), _ = hours_in_words(amounts)
    return (
        f"{dedicated} core-hours, {share_of(hours.dedicated.busy, amounts[0])} busy" if amounts[0] > _LITTLE else "",
        f"{spot} core-hours, {share_of(hours.spot.busy, amounts[1])} busy" if amounts[1] > _LITTLE else "",
    )


def in_words(found: Gap) -> str:
    """The same for those who cannot see it: ``Idle: 12 core-hours starting, 80 with nothing to do.``"""
    hours, _ = hours_in_words([line.hours for line in found.lines])
    parts = [
        f"{mine} {line.words.removeprefix('share of ').removeprefix('idle: ')}"
        for line, mine in zip(found.lines, hours, strict=True)
    ]
    return f"Core-hours: {', '.join(parts)}." if found.total else ""


def price_note(found: Gap, covered: str = "") -> Footer | None:
    """What has no price, where something has none."""
    spend = found.spend
    if not found.total:
        return None
    if not is_priced(spend):
        if covered and spend.currency:  # there are prices, but none of unknown pools
            return build.note(f"Pools are known{covered}: the time before has no price, and no money is shown.")
        return build.note("Price unknown: no money is shown.")
    if covered:
        return build.note(f"Money is known{covered}. Pools of the time before are unknown, and so is their price.")
    if spend.unpriced > _LITTLE:
        return build.note(f"{core_hours(spend.unpriced)} have no known price, and are in no amount of money.")
    return None
