"""What a tampered button on Teams can do: what typing can, and nothing to a message that is not its own."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.chat.request import Conversation
from bot.chat.teams.seals import Place, Seals
from cards import teams as renderer
from cards.card import Actions, Button, Card, Field, Form, Menu, Option
from cards.teams.seal import CLICK, FORM, sealed
from storage.port.errors import CannotStore, StoreError
from tests.chat.teams_service import Store, World, actions, build, card, tear_down
from tests.thorough import some

HERE = "a:personal"
ALERT = card(
    "pool gpu-a is broken",
    blocks=(
        Actions((Button("Show", "pool show gpu-a"), Button("Acknowledge", "alert ack 1", "edit"))),
        Actions((Menu("Snooze", "alert snooze 1 {}", (Option("2 h", "2h"), Option("1 d", "1d")), how="edit"),)),
    ),
)
OWN = card(
    "pools", blocks=(Actions((Button("Next", "pool list page:2", "edit"), Button("Find", "pool list", "form"))),)
)
LIST = Form("Pools", "pool list", (Field("state", "State"),), how="edit")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = await build()
    yield world
    await tear_down(world)


async def posted(world: World, what: Card, where: str = HERE) -> tuple[str, list[dict[str, Any]]]:
    """A message that the bot posted by itself: its id, and its actions."""
    kind: Any = "personal" if where == HERE else "group"
    place = Conversation("teams", where, kind, service_url=world.service.url)
    message, _ = await world.teams.post_once(place, what, "")
    return message, actions(world.service.sent[-1][2])


def found(these: list[dict[str, Any]], title: str) -> dict[str, Any]:
    return copy.deepcopy(next(each for each in these if each["title"] == title))


async def press(world: World, data: dict[str, Any], on: str, number: int = 1, where: str = HERE) -> Any:
    """An Action.Execute with this data, on this message as the client says."""
    value = {"action": {"type": "Action.Execute", "verb": "run", "data": data}, "trigger": "manual"}
    conversation = {"id": where, "conversationType": "personal" if where == HERE else "groupChat"}
    activity = world.activity("invoke", name="adaptiveCard/action", value=value, replyToId=on, id=f"f:{number}")
    _, body = await world.post_once(activity | {"conversation": conversation})
    await world.intake.done()
    return body


def edited(world: World) -> list[str]:
    """The messages that were replaced."""
    return [path.rpartition("/")[2] for method, path, _ in world.service.sent if method == "PUT"]


async def test_a_button_has_its_message_replaced_over_and_over_and_after_a_restart(world: World) -> None:
    message, there = await posted(world, ALERT)
    world.intake.reply = ALERT
    await press(world, found(there, "Acknowledge")["data"], message, 1)
    await press(world, found(actions(world.service.sent[-1][2]), "Acknowledge")["data"], message, 2)
    await world.teams._seals.load()
    world.teams._seals._store = copy.copy(world.store)  # type: ignore[assignment]
    await press(world, found(there, "Acknowledge")["data"], message, 3)
    assert edited(world) == [message] * 3


@pytest.mark.parametrize("claimed", ["the alert", "", "9"])
async def test_the_request_does_not_say_which_message(world: World, claimed: str) -> None:
    alert, _ = await posted(world, ALERT)
    own, there = await posted(world, OWN)
    await press(world, found(there, "Next")["data"], alert if claimed == "the alert" else claimed)
    assert edited(world) == [own]


async def test_a_command_that_the_bot_did_not_write_is_answered_as_if_it_were_typed(world: World) -> None:
    alert, _ = await posted(world, ALERT)
    body = await press(world, {"c": "size list", "h": "edit"}, alert)
    assert edited(world) == []
    assert [each.text for each in world.intake.asked] == ["size list"]
    assert (world.intake.asked[0].how, world.intake.asked[0].message) == ("post", None)
    assert body["value"] == "The answer is below."


def altered(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each way to alter one field of what a button carries, or to add one."""
    strange: tuple[Any, ...] = ("", "x", "size list", "edit", "form", "m1", None, 0, [], {}, "\ud800", "é.é")
    for key in [*data, "c", "h", "m", "s", "form", "carry", "do"]:
        for value in strange:
            if data.get(key) != value:
                yield f"{key} = {value!r}", {**data, key: value}
        if key in data:
            yield f"without {key}", {name: value for name, value in data.items() if name != key}


