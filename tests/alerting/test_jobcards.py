"""The living card of a watched job: its figures, its edits, its end, and a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.alerting.job_progress import pace_of
from bot.alerting.watched_jobs import EDITS, LONGEST, MISSING, SETTLING, WatchedJobs
from bot.azure.models import NodeCounts
from bot.chat.request import Conversation, Person
from bot.domain.findings import CauseCount
from bot.monitor.scene import Blindness, JobView, PoolView, Scene
from cards.card import Mark, Mention, plain
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError
from storage.port.monitoring import Transition
from storage.sqlite.store import SqliteStore
from tests.alerting.alert_room import EVERYTHING, NOON, OPS, RecordedEntries, StillClock, card, title, words
from tests.golden import check

MIA = Person("slack", "U012AB3CD", name="Mia")
JOB = "nightly:job-12"


@dataclass
class Room:
    """Watched jobs on a real store with a clock that is moved by hand."""

    store: SqliteStore
    cards: WatchedJobs
    entries: RecordedEntries
    clock: StillClock
    nudged: list[str] = field(default_factory=list)

    async def look(self, *jobs: JobView, ended: tuple[JobView, ...] = (), after: float = 0.0, **more: Any) -> None:
        """So many seconds later, a look that shows these jobs."""
        self.clock.at += timedelta(seconds=after)
        pools = {"render-gpu": POOL}
        given: dict[str, Any] = {"read": EVERYTHING, **more}
        scene = Scene(
            account="render", at=self.clock.at, pools=pools, jobs={each.id: each for each in jobs}, schedules={},
            ended=ended, **given,
        )  # fmt: skip
        await self.cards.after("render", scene, self.clock.at)

    async def restart(self) -> None:
        self.cards = made(self.store, self.entries, self.clock, self.nudged)
        await self.cards.load()


POOL = PoolView(
    "render-gpu", state="active", dedicated=4, spot=16, counts=(NodeCounts(running=4), NodeCounts(running=8))
)


def made(store: SqliteStore, entries: RecordedEntries, clock: StillClock, nudged: list[str]) -> WatchedJobs:
    return WatchedJobs(
        store, entries, clock, zone=lambda conversation: "Europe/Berlin", several=False, nudge=nudged.append
    )


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Room]:
    store, entries, clock = SqliteStore.open(path / "jobs.db"), RecordedEntries(), StillClock()
    nudged: list[str] = []
    room = Room(store, made(store, entries, clock, nudged), entries, clock, nudged)
    await room.cards.load()
    try:
        yield room
    finally:
        await store.close()


def view(at: datetime = NOON, **given: Any) -> JobView:
    """A job of 2,000 tasks, of which 1,600 are done; 20 a minute over the hour, 10 lately."""
    default: dict[str, Any] = {
        "state": "active",
        "started": at - timedelta(hours=2),
        "pool": "render-gpu",
        "active": 388,
        "running": 12,
        "succeeded": 1590,
        "failed": 10,
        "counted": at,
        "causes": {
            "exit code 137": CauseCount("exit code 137", 8, "frame-21"),
            "exit code 2": CauseCount("exit code 2", 2),
        },
        "rate": [
            (at - timedelta(minutes=60), 400, 0),
            (at - timedelta(minutes=10), 1500, 8),
            (at, 1600, 10),
        ],
    }
    return JobView(JOB, **{**default, **given})


async def test_a_card_tells_how_far_and_how_fast_a_job_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.cards.watch(OPS, MIA, "render", JOB)
        assert room.nudged == ["render"]
        assert room.cards.watched("render") == {JOB}
        assert room.cards.watched("other") == set()
        await room.look(view())
        (entry,) = room.entries.on_top()
        check("jobcard", card(entry))
        said = words(entry)
        assert title(entry).startswith("▲ job nightly:job-12 · 1,600 of 2,000 tasks done, 80 % · 10 failed")
        assert "10 tasks a minute" in said
        assert "between 13:20 and 13:40" in said, "400 are left: 20 minutes at 20, 40 at 10; in the conversation's zone"
        assert "12 of 20 nodes at work" in said
        assert "exit code 137: killed" in said
        assert entry.broadcast is False


async def test_a_card_is_edited_as_the_job_goes_on_and_no_faster(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.cards.watch(OPS, MIA, "render", JOB)
        await room.look(view())
        await room.look(view(succeeded=1600), after=5)
        assert len(room.entries.writes) == 1, "too soon"
        await room.look(view(succeeded=1610), after=EDITS.total_seconds())
        assert [entry.version for entry in room.entries.writes] == [1, 2]
        assert len(room.entries.on_top()) == 1, "the same message"
        await room.look(view(succeeded=1610), after=20)
        assert len(room.entries.writes) == 2, "it would say the same"
        await room.look(view(succeeded=1610), after=60)
        assert len(room.entries.writes) == 3, "and says now and then that it still does"
        await room.look(read=frozenset({"pools"}), after=60)
        await room.look(blind=Blindness(NOON, "ServerBusy", "busy"), after=60)
        assert len(room.entries.writes) == 3, "a look that saw no jobs tells nothing of them"


async def test_at_the_end_whoever_asked_is_told_aloud(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.cards.watch(OPS, MIA, "render", JOB)
        await room.look(view())
        over = view(state="completed", active=0, running=0, succeeded=1988, failed=12, reason="AllTasksCompleted",
                    final=True, ended=NOON + timedelta(minutes=30))  # fmt: skip
        await room.look(ended=(over,), after=1800)
        (last,) = room.entries.on_top()
        check("jobcard-over", card(last))
        assert "has ended" in title(last)
        assert "Stop watching" not in words(last)
        (loud,) = room.entries.below(last)
        check("jobcard-aloud", card(loud))
        assert loud.broadcast
        assert card(loud).title[0] == Mention("slack:U012AB3CD", "Mia")
        assert "job nightly:job-12 has ended, 12 of 2,000 tasks failed" in title(loud)
        assert card(loud).mark is Mark.FAILED
        assert room.cards.watched("render") == set()
        assert await room.store.all_preferences("watch") == []
        await room.look(after=60)
        assert len(room.entries.writes) == 3, "it is over"


async def test_a_restart_goes_on_with_the_same_message(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.cards.watch(OPS, MIA, "render", JOB)
        await room.look(view())
        await room.restart()
        assert room.cards.watched("render") == {JOB}
        await room.look(view(succeeded=1700), after=60)
        assert [entry.version for entry in room.entries.writes] == [1, 2]
        assert len(room.entries.on_top()) == 1


async def test_an_end_that_is_told_twice_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between the last outbox entries and the end of the watch."""
    async with opened(tmp_path) as room:
        await room.cards.watch(OPS, MIA, "render", JOB)
        await room.look(view())

        async def fails(*given: object) -> bool:
            raise StoreError("the disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(room.store, "delete_preference", fails)
            with pytest.raises(StoreError):
                await room.look(ended=(view(state="completed", final=True),), after=60)
        await room.restart()
        ended = room.clock.at
        await room.store.record(
            ChangeSet(transitions=[Transition("render", "job", "", JOB, "active", "completed", ended)])
        )
        await room.look(after=SETTLING.total_seconds() + 1)
        assert len(room.entries.written) == 2, "the card, and one word below it"
        assert room.cards.watched("render") == set()


async def test_a_job_that_ended_unseen_is_told_by_what_the_store_knows(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.cards.watch(OPS, MIA, "render", JOB)
        await room.look(view())
        told = Transition("render", "job", "", JOB, "active", "deleted", room.clock.at + timedelta(seconds=30))
        await room.store.record(ChangeSet(transitions=[told]))
        await room.look(after=60)
        assert room.cards.watched("render") == {JOB}, "its last counts may still come"
        await room.look(after=SETTLING.total_seconds() - 30)
        assert "was deleted" in title(room.entries.on_top()[0])
        assert room.cards.watched("render") == set()


async def test_a_job_that_is_not_there_is_given_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.cards.watch(OPS, MIA, "render", "ghost")
        await room.look()
        assert room.entries.written == {}
        await room.look(after=MISSING.total_seconds() + 1)
        assert "is not there any more" in title(room.entries.on_top()[0])


async def test_a_watch_ends_after_a_week_and_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.cards.watch(OPS, MIA, "render", JOB)
        await room.look(view(), after=LONGEST.total_seconds() + 1)
        assert "watched for a week, and no longer" in title(room.entries.on_top()[0])
        assert room.entries.below(room.entries.on_top()[0])


async def test_who_stops_watching_gets_the_card_as_it_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        first = await room.cards.watch(OPS, MIA, "render", JOB)
        assert await room.cards.watch(OPS, Person("slack", "U0OTHER"), "render", JOB) == first, (
            "one card in a conversation"
        )
        await room.cards.watch(Conversation("slack", "C0DEV"), MIA, "render", JOB)
        await room.look(view())
        stays = await room.cards.unwatch(OPS, "render", JOB)
        assert stays is not None
        assert "no longer watched" in plain(stays.title)
        assert card(room.entries.on_top()[0]) == stays
        assert not room.entries.below(room.entries.on_top()[0]), "nobody has to be told of what they did"
        assert await room.cards.unwatch(OPS, "render", JOB) is None
        assert room.cards.watched("render") == {JOB}, "the other conversation goes on"


@pytest.mark.parametrize(
    ("samples", "rate", "band"),
    [
        ([], None, None),
        ([(0, 10)], None, None),
        ([(30, 100), (0, 160)], 2.0, (200, 200)),
        ([(60, 0), (10, 1000), (0, 1000)], 0.0, (24, 24)),
        ([(10, 500), (0, 500)], 0.0, None),
        ([(10, 500), (0, 480)], 0.0, None),
        ([(60, 0), (10, 1500), (0, 1600)], 10.0, (15, 40)),
    ],
)
def test_rates_are_of_now_and_of_the_hour(
    samples: list[tuple[int, int]], rate: float | None, band: tuple[int, int] | None
) -> None:
    job = view(rate=[(NOON - timedelta(minutes=ago), done, 0) for ago, done in samples])
    pace = pace_of(job)
    assert pace.rate == rate
    if band is None:
        assert pace.earliest is None
    else:
        assert pace.earliest is not None and pace.latest is not None
        assert [round((each - NOON).total_seconds() / 60) for each in (pace.earliest, pace.latest)] == list(band)
    assert pace_of(JobView("new")).rate is None
