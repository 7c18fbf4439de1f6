"""Two people redraw one message: it comes to show the newest click, however long each drawing takes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.request import CommandRequest, Conversation
from bot.requests.answer_delivery import AnswerDelivery, Unshown
from cards.build import bold, text
from cards.card import Card, plain
from tests.chat.fakes import NOW, InstantClock, LiveRows, asked

HERE = Conversation("slack", "C1", team="T1")


class SlowChat:
    """Draws for as many turns of the event loop as it is told, and notes what each message shows."""

    def __init__(self) -> None:
        self.shows: dict[str, list[str]] = {}
        self.turns: dict[str, int] = {}
        self.posted: list[str] = []
        self.drawing = 0

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        self.drawing += 1
        for _ in range(self.turns.get(request.key, 0)):
            await asyncio.sleep(0)
        self.drawing -= 1
        if request.how == "post" or not request.message:
            self.posted.append(plain(card.title))
            return f"p{len(self.posted)}"
        assert not self.drawing or request.message == "other"
        self.shows.setdefault(request.message, []).append(plain(card.title))
        return request.message


def click(number: int, message: str = "m1") -> CommandRequest:
    """The click that was the ``number``-th."""
    at = NOW + timedelta(seconds=number)
    return asked(HERE, f"usage {number}", key=f"k{number}", at=at, how="edit", message=message)


def card(number: int) -> Card:
    return Card(title=text(bold(str(number))))


def delivery(chat: SlowChat) -> AnswerDelivery:
    return AnswerDelivery({"slack": chat}, LiveRows(), InstantClock())  # type: ignore[dict-item]


@given(ready=st.permutations(range(6)), turns=st.lists(st.integers(0, 5), min_size=6, max_size=6))
def test_whatever_is_ready_when_the_newest_click_stays(ready: list[int], turns: list[int]) -> None:
    """``ready`` is the order in which the answers are there, ``turns`` how long each is drawn."""

    async def scene() -> tuple[SlowChat, list[object]]:
        chat = SlowChat()
        chat.turns = {f"k{number}": count for number, count in enumerate(turns)}
        brings = delivery(chat)
        tasks = []
        for number in ready:
            tasks.append(asyncio.create_task(brings.answer(click(number), card(number), spare=True)))
            await asyncio.sleep(0)
        return chat, list(await asyncio.gather(*tasks))

    chat, outcomes = asyncio.run(scene())
    shown = [int(each) for each in chat.shows["m1"]]
    assert shown == sorted(shown)
    assert shown[-1] == 5
    assert sum(each is Unshown.OVERTAKEN for each in outcomes) == 6 - len(shown)


async def test_a_late_drawing_is_left_out_and_other_messages_are_not_concerned() -> None:
    chat = SlowChat()
    brings = delivery(chat)
    assert await brings.answer(click(2), card(2), spare=True) == "m1"
    assert await brings.answer(click(1), card(1), spare=True) is Unshown.OVERTAKEN
    assert await brings.answer(click(1, "m2"), card(1), spare=True) == "m2"
    assert await brings.answer(click(3), card(3), spare=True) == "m1"
    assert chat.shows == {"m1": ["2", "3"], "m2": ["1"]}


async def test_what_a_change_came_to_is_never_left_out() -> None:
    chat = SlowChat()
    brings = delivery(chat)
    await brings.answer(click(2), card(2), spare=True)
    assert await brings.answer(click(1), card(1)) == "p1"
    assert (chat.shows, chat.posted) == ({"m1": ["2"]}, ["1"])


@pytest.mark.parametrize("how", ["post", "edit"])
async def test_what_only_one_person_sees_takes_no_part(how: str) -> None:
    chat = SlowChat()
    brings = delivery(chat)
    await brings.answer(click(2), card(2), spare=True)
    private = Card(title=text("for you"), private=how == "edit")
    request = asked(HERE, key="k1", at=NOW, how=how, message="other")
    assert await brings.answer(request, private, spare=True) is not Unshown.OVERTAKEN
