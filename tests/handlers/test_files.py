"""Files and logs of a living account: what people see of them, and what they are told when there are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import handlers.file.log
from bot.azure import gaps
from bot.azure.files import Files, Tail
from bot.chat.request import CommandRequest, Conversation, Person
from bot.sandbox.world.live import LiveTask
from cards.card import Actions, Attachment, Button, Card, Code, Footer, Table, Words, plain
from handlers.file.owner import FilesState, Home
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.test_cards import still

Found = tuple[str, str]


def tasks(scene: Scene) -> list[tuple[str, LiveTask]]:
    account = scene.world.accounts["render-prod"]
    return [(job.id, task) for job in account.jobs.values() for task in job.tasks.values()]


def on_a_node(scene: Scene, task: LiveTask) -> bool:
    pool = scene.world.accounts["render-prod"].pools.get(task.pool_id or "")
    return bool(pool and task.node_id in pool.nodes)


def running(scene: Scene) -> Found:
    """A task that has run for a while."""
    old = [(j, t) for j, t in tasks(scene) if t.state == "running" and on_a_node(scene, t)]
    job, task = min(old, key=lambda each: (each[1].state_transition_time, each[0], each[1].id))
    return job, task.id


def finished(scene: Scene) -> Found:
    """A task that completed on a node that is still there."""
    for job, task in tasks(scene):
        if task.state == "completed" and on_a_node(scene, task) and task.execution_info.exit_code == 0:
            return job, task.id
    raise AssertionError("the demo has none")


def waiting(scene: Scene) -> Found:
    return next((job, task.id) for job, task in tasks(scene) if task.state == "active" and task.node_id is None)


def orphaned(scene: Scene) -> Found:
    """A task that ran on a node that is gone."""
    return next((job, t.id) for job, t in lost(scene) if t.execution_info.exit_code is not None)


def never_begun(scene: Scene) -> Found:
    """A task whose program was never started, on a node that is gone."""
    return next((job, t.id) for job, t in lost(scene) if t.execution_info.exit_code is None)


def lost(scene: Scene) -> Iterator[tuple[str, LiveTask]]:
    """Tasks that are over whose node is gone."""
    return ((job, t) for job, t in tasks(scene) if t.state == "completed" and t.node_id and not on_a_node(scene, t))


def buttons(card: Card) -> dict[str, Button]:
    return {
        item.text: item
        for block in card.blocks
        if isinstance(block, Actions)
        for item in block.items
        if isinstance(item, Button)
    }


def code(card: Card) -> str:
    return next(block.text for block in card.blocks if isinstance(block, Code))


def words(card: Card) -> str:
    return " ".join([plain(card.title), *(plain(block.text) for block in card.blocks if isinstance(block, Words))])


async def test_a_log_is_the_last_forty_lines(scene: Scene) -> None:
    job, task = finished(scene)
    card = await scene.ask(f"log {job} {task}")
    check("command-log", still(card, scene))
    assert len(code(card).split("\n")) == 40
    more = await scene.ask(buttons(card)["More lines"].command)
    assert code(more).endswith(code(card))
    assert len(code(more).split("\n")) > 40
    other = await scene.ask(buttons(card)["stderr.txt"].command)
    assert "stderr.txt" in plain(other.title)
    assert buttons(other)["stdout.txt"]
    assert "Follow" not in buttons(card), "nothing more will be written"


async def test_the_encoding_of_a_log_can_be_named(scene: Scene) -> None:
    job, task = finished(scene)
    named = await scene.ask(f"log {job} {task} stdout.txt encoding:shift_jis lines:5")
    assert "read as Shift-JIS" in str(plain_of(named))
    again = typed_by(named)
    assert any("encoding:cp932" in each and " follow" not in each for each in again)
    wrong = await scene.ask(f"log {job} {task} stdout.txt encoding:rot13")
    assert wrong.refused
    assert "no encoding of text" in plain(wrong.title)
    offered = typed_by(wrong)
    assert f"log {job} {task} stdout.txt encoding:gbk account:render-prod" in offered


def typed_by(card: Card) -> list[str]:
    """What its buttons type."""
    items = [item for block in card.blocks if isinstance(block, Actions) for item in block.items]
    return [item.command for item in items if isinstance(item, Button)]


def plain_of(card: Card) -> list[str]:
    """The small print."""
    return [plain(block.text) for block in card.blocks if isinstance(block, Footer)]


@pytest.mark.parametrize(
    ("text", "encoding", "offers"),
    [
        ("오류: 파일을 열 수 없습니다\n메모리가 부족합니다\n", "euc_kr", []),
        ("エラー: メモリが不足しています\n", "euc_jp", []),
        ("渲染: 魑魅\n", "gbk", ["Read as EUC-JP", "Read as EUC-KR", "Read as Big5"]),
    ],
    ids=["korean", "japanese", "a few letters"],
)
async def test_what_a_short_text_does_not_show_is_offered(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, text: str, encoding: str, offers: list[str]
) -> None:
    read, content = handlers.file.log.tail, text.encode(encoding)

    async def short(files: Files, name: str, lines: int, *, before: Tail | None = None) -> Tail:
        return replace(await read(files, name, lines, before=before), content=content, start=0, first=content[:4])

    monkeypatch.setattr(handlers.file.log, "tail", short)
    job, task = finished(scene)
    card = await scene.ask(f"log {job} {task}")
    offered = [each for each in buttons(card) if each.startswith("Read as ")]
    assert bool(offered) is bool(offers)
    assert set(offered) <= {*offers, "Read as Shift-JIS"}
    said = " ".join(plain_of(card))
    assert ("which so few letters do not show" in said) is bool(offers)
    if offered:
        again = await scene.ask(buttons(card)[offered[0]].command)
        assert offered[0].removeprefix("Read as") in f" {' '.join(plain_of(again))}"
        assert not [each for each in buttons(again) if each.startswith("Read as ")], "it was named"


async def test_files_are_listed_folder_by_folder_and_fetched(scene: Scene) -> None:
    job, task = finished(scene)
    card = await scene.ask(f"file list {job} {task}")
    check("command-file-list", still(card, scene))
    below = await scene.ask(buttons(card)["All below"].command)
    check("command-file-list-recursive", still(below, scene))
    inside = await scene.ask(f"file list {job} {task} wd")
    assert buttons(inside)["Up"].command.startswith(f"file list {job} {task}")
    got = await scene.ask(f"file get {job} {task} stdout.txt")
    check("command-file-get", still(got, scene))
    file = next(block for block in got.blocks if isinstance(block, Attachment))
    assert (file.name, file.kind) == ("stdout.txt", "text/plain; charset=utf-8")
    assert b"sig=" not in file.content


NOISE = bytes((n * 7919 >> 3) & 0xFF for n in range(4096))


@pytest.mark.parametrize(
    ("content", "posted", "said"),
    [
        (b"frame 12\0 done\npassword=Tr0ub4dor&3x\n", True, "Secrets in it are hidden."),
        ("password=Tr0ub4dor&3x\r\n".encode("utf-32-le"), True, "Secrets in it are hidden."),
        (NOISE, True, "only its readable parts were searched"),
        (NOISE + b"\0password=Tr0ub4dor&3x\0" + NOISE, False, "looks like a secret"),
    ],
    ids=["one zero", "four bytes", "bytes", "bytes with a secret"],
)
async def test_no_encoding_brings_a_secret_past_the_search(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, content: bytes, posted: bool, said: str
) -> None:
    async def whole(_: Files, name: str, length: int) -> bytes:
        return content

    monkeypatch.setattr(Files, "whole", whole)
    job, task = finished(scene)
    card = await scene.ask(f"file get {job} {task} stdout.txt")
    files = [block for block in card.blocks if isinstance(block, Attachment)]
    assert bool(files) is posted
    assert card.refused is not posted
    assert all(b"Tr0ub" not in file.content.replace(b"\0", b"") for file in files)
    assert said in words(card) + " ".join(plain(block.text) for block in card.blocks if isinstance(block, Footer))
    if not posted:
        assert "az batch task file download" in code(card)


async def test_a_file_too_large_to_relay_is_told_with_the_way_to_get_it(scene: Scene) -> None:
    large = []
    for job, task in tasks(scene):
        if "assemble" in task.command_line and task.execution_info.exit_code == 0 and on_a_node(scene, task):
            large.append((job, task.id))
    assert large, "the demo has no film at this moment"
    job, name = large[0]
    card = await scene.ask(f"file get {job} {name} wd/output/movie.mov")
    assert card.refused
    assert "too large" in plain(card.title)
    assert f"az batch task file download --job-id {job} --task-id {name} --file-path wd/output/movie.mov" in code(card)
    shown = await scene.ask(f"log {job} {name} wd/output/movie.mov")
    assert "binary" in words(shown)


async def test_a_folder_is_offered_to_be_opened(scene: Scene) -> None:
    job, task = finished(scene)
    for command in ("log", "file get"):
        card = await scene.ask(f"{command} {job} {task} wd")
        assert card.refused
        assert isinstance(next(b for b in (await scene.ask(buttons(card)["Open it"].command)).blocks), Table)
    given = await scene.ask(f"file list {job} {task} stdout.txt")
    assert any(isinstance(block, Attachment) for block in given.blocks), "a file's name instead of a folder's"


async def test_names_that_do_not_exist(scene: Scene) -> None:
    job, task = finished(scene)
    card = await scene.ask(f"log {job} {task} stdot.txt")
    check("command-log-unknown-file", still(card, scene))
    assert buttons(card)["stdout.txt"].command.startswith(f"log {job} {task} stdout.txt")
    for command in (f"log {job} nothing", f"file list {job} nothing", f"file get {job} nothing x", "log nothing x"):
        assert "There is no" in plain((await scene.ask(command)).title)
    for command in ("nodelog nothing x", "nodefile list render-cpu nothing", "nodefile get render-cpu nothing y"):
        assert "There is no" in plain((await scene.ask(command)).title)
    for name in ("../../etc/passwd", "'a b\"", "שלום", "x" * 900, "\u202e"):
        answer = await scene.ask(f"log {job} {task} '{name.replace(chr(39), '')}'")
        assert answer.refused


async def test_a_task_that_waits_has_no_files_yet(scene: Scene) -> None:
    job, task = waiting(scene)
    card = await scene.ask(f"log {job} {task}")
    check("command-log-waiting", still(card, scene))
    assert "No files yet" in plain((await scene.ask(f"file list {job} {task}")).title)


async def test_a_node_that_is_gone_took_the_files_with_it(scene: Scene) -> None:
    job, task = orphaned(scene)
    card = await scene.ask(f"log {job} {task}")
    check("command-log-node-gone", still(card, scene))
    for command in ("file list", "file get"):
        answer = await scene.ask(f"{command} {job} {task}" + (" stdout.txt" if command == "file get" else ""))
        assert "The node is gone with its files" in plain(answer.title)


async def test_what_never_ran_has_no_files_and_is_not_said_to_have_lost_them(scene: Scene) -> None:
    job, task = never_begun(scene)
    for command in (f"log {job} {task}", f"file list {job} {task}", f"file get {job} {task} stdout.txt"):
        answer = await scene.ask(command)
        assert plain(answer.title) == "The task never ran, so it has no files.", command
    shown = await scene.ask(f"task show {job} {task}")
    assert "The node is gone" not in words(shown)
    assert not {"stdout", "stderr"} & buttons(shown).keys(), "there never were any"


async def test_files_whose_time_is_over(scene: Scene) -> None:
    job, name = finished(scene)
    task = scene.world.accounts["render-prod"].jobs[job].tasks[name]
    end = task.execution_info.end_time
    assert end
    task.execution_info.end_time = end - timedelta(days=8)
    card = await scene.ask(f"log {job} {name}")
    check("command-log-cleaned-up", still(card, scene))
    assert "cleaned up" in plain(card.title)


async def test_nodes_have_files_and_logs(scene: Scene) -> None:
    pool, node = next(
        (pool.id, node.id)
        for pool in scene.world.accounts["render-prod"].pools.values()
        for node in pool.nodes.values()
        if node.state == "idle" and node.body.start_task is not None
    )
    check("command-nodefile-list", still(await scene.ask(f"nodefile list {pool} {node}"), scene))
    card = await scene.ask(f"nodelog {pool} {node}")
    check("command-nodelog", still(card, scene))
    assert "startup/stderr.txt" in plain(card.title)
    got = await scene.ask(f"nodefile get {pool} {node} startup/stdout.txt")
    assert next(block.name for block in got.blocks if isinstance(block, Attachment)) == "stdout.txt"


@pytest.mark.parametrize("what", ["account", "pool render-cpu", "schedule", "job", "task"])
async def test_raw_json_is_a_file(scene: Scene, what: str) -> None:
    job, task = finished(scene)
    schedule = next(iter(scene.world.accounts["render-prod"].schedules))
    named = {"schedule": f"schedule {schedule}", "job": f"job {job}", "task": f"task {job} {task}"}.get(what, what)
    card = await scene.ask(f"raw {named}")
    file = next(block for block in card.blocks if isinstance(block, Attachment))
    assert file.name.startswith(what.split(maxsplit=1)[0])
    assert file.content.startswith(b"{\n")
    assert not card.refused
    missing = await scene.ask(f"raw {named}x") if what != "account" else None
    assert missing is None or missing.refused


# Following


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks come one after the other."""
    monkeypatch.setattr(handlers.file.log, "EVERY", 0.01)
    monkeypatch.setattr(handlers.file.log, "LONGEST_WAIT", 0.01)


