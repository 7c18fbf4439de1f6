"""The live form of a report's subscription: what it opens with, what it says, and the command it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from bot.chat.request import CommandRequest, Conversation, Person
from bot.reports.subscriptions import subscriptions
from bot.requests.forms import with_values
from cards.card import Form, plain
from tests import golden
from tests.handlers.alert_service import OPS
from tests.handlers.test_reports import NOW, ReportBot, bot, words

__all__ = ["bot"]


async def form(
    bot: ReportBot, values: Mapping[str, str] | None = None, person: str = "U0OPERATOR", where: Conversation = OPS
) -> Form:
    """The form as it opens, or, with ``values``, as it is shown again with them."""
    who = Person("slack", person, name="Otto", zone="America/Chicago")
    request = CommandRequest("k", "cost subscribe", who, where, datetime.now(UTC))
    found = await bot.dispatcher.form("cost subscribe", request, values=values, seconds=8)
    assert isinstance(found, Form)
    return found


def notes(form: Form) -> str:
    return "\n".join(plain(note.text) for note in form.notes)


def filled(form: Form) -> dict[str, str]:
    return {each.name: each.value for each in form.fields if each.value}


async def test_it_says_when_the_next_one_comes_and_what_it_would_say_now(bot: ReportBot) -> None:
    assert NOW.isoformat() == "2026-11-23T09:30:00+00:00"
    opened = await form(bot)
    golden.check("form-cost-subscribe", opened)
    told = notes(opened)
    assert "The next one comes on Mon 30 Nov at 09:00 America/Chicago." not in told  # it is 03:30 there: today's comes
    assert "The next one comes on Mon 23 Nov at 09:00 America/Chicago." in told
    assert "Now it would say: $3,072 on render-prod last week, 3.4 times as much as the week before" in told
    monthly = await form(bot, filled(opened) | {"kind": "monthly", "at": "17:30", "zone": "Europe/Berlin"})
    assert "The next one comes on Wed 2 Dec at 17:30 Europe/Berlin." in notes(monthly)


async def test_a_condition_that_does_not_hold_is_said(bot: ReportBot) -> None:
    opened = filled(await form(bot))
    for condition in ({"rose": "500%"}, {"least": "9000"}):
        told = await form(bot, opened | condition)
        assert "Now nothing would be posted, for it does not hold: $3,072" in notes(told)
    assert "Now it would say" in notes(await form(bot, opened | {"rose": "10%", "least": "100"}))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("zone", "Berlin", "There is no time zone"),
        ("rose", "much", "is not a share"),
        ("least", "-1", "not less than 0"),
        ("account", "nowhere", "nowhere"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(bot: ReportBot, name: str, value: str, says: str) -> None:
    shown = await form(bot, filled(await form(bot)) | {name: value})
    assert says in shown.errors[name]
    assert not shown.notes


async def test_it_becomes_the_command_and_opens_with_what_holds(bot: ReportBot) -> None:
    values = filled(await form(bot)) | {"at": "08:30", "day": "tue", "rose": "10%", "zone": "Europe/Berlin"}
    line = " ".join(with_values(bot.dispatcher.services.registry, ["cost", "subscribe"], values))
    assert "Tuesdays at 08:30 Europe/Berlin, if it rose by 10 %" in words(await bot.ask(line)) + plain(
        (await bot.ask(line)).title
    )
    [kept] = await subscriptions(bot.store)
    again = await form(bot)
    assert filled(again) | {"rose": "10%", "day": "tue", "at": "08:30", "zone": "Europe/Berlin"} == filled(again)
    assert f"It takes the place of the {kept.describe('USD')}." in notes(again)
    assert again.submit == "Change"


async def test_who_may_not_post_here_sends_it_to_themselves(bot: ReportBot) -> None:
    opened = await form(bot, person="U0VIEWER")
    assert filled(opened)["to"] == "me"
    shown = await form(bot, filled(opened) | {"to": "here"}, person="U0VIEWER")
    assert "it needs the role operator" in shown.errors["to"]
