"""The sandbox's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.world import Clock

START = datetime(2026, 11, 24, tzinfo=UTC)


class Source:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_it_runs_at_its_speed_and_keeps_the_time_when_that_changes() -> None:
    source = Source()
    clock = Clock(START, speed=60, source=source)
    source.seconds += 2
    assert clock.now() == START + timedelta(seconds=120)
    clock.speed = 1
    source.seconds += 5
    assert clock.now() == START + timedelta(seconds=125)


def test_it_stands_while_paused_and_moves_on_by_hand() -> None:
    source = Source()
    clock = Clock(START, source=source)
    clock.paused = True
    source.seconds += 50
    assert clock.now() == START
    assert clock.advance(timedelta(hours=1)) == START + timedelta(hours=1)
    clock.paused = False
    source.seconds += 3
    assert clock.now() == START + timedelta(hours=1, seconds=3)


def test_it_never_runs_backwards() -> None:
    clock = Clock(START)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="above zero"):
        clock.speed = 0
    with pytest.raises(ValueError, match="aware"):
        Clock(datetime(2026, 11, 24))  # noqa: DTZ001
