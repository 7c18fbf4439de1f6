"""How the bot stands, and watching a job, as the commands tell it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.content.outgoing import outgoing
from bot.monitor.background import BILL, MONEY, BackgroundStatus
from bot.monitor.intake import IntakeStatus
from bot.monitor.monitor_status import AccountStatus, Outbox
from bot.monitor.scene import Blindness, JobView
from bot.monitor.scene import Scene as Look
from bot.outbox.destination_queue import DestinationStatus
from bot.outbox.sender import Totals
from cards.card import Mark
from handlers.bot import status as module
from handlers.job.watch import MOST
from storage.port.replicas import Replica
from tests.alerting.alert_room import EVERYTHING
from tests.handlers.alert_service import ACCOUNT, DEV, OPS, AlertBot, alerting, commands, golden, title, words
from tests.handlers.conftest import Scene


@pytest.fixture
async def alert_bot(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AlertBot:
    alert_bot = await alerting(scene)
    monkeypatch.setattr(module, "version", lambda name: "1.2.3")
    return alert_bot


async def test_all_is_well(alert_bot: AlertBot) -> None:
    at = alert_bot.clock.at
    alert_bot.status.rows = [
        AccountStatus(name=ACCOUNT, polled=at - timedelta(seconds=12), wait=30, calls=14.25, received=48_200),
        AccountStatus(name="sim-dev", polled=at - timedelta(seconds=8), wait=30, calls=6, received=9_000),
    ]
    alert_bot.status.box = Outbox(totals=Totals(sent=12, edited=40))
    card = await alert_bot.ask("status", person="U0VIEWER")
    golden(alert_bot, "status", card)
    assert title(card) == "2 accounts watched · nothing waits to be sent"
    assert card.mark is Mark.RUNNING


async def test_which_replicas_of_the_bot_there_are_and_what_each_does(alert_bot: AlertBot) -> None:
    at = alert_bot.clock.at
    alert_bot.status.rows = [AccountStatus(name=ACCOUNT, polled=at, wait=30)]

    def replica(name: str, age: float, *watches: str, **given: bool) -> Replica:
        whose = {"holds": False, "mine": False} | given
        begun, seen = at - timedelta(hours=2), at - timedelta(seconds=age)
        return Replica(f"process {name}", "1.2.3", begun, seen, age, **whose, watches=watches)

    alert_bot.status.others = [
        replica("1 on pod-a", 1, ACCOUNT, holds=True, mine=True),
        replica("1 on pod-b", 3, *(f"farm-{number}" for number in range(17))),
        replica("1 on pod-c", 2),
        replica("1 on pod-d", 95),
    ]
    card = await alert_bot.ask("status", person="U0VIEWER")
    golden(alert_bot, "status-replicas", card)
    assert f"watches {ACCOUNT}, decides, posts" in words(card)
    assert "watches 17 accounts, takes questions in" in words(card)
    assert "one replica alone" not in words(card)
    alert_bot.status.others = alert_bot.status.others[:1]
    assert "There is one replica alone" in words(await alert_bot.ask("status", person="U0VIEWER"))
    alert_bot.status.others = []
    assert "Replicas of the bot" not in words(await alert_bot.ask("status", person="U0VIEWER"))


async def test_how_the_intake_of_events_stands(alert_bot: AlertBot) -> None:
    at = alert_bot.clock.at
    heard = IntakeStatus(heard=1204, told=3, malformed=1, last=at - timedelta(minutes=3), late=130, open=True)
    away = IntakeStatus(error="Unauthorized: it may not listen", since=at - timedelta(minutes=40), times=9)
    alert_bot.status.rows = [
        AccountStatus(name=name, polled=at, wait=30, events=events)
        for name, events in [
            (ACCOUNT, heard), ("sim-dev", away), ("new", IntakeStatus()), ("calm", IntakeStatus(open=True)),
            ("old", None),
        ]
    ]  # fmt: skip
    card = outgoing(await alert_bot.ask("status"))
    golden(alert_bot, "status-events", card)
    said = words(card)
    assert f"{ACCOUNT}: 1,204 heard, 3 told first, 1 record not understood; the newest, of " in said
    assert "came 2 min 10 s later" in said
    assert "sim-dev: ✖ cannot be read since 11:20: Unauthorized: it may not listen" in said
    assert "new: ◐ connecting" in said and "calm: ● read, none has come yet" in said
    assert "old:" not in said


async def test_what_is_wrong_is_told_with_what_to_do(alert_bot: AlertBot) -> None:
    at = alert_bot.clock.at
    secret = "sig=c2VjcmV0c2VjcmV0c2VjcmV0"
    alert_bot.status.rows = [
        AccountStatus(
            name=ACCOUNT, polled=at - timedelta(minutes=20), wait=240,
            blind=Blindness(at - timedelta(minutes=18), "AuthenticationFailed", f"no key https://x/y?{secret}", 5),
        ),
        AccountStatus(name="sim-dev", polled=at, wait=60, throttled=at - timedelta(minutes=2), calls=80),
        AccountStatus(name="new"),
    ]  # fmt: skip
    alert_bot.status.box = Outbox(
        conversations=(
            DestinationStatus("slack:C0DEV", waiting=4, gone_since=at - timedelta(hours=2), error="not_in_channel"),
            DestinationStatus("slack:C0OPS", waiting=2, in_doubt=1, error="ratelimited"),
            DestinationStatus("teams:19:x", waiting=0),
        ),
        webhooks=(
            DestinationStatus("webhook:pager", waiting=3, error="answers 503"),
            DestinationStatus("webhook:tickets", waiting=1, gone_since=at - timedelta(hours=1), error="answers 410"),
            DestinationStatus("webhook:idle"),
        ),
        down={"teams": "503"},
        totals=Totals(sent=100, edited=400, repeated=1, shortened=2, refused=3),
    )
    card = outgoing(await alert_bot.ask("status"))
    golden(alert_bot, "status-trouble", card)
    assert title(card) == (
        "3 accounts watched · 1 cannot be read · 1 channel cannot be reached · 6 messages waiting"
    )  # fmt: skip
    said = words(card)
    assert "#dev since 2 h ago" in said
    assert "Invite me there again" in said
    assert "pager: 3 events wait: answers 503" in said
    assert "tickets: 1 event waits and takes none since 1 h ago, 11:00: answers 410" in said
    assert "idle" not in said
    assert "throttled since" in said
    assert "teams does not answer: 503" in said
    assert "c2VjcmV0" not in said
    assert card.mark is Mark.FAILED


async def test_what_is_read_late_is_told_with_what_bounds_it(alert_bot: AlertBot) -> None:
    late = {"tasks": 312.0, "counts": 1800.0}
    alert_bot.status.rows = [AccountStatus(name=ACCOUNT, polled=alert_bot.clock.at, wait=30, calls=120, behind=late)]
    card = await alert_bot.ask("status")
    golden(alert_bot, "status-behind", card)
    said = words(card)
    assert f"{ACCOUNT}: failed tasks, by 5 min" in said
    assert f"{ACCOUNT}: last counts of jobs that ended, by 30 min" in said
    assert "watch.requests_per_minute" in said
    assert card.mark is Mark.WARNING


async def test_what_fails_in_the_background_is_told(alert_bot: AlertBot) -> None:
    at = alert_bot.clock.at
    alert_bot.status.rows = [AccountStatus(name=ACCOUNT, polled=at, wait=30)]
    alert_bot.status.beside = [
        BackgroundStatus(
            name=BILL, account=ACCOUNT, last_ok=at - timedelta(hours=6), since=at - timedelta(hours=1), error="no *way*"
        ),
        BackgroundStatus(name=MONEY, account=ACCOUNT, last_ok=at),
    ]
    card = await alert_bot.ask("status")
    golden(alert_bot, "status-background", card)
    said = words(card)
    assert f"Bill of {ACCOUNT}: no *way*" in said
    assert "last well" in said
    assert "Budgets" not in said
    assert card.mark is Mark.WARNING
    alert_bot.status.beside = [BackgroundStatus(name=BILL, account=ACCOUNT, since=at, error="a role", refused=True)]
    waits = await alert_bot.ask("status")
    assert "a role" in words(waits)
    assert waits.mark is Mark.RUNNING  # the bot works; somebody has to allow it


async def test_a_job_is_watched_from_the_chat(alert_bot: AlertBot) -> None:
    job = await _job(alert_bot)
    card = await alert_bot.ask(f"job watch {job}")
    golden(alert_bot, "watch", card)
    assert title(card) == f"Job {job} · is watched here"
    assert alert_bot.jobs.watched(ACCOUNT) == {job}
    look = Look(
        account=ACCOUNT, at=alert_bot.clock.at, read=EVERYTHING, pools={}, schedules={},
        jobs={job: JobView(job, state="active", active=5, running=1, succeeded=4, counted=alert_bot.clock.at)},
    )  # fmt: skip
    await alert_bot.jobs.after(ACCOUNT, look, alert_bot.clock.at)
    (titled,) = alert_bot.entries.titles()
    assert titled.startswith(f"● job {job} · 4 of 10 tasks done, 40 % · render-prod")
    again = await alert_bot.ask(f"job watch {job}", person="U0VIEWER")
    assert title(again).endswith("is watched here already")
    listed = await alert_bot.ask("job watch account:render-prod")
    assert title(listed) == "Watched jobs · 1"
    assert "for Otto" in words(listed)
    assert title(await alert_bot.ask("job watch", conversation=DEV)) == "Watched jobs · 0"
    stopped = await alert_bot.ask(f"job unwatch {job}", how="edit")
    assert "no longer watched" in title(stopped)
    assert alert_bot.jobs.watched(ACCOUNT) == set()


async def test_a_thread_is_no_place_of_its_own(alert_bot: AlertBot) -> None:
    job = await _job(alert_bot)
    await alert_bot.ask(f"job watch {job}", conversation=replace(OPS, thread="1700.1"))
    assert [each.conversation for each in alert_bot.jobs.here(OPS)] == [OPS]


async def test_what_cannot_be_watched_is_told(alert_bot: AlertBot) -> None:
    job = await _job(alert_bot)
    none = await alert_bot.ask(f"job watch {job[:-1]}")
    assert none.refused
    assert any(each.startswith("job watch ") for each in commands(none))
    over = next(
        job.id for job in alert_bot.scene.world.accounts[ACCOUNT].jobs.values() if job.state.lower() == "completed"
    )  # fmt: skip
    done = await alert_bot.ask(f"job watch {over}")
    assert title(done) == f"Job {over} is completed: there is nothing more to watch."
    await alert_bot.ask(f"job watch {job}")
    missing = await alert_bot.ask(f"job unwatch {job[:-1]}")
    assert missing.refused
    assert f"job unwatch {job} account:render-prod" in commands(missing)
    for number in range(MOST - 1):
        await alert_bot.jobs.watch(OPS, alert_bot.jobs.here(OPS)[0].person, ACCOUNT, f"job-{number}")
    assert not (await alert_bot.ask(f"job watch {job}")).refused
    other = await _job(alert_bot, 1)
    full = await alert_bot.ask(f"job watch {other}")
    assert title(full) == "20 jobs are watched here already, which is the most."


async def _job(alert_bot: AlertBot, conversation: int = 0) -> str:
    """A job that goes on."""
    jobs = alert_bot.scene.world.accounts[ACCOUNT].jobs.values()
    return sorted(job.id for job in jobs if job.state.lower() == "active")[conversation]