def followed(scene: Scene, command: str) -> AsyncIterator[Card]:
    person = Person("text", "viewer", zone="America/Chicago")
    return scene.dispatcher.cards(CommandRequest("k", command, person, Conversation("text", "here"), datetime.now(UTC)))


async def next_of(cards: AsyncIterator[Card]) -> Card:
    return await asyncio.wait_for(anext(cards), 20)


async def test_a_followed_log_grows_until_its_task_is_over(scene: Scene, quick: None) -> None:
    job, task = running(scene)
    cards = followed(scene, f"log {job} {task} follow")
    first = await next_of(cards)
    assert "following" in words(first)
    assert "Stop" in buttons(first)
    scene.advance(seconds=20)
    second = await next_of(cards)
    assert code(second) != code(first)
    account = scene.world.accounts["render-prod"]
    while account.jobs[job].tasks[task].state == "running":
        scene.advance(seconds=30)
    *_, last = [card async for card in cards]
    assert "no longer followed" in words(last)
    assert "the task completed with exit code" in words(last)
    assert "Stop" not in buttons(last)


async def test_a_followed_log_is_stopped(scene: Scene, quick: None) -> None:
    job, task = running(scene)
    cards = followed(scene, f"log {job} {task} follow")
    first = await next_of(cards)
    stopping = asyncio.create_task(scene.ask(buttons(first)["Stop"].command))
    last = await next_of(cards)
    assert "it was stopped" in words(last)
    assert buttons(last)["Follow again"].command.startswith(f"log {job} {task} stdout.txt follow")
    with pytest.raises(StopAsyncIteration):
        await next_of(cards)
    assert "it was stopped" in words(await stopping)


