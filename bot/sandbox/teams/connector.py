"""The Bot Connector: the REST service through which a bot speaks, as strict as the real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from aiohttp import web

from bot.sandbox.teams import rules
from bot.sandbox.teams.errors import RefusedError, StandInError
from bot.sandbox.teams.faults import Faults
from bot.sandbox.teams.keys import ChannelKeys
from bot.sandbox.teams.people import BOT, Conversation, Message, Person, Tenant, split, stamp
from bot.sandbox.teams.record import Writes
from bot.sandbox.teams.targeted import target
from bot.sandbox.teams.throttle import Throttle

Json: TypeAlias = dict[str, Any]
Verify: TypeAlias = Callable[[str, str], Mapping[str, Any]]
"""``verify(token, audience)`` returns the claims of a bearer token, or raises."""

AUDIENCE = "https://api.botframework.com"
REGION = "amer"
MAX_BODY = 4 * 1024 * 1024
PAGE = 200
MAX_PAGE = 500

_Served: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
_Handler: TypeAlias = Callable[[web.Request, Conversation], Awaitable[web.Response]]


class Connector:
    """Routes of the service below ``/amer/<tenant>/`` and the public documents of its signing key."""

    def __init__(self, tenant: Tenant, verify: Verify, keys: ChannelKeys, faults: Faults) -> None:
        self._tenant = tenant
        self._verify = verify
        self._keys = keys
        self._faults = faults
        self._throttle = Throttle(tenant.clock)
        self.writes = Writes(tenant.clock)
        self.service_url = ""
        self.jwks_url = ""

    def app(self, more: Sequence[web.RouteDef] = ()) -> web.Application:
        """The aiohttp application to serve; ``more`` are routes of other services at the same address."""
        app = web.Application(client_max_size=MAX_BODY)
        base = f"/{REGION}/{self._tenant.id}/v3"
        below = base + "/conversations/{conversation}"
        write, read = self._write, self._read
        app.add_routes(
            [
                *more,
                web.get("/.well-known/openidconfiguration", self._openid),
                web.get("/keys", self._jwks),
                web.post(f"{base}/conversations", self._create),
                web.post(f"{below}/activities", write(self._send)),
                web.post(below + "/activities/{activity}", write(self._reply)),
                web.put(below + "/activities/{activity}", write(self._update)),
                web.delete(below + "/activities/{activity}", write(self._delete)),
                web.get(f"{below}/members", read(self._members)),
                web.get(f"{below}/pagedmembers", read(self._paged_members)),
                web.get(below + "/members/{member}", read(self._member)),
                web.get(below + "/activities/{activity}/members", read(self._activity_members)),
                web.get(base + "/teams/{conversation}", read(self._team)),
                web.get(base + "/teams/{conversation}/conversations", read(self._channels)),
                web.route("*", "/{tail:.*}", self._nowhere),
            ]
        )
        return app

    # -- public documents ----------------------------------------------------------------------------------------------

    async def _openid(self, _request: web.Request) -> web.Response:
        return web.json_response(self._keys.openid_configuration(self.jwks_url))

    async def _jwks(self, _request: web.Request) -> web.Response:
        return web.json_response(self._keys.jwks())

    async def _nowhere(self, request: web.Request) -> web.StreamResponse:
        return self._refuse(
            request, RefusedError(404, "NotFound", f"There is no {request.method} {request.path} here.")
        )

    # -- what every request goes through -------------------------------------------------------------------------------

    def _read(self, handler: _Handler) -> _Served:
        return self._gate(handler, write=False)

    def _write(self, handler: _Handler) -> _Served:
        return self._gate(handler, write=True)

    def _gate(self, handler: _Handler, *, write: bool) -> _Served:
        """A handler of one conversation: the bot must be known and in it, and neither fault nor throttle forbid."""

        async def act(request: web.Request) -> web.Response:
            chat = self._chat(request)
            self._throttle.admit(chat.id, write=write)
            self._admit(chat)
            return await handler(request, chat)

        async def gated(request: web.Request) -> web.StreamResponse:
            return await self._pass(request, act, write=write)

        return gated

    async def _pass(
        self, request: web.Request, act: Callable[[web.Request], Awaitable[web.Response]], *, write: bool
    ) -> web.StreamResponse:
        base = split(request.match_info.get("conversation", ""))[0]
        try:
            self._authenticate(request)
            base = base or await self._aim(request)
            if self._faults.delay:
                await asyncio.sleep(self._faults.delay * self._faults.time_scale)
            verdict = self._faults.write(base) if write or self._faults.outage else "go"
            response = None if verdict == "cut" else await act(request)
        except RefusedError as error:
            if write:
                self.writes.note(request, base, error.code)
            return self._refuse(request, error)
        if write:
            self.writes.note(request, base, {"go": "ok", "lose": "lost", "cut": "cut"}[verdict], response)
        return _cut(request) if response is None or verdict == "lose" else response

    async def _aim(self, request: web.Request) -> str:
        """The base id of the conversation that a request wants created; "" where that is unclear."""
        body = await _body(request)
        try:
            if body.get("isGroup"):
                return str(body["channelData"]["channel"]["id"])
            return self._tenant.chat(self._tenant.person(body["members"][0]["id"]).role).id
        except (StandInError, LookupError, TypeError):
            return ""

    def _authenticate(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise RefusedError(401, "Unauthorized", "there is no bearer token")
        try:
            claims = self._verify(token, AUDIENCE)
        except Exception as error:
            raise RefusedError(401, "Unauthorized", str(error)) from error
        app = claims.get("appid") or claims.get("azp")
        if app != self._tenant.app_id:
            raise RefusedError(401, "BotNotRegistered", "No registration found for this bot.")

    def _chat(self, request: web.Request) -> Conversation:
        base, root = split(request.match_info["conversation"])
        chat = self._tenant.conversations.get(base)
        if chat is None or chat.deleted or (root and chat.kind != "channel"):
            raise RefusedError(404, "ConversationNotFound", "Conversation not found.")
        if root and chat.visible(root) is None:
            raise RefusedError(404, "ActivityNotFoundInConversation", "Conversation not found.")
        return chat

    def _admit(self, chat: Conversation) -> None:
        if self._tenant.disabled:
            raise RefusedError(403, "BotDisabledByAdmin", "The tenant admin disabled this bot.")
        if chat.blocked or (chat.met and not chat.installed and chat.kind == "personal"):
            raise RefusedError(403, "MessageWritesBlocked", "Message writes are blocked in this conversation.")
        if not chat.installed:
            raise RefusedError(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")

    def _refuse(self, request: web.Request, error: RefusedError) -> web.Response:
        where = request.match_info.get("conversation", "")
        self._tenant.refuse(
            "connector",
            error.code,
            error.message,
            status=error.status,
            request=f"{request.method} {request.path}",
            conversation=split(where)[0],
        )
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
        if error.code == "Unauthorized":
            # The gateway's own body, not the connector's.
            headers["WWW-Authenticate"] = "Bearer"
            body: Json = {"message": "Authorization has been denied for this request."}
        else:
            body = {"error": {"code": error.code, "message": error.message}}
        return web.json_response(body, status=error.status, headers=headers)

    # -- speaking ------------------------------------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self._pass(request, self._create_any, write=True)

    async def _create_any(self, request: web.Request) -> web.Response:
        body = await _body(request)
        rules.check_shape(body, rules.CONVERSATION_PARAMETERS, "parameters")
        return self._create_thread(body) if body.get("isGroup") else self._create_chat(body)

    def _create_chat(self, body: Json) -> web.Response:
        tenant = _tenant_id(body)
        members = body.get("members") or []
        if not tenant:
            raise RefusedError(400, "BadSyntax", "Could not parse tenant id")
        if len(members) != 1 or not members[0].get("id"):
            raise RefusedError(400, "BadSyntax", "Incorrect conversation creation parameters")
        if tenant != self._tenant.id:
            raise RefusedError(403, "ForbiddenOperationException", "The bot is not installed in this tenant.")
        try:
            person = self._tenant.person(members[0]["id"])
        except StandInError:
            raise RefusedError(400, "BadArgument", "Failed to decrypt pairwise id") from None
        if members[0]["id"] == person.role:
            raise RefusedError(400, "BadArgument", "Failed to decrypt pairwise id")
        chat = self._tenant.chat(person.role)
        self._throttle.admit(chat.id, write=True)
        if self._tenant.disabled:
            self._admit(chat)
        if not chat.installed:
            raise RefusedError(403, "ForbiddenOperationException", "Bot is not installed in user's personal scope")
        answer = {"id": chat.id}
        if body.get("activity"):
            answer["activityId"] = self._post(chat, rules.check_activity(body["activity"]), "") or ""
        return web.json_response(answer, status=201)

    def _create_thread(self, body: Json) -> web.Response:
        channel = (body.get("channelData") or {}).get("channel")
        channel_id = channel.get("id") if isinstance(channel, dict) else None
        chat = self._tenant.conversations.get(str(channel_id))
        if not channel_id or not body.get("activity"):
            raise RefusedError(400, "BadSyntax", "Incorrect conversation creation parameters")
        if chat is None or chat.deleted or chat.kind != "channel":
            raise RefusedError(404, "ConversationNotFound", "Conversation not found.")
        self._throttle.admit(chat.id, write=True)
        self._admit(chat)
        activity = rules.check_activity(body["activity"])
        if rules.splits(activity):
            raise RefusedError(400, "BadSyntax", "Activity resulted into multiple skype activities")
        posted = self._post(chat, activity, "")
        return web.json_response({"id": f"{chat.id};messageid={posted}", "activityId": posted}, status=201)

    async def _send(self, request: web.Request, chat: Conversation) -> web.Response:
        activity = rules.check_activity(await _body(request))
        only = target(request.query, activity, self._tenant, chat)
        return self._answer(self._post(chat, activity, split(request.match_info["conversation"])[1], only))

    async def _reply(self, request: web.Request, chat: Conversation) -> web.Response:
        target = request.match_info["activity"]
        if chat.visible(target) is None and target not in chat.told:
            raise RefusedError(404, "ActivityNotFoundInConversation", "Conversation not found.")
        activity = rules.check_activity(await _body(request))
        thread = chat.root(split(request.match_info["conversation"])[1]) or chat.root(target)
        return self._answer(self._post(chat, activity, thread))

    @staticmethod
    def _answer(posted: str | None) -> web.Response:
        return web.json_response({"id": posted} if posted else {}, status=201)

    def _post(self, chat: Conversation, activity: Json, thread: str, only: str = "") -> str | None:
        """Store what was said; the id, or None where Teams gives none (typing, and text split from its cards)."""
        if activity["type"] == "typing":
            self._tenant.emit("typing", conversation=chat.id)
            return None
        if not rules.splits(activity):
            return self._say(chat, activity, thread, only)
        self._say(chat, {**activity, "attachments": []}, thread, only)
        self._say(chat, {**activity, "text": ""}, thread, only)
        return None

    def _say(self, chat: Conversation, activity: Json, thread: str, only: str) -> str:
        message = Message(self._tenant.message_id(), thread, sender=BOT, at=stamp(self._tenant.now()), only=only)
        message.fill(activity)
        self._tenant.post(chat, message)
        return message.id

    async def _update(self, request: web.Request, chat: Conversation) -> web.Response:
        message = self._own(chat, request.match_info["activity"])
        activity = rules.check_activity(await _body(request))
        if activity["type"] != "message":
            raise RefusedError(400, "BadSyntax", "Only a message can take the place of a message.")
        if rules.splits(activity):
            raise RefusedError(400, "BadSyntax", "Activity resulted into multiple skype activities")
        self._tenant.change(chat, message, activity)
        return web.json_response({"id": message.id})

    async def _delete(self, request: web.Request, chat: Conversation) -> web.Response:
        message = self._own(chat, request.match_info["activity"])
        self._tenant.delete(chat, message)
        return web.Response()

    def _own(self, chat: Conversation, activity: str) -> Message:
        message = chat.visible(activity)
        if message is None or message.only:  # a targeted message is edited and deleted by calls that say so
            raise RefusedError(404, "ActivityNotFoundInConversation", "Conversation not found.")
        if message.sender != BOT:
            raise RefusedError(403, "NotEnoughPermissions", "The message was written by somebody else.")
        return message

    # -- looking around ------------------------------------------------------------------------------------------------

    def _roster(self, chat: Conversation) -> list[Json]:
        return [self._account(self._tenant.people[role]) for role in chat.members]

    def _account(self, person: Person) -> Json:
        return {
            "id": person.id,
            "name": person.name,
            "objectId": person.aad_object_id,
            "aadObjectId": person.aad_object_id,
            "givenName": person.name,
            "surname": "",
            "email": person.upn,
            "userPrincipalName": person.upn,
            "tenantId": self._tenant.id,
            "userRole": "user",
        }

    async def _members(self, _request: web.Request, chat: Conversation) -> web.Response:
        return web.json_response(self._roster(chat))

    async def _paged_members(self, request: web.Request, chat: Conversation) -> web.Response:
        try:
            length = int(request.query.get("pageSize", PAGE))
            start = int(request.query.get("continuationToken", 0))
        except ValueError:
            raise RefusedError(400, "BadArgument", "pageSize and continuationToken must be valid.") from None
        if not 1 <= length <= MAX_PAGE or start < 0:
            raise RefusedError(400, "BadArgument", f"pageSize must be between 1 and {MAX_PAGE}.")
        roster = self._roster(chat)
        answer: Json = {"members": roster[start : start + length]}
        if start + length < len(roster):
            answer["continuationToken"] = str(start + length)
        return web.json_response(answer)

    async def _member(self, request: web.Request, chat: Conversation) -> web.Response:
        wanted = request.match_info["member"]
        for account in self._roster(chat):
            if wanted in {account["id"], account["aadObjectId"]}:
                return web.json_response(account)
        raise RefusedError(404, "MemberNotFoundInConversation", "Member not found in conversation.")

    async def _activity_members(self, request: web.Request, chat: Conversation) -> web.Response:
        if chat.visible(request.match_info["activity"]) is None:
            raise RefusedError(404, "ActivityNotFoundInConversation", "Conversation not found.")
        return web.json_response(self._roster(chat))

    async def _team(self, _request: web.Request, chat: Conversation) -> web.Response:
        tenant = self._known_team(chat)
        return web.json_response(
            {
                "id": tenant.team_id,
                "name": tenant.team_name,
                "aadGroupId": tenant.team_group_id,
                "tenantId": tenant.id,
                "type": "standard",
                "channelCount": 1,
                "memberCount": len(tenant.people),
            }
        )

    async def _channels(self, _request: web.Request, chat: Conversation) -> web.Response:
        # Teams leaves out the name of the General channel.
        team = self._known_team(chat).team_id
        others = [
            {"id": each.id, "name": each.title.removeprefix(self._tenant.channel_title(""))}
            for each in self._tenant.conversations.values()
            if each.kind == "channel" and each.id != team and not each.deleted
        ]
        return web.json_response({"conversations": [{"id": team}, *others]})

    def _known_team(self, chat: Conversation) -> Tenant:
        if chat is None or chat.kind != "channel":
            raise RefusedError(404, "ConversationNotFound", "Conversation not found.")
        return self._tenant


def _tenant_id(body: Json) -> str:
    # The service reads names in any case, and Microsoft's Python client writes this one as tenantID.
    named = next((value for name, value in body.items() if name.lower() == "tenantid" and isinstance(value, str)), "")
    tenant = (body.get("channelData") or {}).get("tenant")
    return named or (str(tenant.get("id") or "") if isinstance(tenant, dict) else "")


async def _body(request: web.Request) -> Json:
    if request.content_type != "application/json":
        raise RefusedError(415, "BadSyntax", "The request must be application/json.")
    try:
        body = json.loads(await request.read())
    except web.HTTPRequestEntityTooLarge:
        raise RefusedError(413, "MessageSizeTooBig", "Message size too large.") from None
    except ValueError:
        raise RefusedError(400, "BadSyntax", "Invalid JSON in request.") from None
    if not isinstance(body, dict):
        raise RefusedError(400, "BadSyntax", "Invalid or missing activities in request.")
    return body


def _cut(request: web.Request) -> web.Response:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
