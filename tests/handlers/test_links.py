"""Links to Azure that people post become cards, on both platforms, for whoever may see them there."""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import replace

from bot.monitor.names import Names
from tests.golden import check
from tests.handlers.both_chats import Chats, chats
from tests.handlers.conftest import Scene, nobody
from tests.handlers.test_cards import still


def portal_of(scene: Scene, path: str, account: str = "render-prod") -> str:
    return f"https://portal.azure.com/#@studio.example/resource{scene.accounts.get(account).resource_id}{path}"


def _cards(message: dict[str, Any]) -> list[str]:
    return [json.dumps(each["blocks"], ensure_ascii=False) for each in message.get("attachments", ())]


async def _posted(both: Chats, text: str, user: str = "viewer", channel: str = "batch-ops") -> dict[str, Any]:
    """A message, with what is shown below it."""
    stamp = await both.slack.say(user, channel, text)
    await both.quiet()
    return next(each for each in both.slack.messages(channel) if each["ts"] == stamp)


async def test_links_on_slack(scene: Scene) -> None:
    job = next(iter(scene.world.accounts["render-prod"].jobs.values()))
    async with chats(scene) as both:
        pool = await _posted(both, f"look at {portal_of(scene, '/pools/render-gpu')} please")
        (card,) = _cards(pool)
        assert "Pool render-gpu" in card
        assert "resize failed" in card
        assert "All details" not in card
        assert both.said() == []  # it is the person's message that has the card

        click = pool["attachments"][0]
        button = next(
            element
            for block in click["blocks"]
            if block["type"] == "actions"
            for element in block["elements"]
            if element["text"]["text"] == "Nodes"
        )
        await both.slack.click("operator", "batch-ops", pool["ts"], button["action_id"])
        await both.quiet()
        (answer,) = both.said()
        assert "Nodes" in answer["text"]
        assert answer["thread_ts"] == pool["ts"]

        several = [portal_of(scene, ""), portal_of(scene, f"/jobs/{job.id}"), portal_of(scene, "/pools/nowhere")]
        many = await _posted(both, " ".join([*several, "https://example.com/"]))
        first, second = _cards(many)
        assert "render-prod" in first
        assert job.id in second

        for left in (
            portal_of(scene, "/pools/nowhere"),
            portal_of(scene, "").replace("render-prod", "another"),
            "https://portal.azure.com/#home",
        ):
            assert _cards(await _posted(both, left)) == []
        assert len(both.said()) == 1


async def test_links_on_slack_where_the_bot_has_no_say(scene: Scene) -> None:
    pool = portal_of(scene, "/pools/render-gpu")
    async with chats(scene) as both:
        await both.slack.remove("batch-ops")
        assert _cards(await _posted(both, pool)) == []
        await both.slack.invite("batch-ops")
        assert len(_cards(await _posted(both, pool))) == 1
        scene.permit(everyone="none")
        both.permitted()
        assert _cards(await _posted(both, pool)) == []


async def test_links_of_guests_and_foreigners_are_left_alone(scene: Scene) -> None:
    url = portal_of(scene, "/pools/render-gpu")
    asked = nobody()
    shown = await scene.dispatcher.link_cards(asked, [url, url])
    assert list(shown) == [url]
    check("link-pool", still(shown[url], scene))
    for kind in ("guest", "foreign", "bot"):
        scene.permit(admins=[asked.person.key])
        outsider = replace(asked, person=replace(asked.person, kind=kind))
        assert await scene.dispatcher.link_cards(outsider, [url]) == {}
    unread = replace(asked, person=replace(asked.person, kind_read=False))
    assert await scene.dispatcher.link_cards(unread, [url]) == {}


async def test_who_may_be_a_guest_is_shown_nothing_outside_of_conversations(scene: Scene) -> None:
    """The Home tab and the message extension of Teams show answers where the bot is in no conversation."""
    scene.reading(names=Names(scene.accounts))
    asked = replace(nobody(), text="pool show render-gpu account:render-prod")
    unread = replace(asked, person=replace(asked.person, kind_read=False))
    for request, seen in ((asked, True), (unread, False)):
        card = await scene.dispatcher.read(request)
        assert card is not None
        assert ("render-gpu" in str(card)) is seen
        assert bool(await scene.dispatcher.find(request, "render", 5)) is seen
    scene.permit(viewers=[asked.person.key])
    scene.reading(names=Names(scene.accounts))
    assert "render-gpu" in str(await scene.dispatcher.read(unread)), "the settings name them, whatever they are"


async def test_a_link_pasted_in_teams(scene: Scene) -> None:
    async with chats(scene) as both:
        await both.teams.install("general")
        await both.quiet()
        said = await both.teams.say("viewer", "general", f"look at {portal_of(scene, '/pools/render-gpu')} please")
        await both.quiet()
        (message,) = [each for each in both.teams.messages("general", "viewer") if each["id"] == said]
        (card,) = message["attachments"]
        assert "Pool render-gpu" in json.dumps(card)
        shown = await both.teams.click("operator", "general", said, "Nodes")
        assert shown == {"shown": "message", "text": "The answer is below."}
        await both.quiet()
        last = both.teams.messages("general", "viewer")[-1]
        assert "Nodes" in last["summary"]
        for left in (portal_of(scene, "/pools/nowhere"), portal_of(scene, "").replace("render-prod", "another")):
            plain = await both.teams.say("viewer", "general", f"or {left}")
            (message,) = [each for each in both.teams.messages("general", "viewer") if each["id"] == plain]
            assert message["attachments"] == []
