"""Dispatch and journal: permission, advice, journal, and what a crash leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.azure.accounts import Accounts
from bot.azure.errors import AzureError
from bot.chat.port import Undelivered
from bot.chat.request import CommandRequest, Conversation, Person
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.command import Mark
from bot.requests.context import Context
from bot.requests.dispatcher import Dispatcher
from bot.requests.journal import RequestJournal
from bot.requests.registry import Registry
from bot.requests.services import AzureReading, Services
from bot.settings import AccessSettings, AccountSettings
from cards.card import Actions, Button, Card, Form, plain
from storage.sqlite.store import SqliteStore

PLACE = Conversation("slack", "C1")


async def greet(ctx: Context, *, loud: bool = False) -> Card:
    """Say hello.

    :param loud: louder
    """
    return Card(title=(plain_span(f"hello {ctx.role}{'!' if loud else ''}"),))


async def break_down(ctx: Context) -> Card:
    """Break."""
    raise RuntimeError("key=hunter2")


async def refuse(ctx: Context) -> Card:
    """Be refused."""
    raise AzureError("AccountIsDisabled", "The account is disabled.", status=403, values={"Reason": "billing"})


async def where(ctx: Context, *, account: str | None = None) -> Card:
    """Name the account.

    :param account: the account
    """
    return Card(title=(plain_span(ctx.account(account).name),))


def plain_span(text: str) -> Any:
    from cards.card import Span  # noqa: PLC0415

    return Span(text)


class Recorder:
    """A chat that keeps what it is told to answer."""

    name = "slack"

    def __init__(self) -> None:
        self.answers: list[tuple[CommandRequest, Card]] = []
        self.fails = False

    async def zone(self, person: Person) -> str | None:
        return "Europe/Berlin"

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        if self.fails:
            raise Undelivered("gone", "is_archived")
        self.answers.append((request, card))
        return ""

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        return None

    async def say(self, request: CommandRequest, words: str) -> None:
        raise Undelivered("gone", "is_archived")


def made(person: str = "U1", text: str = "greet", key: str = "k1", **more: Any) -> CommandRequest:
    return CommandRequest(
        key=key, text=text, person=Person("slack", person), conversation=PLACE, at=datetime.now(UTC), **more
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path / "t.db")
    yield opened
    await opened.close()


@pytest.fixture
async def dispatcher(store: SqliteStore) -> AsyncIterator[Dispatcher]:
    registry = Registry()
    registry.add(greet, Mark("greet", "viewer", (), 0))
    registry.add(break_down, Mark("break", "viewer", (), 0))
    registry.add(refuse, Mark("refuse", "operator", (), 0))
    registry.add(where, Mark("where", "viewer", (), 0))
    accounts = Accounts(
        {
            name: AccountSettings(endpoint=f"https://{name}.we.batch.azure.com", subscription="s", resource_group="r")
            for name in ("first", "second")
        },
        {},
    )
    policy = Policy(Access(AccessSettings(operators=["slack:UOP"], admins=["slack:UAD"])))
    yield Dispatcher(Services(registry, policy, store, AzureReading(accounts)))
    await accounts.close()


def buttons(card: Card) -> list[str]:
    return [
        item.command
        for block in card.blocks
        if isinstance(block, Actions)
        for item in block.items
        if isinstance(item, Button)
    ]


@pytest.mark.parametrize(
    ("person", "text", "title", "refused"),
    [
        ("U1", "greet", "hello viewer", False),
        ("UAD", "batch greet --loud", "hello admin!", False),
        ("U1", "refuse", "“refuse” needs the role operator; yours is viewer.", True),
        ("UOP", "refuse", "Azure answered AccountIsDisabled.", True),
        ("U1", "gret", "There is no command “gret”.", True),
        ("U1", "where", "first", False),
        ("U1", "where account:second", "second", False),
        ("U1", "where account:secnd", "There is no account “secnd”", True),
    ],
)
async def test_every_ask_gets_a_card(dispatcher: Dispatcher, person: str, text: str, title: str, refused: bool) -> None:
    card = await dispatcher.card(made(person, text))
    assert plain(card.title).startswith(title)
    assert card.refused is refused
    assert card.as_of is not None


async def test_a_wrong_account_gets_the_right_one_as_a_button(dispatcher: Dispatcher) -> None:
    card = await dispatcher.card(made(text="where account:secnd"))
    assert "where account:second" in buttons(card)


async def test_a_fault_inside_shows_a_correlation_id_and_no_secret(
    dispatcher: Dispatcher, capsys: pytest.CaptureFixture[str]
) -> None:
    card = await dispatcher.card(made(text="break"))
    shown = msgspec.json.encode(card).decode()
    assert card.refused
    assert "hunter2" not in shown
    assert "Traceback" not in shown
    correlation = shown.split("under ")[1][:8]
    assert correlation in capsys.readouterr().out


async def test_a_form_is_for_those_who_may_run_the_command(dispatcher: Dispatcher) -> None:
    assert isinstance(await dispatcher.form("greet", made()), Form)
    forbidden = await dispatcher.form("refuse", made())
    assert isinstance(forbidden, Card)
    assert forbidden.refused


async def test_the_desk_answers_once_however_often_it_is_asked(dispatcher: Dispatcher, store: SqliteStore) -> None:
    chat = Recorder()
    journal = RequestJournal(dispatcher, store, {"slack": chat})  # type: ignore[dict-item]
    task = await journal.accept(made())
    assert task is not None
    await task
    assert await journal.accept(made()) is None
    assert len(chat.answers) == 1
    assert chat.answers[0][1].zone == "UTC", "a channel has the bot's zone, whoever asks"
    assert await store.unfinished() == []


async def test_times_are_in_the_askers_zone_only_where_nobody_else_reads_them(dispatcher: Dispatcher) -> None:
    berlin = Person("slack", "U1", zone="Europe/Berlin")
    in_channel = msgspec.structs.replace(made(), person=berlin)
    alone = msgspec.structs.replace(in_channel, conversation=Conversation("slack", "D1", "personal"))
    assert (await dispatcher.card(in_channel)).zone == "UTC"
    assert (await dispatcher.card(alone)).zone == "Europe/Berlin"
    assert dispatcher.zone(in_channel, alone=True) == "Europe/Berlin", "such as a form, or a private answer"


async def test_a_submitted_form_fills_the_command(dispatcher: Dispatcher, store: SqliteStore) -> None:
    chat = Recorder()
    journal = RequestJournal(dispatcher, store, {"slack": chat})  # type: ignore[dict-item]
    task = await journal.accept(made(values={"loud": "true"}))
    assert task is not None
    assert plain((await task).title) == "hello viewer!"


async def test_half_a_character_keeps_nobody_from_an_answer(dispatcher: Dispatcher, store: SqliteStore) -> None:
    journal = RequestJournal(dispatcher, store, {"slack": Recorder()})  # type: ignore[dict-item]
    task = await journal.accept(made(text="greet x\ud800"))
    assert task is not None
    assert (await task).refused
    assert await store.unfinished() == []


async def test_what_a_crash_interrupted_is_answered_after_the_restart(
    dispatcher: Dispatcher, store: SqliteStore
) -> None:
    lost, stale = made(key="lost"), made(key="stale")
    now = datetime.now(UTC)
    await store.accept(lost.key, msgspec.json.encode(lost), now - timedelta(minutes=1))
    await store.accept(stale.key, msgspec.json.encode(stale), now - timedelta(hours=2))
    chat = Recorder()
    journal = RequestJournal(dispatcher, store, {"slack": chat})  # type: ignore[dict-item]
    assert await journal.resume() == 2
    await journal.drain(5)
    answers = {request.key: plain(card.title) for request, card in chat.answers}
    assert answers == {"lost": "hello viewer", "stale": "I was away when you asked, and have not done it."}
    assert await store.unfinished() == []


@pytest.mark.parametrize("outcome", [b"{", b'{"titles":[]}', b'{"title":"\xff"}'])
async def test_an_outcome_that_cannot_be_read_is_answered_as_what_was_begun(
    dispatcher: Dispatcher, store: SqliteStore, outcome: bytes
) -> None:
    begun = made(text="greet")
    now = datetime.now(UTC)
    await store.accept(begun.key, msgspec.json.encode(begun), now, holder="one", until=now)
    assert await store.start_change(begun.key, "one", "greet", now)
    await store._run(lambda: store._db.execute("UPDATE journal SET outcome = ?", [outcome]))
    chat = Recorder()
    desk = RequestJournal(dispatcher, store, {"slack": chat})  # type: ignore[dict-item]
    assert await desk.resume() == 1
    await desk.drain(5)
    assert [plain(card.title)[:20] for _, card in chat.answers] == ["I was interrupted: t"]
    assert await store.unfinished() == []


async def test_what_a_wrong_clock_accepted_long_after_now_is_not_run_unasked(
    dispatcher: Dispatcher, store: SqliteStore
) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    await store.accept("k", msgspec.json.encode(made(key="k")), later, holder="one", until=later)
    chat = Recorder()
    desk = RequestJournal(dispatcher, store, {"slack": chat})  # type: ignore[dict-item]
    assert await desk.resume() == 1
    await desk.drain(5)
    assert [plain(card.title)[:10] for _, card in chat.answers] == ["I was away"]


async def test_what_arrives_while_the_program_starts_is_answered_once(
    dispatcher: Dispatcher, store: SqliteStore
) -> None:
    chat = Recorder()
    journal = RequestJournal(dispatcher, store, {"slack": chat})  # type: ignore[dict-item]
    task = await journal.accept(made())  # the platforms receive before the journal is looked through
    assert await journal.resume() == 0
    assert task is not None
    await task
    await journal.drain(5)
    assert len(chat.answers) == 1


async def test_an_answer_that_cannot_be_delivered_is_closed_as_failed(
    dispatcher: Dispatcher, store: SqliteStore
) -> None:
    chat = Recorder()
    chat.fails = True
    journal = RequestJournal(dispatcher, store, {"slack": chat})  # type: ignore[dict-item]
    task = await journal.accept(made())
    assert task is not None
    await asyncio.wait([task])
    assert task.exception() is None
    assert await store.unfinished() == []


async def count(ctx: Context) -> AsyncIterator[Card]:
    """Count until stopped."""
    number = 0
    yield Card(title=(plain_span(f"0 {ctx.live.id}"),))
    while not await ctx.live.pause(0.05):
        number += 1
        yield Card(title=(plain_span(f"{number} {ctx.live.id}"),))
    yield Card(title=(plain_span("stopped"),))


class Editor(Recorder):
    """A chat whose messages can be edited."""

    def __init__(self) -> None:
        super().__init__()
        self.edits: list[str] = []
        self.lively = asyncio.Event()

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        await super().answer(request, card, key)
        return "m1"

    async def update_live(self, conversation: Conversation, message: str, newest: Callable[[], Card]) -> None:
        assert message == "m1"
        self.edits.append(plain(newest().title))
        if len(self.edits) >= 3:
            self.lively.set()


async def test_a_live_answer_edits_its_message_until_it_is_stopped(dispatcher: Dispatcher, store: SqliteStore) -> None:
    dispatcher.services.registry.add(count, Mark("count", "viewer", (), 0))
    chat = Editor()
    journal = RequestJournal(dispatcher, store, {"slack": chat})  # type: ignore[dict-item]
    task = await journal.accept(made(text="count"))
    assert task is not None
    first = plain((await task).title)
    async with asyncio.timeout(5):
        await chat.lively.wait()
    last = await dispatcher.lives.stop(first.split()[1])
    assert last is not None
    assert plain(last.title) == "stopped"
    assert await dispatcher.lives.stop(first.split()[1]) is None
    await journal.drain(5)
    assert chat.edits[-1] == "stopped"
    assert len(chat.answers) == 1


async def test_live_answers_end_with_the_program(dispatcher: Dispatcher, store: SqliteStore) -> None:
    dispatcher.services.registry.add(count, Mark("count", "viewer", (), 0))
    chat = Editor()
    journal = RequestJournal(dispatcher, store, {"slack": chat})  # type: ignore[dict-item]
    task = await journal.accept(made(text="count"))
    assert task is not None
    await task
    await journal.drain(5)
    assert chat.edits[-1] == "stopped"


class Finder:
    """Names that come late, or not at all."""

    def __init__(self, *found: str, late: bool = False, error: Exception | None = None) -> None:
        self.found, self.late, self.error = list(found), late, error
        self.asked: list[tuple[str, str, str]] = []

    async def find(self, kind: str, typed: str, within: Any, account: str, limit: int = 100) -> list[str]:
        self.asked.append((kind, typed, account))
        if self.late:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        return self.found


def finding(dispatcher: Dispatcher, finder: Finder | None) -> None:
    """From now on names are found by this."""
    services = dispatcher.services
    dispatcher.services = replace(services, reading=replace(services.reading, names=finder))


@pytest.mark.parametrize(
    ("finder", "offered"),
    [
        (Finder("gpu-a", "gpu"), ["gpu-a", "gpu"]),
        (Finder("gpu-a"), ["gpu-a", "gpu"]),
        (Finder(late=True), ["gpu"]),
        (Finder(error=RuntimeError("?")), ["gpu"]),
        (None, ["gpu"]),
    ],
)
async def test_suggestions_are_never_late_and_never_an_error(
    dispatcher: Dispatcher, finder: Finder | None, offered: list[str]
) -> None:
    finding(dispatcher, finder)
    options = await dispatcher.suggest(made("U3"), "pool", " gpu ", {})
    assert [option.value for option in options] == offered
    if finder:
        assert finder.asked == [("pool", " gpu ", "first")]
        await dispatcher.suggest(made("U3"), "pool", "", {"account": "second"})
        assert finder.asked[-1] == ("pool", "", "second")


async def test_no_suggestions_of_what_nobody_names(dispatcher: Dispatcher) -> None:
    finder = Finder("x")
    finding(dispatcher, finder)
    assert await dispatcher.suggest(made("U3"), "planet", "x", {}) == []
    assert finder.asked == []
