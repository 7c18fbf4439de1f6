"""Some kills in every test run, of the load that the pools carry; more, and the other load, by ``make soak``.

All that the judge knows is asked for but how late it was, which ``make soak`` asks: a busy machine makes it late.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.evidence import look, shown
from tests.soak.outcome import Outcome
from tests.soak.run import Options, soak


def assert_told(outcome: Outcome) -> None:
    """All was told, once and as it was."""
    found = outcome.verdict
    assert not (found.lost or found.wrong or found.doubles or outcome.failures), shown(outcome)


@pytest.mark.timeout(1800)
async def test_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    outcome = await soak(tmp_path, Options(kills=20))
    print(shown(outcome))
    assert_told(outcome)
    assert sum(outcome.verdict.expected.values()) > 50
    for platform in ("slack", "teams"):
        for kind in ("job.failed", "task.failed"):
            assert outcome.verdict.told[kind, platform], (kind, platform)
    assert "happened" in look(tmp_path, "soak-0001")


@pytest.mark.timeout(1800)
async def test_kills_of_one_of_three_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    outcome = await soak(tmp_path, Options(kills=50, seed=3, replicas=3))
    print(shown(outcome))
    assert_told(outcome)
    assert outcome.takeovers, "some had the duties"
    assert sum(outcome.verdict.expected.values()) > 20


@pytest.mark.timeout(1800)
async def test_kills_end_every_operation_and_do_none_twice(tmp_path: Path) -> None:
    outcome = await soak(tmp_path, Options(kills=20, seed=2, operations=True))
    print(shown(outcome))
    assert_told(outcome)
    assert outcome.operations > 1  # half of what is asked is asked of a program that is down
