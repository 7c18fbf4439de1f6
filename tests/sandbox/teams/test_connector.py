"""The connector against Microsoft's own client, and every way in which it says no."""

from __future__ import annotations

from typing import Any

import pytest
from botbuilder.schema import Activity, Attachment, ChannelAccount, ConversationParameters
from botframework.connector.models import ErrorResponseException

from tests.sandbox.teams.scene import CARD, Scene, card, scene

HELLO = {"type": "message", "text": "hello"}


def _card_activity() -> Activity:
    return Activity(
        type="message",
        summary="pools",
        attachments=[Attachment(content_type=CARD, content=card())],
        input_hint="acceptingInput",
    )


async def test_microsofts_client_posts_updates_and_deletes(stage: Scene) -> None:
    client, chat = stage.connector(), stage.chat("viewer")
    posted = await client.conversations.send_to_conversation(chat, _card_activity())
    [message] = stage.teams.messages("viewer")
    assert (message["id"], message["from"], message["summary"]) == (posted.id, "bot", "pools")
    assert message["attachments"][0]["content"] == card()
    assert message["problems"] == []

    updated = await client.conversations.update_activity(chat, posted.id, Activity(type="message", text="later"))
    assert updated.id == posted.id
    [message] = stage.teams.messages("viewer")
    assert (message["text"], message["attachments"], message["edited"]) == ("later", [], True)

    await client.conversations.delete_activity(chat, posted.id)
    [message] = stage.teams.messages("viewer")
    assert (message["text"], message["deleted"]) == ("", True)


async def test_microsofts_client_sees_who_is_there(stage: Scene) -> None:
    conversations = stage.connector().conversations
    general, viewer = stage.chat("general"), stage.teams.people["viewer"]
    members = await conversations.get_conversation_members(general)
    assert {member.id for member in members} == {person["id"] for person in stage.teams.people.values()}
    one = await conversations.get_conversation_member(general, viewer["id"])
    assert (one.id, one.aad_object_id) == (viewer["id"], viewer["aadObjectId"])
    page = await conversations.get_conversation_paged_members(general, 3)
    rest = await conversations.get_conversation_paged_members(general, 3, page.continuation_token)
    assert [len(page.members), len(rest.members), rest.continuation_token] == [3, 1, None]


async def test_microsofts_client_opens_a_chat_and_a_thread(stage: Scene) -> None:
    conversations, viewer = stage.connector().conversations, stage.teams.people["viewer"]
    chat = await conversations.create_conversation(
        ConversationParameters(members=[ChannelAccount(id=viewer["id"])], tenant_id=stage.teams.tenant_id)
    )
    assert chat.id == stage.chat("viewer")
    general = stage.chat("general")
    thread = await conversations.create_conversation(
        ConversationParameters(
            is_group=True, channel_data={"channel": {"id": general}}, activity=Activity(type="message", text="root")
        )
    )
    assert thread.id == f"{general};messageid={thread.activity_id}"
    await conversations.send_to_conversation(thread.id, Activity(type="message", text="below"))
    root, below = stage.teams.messages("general")
    assert (root["id"], root["thread"], below["thread"]) == (thread.activity_id, "", root["id"])


async def test_microsofts_client_raises_our_errors(stage: Scene) -> None:
    with pytest.raises(ErrorResponseException) as refused:
        await stage.connector().conversations.send_to_conversation(
            "19:nowhere@thread.tacv2", Activity(type="message", text="x")
        )
    assert refused.value.error.error.code == "ConversationNotFound"
    for token in ("stranger", "graph", "garbage"):
        with pytest.raises(ErrorResponseException) as refused:
            await stage.connector(token).conversations.send_to_conversation(stage.chat("viewer"), _card_activity())
        assert refused.value.response.status_code == 401


