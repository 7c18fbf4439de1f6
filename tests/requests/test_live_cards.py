"""Whatever ends a live answer, its message comes to show a card that does not claim to live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from bot.chat.fallback import as_text
from bot.chat.port import Undelivered
from bot.chat.request import CommandRequest, Conversation
from bot.clock import Clock
from bot.requests.answer_delivery import AnswerDelivery
from bot.requests.live_wording import claims_to_live, ended
from cards.build import actions, blocks, bold, chip, text
from cards.card import Actions, Button, Card, Code, Footer, Mark, Time, Words, plain
from storage.port.live import LiveCard
from storage.sqlite.store import SqliteStore
from tests.chat.fakes import asked
from tests.golden import check

HERE = Conversation("slack", "C1", team="T1")
AS_OF = datetime(2026, 11, 23, 13, 58, tzinfo=UTC)
STOP = Button("Stop", "stop 1a2b3c4d", how="edit")


def card(words: str = "frame 1", *, live: bool = True) -> Card:
    following = Words(text(chip(Mark.RUNNING, "following"), " until the end of the task"), while_live=True)
    return Card(
        title=text(bold(words)),
        mark=Mark.RUNNING,
        as_of=AS_OF,
        blocks=blocks(
            following if live else None,
            Code("frame 1\nframe 2"),
            actions(STOP if live else None, Button("Task", "task show a b")),
            Footer(text("this message goes on"), while_live=True) if live else None,
        ),
    )


class FakeChat:
    """Shows live cards; each edit takes the next of ``failures``; ``gate`` holds them until their turn."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.down: Undelivered | None = None
        self.shown: list[Card] = []
        self.answers: list[tuple[CommandRequest, Card]] = []
        self.said: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        if self.down:
            raise self.down
        self.answers.append((request, card))
        return "m1"

    async def update_live(self, conversation: Conversation, message: str, newest: Callable[[], Card]) -> None:
        assert (conversation.id, message) == ("C1", "m1")
        self.waiting += 1
        await self.gate.wait()
        if self.down:
            raise self.down
        if self.failures:
            raise self.failures.pop(0)
        self.shown.append(newest())

    async def say(self, request: CommandRequest, words: str) -> None:
        self.said.append(words)

    @property
    def words(self) -> list[str]:
        return [plain(each.title) for each in self.shown]


class Handler:
    """A handler that yields what a test gives it, until None."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Card | Exception | None] = asyncio.Queue()
        self.closed = False

    async def cards(self) -> AsyncGenerator[Card]:
        try:
            while (given := await self.queue.get()) is not None:
                if isinstance(given, Exception):
                    raise given
                yield given
        finally:
            self.closed = True


class Stage:
    """A store on disk, a chat, and what brings answers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = SqliteStore.open(path)
        self.chat = FakeChat()
        self.handler = Handler()
        self.delivery = AnswerDelivery({"slack": self.chat}, self.store, Clock(speed=100))  # type: ignore[dict-item]

    async def begin(self, first: Card | None = None, message: str = "m1") -> None:
        await self.delivery.follow(asked(HERE, "log a b follow"), message, first or card(), self.handler.cards())

    async def crash(self) -> None:
        """Come back as a new program on the same file."""
        for _, task in list(self.delivery._live._running.values()):
            task.cancel()
            await asyncio.wait({task})
        self.delivery = AnswerDelivery({"slack": self.chat}, self.store, Clock(speed=100))  # type: ignore[dict-item]

    async def until(self, true: Callable[[], object]) -> None:
        end = time.monotonic() + 8
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"{self.chat.words} {await self.store.live_cards()}")
            await asyncio.sleep(0.005)

    async def over(self) -> Card:
        """Wait until nothing is noted any more; the card that is shown."""
        end = time.monotonic() + 8
        while await self.store.live_cards():
            assert time.monotonic() < end, f"still noted; shown: {self.chat.words}"
            await asyncio.sleep(0.005)
        return self.chat.shown[-1]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path / "bot.db")
    yield made
    await made.delivery.drain(0.0)
    await made.store.close()


