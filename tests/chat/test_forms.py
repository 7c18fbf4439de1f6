"""Forms that are checked while they are open: one program behind both strict stand-ins, over HTTP."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.chat.budget import Priority
from bot.chat.slack import forms as modals
from bot.chat.teams import messages
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from bot.sandbox.slack.errors import StandInError
from bot.sandbox.teams.errors import StandInError as TeamsError
from bot.settings import AccessSettings
from cards.build import text
from cards.card import Card, Field, Mark, Note, Option, plain
from tests.chat.test_suggestions import Room, until

SIZES = {"cpu": ("d4", "d8"), "gpu": ("nc4", "nc6")}


class Checks:
    """How the check of the form behaves, and what it was called with."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.people: list[str] = []
        self.slow: dict[str, asyncio.Event] = {}
        """Names whose check waits."""
        self.error: Exception | None = None


CHECKS = Checks()


@command("pool try", effect="read")
async def try_pool(
    ctx: Context,
    pool: str,
    *,
    family: str | None = None,
    size: str | None = None,
    nodes: int = 1,
    start: str | None = None,
    begin: str | None = None,
    quiet: str | None = None,
    spec: str | None = None,
) -> Card:
    """Make a pool that is none.

    :param pool: its name
    :param family: the family of machines
    :param size: the machine
    :param nodes: how many
    :param start: the start task
    :param begin: not before
    :param quiet: when it scales in
    :param spec: the specification
    """
    return Card(title=text(f"{pool} {size}"))


@form_of(
    "pool try",
    Field("pool", "Name", refresh=True),
    Field("family", "Family", "choice", options=(Option("CPU", "cpu"), Option("GPU", "gpu")), refresh=True),
    Field("size", "Machine", "choice"),
    Field("nodes", "Nodes", "number", refresh=True, least=0, most=36),
    Field("start", "Start task", lines=True),
    Field("begin", "Not before", "moment", more=True),
    Field("quiet", "Scale in at", "time", more=True),
    Field("spec", "Specification", "file", more=True),
)
async def try_form(ctx: Context, values: Values) -> FormChanges:
    CHECKS.seen.append(dict(values))
    CHECKS.people.append(ctx.request.person.id)
    name = values.get("pool", "")
    if gate := CHECKS.slow.get(name):
        await gate.wait()
    if CHECKS.error:
        raise CHECKS.error
    offered = SIZES.get(values.get("family", ""), ())
    gone = values.get("size") and values["size"] not in offered
    return FormChanges(
        prefill={"pool": "pool-1", "family": "cpu"},
        values={"size": ""} if gone else {},
        options={"size": tuple(Option(each.upper(), each) for each in offered)},
        errors={"pool": "There is such a pool already."} if name == "taken" else {},
        notes=(Note(text(f"{name or 'it'} costs ${values.get('nodes', '0')}/h"), Mark.DONE),),
    )


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    CHECKS.__init__()  # type: ignore[misc]
    room = Room(tmp_path, AccessSettings())
    room.registry.collect(sys.modules[__name__])
    await room.start()
    yield room
    for gate in CHECKS.slow.values():
        gate.set()
    await room.close()


# Slack