async def test_a_reply_goes_into_the_thread_of_what_it_answers(stage: Scene) -> None:
    root = await stage.teams.say("viewer", "general", "@Batch Bot pool list")
    general = stage.chat("general")
    status, answer, _ = await stage.call("POST", f"/{general};messageid={root}/activities/{root}", HELLO)
    assert status == 201
    status, _, _ = await stage.call("POST", f"/{general}/activities/{answer['id']}", HELLO)
    assert status == 201
    assert [message["thread"] for message in stage.teams.messages("general")] == ["", root, root]
    status, _, _ = await stage.call("POST", f"/{general}/activities", HELLO)
    assert status == 201
    assert stage.teams.messages("general")[-1]["thread"] == ""


async def test_an_invoke_can_be_replied_to(stage: Scene) -> None:
    message = await stage.show(card(actions=[{"type": "Action.Submit", "title": "Go", "data": {"n": 1}}]))
    await stage.teams.submit("viewer", "viewer", message, "Go")
    event = stage.bot.last("message")["id"]
    status, body, _ = await stage.call("POST", f"/{stage.chat('viewer')}/activities/{event}", HELLO)
    assert (status, "id" in body) == (201, True)


async def test_text_beside_a_card_is_split_and_has_no_id(stage: Scene) -> None:
    both = {**HELLO, "attachments": [{"contentType": CARD, "content": card()}]}
    chat = stage.chat("viewer")
    status, body, _ = await stage.call("POST", f"/{chat}/activities", both)
    assert (status, body) == (201, {})
    words, cards = stage.teams.messages("viewer")
    assert (words["text"], words["attachments"]) == ("hello", [])
    assert (cards["text"], len(cards["attachments"])) == ("", 1)
    status, body, _ = await stage.call("PUT", f"/{chat}/activities/{cards['id']}", both)
    assert (status, body["error"]["code"]) == (400, "BadSyntax")


async def test_typing_leaves_no_message(stage: Scene) -> None:
    events = stage.teams.subscribe()
    status, body, _ = await stage.call("POST", f"/{stage.chat('viewer')}/activities", {"type": "typing"})
    assert (status, body, stage.teams.messages("viewer")) == (201, {}, [])
    assert events.get_nowait()["event"] == "typing"


