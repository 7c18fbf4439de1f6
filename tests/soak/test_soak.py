"""Fifty kills in every test run; more by ``make soak``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.__main__ import soak


@pytest.mark.timeout(900)
async def test_fifty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    outcome = await soak(tmp_path, kills=50)
    print(outcome)
    assert outcome.sound, str(outcome)
    assert outcome.transitions > 20
    assert outcome.slack > 5
    assert outcome.teams > 5


@pytest.mark.timeout(900)
async def test_fifty_kills_end_every_operation_and_do_none_twice(tmp_path: Path) -> None:
    outcome = await soak(tmp_path, kills=50, seed=2, operations=True)
    print(outcome)
    assert outcome.sound, str(outcome)
    assert outcome.operations > 3  # of some fifteen: half of what is asked is asked of a program that is down
    assert outcome.resizes > 0