def block_of(view: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A field's input block in a view."""
    return next(
        dict(block)
        for block in view["blocks"]
        if block["type"] == "input" and block["block_id"].partition(":")[2] == name
    )


def names(view: Mapping[str, Any]) -> list[str]:
    return [block["block_id"].partition(":")[2] for block in view["blocks"] if block["type"] == "input"]


def words(view: Mapping[str, Any]) -> str:
    """What stands in a view beside its inputs."""
    texts = [block["text"]["text"].strip("*") for block in view["blocks"] if block["type"] == "section"]
    small = [each["text"] for block in view["blocks"] if block["type"] == "context" for each in block["elements"]]
    return "\n".join([*texts, *small])


class Modal:
    """What one person does in a modal; ``typed`` is what they have filled in so far."""

    def __init__(self, room: Room, user: str, view: Mapping[str, Any]) -> None:
        self.room, self.user, self.id = room, user, view["id"]
        self.typed: dict[str, dict[str, Any]] = {}

    @property
    def view(self) -> dict[str, Any]:
        return next(dict(each) for each in self.room.workspace.views(self.user) if each["id"] == self.id)

    def put(self, name: str, value: Any) -> dict[str, Any]:
        """Fill in a field that tells nobody."""
        block = block_of(self.view, name)
        packed = f'"{value}"' if block["element"]["type"] == "static_select" else value
        self.typed[block["block_id"]] = {block["element"]["action_id"]: packed}
        return block

    async def change(self, name: str, value: Any) -> None:
        """Fill in a field that tells the app."""
        block = self.put(name, value)
        element = block["element"]
        option = self.typed[block["block_id"]][element["action_id"]]
        taken = await self.room.workspace.click_in_view(
            self.user, self.id, element["action_id"], block["block_id"], option=option, state=self.typed
        )
        assert taken.ok

    async def says(self, what: str) -> dict[str, Any]:
        await until(lambda: what in words(self.view))
        return self.view

    async def send(self) -> Any:
        there = {block["block_id"] for block in self.view["blocks"] if block["type"] == "input"}
        state = {block: value for block, value in self.typed.items() if block in there}
        return await self.room.workspace.submit_view(self.user, self.id, state)


async def opened(room: Room, user: str = "viewer") -> Modal:
    """The form by its button in the help."""
    before = len(room.workspace.messages("batch-ops"))
    await room.workspace.command(user, "batch-ops", "help pool try")
    answers = await until(lambda: [m for m in room.workspace.messages("batch-ops")[before:] if m.get("bot_id")])
    block, button = next(
        (block, each)
        for block in answers[-1]["blocks"]
        if block["type"] == "actions"
        for each in block["elements"]
        if 'h":"form' in each.get("value", "")
    )
    await room.workspace.click(user, "batch-ops", answers[-1]["ts"], button["action_id"], block["block_id"])
    views = await until(lambda: room.workspace.views(user))
    return Modal(room, user, views[0])


async def test_a_modal_is_filled_before_it_opens(room: Room) -> None:
    modal = await opened(room)
    assert names(modal.view) == ["pool", "family", "size", "nodes", "start"]
    assert block_of(modal.view, "pool")["element"]["initial_value"] == "pool-1"
    assert block_of(modal.view, "family")["element"]["initial_option"]["value"] == '"cpu"'
    assert "pool-1 costs $1/h" in words(modal.view)
    assert CHECKS.seen == [{"nodes": "1"}, {"nodes": "1", "pool": "pool-1", "family": "cpu"}]


async def test_a_change_brings_options_and_keeps_what_is_typed(room: Room) -> None:
    modal = await opened(room)
    modal.put("start", "apt-get update\napt-get install x")
    await modal.change("nodes", "12")
    await modal.change("family", "gpu")
    view = await modal.says("pool-1 costs $12/h")
    await until(lambda: "nc6" in str(block_of(modal.view, "size")))
    view = modal.view
    assert [each["value"] for each in block_of(view, "size")["element"]["options"]] == ['"nc4"', '"nc6"']
    assert view["state"]["values"]["field:start"]["value"]["value"] == "apt-get update\napt-get install x"
    assert CHECKS.seen[-1] == {
        "pool": "pool-1", "family": "gpu", "nodes": "12", "start": "apt-get update\napt-get install x"
    }  # fmt: skip
    modal.put("size", "nc6")
    await modal.change("family", "cpu")
    await until(lambda: block_of(modal.view, "size")["block_id"] == "field.1:size")
    assert "initial_option" not in block_of(modal.view, "size")["element"], "what is not offered any more has gone"
    assert (await modal.send()).ok
    sent = room.intake.asked[-1]
    assert sent.text == "pool try"
    assert sent.values["start"].startswith("apt-get update\n")
    assert "size" not in sent.values


async def test_the_newest_change_wins(room: Room) -> None:
    CHECKS.slow["first"] = asyncio.Event()
    modal = await opened(room)
    await modal.change("pool", "first")
    await until(lambda: CHECKS.seen[-1].get("pool") == "first")
    await modal.change("pool", "second")
    await modal.says("second costs $1/h")
    CHECKS.slow["first"].set()
    await asyncio.sleep(0.3)
    assert "second costs" in words(modal.view)
    assert modal.view["state"]["values"]["field:pool"]["live"]["value"] == "second"


async def test_letters_are_checked_together(room: Room) -> None:
    modal = await opened(room)
    for typed in ("r", "re", "render"):
        await modal.change("pool", typed)
    await modal.says("render costs")
    assert [each.get("pool") for each in CHECKS.seen[2:]] == ["render"]


async def test_a_stale_hash_is_refused_and_the_newest_view_is_taken(room: Room) -> None:
    """A change that was made before an update of ours arrived names a view that is not there any more."""
    modal = await opened(room)
    stale = modal.view
    await modal.change("nodes", "5")
    await modal.says("$5/h")
    body = {
        "user": {"id": "U0VIEWER1", "team_id": "T0SANDBOX"},
        "view": {**stale, "state": {"values": {"field:nodes": {"live": {"type": "number_input", "value": "7"}}}}},
        "actions": [{"action_id": "live", "type": "static_select"}],
    }
    await room.slack._forms.refresh(room.intake, body)  # type: ignore[attr-defined]
    assert "$7/h" in words(modal.view)
    room.slack._forms._open.clear()  # type: ignore[attr-defined]
    await room.slack._forms.refresh(room.intake, {**body, "view": stale})  # type: ignore[attr-defined]
    assert "$7/h" in words(modal.view), "an update that would undo another is dropped"


async def test_more_fields_on_demand(room: Room) -> None:
    modal = await opened(room)
    modal.put("pool", "render")
    button = next(block for block in modal.view["blocks"] if block["type"] == "actions")
    await room.workspace.click_in_view(
        "viewer", modal.id, button["elements"][0]["action_id"], button["block_id"], value="more", state=modal.typed
    )
    await until(lambda: "spec" in names(modal.view))
    assert modal.view["state"]["values"]["field:pool"]["live"]["value"] == "render"
    modal.put("begin", 1_795_000_000)
    modal.put("quiet", "22:00")
    modal.put("spec", [await room.workspace.attach("viewer", "pool.json", b"{}")])
    await modal.change("nodes", "3")
    view = await modal.says("$3/h")
    assert names(view)[-3:] == ["begin", "quiet", "spec"], "what was shown stays shown"
    with pytest.raises(StandInError, match="cannot be set"):
        await room.workspace.submit_view("viewer", modal.id, {"field:quiet": {"value": "25:00"}})
    assert (await modal.send()).ok
    values = room.intake.asked[-1].values
    assert values["begin"] == "2026-11-18T11:06Z"
    assert values["quiet"] == "22:00"
    assert values["spec"].startswith("file:F")


async def test_what_is_wrong_is_said_at_the_field(room: Room) -> None:
    modal = await opened(room)
    await modal.change("pool", "taken")
    await modal.says("✖\xa0There is such a pool already.")
    before = len(room.intake.asked)
    await modal.send()
    shown = next(each for each in room.workspace.views("viewer") if each["id"] == modal.id)
    assert shown["errors"] == {"field:pool": "There is such a pool already."}
    assert len(room.intake.asked) == before
    modal.put("pool", "")
    modal.typed["field:pool"] = {"live": None}
    with pytest.raises(StandInError, match="required"):
        await modal.send()
    modal.put("pool", "free")
    assert (await modal.send()).ok
    assert room.intake.asked[-1].values["pool"] == "free"
    assert room.workspace.views("viewer") == []


async def test_two_people_have_a_form_each(room: Room) -> None:
    one = await opened(room, "viewer")
    other = await opened(room, "operator")
    await asyncio.gather(one.change("pool", "alpha"), other.change("pool", "beta"))
    assert "alpha costs" in words(await one.says("alpha costs"))
    assert "beta costs" in words(await other.says("beta costs"))
    assert len(set(CHECKS.people)) == 2


async def test_a_slow_check_does_not_keep_a_modal_from_opening(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modals, "OPEN_SECONDS", 0.1)
    monkeypatch.setattr(modals, "SUBMIT_SECONDS", 0.1)
    CHECKS.slow[""] = CHECKS.slow["render"] = asyncio.Event()
    modal = await opened(room)
    assert "could not be checked in time" in words(modal.view)
    modal.put("pool", "render")
    assert (await modal.send()).ok, "the command says itself what is wrong with it"
    assert room.intake.asked[-1].values["pool"] == "render"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("secret"), "This could not be checked; the log has the cause."),
        (CommandError("No such."), "No such."),
    ],
)
async def test_a_failing_check_says_so_and_nothing_is_lost(room: Room, error: Exception, said: str) -> None:
    modal = await opened(room)
    await modal.change("family", "gpu")
    await until(lambda: "nc6" in str(block_of(modal.view, "size")))
    modal.put("size", "nc6")
    CHECKS.error = error
    with capture_logs() as logs:
        await modal.change("nodes", "9")
        view = await modal.says(said)
        assert (await modal.send()).ok
    assert any(each["event"] == "form.check_failed" for each in logs) is not isinstance(error, CommandError)
    assert "secret" not in str(view)
    assert view["state"]["values"]["field:size"]["value"]["selected_option"]["value"] == '"nc6"'
    assert room.intake.asked[-1].values | {"start": ""} == {
        "pool": "pool-1", "family": "gpu", "size": "nc6", "nodes": "9", "start": ""
    }  # fmt: skip


