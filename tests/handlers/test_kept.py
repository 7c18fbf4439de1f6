"""What the bot kept of failures: the answer where Batch has no more, and kept before a change overwrites it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from msgspec.structs import replace

from bot.clock import Clock
from bot.monitor.observer import Observer
from bot.sandbox.world import program_output
from bot.sandbox.world.account import AccountState
from cards.card import Actions, Attachment, Button, Card, Code, Picture, plain
from cards.charts.timeline import Timeline
from cards.text import render
from handlers.shared.kept import kept_sections
from handlers.task.bulk import OnTasks
from handlers.why.reads import Reads
from storage.port.audit import AuditEntry
from storage.port.black_box import KeptFile, KeptTask
from storage.port.changes import ChangeSet
from storage.port.operations import StepRow
from storage.port.timings import NodeBoot
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.operated import Operator, WorldClock, operated
from tests.handlers.test_cards import still
from tests.storage.contract import MINUTE

ACCOUNT, POOL = "tiny", "pool1"


def account(scene: Scene) -> AccountState:
    return next(iter(scene.world.accounts.values()))


def buttons(card: Card) -> dict[str, str]:
    return {
        item.text: item.command
        for block in card.blocks
        if isinstance(block, Actions)
        for item in block.items
        if isinstance(item, Button)
    }


def shown(card: Card) -> str:
    return str(render(card).payload["text"])


def code(card: Card) -> str:
    return next((block.text for block in card.blocks if isinstance(block, Code)), "")


async def watched(scene: Scene) -> Callable[..., Awaitable[None]]:
    """Looks at the account as watching does, after some seconds, and stores it."""
    return await watched_of(scene, ACCOUNT)


async def watched_of(scene: Scene, account: str) -> Callable[..., Awaitable[None]]:
    """The same of one account."""
    source = scene.accounts.get(account)
    observer = Observer(source, scene.store, Clock())
    await observer.load()

    async def look(seconds: float = 0) -> None:
        scene.advance(seconds=seconds)
        await scene.store.record((await observer.poll()).batch)
        observer.stored()

    await look()
    scene.advance(minutes=1)
    return look


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What failing programs print; the last one counts."""
    words = ["loading scene 7\nValueError: no such frame 7\n"]

    def last_words(key: str, theme: object, command: str, exit_code: int | None, at: object) -> str:
        return words[-1] if exit_code else ""

    monkeypatch.setattr(program_output, "last_words", last_words)
    return words


@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
async def test_the_node_of_a_failed_task_is_gone(scene: Scene) -> None:
    look = await watched(scene)
    account(scene).inject.storm(["nightly"], ["exit-1"], 1, pool_id=POOL)
    await look(30)
    (task,) = account(scene).jobs["nightly"].tasks.values()
    live = await scene.ask(f"log nightly {task.id}")
    assert "stderr.txt" in plain(live.title), "the file that says most of why it failed"
    assert "ValueError" in code(live)
    assert "kept" not in shown(live)
    account(scene).commands.remove_nodes(POOL, [str(task.node_id)], "terminate")
    scene.advance(minutes=10)

    log = await scene.ask(f"log nightly {task.id} stderr.txt")
    assert code(log).splitlines() == ["loading scene 7", "ValueError: no such frame 7"]
    assert not log.refused
    assert "The node is gone with its files." in shown(log)
    check("kept-log", still(log, scene))
    usual = await scene.ask(f"log nightly {task.id}")
    assert "stderr.txt" in plain(usual.title), "the file that says most"
    out = await scene.ask(f"log nightly {task.id} stdout.txt")
    assert "stdout.txt" in plain(out.title)
    files = await scene.ask(f"file list nightly {task.id}")
    assert {"stderr", "stdout"} <= buttons(files).keys()
    check("kept-files", still(files, scene))
    given = await scene.ask(f"file get nightly {task.id} stderr.txt")
    (file,) = [block for block in given.blocks if isinstance(block, Attachment)]
    assert file.content == b"loading scene 7\nValueError: no such frame 7\n"
    other = await scene.ask(f"log nightly {task.id} wd/other.txt")
    assert other.refused
    task_card = await scene.ask(f"task show nightly {task.id}")
    assert "ValueError: no such frame 7" in code(task_card) or "ValueError: no such frame 7" in shown(task_card)
    assert {"stderr", "stdout"} <= buttons(task_card).keys()
    check("kept-task-show", still(task_card, scene))
    asked = await scene.ask(f"why task nightly {task.id}")
    assert "ValueError: no such frame 7" in code(asked)
    missing = await scene.ask(f"log nightly {task.id} kept:2")
    assert missing.refused
    assert "kept:2" in shown(missing)

    account(scene).commands.delete_job("nightly")
    scene.advance(minutes=10)
    gone = await scene.ask(f"task show nightly {task.id}")
    assert "Batch no longer knows it" in plain(gone.title)
    assert "ValueError: no such frame 7" in shown(gone)
    check("kept-task-forgotten", still(gone, scene))
    log = await scene.ask(buttons(gone)["stderr"])
    assert "ValueError: no such frame 7" in code(log)
    log = await scene.ask(f"log NIGHTLY {task.id.upper()} stderr.txt")
    assert "ValueError: no such frame 7" in code(log)
    assert "job was deleted" in shown(log)
    nothing = await scene.ask("log nightly nobody kept:1")
    assert nothing.refused
    assert "Nothing is kept" in shown(nothing)


