"""What is said of a formula, and what is known of it while it is gone through."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias

from msgspec import Struct, field

from bot.domain.autoscale.bounds import Bounds
from bot.domain.autoscale.syntax import Formula, Place, place_of
from bot.domain.autoscale.values import Value
from bot.domain.price import HourlyCost

Weight: TypeAlias = Literal["error", "warning", "note"]


class Remark(Struct, frozen=True):
    """One thing about a formula. ``what`` and ``why`` are sentences, ``fix`` says what to write."""

    weight: Weight
    rule: str
    place: Place | None
    what: str
    why: str = ""
    fix: str = ""


class Surroundings(Struct, frozen=True):
    """What is known of the pool: its task slots a node, what one node of each kind costs, the evaluation interval."""

    slots: int | None = None
    a_node: HourlyCost | None = None
    interval: timedelta | None = None


class Linted(Struct, frozen=True):
    """Every remark, errors first; the formula where it could be read; bounds of its targets as far as it sets them."""

    remarks: tuple[Remark, ...]
    formula: Formula | None = None
    dedicated: Bounds | None = None
    spot: Bounds | None = None

    @property
    def errors(self) -> tuple[Remark, ...]:
        """What the service would refuse, or fail on."""
        return tuple(each for each in self.remarks if each.weight == "error")


class Seen(Struct):
    """A formula while it is gone through: values that never change and bounds, as they are known at a statement."""

    formula: Formula
    around: Surroundings
    constants: dict[str, Value] = field(default_factory=dict)
    bounds: dict[str, Bounds] = field(default_factory=dict)
    of_cpu: set[str] = field(default_factory=set)
    """Variables that were made of ``$CPUPercent``."""

    def place(self, at: int) -> Place:
        """Line and column of an offset."""
        return place_of(self.formula.text, at)