async def test_following_ends_after_its_time(scene: Scene, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers.file.log, "LONGEST_FOLLOW", timedelta(seconds=0.05))
    job, task = running(scene)
    *_, last = [card async for card in followed(scene, f"log {job} {task} follow")]
    assert "are over" in words(last)


async def test_following_ends_when_the_task_is_deleted(scene: Scene, quick: None) -> None:
    job, task = running(scene)
    cards = followed(scene, f"log {job} {task} follow")
    before = await next_of(cards)
    del scene.world.accounts["render-prod"].jobs[job].tasks[task]
    last = await next_of(cards)
    assert "the task was deleted" in words(last)
    assert code(last) == code(before), "what was read stays to be read"


async def test_following_ends_when_the_file_vanishes(
    scene: Scene, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, task = running(scene)
    cards = followed(scene, f"log {job} {task} follow")
    await next_of(cards)
    scene.sandbox.faults["render-prod"].add("error", path=r"/files/stdout\.txt", status=404, code="FileNotFound")
    assert "the file is gone" in words(await next_of(cards))


async def test_what_was_not_known_once_is_forgotten_when_it_is_read_anew(
    scene: Scene, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, task = running(scene)
    state, odd = Home.state, ["exitCode"]

    async def oddly(self: Home) -> FilesState:
        for name in odd:
            gaps.note(f"{name} of task {self.name}", "Azure's answer was not understood")
        return await state(self)

    monkeypatch.setattr(Home, "state", oddly)
    cards = followed(scene, f"log {job} {task} follow")
    assert f"exitCode of task {task}" in words(await next_of(cards))
    odd.clear()
    scene.advance(seconds=20)
    assert "not known" not in words(await next_of(cards))


async def test_following_bears_a_busy_service(scene: Scene, quick: None) -> None:
    job, task = running(scene)
    cards = followed(scene, f"log {job} {task} follow")
    await next_of(cards)
    scene.sandbox.faults["render-prod"].add("throttle", path=r"/files/", status=429, retry_after=0.01, count=1)
    scene.sandbox.faults["render-prod"].add("error", path=r"/files/", status=500, count=1)
    scene.advance(seconds=20)
    card = await next_of(cards)
    assert "following" in words(card)


async def test_following_gives_up_on_a_service_that_is_down(scene: Scene, quick: None) -> None:
    job, task = running(scene)
    cards = followed(scene, f"log {job} {task} follow")
    await next_of(cards)
    scene.sandbox.faults["render-prod"].add("throttle", path=r"/files/", status=429, retry_after=60)
    last = await next_of(cards)
    assert "Azure did not answer 5 times" in words(last)


async def test_following_waits_for_a_task_that_waits(scene: Scene, quick: None) -> None:
    jobs = scene.world.accounts["render-prod"].jobs
    job, task = next((job, t.id) for job, t in tasks(scene) if t.state == "active" and jobs[job].state == "active")
    cards = followed(scene, f"log {job} {task} follow")
    first = await next_of(cards)
    assert "waiting for the task to start" in words(first)
    assert "Stop" in buttons(first)
    for _ in range(200):
        scene.advance(minutes=2)
        if jobs[job].tasks[task].state not in ("active", "preparing"):
            break
    second = await next_of(cards)
    assert "following" in words(second) or "no longer followed" in words(second)
