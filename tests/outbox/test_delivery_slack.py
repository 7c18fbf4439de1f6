"""Outbox messages over real HTTP into the strict Slack stand-in: outages, lost answers, limits, removals, crashes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from msgspec.structs import replace
from PIL import Image
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.port import Undelivered, UnreadableError
from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.slack.adapter import Slack
from bot.chat.slack.settings import SlackSettings
from bot.clock import Clock
from bot.outbox import OutboxWorker
from bot.sandbox.slack import SlackSettings as Workspace
from bot.sandbox.slack import SlackStandIn
from bot.secrets import Secret
from cards.build import blocks, bold, text
from cards.card import Attachment, Card, Picture, Words
from cards.charts.usage import UsageChart
from storage.port.changes import ChangeSet
from storage.port.outbox import OutboxEntry
from storage.sqlite.store import SqliteStore
from tests.chat.fakes import asked
from tests.outbox.messages import entry

OPS, DEV = Conversation("slack", "C0BATCHOPS"), Conversation("slack", "C0BATCHDEV")
NOW = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)


class RequestIntake:
    """Nobody asks anything that matters here."""

    async def accept(self, request: CommandRequest) -> None:
        return None


class Pictures:
    """None can be drawn until ``png`` is set."""

    png_bytes: bytes | None = None
    gate: asyncio.Event | None = None

    async def png(self, chart: object) -> bytes:
        if self.gate:
            await self.gate.wait()
        if self.png_bytes is None:
            raise RuntimeError("no picture today")
        return self.png_bytes

    async def link(self, png: bytes) -> str:
        raise AssertionError("Slack takes files")

    async def file_link(self, attachment: Attachment) -> str:
        raise AssertionError("Slack takes files")


class Bench:
    """The program's half, which can be started anew, and Slack's, which stays."""

    def __init__(self, folder: Path, workspace: SlackStandIn) -> None:
        self.path = folder / "bot.db"
        self.workspace = workspace
        self.pictures = Pictures()

    async def start(self) -> None:
        self.store = SqliteStore.open(self.path)
        secrets = self.workspace.settings
        self.slack = Slack(
            SlackSettings(api_url=self.workspace.api_url),
            self.store,
            self.pictures,
            bot_token=Secret(secrets.bot_token),
            signing_secret=Secret(secrets.signing_secret),
        )
        self.outbox = OutboxWorker(self.store, {"slack": self.slack}, Clock(speed=20))
        self.slack.on_reach(self.outbox.reachable)
        app = web.Application()
        app.add_routes(self.slack.routes())
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.workspace.app_url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/slack/events"
        await self.slack.start(RequestIntake())  # type: ignore[arg-type]
        self.task = asyncio.create_task(self.outbox.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.slack.stop()
        await self.runner.cleanup()
        await self.store.close()

    async def give(self, *entries: OutboxEntry) -> None:
        await self.store.record(ChangeSet(entries=list(entries)))
        self.outbox.put(entries)

    def ever(self, channel: str = "batch-ops") -> list[dict[str, Any]]:
        """All that the bot ever posted, deleted or not."""
        return self.workspace.history_of(channel, user="bot")

    def keys(self, channel: str = "batch-ops") -> list[str]:
        return [each["metadata"]["event_payload"]["key"] for each in self.ever(channel)]

    async def until(self, true: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(15):
                while not true():  # noqa: ASYNC110 - the stand-in tells nobody what a test waits for
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{self.ever()} {self.outbox.status()} {list(self.workspace.writes)}") from None

    async def done(self) -> None:
        async with asyncio.timeout(15):
            while await self.store.undelivered():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    workspace = SlackStandIn(Workspace(tiers=False, file_processing=(0.05, 0.1)))
    await workspace.start()
    made = Bench(tmp_path, workspace)
    await made.start()
    yield made
    await made.stop()
    await workspace.settle()
    await workspace.close()


async def test_a_letter_its_edit_and_a_reply_that_the_channel_sees(bench: Bench) -> None:
    await bench.give(entry("a", conversation=OPS), entry("b", conversation=OPS, reply_to="a", broadcast=True))
    await bench.done()
    await bench.give(entry("a", conversation=OPS, version=2))
    await bench.done()
    root, reply = bench.ever()
    assert "a 2" in root["text"]
    assert root["metadata"] == {"event_type": "batchbot_letter", "event_payload": {"key": "a"}}, "edits keep the key"
    assert (reply["thread"], reply["broadcast"]) == (root["ts"], True)


@pytest.mark.parametrize("fault", ["outage", "cut"])
async def test_after_an_outage_everything_is_there_once(bench: Bench, fault: str) -> None:
    setattr(bench.workspace.faults, fault, True)
    await bench.give(
        entry("a", conversation=OPS), entry("b", conversation=DEV), entry("c", conversation=OPS, reply_to="a")
    )
    await bench.until(lambda: len(bench.workspace.writes) >= 2)
    await bench.until(bench.outbox.down)
    assert (bench.ever(), bench.ever("batch-dev")) == ([], [])
    await bench.give(entry("a", conversation=OPS, version=2))
    setattr(bench.workspace.faults, fault, False)
    await bench.done()
    assert (bench.keys(), bench.keys("batch-dev")) == (["a", "c"], ["b"])
    assert "a 2" in bench.ever()[0]["text"]
    assert bench.outbox.down() == {}


async def test_a_lost_answer_makes_no_second_message(bench: Bench) -> None:
    bench.workspace.faults.lose_answers["chat.postMessage"] = 3
    await bench.give(
        entry("a", conversation=OPS), entry("b", conversation=OPS, reply_to="a"), entry("c", conversation=DEV)
    )
    await bench.done()
    assert (sorted(bench.keys()), bench.keys("batch-dev")) == (["a", "b"], ["c"])
    assert [each["outcome"] for each in bench.workspace.writes].count("lost") == 3
    assert bench.ever()[1]["thread"] == bench.ever()[0]["ts"]


async def test_a_lost_answer_to_an_edit(bench: Bench) -> None:
    await bench.give(entry("a", conversation=OPS))
    await bench.done()
    bench.workspace.faults.lose_answers["chat.update"] = 1
    await bench.give(entry("a", conversation=OPS, version=2))
    await bench.done()
    assert len(bench.ever()) == 1
    assert "a 2" in bench.ever()[0]["text"]


async def test_a_crash_before_the_answer_was_noted(bench: Bench) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    bench.store.delivered = never  # type: ignore[method-assign]
    await bench.give(entry("a", conversation=OPS))
    await bench.until(bench.ever)
    await bench.stop()
    await bench.start()
    await bench.done()
    assert bench.keys() == ["a"]


async def test_a_crash_after_the_claim(bench: Bench) -> None:
    await bench.stop()
    store = SqliteStore.open(bench.path)
    await store.record(ChangeSet(entries=[entry("a", conversation=OPS)]))
    assert await store.claim("a", datetime.now(UTC))
    await store.close()
    await bench.start()
    await bench.done()
    assert bench.keys() == ["a"]


async def test_a_channels_limit_delays_no_other(bench: Bench) -> None:
    bench.workspace.faults.limited["C0BATCHOPS"] = 2
    await bench.give(entry("a", conversation=OPS), entry("b", conversation=DEV), entry("c", conversation=DEV))
    await bench.until(lambda: bench.keys("batch-dev") == ["b", "c"])
    assert bench.ever() == []
    assert bench.outbox.down() == {}
    del bench.workspace.faults.limited["C0BATCHOPS"]
    await bench.done()
    assert bench.keys() == ["a"]


async def _reachable(bench: Bench) -> dict[str, bool]:
    return {each.id: each.reachable for each in await bench.store.conversations("slack")}


async def test_removed_and_let_in_again(bench: Bench) -> None:
    await bench.workspace.remove("batch-ops")
    await bench.workspace.settle()
    assert await _reachable(bench) == {"C0BATCHOPS": False}
    await bench.give(entry("a", conversation=OPS), entry("b", conversation=DEV))
    await bench.until(lambda: bench.keys("batch-dev") == ["b"])
    await bench.until(lambda: any(each.gone_since for each in bench.outbox.status()))
    await bench.give(entry("a", conversation=OPS, version=2))
    await bench.workspace.invite("batch-ops")
    await bench.done()
    assert bench.keys() == ["a"]
    assert await _reachable(bench) == {"C0BATCHOPS": True}
    assert [each.gone_since for each in bench.outbox.status()] == [None, None]


async def test_archived_renamed_and_opened_again(bench: Bench) -> None:
    bench.workspace.archive("batch-ops")
    await bench.give(entry("a", conversation=OPS))
    await bench.until(lambda: any(each.gone_since for each in bench.outbox.status()))
    bench.workspace.unarchive("batch-ops")
    bench.workspace.rename("batch-ops", "batch-operations")
    await bench.done()
    await bench.workspace.settle()
    assert bench.keys("batch-operations") == ["a"]
    [kept] = await bench.store.conversations("slack")
    assert (msgspec.json.decode(kept.body, type=Conversation).name, kept.reachable) == ("batch-operations", True)


async def test_taken_out_of_the_workspace_and_installed_again(bench: Bench) -> None:
    await bench.give(entry("a", conversation=OPS))
    await bench.done()
    await bench.slack.answer(asked(OPS), Card(title=text("hello")))
    await bench.until(lambda: len(bench.ever()) == 2)
    bench.workspace.uninstall()
    await bench.workspace.settle()
    assert await _reachable(bench) == {"C0BATCHOPS": False}
    await bench.give(entry("b", conversation=OPS))
    await bench.until(bench.outbox.down)
    assert bench.outbox.down()["slack"] == "account_inactive"
    bench.workspace.reinstall()
    await bench.done()
    assert len(bench.ever()) == 3
    assert await _reachable(bench) == {"C0BATCHOPS": True}


async def test_a_card_that_slack_refuses_goes_out_as_its_title(bench: Bench) -> None:
    bench.workspace.faults.errors["chat.postMessage"] = ["invalid_blocks"]
    await bench.give(entry("a", conversation=OPS))
    await bench.done()
    assert "The details could not be shown here" in str(bench.workspace.messages("batch-ops")[-1]["blocks"])
    assert bench.outbox.totals.shortened == 1


async def test_a_deleted_alert_comes_again_with_its_next_edit_and_replies_find_it(bench: Bench) -> None:
    await bench.give(entry("a", conversation=OPS))
    await bench.done()
    client = AsyncWebClient(token=bench.workspace.settings.bot_token, base_url=bench.workspace.api_url)
    await client.chat_delete(channel=OPS.id, ts=bench.ever()[0]["ts"])
    await bench.give(entry("b", conversation=OPS, reply_to="a"))
    await bench.done()
    await bench.give(entry("a", conversation=OPS, version=2))
    await bench.done()
    assert [(each["deleted"] is None, each["thread"]) for each in bench.ever()] == [(False, ""), (True, ""), (True, "")]
    assert bench.keys() == ["a", "b", "a"]


async def test_people_go_before_alerts(bench: Bench) -> None:
    await bench.give(*(entry(f"a{n}", conversation=OPS) for n in range(3)))
    await bench.until(lambda: len(bench.ever()) == 1)
    await bench.slack.answer(asked(OPS), Card(title=text(bold("an answer"))))
    assert "an answer" in bench.ever()[1]["text"]
    await bench.done()
    assert len(bench.ever()) == 4


async def test_a_message_is_found_however_much_was_said_since(bench: Bench) -> None:
    since = datetime.now(UTC)
    stamp, channel = await bench.slack.post_once(OPS, Card(title=text("needle")), "key")
    for n in range(450):
        await bench.workspace.say("viewer", "batch-ops", f"hay {n}")
    assert await bench.slack.find_by_key(OPS, "key", since) == stamp
    assert await bench.slack.find_by_key(OPS, "another", since) is None
    assert await bench.slack.find_by_key(OPS, "key", since + timedelta(minutes=9)) == stamp, "clocks differ"
    assert await bench.slack.find_by_key(OPS, "key", since + timedelta(minutes=20)) is None
    assert channel == OPS.id
    in_thread = msgspec.structs.replace(OPS, thread=stamp)
    reply, _ = await bench.slack.post_once(in_thread, Card(title=text("reply")), "reply")
    assert await bench.slack.find_by_key(in_thread, "reply", since) == reply
    assert await bench.slack.find_by_key(OPS, "reply", since) is None


async def test_without_the_scope_to_read_nothing_is_sought(tmp_path: Path) -> None:
    workspace = SlackStandIn(Workspace(scopes=Workspace().scopes - {"channels:history"}))
    await workspace.start()
    bench = Bench(tmp_path, workspace)
    await bench.start()
    try:
        with pytest.raises(UnreadableError):
            await bench.slack.find_by_key(OPS, "key", NOW)
        workspace.faults.lose_answers["chat.postMessage"] = 1
        await bench.give(entry("a", conversation=OPS))
        await bench.done()
        assert len(bench.ever()) == 2
        assert "may be a repeat" in str(workspace.messages("batch-ops")[-1]["blocks"])
    finally:
        await bench.stop()
        await workspace.close()


async def test_direct_messages(bench: Bench) -> None:
    viewer = next(each["id"] for each in bench.workspace.people if each["role"] == "viewer")
    conversation = await bench.slack.direct(Person("slack", viewer, "viewer"), OPS)
    assert (conversation.id, conversation.kind) == (f"D{viewer[1:]}", "personal")
    stamp, channel = await bench.slack.post_once(conversation, Card(title=text("for you")), "key")
    assert await bench.slack.find_by_key(conversation, "key", datetime.now(UTC)) == stamp
    assert channel == conversation.id
    with pytest.raises(Undelivered, match="gone: user_not_found"):
        await bench.slack.direct(Person("slack", "U0NOBODY00"), OPS)
    assert (await _reachable(bench)).get(OPS.id, True)


def _pictured(words: str) -> Card:
    picture = Picture("p", "4 of 8", UsageChart("h", "s", (), 60, NOW, NOW))
    return Card(title=text(words), blocks=blocks(Words(text(words)), picture))


async def test_a_picture_never_fails_its_letter_nor_brings_an_old_one_back(bench: Bench) -> None:
    stamp, _ = await bench.slack.post_once(OPS, _pictured("first"), "a")
    await bench.until(lambda: "could not be delivered" in str(bench.workspace.messages("batch-ops")[-1]))
    bench.pictures.gate = asyncio.Event()
    second, _ = await bench.slack.post_once(OPS, _pictured("second"), "b")
    await bench.slack.update(OPS, second, Card(title=text("third")))
    bench.pictures.gate.set()
    await bench.slack.update(OPS, stamp, _pictured("fourth"))
    assert ["fourth" in bench.ever()[0]["text"], "third" in bench.ever()[1]["text"]] == [True, True]


@pytest.mark.parametrize("moment", ["before it is noted that it is posted", "afterwards"])
async def test_a_crash_before_the_picture_came(bench: Bench, moment: str) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    bench.pictures.gate = asyncio.Event()  # it takes long to draw
    if moment != "afterwards":
        bench.store.put_preference = never  # type: ignore[method-assign]
    await bench.give(replace(entry("a", conversation=OPS), card=msgspec.json.encode(_pictured("a"))))
    await bench.until(bench.ever)
    if moment == "afterwards":
        await bench.done()
    assert "picture follows" in str(bench.workspace.messages("batch-ops"))
    await bench.stop()
    file = io.BytesIO()
    Image.new("P", (32, 18)).save(file, "PNG")
    bench.pictures.gate, bench.pictures.png_bytes = None, file.getvalue()
    await bench.start()
    await bench.until(lambda: "slack_file" in str(bench.workspace.messages("batch-ops")))
    await bench.done()
    assert bench.keys() == ["a"]
    assert "picture follows" not in str(bench.workspace.messages("batch-ops"))