# Teams


class Dialog:
    """What one person does in a dialog."""

    def __init__(self, room: Room, user: str, shown: Mapping[str, Any]) -> None:
        assert shown["shown"] == "dialog", shown
        self.room, self.user, self.shown = room, user, dict(shown["dialog"])

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs by their ids."""
        found: dict[str, Any] = {}
        for element in self.shown["card"]["body"]:
            for each in [element, *element.get("items", ())]:
                if each["type"].startswith("Input."):
                    found[each["id"]] = each
        return found

    @property
    def said(self) -> str:
        lines = [e for e in self.shown["card"]["body"] if e["type"] == "RichTextBlock"]
        return "\n".join("".join(i if isinstance(i, str) else i["text"] for i in e["inlines"]) for e in lines)

    async def press(self, button: str, **values: str) -> dict[str, Any]:
        given = {name.replace("_", ":"): value for name, value in values.items()}
        answer = await self.room.meeting.outside.task_submit(self.user, self.shown["id"], button, given)
        if answer["shown"] == "dialog":
            self.shown = answer["dialog"]
            assert self.shown["problems"] == []
        return dict(answer)


async def dialog(room: Room, user: str = "viewer") -> Dialog:
    outside = room.meeting.outside
    await outside.install(user)
    await outside.say(user, user, "help pool try")
    await room.intake.done()
    message = [each for each in outside.messages(user) if each["from"] == "bot"][-1]
    return Dialog(room, user, await outside.click(user, user, message["id"], "Fill in…"))


async def test_a_dialog_is_checked_by_its_button(room: Room) -> None:
    form = await dialog(room)
    assert form.inputs["field:pool"]["value"] == "pool-1"
    assert "isRequired" not in form.inputs["field:pool"]
    assert "pool-1 costs $1/h" in form.said
    answer = await form.press("Check", field_family="gpu", field_nodes="12", field_start="a\nb", field_quiet="22:00")
    assert answer["shown"] == "dialog"
    assert "pool-1 costs $12/h" in form.said
    assert [each["value"] for each in form.inputs["field:size"]["choices"]] == ["nc4", "nc6"]
    kept = {name: each["value"] for name, each in form.inputs.items() if "value" in each}
    assert kept == {
        "field:pool": "pool-1", "field:family": "gpu", "field:nodes": 12, "field:start": "a\nb", "field:quiet": "22:00"
    }  # fmt: skip
    await form.press("Check", field_pool="", field_size="nc6")
    assert "✖\xa0Name is needed." in form.said
    before = len(room.intake.asked)
    await form.press("Run", field_pool="taken")
    assert "✖\xa0There is such a pool already." in form.said
    assert len(room.intake.asked) == before
    with pytest.raises(TeamsError, match="InputInvalid"):
        await form.press("Run", field_quiet="25:00")
    ended = await form.press("Run", field_pool="free", day_begin="2026-11-23", hour_begin="22:00")
    assert ended["shown"] == "nothing"
    assert room.intake.asked[-1].values == {
        "pool": "free", "family": "gpu", "size": "nc6", "nodes": "12", "start": "a\nb", "quiet": "22:00",
        "begin": "2026-11-24T04:00Z",
    }, "ten in the evening in the zone of whoever asks"  # fmt: skip
    assert room.meeting.outside.refused == []


async def test_a_late_check_of_a_dialog_is_given_up(room: Room) -> None:
    form = await dialog(room)
    _, _, invokes = room.meeting.teams._parts()
    invokes._patience = 0.2
    CHECKS.slow["late"] = asyncio.Event()
    await form.press("Check", field_pool="late", field_start="kept")
    assert "could not be checked in time" in form.said
    assert form.inputs["field:start"]["value"] == "kept"
    assert (await form.press("Run"))["shown"] == "nothing"
    assert room.intake.asked[-1].values["pool"] == "late"


async def test_two_people_have_a_dialog_each(room: Room) -> None:
    one, other = await dialog(room, "viewer"), await dialog(room, "operator")
    await asyncio.gather(one.press("Check", field_pool="alpha"), other.press("Check", field_pool="beta"))
    assert "alpha costs" in one.said
    assert "beta costs" in other.said


async def test_a_form_in_a_conversation_is_checked_in_its_place(room: Room) -> None:
    """For clients that open no dialogs."""
    outside = room.meeting.outside
    await outside.install("viewer")
    request = room.intake.asked[-1]
    _, outbound, _ = room.meeting.teams._parts()
    form = await room.intake.form("pool try", request)
    assert not isinstance(form, Card)
    message = await messages.post_form(outbound, request.conversation, form, "", Priority.ANSWER)
    await outside.click("viewer", "viewer", message, "Check", {"field:pool": "taken", "field:nodes": "2"})
    shown = next(each for each in outside.messages("viewer") if each["id"] == message)
    card = shown["attachments"][0]["content"]
    assert "There is such a pool already." in str(card)
    assert next(each for each in card["body"] if each.get("id") == "field:nodes")["value"] == 2
    before = len(room.intake.asked)
    await outside.click("viewer", "viewer", message, "Run", {"field:pool": "free"})
    await until(lambda: len(room.intake.asked) > before)
    assert room.intake.asked[-1].values["pool"] == "free"


# The terminal, and what all share


async def test_who_may_not_run_a_command_gets_no_form(room: Room) -> None:
    await room.meeting.outside.install("viewer")
    request = room.intake.asked[-1]
    found = await room.intake.form("pool tri", request)
    assert isinstance(found, Card)
    assert "no command" in plain(found.title)


# A form that is made from its signature alone


async def test_a_mistake_in_any_form_stays_in_it_on_slack(room: Room) -> None:
    view = await room.modal("pool list")
    filter_ = block_of(view, "filter")
    sent = {filter_["block_id"]: {filter_["element"]["action_id"]: "stat:active"}}
    await room.workspace.submit_view("viewer", view["id"], sent)
    shown = next(each for each in room.workspace.views("viewer") if each["id"] == view["id"])
    assert list(shown["errors"]) == ["field:filter"]
    assert "There is no field “stat”" in shown["errors"]["field:filter"]
    assert not [each for each in room.intake.asked if each.values], "nothing was asked"


async def test_a_mistake_in_any_form_stays_in_it_on_teams(room: Room) -> None:
    outside = room.meeting.outside
    await outside.install("viewer")
    await outside.say("viewer", "viewer", "help pool list")
    await room.intake.done()
    message = [each for each in outside.messages("viewer") if each["from"] == "bot"][-1]
    form = Dialog(room, "viewer", await outside.click("viewer", "viewer", message["id"], "Fill in…"))
    answer = await form.press("Run", field_filter="stat:active", field_sort="name")
    assert answer["shown"] == "dialog"
    assert "✖\xa0There is no field “stat”" in form.said
    kept = {name: each["value"] for name, each in form.inputs.items() if "value" in each}
    assert kept == {"field:filter": "stat:active", "field:sort": "name"}
    assert outside.refused == []