async def test_no_altered_field_replaces_another_message(world: World) -> None:
    alert, of_alert = await posted(world, ALERT)
    own, there = await posted(world, OWN)
    number = 0
    for name in ("Next", "Find"):
        for words, data in some([*altered(found(there, name)["data"])], 60):
            number += 1
            world.service.sent.clear()
            before = len(world.intake.asked)
            await press(world, json.loads(json.dumps(data)), alert, number)
            assert set(edited(world)) <= {own}, words
            if edited(world):
                assert world.intake.asked[before].text == "pool list page:2", words
    seal = found(of_alert, "Acknowledge")["data"]["s"]
    for data in ({**found(there, "Next")["data"], "s": seal}, {"c": "size list", "h": "edit", "s": seal}):
        number += 1
        world.service.sent.clear()
        await press(world, data, alert, number)
        assert edited(world) == [], "the seal of one button is none for another"


async def test_a_seal_holds_in_its_conversation_alone(world: World) -> None:
    _, there = await posted(world, ALERT)
    await press(world, found(there, "Acknowledge")["data"], "1", where="19:group@thread.v2")
    assert edited(world) == []


async def test_a_choice_is_the_pressers_and_the_command_is_not(world: World) -> None:
    alert, there = await posted(world, ALERT)
    go = found(there, "Go")["data"]
    await press(world, {**go, "menu1": '"1d"'}, alert)
    assert (world.intake.asked[-1].text, edited(world)) == ("alert snooze 1 1d", [alert])
    world.service.sent.clear()
    await press(world, {**go, "menu2": '"1d"', "m": "menu2"}, alert, 2)
    assert edited(world) == []


async def filled(world: World, data: dict[str, Any], number: int, **more: Any) -> Any:
    activity = world.activity("invoke", name="task/submit", value={"data": data}, id=f"g:{number}", **more)
    answer = await world.post_once(activity)
    await world.intake.done()
    return answer


async def opened(world: World, on: str) -> dict[str, Any]:
    """What the form carries that a button of a message opens."""
    _, there = await posted(world, OWN)
    world.intake.prepared = LIST
    value = {"data": found(there, "Find")["data"]}
    _, body = await world.post_once(world.activity("invoke", name="task/fetch", value=value, replyToId=on, id="f:0"))
    (submit,) = actions(body["task"]["value"]["card"]["content"])
    return dict(submit["data"])


async def test_a_form_replaces_the_message_it_was_opened_from(world: World) -> None:
    alert, _ = await posted(world, ALERT)
    data = await opened(world, alert)
    own = f"message-{len(world.service.sent)}"
    await filled(world, data, 1, replyToId=alert)
    assert edited(world) == [own]


@pytest.mark.parametrize(
    "change", [{"carry": "ALERT"}, {"c": "size list"}, {"how": "edit"}, {"zone": "UTC"}, {"live": 1}], ids=str
)
async def test_an_altered_form_replaces_nothing(world: World, change: dict[str, Any]) -> None:
    alert, _ = await posted(world, ALERT)
    data = await opened(world, alert)
    change = {key: alert if value == "ALERT" else value for key, value in change.items()}
    await filled(world, {**data, "form": json.dumps(json.loads(data["form"]) | change)}, 1, replyToId=alert)
    assert edited(world) == []
    assert all(each.how == "post" for each in world.intake.asked)


