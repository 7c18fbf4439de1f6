"""Answers that are not as they should be: null, missing, of a wrong type, nested without end, too large, endless."""

from __future__ import annotations

import gzip
import json
import pickle
import zlib
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.azure import bounds, gaps
from bot.azure.account import Account
from bot.azure.clock import instant
from bot.azure.decoding import decode, decode_rows
from bot.azure.errors import AzureError
from bot.azure.models import (
    Application,
    Certificate,
    Job,
    JobSchedule,
    Node,
    Pool,
    PoolNodeCounts,
    SupportedImage,
    SupportedSku,
    Task,
    TaskRow,
)
from bot.azure.models.base import Untold, Wire, told
from bot.azure.models.watched import JobState, NodeState, PoolState, ScheduleState, TaskState
from tests.azure.recordings import recordings
from tests.azure.service import COUNTED, NONE_OF_ANY, Service, say

KINDS = (
    Application, Certificate, Job, JobSchedule, JobState, Node, NodeState, Pool, PoolNodeCounts, PoolState,
    ScheduleState, SupportedImage, SupportedSku, Task, TaskRow, TaskState,
)  # fmt: skip


def _below(kind: type[Any]) -> list[type[Any]]:
    return [each for below in kind.__subclasses__() for each in (below, *_below(below))]


ALL = sorted({*_below(Wire)}, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
ALL = [
    kind
    for kind in ALL
    if kind.__module__.startswith("bot.azure.models.")
    and not kind.WHOLE
    and not any(each.required for each in msgspec.structs.fields(kind))
    and any(type(each.default) is int for each in msgspec.structs.fields(kind))
]
"""The kinds that have numbers, each of which may be missing."""
WRONG: tuple[Any, ...] = (None, {"deep": [1]}, [[]], 3.5, "no such thing", True)


def _row(kind: type[Any], number: int) -> dict[str, Any]:
    """A row that is as it should be, with its key."""
    row = dict(_sound(kind))
    if kind.KEY:
        row[kind.__struct_encode_fields__[kind.__struct_fields__.index(kind.KEY)]] = f"r{number}"
    if kind is PoolNodeCounts:
        row |= {"dedicated": {**NONE_OF_ANY, "idle": 1, "total": 1}, "lowPriority": NONE_OF_ANY}
    return row


@cache
def _sound(kind: type[Any]) -> dict[str, Any]:
    names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    return {names[each]: 0 if isinstance(_default(kind, each), Untold) else "active" for each in kind.ALWAYS}


def _default(kind: type[Any], name: str) -> object:
    return next(each.default for each in msgspec.structs.fields(kind) if each.name == name)


@pytest.mark.parametrize("kind", KINDS)
async def test_one_odd_field_of_one_row_hides_nothing_else(kind: type[Any]) -> None:
    key = kind.__struct_encode_fields__[kind.__struct_fields__.index(kind.KEY)] if kind.KEY else ""
    for name in kind.__struct_encode_fields__:
        for wrong in WRONG:
            sent = [_row(kind, number) for number in range(25)]
            sent[7] = {**sent[7], name: wrong}
            with gaps.listening() as found:
                rows = await decode_rows("host", kind, json.dumps({"value": sent}).encode())
            kept = {getattr(row, kind.KEY) for row in rows.items} if kind.KEY else set()
            if name == key and not isinstance(wrong, str):
                assert (len(rows.items), rows.aside) == (24, ("",)), (name, wrong)
                assert found.lines
            elif kind is PoolNodeCounts and name != key:
                assert (len(rows.items), rows.aside) == (24, ("r7",)), (name, wrong)
                assert "node counts of pool r7" in found.lines[0]
            else:
                assert len(rows.items) == 25, (name, wrong)
                assert rows.aside == ()
            assert len(kept) in (0, len(rows.items))


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=settings.default.max_examples * 3 // 4, deadline=None)
@given(st.sampled_from([Pool, Job, Task, Node, JobSchedule]), st.data())
async def test_whatever_a_row_holds_the_others_come(kind: type[Any], data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(kind.__struct_encode_fields__), max_size=4, unique=True))
    odd = {name: data.draw(_json) for name in names}
    sent = [{"id": "a"}, {"id": "b", **odd}, {"id": "c"}]
    rows = await decode_rows("host", kind, msgspec.json.encode({"value": sent}))
    assert [row.id for row in rows.items if row.id in ("a", "c")][:1] == ["a"]
    assert rows.items[-1].id == "c"
    assert len(rows.items) + len(rows.aside) == 3


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("wrong", [None, "7", 1.5, [], {}])
async def test_a_number_that_was_not_told_can_be_stored_and_copied(kind: type[Any], wrong: object) -> None:
    """Every number of every kind: encoded it is the default, and still it says that it was not told."""
    numbers = [each for each in msgspec.structs.fields(kind) if type(each.default) is int]
    body = {each.encode_name: wrong for each in numbers}
    found = await decode("host", kind, json.dumps(body).encode())
    for each in numbers:
        value = getattr(found, each.name)
        assert (f"{value:,}", f"{value}", repr(value)) == ("?", "?", "?")
        assert isinstance(value, Untold)
        assert value == each.default
        assert told(value, 42) == 42
        for encoded in (msgspec.json.encode(value), msgspec.json.encode({"step": [value]})[9:-2]):
            assert msgspec.json.decode(encoded) == each.default
        assert isinstance(pickle.loads(pickle.dumps(value)), Untold)
    assert msgspec.convert(msgspec.to_builtins(found), kind) == found
    assert msgspec.json.decode(msgspec.json.encode(found), type=kind) == found


