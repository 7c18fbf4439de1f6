"""How the bot stands, and watching a job, as the commands tell it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.monitor.scene import Blindness, JobView
from bot.monitor.scene import Scene as Look
from bot.monitor.status import AccountStatus, DestinationStatus, Outbox, Totals
from cards.card import Mark
from handlers.bot import status as module
from handlers.job.watch import MOST
from tests.alerting.kit import EVERYTHING
from tests.handlers.alerting import ACCOUNT, DEV, OPS, Told, alerting, commands, golden, title, words
from tests.handlers.conftest import Scene


@pytest.fixture
async def told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Told:
    told = await alerting(scene)
    monkeypatch.setattr(module, "version", lambda name: "1.2.3")
    return told


async def test_all_is_well(told: Told) -> None:
    at = told.clock.at
    told.status.rows = [
        AccountStatus(name=ACCOUNT, looked=at - timedelta(seconds=12), wait=30, calls=14.25, received=48_200),
        AccountStatus(name="sim-dev", looked=at - timedelta(seconds=8), wait=30, calls=6, received=9_000),
    ]
    told.status.box = Outbox(totals=Totals(sent=12, edited=40))
    card = await told.ask("status", person="U0VIEWER")
    golden(told, "status", card)
    assert title(card) == "2 accounts watched · nothing waits to be sent"
    assert card.mark is Mark.RUNNING


async def test_what_is_wrong_is_told_with_what_to_do(told: Told) -> None:
    at = told.clock.at
    secret = "sig=c2VjcmV0c2VjcmV0c2VjcmV0"
    told.status.rows = [
        AccountStatus(
            name=ACCOUNT, looked=at - timedelta(minutes=20), wait=240,
            blind=Blindness(at - timedelta(minutes=18), "AuthenticationFailed", f"no key https://x/y?{secret}", 5),
        ),
        AccountStatus(name="sim-dev", looked=at, wait=60, throttled=at - timedelta(minutes=2), calls=80),
        AccountStatus(name="new"),
    ]  # fmt: skip
    told.status.box = Outbox(
        conversations=(
            DestinationStatus("slack:C0DEV", waiting=4, gone_since=at - timedelta(hours=2), error="not_in_channel"),
            DestinationStatus("slack:C0OPS", waiting=2, in_doubt=1, error="ratelimited"),
            DestinationStatus("teams:19:x", waiting=0),
        ),
        down={"teams": "503"},
        totals=Totals(sent=100, edited=400, repeated=1, shortened=2, refused=3),
    )
    card = await told.ask("status")
    golden(told, "status-trouble", card)
    assert title(card) == (
        "3 accounts watched · 1 cannot be read · 1 channel cannot be reached · 6 messages waiting"
    )  # fmt: skip
    said = words(card)
    assert "#dev since 2 h ago" in said
    assert "Invite me there again" in said
    assert "throttled since" in said
    assert "teams does not answer: 503" in said
    assert "c2VjcmV0" not in said
    assert card.mark is Mark.FAILED


async def test_a_job_is_watched_from_the_chat(told: Told) -> None:
    job = await _job(told)
    card = await told.ask(f"job watch {job}")
    golden(told, "watch", card)
    assert title(card) == f"Job {job} · is watched here"
    assert told.jobs.watched(ACCOUNT) == {job}
    look = Look(
        account=ACCOUNT, at=told.clock.at, read=EVERYTHING, pools={}, schedules={},
        jobs={job: JobView(job, state="active", active=5, running=1, succeeded=4, counted=told.clock.at)},
    )  # fmt: skip
    await told.jobs.after(ACCOUNT, look, told.clock.at)
    (titled,) = told.entries.titles()
    assert titled.startswith(f"● job {job} · 4 of 10 tasks done, 40 % · render-prod")
    again = await told.ask(f"job watch {job}", person="U0VIEWER")
    assert title(again).endswith("is watched here already")
    listed = await told.ask("job watch account:render-prod")
    assert title(listed) == "Watched jobs · 1"
    assert "for Otto" in words(listed)
    assert title(await told.ask("job watch", conversation=DEV)) == "Watched jobs · 0"
    stopped = await told.ask(f"job unwatch {job}", how="edit")
    assert "no longer watched" in title(stopped)
    assert told.jobs.watched(ACCOUNT) == set()


async def test_a_thread_is_no_place_of_its_own(told: Told) -> None:
    job = await _job(told)
    await told.ask(f"job watch {job}", conversation=replace(OPS, thread="1700.1"))
    assert [each.conversation for each in told.jobs.here(OPS)] == [OPS]


async def test_what_cannot_be_watched_is_told(told: Told) -> None:
    job = await _job(told)
    none = await told.ask("job watch nightli")
    assert none.refused
    assert any(each.startswith("job watch ") for each in commands(none))
    over = next(
        job.id for job in told.scene.world.accounts[ACCOUNT].jobs.values() if job.state.lower() == "completed"
    )  # fmt: skip
    done = await told.ask(f"job watch {over}")
    assert title(done) == f"Job {over} is completed: there is nothing more to watch."
    await told.ask(f"job watch {job}")
    missing = await told.ask(f"job unwatch {job[:-1]}")
    assert missing.refused
    assert f"job unwatch {job} account:render-prod" in commands(missing)
    for number in range(MOST - 1):
        await told.jobs.watch(OPS, told.jobs.here(OPS)[0].person, ACCOUNT, f"job-{number}")
    assert not (await told.ask(f"job watch {job}")).refused
    other = await _job(told, 1)
    full = await told.ask(f"job watch {other}")
    assert title(full) == "20 jobs are watched here already, which is the most."


async def _job(told: Told, conversation: int = 0) -> str:
    """A job that goes on."""
    jobs = told.scene.world.accounts[ACCOUNT].jobs.values()
    return sorted(job.id for job in jobs if job.state.lower() == "active")[conversation]
