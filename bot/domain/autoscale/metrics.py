"""What a formula may ask for samples of: the interface, and an account without any."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class Metrics(Protocol):
    """The samples that a formula may ask for, as far as they are available at the moment of its evaluation."""

    def known(self, name: str) -> bool:
        """Whether a variable is sampled at all."""

    def newest(self, name: str, count: int) -> Sequence[float]:
        """The newest samples, the newest first."""

    def between(self, name: str, since: datetime, until: datetime) -> Sequence[float]:
        """Samples of a span, the newest first."""

    def began(self, name: str) -> datetime | None:
        """The moment of the oldest sample."""

    def count(self, name: str) -> int:
        """How many samples there are."""


class NoSamples:
    """Metrics without any."""

    def known(self, name: str) -> bool:
        """No variable is sampled."""
        return False

    def newest(self, name: str, count: int) -> Sequence[float]:
        """None."""
        return ()

    def between(self, name: str, since: datetime, until: datetime) -> Sequence[float]:
        """None."""
        return ()

    def began(self, name: str) -> datetime | None:
        """Never."""
        return None

    def count(self, name: str) -> int:
        """0."""
        return 0
