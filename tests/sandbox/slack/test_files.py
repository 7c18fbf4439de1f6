"""Uploads by the real client; a file can be shown once it is processed, and not before."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest
from PIL import Image
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn, StandInError
from tests.sandbox.slack.workspace import OPS, client_of, next_of, refusal, workspace


def png() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (90, 45)).save(data, "PNG")
    return data.getvalue()


def shows(file_id: str) -> list[dict[str, Any]]:
    return [{"type": "image", "alt_text": "busy and all cores", "slack_file": {"id": file_id}}]


async def upload(client: AsyncWebClient, **more: Any) -> str:
    answer = await client.files_upload_v2(filename="usage.png", content=png(), title="Usage", **more)
    return str(answer["files"][0]["id"])


async def test_a_picture_can_be_shown_when_it_is_processed_and_not_before() -> None:
    async with workspace(file_processing=(0.2, 0.2)) as slack:
        queue, client = slack.subscribe(), client_of(slack)
        file = await upload(client)
        early = (await client.files_info(file=file))["file"]
        assert (early["mimetype"], "original_w" in early) == ("", False)
        posting = client.chat_postMessage(channel=OPS, text="x", blocks=shows(file))
        assert await refusal(posting) == "invalid_blocks"
        await next_of(queue, "file_ready")
        late = (await client.files_info(file=file))["file"]
        assert (late["mimetype"], late["original_w"], late["original_h"]) == ("image/png", 90, 45)
        assert late["title"] == "Usage"
        await client.chat_postMessage(channel=OPS, text="x", blocks=shows(file))


async def test_a_file_is_private_until_a_message_refers_to_it(slack: SlackStandIn, client: AsyncWebClient) -> None:
    queue = slack.subscribe()
    file = await upload(client)
    await next_of(queue, "file_ready")
    with pytest.raises(StandInError, match="file_not_found"):
        slack.file_bytes(file, viewer="viewer")
    posted = await client.chat_postMessage(channel="D0VIEWER1", text="x")
    await client.chat_update(channel="D0VIEWER1", ts=posted["ts"], text="x", blocks=shows(file))
    assert slack.file_bytes(file, viewer="viewer") == ("image/png", png())
    assert slack.file(file)["ims"] == ["D0VIEWER1"]
    with pytest.raises(StandInError, match="file_not_found"):
        slack.file_bytes(file, viewer="admin")


async def test_with_a_channel_a_message_follows(slack: SlackStandIn, client: AsyncWebClient) -> None:
    queue = slack.subscribe()
    root = await slack.say("viewer", OPS, "usage")
    file = await upload(client, channel=OPS, thread_ts=root, initial_comment="here")
    while (told := (await next_of(queue, "message"))["message"])["text"] != "here":
        pass
    assert (told["files"][0]["id"], told["thread_ts"]) == (file, root)
    assert OPS in slack.file(file)["shares"]["public"]
    assert await refusal(client.files_completeUploadExternal(files=[{"id": file}])) == "file_not_found"


async def test_the_bytes_are_for_those_who_show_a_token(slack: SlackStandIn, client: AsyncWebClient) -> None:
    queue = slack.subscribe()
    file = await upload(client)
    await next_of(queue, "file_ready")
    url = (await client.files_info(file=file))["file"]["url_private"]
    bearer = {"Authorization": f"Bearer {slack.settings.bot_token}"}
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers=bearer) as answer:
            assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", png())
        async with session.get(url, allow_redirects=False) as answer:
            assert answer.status == 302


async def test_refusals(slack: SlackStandIn, client: AsyncWebClient) -> None:
    assert await refusal(client.files_info(file="F404")) == "file_not_found"
    assert await refusal(client.files_getUploadURLExternal(filename="x", length=0)) == "invalid_arguments"
    reserved = await client.files_getUploadURLExternal(filename="x", length=3)
    assert await refusal(client.files_info(file=reserved["file_id"])) == "file_not_found"
    empty = client.files_completeUploadExternal(files=[{"id": reserved["file_id"]}])
    assert await refusal(empty) == "file_not_found"
    async with aiohttp.ClientSession() as session:
        async with session.post(reserved["upload_url"], data=b"four") as answer:
            assert (answer.status, await answer.text()) == (400, "length_mismatch")
        form = aiohttp.FormData()
        form.add_field("file", b"abc", filename="x")
        async with session.post(reserved["upload_url"], data=form) as answer:
            assert (answer.status, await answer.text()) == (200, "OK - 3")
        async with session.post(reserved["upload_url"], data=b"abc") as answer:
            assert answer.status == 400
    nowhere = client.files_completeUploadExternal(files=[{"id": reserved["file_id"]}], channel_id="C0RANDOM1")
    assert await refusal(nowhere) == "not_in_channel"


async def test_what_is_no_picture_never_becomes_one(slack: SlackStandIn, client: AsyncWebClient) -> None:
    queue = slack.subscribe()
    answer = await client.files_upload_v2(filename="notes.txt", content="pool gpu-a")
    file = answer["files"][0]["id"]
    await next_of(queue, "file_ready")
    assert slack.file(file)["mimetype"] == "text/plain"
    posting = client.chat_postMessage(channel=OPS, text="x", blocks=shows(file))
    assert await refusal(posting) == "invalid_blocks"
