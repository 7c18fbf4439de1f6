"""Templates of pools, jobs and schedules, of a channel and of a person."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from bot.azure.models import JobSchedule
from bot.chat.request import Author, CommandRequest, Person
from bot.domain.bodies.limits import problems
from bot.requests.command import CommandError
from bot.requests.context import Context
from bot.requests.live import LiveAnswer, LiveAnswers
from bot.requests.preferences import TEMPLATES
from cards.card import Attachment, Card
from handlers.shared.templates import Filled, Need, from_template, made, values_of
from tests.handlers.conftest import START, Scene
from tests.handlers.test_saved import CHANNEL, CHAT, OTHER, ask, commands, golden, title

AUTHOR = Author("slack:viewer")
JOB = "texture-bake-1123-0610"


@pytest.fixture
async def saved(scene: Scene) -> Scene:
    scene.permit(operators=["slack:operator"])
    return scene


async def filled(scene: Scene, *args: Any, person: str = "viewer", **more: Any) -> Filled:
    """What a verb gets of a template, asked for in the channel."""
    request = CommandRequest("k", "", Person("slack", person), CHANNEL, START)
    ctx = Context(request, scene.dispatcher.services, "UTC", LiveAnswer(), LiveAnswers())
    return await from_template(ctx, *args, **more)


def body_of(card: Card) -> Any:
    return json.loads(next(block.content for block in card.blocks if isinstance(block, Attachment)))


async def test_a_template_is_saved_shown_listed_used_and_deleted(saved: Scene) -> None:
    done = await ask(
        saved, f"template save Bake from:job/{JOB} poolInfo.poolId={{pool:render-gpu}} priority={{priority}}"
    )
    assert title(done) == "Template bake · job · saved for everybody here"
    golden("template-save", done)
    golden("template-show", await ask(saved, "template show bake"))
    golden("template-list", await ask(saved, "template list"))
    assert body_of(done)["priority"] == "{priority}"
    assert not {"id", "state", "eTag", "executionInfo"} & set(body_of(done))
    job = await filled(saved, "job", "bake", "bake-2", "priority=7")
    assert job.body["id"] == "bake-2"
    assert (job.body["priority"], job.body["poolInfo"]) == (7, {"poolId": "render-gpu"})
    assert problems("job", job.body) == []
    assert job.needs == ()
    gone = await ask(saved, "template delete bake")
    assert title(gone) == "Templates · 0 · bake is deleted"
    golden("template-list-none", gone)


async def test_what_is_saved_of_an_entity_makes_the_same_again(saved: Scene) -> None:
    account = saved.accounts.get()
    schedules, _ = await account.every(JobSchedule, "/jobschedules", select="id")
    for noun, name in (("pool", "render-gpu"), ("job", JOB), ("schedule", schedules[0].id)):
        await ask(saved, f"template save one from:{noun}/{name}")
        shown = await ask(saved, f"show-as {noun} {name} format:json")
        assert (await filled(saved, noun, "one", name)).body == body_of(shown)


async def test_a_template_is_changed_from_itself(saved: Scene) -> None:
    await ask(saved, f"template save a from:job/{JOB} displayName={{show}}")
    card = await ask(saved, "template save a from:template/a priority=5 metadata= onAllTasksComplete=terminatejob")
    assert body_of(card)["displayName"] == "{show}"
    assert body_of(card)["priority"] == 5
    assert "metadata" not in body_of(card)
    assert "It replaces the one of that name." in str(card.blocks)


async def test_ones_own_stands_before_the_channels(saved: Scene) -> None:
    await ask(saved, f"template save a from:job/{JOB} priority=1")
    await ask(saved, f"template save a from:job/{JOB} priority=2 whose:mine")
    assert (await filled(saved, "job", "a", "x")).body["priority"] == 2
    assert (await filled(saved, "job", "a", "x", whose="channel")).body["priority"] == 1
    assert (await filled(saved, "job", "a", "x", person="other")).body["priority"] == 1
    golden("template-list-both", await ask(saved, "template list"))
    elsewhere = await ask(saved, "template list", conversation=OTHER)
    assert title(elsewhere) == "Templates · 1"
    assert title(await ask(saved, "template list", conversation=CHAT)) == "Templates · 1"


async def test_what_somebody_else_saved_for_a_channel_needs_an_operator(saved: Scene) -> None:
    await ask(saved, f"template save a from:job/{JOB}")
    for change in (f"template save a from:job/{JOB} priority=1", "template delete a"):
        refused = await ask(saved, change, person="other")
        assert refused.refused
        assert "operator" in str(refused)
    assert not (await ask(saved, f"template save a from:job/{JOB} whose:mine", person="other")).refused
    assert not (await ask(saved, "template delete a whose:channel", person="operator")).refused


async def test_secrets_are_never_stored_and_are_asked_for(saved: Scene) -> None:
    secret = "hunter2hunter2"
    body = {
        "poolInfo": {"autoPoolSpecification": {"pool": {"vmSize": "x", "userAccounts": [{"name": "ann"}]}}},
        "jobPreparationTask": {"commandLine": f"login --password {secret}"},
        "commonEnvironmentSettings": [{"name": "API_TOKEN", "value": secret}, {"name": "A", "value": "{a}"}],
    }
    template = made("job", body, [], AUTHOR, "job a")
    assert secret not in str(template)
    user = "poolInfo.autoPoolSpecification.pool.userAccounts[0].password"
    assert {need.place for need in template.needs} == {
        user,
        "jobPreparationTask.commandLine",
        "commonEnvironmentSettings[0].value",
    }
    again = made("job", template.body, ["priority=1"], AUTHOR, "job a", before=template)
    assert set(again.needs) == set(template.needs)
    await saved.store.put_preference(TEMPLATES, f"conversation:{CHANNEL.key}", "a", msgspec.json.encode(again), START)
    golden("template-show-secrets", await ask(saved, "template show a"))
    bare = await filled(saved, "job", "a", "x")
    assert len(bare.lacks) == 3
    assert bare.body["commonEnvironmentSettings"][1] == {"name": "A", "value": "{a}"}
    whole = await filled(saved, "job", "a", "x", secrets={need.place: secret for need in bare.needs})
    assert whole.lacks == ()
    assert whole.body["jobPreparationTask"] == {"commandLine": secret}
    for secrets, said in (({"priority": "x"}, "Nothing is asked for at priority"), ({user: ""}, "is empty")):
        with pytest.raises(CommandError, match=said):
            await filled(saved, "job", "a", "x", secrets=secrets)


def test_what_may_have_been_there_is_asked_for_but_not_required() -> None:
    body = {"vmSize": "x", "virtualMachineConfiguration": {"extensions": [{"name": "gpu"}]}}
    template = made("pool", body, [], AUTHOR, "pool a")
    place = "virtualMachineConfiguration.extensions[0].protectedSettings"
    assert template.needs == (Need(place, "the protected settings of extension gpu", required=False),)
    secret = "virtualMachineConfiguration.extensions[0].protectedSettings.key=hunter2"
    assert "hunter2" not in str(made("pool", body, [secret], AUTHOR, "pool a"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("template save a/b from:job/x", "cannot be a name"),
        ("template save a from:node/x", "is nothing that a template is made from"),
        ("template save a from:job", "write it as job/NAME"),
        (f"template save a from:job/{JOB} id=x", "A template has no id"),
        (f"template save a from:job/{JOB} priority", "sets nothing: write it as a place and a value"),
        (f"template save a from:job/{JOB} priority=high", "priority takes a whole number"),
        (f"template save a from:job/{JOB} metadata[9].name=x", "There is no metadata[9]"),
        (f"template save a from:job/{JOB} a..b=x", "is not a place in a body"),
        ("template save a from:template/nightly", "There is no template “nightly” here."),
        ("template show nightly", "There is no template “nightly” here."),
        ("template delete nightly", "There is no template “nightly” here."),
        ("template save a from:job/texture", "There is no job “texture”"),
    ],
)
async def test_what_cannot_be_is_said_in_words(saved: Scene, line: str, said: str) -> None:
    card = await ask(saved, line)
    assert card.refused
    assert said in str(card)


async def test_the_nearest_templates_are_offered(saved: Scene) -> None:
    await ask(saved, f"template save nightly from:job/{JOB}")
    assert "template show nightly" in commands(await ask(saved, "template show nigthly"))
    assert "template delete nightly" in commands(await ask(saved, "template delete nigthly"))


async def test_a_verb_is_told_what_does_not_fit(saved: Scene) -> None:
    await ask(saved, f"template save a from:job/{JOB} displayName={{show}}")
    for args, said in (
        (("pool", "a", "x"), "Template a makes a job, not a pool."),
        (("job", "a", "x"), "needs a value for show"),
        (("job", "a", "x", "show=1 b=2"), "has no placeholder b"),
        (("job", "a", "x", "show"), "is not a value of a placeholder"),
        (("job", "b", "x"), "There is no template “b” here."),
    ):
        with pytest.raises(CommandError, match=said):
            await filled(saved, *args)


def test_values_are_typed_as_options_are() -> None:
    assert values_of("frames=1-100 pool='gpu a' url:https://x?a=b empty=") == {
        "frames": "1-100",
        "pool": "gpu a",
        "url": "https://x?a=b",
        "empty": "",
    }
    assert values_of("") == {}
