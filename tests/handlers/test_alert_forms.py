"""The live forms around alerts: what they open with, what they say, and the commands they become."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from bot.chat.request import CommandRequest, Conversation, Person
from bot.requests.forms import with_values
from cards.card import Field, Form, plain
from tests import golden
from tests.handlers.alert_service import CHAT, OPS, AlertBot, a_few, alerting, words
from tests.handlers.conftest import Scene


@pytest.fixture
async def alert_bot(scene: Scene) -> AlertBot:
    alert_bot = await alerting(scene)
    await a_few(alert_bot)
    return alert_bot


async def form(
    alert_bot: AlertBot,
    command: str,
    values: Mapping[str, str] | None = None,
    person: str = "U0OPERATOR",
    conversation: Conversation = OPS,
) -> Form:
    """The form as it opens, or, with ``values``, as it is shown again with them."""
    request = CommandRequest(
        "k", command, Person("slack", person, zone="America/Chicago"), conversation, datetime.now(UTC)
    )
    found = await alert_bot.scene.dispatcher.form(command, request, values=values, seconds=8)
    assert isinstance(found, Form)
    return found


def field(form: Form, name: str) -> Field:
    return next(each for each in form.fields if each.name == name)


def notes(form: Form) -> str:
    return "\n".join(plain(note.text) for note in form.notes)


def line(alert_bot: AlertBot, form: Form) -> str:
    """The command that a form becomes when it is sent as it stands."""
    values = {each.name: each.value for each in form.fields if each.value}
    return " ".join(with_values(alert_bot.scene.dispatcher.services.registry, form.command.split(), values))


# Subscriptions


async def test_a_subscription_is_foreseen(alert_bot: AlertBot) -> None:
    opened = await form(alert_bot, "alert subscribe")
    golden.check("form-alert-subscribe", opened)
    assert "4 alerts of the last 24 h would have been posted" in notes(opened)
    assert "It overlaps with “warning or worse: everything in every account”; each is posted once." in notes(opened)
    assert not opened.opened
    assert opened.errors == {}


async def test_kinds_follow_what_it_is_about(alert_bot: AlertBot) -> None:
    every = field(await form(alert_bot, "alert subscribe"), "kinds")
    asked = {"about": "node", "to": "here", "kinds": "job.stuck,node.unusable,node.*"}
    again = await form(alert_bot, "alert subscribe", asked)
    kinds = field(again, "kinds")
    assert {each.value.partition(".")[0] for each in kinds.options} == {"node"}
    assert len(kinds.options) < len(every.options) == len(alert_bot.alerts.kinds)
    assert (kinds.value, kinds.reset) == ("node.unusable,node.*", True), "a kind that is not offered any more goes"
    assert "1 alert of the last 24 h would have been posted: pool render-gpu has 1 unusable node" in notes(again)
    assert line(alert_bot, again) == "alert subscribe node.unusable,node.* to:here"
    without = await form(alert_bot, "alert subscribe", {"about": "node", "to": "here"})
    assert line(alert_bot, without) == "alert subscribe node.* to:here"
    assert field(without, "severity").default == "warning"


async def test_what_was_typed_fills_the_form(alert_bot: AlertBot) -> None:
    opened = await form(alert_bot, "alert subscribe job.* node.unusable entity:render-* account:render-prod")
    assert field(opened, "kinds").value == "job.*,node.unusable"
    assert field(opened, "entity").value == "render-*"
    assert opened.opened, "what is behind More… is shown where something stands there"


@pytest.mark.parametrize(
    ("values", "name", "said"),
    [
        ({"entity": "a b"}, "entity", "fits no name"),
        ({"kinds": "job.stuk"}, "kinds", "Did you mean job.stuck?"),
        ({"account": "nowhere"}, "account", "There is no account"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(
    alert_bot: AlertBot, values: dict[str, str], name: str, said: str
) -> None:
    found = await form(alert_bot, "alert subscribe", {"to": "here", **values})
    assert said in found.errors[name]
    assert field(found, name).value == values[name], "and stays there to be mended"


async def test_who_may_not_subscribe_a_channel_is_offered_a_direct_message(alert_bot: AlertBot) -> None:
    opened = await form(alert_bot, "alert subscribe", person="U0VIEWER")
    assert field(opened, "to").value == "me"
    assert opened.errors == {}
    assert "overlaps" not in notes(opened)
    again = await form(alert_bot, "alert subscribe", {"to": "here"}, person="U0VIEWER")
    assert "role operator" in again.errors["to"]
    assert field(await form(alert_bot, "alert subscribe", person="U0VIEWER", conversation=CHAT), "to").value == "here"


# Quiet hours


async def test_quiet_hours_are_filled_from_what_holds(alert_bot: AlertBot) -> None:
    opened = await form(alert_bot, "alert hours")
    golden.check("form-alert-hours", opened)
    assert field(opened, "zone").value == "America/Chicago", "the zone of whoever asks"
    assert "alerts come at any time" in notes(opened)
    await alert_bot.ask("alert hours 22:00-07:00 days:mon-fri zone:Europe/Berlin")
    opened = await form(alert_bot, "alert hours")
    values = {each.name: each.value for each in opened.fields}
    assert values == {"begin": "22:00", "end": "07:00", "days": "mon,tue,wed,thu,fri", "zone": "Europe/Berlin"}
    assert line(alert_bot, opened) == "alert hours 22:00-07:00 days:mon,tue,wed,thu,fri zone:Europe/Berlin"
    card = await alert_bot.ask(line(alert_bot, opened))
    assert "22:00 to 07:00" in words(card)


async def test_quiet_hours_are_foreseen(alert_bot: AlertBot) -> None:
    clock = f"{alert_bot.clock.at.hour - 1:02}:00" if alert_bot.clock.at.hour else "23:00"
    later = f"{(alert_bot.clock.at.hour + 2) % 24:02}:00"
    days = "mon,tue,wed,thu,fri,sat,sun"
    found = await form(alert_bot, "alert hours", {"begin": clock, "end": later, "days": days, "zone": "UTC"})
    assert "in UTC now: quiet until " in notes(found)
    assert f" {later}." in notes(found)
    assert "4 alerts of the last 7 days came in these hours: 3 would have waited, 1 critical not." in notes(found)
    other = f"{(alert_bot.clock.at.hour + 3) % 24:02}:00"
    found = await form(alert_bot, "alert hours", {"begin": later, "end": other, "days": days, "zone": "UTC"})
    assert "No alert of the last 7 days came in these hours." in notes(found)


@pytest.mark.parametrize(
    ("values", "name", "said"),
    [
        ({"begin": "22:00"}, "end", "When does it end?"),
        ({"end": "22:00"}, "begin", "When does it begin?"),
        ({"begin": "22:00", "end": "22:00"}, "end", "the same"),
        ({"zone": "Asia/Kathmndu"}, "zone", "Did you mean Asia/Kathmandu?"),
    ],
)
async def test_wrong_quiet_hours(alert_bot: AlertBot, values: dict[str, str], name: str, said: str) -> None:
    found = await form(alert_bot, "alert hours", values)
    assert said in found.errors[name]
    assert not any("quiet" in plain(note.text) for note in found.notes)