@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
async def test_a_node_whose_start_task_failed_is_gone(scene: Scene) -> None:
    look = await watched(scene)
    (node,) = account(scene).inject.fail_start_tasks(POOL)
    await look(30)
    account(scene).commands.remove_nodes(POOL, [node])
    scene.advance(minutes=10)
    log = await scene.ask(f"nodelog {POOL} {node}")
    assert not log.refused
    assert code(log)
    check("kept-nodelog", still(log, scene))
    card = await scene.ask(f"node show {POOL} {node}")
    assert "Agent" in shown(card)
    assert "start task" in shown(card).lower()
    check("kept-node-forgotten", still(card, scene))
    why = await scene.ask(f"why node {POOL} {node.upper()}")
    assert "is gone: it left its pool after it was seen as start task failed" in plain(why.title)
    assert "nobody asked the bot to remove it" in plain(why.title)
    assert code(why), "the line of its start task that was kept"
    check("kept-why-node", still(why, scene))
    entry = AuditEntry(
        at=scene.world.time - timedelta(minutes=10), correlation="c", request="r", person="text:operator", home="",
        conversation="text:here", account=ACCOUNT, command=f"node remove {POOL} {node}", target=f"node {node}",
        effect="change", rule="role", result="done",
    )  # fmt: skip
    await scene.store.append_audit(entry)
    why = await scene.ask(f"why node {POOL} {node}")
    assert "is gone: it was removed from its pool" in plain(why.title)
    assert "asked of me by" in " ".join(shown(why).split())
    allocated = scene.world.time - timedelta(hours=2)
    boot = NodeBoot(ACCOUNT, POOL, node, "Standard_D2s_v3", spot=False, allocated=allocated, seconds=90.0)
    await scene.store.record(ChangeSet(boots=[boot]))
    drawn = await scene.ask(f"timeline node {POOL} {node}")
    assert "Batch no longer knows it" in plain(drawn.title)
    (picture,) = [block for block in drawn.blocks if isinstance(block, Picture)]
    assert isinstance(picture.chart, Timeline)
    assert "start task failed" in [mark.words for mark in picture.chart.marks]
    check("kept-timeline-node", still(drawn, scene))
    assert "There is no node" in plain((await scene.ask(f"why node {POOL} nosuchnode")).title)


