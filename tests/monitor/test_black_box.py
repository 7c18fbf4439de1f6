"""What a poll keeps of what fails, over the wire from a living account: before the node goes, or it is run again."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.azure.errors import AzureError
from bot.azure.files import tail
from bot.azure.models import FailureInfo, Place, Run
from bot.azure.models.base import NameValue
from bot.azure.models.watched import NodeErrorState, NodeState, TaskState
from bot.content.output_text import printed
from bot.domain.retries import Retried
from bot.monitor import black_box, evidence
from bot.monitor.account_state import AccountState
from bot.monitor.black_box import A_NODE, MOST_OWED, PATIENCE, SAMPLES, note_failure, note_node, note_retried, to_read
from bot.monitor.file_ends import KB, START, TASK, UPLOAD, ends
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView, PoolView
from bot.settings import KeepSettings, WatchSettings
from storage.port.black_box import KeptFile, KeptNode, KeptTask
from tests.monitor.late_account import NOON, after
from tests.monitor.observed_sandbox import Stage, staged
from tests.monitor.test_evidence import Shelf, refused, speak


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        await stage.observer.load()
        await stage.look()
        yield stage


def tasks(stage: Stage) -> list[KeptTask]:
    return [each for each in stage.store.boxes.values() if isinstance(each, KeptTask)]


def nodes(stage: Stage) -> list[KeptNode]:
    return [each for each in stage.store.boxes.values() if isinstance(each, KeptNode)]


async def fail_one(stage: Stage, cause: str = "exit-1") -> None:
    stage.state.inject.storm(["lone"], [cause], 1, pool_id="pool1")
    await stage.look(seconds=30)


async def test_a_node_goes_one_second_after_its_failure_was_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    speak(monkeypatch, lambda task, code: "loading\nValueError: no such frame 7\n")
    await fail_one(stage)
    (task,) = stage.state.jobs["lone"].tasks.values()
    stage.state.commands.remove_nodes("pool1", [str(task.node_id)], "terminate")
    await stage.look(seconds=1)
    with pytest.raises(AzureError):
        await stage.account.files(stage.account.task("lone", task.id)).head("stderr.txt")
    (box,) = tasks(stage)
    assert (box.job, box.task, box.exit_code, box.node, box.pool) == ("lone", task.id, 1, task.node_id, "pool1")
    assert (box.at, box.code, box.owed) == (task.execution_info.end_time, "FailureExitCode", False)
    assert box.file("stderr.txt") == KeptFile("stderr.txt", "loading\nValueError: no such frame 7\n", 0, 36)
    assert (box.line, box.line_in) == ("ValueError: no such frame 7", "stderr.txt")
    assert box.file("stdout.txt") is not None


async def test_a_task_that_is_reactivated_leaves_its_first_stderr(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ["the first"]
    speak(monkeypatch, lambda task, code: f"ValueError: {said[0]}\n")
    await fail_one(stage)
    (task,) = stage.state.jobs["lone"].tasks.values()
    first = task.execution_info.end_time
    stage.state.commands.reactivate_task("lone", task.id)
    said[0] = "the second"
    await stage.look(seconds=5)
    stage.state.inject.storm(["lone"], ["exit-3"], 1)
    await stage.look(seconds=30)
    found = sorted(tasks(stage), key=lambda each: each.at)
    assert [(each.at == first, each.exit_code, each.line) for each in found] == [
        (True, 1, "ValueError: the first"),
        (False, 3, "ValueError: the second"),
    ]


async def test_a_task_that_is_run_again_has_what_was_seen_first(stage: Stage) -> None:
    """Each run overwrites the one before: what was there at the first look stays."""
    job = stage.state.inject.add_job("again", "pool1")
    job.body.constraints.max_task_retry_count = 5
    task = stage.state.inject.add_task("again", "t", seconds=70, cause="exit-1")
    while task.execution_info.retry_count == 0 or task.state != "running":
        stage.go(5)
    stage.go(20)
    live = stage.account.files(stage.account.task("again", "t"))
    there = printed(await tail(live, "stdout.txt", 40), 40)
    await stage.look()
    (box,) = tasks(stage)
    assert (box.retried, box.retry, box.exit_code, box.owed) == (True, 0, None, False)
    assert box.at == task.execution_info.last_retry_time
    kept = box.file("stdout.txt")
    assert there
    assert there.text.strip()
    assert kept
    assert kept.text.endswith("\n")
    assert kept.text.rstrip().rpartition("\n")[2] in there.lines
    await stage.watch(600)
    assert task.state == "completed"
    first, last = sorted(tasks(stage), key=lambda each: each.at)
    assert first == box
    assert (last.retried, last.retry, last.exit_code) == (False, 5, 1)
    assert last.file("stdout.txt") != kept


async def test_a_broken_start_task_leaves_its_log_and_its_agent(stage: Stage) -> None:
    (name,) = stage.state.inject.fail_start_tasks("pool1")
    await stage.look(seconds=30)
    stage.state.commands.remove_nodes("pool1", [name])
    await stage.look(seconds=1)
    (box,) = nodes(stage)
    assert (box.pool, box.node, box.state, box.owed) == ("pool1", name, "starttaskfailed", False)
    assert box.start_exit
    assert box.agent.count(".") >= 1
    assert {each.name for each in box.files} == {"startup/stderr.txt", "startup/stdout.txt"}
    assert any(each.text for each in box.files)


async def test_what_cannot_be_read_is_kept_by_how_it_failed(stage: Stage) -> None:
    stage.state.inject.storm(["lone"], ["blob-not-found"], 1, pool_id="pool1")
    await stage.look(seconds=30)
    (box,) = tasks(stage)
    assert (box.code, box.exit_code, box.files, box.owed) == ("BlobNotFound", None, (), False)
    assert box.message
    assert box.details


async def test_a_killed_program_loses_nothing_that_was_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """How it failed is stored with the news of it; what was not read yet is read by the next program."""
    monkeypatch.setattr(evidence, "PATIENCE", 0.05)
    stage.sandbox.faults[stage.account.name].add("slow", path="/files/", seconds=30)
    stage.state.inject.storm(["storm"], ["exit-137", "exit-127"], 6, pool_id="pool1")
    look = await stage.look(seconds=30)
    told = {each.id for each in look.batch.transitions if each.after == "failed"}
    assert {each.task for each in look.batch.kept_tasks} == told
    assert len(told) == 6
    assert all(each.owed and each.exit_code in (137, 127) for each in tasks(stage))
    stage.sandbox.faults[stage.account.name].clear()
    monkeypatch.setattr(evidence, "PATIENCE", 30)
    await stage.restart()
    await stage.look(seconds=1)
    assert {each.task for each in tasks(stage) if each.files and not each.owed} == told


async def test_what_takes_too_long_is_tried_until_it_answers(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "PATIENCE", 0.05)
    stage.sandbox.faults[stage.account.name].add("slow", path="/files/", seconds=30)
    stage.state.inject.storm(["storm"], ["exit-137"], 2, pool_id="pool1")
    await stage.watch(150)
    assert [each.owed for each in tasks(stage)] == [True, True], "five slow polls are no answer"
    stage.sandbox.faults[stage.account.name].clear()
    monkeypatch.setattr(evidence, "PATIENCE", 30)
    await stage.look(seconds=30)
    assert [(each.owed, bool(each.files)) for each in tasks(stage)] == [(False, True)] * 2


async def test_a_poll_that_was_not_stored_kept_nothing(stage: Stage) -> None:
    stage.state.inject.storm(["storm"], ["exit-137"], 5, pool_id="pool1")
    stage.store.broken = True
    with pytest.raises(Exception, match="disk"):
        await stage.look(seconds=30)
    assert tasks(stage) == []
    stage.store.broken = False
    await stage.look(seconds=1)
    assert len([each for each in tasks(stage) if each.files]) == 5


async def test_budgets(stage: Stage) -> None:
    """Twenty of a cause, three of a node, and never more calls than a poll may make."""
    stage.state.inject.storm(["storm"], ["exit-137", "exit-127"], 400, pool_id="pool1")
    looks = await stage.watch(120)
    assert max(look.calls for look in looks) <= 60
    per_node = Counter((each.cause, each.node) for each in tasks(stage))
    assert len(per_node) == 2 * len(stage.state.pools["pool1"].nodes)
    assert set(per_node.values()) == {A_NODE}
    assert all(each.files and not each.owed for each in tasks(stage))


async def test_a_small_budget_is_kept_to_and_what_is_left_comes_later() -> None:
    async with staged(settings=WatchSettings(requests_per_minute=30)) as stage:
        await stage.observer.load()
        await stage.look()
        stage.state.inject.storm(["storm"], ["exit-137"], 50, pool_id="pool1")
        first = await stage.look(seconds=30)
        assert any(each.owed for each in tasks(stage))
        looks = [first, *await stage.watch(240)]
        assert not any(each.owed for each in tasks(stage))
        assert sum(bool(each.files) for each in tasks(stage)) >= 5
        assert max(look.calls for look in looks) <= 15 + evidence.CALLS, "one task is read however full a poll is"


async def test_nothing_is_kept_where_there_is_no_room_for_it() -> None:
    async with staged() as stage:
        observer = type(stage.observer)
        stage.observer = observer(stage.account, stage.store, stage.observer._clock, None, KeepSettings(black_box_mb=0))
        await stage.observer.load()
        await stage.look()
        stage.state.inject.storm(["storm"], ["exit-137"], 50, pool_id="pool1")
        await stage.watch(60)
        assert stage.store.boxes == {}
        assert any(each.line for each in stage.observer._state.jobs["storm"].examples["exit code 137"])


async def test_secrets_are_hidden(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    key = base64.b64encode(bytes(range(64))).decode()
    speak(monkeypatch, lambda task, code: f"cannot connect with AccountKey={key};EndpointSuffix=x\nValueError: no\n")
    await fail_one(stage)
    (box,) = tasks(stage)
    assert box.files[0].text == "cannot connect with AccountKey=…;EndpointSuffix=x\nValueError: no\n"
    assert key[:12] not in repr(stage.store.boxes)


# What is read of a file.


PEM = "\n".join(base64.b64encode(bytes([n] * 48)).decode() for n in range(26))


@pytest.mark.parametrize(
    "secret",
    [
        "password=" + "hunter2" * 400,
        "SharedAccessSignature sig=" + "hunter2" * 400,
        "-----BEGIN PRIVATE KEY-----\n" + "hunter2" * 9 + "\n" + PEM + "\n-----END PRIVATE KEY-----",
    ],
)
async def test_half_a_secret_is_none(secret: str) -> None:
    """Wherever the beginning of what is kept cuts it in two."""
    whole = secret + "\nValueError: no\n"
    for cut in range(5, len(secret), 97):
        content = whole.encode() + b"x" * (16 * KB - len(whole) + cut - 1) + b"\n"
        (file,) = await ends(Shelf(stderr=content), TASK[:1], lambda _: None)
        assert file.start > 0
        assert "hunter2" not in file.text, cut
        assert not set(file.text.split()) & set(PEM.split()), cut
        assert "ValueError: no" in file.text


@pytest.mark.parametrize(
    ("stderr", "kept", "calls"),
    [
        (b"", KeptFile("stderr.txt"), 1),
        (b"boom\n", KeptFile("stderr.txt", "boom\n", 0, 5), 1),
        (b"x" * 80 + b"\n" + b"y" * (16 * KB - 1) + b"\n", KeptFile("stderr.txt", "y" * 16383 + "\n", 81, 16465), 3),
        ("größer\n".encode("utf-16"), KeptFile("stderr.txt", "größer\n", 0, 16, "UTF-16"), 1),
        ("größer\n".encode("latin-1"), KeptFile("stderr.txt", "größer\n", 0, 7, "Latin-1"), 1),
        (b"\0\1\2\3" * 40, KeptFile("stderr.txt", length=160, binary=True), 1),
        (refused(404, "FileNotFound"), None, 1),
        (refused(404, "NodeNotFound"), None, 1),
        (refused(416, "InvalidRange"), KeptFile("stderr.txt"), 1),
    ],
)
async def test_the_end_of_a_file(stderr: bytes | AzureError, kept: KeptFile | None, calls: int) -> None:
    asked: list[str] = []
    found = await ends(Shelf(stderr=stderr), TASK[:1], asked.append)
    if isinstance(stderr, bytes) and kept and kept.start:
        (file,) = found
        assert (file.start & ~1) == kept.start & ~1
        assert file.text in kept.text
    else:
        assert found == ((kept,) if kept else ())
    assert len(asked) == calls


# What is chosen.


def pending() -> PendingState:
    return PendingState.of(AccountState(cursors={"baseline": NOON}), "render", after(60))


def failed(name: str, node: str, code: int = 1) -> TaskState:
    run = Run(exit_code=code, result="failure", failure_info=FailureInfo(code="FailureExitCode"))
    return TaskState(name, "completed", after(10), "running", run, Place("gpu", node))


def test_samples_of_a_cause_and_a_node() -> None:
    state, view = pending(), JobView("j")
    for number in range(200):
        note_failure(state, view, failed(f"a{number}", f"n{number % 5}"), "exit code 1", after(number))
        note_failure(state, view, failed(f"b{number}", f"m{number}", 2), "exit code 2", after(number))
    kept = [each for each in state.kept.values() if isinstance(each, KeptTask)]
    assert Counter(each.cause for each in kept) == {"exit code 1": 5 * A_NODE, "exit code 2": SAMPLES}
    order = [each.key[2] for each in to_read(state)]
    assert order[:4] == ["a0", "b0", "a1", "b1"], "one of each cause, then the next of each"


def test_more_than_can_be_owed_is_kept_without_files() -> None:
    state = pending()
    for number in range(MOST_OWED + 5):
        note_failure(state, JobView(f"j{number}"), failed("t", "n"), "exit code 1", after(number))
    assert len(state.unread) == MOST_OWED
    assert [each.owed for each in state.kept.values()] == [True] * MOST_OWED + [False] * 5


def test_what_is_about_to_be_lost_comes_first() -> None:
    state, view = pending(), JobView("j", pool="gpu")
    note_failure(state, view, failed("over", "n"), "exit code 1", after(0))
    note_retried(state, view, Retried("again", 3, after(5)))
    uploading = Run(exit_code=0, failure_info=FailureInfo(code="FileUploadAccessDenied"))
    note_failure(state, view, TaskState("up", "completed", after(1), "", uploading, Place("gpu", "n")), "up", after(1))
    note_node(state, PoolView("gpu"), NodeState("tvm", "starttaskfailed"), after(9))
    note_node(state, PoolView("gpu"), NodeState("lost", "preempted"), after(9))
    found = [(each.key[0], each.key[2], each.files) for each in to_read(state)]
    assert found == [("node", "tvm", START), ("task", "again", TASK), ("task", "over", TASK), ("task", "up", UPLOAD)]
    retried = next(each for each in state.kept.values() if isinstance(each, KeptTask) and each.retried)
    assert (retried.retry, retried.pool) == (2, "gpu")


def test_what_is_owed_too_long_or_does_not_answer_is_owed_no_more() -> None:
    state, view = pending(), JobView("j")
    note_failure(state, view, failed("t", "n"), "exit code 1", after(0))
    (key,) = state.unread
    black_box.tried(state, key)
    assert state.unread[key].tries == 1
    black_box.tried(state, key)
    assert (state.unread, state.kept[key].owed) == ({}, False)
    note_failure(state, view, failed("u", "n"), "exit code 1", after(0))
    state.at += PATIENCE + timedelta(seconds=1)
    black_box.give_up(state)
    assert state.unread == {}
    assert not any(each.owed for each in state.kept.values())


def test_a_line_that_is_still_being_written_is_left_out() -> None:
    """It may be half a secret, which has no shape."""
    state, view = pending(), JobView("j")
    note_retried(state, view, Retried("again", 1, after(5)))
    (key,) = state.unread
    black_box.settle(
        state, key, (KeptFile("stderr.txt", "one\ntwo\ngh", 0, 10), KeptFile("stdout.txt", "g", 0, 1)), "gh"
    )
    assert isinstance(state.kept[key], KeptTask)
    assert "gh" not in repr(state.kept[key])
    assert [each.text for each in state.kept[key].files] == ["one\ntwo\n", ""]


def test_how_a_node_is() -> None:
    state, view = pending(), PoolView("gpu")
    error = NodeErrorState("DiskFull", "no space", (NameValue("Path", "/mnt?sig=abcdefghijklmnopqrstuvwxyz"),))
    note_node(state, view, NodeState("tvm", "Unusable", errors=(error,)), after(3))
    (box,) = state.kept.values()
    assert isinstance(box, KeptNode)
    assert (box.state, box.errors, box.owed) == ("unusable", (("DiskFull", "no space (/mnt?…)"),), True)
