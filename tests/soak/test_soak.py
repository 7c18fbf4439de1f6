"""Some kills in every test run, of the load that the pools carry; more, and the other load, by ``make soak``.

How late it was is not judged here: a busy machine makes it late. Nor is all that ``make soak`` asks for: every word of
a cause, every end that was good, and what is told of a pool, a node or a schedule that changes again at once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.evidence import look, shown
from tests.soak.outcome import Outcome
from tests.soak.run import Options, soak

FAILURES = ("job.failed", "task.failed")


def judged(outcome: Outcome) -> None:
    """Nothing is doubled, unstored or undelivered, and no failure is lost."""
    found = outcome.verdict
    assert not (found.doubles or outcome.failures), shown(outcome)
    assert [each for _, each in found.lost if each.kind in FAILURES] == [], shown(outcome)


@pytest.mark.timeout(1800)
async def test_kills_lose_no_failure_and_double_nothing(tmp_path: Path) -> None:
    outcome = await soak(tmp_path, Options(kills=20))
    print(shown(outcome))
    judged(outcome)
    assert sum(outcome.verdict.expected.values()) > 50
    for platform in ("slack", "teams"):
        for kind in FAILURES:
            assert outcome.verdict.told[kind, platform], (kind, platform)
    assert "happened" in look(tmp_path, "soak-0001")


@pytest.mark.timeout(1800)
async def test_kills_end_every_operation_and_do_none_twice(tmp_path: Path) -> None:
    outcome = await soak(tmp_path, Options(kills=20, seed=2, operations=True))
    print(shown(outcome))
    judged(outcome)
    assert outcome.operations > 1  # half of what is asked is asked of a program that is down
