"""Nights that have an hour more or less: quiet by the clock on the wall, and one digest in the morning."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bot.alerting.model import Hours
from bot.alerting.stored_state import HOURS
from storage.sqlite.store import SqliteStore
from tests.acceptance.environment import CHANNEL, Environment, environment

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("morning", "hours", "end"), [(date(2026, 10, 25), 10, "kill"), (date(2027, 3, 28), 8, "stop")]
)
async def test_a_night_in_which_the_clocks_change_ends_with_one_digest_at_seven(
    tmp_path: Path, morning: date, hours: int, end: str
) -> None:
    evening = datetime.combine(morning - timedelta(days=1), time(21, 50), BERLIN)
    seven = datetime.combine(morning, time(7), BERLIN).astimezone(UTC)
    assert seven - evening.astimezone(UTC) == timedelta(hours=hours, minutes=10)
    keep = {"transitions_days": 3650}  # retention goes by the wall's clock
    async with environment(tmp_path, start=evening, teams=False, settings={"keep": keep}) as stage:
        await _quiet(stage)
        await stage.begin()
        await _at(stage, evening.replace(hour=22, minute=1), 500)
        stage.account.inject.break_nodes("pool1")
        for number in range(6):
            stage.account.inject.add_job(f"job-{number}", "pool1", 40, seconds=3e6)
            stage.account.inject.storm([f"job-{number}"], [f"exit-{number + 1}"], 2)
        await stage.until(lambda: _incidents(stage, still=True) == 7, 3600, "all of it is seen")
        await _at(stage, seven - timedelta(hours=4), 2500)
        await stage.program.restart(end)
        await stage.until(lambda: _incidents(stage, still=False) == 6, 3600, "the failures are over")
        await _at(stage, seven - timedelta(minutes=40), 2500)
        await _at(stage, seven - timedelta(minutes=1), 300)
        stage.time.speed = 4  # of which a busy machine has minutes until half past
        await stage.until(stage.told, 3600, "the morning's digest")
        [digest] = stage.told()
        local = datetime.fromtimestamp(digest["posted"], BERLIN)
        print(f"{local:%Y-%m-%d %H:%M:%S %Z}: {digest['text']}")
        assert local.date() == morning
        assert time(7) <= local.time() < time(7, 30), "neither an hour before nor an hour after"
        assert "7 alerts while it was quiet · 6 over, not mended" in digest["text"]
        await _at(stage, seven + timedelta(minutes=50), 300)
        await stage.looked(2)
        assert len(stage.told()) == 1


def _incidents(stage: Environment, *, still: bool) -> int:
    """How many incidents of the night are open, or are over."""
    [(number,)] = stage.rows(
        "SELECT count(*) FROM incidents WHERE open = ? AND rule IN ('task.failed', 'node.unusable')", still
    )
    return int(number)


async def _quiet(stage: Environment) -> None:
    """What ``alert hours 22:00-07:00 zone:Europe/Berlin`` keeps."""
    store = SqliteStore.open(stage.database)
    hours = Hours(zone=BERLIN.key, begin=22 * 60, end=7 * 60)
    await store.put_preference(HOURS, f"slack:{CHANNEL}", "hours", msgspec.json.encode(hours), stage.time.now())
    await store.close()


async def _at(stage: Environment, moment: datetime, speed: float) -> None:
    """Wait until it is so late, at that speed; then the clock is slow."""
    stage.time.speed = speed
    await stage.wait((moment - stage.time.now()).total_seconds())
    stage.time.speed = 20