async def test_a_form_is_no_button(world: World) -> None:
    """Nor does the seal of one serve for the other."""
    alert, there = await posted(world, ALERT)
    data = await opened(world, alert)
    await press(world, {**data, "c": "size list", "h": "edit"}, alert)
    click = found(there, "Acknowledge")["data"]
    packed = json.dumps({"c": "size list", "h": "edit", "carry": alert})
    await filled(world, {**click, "form": packed}, 1, replyToId=alert)
    assert edited(world) == []


async def test_a_form_is_not_shown_again_in_the_place_of_something_else(world: World) -> None:
    """Where no dialog opens a form stands in a message, and its button “Check” shows it again there."""
    alert, _ = await posted(world, ALERT)
    live = Form("Pools", "pool list", (Field("state", "State"),), live=True)
    world.intake.prepared = live
    plain = actions(renderer.render_form(live, alert))[1]["data"]
    await world.post_once(world.activity(value=plain, replyToId=alert))
    assert edited(world) == []
    sealed_form = actions(world.service.sent[-1][2])[1]["data"]
    await world.post_once(world.activity(value=sealed_form, replyToId=alert, id="2"))
    assert edited(world) == [f"message-{len(world.service.sent) - 1}"], "the message in which the form stands"


async def test_where_the_store_does_not_answer_nothing_is_replaced(world: World) -> None:
    alert, there = await posted(world, ALERT)

    async def out(*_: object) -> None:
        raise StoreError("out")

    world.store.message = out  # type: ignore[method-assign,assignment]
    with capture_logs() as logs:
        await press(world, found(there, "Acknowledge")["data"], alert)
    assert edited(world) == []
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["teams.message_unknown"]
    assert not [each for each in logs if "exc_info" in each]


async def test_what_cannot_be_noted_of_a_message_is_one_line(world: World) -> None:
    async def full(*_: object) -> None:
        raise CannotStore("bot.db: the disk is full")

    world.store.put_message = full  # type: ignore[method-assign,assignment]
    with capture_logs() as logs:
        await posted(world, ALERT)
    [told] = [each for each in logs if each["event"] == "teams.message_unnoted"]
    assert told["message"] == "bot.db: the disk is full"
    assert "exc_info" not in told


TEXTS = st.text(max_size=12) | st.sampled_from(["edit", "pool list", "m1700", "form", "c"])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.lists(TEXTS, min_size=1, max_size=4), other=st.lists(TEXTS, min_size=1, max_size=4), to=TEXTS)
async def test_a_seal_is_of_one_content_in_one_place(fields: list[str], other: list[str], to: str) -> None:
    seals = Seals(Store())
    mine, theirs = tuple(fields), tuple(other)
    seal = seals.seal(Place.of("19:a", "1.7"), mine)
    assert await seals.held("19:a", mine, seal) == "1.7"
    assert await seals.held("19:b", mine, seal) is None
    if mine != theirs:
        assert await seals.held("19:a", theirs, seal) is None
    name, _, code = seal.rpartition(".")
    if f"m{to}" != name:
        assert await seals.held("19:a", mine, f"m{to}.{code}") is None
    assert await seals.held("19:a", mine, to) is None
    assert await Seals(Store()).held("19:a", mine, seal) is None, "another key"


def test_what_a_seal_covers_is_all_that_the_bot_wrote() -> None:
    """A button, a menu, a form: whatever else stands in their data is filled in or chosen by whoever presses."""
    whole = renderer.render(ALERT, seal=lambda fields: "seal").payload
    for action in actions(whole) + actions(renderer.render_form(LIST, "1", lambda fields: "seal")):
        data = dict(action["data"])
        fields, seal = sealed(data, FORM if "form" in data else CLICK)
        assert seal == "seal"
        assert set(map(str, data.values())) - {"seal"} <= set(fields)
    wide = Card(title=ALERT.title, blocks=ALERT.blocks * 90)
    seals = Seals(Store())
    for place in (Place.of(HERE, "1:" + "x" * 60), Place.new(HERE)):
        rendered = renderer.render(wide, seal=partial(seals.seal, place))
        assert len(json.dumps(rendered.payload, separators=(",", ":"))) <= 36_000, "seals are counted"