@pytest.mark.parametrize(
    ("activity", "status", "code"),
    [
        ([], 400, "BadSyntax"),
        ({}, 400, "BadSyntax"),
        ({"type": "message"}, 400, "BadSyntax"),
        ({"type": "message", "text": 5}, 400, "BadSyntax"),
        ({"type": "trace", "text": "x"}, 400, "BadSyntax"),
        ({"type": "conversationUpdate"}, 400, "BadSyntax"),
        ({**HELLO, "textFormat": "html"}, 400, "BadSyntax"),
        ({**HELLO, "attachmentLayout": "grid"}, 400, "BadSyntax"),
        ({**HELLO, "timestamp": "yesterday"}, 400, "BadSyntax"),
        ({**HELLO, "channelData": []}, 400, "BadSyntax"),
        ({**HELLO, "entities": ["mention"]}, 400, "BadSyntax"),
        ({**HELLO, "from": "bot"}, 400, "BadSyntax"),
        ({**HELLO, "attachments": {}}, 400, "BadSyntax"),
        ({**HELLO, "attachments": [None]}, 400, "BadSyntax"),
        ({"type": "message", "attachments": [{"contentType": CARD, "content": "{}"}]}, 400, "BadSyntax"),
        ({"type": "message", "attachments": [{"contentType": CARD}]}, 400, "BadSyntax"),
        ({"type": "message", "attachments": [{"content": card()}]}, 400, "BadArgument"),
        ({"type": "message", "attachments": [{"contentType": "application/pdf", "content": {}}]}, 400, "BadArgument"),
        (
            {
                "type": "message",
                "attachments": [{"contentType": "image/png", "contentUrl": "http://example.org/a.png"}],
            },
            400,
            "BadArgument",
        ),
    ],
)
async def test_a_bad_activity_is_refused(stage: Scene, activity: Any, status: int, code: str) -> None:
    got, body, _ = await stage.call("POST", f"/{stage.chat('viewer')}/activities", activity)
    assert (got, body["error"]["code"]) == (status, code)
    assert stage.teams.messages("viewer") == []
    assert stage.teams.refused[-1]["code"] == code
    assert stage.teams.refused[-1]["status"] == status


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/19:nowhere@thread.tacv2/activities", 404, "ConversationNotFound"),
        ("POST", "/{viewer};messageid=1/activities", 404, "ConversationNotFound"),
        ("POST", "/{general};messageid=1/activities", 404, "ActivityNotFoundInConversation"),
        ("POST", "/{viewer}/activities/1", 404, "ActivityNotFoundInConversation"),
        ("PUT", "/{viewer}/activities/1", 404, "ActivityNotFoundInConversation"),
        ("DELETE", "/{viewer}/activities/1", 404, "ActivityNotFoundInConversation"),
        ("GET", "/{viewer}/activities/1/members", 404, "ActivityNotFoundInConversation"),
        ("GET", "/{viewer}/members/29:nobody", 404, "MemberNotFoundInConversation"),
        ("GET", "/{viewer}/pagedmembers?pageSize=501", 400, "BadArgument"),
        ("GET", "/{viewer}/pagedmembers?pageSize=many", 400, "BadArgument"),
        ("POST", "/{operator}/activities", 403, "BotNotInConversationRoster"),
        ("GET", "/{operator}/members", 403, "BotNotInConversationRoster"),
    ],
)
async def test_what_is_not_there_is_refused(stage: Scene, method: str, path: str, status: int, code: str) -> None:
    chats = {name: stage.chat(name) for name in stage.teams.conversations if " " not in name}
    got, body, _ = await stage.call(method, path.format(**chats), HELLO)
    assert (got, body["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({}, 400, "BadSyntax"),
        ({"members": [], "tenantId": "{tenant}"}, 400, "BadSyntax"),
        ({"members": [{"id": "{viewer}"}]}, 400, "BadSyntax"),
        ({"members": "{viewer}", "tenantId": "{tenant}"}, 400, "BadSyntax"),
        ({"members": [{"id": "{viewer}"}, {"id": "{admin}"}], "tenantId": "{tenant}"}, 400, "BadSyntax"),
        ({"members": [{"id": "29:nobody"}], "tenantId": "{tenant}"}, 400, "BadArgument"),
        ({"members": [{"id": "viewer"}], "tenantId": "{tenant}"}, 400, "BadArgument"),
        ({"members": [{"id": "{viewer}"}], "tenantId": "another"}, 403, "ForbiddenOperationException"),
        ({"members": [{"id": "{admin}"}], "tenantId": "{tenant}"}, 403, "ForbiddenOperationException"),
        ({"isGroup": True, "activity": HELLO}, 400, "BadSyntax"),
        ({"isGroup": True, "channelData": {"channel": {"id": "{general}"}}}, 400, "BadSyntax"),
        (
            {"isGroup": True, "channelData": {"channel": {"id": "19:no"}}, "activity": HELLO},
            404,
            "ConversationNotFound",
        ),
        ({"isGroup": True, "channelData": {"channel": {"id": "{general}"}}, "activity": {}}, 400, "BadSyntax"),
    ],
)
async def test_a_conversation_is_not_begun_without_what_it_needs(
    stage: Scene, parameters: dict[str, Any], status: int, code: str
) -> None:
    names = {role: person["id"] for role, person in stage.teams.people.items()}
    names |= {"tenant": stage.teams.tenant_id, "general": stage.chat("general")}

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner) for inner in value]
        return value.format(**names) if isinstance(value, str) else value

    got, body, _ = await stage.call("POST", "", fill(parameters))
    assert (got, body["error"]["code"]) == (status, code)