def commands(shown: Card) -> list[str]:
    return [
        item.command
        for block in shown.blocks
        if isinstance(block, Actions)
        for item in block.items
        if isinstance(item, Button)
    ]


def says(shown: Card) -> str:
    return " ".join(plain(block.text) for block in shown.blocks if isinstance(block, Words | Footer))


async def test_an_answer_of_one_card_is_not_live(stage: Stage) -> None:
    stage.handler.queue.put_nowait(None)
    await stage.begin(card(live=False))
    assert await stage.store.live_cards() == []
    assert stage.chat.shown == []


async def test_it_is_noted_before_it_goes_on_and_forgotten_after_its_last_card(stage: Stage) -> None:
    await stage.begin()
    [row] = await stage.store.live_cards()
    assert (row.message, msgspec.json.decode(row.card, type=Card), row.over) == ("m1", card(), False)
    stage.handler.queue.put_nowait(card("frame 2"))
    await stage.until(lambda: stage.chat.words == ["frame 1", "frame 2"])
    stage.handler.queue.put_nowait(card("done", live=False))
    stage.handler.queue.put_nowait(None)
    assert await stage.over() == card("done", live=False)
    assert stage.chat.words == ["frame 1", "frame 2", "done"]


async def test_cards_that_are_overtaken_while_they_wait_are_never_sent(stage: Stage) -> None:
    await stage.begin()
    stage.chat.gate.clear()
    stage.handler.queue.put_nowait(card("1"))
    await stage.until(lambda: stage.chat.waiting)
    for number in range(2, 100):
        stage.handler.queue.put_nowait(card(f"{number}"))
    await stage.until(stage.handler.queue.empty)
    await asyncio.sleep(0.02)
    stage.chat.gate.set()
    stage.handler.queue.put_nowait(card("last", live=False))
    stage.handler.queue.put_nowait(None)
    await stage.over()
    assert stage.chat.words[0] == "99"
    assert stage.chat.words[-1] == "last"
    assert len(stage.chat.shown) <= 3


async def test_a_handler_that_ends_without_a_last_word_gets_one(stage: Stage) -> None:
    await stage.begin()
    stage.handler.queue.put_nowait(None)
    last = await stage.over()
    assert not claims_to_live(last)
    assert "■ stopped: it has ended; as of 13:58 UTC." in says(last)
    assert commands(last) == ["log a b follow", "task show a b"]


async def test_an_error_in_the_handler_is_said(stage: Stage) -> None:
    await stage.begin()
    stage.handler.queue.put_nowait(RuntimeError("?"))
    assert "stopped: something went wrong inside the bot" in says(await stage.over())


async def test_an_outage_is_outlasted_and_the_newest_card_shown(stage: Stage) -> None:
    await stage.begin()
    stage.chat.down = Undelivered("later", "503", everywhere=True)
    stage.handler.queue.put_nowait(card("during"))
    await stage.until(lambda: stage.chat.waiting > 3)
    stage.handler.queue.put_nowait(None)
    await stage.until(lambda: stage.handler.closed)
    stage.chat.down = None
    last = await stage.over()
    assert (plain(last.title), claims_to_live(last)) == ("during", False)


@pytest.mark.parametrize("why", ["later", "doubt"])
async def test_a_failed_edit_is_made_again(stage: Stage, why: str) -> None:
    await stage.begin()
    stage.chat.failures = [Undelivered(why, "internal_error")]  # type: ignore[arg-type]
    stage.handler.queue.put_nowait(card("2"))
    await stage.until(lambda: stage.chat.words[-1:] == ["2"])


