"""What failed tasks printed, read over the wire from a living account's nodes."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.alerting.rules.failures import causes_of
from bot.azure.errors import AzureError
from bot.azure.files import Head
from bot.domain.findings import CauseCount
from bot.monitor import evidence
from bot.monitor.black_box import SAMPLES
from bot.monitor.evidence import EXAMPLES, MOST, TRIES, Said, Wanted, note, said_in, wanted
from bot.monitor.file_ends import KB, TASK, ends
from bot.monitor.job_changes import QUIET, _blame
from bot.monitor.scene import Example, JobView
from bot.sandbox.world import program_output
from bot.settings import WatchSettings
from tests.alerting.rules.scenes import KINDS
from tests.monitor.observed_sandbox import Stage, staged

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        await stage.observer.load()
        await stage.look()
        yield stage


@pytest.fixture
def asked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The roots of the files that were asked for."""
    found: list[str] = []
    real = stage.account.files

    def files(root: str) -> object:
        found.append(root)
        return real(root)

    monkeypatch.setattr(stage.account, "files", files)
    return found


def view_of(stage: Stage, job: str = "storm") -> JobView:
    """What was stored of a job."""
    return stage.observer._state.jobs[job]


def speak(monkeypatch: pytest.MonkeyPatch, words: Callable[[str, int], str]) -> None:
    """Have failing programs print this, by the task's id and the exit code."""

    def last_words(key: str, theme: object, command: str, exit_code: int | None, at: datetime) -> str:
        return words(key.split("/")[3], exit_code) if exit_code else ""

    monkeypatch.setattr(program_output, "last_words", last_words)


async def test_each_exit_code_has_its_evidence_and_no_more_is_read(stage: Stage, asked: list[str]) -> None:
    stage.state.inject.storm(["storm"], ["exit-137", "exit-127"], 400, pool_id="pool1")
    looks = await stage.watch(60)
    view = view_of(stage)
    assert {cause: [bool(each.line) for each in examples] for cause, examples in view.examples.items()} == {
        "exit code 137": [True] * EXAMPLES,
        "exit code 127": [True] * EXAMPLES,
    }
    said = {each.cause: each for each in causes_of(view)}
    assert (said["exit code 137"].count, said["exit code 127"].count) == (200, 200)
    assert said["exit code 137"].said.startswith("Out of memory: Killed process ")
    assert said["exit code 127"].said.endswith(": command not found")
    assert said["exit code 127"].file == "stderr.txt"
    assert max(look.calls for look in looks) <= 60
    await stage.watch(300)
    assert 2 * EXAMPLES <= len(asked) == len(set(asked)) <= 2 * (SAMPLES + EXAMPLES), "what is known is not asked again"


async def test_the_first_look_has_a_line_of_each_cause(stage: Stage, asked: list[str]) -> None:
    stage.state.inject.storm(["storm"], ["exit-137", "exit-127", "exit-2"], 300, pool_id="pool1")
    await stage.look(seconds=30)
    assert evidence.AT_ONCE <= len(asked) <= evidence.AT_MOST
    assert all(each.said for each in causes_of(view_of(stage)))


