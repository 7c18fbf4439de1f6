"""What the clock says besides the time: how long somebody who answers asks to be left alone."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

import bot.clock
from bot.clock import MOST_ASKED, asked_wait, end_tasks, in_daemon


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("9" * 400, MOST_ASKED),
        ("Infinity", MOST_ASKED),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", MOST_ASKED),
        ("Wed, 99 Oct 2099 07:28:00 GMT", None),
        ("Wed, 21 Oct 99999 07:28:00 GMT", None),
    ],
)
def test_what_an_answer_asks_to_wait(told: str | None, seconds: float | None) -> None:
    assert asked_wait(told) == seconds


def test_a_date_is_so_far_from_now() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    found = asked_wait(soon)
    assert found is not None
    assert 0 < found <= 90
    assert asked_wait(soon, 5.0) == 5.0


async def test_a_task_that_lost_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.clock, "_ASKED_TO_END", 0.01)
    asked: list[str] = []

    async def forgetful() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                asked.append("once more")
                if len(asked) == 3:
                    raise

    async def failing() -> None:
        raise ValueError

    tasks = [asyncio.create_task(forgetful()), asyncio.create_task(failing())]
    await asyncio.sleep(0)
    await end_tasks(tasks)
    assert len(asked) == 3
    assert all(each.done() for each in tasks)
    await end_tasks([])


async def test_what_a_thread_gives_or_raises_that_nobody_waits_for_at_the_end() -> None:
    assert await in_daemon(lambda: threading.current_thread().daemon, "some") is True
    with pytest.raises(EOFError):
        await in_daemon(_ended, "some")
    release = threading.Event()
    waiting = asyncio.create_task(in_daemon(release.wait, "some"))
    await asyncio.sleep(0)
    await end_tasks([waiting])
    release.set()
    assert waiting.cancelled(), "what comes after that is told nobody"


def _ended() -> str:
    raise EOFError
