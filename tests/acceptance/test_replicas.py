"""Three copies of the program on one PostgreSQL, behind a PgBouncer: whichever is asked, and whichever dies."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.environment import CHANNEL, Environment, environment
from tests.acceptance.replicas import ReplicaSet
from tests.bouncer import bouncer
from tests.postgresql import database, server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@asynccontextmanager
async def replicas(
    folder: Path, number: int = 3, *, lease: float | None = None, accounts: int = 1
) -> AsyncIterator[tuple[Environment, ReplicaSet]]:
    """So many copies that run, the app installed in both chats, and a first look made."""
    with database() as url, bouncer(url, pool=12) as between:
        async with environment(folder, settings={"bot": {"database": url}}, accounts=accounts) as stage:
            copies = ReplicaSet.of(stage, folder, number, between=between, lease=lease)
            await stage.begin()
            yield stage, copies


async def test_any_copy_takes_what_people_do(tmp_path: Path) -> None:
    """A command, a click on a card that another one posted, a form that one opens and another takes; each once."""
    async with replicas(tmp_path, lease=3.0) as (stage, copies):
        assert copies.balancer
        first, second = copies.others()
        copies.balancer.only = first
        stage.account.inject.break_nodes("pool1")
        await stage.until(lambda: stage.told() and stage.told_teams() and not stage.undelivered(), 300, "both told")
        for name in (first, second, copies.holder()):
            copies.balancer.only = name
            said = len(stage.slack.history_of(CHANNEL))
            assert (await stage.slack.command("viewer", CHANNEL, "job list")).ok
            await stage.until(
                lambda said=said: len(stage.slack.history_of(CHANNEL)) > said,  # type: ignore[misc]
                200,
                f"{name} is answered",
            )

        copies.balancer.only = second
        await _press_slack(stage, "Acknowledge")
        await stage.until(lambda: all("acknowledged by" in each for each in _both(stage)), 200, "both say so")
        copies.balancer.only = first
        shown = await stage.teams.click(
            "operator", stage.room, stage.told_teams()[0]["id"], "Go", {"menu1": json.dumps("2h")}
        )
        assert shown["shown"] != "error", shown
        await stage.until(lambda: all("snoozed until" in each for each in _both(stage)), 200, "both say until when")

        await _form(stage, copies, opened=first, taken=second)
        await stage.looked(2)
        assert _about(stage, "pool1") == [1, 1]


async def test_whoever_has_the_duties_may_die_stand_still_or_end(tmp_path: Path) -> None:
    """Killed, stopped for longer than its lease and let go on, ended in good order; then one more than there were."""
    async with replicas(tmp_path) as (stage, copies):
        inject = stage.account.inject
        inject.break_nodes("pool1")
        await stage.until(lambda: stage.told() and stage.told_teams() and not stage.undelivered(), 300, "both told")

        killed, epoch, begun = copies.holder(), copies.epoch(), time.monotonic()
        await copies.kill_one(killed)
        await _begun(stage, copies, epoch)
        print(f"taken over from one that was killed within {time.monotonic() - begun:.1f} s")
        await _trouble(stage, "after-a-kill")
        copies.begin()
        await copies.listening()

        stopped, epoch, begun = copies.holder(), copies.epoch(), time.monotonic()
        copies.send(stopped, signal.SIGSTOP)
        await _begun(stage, copies, epoch)
        print(f"taken over from one that stood still within {time.monotonic() - begun:.1f} s")
        await _trouble(stage, "while-one-stands-still")
        copies.send(stopped, signal.SIGCONT)
        await stage.until(lambda: "storage.lost" in copies.said(), 600, "it notices")
        await copies.copies[stopped].listening()
        await _trouble(stage, "after-it-goes-on")
        assert [_about(stage, each) for each in ("after-a-kill", "while-one-stands-still")] == [[1, 1], [1, 1]]

        ended, epoch, begun = copies.holder(), copies.epoch(), time.monotonic()
        assert ended != stopped
        assert await copies.copies[ended].stop() == 0
        await _begun(stage, copies, epoch)
        print(f"handed over within {time.monotonic() - begun:.1f} s")
        await _trouble(stage, "after-an-end")

        copies.add()
        copies.begin()
        await copies.listening()
        epoch = copies.epoch()
        await _trouble(stage, "with-one-more")
        assert copies.epoch() == epoch, "a new one takes nothing away"
        assert len([each for each in stage.told() if "pool1" in each["text"]]) == 1
        assert stage.rows("SELECT * FROM unreadable") == []
        assert len(stage.rows("SELECT 1 FROM replicas WHERE seen > now() - interval '10 seconds'")) == 4


async def test_whoever_watches_an_account_may_die_stand_still_or_end(tmp_path: Path) -> None:
    """Two accounts, three replicas: what happens in an account while nobody watches it is told all the same, once."""
    async with replicas(tmp_path, accounts=2) as (stage, copies):
        names = list(stage.azure.world.accounts)
        await stage.until(lambda: all(copies.watcher(name) for name in names), 900, "both are watched")
        assert copies.watcher(names[0]) != copies.watcher(names[1]), "each has its part"
        apart = next(name for name in names if copies.watcher(name) != copies.holder())
        account = stage.azure.world.accounts[apart]

        for what in ("killed", "stopped", "ended"):
            watcher, epoch, duties, begun = (
                copies.watcher(apart),
                copies.epoch_of(apart),
                copies.epoch(),
                time.monotonic(),
            )
            account.inject.add_job(f"while-{what}", "pool1", 6, seconds=3e6)
            await stage.looked(2)
            begun = time.monotonic()
            if what == "killed":
                await copies.kill_one(watcher)
            elif what == "stopped":
                copies.send(watcher, signal.SIGSTOP)
            else:
                assert await copies.copies[watcher].stop() == 0
            account.inject.storm([f"while-{what}"], ["exit-1"], 6, 2)
            await stage.until(lambda: copies.epoch_of(apart) > epoch and copies.watcher(apart), 900, "it is taken")  # noqa: B023
            taken = time.monotonic() - begun
            await stage.until(lambda: _about(stage, f"while-{what}") == [1, 1], 900, f"{what} is told")  # noqa: B023
            took = time.monotonic() - begun
            print(f"one that watched was {what}: its account was taken after {taken:.1f} s, told after {took:.1f} s")
            if what == "stopped":
                copies.send(watcher, signal.SIGCONT)
            copies.begin()
            await copies.listening()
            await stage.until(lambda: not stage.undelivered(), 300, "it is known to be told")
            await stage.looked(2)
            assert _about(stage, f"while-{what}") == [1, 1]
            assert copies.watcher(apart) != watcher or copies.epoch() > duties

        assert [copies.watcher(name) != "" for name in names] == [True, True]
        await stage.until(lambda: not stage.rows("SELECT 1 FROM looks"), 300, "all looks are decided on")
        doubled = "SELECT 1 FROM transitions GROUP BY account, entity, parent, id, at, after HAVING count(*) > 1"
        assert stage.rows(doubled) == []
        assert stage.rows("SELECT * FROM unreadable") == []


async def test_a_database_that_was_away_finds_one_of_them_with_the_duties(tmp_path: Path) -> None:
    async with replicas(tmp_path, lease=3.0) as (stage, copies):
        stage.account.inject.break_nodes("pool1")
        await stage.until(lambda: stage.told() and stage.told_teams() and not stage.undelivered(), 300, "both told")
        server().stop()
        try:
            stage.account.inject.add_job("storm", "pool1", 40, seconds=3e6)
            await stage.until(lambda: copies.said().count("storage.not_renewed") > 9, 900, "all of them notice")
            stage.account.inject.storm(["storm"], ["exit-1"], 40, 5)
        finally:
            server().start()
        await stage.until(copies.holder, 900, "one has the duties")
        await stage.until(lambda: [each for each in stage.told() if "storm" in each["text"]], 900, "it is told")
        await stage.until(lambda: not stage.undelivered(), 300, "it is known to be told")
        await stage.looked(2)
        assert len([each for each in stage.told() if "pool1" in each["text"]]) == 1
        assert (await stage.slack.command("viewer", CHANNEL, "job list")).ok


async def _begun(stage: Environment, copies: ReplicaSet, epoch: int) -> None:
    """Wait until another replica has taken the duties, and has begun them."""
    await stage.until(lambda: copies.ready(after=epoch), 900, "another one has the duties")


async def _trouble(stage: Environment, job: str) -> None:
    """A job fails, and that is told in both chats, once."""
    stage.account.inject.add_job(job, "pool1", 6, seconds=3e6)
    await stage.looked(1)
    stage.account.inject.storm([job], ["exit-1"], 6, 2)
    await stage.until(lambda: _about(stage, job) == [1, 1], 900, f"{job} is told")
    await stage.until(lambda: not stage.undelivered(), 300, "it is known to be told")
    await stage.looked(1)
    assert _about(stage, job) == [1, 1]


def _about(stage: Environment, word: str) -> list[int]:
    slack = [each for each in stage.told() if word in each["text"]]
    teams = [each for each in stage.told_teams() if word in each["summary"]]
    return [len(slack), len(teams)]


def _both(stage: Environment) -> list[str]:
    """The first alert as people see it, in each chat."""
    slack = next(each for each in stage.slack.messages(CHANNEL) if each["ts"] == stage.told()[0]["ts"])
    return [str(slack), str(stage.teams.message(stage.room, stage.told_teams()[0]["id"]))]


async def _press_slack(stage: Environment, title: str) -> None:
    slack = next(each for each in stage.slack.messages(CHANNEL) if each["ts"] == stage.told()[0]["ts"])
    [element] = [
        element
        for block in slack["blocks"]
        for element in block.get("elements", ())
        if element["type"] == "button" and element["text"]["text"] == title
    ]
    done = await stage.slack.click("operator", CHANNEL, slack["ts"], element["action_id"], value=element.get("value"))
    assert done.ok, done


async def _form(stage: Environment, copies: ReplicaSet, *, opened: str, taken: str) -> None:
    """A subscription by a form that one copy opens and another takes."""
    assert copies.balancer
    copies.balancer.only = opened
    await stage.slack.command("admin", CHANNEL, "alert subscriptions")
    buttons: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def found() -> bool:
        buttons[:] = [
            (message, element)
            for message in stage.slack.messages(CHANNEL)
            for block in message.get("blocks", ())
            for element in block.get("elements", ())
            if element.get("type") == "button" and "ubscribe" in element["text"]["text"]
        ]
        return bool(buttons)

    await stage.until(found, 200, "a button that opens the form")
    message, element = buttons[0]
    assert (
        await stage.slack.click("admin", CHANNEL, message["ts"], element["action_id"], value=element.get("value"))
    ).ok
    views: list[dict[str, Any]] = []
    await stage.until(lambda: views.extend(stage.slack.views("admin")) or views, 200, "the form")
    copies.balancer.only = taken
    before = stage.rows("SELECT count(*) FROM preferences WHERE namespace = 'subscription'")
    assert (await stage.slack.submit_view("admin", views[0]["id"], {})).ok
    await stage.until(
        lambda: stage.rows("SELECT count(*) FROM preferences WHERE namespace = 'subscription'") > before, 200, "taken"
    )