async def test_a_number_that_was_not_told_is_no_zero() -> None:
    odd = {"currentDedicatedNodes": None, "displayName": None, "state": "lively"}
    sent = {"value": [{**_row(Pool, 1), "id": "p", **odd}]}
    with gaps.listening() as found:
        rows = await decode_rows("host", Pool, json.dumps(sent).encode())
    pool = rows.items[0]
    assert isinstance(pool.current_dedicated_nodes, Untold)
    assert f"{pool.current_dedicated_nodes}" == "?"
    assert (pool.display_name, pool.state) == ("", "lively")
    assert found.lines == ["currentDedicatedNodes of pool p (Azure's answer was not understood)"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.ALWAYS])
async def test_what_is_missing_though_it_is_sent_always_is_no_zero(kind: type[Any]) -> None:
    names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    for name in kind.ALWAYS:
        sent = [_row(kind, number) for number in range(3)]
        del sent[1][names[name]]
        for select in ("", f"id,{names[name]}"):
            with gaps.listening() as found:
                rows = await decode_rows("host", kind, json.dumps({"value": sent}).encode(), select=select)
                one = await decode("host", kind, json.dumps(sent[1]).encode(), select=select)
            assert len(rows.items) == 3
            value = getattr(rows.items[1], name)
            assert f"{value}" == ("" if isinstance(value, str) else "?")
            assert one == rows.items[1]
            (line,) = found.lines
            assert line.startswith(names[name])
            assert "r1 (Azure's answer was not understood)" in line
        with gaps.listening(found):
            await decode_rows("host", kind, json.dumps({"value": [{"id": "r"}]}).encode(), select="id")
            await decode("host", kind, b'{"id": "r"}', select="id,vmSize")
        assert len(found) == 1, "what was not asked for is no gap"


@pytest.mark.parametrize("left_out", COUNTED)
async def test_node_counts_of_which_one_is_missing_are_unknown(left_out: str) -> None:
    fewer = {name: number for name, number in NONE_OF_ANY.items() if name != left_out}
    for odd in ({}, fewer, {**NONE_OF_ANY, left_out: None}):
        for column in ("dedicated", "lowPriority"):
            sent = [_row(PoolNodeCounts, number) for number in range(3)]
            sent[1][column] = odd
            rows = await decode_rows("host", PoolNodeCounts, json.dumps({"value": sent}).encode())
            assert ([row.pool_id for row in rows.items], rows.aside) == (["r0", "r2"], ("r1",))


def test_every_recorded_row_has_what_is_said_to_be_sent_always() -> None:
    today = [each for each in recordings() if each["api_version"] >= "2020-09"]
    for kind, routes in ROUTES.items():
        names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
        rows = [row for each in today for row in _rows(each, routes)]
        assert rows
        for row in rows:
            assert {names[each] for each in kind.ALWAYS} <= set(row)
            if kind is PoolNodeCounts:
                assert set(COUNTED) <= set(row["dedicated"]) & set(row["lowPriority"])


