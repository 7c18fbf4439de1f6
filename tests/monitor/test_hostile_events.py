"""Records that Batch never wrote, from whoever may send into the hub: none is kept from being stored by another."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.azure.models.diagnostic import decode
from bot.content.clear_store import clearing
from bot.monitor.diagnostic_events import fold_events
from bot.monitor.intake import Waiting
from bot.monitor.pending_state import PendingState
from storage.opening import open_store
from storage.port.store import Store
from tests.azure.test_diagnostic import ACCOUNT, RECORDS, record
from tests.monitor.late_account import NOON, after
from tests.monitor.test_diagnostic_events import JOB, Watching
from tests.postgresql import database

KEY = "AccountKey=" + "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ" * 2 + "q83vEjRWeJCrze8SNFZ4kA=="
SIGNED = "https://farm.blob.core.windows.net/c?sv=2020-08-04&sig=q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA%3D"
SECRET = "q83vEjRW"
"""How both begin."""
LAST, FIRST = "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"
BIG = 10**30


def written(seconds: float) -> str:
    return after(seconds).isoformat()


def task(name: str = "t", job: str = JOB, node: str = "n1", pool: str = "gpu", **run: Any) -> dict[str, Any]:
    ran = {"startTime": written(50), "endTime": written(60), "exitCode": 9, "result": "Failure", **run}
    place = {"poolId": pool, "nodeId": node}
    return record(
        "TaskCompleteEvent", {"id": name, "jobId": job, "nodeInfo": place, "executionInfo": ran}, time=written(61)
    )


def pool(operation: str, **more: Any) -> dict[str, Any]:
    properties = {**RECORDS[operation], "startTime": written(50), "endTime": written(60), **more}
    return record(operation, properties, time=written(61))


def error(code: str = "c", category: str = "UserError", message: str = "m") -> dict[str, str]:
    return {"code": code, "category": category, "message": message}


HOSTILE = {
    "a name of an index's row and more": task("".join(f"{number:x}" for number in range(30_000))),
    "a job's": task(job="".join(f"{number:x}" for number in range(30_000))),
    "a character 0": task("a\0b"),
    "a signed address as a task": task(SIGNED),
    "as a job": task(job=SIGNED),
    "as a pool": task(pool=SIGNED),
    "a key as a node": task(node=KEY),
    "as the pool that was resized": pool("PoolResizeCompleteEvent", id=SIGNED),
    "a code of a size": pool("PoolResizeCompleteEvent", resultCode="x" * 100_000),
    "a size of a size": pool("PoolCreateEvent", vmSize="x" * 100_000),
    "nodes": pool("PoolResizeCompleteEvent", targetDedicatedNodes=BIG),
    "negative nodes": pool("PoolResizeCompleteEvent", targetDedicatedNodes=-1),
    "retries": task(retryCount=BIG),
    "negative retries": task(retryCount=-5),
    "an exit code": task(exitCode=BIG),
    "codes of an error": task(schedulingError=error(code="x" * 100_000)),
    "words of an error": task(schedulingError=error(message="x" * 100_000)),
    "ended in the last year": task(endTime=LAST),
    "begun in the last year": task(startTime=LAST),
    "ended in the first year": task(endTime=FIRST),
    "a pool, deleted in the last year": pool("PoolDeleteStartEvent", id="brief", startTime=LAST),
    "in the first": pool("PoolDeleteStartEvent", id="brief", startTime=FIRST),
    "a formula, run in the last year": pool("PoolAutoScaleEvent", timestamp=LAST, error=error()),
}


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    with database() as url:
        made, _ = open_store(url)
        yield clearing(made)
        await made.close()


async def drawn(store: Store, *records: dict[str, Any]) -> list[str]:
    """What is stored of an account after a look that takes these records, as text."""
    found = decode(json.dumps({"records": records}).encode(), ACCOUNT, NOON + timedelta(seconds=61))
    assert len(found.events) + found.malformed == len(records)
    watching = Watching()
    pending = PendingState.of(watching.state, "late", after(90))
    await fold_events(pending, Waiting(found.events), watching.store, every=True)
    await store.record(pending.finish())
    return [str(each) for each in await store.transitions("late")]


@pytest.mark.parametrize("which", HOSTILE)
async def test_what_batch_cannot_have_written_keeps_nothing_else_from_being_stored(store: Store, which: str) -> None:
    told = await drawn(store, HOSTILE[which], task("honest"))
    [only] = told
    assert "id='honest'" in only


async def test_what_people_may_have_written_is_cleared_before_it_is_cut(store: Store) -> None:
    told = await drawn(
        store,
        task(schedulingError=error(KEY, KEY, f"{'x' * 540} {KEY} {SIGNED}")),
        pool(
            "PoolAutoScaleEvent",
            timestamp=written(60),
            results="r " * 285 + KEY,
            error=error(KEY, KEY, "z " * 285 + KEY),
        ),
        pool("PoolResizeCompleteEvent", id="other", resultCode=KEY),
    )
    assert len(told) == 3
    assert SECRET not in " ".join(told)
