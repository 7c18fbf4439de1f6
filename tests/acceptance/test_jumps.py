"""The service's clock goes mad for a few looks: what happens right after is told without delay."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from aiohttp import web

from tests.acceptance.environment import environment

JUMPS = (3000.0, -3000.0, 0.05, 400.0)
"""Days by which every answer's ``Date`` is wrong, each for a look or two."""


async def test_after_the_clock_jumped_four_times_news_is_told_within_a_few_looks(tmp_path: Path) -> None:
    async with environment(tmp_path, teams=False) as stage:
        ahead, looks = [0.0], [0]

        def dated(request: web.Request, response: web.Response) -> None:
            looks[0] += request.path == "/nodecounts"  # which every look reads
            if ahead[0]:
                date = parsedate_to_datetime(response.headers["Date"]) + timedelta(days=ahead[0])
                response.headers["Date"] = format_datetime(date, usegmt=True)

        await stage.begin()
        for listener in (stage.azure.arm, *stage.azure.accounts.values()):
            listener.observers.append(dated)
        await stage.looked(3)
        for days in JUMPS:
            ahead[0] = days
            begun = looks[0]
            await stage.until(lambda begun=begun: looks[0] > begun + 1, 600, "a look by the wrong clock is over")  # type: ignore[misc]
        ahead[0] = 0.0
        stage.account.inject.add_job("new", "pool1", 4, seconds=3e6)
        stage.account.inject.storm(["new"], ["exit-7"], 2)
        begun = looks[0]
        await stage.until(lambda: any("new" in str(each) for each in stage.told()), 900, "it is told")
        # Fewer than those for which a clock that stays wrong has to persist before it is believed.
        took = looks[0] - begun
        assert took <= 12
        print(f"told after {took} looks; the log has {stage.program.said().count('azure.clock_distrusted')} doubts")
        assert "Traceback" not in stage.program.said()
