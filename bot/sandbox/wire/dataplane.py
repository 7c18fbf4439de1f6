"""The Batch data plane of one account: what may be read, as the service answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import msgspec
from aiohttp import web
from msgspec import Struct

from .auth import Door
from .conditions import check
from .errors import Refusal
from .faults import Fault, Faults
from .listener import Exchange, Handler, Listener, http_date, respond
from .listing import Order, Thing, Wish, page, token
from .store import Store
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

    def __init__(self, store: Store, tokens: Tokens, faults: Faults | None = None) -> None:
        super().__init__(store.clock, faults)
        self._store = store
        self._door = Door(store.name, store.keys, tokens)
        self._orders: dict[str, Order[Any]] = {}
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
        self._store.endpoint = self.url

    async def serve(self, request: web.Request, handler: Handler, exchange: Exchange) -> web.Response:
        """Let in, understand, answer."""
        try:
            self._door.admit(request.method, request.raw_path, {k.lower(): v for k, v in request.headers.items()})
            query = {name.lower(): value for name, value in request.rel_url.query.items()}
            request[_VERSION] = _version(query)
            request[_QUERY] = query
            self._store.settle()
            response = await handler(request)
            assert isinstance(response, web.Response)  # noqa: S101  no handler here streams
        except Refusal as refusal:
            response = self._refused(refusal, exchange)
        except web.HTTPMethodNotAllowed as error:
            allow = ", ".join(sorted(error.allowed_methods))
            response = self._refused(Refusal("UnsupportedHttpVerb", headers={"Allow": allow}), exchange)
        except web.HTTPNotFound:
            response = self._refused(Refusal("ResourceNotFound"), exchange)
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
        return await self._list(request, POOLS, self._store.pools, self._store.pool_body)

    async def _pool(self, request: web.Request) -> web.Response:
        return self._one(request, POOLS, self._store.pool_body(self._need_pool(request)))

    async def _nodes(self, request: web.Request) -> web.Response:
        return await self._list(request, NODES, self._need_pool(request).nodes, self._store.node_body)

    async def _node(self, request: web.Request) -> web.Response:
        node = self._store.node(self._need_pool(request), request.match_info["node"])
        return self._one(request, NODES, self._store.node_body(_need(node, NODES)))

    async def _node_counts(self, request: web.Request) -> web.Response:
        return await self._list(request, NODE_COUNTS, self._store.pools, self._store.node_counts)

    async def _usage_metrics(self, request: web.Request) -> web.Response:
        raise Refusal("PoolUsageMetricAPIRetired")

    async def _jobs(self, request: web.Request) -> web.Response:
        return await self._list(request, JOBS, self._store.jobs, self._store.job_body)

    async def _job(self, request: web.Request) -> web.Response:
        return self._one(request, JOBS, self._store.job_body(self._need_job(request)))

    async def _task_counts(self, request: web.Request) -> web.Response:
        body = self._store.task_counts(self._need_job(request))
        return self._element("taskcountsresult", _encode(body))

    async def _tasks(self, request: web.Request) -> web.Response:
        job = self._need_job(request)
        return await self._list(request, TASKS, self._store.tasks(job), lambda task: self._store.task_body(job, task))

    async def _task(self, request: web.Request) -> web.Response:
        job = self._need_job(request)
        task = _need(self._store.task(job, request.match_info["task"]), TASKS)
        return self._one(request, TASKS, self._store.task_body(job, task))

    async def _schedules(self, request: web.Request) -> web.Response:
        return await self._list(request, SCHEDULES, self._store.schedules, self._store.schedule_body)

    async def _schedule(self, request: web.Request) -> web.Response:
        return self._one(request, SCHEDULES, self._store.schedule_body(self._need_schedule(request)))

    async def _schedule_jobs(self, request: web.Request) -> web.Response:
        jobs = self._store.jobs_of(self._need_schedule(request))
        return await self._list(request, SCHEDULE_JOBS, jobs, self._store.job_body)

    def _need_pool(self, request: web.Request) -> Any:
        return _need(self._store.pool(request.match_info["pool"]), POOLS)

    def _need_job(self, request: web.Request) -> Any:
        return _need(self._store.job(request.match_info["job"]), JOBS)

    def _need_schedule(self, request: web.Request) -> Any:
        return _need(self._store.schedule(request.match_info["schedule"]), SCHEDULES)

    # --- answers ------------------------------------------------------------------------------------------------------

    async def _list(
        self, request: web.Request, listing: Listing, things: Mapping[str, T], body: Callable[[T], Struct]
    ) -> web.Response:
        query: dict[str, str] = request[_QUERY]
        wish = Wish.read(query, listing, request[_VERSION])
        order = self._orders.setdefault(request.path.lower(), Order())
        parts, last = await page(things, order.of(things), wish, body)
        answer = [
            b'{"odata.metadata":', _encode(f"{self._store.endpoint}/$metadata#{listing.fragment}"),
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
        return f"{self._store.endpoint}{request.rel_url.raw_path}?{'&'.join([*kept, f'$skiptoken={token(last)}'])}"

    def _one(self, request: web.Request, listing: Listing, body: Any) -> web.Response:
        headers: dict[str, str] = {}
        if etag := getattr(body, "etag", ""):
            headers = {"ETag": etag, "Last-Modified": http_date(body.last_modified)}
            if not check(request.headers, etag, body.last_modified):
                return web.Response(status=304, headers=headers)
        query: dict[str, str] = request[_QUERY]
        wish = Wish.read(query, listing, request[_VERSION])
        if request.method == "HEAD":
            return web.Response(headers=headers)
        return self._element(listing.fragment, wish.write(body), headers)

    def _element(self, fragment: str, data: bytes, headers: dict[str, str] | None = None) -> web.Response:
        metadata = _encode(f"{self._store.endpoint}/$metadata#{fragment}/@Element")
        rest = b"," + data[1:] if data != b"{}" else b"}"
        return respond(b'{"odata.metadata":' + metadata + rest, content_type=CONTENT_TYPE, headers=headers)

    def _refused(self, refusal: Refusal, exchange: Exchange) -> web.Response:
        body = refusal.body(self._store.endpoint, exchange.id, exchange.at)
        return respond(body, status=refusal.status, content_type=CONTENT_TYPE, headers=refusal.headers)


def _need(thing: T | None, listing: Listing) -> T:
    if thing is None:
        raise Refusal(listing.missing)
    return thing


def _version(query: Mapping[str, str]) -> str:
    version = query.get("api-version")
    if not version:
        raise Refusal("MissingRequiredQueryParameter", [("QueryParameterName", "api-version")])
    if version not in UNKNOWN:
        raise Refusal.query("api-version", version, "The specified api-version is not supported")
    return version
