"""The service's clock goes mad for a few looks: what happens right after is told without delay."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from aiohttp import web

from tests.acceptance.environment import environment

LOOK = 30.0
"""Seconds of the fast clock between two looks."""
JUMPS = (3000.0, -3000.0, 0.05, 400.0)
"""Days by which every answer's ``Date`` is wrong, each for one look."""


async def test_after_the_clock_jumped_four_times_news_is_told_within_a_few_looks(tmp_path: Path) -> None:
    async with environment(tmp_path, teams=False) as stage:
        ahead, wrong = [0.0], set[float]()

        def dated(_: web.Request, response: web.Response) -> None:
            if ahead[0]:
                wrong.add(ahead[0])
                date = parsedate_to_datetime(response.headers["Date"]) + timedelta(days=ahead[0])
                response.headers["Date"] = format_datetime(date, usegmt=True)

        await stage.begin()
        for listener in (stage.azure.arm, *stage.azure.accounts.values()):
            listener.observers.append(dated)
        await stage.wait(3 * LOOK)
        for days in (*JUMPS, 0.0):
            ahead[0] = days
            await stage.wait(LOOK + 5 if days else 0)
        assert wrong == set(JUMPS)
        stage.account.inject.add_job("new", "pool1", 4, seconds=3e6)
        stage.account.inject.storm(["new"], ["exit-7"], 2)
        # Less than what a clock that stays wrong has to persist before it is believed.
        took = await stage.until(lambda: any("new" in str(each) for each in stage.told()), 12 * LOOK, "it is told")
        print(f"told after {took:.0f} s; the log has {stage.program.said().count('azure.clock_distrusted')} doubts")
        assert "Traceback" not in stage.program.said()
