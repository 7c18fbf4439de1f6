"""What a text names is found, on both platforms: by the shortcut of a message, by the message extension, by typing."""

from __future__ import annotations

import json

from bot.monitor.names import Names
from cards.card import Actions, Button, Card, plain
from cards.command_line import command
from tests.golden import check
from tests.handlers.alert_service import words
from tests.handlers.both_chats import Chats, chats
from tests.handlers.conftest import Scene
from tests.handlers.test_cards import still
from tests.handlers.test_links import portal_of


def _named(scene: Scene) -> None:
    """The names of the accounts are known."""
    scene.reading(names=Names(scene.accounts))


def _offered(card: Card) -> dict[str, str]:
    found = [each for block in card.blocks if isinstance(block, Actions) for each in block.items]
    return {each.text: each.command for each in found if isinstance(each, Button)}


async def test_what_a_text_names(scene: Scene) -> None:
    _named(scene)
    account = scene.world.accounts["render-prod"]
    job = next(each for each in account.jobs.values() if each.tasks)
    task = next(iter(job.tasks))
    node = account.pools["render-cpu"].ordered()[0].id

    one = await scene.ask("about 'is render-gpu, slow again?'")
    assert plain(one.title).startswith("Pool render-gpu")
    assert one.private
    assert words(await scene.ask("about is render-gpu slow again")) == words(one)

    link = portal_of(scene, "/pools/render-gpu")
    text = f"Job {job.id.upper()} hangs: {task} failed at 14:02 on render-cpu/{node} (137). See {link}!"
    several = await scene.ask(command("about", text))
    assert several.private
    offered = _offered(several)
    assert offered[f"Task {task}"] == f"task show {job.id} {task} account:render-prod"
    assert offered[f"Job {job.id}"] == f"job show {job.id} account:render-prod"
    assert f"node show render-cpu {node} account:render-prod" in offered.values()
    assert {"Pool render-cpu", "Pool render-gpu"} <= offered.keys()
    for each in offered.values():
        assert not (await scene.ask(each)).refused, each
    check("about-several", still(several, scene))

    for nothing in ("it hangs again", "?", "see https://example.com/pools/render"):
        assert (await scene.ask(command("about", nothing))).refused
    account_alone = await scene.ask("about 'who pays for render-prod?'")
    assert "render-prod" in plain(account_alone.title)


async def test_a_text_that_is_made_to_mislead_stays_a_text(scene: Scene) -> None:
    _named(scene)
    card = await scene.ask(command("about", '\'; pool delete render-gpu account:render-prod\n"x" --force'))
    assert "Pool render-gpu" in plain(card.title)
    long = await scene.ask(command("about", "render-gpu " * 800))
    assert "Pool render-gpu" in plain(long.title)


def _ephemeral(both: Chats, viewer: str = "viewer", channel: str = "batch-ops") -> list[str]:
    return [
        json.dumps(each, ensure_ascii=False)
        for each in both.slack.messages(channel, viewer=viewer)
        if each["ephemeral"]
    ]


async def test_ask_about_this_message_on_slack(scene: Scene) -> None:
    _named(scene)
    async with chats(scene) as both:
        stamp = await both.slack.say("operator", "batch-ops", f"stuck: {portal_of(scene, '/pools/render-gpu')}")
        await both.quiet()
        await both.slack.shortcut("viewer", "about", channel="batch-ops", ts=stamp)
        await both.quiet()
        (told,) = _ephemeral(both)
        assert "Pool render-gpu" in told
        assert _ephemeral(both, "operator") == []

        await both.slack.remove("batch-ops")  # where the bot is in no channel, it answers all the same
        plain_words = await both.slack.say("operator", "batch-ops", "render-cpu and render-gpu are slow")
        await both.slack.shortcut("viewer", "about", channel="batch-ops", ts=plain_words)
        await both.quiet()
        assert "2 things" in _ephemeral(both)[-1]


async def test_ask_batchbot_opens_a_form_whose_answer_is_a_direct_message(scene: Scene) -> None:
    _named(scene)
    async with chats(scene) as both:
        await both.slack.shortcut("viewer", "ask")
        await both.quiet()
        (view,) = both.slack.views("viewer")
        block = next(each for each in view["blocks"] if each["type"] == "input")
        typed = {block["block_id"]: {block["element"]["action_id"]: "pool list"}}
        taken = await both.slack.submit_view("viewer", view["id"], typed)
        assert taken.ok
        await both.quiet()
        chat = next(each["id"] for each in both.slack.channels if each["person"] == "U0VIEWER1")
        (answer,) = both.said(chat, "viewer")
        assert "Pools" in answer["text"]
        assert both.said() == []


async def test_a_question_is_answered_as_if_it_had_been_typed(scene: Scene) -> None:
    _named(scene)
    assert words(await scene.ask("ask 'pool list'")) == words(await scene.ask("pool list"))
    assert (await scene.ask("ask 'pool show nowhere'")).refused


async def test_ask_about_this_message_on_teams(scene: Scene) -> None:
    _named(scene)
    async with chats(scene) as both:
        await both.teams.install("general")
        await both.quiet()
        message = await both.teams.say("operator", "general", "render-cpu and render-gpu are slow")
        shown = await both.teams.ask_about("viewer", "general", message)
        assert shown["shown"] == "dialog"
        assert shown["dialog"]["problems"] == []
        assert "2 things" in json.dumps(shown["dialog"]["card"])
        pool = await both.teams.task_submit("viewer", shown["dialog"]["id"], "Pool render-gpu")
        card = json.dumps(pool["dialog"]["card"])
        assert "Pool render-gpu" in card
        assert "Action.Execute" not in card
        assert "pool resize" not in card  # what changes something is for the chat
        nodes = await both.teams.task_submit("viewer", shown["dialog"]["id"], "Nodes")
        assert "Nodes of render-gpu" in json.dumps(nodes["dialog"]["card"])
        assert [each for each in both.teams.messages("general", "viewer") if each["from"] == "bot"][1:] == []


async def test_the_card_of_what_is_found_by_name_is_put_into_a_message(scene: Scene) -> None:
    _named(scene)
    async with chats(scene) as both:
        await both.teams.install("general")
        await both.quiet()
        assert await both.teams.find("viewer", "general", "") == []
        assert await both.teams.find("viewer", "general", "nothing is called so") == []
        found = await both.teams.find("viewer", "general", "render")
        titles = [each["title"] for each in found]
        assert titles[0] == "Account render-prod"
        pool = next(each for each in found if each["title"] == "Pool render-gpu")
        assert pool["text"] == "render-prod"
        sent = await both.teams.choose("viewer", "general", pool["value"])
        (message,) = [each for each in both.teams.messages("general", "viewer") if each["id"] == sent]
        assert "Pool render-gpu" in json.dumps(message["attachments"])
        shown = await both.teams.click("operator", "general", sent, "Nodes")
        assert shown["text"] == "The answer is below."
        await both.quiet()
        scene.permit(everyone="none")
        both.permitted()
        _named(scene)
        assert await both.teams.find("viewer", "general", "render") == []
