"""One field of one of many rows is null, missing or of a wrong type: every command and the monitor go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web

from bot.azure.models.watched import JobState, PoolState, ScheduleState
from bot.monitor.reader import Reader
from bot.sandbox.wire.listener import Listener
from cards.text import render
from tests.handlers.conftest import Scene
from tests.handlers.reads import ACCOUNT
from tests.monitor.observed_sandbox import staged

MISSING = object()
COMMANDS = ("home", "topology", "pool list", "node map", "job list", "schedule list", "account show", "size list",
            "image list", "application list")  # fmt: skip


@contextmanager
def changed(listener: Listener, path: str, fields: Sequence[str], value: object, place: int = 3) -> Iterator[list[str]]:
    """A field of a row of a list is another one, each in a row of its own; the ids of the rows that were."""
    hit: list[str] = []

    def change(request: web.Request, response: web.StreamResponse) -> None:
        if request.path != path or not isinstance(response, web.Response) or response.status != 200:
            return
        body: dict[str, Any] = msgspec.json.decode(response.body)  # type: ignore[arg-type]
        for row, field in zip(body.get("value", [])[place:], fields, strict=False):
            hit.append(row.get("id") or row.get("poolId"))
            if value is MISSING:
                row.pop(field, None)
            else:
                row[field] = value
        response.body = msgspec.json.encode(body)

    listener.observers.append(change)
    try:
        yield hit
    finally:
        listener.observers.remove(change)


def fields_of(scene: Scene, path: str) -> list[str]:
    account = scene.world.accounts[ACCOUNT]
    body: Any = {
        "/pools": lambda: account.pool_body(account.ordered_pools()[0]),
        "/jobs": lambda: account.job_body(account.ordered_jobs()[0]),
        "/jobschedules": lambda: account.schedule_body(account.ordered_schedules()[0]),
    }[path]()
    return sorted(msgspec.to_builtins(body))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("path", ["/pools", "/jobs", "/jobschedules"])
async def test_commands_go_on(scene: Scene, command: str, path: str) -> None:
    listener = scene.sandbox.accounts[ACCOUNT]
    place, rows = (1, 1) if path == "/jobschedules" else (3, 6)
    every = [field for field in fields_of(scene, path) if field != "id"]
    for fields in (("id",), *(every[start : start + rows] for start in range(0, len(every), rows))):
        for value in (None, MISSING, {"odd": []}):
            with changed(listener, path, fields, value, place) as hit:
                card = await scene.ask(f"{command} account:{ACCOUNT}" if command != "account show" else command)
            said = str(render(card, width=200).payload["text"])
            assert not card.refused, (fields, value, said)
            if not hit:
                return  # the command does not ask for that list
            if fields == ("id",) and value is not MISSING:
                assert "not known: " in said, (value, said)


@pytest.mark.parametrize(
    ("path", "kind"), [("/pools", PoolState), ("/jobs", JobState), ("/jobschedules", ScheduleState)]
)
async def test_the_monitor_goes_on_and_takes_nothing_for_an_end(path: str, kind: type[Any]) -> None:
    async with staged("demo") as stage:
        await stage.look()
        await stage.look(seconds=30)
        listener = stage.sandbox.accounts[stage.account.name]
        before = len(stage.store.told)
        for field in kind.__struct_encode_fields__:
            for value in (None, MISSING, {"odd": []}, ["x"]):
                with changed(listener, path, [field], value, 1):
                    look = await stage.look()
                assert look.scene.blind is None, (field, value)
                assert {"pools", "nodes", "jobs"} <= look.scene.read, (field, value)
        ends = [each for each in list(stage.store.told.values())[before:] if each.after in ("deleted", "completed", "")]
        assert ends == []


@pytest.mark.parametrize("value", [None, MISSING, {}, [], "x"])
async def test_counts_that_are_not_told_are_what_they_were(value: object) -> None:
    async with staged("demo") as stage:
        await stage.look()
        first = await stage.look(seconds=30)
        listener = stage.sandbox.accounts[stage.account.name]
        if value == {}:
            return  # an object of none of its numbers: the service sends no such
        with changed(listener, "/nodecounts", ["dedicated"], value, 0) as hit:
            second = await stage.look()
        assert hit
        name = hit[0]
        assert second.scene.pools[name].counts == first.scene.pools[name].counts


async def test_a_job_of_an_empty_object_is_not_gone() -> None:
    async with staged("demo") as stage:
        await stage.look()
        listener = stage.sandbox.accounts[stage.account.name]

        def empty(request: web.Request, response: web.StreamResponse) -> None:
            if (
                request.path.startswith("/jobs/")
                and request.path.count("/") == 2
                and isinstance(response, web.Response)
            ):
                response.body = b"{}"

        listener.observers.append(empty)
        for name in stage.state.jobs:
            assert await _asked(stage, name) is None
        assert not [each for each in stage.store.told.values() if each.after == "deleted"]


async def _asked(stage: Any, job: str) -> object:

    return await Reader(stage.account).job(job)
