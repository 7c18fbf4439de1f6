"""An answer is brought like an alert: tried again, looked for, marked, shown as text, and never lost in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.chat.fallback import AS_TEXT, REPEAT, UNSENDABLE
from bot.chat.port import Undelivered, UnreadableError
from bot.chat.request import CommandRequest, Conversation, Person
from bot.requests import answer_delivery
from bot.requests.answer_delivery import AnswerDelivery, key_of
from cards.build import blocks, bold, facts, text
from cards.card import Card, Code, plain
from tests.chat.fakes import InstantClock, LiveRows, asked

HERE = Conversation("slack", "C1", team="T1", thread="17.0")
CARD = Card(title=text(bold("Pool gpu-a")), blocks=blocks(facts(("Nodes", "4"))))


class FakeChat:
    """Fails as it is told: each answer takes the next of ``failures``. Lost ones are posted."""

    def __init__(self) -> None:
        self.failures: list[Exception | None] = []
        self.posted: list[tuple[CommandRequest, Card, str]] = []
        self.tries = 0
        self.said: list[str] = []
        self.readable = True
        self.looks: list[Exception | None] = []
        self.down: Exception | None = None

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        self.tries += 1
        error = self.down or (self.failures.pop(0) if self.failures else None)
        if error and not (isinstance(error, Undelivered) and error.code == "lost"):
            raise error
        self.posted.append((request, card, key))
        if error:
            raise error
        return request.message if request.how == "edit" and request.message else f"m{len(self.posted)}"

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        if not self.readable:
            raise UnreadableError("no")
        if error := self.looks.pop(0) if self.looks else None:
            raise error
        return next((f"m{n}" for n, (*_, known) in enumerate(self.posted, 1) if known == key), None)

    async def say(self, request: CommandRequest, words: str) -> None:
        self.said.append(words)

    async def zone(self, person: Person) -> str | None:
        return "Europe/Berlin"


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
def delivery(chat: FakeChat, clock: InstantClock) -> AnswerDelivery:
    return AnswerDelivery({"slack": chat}, LiveRows(), clock)  # type: ignore[dict-item]


def later(code: str = "503", **more: Any) -> Undelivered:
    return Undelivered("later", code, **more)


async def test_what_passes_is_tried_again_more_and_more_rarely(
    delivery: AnswerDelivery, chat: FakeChat, clock: InstantClock
) -> None:
    chat.failures = [later(everywhere=True), later(), later("ratelimited", wait=17.0), later()]
    assert await delivery.answer(asked(HERE), CARD) == "m1"
    assert [card for _, card, _ in chat.posted] == [CARD]
    one, two, limited, eight = clock.slept
    assert (0.7 <= one <= 1, 1.4 <= two <= 2, limited, 5.6 <= eight <= 8) == (True, True, 17.0, True)


async def test_an_outage_that_does_not_end_is_given_up_in_time_and_logged(
    delivery: AnswerDelivery, chat: FakeChat, clock: InstantClock
) -> None:
    chat.down = later("service_unavailable", everywhere=True)
    with capture_logs() as logs:
        assert await delivery.answer(asked(HERE), CARD) is None
    assert 500 < sum(clock.slept) <= answer_delivery.PATIENCE
    given_up = next(line for line in logs if line["event"] == "answer.undelivered")
    assert (given_up["code"], given_up["why"]) == ("service_unavailable", "later")


async def test_a_lost_answer_is_looked_for_and_not_posted_again(delivery: AnswerDelivery, chat: FakeChat) -> None:
    chat.failures = [Undelivered("doubt", "lost")]
    assert await delivery.answer(asked(HERE), CARD) == "m1"
    assert len(chat.posted) == chat.tries == 1


@pytest.mark.parametrize("look", [None, later(), Undelivered("doubt", "internal_error")])
async def test_what_is_not_there_is_posted(delivery: AnswerDelivery, chat: FakeChat, look: Exception | None) -> None:
    chat.failures, chat.looks = [Undelivered("doubt", "internal_error")], [look]
    assert await delivery.answer(asked(HERE), CARD) == "m1"
    assert [card for _, card, _ in chat.posted] == [CARD]


@pytest.mark.parametrize("why", ["unreadable", "gone", "refused"])
async def test_where_nobody_can_look_it_is_marked_as_a_possible_repeat(
    delivery: AnswerDelivery, chat: FakeChat, why: Any
) -> None:
    chat.readable = why != "unreadable"
    chat.failures, chat.looks = [Undelivered("doubt", "lost")], [Undelivered(why, "not_in_channel")]
    assert await delivery.answer(asked(HERE), CARD) == "m2"
    assert [REPEAT in str(card) for _, card, _ in chat.posted] == [False, True]


async def test_nobody_looks_for_a_private_answer_where_all_could_see_it(
    delivery: AnswerDelivery, chat: FakeChat
) -> None:
    chat.failures = [Undelivered("doubt", "lost")]
    chat.looks = [AssertionError("looked")]
    await delivery.answer(asked(HERE), replace(CARD, private=True))
    assert REPEAT in str(chat.posted[1][1])


async def test_after_a_crash_the_earlier_answer_is_brought_up_to_date(delivery: AnswerDelivery, chat: FakeChat) -> None:
    chat.posted.append((asked(HERE), CARD, key_of(asked(HERE))))
    newer = replace(CARD, title=text("newer"))
    assert await delivery.answer(asked(HERE), newer, doubtful=True) == "m1"
    request, card, _ = chat.posted[1]
    assert (request.how, request.message, card) == ("edit", "m1", newer)


async def test_after_a_crash_before_the_answer_it_is_posted(delivery: AnswerDelivery, chat: FakeChat) -> None:
    assert await delivery.answer(asked(HERE), CARD, doubtful=True) == "m1"
    assert (chat.posted[0][0].how, chat.posted[0][1]) == ("post", CARD)


@pytest.mark.parametrize("error", [Undelivered("refused", "invalid_blocks"), ValueError("cannot be rendered")])
async def test_a_refused_layout_is_shown_as_text(
    delivery: AnswerDelivery, chat: FakeChat, clock: InstantClock, error: Exception
) -> None:
    chat.failures = [error]
    assert await delivery.answer(asked(HERE), CARD) == "m1"
    card = chat.posted[0][1]
    [code] = [block for block in card.blocks if isinstance(block, Code)]
    assert plain(card.title) == "Pool gpu-a"
    assert "Nodes" in code.text
    assert "4" in code.text
    assert AS_TEXT in str(card)
    assert sum(clock.slept) == 0


async def test_what_is_refused_as_text_too_is_told_in_one_sentence(delivery: AnswerDelivery, chat: FakeChat) -> None:
    chat.failures = [Undelivered("refused", "invalid_blocks"), Undelivered("refused", "msg_too_long")]
    assert await delivery.answer(asked(HERE), CARD) is None
    assert (chat.said, chat.posted) == ([UNSENDABLE], [])


async def test_a_thread_that_is_gone_leaves_the_channel(delivery: AnswerDelivery, chat: FakeChat) -> None:
    chat.failures = [Undelivered("missing", "thread_not_found")]
    assert await delivery.answer(asked(HERE), CARD) == "m1"
    assert (chat.posted[0][0].conversation.thread, chat.posted[0][1]) == (None, CARD)


async def test_where_the_bot_was_put_out_the_log_says_so(delivery: AnswerDelivery, chat: FakeChat) -> None:
    chat.failures = [Undelivered("gone", "is_archived")]
    with capture_logs() as logs:
        assert await delivery.answer(asked(HERE), CARD) is None
    assert chat.tries == 1
    assert [line["code"] for line in logs if line["event"] == "answer.undelivered"] == ["is_archived"]


def hanging() -> Any:
    return asyncio.Event().wait()


def failing() -> Any:
    raise RuntimeError("users.info")


@pytest.mark.parametrize("look_up", [hanging, failing])
async def test_an_answer_does_not_depend_on_the_time_zone(
    delivery: AnswerDelivery, chat: FakeChat, monkeypatch: pytest.MonkeyPatch, look_up: Callable[[], Any]
) -> None:
    monkeypatch.setattr(answer_delivery, "_ZONE_SECONDS", 0.05)
    nowhere = asked(HERE, person=Person("slack", "U1"))
    assert (await delivery.with_zone(nowhere)).person.zone == "Europe/Berlin"

    async def zone(person: Person) -> str | None:
        return await look_up()  # type: ignore[no-any-return]

    monkeypatch.setattr(chat, "zone", zone)
    async with asyncio.timeout(5):
        assert await delivery.with_zone(nowhere) == nowhere


async def test_the_key_in_a_message_opens_nothing() -> None:
    request = asked(HERE, key="13345224609.738474920.8088930838d88f008e0")
    assert request.key not in key_of(request)
    assert key_of(request) == key_of(replace(request, text="other")) != key_of(asked(HERE))