async def test_one_exit_code_of_two_errors_is_two_causes(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def words(task: str, code: int) -> str:
        number = int(re.findall(r"\d+", task)[-1])
        asked.append(task)
        which = "ConnectionError: 10.0.0.{0}:443 closed" if task == asked[0] else "ValueError: no such frame {0}"
        frames = f'Traceback (most recent call last):\n  File "run.py", line {number}, in main\n    go({number})\n'
        return frames + which.format(number) + "\n"

    speak(monkeypatch, words)
    stage.state.inject.storm(["storm"], ["exit-1"], 500, pool_id="pool1")
    looks = await stage.watch(60)
    causes = causes_of(view_of(stage))
    assert [(each.count, each.cause) for each in causes] == [
        (497, "exit code 1"),
        (2, "exit code 1: ValueError: no such frame <n>"),
        (1, "exit code 1: ConnectionError: <address> closed"),
    ]
    (told,) = [each for each in KINDS["task.failed"].judge(looks[-1].scene) if each.entity.id == "storm"]
    assert ("Output read", "3 of 500 with exit code 1") in told.figures
    first, second = told.evidence.split("\n")
    assert re.fullmatch(r"ValueError: no such frame \d+ \(stderr of \S+\)", first)
    assert re.fullmatch(r"ConnectionError: 10\.0\.0\.\d+:443 closed \(stderr of \S+\)", second)


async def test_a_restart_keeps_what_is_known(stage: Stage, asked: list[str]) -> None:
    stage.state.inject.storm(["storm"], ["exit-137"], 50, pool_id="pool1")
    await stage.watch(60)
    before, calls = causes_of(view_of(stage)), len(asked)
    await stage.restart()
    await stage.watch(60)
    assert causes_of(view_of(stage)) == before
    assert before[0].said
    assert len(asked) == calls


async def test_what_is_gone_is_asked_for_once(stage: Stage, asked: list[str]) -> None:
    fault = stage.sandbox.faults[stage.account.name].add("error", path="/files/", status=404, code="NodeNotFound")
    stage.state.inject.storm(["storm"], ["exit-137"], 50, pool_id="pool1")
    await stage.watch(300)
    assert fault.struck > 0
    assert EXAMPLES <= len(asked) == len(set(asked)) <= SAMPLES + EXAMPLES
    assert [each.said for each in causes_of(view_of(stage))] == [""]


async def test_what_does_not_answer_is_tried_again_but_not_for_ever(stage: Stage, asked: list[str]) -> None:
    stage.sandbox.faults[stage.account.name].add("error", path="/files/", status=409, code="NodeNotReady")
    stage.state.inject.storm(["storm"], ["exit-137"], 50, pool_id="pool1")
    await stage.watch(300)
    assert max(Counter(asked).values()) == TRIES
    assert len(set(asked)) <= SAMPLES + EXAMPLES
    assert len(stage.store.of("task")) == 50, "failures are told all the same"


async def test_slow_evidence_is_left_out_and_failures_are_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    monkeypatch.setattr(evidence, "PATIENCE", 0.05)
    stage.sandbox.faults[stage.account.name].add("slow", path="/files/", seconds=30)
    stage.state.inject.storm(["storm"], ["exit-137"], 50, pool_id="pool1")
    look = await stage.look(seconds=30)
    assert asked
    assert len(stage.store.of("task")) == 50
    assert look.scene.blind is None
    assert [each.said for each in causes_of(view_of(stage))] == [""]
    stage.sandbox.faults[stage.account.name].clear()
    monkeypatch.setattr(evidence, "PATIENCE", 30)
    await stage.look(seconds=30)
    assert all(each.said for each in causes_of(view_of(stage)))


async def test_a_throttle_does_not_blind(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "PATIENCE", 0.05)
    stage.sandbox.faults[stage.account.name].add("throttle", path="/files/", status=429)
    stage.state.inject.storm(["storm"], ["exit-137"], 50, pool_id="pool1")
    looks = await stage.watch(60)
    assert all(look.scene.blind is None for look in looks)
    assert [each.said for each in causes_of(view_of(stage))] == [""]


async def test_what_never_ran_is_not_asked_for(stage: Stage, asked: list[str]) -> None:
    stage.state.inject.storm(["storm"], ["disk-full", "blob-not-found"], 50, pool_id="pool1")
    await stage.watch(120)
    assert len(view_of(stage).causes) == 2
    assert asked == []
    assert view_of(stage).examples == {}


async def test_a_small_budget_is_kept_to() -> None:
    async with staged(settings=WatchSettings(requests_per_minute=10)) as stage:
        await stage.observer.load()
        await stage.look()
        stage.state.inject.storm(["storm"], ["exit-137"], 50, pool_id="pool1")
        await stage.look(seconds=30)
        assert sum(bool(each.line) for each in view_of(stage).examples["exit code 137"]) >= 1
        await stage.watch(120)
        assert all(each.line for each in view_of(stage).examples["exit code 137"])


async def test_calls_for_evidence_are_counted(stage: Stage) -> None:
    stage.state.inject.storm(["storm"], ["exit-137"], 50, pool_id="pool1")
    before = stage.account.traffic.calls
    looks = await stage.watch(90)
    assert stage.account.traffic.calls - before == sum(look.calls for look in looks)


async def test_secrets_are_hidden(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    key = base64.b64encode(bytes(range(64))).decode()
    speak(monkeypatch, lambda task, code: f"RuntimeError: cannot connect with AccountKey={key};EndpointSuffix=x\n")
    stage.state.inject.storm(["storm"], ["exit-1"], 20, pool_id="pool1")
    looks = await stage.watch(60)
    (cause,) = causes_of(view_of(stage))
    assert cause.said == "RuntimeError: cannot connect with AccountKey=…;EndpointSuffix=x"
    bodies = b"".join(view.body or b"" for look in looks for view in look.batch.snapshots)
    assert b"AccountKey" in bodies
    assert key[:20].encode() not in bodies


async def test_a_job_that_is_over_is_told_with_its_evidence(stage: Stage) -> None:
    stage.state.inject.add_job("short", "pool1", 4, seconds=10, failing=1.0, cause="exit-127")
    stage.state.commands.set_on_all_tasks_complete("short", "terminatejob")
    looks = await stage.watch(300)
    told = [finding for look in looks for finding in KINDS["job.failed"].judge(look.scene)][-1]
    assert "command not found (stderr of task-" in told.evidence


# The choice of examples.


def failing(*tasks: str, cause: str = "exit code 1", name: str = "job") -> JobView:
    view = JobView(name, causes={cause: CauseCount(cause, len(tasks))})
    for task in tasks:
        note(view, cause, task)
    return view


def tasks_of(view: JobView, cause: str = "exit code 1") -> list[str]:
    return [each.task for each in view.examples.get(cause, ())]


def test_the_first_two_and_the_latest_are_examples() -> None:
    assert tasks_of(failing("a", "b", "c", "d", "e")) == ["a", "b", "e"]
    assert tasks_of(failing("a", "a", "a")) == ["a"]
    assert tasks_of(failing("a", "b", cause="BlobNotFound"), "BlobNotFound") == []


def test_what_was_looked_at_keeps_its_place_and_what_is_gone_is_replaced_a_few_times() -> None:
    view = failing("a", "b", "c")
    view.examples = {"exit code 1": tuple(Example(each, "line", "stderr.txt", TRIES) for each in "abc")}
    note(view, "exit code 1", "d")
    assert tasks_of(view) == ["a", "b", "c"]
    for task in "abcdefghij":
        gone = tuple(Example(each.task, tries=TRIES) for each in view.examples["exit code 1"])
        view.examples = {"exit code 1": gone}
        note(view, "exit code 1", task)
    assert tasks_of(view) == ["a", "b", "c", "d", "e", "f"]
    assert len(tasks_of(view)) == MOST


def test_what_is_not_known_at_all_comes_first_and_of_that_the_greatest() -> None:
    small, great = failing("a", "b", name="small"), failing("c", "d", "e", "f", name="great")
    known = failing(*"ghijklmnop", name="known")
    known.examples = {"exit code 1": (Example("g", "line", "stderr.txt", TRIES), *known.examples["exit code 1"][1:])}
    order = [(each.job, each.task) for each in wanted([small, known, great], 9)]
    assert order == [
        ("great", "c"),
        ("small", "a"),
        ("known", "h"),
        ("great", "d"),
        ("small", "b"),
        ("known", "p"),
        ("great", "f"),
    ]
    assert wanted([small], 1) == [Wanted("small", "exit code 1", "a")]
    assert wanted([small], 0) == []


# One task's files.


async def read(shelf: Shelf) -> Said:
    """What is said in the files on a shelf."""
    return said_in(await ends(shelf, TASK, lambda _: None))


class Shelf:
    """Files by name: their content, or what is answered instead."""

    def __init__(self, **files: bytes | AzureError) -> None:
        self._files = {f"{name}.txt": content for name, content in files.items()}
        self.read_bytes = 0

    def _of(self, name: str) -> bytes:
        content = self._files[name]
        if isinstance(content, AzureError):
            raise content
        return content

    async def head(self, name: str) -> Head:
        return Head(len(self._of(name)), None, NOON)

    async def read(self, name: str, start: int, stop: int) -> bytes:
        self.read_bytes += stop - start
        return self._of(name)[start:stop]


def refused(status: int, code: str) -> AzureError:
    return AzureError(code, "no", status=status)


@pytest.mark.parametrize(
    ("stderr", "stdout", "said"),
    [
        (b"Error: boom\n", b"Error: other\n", Said("Error: boom", "stderr.txt")),
        (b"", b"Error: other\n", Said("Error: other", "stdout.txt")),
        (b"\n \n", b"bye\n", Said("bye", "stdout.txt")),
        (b"\0\1\2\3" * 40, b"bye\n", Said("bye", "stdout.txt")),
        (b"", b"", Said()),
        ("\ufeffError: größer\r\n".encode("utf-16-le"), b"", Said("Error: größer", "stderr.txt")),
        (b"\x1b[31mError: red\x1b[0m\n", b"", Said("Error: red", "stderr.txt")),
        (refused(404, "FileNotFound"), b"bye\n", Said("bye", "stdout.txt")),
        (refused(404, "NodeNotFound"), b"bye\n", Said()),
        (refused(409, "TaskFilesCleanedup"), b"bye\n", Said()),
    ],
)
async def test_of_stderr_or_else_of_stdout(stderr: bytes | AzureError, stdout: bytes, said: Said) -> None:
    assert await read(Shelf(stderr=stderr, stdout=stdout)) == said


@pytest.mark.parametrize("error", [refused(409, "NodeNotReady"), refused(500, "InternalError")])
async def test_what_may_be_told_another_time_is_no_answer(error: AzureError) -> None:
    with pytest.raises(AzureError):
        await read(Shelf(stderr=error, stdout=b""))


@pytest.mark.parametrize("before", [b"x" * 20_000 + b"\n", b"x\n" * 90_000, b"password=hunter2 " * 9000 + b"\n"])
async def test_no_more_than_the_end_is_read(before: bytes) -> None:
    shelf = Shelf(stderr=before + b"Error: boom\n", stdout=b"")
    assert await read(shelf) == Said("Error: boom", "stderr.txt")
    assert shelf.read_bytes <= 2 * 16 * KB + 1 + 4 * KB


async def test_a_secret_that_the_beginning_cuts_is_not_told() -> None:
    shelf = Shelf(stderr=b"error: password=" + b"hunter2" * 9000, stdout=b"")
    assert await read(shelf) == Said()


async def test_what_breaks_does_not_break_the_look(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def key_line(lines: Sequence[str]) -> str:
        raise RuntimeError("a defect")

    monkeypatch.setattr(evidence, "key_line", key_line)
    stage.state.inject.storm(["storm"], ["exit-137"], 50, pool_id="pool1")
    looks = await stage.watch(120)
    assert all(look.scene.blind is None for look in looks)
    assert view_of(stage).failures == 50
    assert all(each.tries == TRIES for each in view_of(stage).examples["exit code 137"])


def test_a_new_spell_of_failures_is_looked_at_anew() -> None:
    view = JobView("job")
    for task, at in (("a", NOON), ("b", NOON + QUIET / 2), ("c", NOON + 2 * QUIET + timedelta(minutes=1))):
        note(view, _blame(view, task, at, "exit code 1", "", exhausted=False), task)
    assert tasks_of(view) == ["c"]
