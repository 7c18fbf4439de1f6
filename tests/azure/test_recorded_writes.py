"""Our writes are those that the service accepted: method, path, query and body of every recorded one that we make.

And each of our writes gives an ETag where the service takes one, and nowhere else.
"""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from types import ModuleType
from typing import Any, NamedTuple, cast
from urllib.parse import unquote

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from yarl import URL

from bot.azure.credentials import Credentials
from bot.azure.writer import Writer
from bot.azure.writes import certificates, jobs, managed, nodes, pools, schedules, tasks
from bot.settings import AccountSettings
from tests.azure.recordings import recordings
from tests.azure.service import serving
from tests.shared import shared

MODULES = (certificates, jobs, managed, nodes, pools, schedules, tasks)
ACCOUNT = "ARM /subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/{batchAccounts}"
Make = Callable[[Writer, Mapping[str, str], Any], Awaitable[object]]


class Sent(NamedTuple):
    """One request as it was on the wire; ``body`` is its JSON, None for none."""

    method: str
    url: URL
    if_match: str
    body: Any


class _Token:
    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken("token", 2**33)

    async def close(self) -> None: ...


class _Tokens(Credentials):
    def token(self, settings: AccountSettings) -> Any:
        return _Token()


class Wire:
    """The other side: keeps what was sent, and answers what it was told to."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answer: Any = {}
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        url = URL(f"https://here{request.raw_path}", encoded=True)
        sent = Sent(request.method, url, request.headers.get("If-Match", ""), json.loads(body) if body else None)
        self.sent.append(sent)
        return web.json_response(self.answer)

    def writer(self, subscription: str = "s", group: str = "g", account: str = "a") -> Writer:
        settings = AccountSettings(
            self.url, subscription, group, account=account, write_credential="managed_identity", arm_endpoint=self.url
        )
        return Writer(settings, _Tokens({}))


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    made = Wire()
    async with serving(made.take) as made.url:
        yield made


def _rest(body: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """What a body has, under the names that our function has for it."""
    unknown = set(body) - set(names.values())
    if unknown:
        raise KeyError(f"not given by us: {', '.join(sorted(unknown))}")
    return {ours: body[theirs] for ours, theirs in names.items() if theirs in body}


def _resize(writer: Writer, at: Mapping[str, str], body: Any) -> Awaitable[object]:
    names = {
        "dedicated": "targetDedicatedNodes",
        "spot": "targetLowPriorityNodes",
        "resize_timeout": "resizeTimeout",
        "deallocation": "nodeDeallocationOption",
    }
    return pools.resize(writer, at["poolId"], **_rest(body, **names))


def _remove(writer: Writer, at: Mapping[str, str], body: Any) -> Awaitable[object]:
    names = {"nodes": "nodeList", "resize_timeout": "resizeTimeout", "deallocation": "nodeDeallocationOption"}
    return pools.remove_nodes(writer, at["poolId"], **_rest(body, **names))


def _autoscale(writer: Writer, at: Mapping[str, str], body: Any) -> Awaitable[object]:
    names = {"formula": "autoScaleFormula", "interval": "autoScaleEvaluationInterval"}
    return pools.enable_autoscale(writer, at["poolId"], **_rest(body, **names))


def _user(writer: Writer, at: Mapping[str, str], body: Any) -> Awaitable[object]:
    given = _rest(body, name="name", password="password", ssh_key="sshPublicKey", admin="isAdmin", expires="expiryTime")
    if "expires" in given:
        given["expires"] = datetime.fromisoformat(given["expires"])
    return nodes.add_user(writer, at["poolId"], at["nodeId"], **given)


def _logs(writer: Writer, at: Mapping[str, str], body: Any) -> Awaitable[object]:
    given = _rest(body, container_url="containerUrl", since="startTime", until="endTime")
    moments = {name: _moment(given[name]) for name in ("since", "until") if name in given}
    return nodes.upload_logs(writer, at["poolId"], at["nodeId"], **{**given, **moments})


def _certificate(writer: Writer, at: Mapping[str, str], body: Any) -> Awaitable[object]:
    algorithm, thumbprint = (part.partition("=")[2] for part in at["certificate"].rstrip(")").split(","))
    return certificates.cancel_deletion(writer, algorithm, thumbprint)


POOL, NODE, JOB = "DP /pools/{poolId}", "DP /pools/{poolId}/nodes/{nodeId}", "DP /jobs/{jobId}"
TASK, SCHEDULE = "DP /jobs/{jobId}/tasks/{taskId}", "DP /jobschedules/{jobScheduleId}"
APPLICATION = f"{ACCOUNT}/applications/{{applications}}"
PACKAGE = f"{APPLICATION}/versions/{{versions}}"
MADE: dict[tuple[str, str], Make] = {
    ("POST", "DP /pools"): lambda w, at, body: pools.create(w, body),
    ("DELETE", POOL): lambda w, at, body: pools.delete(w, at["poolId"]),
    ("PATCH", POOL): lambda w, at, body: pools.patch(w, at["poolId"], body),
    ("POST", f"{POOL}/resize"): _resize,
    ("POST", f"{POOL}/stopresize"): lambda w, at, body: pools.stop_resize(w, at["poolId"]),
    ("POST", f"{POOL}/removenodes"): _remove,
    ("POST", f"{POOL}/enableautoscale"): _autoscale,
    ("POST", f"{POOL}/disableautoscale"): lambda w, at, body: pools.disable_autoscale(w, at["poolId"]),
    ("POST", f"{POOL}/evaluateautoscale"): lambda w, at, body: pools.evaluate_autoscale(
        w, at["poolId"], body["autoScaleFormula"]
    ),
    ("POST", f"{POOL}/updateproperties"): lambda w, at, body: pools.update_properties(w, at["poolId"], body),
    ("POST", f"{NODE}/reboot"): lambda w, at, body: nodes.reboot(
        w, at["poolId"], at["nodeId"], tasks=(body or {}).get("nodeRebootOption", "requeue")
    ),
    ("POST", f"{NODE}/disablescheduling"): lambda w, at, body: nodes.disable_scheduling(
        w, at["poolId"], at["nodeId"], tasks=(body or {}).get("nodeDisableSchedulingOption", "requeue")
    ),
    ("POST", f"{NODE}/enablescheduling"): lambda w, at, body: nodes.enable_scheduling(w, at["poolId"], at["nodeId"]),
    ("POST", f"{NODE}/users"): _user,
    ("DELETE", f"{NODE}/users/{{userName}}"): lambda w, at, body: nodes.delete_user(
        w, at["poolId"], at["nodeId"], at["userName"]
    ),
    ("POST", f"{NODE}/uploadbatchservicelogs"): _logs,
    ("POST", "DP /jobs"): lambda w, at, body: jobs.create(w, body),
    ("DELETE", JOB): lambda w, at, body: jobs.delete(w, at["jobId"]),
    ("PATCH", JOB): lambda w, at, body: jobs.patch(w, at["jobId"], body),
    ("POST", f"{JOB}/enable"): lambda w, at, body: jobs.enable(w, at["jobId"]),
    ("POST", f"{JOB}/disable"): lambda w, at, body: jobs.disable(w, at["jobId"], tasks=body["disableTasks"]),
    ("POST", f"{JOB}/terminate"): lambda w, at, body: jobs.terminate(
        w, at["jobId"], **_rest(body or {}, reason="terminateReason")
    ),
    ("POST", f"{JOB}/tasks"): lambda w, at, body: tasks.create(w, at["jobId"], body),
    ("POST", f"{JOB}/addtaskcollection"): lambda w, at, body: tasks.create_many(
        w, at["jobId"], json.dumps(body).encode()
    ),
    ("DELETE", TASK): lambda w, at, body: tasks.delete(w, at["jobId"], at["taskId"]),
    ("PUT", TASK): lambda w, at, body: tasks.update(w, at["jobId"], at["taskId"], body),
    ("POST", f"{TASK}/terminate"): lambda w, at, body: tasks.terminate(w, at["jobId"], at["taskId"]),
    ("POST", f"{TASK}/reactivate"): lambda w, at, body: tasks.reactivate(w, at["jobId"], at["taskId"]),
    ("POST", "DP /jobschedules"): lambda w, at, body: schedules.create(w, body),
    ("DELETE", SCHEDULE): lambda w, at, body: schedules.delete(w, at["jobScheduleId"]),
    ("PATCH", SCHEDULE): lambda w, at, body: schedules.patch(w, at["jobScheduleId"], body),
    ("POST", f"{SCHEDULE}/enable"): lambda w, at, body: schedules.enable(w, at["jobScheduleId"]),
    ("POST", f"{SCHEDULE}/disable"): lambda w, at, body: schedules.disable(w, at["jobScheduleId"]),
    ("POST", f"{SCHEDULE}/terminate"): lambda w, at, body: schedules.terminate(w, at["jobScheduleId"]),
    ("POST", "DP /certificates(thumbprintAlgorithm=,thumbprint=)/canceldelete"): _certificate,
    (
        "POST",
        "ARM /subscriptions/{sub}/providers/Microsoft.Batch/locations/{locations}/checkNameAvailability",
    ): lambda w, at, body: managed.check_name(w, at["locations"], body["name"]),
    ("PUT", ACCOUNT): lambda w, at, body: managed.create_account(w, at["rg"], at["batchAccounts"], body),
    ("DELETE", ACCOUNT): lambda w, at, body: managed.delete_account(w),
    ("POST", f"{ACCOUNT}/listKeys"): lambda w, at, body: managed.list_keys(w),
    ("POST", f"{ACCOUNT}/regenerateKeys"): lambda w, at, body: managed.regenerate_key(w, body["keyName"].lower()),
    ("PUT", APPLICATION): lambda w, at, body: managed.create_application(w, at["applications"], body["properties"]),
    ("PATCH", APPLICATION): lambda w, at, body: managed.patch_application(w, at["applications"], body["properties"]),
    ("DELETE", APPLICATION): lambda w, at, body: managed.delete_application(w, at["applications"]),
    ("PUT", PACKAGE): lambda w, at, body: managed.create_package(w, at["applications"], at["versions"]),
    ("DELETE", PACKAGE): lambda w, at, body: managed.delete_package(w, at["applications"], at["versions"]),
    ("POST", f"{PACKAGE}/activate"): lambda w, at, body: managed.activate_package(
        w, at["applications"], at["versions"]
    ),
}
"""Every recorded write that we make, by what its route names and what its body has."""

NOT_MADE = {
    "DP /certificates": "certificates cannot be added any more",
    "DP /certificates(thumbprintAlgorithm=,thumbprint=)": "nor are they deleted",
    f"{TASK}/files/{{filePath}}": "files are only read",
    f"{NODE}/files/{{filePath}}": "files are only read",
    f"{NODE}/users/{{userName}}": "a user is made anew, not changed",
    f"{NODE}/reimage": "the service refuses it on every pool of today",
    f"{POOL}/upgradeos": "went with cloud services",
    f"{ACCOUNT}/syncAutoStorageKeys": "nothing asks for it",
    f"{ACCOUNT}/certificates/{{certificates}}": "certificates cannot be added any more",
    f"{ACCOUNT}/certificates/{{certificates}}/cancelDelete": "done over the data plane, which needs no more than a key",
    f"{ACCOUNT}/pools/{{pools}}": "done over the data plane",
    f"{ACCOUNT}/pools/{{pools}}/disableAutoScale": "done over the data plane",
    f"{ACCOUNT}/pools/{{pools}}/stopResize": "done over the data plane",
    f"{ACCOUNT}/privateEndpointConnections/{{privateEndpointConnections}}": "networks are not the bot's",
}
NOT_MADE_SO = {("PUT", JOB), ("PUT", SCHEDULE), ("PATCH", ACCOUNT)}
"""Replaced as a whole, where we change what is given."""
BEFORE = ("targetDedicated", "maxTasksPerNode", "allowUpdates", "targetOSVersion", "packages")
"""Names in bodies of the first api-versions, which the service takes no more."""


def writes() -> list[dict[str, Any]]:
    """Every recorded write that the service accepted."""
    return [each for each in recordings() if each["method"] not in ("GET", "HEAD") and each["status"] < 300]


def of_today(recording: Mapping[str, Any]) -> bool:
    """Whether its body was recorded whole, and has the shape of today's api-versions."""
    body = recording["request_body"]
    if isinstance(body, dict):
        flat = recording["route"] == APPLICATION and "properties" not in body
        return not flat and not any(name in body for name in BEFORE)
    return not isinstance(body, str)


