"""Alerts in the chat: listed, shown, taken care of, tried out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.alerting.model import Notification, Subscription
from bot.chat.request import Person
from bot.domain.findings import Entity, Severity
from bot.sandbox.world.behaviour import exited
from cards.card import Card, Menu, Text, Time, Words
from handlers.alert.list import in_short
from tests.handlers.alert_service import (
    ACCOUNT,
    DEV,
    OPS,
    AlertBot,
    a_few,
    alerting,
    chosen,
    commands,
    entry_card,
    golden,
    incident,
    items,
    saved,
    title,
    words,
)
from tests.handlers.conftest import Scene, nobody
from tests.handlers.failing import a_job, farm, ran


@pytest.fixture
async def alert_bot(scene: Scene) -> AlertBot:
    return await alerting(scene)


async def test_what_is_open_is_listed_the_worst_first(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    listed = await alert_bot.ask("alert list")
    golden(alert_bot, "list", listed)
    assert title(listed) == "3 open alerts"
    said = words(listed)
    assert said.index("52 % of the last hour") < said.index("1 unusable node")
    assert "Held back here: 1 inhibited by another alert." in said
    assert title(await alert_bot.ask(chosen(listed, "Open an alert"))).startswith("job nightly:job-12")
    assert title(await alert_bot.ask("alert list severity:critical")).startswith("1 open alert · critical")
    past = await alert_bot.ask("alert list state:past")
    golden(alert_bot, "list-past", past)
    assert "the resize fell short" in words(past)
    assert "unusable" in words(past), "what is open is among all that is kept"
    assert title(past) == "Alerts, open and past · 4 · 3 open"
    nothing = await alert_bot.ask("alert list account:sim-dev")
    assert title(nothing) == "0 open alerts · sim-dev"
    assert "Nothing is open." in words(nothing)


async def test_a_pool_that_has_an_open_alert_is_not_called_well(alert_bot: AlertBot) -> None:
    account = alert_bot.scene.world.accounts[ACCOUNT]
    name = next(each for each, pool in account.pools.items() if not pool.nodes)
    asked = f"why pool {name}"
    assert title(await alert_bot.ask(asked)) == f"Nothing is wrong with pool {name}"
    idle = f"pool {name}: 2 nodes idle for 3 h"
    await saved(alert_bot, [incident(alert_bot, "0d1e0d1e", "pool.idle", Entity("pool", name), idle)])
    told = await alert_bot.ask(asked)
    assert title(told) == f"Pool {name} does its work, but 2 nodes idle for 3 h"
    assert commands(told)[0].startswith("alert show 0d1e0d1e")


async def test_one_trouble_has_one_age_in_its_alert_and_in_why(alert_bot: AlertBot) -> None:
    scene = alert_bot.scene
    pool = farm(scene, "farm", 2, 0)
    job = a_job(scene, "bad", pool)
    ran(scene, job, pool.ordered(), 9, exited(3), ago=600)
    began = alert_bot.clock.at - timedelta(hours=5)
    stuck = alert_bot.clock.at - timedelta(minutes=20)
    told = [
        ("0a0a0a0a", "task.failed", began, "job bad: 9 of 9 tasks failed"),
        ("0b0b0b0b", "job.stuck", stuck, "stuck"),
    ]
    await saved(
        alert_bot,
        [incident(alert_bot, id_, kind, Entity("job", "BAD"), words, since=at) for id_, kind, at, words in told],
    )
    times = [piece.at for piece in _sure(await alert_bot.ask("why job bad")) if isinstance(piece, Time)]
    assert times == [began], "the alert saw it first; that nothing is stuck any more is no part of it"
    by_node = _sure(await alert_bot.ask(f"why task bad {next(iter(job.tasks))}"))
    assert began not in [piece.at for piece in by_node if isinstance(piece, Time)], "of one task the service knows best"


async def test_what_an_alert_says_too_is_said_in_words(alert_bot: AlertBot) -> None:
    pool, job = Entity("pool", "gpu"), Entity("job", "nightly")
    told = incident(alert_bot, "0a0a0a0a", "task.failed", job, "job nightly: 9 of 40 tasks failed")
    rate = incident(alert_bot, "0b0b0b0b", "job.failure_rate", job, "job nightly: 52 % of the last hour's tasks failed")
    node = incident(alert_bot, "0c0c0c0c", "node.unusable", pool, "pool gpu has 1 unusable node")
    assert [in_short(each, told) for each in (rate, node)] == [
        "52 % of the last hour's tasks failed",
        "pool gpu has 1 unusable node",
    ]


def _sure(card: Card) -> Text:
    return next(block.text for block in card.blocks if isinstance(block, Words))


async def test_all_alerts_that_are_kept_are_listed_page_by_page(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    hour = timedelta(hours=1)
    old = [
        incident(
            alert_bot, f"{number:08x}", "job.failed", Entity("job", f"render-{number}"),
            f"job render-{number} has failed", state="event", since=(at := alert_bot.clock.at - (number + 1) * hour),
            opened=at, changed=at,
        )
        for number in range(1_100)
    ]  # fmt: skip
    await saved(alert_bot, old)
    first = await alert_bot.ask("alert list state:past")
    assert title(first) == "Alerts, open and past · 20 of 1,000 or more · 3 open"
    assert "render-0 " in words(first)
    page = await alert_bot.ask("alert list state:past page:52")
    assert title(page).startswith("Alerts, open and past · 1,021 – 1,040 of 1,104")
    assert "job render-1016 has failed" in words(page), "six weeks ago"
    last = await alert_bot.ask("alert list state:past page:9999")
    assert "job render-1099 has failed" in words(last)
    assert "page:57" not in " ".join(commands(last))
    by_kind = await alert_bot.ask("alert list state:past sort:kind")
    assert title(by_kind).startswith("Alerts, open and past · 20 of 1,104")
    file = await alert_bot.ask("alert list state:past csv")
    assert title(file) == "Alerts of all accounts · 1,104 rows"
    assert "alert list state:past" in commands(file)
    severe = await alert_bot.ask("alert list state:past severity:critical")
    assert "52 % of the last hour" in words(severe)


@pytest.mark.parametrize(
    ("typed", "order"),
    [
        ("alert list sort:name", ["nightly:job-12", "render-gpu", "sim-0093"]),
        ("alert list sort:severity", ["nightly:job-12"]),
        ("alert list sort:kind", ["nightly:job-12", "sim-0093", "render-gpu"]),
    ],
)
async def test_open_alerts_have_an_order(alert_bot: AlertBot, typed: str, order: list[str]) -> None:
    await a_few(alert_bot)
    said = words(await alert_bot.ask(typed))
    places = [said.index(f" {name}") for name in order]
    assert places == sorted(places)
    assert not (await alert_bot.ask(f"{typed} csv")).refused


async def test_a_card_shows_all_of_an_alert(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    shown = await alert_bot.ask("alert show 1a2b3c4d")
    golden(alert_bot, "show", shown)
    assert "here: posted" in words(shown)
    held = await alert_bot.ask("alert show 3c4d5e6f", conversation=DEV)
    assert "#ops: held back, inhibited by “pool render-gpu has 1 unusable node”" in words(held)
    over = await alert_bot.ask("alert show 4d5e6f70")
    assert "resolved" in title(over)
    assert not [item for item in items(over) if getattr(item, "text", "") == "Acknowledge"]


async def test_an_alert_is_acknowledged_by_its_own_button(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    shown = await alert_bot.ask("alert show 1a2b3c4d")
    button = next(item for item in items(shown) if getattr(item, "text", "") == "Acknowledge")
    assert button.how == "edit"
    done = await alert_bot.ask(button.command, person="U0VIEWER")
    golden(alert_bot, "ack", done)
    assert "acknowledged by Vera" in words(done)
    known = await alert_bot.alerts.find("1a2b3c4d")
    assert known is not None and known.acknowledged is not None and known.acknowledged.id == "slack:U0VIEWER"
    assert known.remind == alert_bot.clock.at + timedelta(hours=4)
    await alert_bot.ask("alert ack 1a2b3c4d remind:1d")
    assert known.remind == alert_bot.clock.at + timedelta(days=1)
    assert "acknowledged by Otto" in words(await alert_bot.ask("alert list"))


async def test_an_alert_is_snoozed_by_its_own_menu(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    shown = await alert_bot.ask("alert show 2b3c4d5e")
    snooze = next(item for item in items(shown) if isinstance(item, Menu) and item.label == "Snooze")
    done = await alert_bot.ask(snooze.command.replace("{}", snooze.options[1].value), person="U0VIEWER")
    golden(alert_bot, "snooze", done)
    assert "snoozed until" in words(done)
    known = await alert_bot.alerts.find("2b3c4d5e")
    assert known is not None and known.snoozed == alert_bot.clock.at + timedelta(hours=2)
    over = await alert_bot.ask("alert snooze 4d5e6f70 2h")
    assert "resolved" in title(over), "what is over stays as it is"


@pytest.mark.parametrize(
    ("typed", "said", "offered"),
    [
        ("alert snooze 1a2b3c4d '5 lightyears'", "not a span of time", "alert snooze 1a2b3c4d 2h"),
        ("alert snooze 1a2b3c4d 5s", "a minute at least", "alert snooze 1a2b3c4d 1m"),
        ("alert snooze 1a2b3c4d 9w", "too long", "alert snooze 1a2b3c4d 30d"),
        ("alert ack 1a2b3c4d remind:soon", "not a span of time", "alert ack 1a2b3c4d remind:2h"),
        ("alert show 1a2b3c4e", "There is no alert “1a2b3c4e”", "alert show 1a2b3c4d"),
        ("alert ack nothing-like-it", "There is no alert", "alert list"),
        ("alert snooze zzz 2h", "There is no alert", "alert snooze 1a2b3c4d 2h"),
        ("alert snooze zzz 99d", "There is no alert", "alert snooze 1a2b3c4d 99d"),
        ("alert show test-12345678", "That was a test", "alert list"),
        ("alert list state:opn", "state", "alert list state:open"),
        ("alert list account:render-pro", "There is no account", "alert list account:render-prod"),
        ("alert test node.unusabel", "no kind of alert", "alert test node.unusable"),
        ("alert route job.faild", "no kind of alert", "alert route job.failed"),
        ("alert route job.failed 'a\"b'", "fits no name", "alert route job.failed ab"),
    ],
)
async def test_what_cannot_be_is_told_with_what_can(alert_bot: AlertBot, typed: str, said: str, offered: str) -> None:
    await a_few(alert_bot)
    card = await alert_bot.ask(typed)
    assert card.refused
    assert said in words(card)
    assert offered in commands(card)


async def test_an_alert_is_found_by_what_it_is_about(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    opened = alert_bot.alerts.incidents.open()
    for each in opened:
        about = [other for other in opened if other.entity.id == each.entity.id]
        card = await alert_bot.ask(f"alert show '{each.entity.id}'")
        if len(about) == 1:
            assert words(card) == words(await alert_bot.ask(f"alert show {each.id}"))
        else:
            assert {f"alert show {other.id}" for other in about[:3]} <= set(commands(card))


async def test_a_command_without_its_alert_lists_those_that_are_open(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    opened = {each.id for each in alert_bot.alerts.incidents.open()}
    for path, how in (("alert show", "post"), ("alert ack", "form")):
        card = await alert_bot.ask(path)
        assert title(card) == "Which alert?"
        (menu,) = (item for item in items(card) if isinstance(item, Menu))
        assert (menu.command, menu.how) == (f"{path} {{}}", how)
        assert {option.value for option in menu.options} == opened


async def test_every_kind_is_listed_with_its_words(alert_bot: AlertBot) -> None:
    first, *rest = [await alert_bot.ask(f"alert kinds page:{page}") for page in (1, 2, 3)]
    golden(alert_bot, "kinds", first)
    for kind in alert_bot.alerts.kinds.values():
        assert kind.name in "".join(map(words, [first, *rest]))
    only = await alert_bot.ask("alert kinds schedule")
    assert "schedule.barren" in words(only)
    assert "job.failed" not in words(only)


async def test_a_test_goes_the_way_of_real_ones(alert_bot: AlertBot) -> None:
    store = alert_bot.scene.store
    person = Person("slack", "U0OPERATOR", name="Otto", zone="America/Chicago")
    cards = []
    async for card in alert_bot.scene.dispatcher.cards(
        replace(nobody(), text="alert test job.failed", conversation=OPS, person=person)
    ):
        cards.append(card)
        if len(cards) == 1:
            (entry,) = alert_bot.entries.written.values()
            await store.claim(entry.id, alert_bot.clock.at)
            await store.delivered(entry.id, 1, "1700.1", "C0OPS")
    assert [title(card).rpartition(" · ")[2] for card in cards] == ["on its way", "has arrived"]
    golden(alert_bot, "test", cards[-1])
    assert entry.destination == "slack:C0OPS"
    assert title(entry_card(entry)).startswith("Test of job.failed: nothing has happened to job example")
    assert alert_bot.alerts.incidents.open() == []


async def test_a_test_that_cannot_arrive_says_why(alert_bot: AlertBot) -> None:
    original = alert_bot.alerts.test

    async def lost(*given: object) -> str:
        name = await original(*given)  # type: ignore[arg-type]
        await alert_bot.scene.store.attempt_failed(name, "gone", "not_in_channel")
        return name

    alert_bot.alerts.test = lost  # type: ignore[method-assign]
    card = await alert_bot.ask("alert test")
    assert title(card).endswith("cannot be delivered (not_in_channel)")
    refused = await alert_bot.ask("alert test", person="U0VIEWER")
    assert refused.refused
    assert "needs the role operator" in title(refused)


async def test_where_an_alert_would_go_is_told_without_sending(alert_bot: AlertBot) -> None:
    await alert_bot.alerts.subscribe(
        Subscription(id="5ab002", conversation=DEV, kinds=("job.*",), entity="render-*", severity=Severity.INFO)
    )
    await alert_bot.ask("alert mute job:render-* for:2h", conversation=DEV, person="U0OPERATOR")
    before = len(alert_bot.entries.writes)
    card = await alert_bot.ask("alert route job.failed render-12")
    golden(alert_bot, "route", card)
    assert title(card) == "job.failed about job render-12 · 1 channel would get it · 1 channel would hold it back"
    said = words(card)
    assert "here" in said
    assert "#dev" in said
    assert "held back: muted here" in said
    other = await alert_bot.ask("alert route job.failed sim-1 severity:info")
    assert "0 channels would get it" in title(other)
    assert "alert subscribe job.failed" in words(other)
    node = await alert_bot.ask("alert route node.unusable render-gpu/tvm-1")
    assert "1 channel would get it" in title(node)
    assert len(alert_bot.entries.writes) == before


async def test_home_says_what_is_open(alert_bot: AlertBot) -> None:
    assert "open alert" not in words(await alert_bot.ask("home"))
    await a_few(alert_bot)
    home = await alert_bot.ask("home")
    golden(alert_bot, "home", home)
    assert "1 critical alert" in title(home)
    assert "✖ job nightly:job-12: 52 % of the last hour's tasks failed, 214 of 411 · 14 min ago" in words(home)
    first = items(home)[0]
    assert (first.text, first.command) == ("Logs", "log nightly:job-12 frame-0021 stderr.txt account:render-prod")
    assert "alert list account:render-prod" in commands(home)
    assert title(await alert_bot.ask("alert list account:render-prod")) == "3 open alerts · render-prod"


async def test_without_a_watch_the_commands_say_so(scene: Scene) -> None:
    typed = ("alert list", "alert subscribe", "alert mutes", "alert hours", "alert kinds", "alert show 1", "alert test")
    scene.permit(operators=["text:viewer"])
    for text in typed:
        card = await scene.ask(text)
        assert card.refused
        assert title(card).startswith("Alerts do not run here"), text
    assert title(await scene.ask("status")).startswith("Nothing is watched from here")
    assert title(await scene.ask("job watch")).startswith("Jobs are not watched from here")


async def test_a_program_that_only_answers_changes_no_alerts(alert_bot: AlertBot) -> None:
    alert_bot.scene.dispatcher.without_watch()
    for text in ("alert list", "alert mute x for:1h", "alert subscribe to:me", "job watch x", "status"):
        assert (await alert_bot.ask(text)).refused, text
    assert not (await alert_bot.ask("home")).refused
    assert not alert_bot.alerts.incidents.mutes("slack:C0OPS")


async def test_what_memory_let_go_is_found_in_the_store(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    alert_bot.clock.at += timedelta(hours=3)
    while alert_bot.alerts.incidents.incident("4d5e6f70"):
        await alert_bot.alerts.tick()
    assert "resolved" in title(await alert_bot.ask("alert show 4d5e6f70"))
    assert "here: posted" in words(await alert_bot.ask("alert show 4d5e6f70"))
    assert "resolved" in title(await alert_bot.ask("alert ack 4d5e6f70"))


async def test_long_lists_are_turned(alert_bot: AlertBot) -> None:
    await saved(
        alert_bot,
        [
            incident(alert_bot, f"{number:08x}", "job.stuck", Entity("job", f"job-{number}"), f"job job-{number} waits")
            for number in range(45)
        ],
    )
    first = await alert_bot.ask("alert list")
    assert title(first) == "45 open alerts · 20 of 45"
    last = await alert_bot.ask("alert list page:99")
    assert title(last) == "45 open alerts · 41 – 45 of 45"
    assert "alert list page:2" in commands(first)


async def test_an_acknowledgement_and_a_snooze_are_taken_back_by_buttons(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    done = await alert_bot.ask("alert ack 1a2b3c4d", person="U0VIEWER")
    assert title(done).startswith(
        "job nightly:job-12: 52 % of the last hour's tasks failed, 214 of 411 · acknowledged by"
    )
    assert "alert unack 1a2b3c4d" in commands(done)
    back = await alert_bot.ask("alert unack 1a2b3c4d", person="U0VIEWER")
    assert "acknowledged" not in title(back)
    assert "alert ack 1a2b3c4d" in commands(back)
    slept = await alert_bot.ask("alert snooze 2b3c4d5e 2h", person="U0VIEWER")
    assert "snoozed until" in words(slept).splitlines()[0]
    assert "alert unsnooze 2b3c4d5e" in commands(slept)
    woken = await alert_bot.ask("alert unsnooze 2b3c4d5e", person="U0VIEWER")
    assert "snoozed" not in words(woken)
    for path in ("unack", "unsnooze", "ack-all", "unack-all"):
        assert "There is no alert" in title(await alert_bot.ask(f"alert {path} nothing-like-it"))


async def test_a_digest_is_acknowledged_by_one_button(alert_bot: AlertBot) -> None:
    await a_few(alert_bot)
    mine = {"conversation": "slack:C0OPS", "why": "5ab001", "since": alert_bot.clock.at, "shown": alert_bot.clock.at}
    some = [await alert_bot.alerts.find(name) for name in ("1a2b3c4d", "2b3c4d5e")]
    digest = alert_bot.alerts.writer.digest([each for each in some if each], "slack:C0OPS")
    button = next(item for item in items(digest) if item.text == "Acknowledge all")
    gathered = [Notification(incident=each.id, entry="d1", gathered=True, **mine) for each in some if each]
    await saved(alert_bot, [each for each in some if each], gathered)
    done = await alert_bot.ask(button.command, person="U0VIEWER")
    assert title(done).startswith("2 alerts")
    assert "acknowledged by" in title(done)
    for each in some:
        assert each is not None and each.open
        known = await alert_bot.alerts.find(each.id)
        assert known is not None and known.acknowledged is not None and known.acknowledged.id == "slack:U0VIEWER"
    golden(alert_bot, "ack-all", done)
    other = await alert_bot.alerts.find("3c4d5e6f")
    assert other is not None and other.acknowledged is None
    back = await alert_bot.ask(next(item for item in items(done) if item.text == "Unacknowledge all").command)
    assert "acknowledged by" not in title(back)