async def test_a_refused_layout_goes_on_as_text_and_what_is_refused_for_good_is_said(stage: Stage) -> None:
    await stage.begin()
    stage.chat.failures = [Undelivered("refused", "invalid_blocks")]
    stage.handler.queue.put_nowait(card("2"))
    await stage.until(lambda: stage.chat.shown)
    assert "Shown as text" in says(stage.chat.shown[0])
    stage.chat.failures = [Undelivered("refused", "msg_too_long")]
    stage.handler.queue.put_nowait(card("3"))
    await stage.until(lambda: stage.handler.closed)
    await stage.over()
    assert len(stage.chat.said) == 1


async def test_a_card_that_cannot_be_drawn_goes_on_as_text(stage: Stage) -> None:
    await stage.begin()
    stage.chat.failures = [ValueError("no such block")]
    stage.handler.queue.put_nowait(card("2"))
    await stage.until(lambda: stage.chat.shown)
    assert "Shown as text" in says(stage.chat.shown[0])
    stage.handler.queue.put_nowait(None)
    assert not claims_to_live(await stage.over())


async def test_a_message_that_was_deleted_ends_the_handler(stage: Stage) -> None:
    await stage.begin()
    stage.chat.failures = [Undelivered("missing", "message_not_found")]
    stage.handler.queue.put_nowait(card("2"))
    await stage.until(lambda: stage.handler.closed)
    await asyncio.sleep(0.05)
    assert (await stage.store.live_cards(), stage.chat.shown) == ([], [])


@pytest.mark.parametrize("restarted", [True, False])
async def test_a_channel_that_was_shut_is_told_when_the_bot_is_back(stage: Stage, restarted: bool) -> None:
    await stage.begin()
    stage.chat.failures = [Undelivered("gone", "is_archived")]
    stage.handler.queue.put_nowait(card("2"))
    await stage.until(lambda: stage.handler.closed)
    await asyncio.sleep(0.05)
    if restarted:
        await stage.crash()
    assert await stage.delivery.resume(datetime.now(UTC)) == 1
    assert "the bot could not write here any more" in says(await stage.over())


async def test_the_end_of_the_program_is_said_where_the_handler_does_not_listen(stage: Stage) -> None:
    await stage.begin()
    await stage.delivery.drain(2)
    assert stage.handler.closed
    last = await stage.over()
    assert "stopped: the bot was shut down at " in says(last)


async def test_what_cannot_be_said_before_the_end_is_said_after_the_start(stage: Stage) -> None:
    await stage.begin()
    stage.chat.down = Undelivered("later", "503", everywhere=True)
    await stage.delivery.drain(1)
    [row] = await stage.store.live_cards()
    assert row.over
    stage.chat.down = None
    await stage.crash()
    assert await stage.delivery.resume(datetime.now(UTC)) == 1
    assert "stopped: the bot was shut down at " in says(await stage.over())


async def test_after_a_crash_every_card_says_that_it_has_stopped(stage: Stage) -> None:
    await stage.begin()
    stage.handler.queue.put_nowait(card("frame 2"))
    await stage.until(lambda: stage.chat.shown)
    await asyncio.sleep(0.05)
    await stage.crash()
    assert await stage.delivery.resume(datetime.now(UTC)) == 1
    last = await stage.over()
    assert plain(last.title) == "frame 2"
    assert "stopped: the bot was restarted at " in says(last)
    assert "as of 13:58" in says(last)
    assert commands(last)[0] == "log a b follow"


async def test_what_this_run_began_and_what_is_unreadable_is_not_resumed(stage: Stage) -> None:
    began = datetime.now(UTC)
    await stage.begin()
    await stage.store.put_live(LiveCard("old", b"{", "m9", b"{}", began - timedelta(hours=1)))
    await stage.store.put_live(LiveCard("bits", b'{"key":"\xff"}', "m9", b"{}", began - timedelta(hours=1)))
    of_terminal = msgspec.json.encode(asked(Conversation("text", "terminal")))
    await stage.store.put_live(LiveCard("text", of_terminal, "1", msgspec.json.encode(card()), began - timedelta(1)))
    elsewhere = msgspec.json.encode(asked(Conversation("teams", "a:1")))
    await stage.store.put_live(LiveCard("off", elsewhere, "1", msgspec.json.encode(card()), began - timedelta(hours=2)))
    assert await stage.delivery.resume(began) == 0
    assert [row.key for row in await stage.store.live_cards()] == ["off", "k1 m1"]


