"""The Batch data plane of one account: answered as the service does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec
from aiohttp import web
from msgspec import Struct

from bot.sandbox.world import AccountState, LiveJob, LivePool, Refused
from bot.sandbox.world.list_lag import body_of

from .auth import Authenticator
from .conditions import check
from .errors import Refusal, from_world
from .faults import Fault, Faults
from .files import FileRoutes
from .inventory import InventoryRoutes
from .listener import Exchange, Handler, Listener, http_date, respond
from .listing import ReadOptions, Thing, page, token
from .request import CONTENT_TYPE, QUERY, VERSION
from .tables import JOBS, NODE_COUNTS, NODES, POOLS, SCHEDULE_JOBS, SCHEDULES, TASKS, Listing
from .tokens import Tokens
from .versions import DATA_PLANE
from .writes.certificates import CertificateWrites
from .writes.jobs import JobWrites
from .writes.nodes import NodeWrites
from .writes.pools import PoolWrites
from .writes.schedules import ScheduleWrites
from .writes.tasks import TaskWrites

_encode = msgspec.json.Encoder().encode

T = TypeVar("T", bound=Thing)


class DataPlane(Listener):
    """Serves one account: pools, nodes, jobs, tasks and schedules here; files and the rest in modules of their own."""

    def __init__(self, account: AccountState, tokens: Tokens, faults: Faults | None = None) -> None:
        super().__init__(account.world.clock, faults)
        self.account = account
        self._facts = account.facts
        self._authenticator = Authenticator(account.facts, tokens)
        routes: dict[str, Handler] = {
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
        files, inventory = FileRoutes(self), InventoryRoutes(self)
        routes |= {**files.routes, **inventory.routes}
        by_path: dict[str, dict[str, Handler]] = {path: {"GET": handler} for path, handler in routes.items()}
        for path in ("/pools/{pool}", "/jobschedules/{schedule}", *files.heads):
            by_path[path]["HEAD"] = routes[path]
        for writes in (
            PoolWrites(self).routes,
            NodeWrites(self).routes,
            JobWrites(self).routes,
            TaskWrites(self).routes,
            ScheduleWrites(self).routes,
            CertificateWrites(inventory).routes,
            files.writes,
        ):
            for (method, path), handler in writes.items():
                by_path.setdefault(path, {})[method] = handler
        for path, methods in by_path.items():  # one resource for each path: the router tries them one after another
            resource = self.app.router.add_resource(path)
            for method, handler in methods.items():
                resource.add_route(method, handler)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen, and let the account know its endpoint."""
        await super().start(host, port)
        self._facts.endpoint = self.url

    async def serve(self, request: web.Request, handler: Handler, exchange: Exchange) -> web.Response:
        """Let in, understand, answer."""
        try:
            self._authenticator.admit(
                request.method, request.raw_path, {k.lower(): v for k, v in request.headers.items()}
            )
            query = {name.lower(): value for name, value in request.rel_url.query.items()}
            request[VERSION] = _version(query)
            request[QUERY] = query
            self.account.world.settle()
            response = await handler(request)
            assert isinstance(response, web.Response)  # noqa: S101  no handler here streams
        except Refusal as refusal:
            response = self._refused(refusal, exchange)
        except Refused as refused:
            response = self._refused(from_world(refused), exchange)
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
        usual = "OperationTimedOut" if fault.performed else "InternalError"
        if fault.kind == "throttle":
            usual = "TooManyRequests" if fault.status == 429 else "ServerBusy"
        response = self._refused(Refusal(fault.code or usual, status=fault.status), exchange)
        response.headers["request-id"] = exchange.id
        return response

    # --- routes -------------------------------------------------------------------------------------------------------

    async def _pools(self, request: web.Request) -> web.Response:
        return await self._seen(request, POOLS, _sorted(self.account.pools), self._pool_body(request))

    async def _pool(self, request: web.Request) -> web.Response:
        pool = self.account.pool(request.match_info["pool"])
        return self.one(request, POOLS, self._pool_body(request)(pool))

    async def _nodes(self, request: web.Request) -> web.Response:
        pool = self.account.pool(request.match_info["pool"])
        return await self._seen(request, NODES, pool.ordered(), self.account.node_body)

    async def _node(self, request: web.Request) -> web.Response:
        node = self.account.node(request.match_info["pool"], request.match_info["node"])
        return self.one(request, NODES, self.account.node_body(node))

    async def _node_counts(self, request: web.Request) -> web.Response:
        pools = [pool for pool in _sorted(self.account.pools) if self.account.list_lag.seen([pool])]
        return await self.listed(request, NODE_COUNTS, pools, self.account.list_lag.node_counts)

    async def _usage_metrics(self, _: web.Request) -> web.Response:
        raise Refusal("PoolUsageMetricAPIRetired")

    async def _jobs(self, request: web.Request) -> web.Response:
        return await self._seen(request, JOBS, _sorted(self.account.jobs), self._job_body(request))

    async def _job(self, request: web.Request) -> web.Response:
        job = self.account.job(request.match_info["job"])
        return self.one(request, JOBS, self._job_body(request)(job))

    async def _task_counts(self, request: web.Request) -> web.Response:
        body = self.account.list_lag.task_counts(self.account.job(request.match_info["job"]))
        return self.element("taskcountsresult/@Element", _encode(body))

    async def _tasks(self, request: web.Request) -> web.Response:
        job = self.account.job(request.match_info["job"])
        stats = "$expand" in request[QUERY]
        return await self._seen(
            request, TASKS, job.ordered(), lambda task: self.account.task_body(job, task, stats=stats)
        )

    async def _task(self, request: web.Request) -> web.Response:
        job = self.account.job(request.match_info["job"])
        task = self.account.task(job.id, request.match_info["task"])
        return self.one(request, TASKS, self.account.task_body(job, task, stats="$expand" in request[QUERY]))

    async def _schedules(self, request: web.Request) -> web.Response:
        return await self._seen(request, SCHEDULES, _sorted(self.account.schedules), self.account.schedule_body)

    async def _schedule(self, request: web.Request) -> web.Response:
        schedule = self.account.schedule(request.match_info["schedule"])
        return self.one(request, SCHEDULES, self.account.schedule_body(schedule))

    async def _schedule_jobs(self, request: web.Request) -> web.Response:
        schedule = self.account.schedule(request.match_info["schedule"])
        jobs = [job for job in _sorted(self.account.jobs) if job.schedule is schedule]
        return await self._seen(request, SCHEDULE_JOBS, jobs, self._job_body(request))

    def _pool_body(self, request: web.Request) -> Callable[[LivePool], Struct]:
        return partial(self.account.pool_body, stats="$expand" in request[QUERY])

    def _job_body(self, request: web.Request) -> Callable[[LiveJob], Struct]:
        return partial(self.account.job_body, stats="$expand" in request[QUERY])

    async def _seen(
        self, request: web.Request, listing: Listing, things: Sequence[T], body: Callable[[T], Struct]
    ) -> web.Response:
        """A list that lags behind by the account's `list_lag`."""
        return await self.listed(request, listing, self.account.list_lag.seen(things), body_of(body))

    # --- answers ------------------------------------------------------------------------------------------------------

    async def listed(
        self, request: web.Request, listing: Listing, things: Sequence[T], body: Callable[[T], Struct]
    ) -> web.Response:
        """One page of a list; ``things`` in the order of their ids."""
        query: dict[str, str] = request[QUERY]
        options = ReadOptions.read(query, listing, request[VERSION])
        parts, last = await page(things, options, body)
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

    def one(self, request: web.Request, listing: Listing, body: Any) -> web.Response:
        """One thing, as the request wants it."""
        headers: dict[str, str] = {}
        if etag := getattr(body, "etag", ""):
            headers = {"ETag": etag, "Last-Modified": http_date(body.last_modified)}
            if not check(request.headers, etag, body.last_modified):
                return web.Response(status=304, headers=headers)
        query: dict[str, str] = request[QUERY]
        options = ReadOptions.read(query, listing, request[VERSION])
        return self.element(f"{listing.fragment}/@Element", options.write(body), headers)

    def element(self, fragment: str, data: bytes, headers: dict[str, str] | None = None) -> web.Response:
        """A JSON object under its metadata; ``fragment`` is what follows the number sign there."""
        metadata = _encode(f"{self._facts.endpoint}/$metadata#{fragment}")
        rest = b"," + data[1:] if data != b"{}" else b"}"
        return respond(b'{"odata.metadata":' + metadata + rest, content_type=CONTENT_TYPE, headers=headers)

    def _refused(self, refusal: Refusal, exchange: Exchange) -> web.Response:
        body = refusal.body(self._facts.endpoint, exchange.id, exchange.at)
        return respond(body, status=refusal.status, content_type=CONTENT_TYPE, headers=refusal.headers)


def _without_body(headers: Mapping[str, str]) -> dict[str, str]:
    """What is left of an answer to HEAD: type and length of what is not sent are told for files only."""
    gone = {"Content-Type", "Content-Length"} if headers.get("Content-Type") == CONTENT_TYPE else set()
    return {name: value for name, value in headers.items() if name not in gone}


def _sorted(things: Mapping[str, T]) -> list[T]:
    """In the order of every list: by id."""
    return [things[key] for key in sorted(things)]


def _version(query: Mapping[str, str]) -> str:
    version = query.get("api-version")
    if not version:
        raise Refusal("MissingRequiredQueryParameter", [("QueryParameterName", "api-version")])
    if version not in DATA_PLANE:
        raise Refusal.query("api-version", version, "The specified api-version is not supported")
    return version
