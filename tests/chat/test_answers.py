"""Answers over real HTTP into the strict stand-ins of both platforms, on their bad days; and in the terminal."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.chat.clear_chat import clear_chat
from bot.chat.fallback import AS_TEXT, REPEAT, UNSENDABLE
from bot.chat.request import Conversation, Person
from bot.chat.teams import messages as teams_messages
from bot.chat.teams.botbuilder import BotbuilderConnector
from bot.chat.teams.errors import TeamsError
from bot.chat.terminal.adapter import Terminal
from bot.clock import Clock
from bot.requests.answer_delivery import AnswerDelivery
from cards.build import actions, blocks, bold, facts, text
from cards.card import Button, Card
from tests.chat.fakes import LiveRows, asked
from tests.chat.teams_service import Pictures
from tests.chat.test_slack import SlackHarness, _harness
from tests.chat.test_teams_stand_in import Meeting

OPS = Conversation("slack", "C0BATCHOPS")


def card(words: str = "Pool gpu-a", *, stop: bool = False) -> Card:
    return Card(
        title=text(bold(words)),
        blocks=blocks(facts(("Nodes", "4")), actions(Button("Stop", "stop 1a2b3c4d", how="edit")) if stop else None),
    )


@pytest.fixture
async def slack() -> AsyncIterator[SlackHarness]:
    async for made in _harness("http"):
        yield made


@pytest.fixture
async def teams() -> AsyncIterator[Meeting]:
    meeting = Meeting()
    await meeting.start()
    await meeting.outside.install("group")
    await meeting.intake.done()
    yield meeting
    await meeting.close()


def of_slack(harness: SlackHarness) -> AnswerDelivery:
    return AnswerDelivery({"slack": clear_chat(harness.slack)}, LiveRows(), Clock(speed=20))


def of_teams(meeting: Meeting) -> AnswerDelivery:
    return AnswerDelivery({"teams": clear_chat(meeting.teams)}, LiveRows(), Clock(speed=20))


def group(meeting: Meeting) -> Conversation:
    return meeting.intake.asked[0].conversation


def said(meeting: Meeting) -> list[dict[str, Any]]:
    """What the bot said in the group after its greeting."""
    return [each for each in meeting.outside.messages("group") if each["from"] == "bot"][1:]


async def recover(faults: Any, name: str) -> None:
    await asyncio.sleep(0.3)
    setattr(faults, name, False)


@pytest.mark.parametrize("fault", ["outage", "cut"])
async def test_slack_an_outage_is_waited_out(slack: SlackHarness, fault: str) -> None:
    setattr(slack.workspace.faults, fault, True)
    healing = asyncio.create_task(recover(slack.workspace.faults, fault))
    assert await of_slack(slack).answer(asked(OPS), card())
    await healing
    assert [each["text"] for each in slack.bot_messages()] == ["Pool gpu-a"]


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable", "request_timeout"])
async def test_slack_errors_that_pass_are_tried_again(slack: SlackHarness, code: str) -> None:
    slack.workspace.faults.errors["chat.postMessage"] = [code, code]
    assert await of_slack(slack).answer(asked(OPS), card())
    assert [each["text"] for each in slack.bot_messages()] == ["Pool gpu-a"]


async def test_slack_a_lost_answer_makes_no_second_message(slack: SlackHarness) -> None:
    slack.workspace.faults.lose_answers["chat.postMessage"] = 1
    stamp = await of_slack(slack).answer(asked(OPS), card())
    assert [each["ts"] for each in slack.bot_messages()] == [stamp]


async def test_slack_edits_are_repeated(slack: SlackHarness) -> None:
    delivery = of_slack(slack)
    stamp = await delivery.answer(asked(OPS), card())
    slack.workspace.faults.lose_answers["chat.update"] = 1
    slack.workspace.faults.errors["chat.update"] = ["internal_error"]
    assert await delivery.answer(asked(OPS, key="k2", how="edit", message=stamp), card("Pool gpu-b")) == stamp
    assert [each["text"] for each in slack.bot_messages()] == ["Pool gpu-b"]


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_too_long", "invalid_attachments"])
async def test_slack_refused_layouts_are_shown_as_text(slack: SlackHarness, code: str) -> None:
    slack.workspace.faults.errors["chat.postMessage"] = [code]
    assert await of_slack(slack).answer(asked(OPS), card())
    [message] = slack.bot_messages()
    assert AS_TEXT in str(message["blocks"])
    assert "Nodes" in str(message["blocks"])


async def test_slack_what_cannot_be_shown_is_told_to_the_person_alone(slack: SlackHarness) -> None:
    viewer = next(each["id"] for each in slack.workspace.people if each["role"] == "viewer")
    request = asked(OPS, person=Person("slack", viewer, zone="UTC"))
    slack.workspace.faults.errors["chat.postMessage"] = ["invalid_blocks", "invalid_blocks"]
    assert await of_slack(slack).answer(request, card()) is None
    assert UNSENDABLE in str(slack.workspace.messages("batch-ops", viewer="viewer"))
    assert UNSENDABLE not in str(slack.workspace.messages("batch-ops", viewer="operator"))


async def test_slack_a_time_zone_that_is_not_told_loses_nothing(slack: SlackHarness) -> None:
    slack.workspace.faults.errors["users.info"] = ["internal_error"]
    delivery = of_slack(slack)
    viewer = next(each["id"] for each in slack.workspace.people if each["role"] == "viewer")
    nowhere = asked(OPS, person=Person("slack", viewer))
    assert (await delivery.with_zone(nowhere)).person.zone is None
    assert (await delivery.with_zone(nowhere)).person.zone, "a failure is not remembered"


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503, 504])
async def test_teams_errors_that_pass_are_tried_again(teams: Meeting, status: int) -> None:
    teams.outside.faults.fail(status, times=2)
    assert await of_teams(teams).answer(asked(group(teams)), card())
    assert [each["summary"] for each in said(teams)] == ["Pool gpu-a"]


async def test_teams_an_outage_is_waited_out(teams: Meeting) -> None:
    teams.outside.faults.outage = True
    healing = asyncio.create_task(recover(teams.outside.faults, "outage"))
    assert await of_teams(teams).answer(asked(group(teams)), card())
    await healing
    # A connection that is cut may have carried the answer, and Teams cannot be read back.
    assert [(each["summary"], REPEAT in str(each["attachments"])) for each in said(teams)] == [("Pool gpu-a", True)]


async def test_teams_a_lost_answer_comes_again_with_a_word_that_it_may_be_a_repeat(teams: Meeting) -> None:
    teams.outside.faults.lose_answers()
    assert await of_teams(teams).answer(asked(group(teams)), card())
    assert [REPEAT in str(each["attachments"]) for each in said(teams)] == [False, True]


async def test_teams_edits_are_repeated_without_a_word(teams: Meeting) -> None:
    delivery = of_teams(teams)
    message = await delivery.answer(asked(group(teams)), card())
    teams.outside.faults.lose_answers()
    edit = asked(group(teams), key="k2", how="edit", message=message)
    assert await delivery.answer(edit, card("Pool gpu-b")) == message
    assert [(each["summary"], REPEAT in str(each)) for each in said(teams)] == [("Pool gpu-b", False)]


@pytest.mark.parametrize(("status", "code"), [(400, "BadSyntax"), (413, "RequestEntityTooLarge")])
async def test_teams_refused_layouts_are_shown_as_text(
    teams: Meeting, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery, refusals = of_teams(teams), [TeamsError(status, code, "refused")]
    post = BotbuilderConnector.post

    async def refusing(*given: Any, **more: Any) -> str:
        if refusals:
            raise refusals.pop()
        return await post(*given, **more)

    monkeypatch.setattr(BotbuilderConnector, "post", refusing)
    assert await delivery.answer(asked(group(teams)), card())
    [message] = said(teams)
    assert AS_TEXT in str(message["attachments"])
    assert "Nodes" in str(message["attachments"])


async def test_teams_what_cannot_be_shown_is_told_in_a_sentence(
    teams: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: Any) -> str:
        raise teams_messages.judged(TeamsError(400, "BadSyntax", "refused"))

    monkeypatch.setattr(teams_messages, "post", refused)
    assert await of_teams(teams).answer(asked(group(teams)), card()) is None
    [message] = said(teams)
    assert message["text"] == UNSENDABLE


async def many(number: int) -> AsyncGenerator[Card]:
    for n in range(number):
        yield card(f"frame {n}", stop=True)
        await asyncio.sleep(0)
    yield card("done")


async def test_slack_live_edits_go_last_and_skip_what_is_overtaken(slack: SlackHarness) -> None:
    delivery = of_slack(slack)
    stamp = await delivery.answer(asked(OPS), card("frame", stop=True))
    assert stamp
    await delivery.follow(asked(OPS), stamp, card("frame", stop=True), many(500))
    assert await delivery.answer(asked(OPS, key="k2"), card("an answer"))
    await slack.until(lambda: slack.bot_messages()[0]["text"] == "done")
    assert sum(each["method"] == "chat.update" for each in slack.workspace.writes) <= 3


async def test_teams_live_edits_go_last_and_skip_what_is_overtaken(teams: Meeting) -> None:
    delivery = of_teams(teams)
    message = await delivery.answer(asked(group(teams)), card("frame", stop=True))
    assert message
    await delivery.follow(asked(group(teams)), message, card("frame", stop=True), many(500))
    assert await delivery.answer(asked(group(teams), key="k2"), card("an answer"))
    async with asyncio.timeout(10):
        while said(teams)[0]["summary"] != "done":  # noqa: ASYNC110 - the stand-in tells nobody what a test waits for
            await asyncio.sleep(0.01)
    assert [each["summary"] for each in said(teams)] == ["done", "an answer"]


async def test_the_terminal_prints_every_card_and_the_last_one(tmp_path: Path) -> None:
    out = io.StringIO()
    terminal, rows = clear_chat(Terminal(Pictures(), tmp_path, out=out)), LiveRows()
    delivery = AnswerDelivery({"text": terminal}, rows)
    here = Conversation("text", "terminal", "personal")
    message = await delivery.answer(asked(here), card("frame", stop=True))
    assert message

    async def breaks() -> AsyncGenerator[Card]:
        await asyncio.sleep(0.1)
        for _ in (1, 2):
            yield card("frame 1", stop=True)
        raise RuntimeError("?")

    await delivery.follow(asked(here), message, card("frame", stop=True), breaks())
    assert [row.message for row in rows.rows.values()] == [message]
    async with asyncio.timeout(5):
        while rows.rows:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    last = out.getvalue().strip().splitlines()
    assert "■ stopped: something went wrong inside the bot." in last
    assert [line.partition("] ")[2] for line in last if "Go on" in line] == ["Go on → pool list"]
