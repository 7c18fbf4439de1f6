"""Outbox messages over real HTTP into the strict Teams stand-in, which cannot be read back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace

from bot.chat.port import Undelivered, UnreadableError
from bot.chat.request import Conversation, Person
from bot.chat.teams.adapter import Teams
from bot.chat.teams.settings import TeamsSettings
from bot.clock import Clock
from bot.outbox import OutboxWorker
from bot.sandbox.teams import TeamsStandIn
from bot.sandbox.wire.tokens import BOT_FRAMEWORK, Tokens
from storage.port.changes import ChangeSet
from storage.port.outbox import OutboxEntry
from storage.sqlite.store import SqliteStore
from tests.chat.teams_service import APP, Pictures, RequestIntake, card
from tests.chat.test_teams_stand_in import ManagedIdentity
from tests.outbox.messages import entry

MARK = "may be a repeat"


class Bench:
    """The program's half, which can be started anew, and Teams', which stays."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bot.db"
        self.tokens = Tokens()
        self.outside = TeamsStandIn(app_id=APP, verify=self.tokens.verify)

    async def start(self) -> None:
        self.store, self.intake = SqliteStore.open(self.path), RequestIntake()
        settings = TeamsSettings(
            app_id=APP,
            tenant_id=self.outside.tenant_id,
            service_hosts=["127.0.0.1"],
            openid_url=self.outside.openid_url,
            scope=f"{BOT_FRAMEWORK}/.default",
        )
        identity = ManagedIdentity(self.tokens)
        self.teams = Teams(settings, self.store, Pictures(), credential=identity)  # type: ignore[arg-type]
        self.intake.chat = self.teams
        self.outbox = OutboxWorker(self.store, {"teams": self.teams}, Clock(speed=20))
        self.teams.on_reach(self.outbox.reachable)
        app = web.Application()
        app.add_routes(self.teams.routes())
        self.bot = TestServer(app, host="127.0.0.1")
        await self.bot.start_server()
        self.outside.bot_url = str(self.bot.make_url("/api/messages"))
        await self.teams.start(self.intake)
        self.task = asyncio.create_task(self.outbox.run())

    async def stop(self) -> None:
        await self.intake.done()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.teams.stop()
        await self.bot.close()
        await self.store.close()

    async def install(self, *conversations: str) -> None:
        for conversation in conversations:
            await self.outside.install(conversation)
        await self.intake.done()

    def conversation(self, name: str) -> Conversation:
        room = self.outside.conversations[name]
        kind = {"groupChat": "group"}.get(room["kind"], room["kind"])
        return Conversation("teams", room["id"], kind, self.outside.tenant_id, service_url=self.outside.service_url)

    async def give(self, *entries: OutboxEntry) -> None:
        await self.store.record(ChangeSet(entries=list(entries)))
        self.outbox.put(entries)

    def entries(self, conversation: str = "general") -> list[dict[str, Any]]:
        """The bot's messages but for its greeting."""
        shown = self.outside.messages(conversation)
        return [each for each in shown if each["from"] == "bot" and each["summary"] != "pool list"]

    def told(self, conversation: str = "general") -> list[tuple[str, bool]]:
        return [(each["summary"], MARK in str(each["attachments"])) for each in self.entries(conversation)]

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(15):
            while not true():  # noqa: ASYNC110 - the stand-in tells nobody what a test waits for
                await asyncio.sleep(0.01)

    async def done(self) -> None:
        async with asyncio.timeout(15):
            while await self.store.undelivered():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def reachable(self) -> dict[str, bool]:
        return {each.id: each.reachable for each in await self.store.conversations("teams")}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.outside.start()
    await made.start()
    yield made
    await made.stop()
    await made.outside.close()


async def test_a_letter_its_edit_and_its_thread(bench: Bench) -> None:
    await bench.install("general", "viewer")
    channel, chat = bench.conversation("general"), bench.conversation("viewer")
    await bench.give(entry("a", conversation=channel), entry("b", conversation=channel, reply_to="a", broadcast=True))
    await bench.give(entry("c", conversation=chat), entry("d", conversation=chat, reply_to="c"))
    await bench.done()
    await bench.give(
        entry("a", conversation=channel, version=2), entry("b", conversation=channel, reply_to="a", version=2)
    )
    await bench.done()
    root, reply = bench.entries()
    assert (root["summary"], root["edited"], root["thread"]) == ("a 2", True, "")
    assert (reply["summary"], reply["thread"]) == ("b 2", root["id"])
    assert [(each["summary"], each["thread"]) for each in bench.entries("viewer")] == [("c 1", ""), ("d 1", "")]
    assert bench.outside.refused == []


async def test_an_outage_that_says_so_repeats_nothing(bench: Bench) -> None:
    await bench.install("general", "group")
    bench.outside.faults.fail(503, times=6)
    await bench.give(
        entry("a", conversation=bench.conversation("general")), entry("b", conversation=bench.conversation("group"))
    )
    await bench.until(bench.outbox.down)
    await bench.done()
    assert (bench.told(), bench.told("group")) == ([("a 1", False)], [("b 1", False)])


