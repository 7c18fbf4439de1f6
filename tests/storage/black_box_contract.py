"""What every store has to do for the black box. A test class inherits this beside the other contracts."""

from __future__ import annotations

import random

from msgspec.structs import replace

from storage.port.black_box import KeptFile, KeptNode, KeptTask
from storage.port.changes import ChangeSet
from storage.port.store import Store
from storage.retention import Retention
from tests.storage.contract import DAY, MINUTE, NOON

STDERR = KeptFile("stderr.txt", "Traceback\nMemoryError\n", 90, 112)
STDOUT = KeptFile("stdout.txt", "", binary=True, length=7)


def run(task: str = "frame-1", minute: int = 0, *files: KeptFile, job: str = "nightly", **facts: object) -> KeptTask:
    """A run of a task that ended so many minutes after noon, and was kept a minute later."""
    at = NOON + minute * MINUTE
    return KeptTask("render", job, task, at, at + MINUTE, exit_code=1, node="tvm-1", files=files, **facts)  # type: ignore[arg-type]


def node(name: str = "tvm-1", minute: int = 0, *files: KeptFile) -> KeptNode:
    """A node whose start task failed."""
    at = NOON + minute * MINUTE
    errors = (("DiskFull", "no space (disk: D)"),)
    return KeptNode("render", "gpu", name, at, at + MINUTE, "starttaskfailed", errors, 1, agent="1.12", files=files)


def noise(seed: int, length: int = 20_000) -> KeptFile:
    """What does not compress."""
    return KeptFile("stderr.txt", random.Random(seed).randbytes(length // 2).hex())


class BlackBoxContract:
    """Inherit it beside :class:`tests.storage.contract.StoreContract`, which gives ``store``."""

    async def test_what_is_kept_is_found_newest_first(self, store: Store) -> None:
        first, again, other = run("f", 0, STDERR, STDOUT), run("f", 5, retry=1), run("g", 2)
        broken, fine = node("tvm-1", 0, STDERR), node("tvm-2", 3)
        await store.record(ChangeSet(kept_tasks=[first, other], kept_nodes=[broken]))
        await store.keep([again], [fine])
        assert await store.kept_tasks("render", "NIGHTLY") == [again, other, first]
        assert await store.kept_tasks("render", "nightly", "F") == [again, first]
        assert await store.kept_tasks("render", "nightly", "f", limit=1) == [again]
        assert await store.kept_tasks("render", "nightly", since=NOON + 2 * MINUTE) == [again, other]
        assert await store.kept_tasks("other", "nightly") == []
        assert await store.kept_nodes("render", "GPU") == [fine, broken]
        assert await store.kept_nodes("render", "gpu", "TVM-1") == [broken]
        assert await store.kept_nodes("render", "nightly") == []

    async def test_the_first_look_at_a_run_stays_unless_a_later_one_has_more(self, store: Store) -> None:
        full = run("f", 0, STDERR)
        await store.keep([run("f")])
        await store.keep([full])
        await store.keep([replace(full, files=(), kept=NOON + DAY), replace(full, line="later")])
        assert await store.kept_tasks("render", "nightly") == [full]

    async def test_what_is_owed_is_found_until_its_files_are_there_or_gone(self, store: Store) -> None:
        read, gone, waiting = run("a", owed=True), run("b", owed=True), run("c", 3, owed=True)
        sick = replace(node(), owed=True)
        await store.record(ChangeSet(kept_tasks=[read, gone, waiting], kept_nodes=[sick]))
        assert await store.owed("render", NOON) == ([read, gone, waiting], [sick])
        await store.keep([replace(read, files=(STDERR,), owed=False), replace(gone, owed=False)])
        assert await store.owed("render", NOON) == ([waiting], [sick])
        assert await store.owed("render", NOON + 2 * MINUTE) == ([waiting], [])

    async def test_it_is_kept_for_a_while(self, store: Store) -> None:
        kept = Retention().black_box
        old, new = (replace(run(str(at)), kept=NOON - kept + at * MINUTE) for at in (-1, 1))
        await store.keep([old, new])
        assert await store.prune(NOON) == 1
        assert await store.kept_tasks("render", "nightly") == [new]