ROUTES: dict[type[Any], tuple[str, ...]] = {
    Pool: ("DP /pools", "DP /pools/{poolId}"),
    Node: ("DP /pools/{poolId}/nodes", "DP /pools/{poolId}/nodes/{nodeId}"),
    Job: ("DP /jobs", "DP /jobs/{jobId}", "DP /jobschedules/{jobScheduleId}/jobs"),
    Task: ("DP /jobs/{jobId}/tasks", "DP /jobs/{jobId}/tasks/{taskId}"),
    JobSchedule: ("DP /jobschedules", "DP /jobschedules/{jobScheduleId}"),
    PoolNodeCounts: ("DP /nodecounts",),
}


def _rows(recording: dict[str, Any], routes: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows that were read whole; what an SDK's own stand-in has of a list may be an empty object."""
    read = recording["method"] == "GET" and recording["status"] == 200 and recording["route"] in routes
    if not read or "select=" in recording["uri"]:
        return []
    body = recording["response_body"]
    return list(body["value"]) if "value" in body else [body]


@pytest.mark.parametrize("body", [b"{}", b'{"value": null}', b"[]", b"null", b"", b"\xff", b'{"value": [', b"7"])
async def test_what_is_no_list_is_told(service: Service, account: Account, body: bytes) -> None:
    service.answers = [say(body)]
    with pytest.raises(AzureError) as caught:
        await account.every(Pool, "/pools")
    assert caught.value.code == "UnexpectedAnswer"


@pytest.mark.parametrize("kind", [Pool, Job, Task, Node, JobSchedule])
async def test_an_empty_object_is_nothing_that_exists(service: Service, account: Account, kind: type[Any]) -> None:
    for body in ({}, {"id": None}, {"state": "active"}):
        service.answers = [say(body)]
        with pytest.raises(AzureError) as caught:
            await account.fetch(kind, "/pools/p")
        assert (caught.value.code, caught.value.not_found) == ("UnexpectedAnswer", False)


NONE = {"active": 0, "running": 0, "completed": 0, "succeeded": 0, "failed": 0}


@pytest.mark.parametrize("counts", [None, {}, {"active": 1}, {**NONE, "failed": None}, {**NONE, "running": "x"}])
async def test_counts_of_which_one_is_missing_are_unknown(service: Service, account: Account, counts: object) -> None:
    service.answers = [say({"taskCounts": counts, "taskSlotCounts": {}})]
    with pytest.raises(AzureError) as caught:
        await account.task_counts("j")
    assert caught.value.code == "UnexpectedAnswer"


async def test_json_nested_without_end_is_azures_fault(service: Service, account: Account) -> None:
    for body in (b"[" * 200_000, b'{"value": ' + b"[" * 200_000, b'{"id": "p", "x": ' + b'{"a":' * 200_000):
        service.answers = [say(body)]
        for read in (account.every(Pool, "/pools"), account.fetch(Pool, "/pools/p")):
            with pytest.raises(AzureError) as caught:
                await read
            assert caught.value.code == "UnexpectedAnswer"
    service.answers = [say(b"[" * 200_000, 404)]
    with pytest.raises(AzureError) as caught:
        await account.fetch(Pool, "/pools/p")
    assert caught.value.status == 404


@pytest.mark.parametrize("wait", ["soon", "-1", "nan", "inf", "1e400", "Sat, 99 Foo 2026 00:00:00 GMT", "٣"])
async def test_a_strange_retry_after_is_none(service: Service, account: Account, wait: str) -> None:
    service.answers = [say({"code": "ServerBusy"}, 503, Retry_After=wait)]
    with pytest.raises(AzureError) as caught:
        await account.fetch(Pool, "/pools/p")
    assert (caught.value.status, caught.value.code) == (503, "ServerBusy")
    assert caught.value.retry_after is None or 0 <= caught.value.retry_after <= 3600


# Bounds


async def test_a_list_whose_link_is_itself_ends(service: Service, account: Account) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        return web.json_response({"value": [{"id": "p"}], "odata.nextLink": str(request.url)})

    service.answers = [page]
    for read in (account.every(Pool, "/pools"), account.window(Pool, "/pools", offset=0, limit=5000)):
        with pytest.raises(AzureError) as caught:
            await read
        assert caught.value.code == "UnexpectedAnswer"
    assert len(service.asked) == 2


async def test_a_list_that_only_goes_on_ends(
    service: Service, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        link = request.url.update_query({"$skiptoken": str(len(service.asked))})
        return web.json_response({"value": [{"id": f"p{len(service.asked)}"}], "odata.nextLink": str(link)})

    monkeypatch.setattr(bounds.Trail.__init__, "__defaults__", (40,))
    service.answers = [page]
    with pytest.raises(AzureError) as caught:
        await account.every(Pool, "/pools")
    assert caught.value.code == "UnexpectedAnswer"
    assert len(service.asked) == 40


async def test_pages_of_nothing_end_soon(service: Service, account: Account) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        link = request.url.update_query({"$skiptoken": str(len(service.asked))})
        return web.json_response({"value": [], "odata.nextLink": str(link)})

    service.answers = [page]
    for read in (account.every(Pool, "/pools"), account.window(Pool, "/pools", offset=0, limit=50)):
        service.asked.clear()
        with pytest.raises(AzureError, match=f"answered {bounds.MOST_EMPTY} pages of a list") as caught:
            await read
        assert caught.value.code == "UnexpectedAnswer"
        assert len(service.asked) == bounds.MOST_EMPTY


async def test_empty_pages_between_others_are_read_on(service: Service, account: Account) -> None:
    last = 3 * bounds.MOST_EMPTY

    async def page(request: web.Request) -> web.StreamResponse:
        number = len(service.asked)
        rows = [{"id": f"p{number}"}] if number % (bounds.MOST_EMPTY - 1) == 0 else []
        link = {} if number >= last else {"odata.nextLink": str(request.url.update_query({"$skiptoken": str(number)}))}
        return web.json_response({"value": rows, **link})

    service.answers = [page]
    pools, _ = await account.every(Pool, "/pools")
    assert len(pools) == last // (bounds.MOST_EMPTY - 1)
    assert len(service.asked) == last


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_without_end_is_not_read(service: Service, account: Account, status: int, packed: bool) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(status=status, headers={"Content-Encoding": "gzip"} if packed else {})
        await response.prepare(request)
        squeeze = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
        chunk = b" " * 1_000_000
        try:
            for _ in range(60 if packed else 500):
                await response.write(squeeze.compress(chunk) + squeeze.flush(zlib.Z_SYNC_FLUSH) if packed else chunk)
                sent += len(chunk)
        except ConnectionError:
            pass
        return response

    service.answers = [endless]
    with pytest.raises(AzureError) as caught:
        await account.fetch(Pool, "/pools/p")
    assert caught.value.code == "UnexpectedAnswer"
    assert "more than 32 MB" in caught.value.message
    assert packed or sent < 500_000_000


async def test_a_file_is_never_more_than_was_asked_for(service: Service, account: Account) -> None:
    service.answers = [say(gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip")]
    with pytest.raises(AzureError) as caught:
        await account.files(account.task("j", "t")).read("stdout.txt", 0, 1000)
    assert caught.value.code == "UnexpectedAnswer"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw", "x-gzip"])
async def test_compressed_answers_are_read_whole(service: Service, account: Account, encoding: str) -> None:
    body = json.dumps({"id": "p", "displayName": "x" * 300_000}).encode()
    wbits = {"gzip": 31, "x-gzip": 31, "deflate": 15, "raw": -15}[encoding]
    squeeze = zlib.compressobj(wbits=wbits)
    packed = squeeze.compress(body) + squeeze.flush()
    service.answers = [say(packed, Content_Encoding="deflate" if encoding == "raw" else encoding)]
    assert (await account.fetch(Pool, "/pools/p")).value.display_name == "x" * 300_000


async def test_broken_compression_is_told(service: Service, account: Account) -> None:
    service.answers = [say(gzip.compress(b'{"id": "p"}')[:-6], Content_Encoding="gzip")]
    with pytest.raises(AzureError) as caught:
        await account.fetch(Pool, "/pools/p")
    assert caught.value.code == "NoConnection"
    service.answers = [say(b"no gzip at all", Content_Encoding="gzip")]
    with pytest.raises(AzureError):
        await account.fetch(Pool, "/pools/p")


def test_dates_that_are_none() -> None:
    for text in (None, "", "soon", "Mon, 31 Feb 2026 00:00:00 GMT", "Fri, 01 Jan 99999 00:00:00 GMT", "\0", "1" * 500):
        assert instant(text) is None
    assert instant("Fri, 01 Jan 2027 00:00:00 GMT") == datetime(2027, 1, 1, tzinfo=UTC)
