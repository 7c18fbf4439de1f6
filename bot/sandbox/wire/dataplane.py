"""The Batch data plane of one account: what may be read, as the service answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import msgspec
from aiohttp import web
from msgspec import Struct

from bot.sandbox.world import AccountState, Refused

from .auth import Door
from .conditions import check
from .errors import Refusal
from .faults import Fault, Faults
from .listener import Exchange, Handler, Listener, http_date, respond
from .listing import Thing, Wish, page, token
from .tables import JOBS, NODE_COUNTS, NODES, POOLS, SCHEDULE_JOBS, SCHEDULES, TASKS, Listing
from .tokens import Tokens
from .versions import UNKNOWN

CONTENT_TYPE: Final = "application/json;odata=minimalmetadata"

_QUERY = web.RequestKey("query", dict[str, str])
_VERSION = web.RequestKey("version", str)

_encode = msgspec.json.Encoder().encode

T = TypeVar("T", bound=Thing)


class DataPlane(Listener):
    """Serves one account: pools, nodes, node counts, jobs, task counts, tasks and job schedules."""

    def __init__(self, account: AccountState, tokens: Tokens, faults: Faults | None = None) -> None:
        super().__init__(account.world.clock, faults)
        self._account = account
        self._facts = account.facts
        self._door = Door(account.facts, tokens)
        routes = {
            "/pools": self._pools,
            "/pools/{pool}": self._pool,
            "/pools/{pool}/nodes": self._nodes,
            "/pools/{pool}/nodes/{node}": self._node,
            "/nodecounts": self._node_counts,
            "/poolusagemetrics": self._usage_metrics,
            "/jobs": self._jobs,
            "/jobs/{job}": self._job,
            "/jobs/{job}/taskcounts": self._task_counts,
            "/jobs/{job}/tasks": self._tasks,
            "/jobs/{job}/tasks/{task}": self._task,
            "/jobschedules": self._schedules,
            "/jobschedules/{schedule}": self._schedule,
            "/jobschedules/{schedule}/jobs": self._schedule_jobs,
        }
        for path, handler in routes.items():
            self.app.router.add_get(path, handler, allow_head=False)
        self.app.router.add_head("/pools/{pool}", self._pool)
        self.app.router.add_head("/jobschedules/{schedule}", self._schedule)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen, and let the account know its endpoint."""
        await super().start(host, port)
        self._facts.endpoint = self.url

    async def serve(self, request: web.Request, handler: Handler, exchange: Exchange) -> web.Response:
        """Let in, understand, answer."""
        try:
            self._door.admit(request.method, request.raw_path, {k.lower(): v for k, v in request.headers.items()})
            query = {name.lower(): value for name, value in request.rel_url.query.items()}
            request[_VERSION] = _version(query)
            request[_QUERY] = query
            self._account.world.settle()
            response = await handler(request)
            assert isinstance(response, web.Response)  # noqa: S101  no handler here streams
        except Refusal as refusal:
            response = self._refused(refusal, exchange)
        except Refused as refused:
            response = self._refused(_from_world(refused), exchange)
        except web.HTTPMethodNotAllowed as error:
            allow = ", ".join(sorted(error.allowed_methods))
            response = self._refused(Refusal("UnsupportedHttpVerb", headers={"Allow": allow}), exchange)
        except web.HTTPNotFound:
            response = self._refused(Refusal("ResourceNotFound"), exchange)
        if request.method == "HEAD":
            response = web.Response(status=response.status, headers=_without_body(response.headers))
        response.headers["request-id"] = exchange.id
        response.headers["DataServiceVersion"] = "3.0"
        if request.headers.get("return-client-request-id", "").lower() == "true":
            response.headers["client-request-id"] = request.headers.get("client-request-id", "")
        return response

    def refuse(self, fault: Fault, exchange: Exchange) -> web.Response:
        """A refusal nobody earned."""
        usual = "InternalError"
        if fault.kind == "throttle":
            usual = "TooManyRequests" if fault.status == 429 else "ServerBusy"
        response = self._refused(Refusal(fault.code or usual, status=fault.status), exchange)
        response.headers["request-id"] = exchange.id
        return response

    # --- routes -------------------------------------------------------------------------------------------------------

    async def _pools(self, request: web.Request) -> web.Response:
        return await self._list(request, POOLS, _sorted(self._account.pools), self._account.pool_body)

    async def _pool(self, request: web.Request) -> web.Response:
        pool = self._account.pool(request.match_info["pool"])
        return self._one(request, POOLS, self._account.pool_body(pool))

    async def _nodes(self, request: web.Request) -> web.Response:
        pool = self._account.pool(request.match_info["pool"])
        return await self._list(request, NODES, pool.ordered(), self._account.node_body)

    async def _node(self, request: web.Request) -> web.Response:
        node = self._account.node(request.match_info["pool"], request.match_info["node"])
        return self._one(request, NODES, self._account.node_body(node))

    async def _node_counts(self, request: web.Request) -> web.Response:
        pools = _sorted(self._account.pools)
        return await self._list(request, NODE_COUNTS, pools, lambda pool: self._account.node_counts(pool.id))

    async def _usage_metrics(self, _: web.Request) -> web.Response:
        raise Refusal("PoolUsageMetricAPIRetired")

    async def _jobs(self, request: web.Request) -> web.Response:
        return await self._list(request, JOBS, _sorted(self._account.jobs), self._account.job_body)

    async def _job(self, request: web.Request) -> web.Response:
        job = self._account.job(request.match_info["job"])
        return self._one(request, JOBS, self._account.job_body(job))

    async def _task_counts(self, request: web.Request) -> web.Response:
        body = self._account.task_counts(request.match_info["job"])
        return self._element("taskcountsresult", _encode(body))

    async def _tasks(self, request: web.Request) -> web.Response:
        job = self._account.job(request.match_info["job"])
        return await self._list(request, TASKS, job.ordered(), lambda task: self._account.task_body(job, task))

    async def _task(self, request: web.Request) -> web.Response:
        job = self._account.job(request.match_info["job"])
        task = self._account.task(job.id, request.match_info["task"])
        return self._one(request, TASKS, self._account.task_body(job, task))

    async def _schedules(self, request: web.Request) -> web.Response:
        return await self._list(request, SCHEDULES, _sorted(self._account.schedules), self._account.schedule_body)

    async def _schedule(self, request: web.Request) -> web.Response:
        schedule = self._account.schedule(request.match_info["schedule"])
        return self._one(request, SCHEDULES, self._account.schedule_body(schedule))

    async def _schedule_jobs(self, request: web.Request) -> web.Response:
        schedule = self._account.schedule(request.match_info["schedule"])
        jobs = [job for job in _sorted(self._account.jobs) if job.schedule is schedule]
        return await self._list(request, SCHEDULE_JOBS, jobs, self._account.job_body)

    # --- answers ------------------------------------------------------------------------------------------------------

    async def _list(
        self, request: web.Request, listing: Listing, things: Sequence[T], body: Callable[[T], Struct]
    ) -> web.Response:
        query: dict[str, str] = request[_QUERY]
        wish = Wish.read(query, listing, request[_VERSION])
        parts, last = await page(things, wish, body)
        answer = [
            b'{"odata.metadata":', _encode(f"{self._facts.endpoint}/$metadata#{listing.fragment}"),
            b',"value":[', b",".join(parts), b"]",
        ]  # fmt: skip
        if last:
            answer += [b',"odata.nextLink":', _encode(self._next_link(request, last))]
        return respond(b"".join([*answer, b"}"]), content_type=CONTENT_TYPE)

    def _next_link(self, request: web.Request, last: str) -> str:
        """The same question again, continued after ``last``."""
        kept = [
            part
            for part in request.rel_url.raw_query_string.split("&")
            if part and unquote(part.partition("=")[0]).lower() != "$skiptoken"
        ]
        return f"{self._facts.endpoint}{request.rel_url.raw_path}?{'&'.join([*kept, f'$skiptoken={token(last)}'])}"

    def _one(self, request: web.Request, listing: Listing, body: Any) -> web.Response:
        headers: dict[str, str] = {}
        if etag := getattr(body, "etag", ""):
            headers = {"ETag": etag, "Last-Modified": http_date(body.last_modified)}
            if not check(request.headers, etag, body.last_modified):
                return web.Response(status=304, headers=headers)
        query: dict[str, str] = request[_QUERY]
        wish = Wish.read(query, listing, request[_VERSION])
        return self._element(listing.fragment, wish.write(body), headers)

    def _element(self, fragment: str, data: bytes, headers: dict[str, str] | None = None) -> web.Response:
        metadata = _encode(f"{self._facts.endpoint}/$metadata#{fragment}/@Element")
        rest = b"," + data[1:] if data != b"{}" else b"}"
        return respond(b'{"odata.metadata":' + metadata + rest, content_type=CONTENT_TYPE, headers=headers)

    def _refused(self, refusal: Refusal, exchange: Exchange) -> web.Response:
        body = refusal.body(self._facts.endpoint, exchange.id, exchange.at)
        return respond(body, status=refusal.status, content_type=CONTENT_TYPE, headers=refusal.headers)


def _from_world(refused: Refused) -> Refusal:
    values = list(refused.values.items())
    return Refusal(refused.code, values, status=refused.status, message=refused.message)


def _without_body(headers: Mapping[str, str]) -> dict[str, str]:
    """What is left of an answer to HEAD: the service tells neither type nor length of the body it does not send."""
    return {name: value for name, value in headers.items() if name not in {"Content-Type", "Content-Length"}}


def _sorted(things: Mapping[str, T]) -> list[T]:
    """In the order of every list: by id."""
    return [things[key] for key in sorted(things)]


def _version(query: Mapping[str, str]) -> str:
    version = query.get("api-version")
    if not version:
        raise Refusal("MissingRequiredQueryParameter", [("QueryParameterName", "api-version")])
    if version not in UNKNOWN:
        raise Refusal.query("api-version", version, "The specified api-version is not supported")
    return version
