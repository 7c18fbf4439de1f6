"""Subscriptions, mutes and quiet hours, of channels and of people."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from unittest import mock
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bot.alerting.model import Subscription
from bot.chat.request import Conversation, Person
from bot.domain.findings import Severity
from bot.monitor.monitor_status import Outbox
from bot.outbox.destination_queue import DestinationStatus
from bot.requests.services import Chatting
from cards.card import Button, Card, Form, Mark
from handlers.alert.parts import named
from storage.port.conversations import ConversationReference
from tests.handlers.alert_service import (
    CHAT,
    DEV,
    OPS,
    AlertBot,
    a_few,
    alerting,
    chosen,
    commands,
    golden,
    items,
    title,
    words,
)
from tests.handlers.conftest import Scene, nobody

ID = "abc123"


@pytest.fixture
async def alert_bot(scene: Scene) -> AlertBot:
    return await alerting(scene)


async def test_a_channel_subscribes_and_hears_what_is_open(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    with mock.patch("secrets.token_hex", return_value=ID):
        card = await alert_bot.ask(
            "alert subscribe job.* node.unusable severity:info entity:render-* account:render-prod", conversation=DEV
        )
    golden(alert_bot, "subscribe", card)
    assert title(card) == "job.*, node.unusable about render-* in render-prod · here from now on"
    assert "2 alerts open already, which come at once" in words(card), "the job's pool fits"
    made = alert_bot.alerts.incidents.subscription(ID)
    assert (made.kinds, made.severity, made.entity) == (("job.*", "node.unusable"), Severity.INFO, "render-*")
    assert made.conversation == DEV
    assert alert_bot.entries.titles("slack:C0DEV"), "what is open was told there at once"
    again = await alert_bot.ask(
        "alert subscribe job node.unusable severity:info entity:render-* account:render-prod", conversation=DEV
    )
    assert "is subscribed to already" in title(again)
    assert len(alert_bot.alerts.incidents.subscriptions()) == 2


@pytest.mark.parametrize(
    ("conversation", "said"),
    [
        (Conversation("slack", "C0OPS", name="ops"), "#ops"),
        (Conversation("slack", "C0OPS"), "a Slack channel"),
        (Conversation("teams", "19:ca8b2@thread.tacv2", name="Batch Ops"), "Batch Ops in Teams"),
        (Conversation("teams", "19:ca8b2@thread.tacv2"), "a Teams channel"),
        (Conversation("teams", "19:ca8b2@thread.v2", kind="group"), "a Teams chat"),
    ],
)
def test_places_are_named_as_people_know_them(conversation: Conversation, said: str) -> None:
    assert named(conversation) == said


async def test_an_overlap_is_told(alert_bot: AlertBot) -> None:
    with mock.patch("secrets.token_hex", return_value=ID):
        card = await alert_bot.ask("alert subscribe job.failed")
    assert "It overlaps; each alert is posted once" in words(card)
    assert "5ab001" in words(card)


async def test_who_only_reads_subscribes_alone(alert_bot: AlertBot) -> None:
    refused = await alert_bot.ask("alert subscribe", person="U0VIEWER", conversation=DEV)
    assert refused.refused
    assert title(refused) == "“alert subscribe” for a whole channel needs the role operator; yours is viewer."
    with mock.patch("secrets.token_hex", return_value=ID):
        mine = await alert_bot.ask("alert subscribe job.completed to:me", person="U0VIEWER", conversation=DEV)
    golden(alert_bot, "subscribe-me", mine)
    assert alert_bot.alerts.incidents.subscription(ID).conversation.id == CHAT.id
    assert [person.id for person in alert_bot.alone] == ["U0VIEWER"]
    listed = await alert_bot.ask("alert subscriptions", person="U0VIEWER", conversation=DEV)
    assert "Sent to you in direct messages" in words(listed)
    other = await alert_bot.ask("alert subscriptions", person="U0OPERATOR", conversation=DEV)
    assert ID not in words(other), "what is told to one alone is nobody else's business"
    assert (await alert_bot.ask(f"alert unsubscribe {ID}", person="U0OPERATOR", conversation=DEV)).refused
    route = "alert route job.completed"
    assert "• a personal chat: " in words(await alert_bot.ask(route, person="U0OPERATOR", conversation=DEV))
    assert "• your personal chat: " in words(await alert_bot.ask(route, person="U0VIEWER", conversation=DEV))
    gone = await alert_bot.ask(f"alert unsubscribe {ID}", person="U0VIEWER", conversation=DEV)
    assert title(gone) == f"Subscriptions · 0 · {ID} is removed"
    before = list(alert_bot.alerts.incidents.subscriptions())
    asked = await alert_bot.ask("alert subscribe", person="U0VIEWER", conversation=CHAT)
    golden(alert_bot, "subscribe-which", asked)
    assert list(alert_bot.alerts.incidents.subscriptions()) == before, "it only asks"
    here = await alert_bot.ask("alert subscribe severity:warning", person="U0VIEWER", conversation=CHAT)
    assert title(here) == "warning or worse: everything in every account · to you from now on"


async def test_where_else_alerts_are_posted_is_said_wherever_one_asks(alert_bot: AlertBot) -> None:
    await alert_bot.ask("alert subscribe to:me", person="U0VIEWER", conversation=DEV)
    for asked, conversation in (("alert subscriptions", DEV), ("who is told of failures", DEV)):
        card = await alert_bot.ask(asked, person="U0OPERATOR", conversation=conversation)
        assert title(card) == "Subscriptions · 0"
        assert "No alerts are posted here." in words(card)
        assert "Posted elsewhere\n\n• #ops: warning or worse: everything in every account" in words(card)
        assert "personal" not in words(card), "whose own chat is told is their business"
    alone = await alert_bot.ask("alert subscriptions", person="U0VIEWER", conversation=CHAT)
    assert words(alone).index("Sent to you") < words(alone).index("Posted elsewhere")
    assert "Posted elsewhere" not in words(await alert_bot.ask("alert subscriptions", person="U0OPERATOR"))


async def test_somebody_whom_the_bot_cannot_write_to_is_told_what_to_do(alert_bot: AlertBot) -> None:
    alert_bot.refuses = "cannot_dm_bot"
    card = await alert_bot.ask("alert subscribe to:me")
    assert title(card) == (
        "I cannot begin a personal chat with you (cannot_dm_bot): write to me there first, then ask again."
    )
    services = alert_bot.scene.dispatcher.services
    alert_bot.scene.dispatcher.services = dataclasses.replace(services, chatting=Chatting())
    assert "ask for it in our personal chat" in title(await alert_bot.ask("alert subscribe to:me"))


async def test_subscriptions_are_listed_and_removed(alert_bot: AlertBot) -> None:
    alert_bot.alerts._state.set_defaults([Subscription(id="settings:slack:C0OPS", conversation=OPS)])
    listed = await alert_bot.ask("alert subscriptions")
    golden(alert_bot, "subscriptions", listed)
    assert title(listed) == "Subscriptions · 2"
    assert "Posted here by the settings" in words(listed)
    assert (await alert_bot.ask("alert unsubscribe 5ab001", person="U0VIEWER")).refused
    gone = await alert_bot.ask(chosen(listed, "Remove"))
    assert title(gone) == "Subscriptions · 1 · 5ab001 is removed"
    assert alert_bot.alerts.incidents.subscriptions() == []
    assert "settings subscribe that" in title(await alert_bot.ask("alert unsubscribe settings:slack:C0OPS"))


@pytest.mark.parametrize(
    ("typed", "said", "offered"),
    [
        ("alert subscribe job.faild", "no kind of alert called “job.faild”", "alert subscribe job.failed"),
        ("alert subscribe zzz.*", "no kind of alert", "alert kinds"),
        ("alert subscribe severty:info", "no kind of alert", "alert subscribe severity:info"),
        ("alert subscribe severity:wrning", "severity has", "help alert subscribe"),
        ("alert subscribe entity:\"it's\"", "fits no name", "alert subscribe entity:its"),
        ("alert subscribe entity:pool:", "Which pool?", "help"),
        ("alert subscribe account:render-pro", "There is no account", "alert subscribe account:render-prod"),
        ("alert unsubscribe 5ab00", "no subscription “5ab00”", "alert unsubscribe 5ab001"),
        ("alert mute", "needs an entity", "help alert mute"),
        ("alert mute render-* for:tomorow", "not a span of time", "alert mute 'render-*' for:2h"),
        ("alert mute 'a b' for:2h", "fits no name", "alert mute ab"),
        ("alert mute render-* for:2000d", "too long", "alert mute 'render-*' for:365d"),
        ("alert mute render-* kind:job.faled", "no kind of alert", "alert mute 'render-*' kind:job.failed"),
        ("alert unmute ffffff", "no mute “ffffff”", "alert mutes"),
        ("alert hours 25:00-07:00", "“25:00” is not a time of day", "alert hours 23:00-07:00"),
        ("alert hours 22:00-07:75", "“7:75” is not a time of day", "alert hours 22:00-07:59"),
        ("alert hours late", "no hours", "alert hours 22:00-07:00"),
        ("alert hours 22:00-22:00", "begin and end at the same time", "alert hours days:mon-fri"),
        ("alert hours 22-7 zone:Europe/Berln", "no time zone", "alert hours 22-7 zone:Europe/Berlin"),
        ("alert hours 22-7 zone:../../etc/passwd", "no time zone", "help"),
        ("alert hours 22-7 days:mon-fry", "“fry” is not a day", "alert hours 22-7 days:mon-fri"),
        ("alert hours days:,", "Which days?", "alert hours days:mon-fri"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_told_with_what_can(alert_bot: AlertBot, typed: str, said: str, offered: str) -> None:
    card = await alert_bot.ask(typed)
    assert card.refused
    assert said in words(card)
    assert offered in commands(card)
    assert [each.id for each in alert_bot.alerts.incidents.subscriptions()] == ["5ab001"]
    assert not alert_bot.alerts.incidents.mutes("slack:C0OPS")
    assert not alert_bot.alerts.incidents.hours("slack:C0OPS")


@pytest.mark.parametrize(
    ("typed", "hour", "minute"), [("07:00", 7, 0), ("7am", 7, 0), ("7:30pm", 19, 30), ("00:00", 0, 0)]
)
async def test_a_channel_mutes_until_a_time_of_day_of_whoever_asks(
    alert_bot: AlertBot, typed: str, hour: int, minute: int
) -> None:
    await a_few(alert_bot)
    card = await alert_bot.ask(f"alert mute pool:render-gpu for:{typed}")
    [mute] = alert_bot.alerts.incidents.mutes("slack:C0OPS")
    assert mute.until is not None
    there = mute.until.astimezone(ZoneInfo(card.zone or "UTC"))
    assert (there.hour, there.minute, there.second) == (hour, minute, 0)
    assert timedelta() < mute.until - alert_bot.clock.at <= timedelta(days=1)
    assert (await alert_bot.ask("alert mute pool:render-gpu for:7")).refused, "a number alone may be hours"


async def test_a_channel_mutes_for_a_while(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    with mock.patch("secrets.token_hex", return_value=ID):
        card = await alert_bot.ask("alert mute pool:render-gpu for:2h kind:node,job.failed")
    golden(alert_bot, "mute", card)
    assert title(card) == "node.*, job.failed about pool:render-gpu is muted here · for 2h"
    assert "1 open alert it concerns" in words(card)
    assert alert_bot.alerts.incidents.mutes("slack:C0OPS")[0].until == alert_bot.clock.at + timedelta(hours=2)
    assert (await alert_bot.ask(f"alert unmute {ID}", person="U0VIEWER")).refused
    assert (await alert_bot.ask("alert mute x", person="U0VIEWER")).refused
    listed = await alert_bot.ask("alert mutes", person="U0VIEWER")
    golden(alert_bot, "mutes", listed)
    assert title(await alert_bot.ask("alert mutes", conversation=DEV)) == "Mutes · 0", (
        "another conversation hears as before"
    )
    gone = await alert_bot.ask(chosen(listed, "Unmute"))
    assert title(gone) == "Mutes · 0 · node.*, job.failed about pool:render-gpu is unmuted"
    assert not alert_bot.alerts.incidents.mutes("slack:C0OPS")


async def test_a_mute_ends_by_itself_or_never(alert_bot: AlertBot) -> None:
    await alert_bot.ask("alert mute a for:1h")
    await alert_bot.ask("alert mute b for:ever")
    assert title(await alert_bot.ask("alert mutes")) == "Mutes · 2"
    alert_bot.clock.at += timedelta(hours=2)
    listed = await alert_bot.ask("alert mutes")
    assert title(listed) == "Mutes · 1"
    assert "until it is unmuted" in words(listed)


async def test_forms_ask_for_what_is_typed(alert_bot: AlertBot) -> None:
    mute = {"entity": "pool:gpu-*", "for": "1h", "kind": "", "account": ""}
    assert title(await alert_bot.ask("alert mute", values=mute)) == "pool:gpu-* is muted here · for 1h"
    operator = msgspec.structs.replace(nobody(), person=Person("slack", "U0OPERATOR"))
    form = await alert_bot.scene.dispatcher.form("alert mute x for:3h", operator)
    assert isinstance(form, Form)
    assert "the role viewer, and operator for a whole channel" in form.intro
    assert isinstance(await alert_bot.scene.dispatcher.form("alert subscribe", nobody()), Form), (
        "to:me is open to everybody"
    )
    refused = await alert_bot.scene.dispatcher.form("alert mute x", nobody())
    assert isinstance(refused, Card)
    assert "needs the role operator" in title(refused), "no form that fails when it is filled in"
    assert {field.name: field.value for field in form.fields}["for"] == "3h"
    subscribe = {"kinds": "job.failed node.*", "severity": "critical", "entity": "render-*", "to": "here"}
    card = await alert_bot.ask("alert subscribe", values=subscribe, conversation=DEV)
    assert title(card) == "critical: job.failed, node.* about render-* in every account · here from now on"


async def test_an_alerts_own_menu_mutes_it(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    shown = await alert_bot.ask("alert show 1a2b3c4d")
    card = await alert_bot.ask(chosen(shown, "Mute here"))
    assert title(card) == "job.failure_rate about job:nightly:job-12 is muted here · for 2h"
    assert "1 open alert it concerns" in words(card)


async def test_quiet_hours_are_set_told_and_taken_back(alert_bot: AlertBot) -> None:
    none = await alert_bot.ask("alert hours", person="U0VIEWER")
    assert title(none) == "Quiet hours · none here"
    card = await alert_bot.ask("alert hours 22:00–07:00 days:mon-fri zone:europe/berlin")
    golden(alert_bot, "hours", card)
    hours = alert_bot.alerts.incidents.hours("slack:C0OPS")
    assert (hours.begin, hours.end, hours.nights) == (22 * 60, 7 * 60, (0, 1, 2, 3, 4))
    assert hours.days == tuple(range(7)), "no day is quiet as a whole"
    assert hours.zone == "Europe/Berlin"
    assert title(card) == "Quiet 22:00 to 07:00, Mon to Fri · from now on"
    alert_bot.clock.at += timedelta(hours=12)
    assert "quiet now, until" in words(await alert_bot.ask("alert hours"))
    changed = await alert_bot.ask("alert hours 23-6:30")
    assert title(changed).startswith("Quiet 23:00 to 06:30")
    assert alert_bot.alerts.incidents.hours("slack:C0OPS").nights == (0, 1, 2, 3, 4), "what is not named stays"
    assert (await alert_bot.ask("alert hours off", person="U0VIEWER")).refused
    off = next(item for item in items(changed) if isinstance(item, Button) and item.text == "Take them back")
    assert title(await alert_bot.ask(off.command)) == "Quiet hours · taken back"
    assert not alert_bot.alerts.incidents.hours("slack:C0OPS")


@pytest.mark.parametrize(
    ("typed", "begin", "end", "days"),
    [
        ("alert hours days:fri-mon", None, None, (0, 4, 5, 6)),
        ("alert hours days:Wednesday,sat", None, None, (2, 5)),
        ("alert hours 18-24 days:all", 18 * 60, 0, (0, 1, 2, 3, 4, 5, 6)),
        ("alert hours 0:00-6:15", 0, 375, (0, 1, 2, 3, 4, 5, 6)),
        ("alert hours 2200-0700", 1320, 420, (0, 1, 2, 3, 4, 5, 6)),
    ],
)
async def test_hours_are_read_as_people_write_them(
    alert_bot: AlertBot, typed: str, begin: int | None, end: int | None, days: tuple[int, ...]
) -> None:
    assert not (await alert_bot.ask(typed)).refused
    hours = alert_bot.alerts.incidents.hours("slack:C0OPS")
    assert (hours.begin, hours.end, hours.days, hours.zone) == (begin, end, days, "America/Chicago")


async def test_ones_own_chat_is_ones_own(alert_bot: AlertBot) -> None:
    for typed in ("alert subscribe job.failed", "alert mute x for:1h", "alert hours 22-7", "alert test"):
        assert not (await alert_bot.ask(typed, person="U0VIEWER", conversation=CHAT)).refused, typed


async def test_where_the_bot_cannot_write_nothing_is_promised(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    store, at = alert_bot.scene.store, alert_bot.clock.at
    shut = ConversationReference("slack", DEV.id, msgspec.json.encode(DEV), at, reachable=False)
    await store.put_conversation(shut)
    for title_, coming in (("here once I can write there", "which come then"), ("is subscribed to already here", "")):
        card = await alert_bot.ask("alert subscribe severity:warning", conversation=DEV)
        assert title_ in title(card)
        assert card.mark is Mark.WARNING
        assert "Invite me, and what is open is posted at once" in words(card)
        assert coming in words(card)
    listed = words(await alert_bot.ask("alert list", conversation=DEV))
    assert "cannot be posted: here" in listed
    assert "posted: #ops" in listed
    assert "posted: here" not in listed.replace("cannot be posted: here", "")
    route = await alert_bot.ask("alert route job.failed", conversation=DEV)
    assert "1 channel would get it · 1 channel cannot be written to" in title(route)
    assert "here: ✖ cannot be posted: the bot is not there" in words(route)
    assert "#ops: ✔ gets it" in words(route)
    tested = await alert_bot.ask("alert test job.failed", conversation=OPS)
    assert "#dev: ✖ cannot be posted: the bot is not there" in words(tested)
    await store.put_conversation(msgspec.structs.replace(shut, reachable=True))
    assert "cannot be posted" not in words(await alert_bot.ask("alert list", conversation=DEV))
    alert_bot.status.box = Outbox(conversations=(DestinationStatus("slack:C0DEV", waiting=2, gone_since=at),))
    assert "cannot be posted: here" in words(await alert_bot.ask("alert list", conversation=DEV))


async def test_how_bad_an_alert_is_is_an_option(alert_bot: AlertBot) -> None:
    card = await alert_bot.ask("alert subscribe job.* Critical")
    assert "“critical” is how bad an alert is, no kind of alert." in words(card)
    assert "alert subscribe 'job.*' severity:critical" in words(card)
    assert len(alert_bot.alerts.incidents.subscriptions()) == 1
