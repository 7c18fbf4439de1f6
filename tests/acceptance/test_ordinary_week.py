"""An ordinary day, or a whole week, of the demo's accounts: no alert that ``why`` cannot explain, and no false alarm.

A day at a look every four minutes here, and again half a minute after an alert has opened, when the program would look;
``BATCHBOT_WEEK=7`` lives through as many days, ``BATCHBOT_LOOK=30`` looks as often as the program does.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.knowledge import rows
from tests.acceptance.ordinary_life import EXPLAINS, ordinary_life

DAYS = float(os.environ.get("BATCHBOT_WEEK", "1"))
LOOK = float(os.environ.get("BATCHBOT_LOOK", "240"))
"""Seconds between two looks."""


@pytest.mark.slow
@pytest.mark.timeout(3600 * max(1.0, DAYS) * max(1.0, 240 / LOOK))
async def test_an_ordinary_day_opens_no_alert_that_is_false_or_unexplained(tmp_path: Path) -> None:
    async with ordinary_life(tmp_path) as life:
        await life.live(timedelta(days=DAYS), timedelta(seconds=LOOK))
        told = life.every
    said = "\n".join(map(str, told))
    print(said)
    assert len({each.rule for each in told}) > 8, said  # the troubles of the demo are there to be told
    assert [str(each) for each in told if each.unknown] == []
    assert [str(each) for each in told if not each.explained] == []
    assert [str(each) for each in told if each.brief] == []


def test_what_explains_an_alert_is_in_the_table() -> None:
    beginnings = {each for many in EXPLAINS.values() for each in many}
    not_wrong = {"pool.preempted", "pool.start_task_runs", "pool.nodes_start", "pool.resizing"}  # and so no rows
    ids = [each.id for each in rows()]
    assert [each for each in beginnings - not_wrong if not any(id_.startswith(each) for id_ in ids)] == []