def places(recording: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the variable steps of a route."""
    pattern = recording["route"].partition(" ")[2].strip("/").split("/")
    steps = [unquote(each) for each in URL(recording["uri"], encoded=True).raw_path.strip("/").split("/")]
    found = {name.strip("{}"): step for name, step in zip(pattern, steps, strict=False) if name.startswith("{")}
    return found | {"certificate": next((step for step in steps if step.startswith("certificates(")), "")}


def test_every_recorded_write_is_made_or_left_for_a_reason() -> None:
    routes = {(each["method"], each["route"]) for each in recordings() if each["method"] not in ("GET", "HEAD")}
    left = {(method, route) for method, route in routes - MADE.keys() - NOT_MADE_SO if route not in NOT_MADE}
    assert not left
    assert not {route for _, route in MADE} & {f"{ACCOUNT}/pools/{{pools}}"}


async def test_our_writes_are_those_that_the_service_accepted(wire: Wire) -> None:
    wrong: Counter[str] = Counter()
    compared: Counter[tuple[str, str]] = Counter()
    for recording in writes():
        key = recording["method"], recording["route"]
        make, body = MADE.get(key), recording["request_body"]
        if make is None or not of_today(recording):
            continue
        at = places(recording)
        writer = wire.writer(at.get("sub", "s"), at.get("rg", "g"), at.get("batchAccounts", "a"))
        wire.answer = recording["response_body"] or {}
        try:
            await make(writer, at, body)
        except (TypeError, KeyError) as error:
            if body is not None:  # a body that was not recorded cannot be made again
                wrong[f"{key}: {error!r}"] += 1
            continue
        finally:
            await writer.close()
        sent = wire.sent.pop()
        wrong.update(f"{key}: {each}" for each in differences(sent, recording))
        compared[key] += 1
    assert not wrong, "\n".join(f"{number} x {what}" for what, number in wrong.most_common(40))
    accepted = {(each["method"], each["route"]) for each in writes()}
    assert set(compared) == set(MADE) & accepted
    assert sum(compared.values()) > 600


def differences(sent: Sent, recording: Mapping[str, Any]) -> list[str]:
    """What our request has otherwise than the recorded one."""
    recorded = URL(recording["uri"], encoded=True)
    found = []
    if sent.method != recording["method"]:
        found.append(f"method {sent.method}")
    if unquote(sent.url.raw_path).lower() != unquote(recorded.raw_path).lower():
        found.append(f"path {sent.url.raw_path} not {recorded.raw_path}")
    more = set(sent.url.query) - {"api-version"}
    if more - set(recorded.query):
        found.append(f"query {more}")
    theirs = recording["request_body"]
    if theirs is not None and _plain(sent.body or {}) != _plain(theirs):
        found.append(f"body {sent.body} not {theirs}")
    return found


def _plain(value: Any) -> Any:
    """A body as the service reads it: numbers may come as text, moments with any number of digits."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str) and len(value) > 18 and value[4:5] == "-" and value[10:11] == "T":
        return _moment(value)
    return str(value).lower() if isinstance(value, bool | int | str) else value


def _moment(text: str) -> datetime:
    whole, _, part = text.rstrip("Z").removesuffix("+00:00").partition(".")
    return datetime.fromisoformat(f"{whole}.{(part or '0')[:6]:0<6}+00:00")


# --- If-Match ---------------------------------------------------------------------------------------------------------


def functions() -> list[tuple[ModuleType, str]]:
    """Every write of ours."""
    return [
        (module, name)
        for module in MODULES
        for name, found in vars(module).items()
        if inspect.iscoroutinefunction(found) and found.__module__ == module.__name__
    ]


def operations() -> dict[tuple[str, str], bool]:
    """Every write of the data plane by method and path (without the names of its parameters): takes it If-Match?"""
    folder = shared("azure/specs/batch-data-plane-2024-07-01.20.0")
    document = json.loads((folder / "BatchService.json").read_text(encoding="utf-8"))
    found = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("post", "put", "patch", "delete"):
                names = {each.get("name", each.get("$ref", "")) for each in operation.get("parameters", ())}
                found[method.upper(), _unnamed(path)] = any("If-Match" in name for name in names)
    return found


def _unnamed(path: str) -> str:
    plain = path.partition("(")[0] + path.partition(")")[2] if "(" in path else path
    return "/".join("*" if step.startswith(("{", "NAME")) else step for step in plain.split("/"))


def arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """Something for every parameter that has to be given."""
    made: dict[str, Any] = {}
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        if parameter.default is not inspect.Parameter.empty:
            continue
        kind = str(parameter.annotation)
        values = {"str": "NAME", "bytes": b"{}", "datetime": datetime(2026, 1, 1), "KeyName": "primary"}  # noqa: DTZ001
        made[name] = values.get(kind, ["NAME"] if "Sequence" in kind else {})
    return made


@pytest.mark.parametrize(
    ("module", "name"), functions(), ids=[f"{module.__name__.split('.')[-1]}.{name}" for module, name in functions()]
)
async def test_an_etag_is_given_where_the_service_takes_it(wire: Wire, module: ModuleType, name: str) -> None:
    function = getattr(module, name)
    takes = "etag" in inspect.signature(function).parameters
    wire.answer = {"nameAvailable": True, "primary": "", "secondary": ""}
    writer = wire.writer()
    await function(writer, **arguments(function), **({"etag": '"0x8D"'} if takes else {}))
    await writer.close()
    [sent] = wire.sent
    assert sent.if_match == ('"0x8D"' if takes else "")
    if module is not managed:
        assert operations()[sent.method, _unnamed(sent.url.raw_path)] is takes, f"{sent.method} {sent.url}"


def test_the_table_of_if_match() -> None:
    """22 take it; of those that we do not make each replaces what we patch."""
    taking = {key for key, takes in operations().items() if takes}
    assert len(taking) == 22
    ours = sum("etag" in inspect.signature(getattr(module, name)).parameters for module, name in functions())
    unmade = {("PUT", "/jobs/*"), ("PUT", "/jobschedules/*")}
    assert ours == len(taking - unmade)
    assert unmade <= taking
    assert cast(int, len(operations())) > len(taking)
