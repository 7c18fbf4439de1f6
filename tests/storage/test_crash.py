"""What a kill leaves: a change set is there whole or not at all, and a post that was claimed stays in doubt."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from storage.port.changes import ChangeSet
from storage.port.monitoring import Transition
from tests.storage.conftest import Opener
from tests.storage.contract import DAY, NOON
from tests.storage.monitoring_contract import entry

BATCH = 500

WRITER = """
import asyncio, sys
from datetime import timedelta
from storage.opening import open_store
from storage.port.changes import ChangeSet
from storage.port.monitoring import Cursor, Transition
from storage.port.outbox import OutboxEntry
from tests.storage.contract import NOON
from tests.storage.test_crash import BATCH

async def main():
    store, _ = open_store(sys.argv[1])
    for n in range(int(sys.argv[2]), 100000):
        at = NOON + timedelta(seconds=n)
        changes = ChangeSet(
            [Transition("render", "task", f"job-{n}", f"{task}", "running", "completed", at) for task in range(BATCH)],
            [Cursor("render", "tasks", at)],
            entries=[OutboxEntry(f"entry-{n}", "slack:C1", b"", b"", 1, at)],
        )
        assert await store.record(changes) == BATCH
        assert await store.claim(f"entry-{n}", at)
        print(n, flush=True)
        if n % 2:
            await store.delivered(f"entry-{n}", 1, "m", "c")

asyncio.run(main())
"""


@pytest.mark.slow
def test_kill_9_leaves_whole_change_sets_and_claims(where: str, opened: Opener) -> None:
    claimed, first = [], 0
    for lines in (2, 17, 5):
        command = [sys.executable, "-c", WRITER, where, str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            claimed += [int(process.stdout.readline()) for _ in range(lines)]
            process.kill()
            claimed += [int(line) for line in process.stdout if line.endswith("\n")]
            assert process.wait() == -signal.SIGKILL
        first = claimed[-1] + 2  # the one in between may or may not be there

    async def check() -> None:
        store = opened()
        last = 0
        for n in range(first):
            found = await store.transitions("render", entity="task", parent=f"job-{n}")
            entries = await store.deliveries([f"entry-{n}"])
            assert len(found) in ((BATCH,) if n in claimed else (0, BATCH))
            assert len(entries) == len(found) / BATCH, "a change set is there whole or not at all"
            last = n if found else last
            for one in entries:
                if n % 2 == 0 and n in claimed:
                    assert (one.state, one.sent, one.first_attempt) == ("claimed", 0, NOON + timedelta(seconds=n))
                assert not (n in claimed and await store.claim(one.entry.id, NOON)), "never posted twice"
        [cursor] = await store.cursors("render")
        assert cursor.at == NOON + timedelta(seconds=last)
        total = sum(one.count for one in await store.transition_counts("render", NOON, NOON + DAY))
        assert total == len(await store.transitions("render", limit=10**6))
        in_doubt = {one.entry.id for one in await store.undelivered() if one.state == "claimed"}
        assert in_doubt >= {f"entry-{n}" for n in claimed if n % 2 == 0}
        await store.close()

    asyncio.run(check())


async def test_a_claim_outlives_the_program_until_somebody_decides(opened: Opener) -> None:
    store = opened()
    await store.record(ChangeSet(entries=[entry("a"), entry("b")]))
    assert await store.claim("a", NOON)
    await store.close()
    store = opened()
    assert [(one.entry.id, one.state) for one in await store.undelivered()] == [("a", "claimed"), ("b", "open")]
    assert not await store.claim("a", NOON)
    assert await store.claim("b", NOON)
    await store.attempt_failed("a", "open", "was never posted")
    await store.delivered("b", 1, "found in the channel", "C1")
    assert await store.claim("a", NOON)
    assert [one.entry.id for one in await store.undelivered()] == ["a"]
    await store.close()


async def test_what_was_pruned_stays_out_after_a_restart(opened: Opener) -> None:
    old = Transition("render", "job", "", "j", "", "active", NOON - 60 * DAY)
    store = opened()
    await store.record(ChangeSet(transitions=[old]))
    await store.prune(NOON)
    await store.close()
    store = opened()
    assert await store.record(ChangeSet(transitions=[old])) == 0
    await store.close()