async def test_an_answer_that_replaces_the_message_ends_what_was_live_there(stage: Stage) -> None:
    await stage.begin()
    stage.chat.gate.clear()
    stage.handler.queue.put_nowait(card("overtaken"))
    await stage.until(lambda: stage.chat.waiting)
    click = asked(HERE, "log a b stderr.txt", key="k2", how="edit", message="m1")
    assert await stage.delivery.answer(click, card("stderr", live=False)) == "m1"
    stage.chat.gate.set()
    await asyncio.sleep(0.05)
    assert (stage.chat.shown, await stage.store.live_cards(), stage.handler.closed) == ([], [], True)


async def test_an_answer_that_fails_to_replace_it_leaves_a_card_that_has_stopped(stage: Stage) -> None:
    await stage.begin()
    stage.chat.down = Undelivered("gone", "is_archived")
    click = asked(HERE, "home", key="k2", how="edit", message="m1")
    assert await stage.delivery.answer(click, card("home", live=False)) is None
    stage.chat.down = None
    await asyncio.sleep(0.05)
    await stage.crash()
    await stage.delivery.resume(datetime.now(UTC))
    assert "another answer could not take its place" in says(await stage.over())


async def test_where_nothing_can_be_edited_the_last_card_is_an_answer_of_its_own(stage: Stage) -> None:
    await stage.begin(message="")
    for words in ("2", "3"):
        stage.handler.queue.put_nowait(card(words))
    stage.handler.queue.put_nowait(card("done", live=False))
    stage.handler.queue.put_nowait(None)
    await stage.until(lambda: stage.chat.answers)
    assert [plain(each.title) for _, each in stage.chat.answers] == ["done"]
    assert (stage.chat.shown, await stage.store.live_cards()) == ([], [])


async def test_a_store_that_fails_does_not_end_the_answer(stage: Stage) -> None:
    async def refuse(*_: object) -> None:
        raise OSError("disk full")

    await stage.begin()
    stage.store.put_live = stage.store.delete_live = refuse  # type: ignore[method-assign]
    stage.handler.queue.put_nowait(card("2"))
    stage.handler.queue.put_nowait(card("done", live=False))
    stage.handler.queue.put_nowait(None)
    await stage.until(lambda: stage.chat.words[-1:] == ["done"])


def test_a_submitted_form_is_asked_again() -> None:
    request = replace(asked(HERE, "log"), values={"job": "a", "task": "b"})
    shown = ended(card(), text("it has ended"), request)
    [again] = [item for block in shown.blocks if isinstance(block, Actions) for item in block.items][:1]
    assert isinstance(again, Button)
    assert (again.how, again.command) == ("form", "log")


def test_a_card_without_a_time_says_when_it_was_shown() -> None:
    bare = Card(title=text("Making the CSV"), blocks=blocks(actions(STOP)))
    assert claims_to_live(bare)
    shown = ended(bare, text("it has ended"), asked(HERE), AS_OF)
    assert "as of 13:58" in says(shown)
    assert commands(shown) == ["pool list"]


@pytest.mark.parametrize("name", ["live-ended", "live-as-text"])
def test_golden(name: str) -> None:
    why = text("the bot was restarted at ", Time(datetime(2026, 11, 23, 14, 2, tzinfo=UTC), "clock"))
    shown = ended(card("stdout.txt of task frame-1"), why, asked(HERE, "log nightly frame-1 follow"))
    check(name, as_text(shown) if name == "live-as-text" else shown)
