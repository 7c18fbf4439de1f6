"""Files that people attach in Slack: to a form and to a message, fetched from Slack and from nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.port import FetchError
from bot.chat.request import CommandRequest, Person
from bot.chat.slack.files import fetch
from cards.card import Card, Field, Form
from tests.chat import test_slack
from tests.chat.test_slack import SlackHarness

CONTENT = "frame\n1\nä\n".encode()


@pytest.fixture
async def harness() -> AsyncIterator[SlackHarness]:
    async for made in test_slack._harness("http"):
        yield made


def form(request: CommandRequest) -> Form:
    return Form("Task add", "task add", (Field("tasks", "JSON or CSV", "file", most=1),))


async def test_a_file_of_a_form_comes_as_a_reference_and_is_fetched_afterwards(harness: SlackHarness) -> None:
    workspace, intake = harness.workspace, harness.intake

    async def opened(command: str, request: CommandRequest, **more: Any) -> Form | Card:
        return form(request)

    intake.form = opened  # type: ignore[method-assign]
    intake.card = test_slack._with_actions
    await workspace.command("viewer", "batch-ops", "pool list")
    await harness.until(harness.bot_messages)
    message = harness.bot_messages()[-1]
    button = next(each for each in test_slack._actions(message) if each["text"]["text"] == "Filter…")
    await workspace.click("viewer", "batch-ops", message["ts"], button["action_id"], button["block_id"])
    await harness.until(lambda: workspace.views("viewer"))
    view = workspace.views("viewer")[-1]
    block = next(each for each in view["blocks"] if each["type"] == "input")
    assert block["element"]["type"] == "file_input"
    file = await workspace.attach("viewer", "frames.csv", CONTENT)
    state = {block["block_id"]: {block["element"]["action_id"]: [file]}}
    assert (await workspace.submit_view("viewer", view["id"], state)).ok
    await harness.until(lambda: intake.asks[-1].values)
    request = intake.asks[-1]
    assert request.values == {"tasks": f"file:{file}"}
    assert await harness.slack.fetch(request, file, 1000) == ("frames.csv", CONTENT)


async def test_a_file_beside_a_mention_or_in_a_direct_message(harness: SlackHarness) -> None:
    workspace, intake = harness.workspace, harness.intake
    direct = next(
        each["id"]
        for each in workspace.channels
        if each["kind"] == "im" and each["person"] == test_slack._id(harness, "viewer")
    )
    for channel, said in (("batch-ops", "@batchbot task add nightly"), (direct, "task add nightly")):
        file = await workspace.attach("viewer", "frames.csv", CONTENT)
        await workspace.say("viewer", channel, said, files=[file])
        await harness.until(lambda file=file: intake.asks and intake.asks[-1].files == (file,))  # type: ignore[misc]
        assert intake.asks[-1].text == "task add nightly"
        assert await harness.slack.fetch(intake.asks[-1], file, 1000) == ("frames.csv", CONTENT)


async def test_what_is_refused_says_why(harness: SlackHarness) -> None:
    file = await harness.workspace.attach("viewer", "frames.csv", CONTENT)
    client = AsyncWebClient(token=harness.workspace.settings.bot_token, base_url=harness.workspace.api_url)
    viewer, other = (Person("slack", test_slack._id(harness, role)) for role in ("viewer", "operator"))
    token = harness.workspace.settings.bot_token
    with pytest.raises(FetchError, match=r"frames\.csv was attached by somebody else"):
        await fetch(client, token, other, file, 1000)
    with pytest.raises(FetchError, match="has 11 bytes, and 10 bytes is the most"):
        await fetch(client, token, viewer, file, 10)
    with pytest.raises(FetchError, match="not there any more"):
        await fetch(client, token, viewer, "F0NONE", 1000)
    with pytest.raises(FetchError, match="scope files:read"):
        await fetch(client, "xoxb-another", viewer, file, 1000)
    harness.workspace.faults.outage = True
    with pytest.raises(FetchError, match="try again"):
        await fetch(client, token, viewer, file, 1000)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/files-pri/T1-F1/x.csv",
        "http://files.slack.com/files-pri/T1-F1/x.csv",
        "https://files.slack.com.evil.example/x",
        "https://files.slack.com@evil.example/x",
        "https://evil@files.slack.com/x",
        "https://notslack.com/x",
        "",
    ],
)
async def test_the_token_goes_to_slack_alone(url: str) -> None:
    class Client:
        base_url = "https://slack.com/api/"

        async def files_info(self, file: str) -> dict[str, Any]:
            return {"file": {"name": "x.csv", "user": "U1", "size": 3, "url_private_download": url}}

    with pytest.raises(FetchError, match="not kept by Slack itself"):
        await fetch(Client(), "token", Person("slack", "U1"), "F1", 10)  # type: ignore[arg-type]
