"""All that a soak saw and found."""

from __future__ import annotations

from msgspec import Struct, field

from tests.soak.heard import Version
from tests.soak.judge import Verdict
from tests.soak.record import Change
from tests.soak.times import Times


class Seen(Struct, kw_only=True):
    """What a soak saw from outside, all that the judge goes by. ``until``: what happened later may still be told."""

    options: str
    changes: list[Change]
    versions: list[Version]
    times: Times
    until: float
    end: float


class Outcome(Struct, kw_only=True):
    """What a soak found. ``lag`` is how late the soak itself was at worst, in seconds of its fast clock.

    ``starved``: how long it and the program waited for a processor, all in all, by the same clock.
    ``lost_answers``: messages that Teams took and did not answer for. ``takeovers``: of several copies, seconds of the
    wall until another one had begun the duties of one that was killed.
    """

    kills: int = 0
    struck: dict[str, int] = {}
    lag: float = 0.0
    starved: float = 0.0
    active: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    stored: int = 0
    not_stored: list[str] = []
    entries: int = 0
    undelivered: list[str] = []
    lost_answers: int = 0
    operations: int = 0
    resizes: int = 0
    unfinished: list[str] = []
    takeovers: list[float] = []
    seconds: float = 0.0

    @property
    def failures(self) -> list[str]:
        """What makes it red beside what the judge found."""
        found = [f"not stored: {each}" for each in self.not_stored]
        found += [f"undelivered: {each}" for each in self.undelivered]
        found += [f"unfinished: {each}" for each in self.unfinished]
        if self.verdict.marked > self.kills + self.lost_answers:
            found.append(f"{self.verdict.marked} messages say that they may be a repeat: more than can be")
        if self.resizes > self.operations:
            found.append(f"{self.resizes} writes for {self.operations} operations")
        return found

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, late, wrong or doubled."""
        return self.verdict.sound and not self.failures