async def test_of_a_broken_node_the_black_box_tells_what_its_start_task_printed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that cannot be asked for its files may still be there, broken."""
    look = await watched_of(scene, "render-prod")
    name = next(name for name, pool in scene.world.accounts["render-prod"].pools.items() if pool.nodes)
    (node,) = scene.world.accounts["render-prod"].inject.fail_start_tasks(name)[:1]
    await look(30)

    async def unreadable(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(Reads, "printed", unreadable)
    for asked in (f"why node {name} {node}", f"why pool {name}"):
        why = await scene.ask(f"{asked} account:render-prod")
        assert "what the bot kept of the start task" in " ".join(shown(why).split()), asked
        assert code(why), asked


@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
async def test_reactivating_keeps_first(scene: Scene, said: list[str]) -> None:
    """Nobody watched when it failed: what it printed is kept before it runs again."""
    account(scene).inject.storm(["nightly"], ["exit-1", "exit-2"], 90, pool_id=POOL)
    account(scene).inject.storm(["nightly"], ["blob-not-found"], 1)
    scene.advance(seconds=30)
    ids = [each.id for each in account(scene).jobs["nightly"].tasks.values() if each.state == "completed"]
    async with operated(scene, WorldClock(scene)) as operations:
        operator = Operator(scene, operations)
        question = await operator.question(f"task reactivate nightly {ids[0]}")
        assert "keeps the end of it first" in shown(question)
        card = await operator.ask(f"task reactivate nightly {ids[0]}")
        assert "was reactivated" in plain(card.title)
        (box,) = await scene.store.kept_tasks("tiny", "nightly")
        assert (box.task, box.line) == (ids[0], "ValueError: no such frame 7")
        await operator.ask("task reactivate nightly state:failed")
        kept = await scene.store.kept_tasks("tiny", "nightly")
        assert len(kept) > 5
        assert {each.exit_code for each in kept} >= {1, 2}
        causes = [(each.cause, each.node) for each in kept]
        assert max(map(causes.count, causes)) <= 4
        said.append("KeyError: another\n")
        assert {each.line for each in kept if each.files} == {"ValueError: no such frame 7"}
        waiting = await scene.ask(f"log nightly {ids[0]} stderr.txt")
        scene.advance(minutes=30)
        live = await scene.ask(f"log nightly {ids[0]} stdout.txt")
        assert not live.refused
        earlier = buttons(live)["Earlier run"]
        assert "ValueError: no such frame 7" in code(await scene.ask(earlier.replace("stdout.txt", "stderr.txt")))
        task = await scene.ask(f"task show nightly {ids[0]}")
        assert "ValueError: no such frame 7" in shown(task)
        assert "Earlier run" in buttons(task)
        check("kept-earlier-run", still(task, scene))
        assert not waiting.refused


@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
async def test_removing_and_rebooting_keeps_first(scene: Scene) -> None:
    """A node's start task log, and what failed on it lately."""
    account(scene).inject.storm(["nightly"], ["exit-1"], 3, pool_id=POOL)
    scene.advance(seconds=30)
    (broken,) = account(scene).inject.fail_start_tasks(POOL)
    async with operated(scene, WorldClock(scene)) as operations:
        operator = Operator(scene, operations)
        await operator.ask(f"node reboot {POOL} {broken}")
        (box,) = await scene.store.kept_nodes("tiny", POOL)
        assert (box.node, box.state) == (broken, "starttaskfailed")
        assert box.files
        hosts = {str(task.node_id) for task in account(scene).jobs["nightly"].tasks.values()}
        other = next(host for host in hosts if host != broken)
        card = await operator.ask(f"node remove {POOL} {other}")
        assert "Removed 1 node" in plain(card.title)
        kept = await scene.store.kept_tasks("tiny", "nightly")
        assert other in {each.node for each in kept}
        assert all(each.line == "ValueError: no such frame 7" for each in kept if each.node == other)


@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
async def test_what_deletes_files_keeps_first(scene: Scene) -> None:
    """Deleting tasks, ending and deleting their job, shrinking their pool: what they told is kept before."""
    state = account(scene)
    state.inject.storm(["nightly"], ["exit-1"], 12, pool_id=POOL)
    scene.advance(seconds=30)
    failed = [each.id for each in state.jobs["nightly"].tasks.values() if each.execution_info.result == "failure"]
    store = scene.store

    async def kept() -> dict[str, str]:
        return {each.task: each.line for each in await store.kept_tasks("tiny", "nightly", limit=100)}

    async with operated(scene, WorldClock(scene)) as operations:
        operator = Operator(scene, operations)
        await operator.ask(f"task delete nightly {failed[0]}")
        assert failed[0] not in state.jobs["nightly"].tasks
        assert await kept() == {failed[0]: "ValueError: no such frame 7"}
        assert "no such frame 7" in code(await scene.ask(f"log nightly {failed[0]}")), "it is told though it is deleted"
        (broken,) = state.inject.fail_start_tasks(POOL)
        resized = await operator.ask(f"pool resize {POOL} 1")
        assert "Keep what they printed" in shown(resized), shown(resized)
        (box,) = await store.kept_nodes("tiny", POOL)
        assert (box.node, bool(box.files)) == (broken, True), "which of the nodes goes Azure decides"
        assert len(await kept()) > 1, "what failed on its nodes lately"
        grown = await operator.ask(f"pool resize {POOL} 2")
        assert "Keep what they printed" not in shown(grown)
        await operator.ask("job terminate nightly")
        ended = await kept()
        assert len(ended) >= 10, "a sample of each cause"
        gone = await operator.ask("job delete nightly", "nightly")
        assert "is deleted" in plain(gone.title), shown(gone)

        assert await kept() == ended, "nothing is read twice"
        assert "no such frame 7" in code(await scene.ask(f"log nightly {max(ended)}"))