@pytest.mark.parametrize("header", [None, "Basic good", "Bearer", "Bearer garbage", "Bearer graph"])
async def test_without_a_good_token_nobody_gets_in(stage: Scene, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    path = f"/{stage.chat('viewer')}/activities"
    status, body, got = await stage.call("POST", path, HELLO, token="", headers=headers)
    assert (status, body) == (401, {"message": "Authorization has been denied for this request."})
    assert got["WWW-Authenticate"] == "Bearer"
    assert stage.teams.messages("viewer") == []


async def test_another_bot_is_not_known(stage: Scene) -> None:
    status, body, _ = await stage.call("POST", f"/{stage.chat('viewer')}/activities", HELLO, token="stranger")
    assert (status, body["error"]["code"]) == (401, "BotNotRegistered")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b"{", "application/json", 400), (b"hello", "text/plain", 415), (b"1", "application/json", 400)],
)
async def test_only_json_is_read(stage: Scene, body: bytes, kind: str, status: int) -> None:
    got, answer, _ = await stage.call(
        "POST", f"/{stage.chat('viewer')}/activities", data=body, headers={"Content-Type": kind}
    )
    assert (got, answer["error"]["code"]) == (status, "BadSyntax")


async def test_there_is_nothing_else(stage: Scene) -> None:
    for method, path in (("GET", ""), ("POST", f"/{stage.chat('viewer')}/attachments"), ("PATCH", "/x/activities/1")):
        status, body, _ = await stage.call(method, path, {})
        assert (status, body["error"]["code"]) == (404, "NotFound")
    assert [record["what"] for record in stage.teams.refused] == ["connector"] * 3


async def test_a_persons_message_is_not_the_bots_to_change(stage: Scene) -> None:
    said = await stage.teams.say("viewer", "viewer", "hello")
    for method in ("PUT", "DELETE"):
        status, body, _ = await stage.call(method, f"/{stage.chat('viewer')}/activities/{said}", HELLO)
        assert (status, body["error"]["code"]) == (403, "NotEnoughPermissions")


async def test_a_deleted_message_is_gone(stage: Scene) -> None:
    posted = await stage.post(text="hello")
    path = f"/{stage.chat('viewer')}/activities/{posted}"
    assert (await stage.call("DELETE", path))[0] == 200
    assert (await stage.call("PUT", path, HELLO))[0] == 404
    assert (await stage.call("DELETE", path))[0] == 404


async def test_after_removal_nothing_is_taken() -> None:
    async with scene("viewer", "general") as stage:
        for name, code in (("viewer", "MessageWritesBlocked"), ("general", "BotNotInConversationRoster")):
            await stage.teams.uninstall(name)
            status, body, _ = await stage.call("POST", f"/{stage.chat(name)}/activities", HELLO)
            assert (status, body["error"]["code"]) == (403, code)
            await stage.teams.install(name)
            await stage.post(name, text="back")


async def test_a_blocked_bot_is_told_so(stage: Scene) -> None:
    stage.teams.block("viewer")
    status, body, _ = await stage.call("POST", f"/{stage.chat('viewer')}/activities", HELLO)
    assert (status, body["error"]["code"]) == (403, "MessageWritesBlocked")
    stage.teams.block("viewer", blocked=False)
    await stage.post(text="hello")


async def test_the_team_and_its_channels(stage: Scene) -> None:
    general = stage.chat("general")
    base = f"{stage.teams.service_url}v3/teams/{general}"
    headers = {"Authorization": "Bearer good"}
    async with stage.session.get(base, headers=headers) as got:
        assert (await got.json())["id"] == general
    async with stage.session.get(f"{base}/conversations", headers=headers) as got:
        assert await got.json() == {"conversations": [{"id": general}]}
    async with stage.session.get(base.replace(general, stage.chat("group")), headers=headers) as got:
        assert got.status == 404
