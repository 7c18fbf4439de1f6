"""The data plane of Azure Monitor: metrics of many accounts of one region and subscription at once."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import Struct

from bot.sandbox.world import AccountState, World

from ..errors import ArmRefusal
from ..faults import Fault, Faults
from ..listener import Exchange, Handler, Listener, respond
from ..tokens import METRICS, TokenRefusedError, Tokens
from .query import MetricError, Query

CONTENT_TYPE: Final = "application/json; charset=utf-8"
VERSIONS: Final = ("2023-05-01-preview", "2023-10-01", "2024-02-01")
MOST: Final = 50
"""Resources in one question [learn.microsoft.com, "Azure Monitor Metrics Data plane API"]."""

_PATH: Final = "/subscriptions/{subscription}/metrics:getBatch"
_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.Batch/batchAccounts/(?P<account>[^/]+)",
    re.IGNORECASE,
)


class _Asked(Struct):
    resourceids: list[str]


class Monitor(Listener):
    """One address for every region; what one question asks for has to lie in one of them, as in Azure.

    ``permitted`` is whether the caller may read metrics at all.
    """

    def __init__(self, world: World, tokens: Tokens, faults: Faults | None = None) -> None:
        super().__init__(world.clock, faults)
        self._world = world
        self._tokens = tokens
        self.permitted = True
        self.app.router.add_post(_PATH, self._batch)

    async def serve(self, request: web.Request, handler: Handler, exchange: Exchange) -> web.Response:
        """Let in, understand, answer."""
        try:
            self._admit(request)
            response = await handler(request)
            assert isinstance(response, web.Response)  # noqa: S101  no handler here streams
        except ArmRefusal as refusal:
            response = _refused(refusal, exchange)
        except MetricError as error:
            response = _refused(ArmRefusal(400, "BadRequest", str(error)), exchange)
        except web.HTTPMethodNotAllowed:
            response = _refused(ArmRefusal(405, "MethodNotAllowed", "The method is not allowed."), exchange)
        except web.HTTPNotFound:
            response = _refused(ArmRefusal(404, "NotFound", "The resource could not be found."), exchange)
        response.headers["x-ms-request-id"] = exchange.id
        return response

    def refuse(self, fault: Fault, exchange: Exchange) -> web.Response:
        """A refusal nobody earned."""
        if fault.kind == "throttle":
            refusal = ArmRefusal(fault.status or 429, fault.code or "TooManyRequests", "Too many requests.")
        else:
            refusal = ArmRefusal(fault.status or 500, fault.code or "InternalServerError", "An error has occurred.")
        return _refused(refusal, exchange)

    def _admit(self, request: web.Request) -> None:
        """A token for metrics, by its audience; the words of a refusal are the likeliest."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        challenge = {
            "WWW-Authenticate": f'Bearer authorization="https://login.microsoftonline.com/{self._tokens.tenant}"'
        }
        if scheme.lower() != "bearer":
            raise ArmRefusal(401, "AuthorizationRequired", "Authentication is required.", headers=challenge)
        try:
            self._tokens.verify(token.strip(), METRICS)
        except TokenRefusedError as error:
            code = "InvalidTokenAudience" if error.reason == "audience" else "InvalidToken"
            raise ArmRefusal(401, code, f"The access token is invalid ({error}).", headers=challenge) from None

    async def _batch(self, request: web.Request) -> web.Response:
        given = {name.lower(): value for name, value in request.query.items()}
        if given.get("api-version") not in VERSIONS:
            raise MetricError(f"The api-version is invalid. The supported versions are: {', '.join(VERSIONS)}")
        for name in ("metricnamespace", "metricnames"):
            if not given.get(name):
                raise MetricError(f"The query parameter '{name}' is required")
        self._world.settle()
        subscription = request.match_info["subscription"]
        if not self.permitted:
            raise ArmRefusal(
                403,
                "AuthorizationFailed",
                f"The client '{self._tokens.client_id}' with object id '{self._tokens.principal_id}' does not have "
                f"authorization to perform action 'Microsoft.Insights/metrics/read' over scope "
                f"'/subscriptions/{subscription}' or the scope is invalid.",
            )
        accounts = self._accounts(await self._asked(request), subscription)
        now = self._world.time
        query = Query.read(given, now)
        values = [
            {
                "starttime": _echoed(given, "starttime", query),
                "endtime": _echoed(given, "endtime", query),
                "interval": _interval(query),
                "value": query.answer(account.ledger, resource, now),
                "namespace": given["metricnamespace"].lower(),
                "resourceregion": account.facts.location,
                "resourceid": resource,
            }
            for resource, account in accounts
        ]
        return respond({"values": values}, content_type=CONTENT_TYPE)

    @staticmethod
    async def _asked(request: web.Request) -> list[str]:
        try:
            asked = msgspec.json.decode(await request.read(), type=_Asked).resourceids
        except msgspec.MsgspecError as error:
            raise MetricError(f"The request body is invalid: {error}") from None
        if not 1 <= len(asked) <= MOST:
            raise MetricError(f"The number of resource ids is between 1 and {MOST}, not {len(asked)}")
        return asked

    def _accounts(self, resources: list[str], subscription: str) -> list[tuple[str, AccountState]]:
        """The accounts of those ids. Raises MetricError, or `ArmRefusal` (404); the words are the likeliest."""
        found = []
        for resource in resources:
            match = _RESOURCE.fullmatch(resource.rstrip("/"))
            if match is None or match["subscription"].lower() != subscription.lower():
                raise MetricError(f"The resource id {resource} is invalid for subscription {subscription}")
            account = next((each for each in self._world.accounts.values() if _named(each, match)), None)
            if account is None:
                raise ArmRefusal(404, "ResourceNotFound", f"The Resource '{resource}' was not found.")
            found.append((resource, account))
        if len({account.facts.location for _, account in found}) > 1:
            raise MetricError("All resources of a batch have to be in the region of the endpoint")
        return found


def _named(account: AccountState, match: re.Match[str]) -> bool:
    facts = account.facts
    told = (facts.subscription, facts.resource_group, facts.name)
    asked = (match["subscription"], match["group"], match["account"])
    return [each.lower() for each in told] == [each.lower() for each in asked]


def _echoed(given: dict[str, str], name: str, query: Query) -> str:
    """A time as it was given; otherwise, or where the span was cut, as it was understood."""
    moment = query.start if name == "starttime" else query.end
    text = given.get(name)
    cut = name == "starttime" and (query.end - query.start).days >= 28
    return text if text and not cut else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _interval(query: Query) -> str:
    """FULL is answered as the length of the whole span."""
    if query.interval.upper() != "FULL":
        return query.interval
    hours, minutes = divmod(query.minutes, 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes or not hours else "")


def _refused(refusal: ArmRefusal, exchange: Exchange) -> web.Response:
    headers: dict[str, Any] = {**refusal.headers, "x-ms-error-code": refusal.code}
    body = refusal.body(exchange.id, exchange.at)
    return respond(body, status=refusal.status, content_type=CONTENT_TYPE, headers=headers)
