"""The two calls of Microsoft Graph that a bot makes: who is in which group (``user: checkMemberGroups``), and until
when its own secrets are good (``application: get``).
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, TypeAlias

from aiohttp import web

from bot.sandbox.teams.connector import Verify
from bot.sandbox.teams.people import Tenant, stamp

Json: TypeAlias = dict[str, Any]

AUDIENCE = "https://graph.microsoft.com"
_MOST = 20
"""Groups that one request may name."""
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class _GraphError(Exception):
    def __init__(self, status: int, code: str, message: str, *, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after


class Graph:
    """The directory of one tenant, for the app that is registered there."""

    def __init__(self, tenant: Tenant, verify: Verify) -> None:
        self._tenant = tenant
        self._verify = verify
        self.consented = True
        """Whether an administrator gave the app the permissions GroupMember.Read.All and User.Read.All."""
        self.reads_applications = False
        """Whether the app was given the permission Application.Read.All."""
        self.secrets: list[str] = []
        """When the secrets of the app end, as ISO times."""
        self.busy = 0
        """Requests that are answered 429 from now on."""
        self.calls = 0
        """Requests that came."""

    def routes(self) -> list[web.RouteDef]:
        """Where Graph is, below the address of the stand-in."""
        return [
            web.post("/graph/v1.0/users/{user}/checkMemberGroups", self._serve),
            web.get("/graph/v1.0/{application:applications\\(appId='[^']*'\\)}", self._serve),
        ]

    async def _serve(self, request: web.Request) -> web.Response:
        self.calls += 1
        id_ = str(uuid.uuid4())
        headers = {"request-id": id_, "client-request-id": request.headers.get("client-request-id", id_)}
        try:
            if "application" in request.match_info:
                return web.json_response(self._application(request), headers=headers)
            groups = await self._check(request)
        except _GraphError as error:
            if error.retry_after:
                headers["Retry-After"] = str(error.retry_after)
            inner = {"date": stamp(self._tenant.now())[:19], **headers}
            body: Json = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
            return web.json_response(body, status=error.status, headers=headers)
        context = f"{AUDIENCE}/v1.0/$metadata#Collection(Edm.String)"
        return web.json_response({"@odata.context": context, "value": groups}, headers=headers)

    def _application(self, request: web.Request) -> Json:
        """The app's registration, of which only the secrets may be asked for (``$select``)."""
        self._admit(request, consented=self.reads_applications)
        if f"'{self._tenant.app_id}'" not in request.match_info["application"]:
            raise _GraphError(404, "Request_ResourceNotFound", "Resource does not exist.")
        ends = [{"keyId": str(uuid.uuid4()), "hint": "abc", "endDateTime": end} for end in self.secrets]
        context = f"{AUDIENCE}/v1.0/$metadata#applications(passwordCredentials)/$entity"
        return {"@odata.context": context, "passwordCredentials": ends}

    async def _check(self, request: web.Request) -> list[str]:
        self._admit(request, consented=self.consented)
        named = await _group_ids(request)
        user = request.match_info["user"]
        person = next((each for each in self._tenant.people.values() if user in {each.aad_object_id, each.upn}), None)
        if person is None:
            message = (
                f"Resource '{user}' does not exist or one of its queried reference-property objects are not present."
            )
            raise _GraphError(404, "Request_ResourceNotFound", message)
        found = (self._tenant.groups.get(group.lower()) for group in named)
        return [group.id for group in found if group and person.role in group.members]

    def _admit(self, request: web.Request, *, consented: bool) -> None:
        """A token of the app, for Graph, with what an administrator gave. Raises _GraphError."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _GraphError(401, "InvalidAuthenticationToken", "Access token is empty.")
        try:
            claims = self._verify(token, AUDIENCE)
        except Exception as error:
            raise _GraphError(401, "InvalidAuthenticationToken", str(error)) from error
        if self.busy:
            self.busy -= 1
            raise _GraphError(429, "TooManyRequests", "Too many requests.", retry_after=1)
        if not consented or (claims.get("appid") or claims.get("azp")) != self._tenant.app_id:
            message = "Insufficient privileges to complete the operation."
            raise _GraphError(403, "Authorization_RequestDenied", message)


async def _group_ids(request: web.Request) -> list[str]:
    """The groups that a request asks about."""
    try:
        body = json.loads(await request.read())
        named = body["groupIds"]
    except (ValueError, LookupError, TypeError):
        raise _GraphError(400, "Request_BadRequest", "Invalid value specified for property 'groupIds'.") from None
    if not isinstance(named, list) or not 0 < len(named) <= _MOST:
        raise _GraphError(400, "Request_BadRequest", f"The number of group ids must be between 1 and {_MOST}.")
    for group in named:
        if not isinstance(group, str) or not _GUID.fullmatch(group):
            raise _GraphError(400, "Request_BadRequest", f"Invalid object identifier '{group}'.")
    return named