async def test_an_outage_that_cuts_lines_loses_nothing(bench: Bench) -> None:
    await bench.install("general", "group")
    bench.outside.faults.outage = True
    await bench.give(
        entry("a", conversation=bench.conversation("general")), entry("b", conversation=bench.conversation("group"))
    )
    await bench.until(bench.outbox.down)
    bench.outside.faults.outage = False
    await bench.done()
    assert [words for words, _ in bench.told() + bench.told("group")] == ["a 1", "b 1"]


async def test_a_lost_answer_is_one_repeat_that_says_so(bench: Bench) -> None:
    await bench.install("general")
    bench.outside.faults.lose_answers()
    await bench.give(entry("a", conversation=bench.conversation("general")))
    await bench.done()
    assert bench.told() == [("a 1", False), ("a 1", True)]
    assert bench.outbox.totals.repeated == 1
    await bench.give(entry("a", version=2, conversation=bench.conversation("general")))
    await bench.done()
    assert bench.told() == [("a 1", False), ("a 2", True)], "an edit does not take the mark away"


async def test_a_crash_is_one_repeat_that_says_so(bench: Bench) -> None:
    await bench.install("general")

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    bench.store.delivered = never  # type: ignore[method-assign]
    await bench.give(entry("a", conversation=bench.conversation("general")))
    await bench.until(bench.entries)
    await bench.stop()
    await bench.start()
    await bench.done()
    assert bench.told() == [("a 1", False), ("a 1", True)]


async def test_one_conversations_limit_delays_no_other(bench: Bench) -> None:
    await bench.install("general", "group")
    bench.outside.faults.fail(429, times=1000, chat=bench.conversation("general").id, retry_after=2)
    await bench.give(entry("a", conversation=bench.conversation("general")))
    await bench.give(*(entry(f"b{n}", conversation=bench.conversation("group")) for n in range(3)))
    await bench.until(lambda: len(bench.entries("group")) == 3)
    assert bench.entries() == []
    bench.outside.faults.clear()
    await bench.done()
    assert bench.told() == [("a 1", False)]


async def test_removed_from_a_team_and_added_again_with_all_its_channels(bench: Bench) -> None:
    await bench.install("general")
    await bench.outside.create_channel("alerts")
    alerts = bench.conversation("alerts")
    await bench.give(entry("a", conversation=alerts))
    await bench.done()
    await bench.outside.uninstall("general")
    await bench.give(entry("b", conversation=alerts), entry("c", conversation=bench.conversation("general")))
    await bench.until(lambda: all(each.gone_since for each in bench.outbox.status()))
    await bench.until(lambda: len(bench.outbox.status()) == 2)
    assert await bench.reachable() == {alerts.id: False, bench.conversation("general").id: False}
    await bench.install("general")
    await bench.done()
    assert (bench.told("alerts"), bench.told()) == ([("a 1", False), ("b 1", False)], [("c 1", False)])
    assert await bench.reachable() == {alerts.id: True, bench.conversation("general").id: True}


async def test_forbidden_in_the_tenant_and_allowed_again_of_which_nobody_tells(bench: Bench) -> None:
    await bench.install("general", "group")
    bench.outside.disable()
    await bench.give(
        entry("a", conversation=bench.conversation("general")), entry("b", conversation=bench.conversation("group"))
    )
    await bench.until(bench.outbox.down)
    bench.outside.disable(disabled=False)
    await bench.done()
    assert (bench.told(), bench.told("group")) == ([("a 1", False)], [("b 1", False)])


async def test_a_renamed_and_a_deleted_channel(bench: Bench) -> None:
    await bench.install("general")
    await bench.outside.create_channel("alerts")
    alerts = bench.conversation("alerts")
    await bench.give(entry("a", conversation=alerts))
    await bench.done()
    await bench.outside.rename("alerts", "Alarms")
    assert await bench.reachable() == {alerts.id: True, bench.conversation("general").id: True}
    await bench.outside.delete_channel("alerts")
    await bench.give(entry("b", conversation=alerts))
    await bench.until(lambda: bench.outbox.status()[0].gone_since)
    assert (await bench.reachable())[alerts.id] is False


async def test_a_letter_follows_its_conversation_to_another_address(bench: Bench) -> None:
    await bench.install("general")
    moved = replace(bench.conversation("general"), service_url="http://127.0.0.1:9/old/")
    await bench.give(entry("a", conversation=moved))
    await bench.done()
    assert bench.told() == [("a 1", False)]


async def test_a_personal_chat_and_what_cannot_be_asked(bench: Bench) -> None:
    await bench.install("general", "viewer")
    viewer = bench.outside.people["viewer"]
    chat = await bench.teams.direct(Person("teams", viewer["aadObjectId"], "Viewer"), bench.conversation("general"))
    assert (chat.id, chat.kind) == (bench.conversation("viewer").id, "personal")
    await bench.teams.post_once(chat, card("for you"), "key")
    assert bench.told("viewer") == [("for you", False)]
    with pytest.raises(Undelivered) as refused:
        await bench.teams.direct(Person("teams", bench.outside.people["operator"]["id"]), bench.conversation("general"))
    assert refused.value.why == "gone"
    with pytest.raises(UnreadableError):
        await bench.teams.find_by_key(chat, "key", datetime.now(UTC))
