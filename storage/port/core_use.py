"""What cores are used for: one shape for cores, core-seconds, core-hours and the money that they cost."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

IdleReason: TypeAlias = Literal["starting", "unused", "waiting", "broken", "leaving", "unknown"]
"""Why a core that is billed does nothing.

``starting``: its node boots, or its start task runs; ``unused``: no task of its pool's jobs waits; ``waiting``: tasks
wait, and are not on it; ``broken``: unusable, offline, unknown to the service, or its start task failed; ``leaving``:
its node goes; ``unknown``: nobody noted why (older samples, and history from Azure Monitor).
"""

IDLE_REASONS: Final[tuple[IdleReason, ...]] = get_args(IdleReason)


class CoreUse(Struct, frozen=True):
    """An amount by what cores did: ``busy``, and a field for each :data:`IdleReason`. None of them is negative.

    The unit is the user's: cores at a moment, core-seconds or core-hours of a span, or money.
    """

    busy: float = 0.0
    starting: float = 0.0
    unused: float = 0.0
    waiting: float = 0.0
    broken: float = 0.0
    leaving: float = 0.0
    unknown: float = 0.0

    @property
    def idle(self) -> float:
        """All that was not busy."""
        return self.starting + self.unused + self.waiting + self.broken + self.leaving + self.unknown

    @property
    def total(self) -> float:
        """All of it."""
        return self.busy + self.idle

    def reasons(self) -> dict[IdleReason, float]:
        """What was idle, by reason, in the order of :data:`IDLE_REASONS`; all of them."""
        return {reason: getattr(self, reason) for reason in IDLE_REASONS}

    # Field by field, for a month of an account adds and multiplies hundreds of thousands of them.
    def __add__(self, other: CoreUse) -> CoreUse:
        return CoreUse(
            self.busy + other.busy,
            self.starting + other.starting,
            self.unused + other.unused,
            self.waiting + other.waiting,
            self.broken + other.broken,
            self.leaving + other.leaving,
            self.unknown + other.unknown,
        )

    def __mul__(self, factor: float) -> CoreUse:
        return CoreUse(
            self.busy * factor,
            self.starting * factor,
            self.unused * factor,
            self.waiting * factor,
            self.broken * factor,
            self.leaving * factor,
            self.unknown * factor,
        )


NO_USE: Final = CoreUse()