@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
async def test_a_deletion_that_is_cut_off_anywhere_has_kept_what_it_told(scene: Scene) -> None:
    """The program is killed after so many of the operation's notes, and goes on: nothing goes that was not kept."""
    state = account(scene)
    state.inject.storm(["nightly"], ["exit-1"], 12, pool_id=POOL)
    scene.advance(seconds=30)
    tasks = state.jobs["nightly"].tasks.values()
    every = [each.id for each in tasks if each.execution_info.result == "failure"]
    for after, failed in enumerate(every[:8]):
        job, store, notes = f"cut-{after}", scene.store, 0
        note = store.note_steps

        async def cut(holder: str, steps: Sequence[StepRow]) -> bool:
            nonlocal notes
            notes += 1
            if notes == after + 1:  # noqa: B023 - used within this turn
                raise asyncio.CancelledError
            return await note(holder, steps)  # noqa: B023

        asked = OnTasks("nightly", (failed,), "UTC", "job show nightly", "task list nightly")
        async with operated(scene, WorldClock(scene)) as operations:
            with mock.patch.object(store, "note_steps", cut):
                id_ = await operations.begin("task delete", "tiny", "nightly", asked, request=job, act=None)
                running = [each.task for each in operations._running.values() if each.task]
                await asyncio.gather(*running, return_exceptions=True)
            boxes = {each.task: each for each in await store.kept_tasks("tiny", "nightly", limit=100)}
            assert failed in boxes or failed in state.jobs["nightly"].tasks, "nothing goes before it is kept"
            await operations.drain()
            await operations.resume()
            cards = [card async for card in operations.follow(id_)]
            assert not cards[-1].refused, shown(cards[-1])
        assert failed not in state.jobs["nightly"].tasks
        boxes = {each.task: each for each in await store.kept_tasks("tiny", "nightly", limit=100)}
        assert boxes[failed].line == "ValueError: no such frame 7", after


@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
async def test_what_is_kept_is_shown_as_it_was_read(scene: Scene) -> None:
    """Long lines, other encodings, no text, nothing: and several runs one behind the other."""
    now = scene.world.time
    files = (
        KeptFile("stderr.txt", "größer\n" * 30, 500, 900, "UTF-16"),
        KeptFile("stdout.txt", length=70, binary=True),
    )
    runs = [
        KeptTask("tiny", "old", "t", now - nth * MINUTE, now, exit_code=nth, node="tvm", files=files)
        for nth in (1, 2, 3)
    ]
    await scene.store.keep([*runs, KeptTask("tiny", "old", "t", now, now, code="BlobNotFound")])
    card = await scene.ask("log old t stderr.txt kept:2 lines:10")
    assert code(card).count("größer") == 10
    words = shown(card)
    assert "exit code 2" in words
    assert "read as UTF-16" in words
    assert {"Run before", "Run after", "More lines", "stdout.txt"} <= buttons(card).keys()
    assert "exit code 3" in shown(await scene.ask(buttons(card)["Run before"]))
    assert "exit code 1" in shown(await scene.ask(buttons(card)["Run after"]))
    assert "was not text" in shown(await scene.ask(buttons(card)["stdout.txt"]))
    card = await scene.ask("log old t stderr.txt kept:9")
    assert "3 runs are kept" in shown(card)
    assert {"kept:1", "kept:2"} <= {each.rpartition(" ")[2] for each in buttons(card).values()}


def test_where_nothing_was_printed_there_is_no_section_of_what_was_kept() -> None:
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    box = KeptTask("a", "j", "t", at, at, exit_code=1, files=(KeptFile("stderr.txt", "  \n"),))
    assert kept_sections(box, short=True) == []
    assert kept_sections(box), "how it failed is told where the task itself is gone"
    says = replace(box, files=(KeptFile("stderr.txt", "x"), KeptFile("stdout.txt", "boom")), line_in="stdout.txt")
    assert next(block for block in kept_sections(says, short=True) if isinstance(block, Code)).text == "boom"


async def test_a_schedule_that_goes_keeps_first_what_its_last_jobs_told(scene: Scene) -> None:
    """Ending it keeps a sample of each cause, of each job; deleting it then has nothing to read twice."""
    state = scene.world.accounts["render-prod"]
    jobs = [job for job in state.jobs.values() if job.id.startswith("thumbnails:") and job.tasks]
    newest = max(jobs, key=lambda each: each.body.creation_time)
    state.inject.storm([newest.id], ["exit-1"], 12, pool_id=newest.body.pool_info.pool_id)
    scene.advance(seconds=30)

    async def kept() -> dict[tuple[str, str], str]:
        rows = [await scene.store.kept_tasks("render-prod", job.id, limit=100) for job in jobs]
        return {(each.job, each.task): each.line for each in itertools.chain(*rows)}

    async with operated(scene, WorldClock(scene)) as operations:
        operator = Operator(scene, operations)
        ended = await operator.ask("schedule terminate thumbnails")
        assert "Keep what they printed" in shown(ended), shown(ended)
        told = await kept()
        assert {line for (job, _), line in told.items() if job == newest.id} == {"ValueError: no such frame 7"}
        gone = await operator.ask("schedule delete thumbnails", "thumbnails")
        assert "is deleted" in plain(gone.title), shown(gone)
        assert await kept() == told
        assert "no such frame 7" in code(await scene.ask(f"log {newest.id} {max(told)[1]}"))
