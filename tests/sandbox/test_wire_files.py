"""Files of tasks and nodes: what there is, how it grows, how it is read in parts, and how it is lost."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import ClientPayloadError, ClientResponse, ClientSession
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from yarl import URL

from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.listener import http_date
from bot.sandbox.wire.tokens import BATCH
from bot.sandbox.world import Clock, LiveTask
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import CAUSES
from bot.sandbox.world.files import LARGE
from bot.sandbox.world.scenarios import build
from tests.sandbox import still_world

VERSION = "2025-06-01"


class Site:
    """The demo some hours old, asked about the files of one account."""

    def __init__(self, sandbox: AzureSandbox, account: AccountState, session: ClientSession) -> None:
        self.sandbox = sandbox
        self.account = account
        self.session = session
        self.url = sandbox.endpoints[account.facts.name]
        self.bearer = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}

    async def ask(
        self, path: str, method: str = "GET", headers: dict[str, str] | None = None, **query: str
    ) -> tuple[ClientResponse, bytes]:
        asked = {name.replace("_", "$"): value for name, value in query.items()} | {"api-version": VERSION}
        url = URL(self.url + path, encoded=True).update_query(asked)
        async with self.session.request(method, url, headers=self.bearer | (headers or {})) as answer:
            return answer, await answer.read()

    async def names(self, path: str, **query: str) -> list[str]:
        answer, _ = await self.ask(path, **query)
        body = await answer.json(content_type=None)
        return [one["name"] for one in body["value"]]

    async def refused(self, path: str, **query: str) -> tuple[int, str, str]:
        answer, _ = await self.ask(path, **query)
        body = await answer.json(content_type=None)
        return answer.status, body["code"], (body.get("values") or [{"value": ""}])[0]["value"]

    def first(self, wanted: Callable[[LiveTask], bool], job: str = "") -> str:
        """The address of a task whose files can be read."""
        for live in self.account.jobs.values():
            for task in live.tasks.values() if job in live.id else ():
                node = task.node_id and self.account.pools[task.pool_id or ""].nodes.get(task.node_id)
                if node and node.state in {"idle", "running"} and wanted(task):
                    return f"/jobs/{live.id}/tasks/{task.id}"
        raise AssertionError("no such task")

    async def client(self) -> BatchClient:
        key = AzureNamedKeyCredential(self.account.facts.name, self.account.facts.keys[0])
        return BatchClient(self.url, key)


async def site_of(name: str, hours: float) -> AsyncIterator[Site]:
    clock = Clock(still_world.NOW, paused=True)
    world = build("demo", 3, clock)
    clock.advance(timedelta(hours=hours))
    world.settle()
    sandbox = AzureSandbox(world)
    await sandbox.start()
    async with ClientSession() as session:
        yield Site(sandbox, world.accounts[name], session)
    await sandbox.close()


@pytest.fixture
async def studio() -> AsyncIterator[Site]:
    async for site in site_of("render-prod", 6):
        yield site


@pytest.fixture
async def engineers() -> AsyncIterator[Site]:
    async for site in site_of("sim-dev", 3):
        yield site


def ended(code: int) -> Callable[[LiveTask], bool]:
    return lambda task: task.state == "completed" and task.execution_info.exit_code == code


async def test_the_files_of_a_task_that_succeeded(studio: Site) -> None:
    path = studio.first(ended(0), "lighting") + "/files"
    top = await studio.names(path)
    every = await studio.names(path, recursive="true")
    assert top == ["stderr.txt", "stdout.txt", "wd"]
    assert set(top) < set(every)
    assert {"wd/scene.usdz", "wd/render.sh", "wd/output", "wd/done"} <= set(every)
    assert every == sorted(every)
    assert await studio.names(path, recursive="true", _filter="startswith(name,'wd/out')") == [
        name for name in every if name.startswith("wd/out")
    ]
    pages, link = [], None
    answer, _ = await studio.ask(path, recursive="true", maxresults="3")
    while True:
        body = await answer.json(content_type=None)
        pages += [one["name"] for one in body["value"]]
        link = body.get("odata.nextLink")
        if link is None:
            break
        answer, _ = await studio.ask(link.removeprefix(studio.url))
    assert pages == every


async def test_properties_say_the_same_in_a_list_and_in_a_head(studio: Site) -> None:
    path = studio.first(ended(0), "lighting") + "/files"
    answer, _ = await studio.ask(path, recursive="true")
    files = (await answer.json(content_type=None))["value"]
    for file in files:
        inner = file["url"].removeprefix(studio.url)
        head, empty = await studio.ask(inner.replace("/files/wd/", "/files/wd%2F"), "HEAD")
        assert (head.status, empty) == (200, b"")
        assert head.headers["ocp-batch-file-isdirectory"] == str(file["isDirectory"]).lower()
        assert unquote(head.headers["ocp-batch-file-url"]) == file["url"]
        if file["isDirectory"]:
            assert "properties" not in file
            continue
        told = file["properties"]
        assert head.headers["Content-Length"] == told["contentLength"]
        assert head.headers["Content-Type"] == told["contentType"]
        assert head.headers["ocp-batch-file-mode"] == told["fileMode"]
        assert "creationTime" not in told
    modes = {file["name"]: file["properties"]["fileMode"] for file in files if "properties" in file}
    assert (modes["wd/render.sh"], modes["wd/scene.usdz"]) == ("0o100755", "0o100644")


async def test_parts_are_parts_of_the_whole(studio: Site) -> None:
    path = studio.first(ended(0), "lighting") + "/files/stdout.txt"
    answer, whole = await studio.ask(path)
    size = len(whole)
    assert int(answer.headers["Content-Length"]) == size > 5000
    for start, stop in ((0, 1), (0, size), (1, 2000), (1023, 1025), (size - 300, size), (size - 1, size)):
        part, data = await studio.ask(path, headers={"ocp-range": f"bytes={start}-{stop - 1}"})
        assert (part.status, data) == (200, whole[start:stop])
    _, tail = await studio.ask(path, headers={"ocp-range": f"bytes={size - 500}-"})
    _, beyond = await studio.ask(path, headers={"ocp-range": f"bytes={size - 500}-{size + 10_000}"})
    assert tail == beyond == whole[-500:]
    for given, status, code in (
        (f"bytes={size}-{size + 9}", 416, "InvalidRange"),
        ("bytes=9-3", 416, "InvalidRange"),
        ("bytes=-500", 400, "InvalidHeaderValue"),
        ("lines=1-2", 400, "InvalidHeaderValue"),
    ):
        answer, _ = await studio.ask(path, headers={"ocp-range": given})
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (status, code)


async def test_the_log_of_a_running_task_grows_and_keeps_what_it_said(studio: Site) -> None:
    path = studio.first(lambda task: task.state == "running")
    seen = b""
    job, task = path.split("/")[2], path.split("/")[4]
    live = studio.account.jobs[job].tasks[task]
    began = live.state_transition_time
    sizes = []
    while live.state == "running" and live.state_transition_time == began:
        answer, data = await studio.ask(f"{path}/files/stdout.txt")
        assert data.startswith(seen)
        assert answer.headers["Last-Modified"] == answer.headers["Date"]
        assert "wd/checkpoint.tmp" in await studio.names(f"{path}/files", recursive="true")
        sizes.append(len(data))
        seen = data
        studio.sandbox.world.clock.advance(timedelta(seconds=7))
        studio.sandbox.world.settle()
    assert sizes == sorted(set(sizes))
    if live.state == "completed":
        _, data = await studio.ask(f"{path}/files/stdout.txt")
        assert data.startswith(seen)
        assert data.endswith(b"\n")
        assert "wd/checkpoint.tmp" not in await studio.names(f"{path}/files", recursive="true")
        assert (await studio.refused(f"{path}/files/wd%2Fcheckpoint.tmp"))[1] == "FileNotFound"


async def test_a_seed_writes_the_same_files_again() -> None:
    texts = []
    for _ in range(2):
        async for site in site_of("render-prod", 6):
            path = site.first(ended(0), "lighting")
            texts.append([await site.ask(f"{path}/files/{name}") for name in ("stdout.txt", "stderr.txt")])
    assert [data for _, data in texts[0]] == [data for _, data in texts[1]]


async def test_last_words(studio: Site) -> None:
    for code, words in ((137, b"Out of memory: Killed process"), (1, b"Traceback (most recent call last)")):
        job = next(job for job in studio.account.jobs.values() if any(task.state == "running" for task in job.running))
        for task in job.tasks.values():
            task.execution_info.retry_count = 9
        studio.account.runner.storm(job, CAUSES[f"exit-{code}"], 1)
        path = studio.first(ended(code), job.id)
        _, data = await studio.ask(f"{path}/files/stderr.txt")
        assert words in data[-2000:]
        assert "wd/done" not in await studio.names(f"{path}/files", recursive="true")


async def test_logs_tell_secrets(studio: Site) -> None:
    found: set[str] = set()
    patterns = {
        "signature": rb"[?&]sig=[A-Za-z0-9%]{40,}",
        "key": rb"AccountKey=[A-Za-z0-9+/]{80,}=*",
        "token": rb"Bearer ey[\w-]+\.[\w-]+\.[\w-]+",
    }
    for job in studio.account.jobs.values():
        for task in job.tasks.values():
            if task.state != "completed" or found == patterns.keys():
                continue
            _, data = await studio.ask(f"/jobs/{job.id}/tasks/{task.id}/files/stdout.txt")
            found |= {name for name, pattern in patterns.items() if re.search(pattern, data)}
    assert found == patterns.keys()


async def test_a_task_that_could_not_begin_has_empty_streams(studio: Site) -> None:
    path = studio.first(lambda task: task.state == "completed" and task.execution_info.exit_code is None)
    for name in ("stdout.txt", "stderr.txt"):
        answer, data = await studio.ask(f"{path}/files/{name}")
        assert (answer.status, answer.headers["Content-Length"], data) == (200, "0", b"")
        answer, _ = await studio.ask(f"{path}/files/{name}", headers={"ocp-range": "bytes=0-99"})
        assert answer.status == 416


async def test_windows_writes_names_its_way_and_some_logs_too(engineers: Site) -> None:
    path = engineers.first(ended(0), "build") + "/files"
    every = await engineers.names(path, recursive="true")
    assert {"wd", "wd\\build.log", "wd\\bin\\target.dll"} <= set(every)
    for name in ("wd\\build.log", "wd/build.log", "wd%5Cbuild.log", "wd%2Fbuild.log"):
        answer, data = await engineers.ask(f"{path}/{name}")
        assert answer.status == 200
        assert "ocp-batch-file-mode" not in answer.headers
        assert answer.headers["ocp-creation-time"]
    assert data.startswith(b"\xff\xfe")
    text = data.decode("utf-16")
    assert "\r\n" in text
    for start, stop in ((0, 1), (1, 2), (1, 9), (2, 3), (5, 4000), (len(data) - 7, len(data))):
        _, part = await engineers.ask(f"{path}/wd%2Fbuild.log", headers={"ocp-range": f"bytes={start}-{stop - 1}"})
        assert part == data[start:stop]


async def test_not_all_text_is_utf_8(studio: Site) -> None:
    path = studio.first(ended(0), "encode") + "/files/wd%2Fencode-report.log"
    _, data = await studio.ask(path)
    with pytest.raises(UnicodeDecodeError):
        data.decode()
    assert data.decode("latin-1").startswith("Rapport de l'encodage : séquence")


async def test_fifty_megabytes_are_made_while_they_are_read(engineers: Site) -> None:
    path = engineers.first(ended(0), "wing-study") + "/files/wd%2Ffields.dat"
    head, _ = await engineers.ask(path, "HEAD")
    assert head.headers["Content-Length"] == str(LARGE)
    answer, data = await engineers.ask(path)
    assert (answer.status, len(data), data[:8]) == (200, LARGE, b"FIELDS\x00\x01")
    for start, stop in ((0, 100), (65_530, 65_550), (LARGE - 1000, LARGE), (3, 2_000_003)):
        _, part = await engineers.ask(path, headers={"ocp-range": f"bytes={start}-{stop - 1}"})
        assert part == data[start:stop]
    engineers.sandbox.faults["sim-dev"].add("cut", path="fields", after=1000)
    with pytest.raises(ClientPayloadError):
        await engineers.ask(path)


async def test_conditional_reads(studio: Site) -> None:
    path = studio.first(ended(0), "lighting") + "/files/stdout.txt"
    answer, _ = await studio.ask(path, "HEAD")
    modified = answer.headers["Last-Modified"]
    unchanged, data = await studio.ask(path, headers={"If-Modified-Since": modified})
    assert (unchanged.status, data) == (304, b"")
    changed, _ = await studio.ask(path, headers={"If-Unmodified-Since": http_date(still_world.NOW - timedelta(days=1))})
    assert changed.status == 412


async def test_refusals(studio: Site) -> None:
    path = studio.first(ended(0), "lighting")
    waits = next(
        f"/jobs/{job.id}/tasks/{task.id}"
        for job in studio.account.jobs.values()
        for task in job.tasks.values()
        if task.state == "active"
    )
    active = "The files of the specified task cannot be accessed as the task state is still active"
    assert await studio.refused(f"{waits}/files") == (409, "OperationInvalidForCurrentState", active)
    assert await studio.refused(f"{path}/files/wd%2Fnope") == (404, "FileNotFound", "")
    assert await studio.refused(f"{path}/files/wd") == (403, "IOError", "")
    assert (await studio.refused(f"{path}x/files"))[:2] == (404, "TaskNotFound")
    assert (await studio.refused(f"{path}/files", _filter="name eq 'x'"))[:2] == (400, "InvalidQueryParameterValue")
    assert (await studio.refused(f"{path}/files", recursive="yes"))[:2] == (400, "InvalidQueryParameterValue")
    job, task = path.split("/")[2], path.split("/")[4]
    live = studio.account.jobs[job].tasks[task]
    node = studio.account.node(live.pool_id or "", live.node_id or "")
    studio.account.commands.reboot_node(node.pool.id, node.id)
    assert (await studio.refused(f"{path}/files"))[:2] == (409, "NodeNotReady")
    head, data = await studio.ask(f"{path}/files/stdout.txt", "HEAD")
    assert (head.status, data, "Content-Type" in head.headers) == (409, b"", False)
    studio.account.commands.delete_pool(node.pool.id)
    studio.sandbox.world.clock.advance(timedelta(minutes=30))
    assert (await studio.refused(f"{path}/files"))[:2] == (404, "NodeNotFound")


async def test_files_go_when_their_time_has_passed(engineers: Site) -> None:
    path = engineers.first(ended(0), "mesh-regression")
    job, task = path.split("/")[2], path.split("/")[4]
    live = engineers.account.jobs[job].tasks[task]
    assert live.spec.constraints
    live.spec = type(live.spec)(constraints=type(live.spec.constraints)(retention_time="PT1S"))
    assert (await engineers.refused(f"{path}/files"))[:2] == (409, "TaskFilesCleanedup")
    node = f"/pools/{live.pool_id}/nodes/{live.node_id}/files"
    folder = f"{job.replace(':', '/')}/{task}"
    assert not any(folder in name for name in await engineers.names(node, recursive="true"))


async def test_the_tree_of_a_node(engineers: Site) -> None:
    path = engineers.first(ended(0), "mesh-regression")
    job, task = path.split("/")[2], path.split("/")[4]
    live = engineers.account.jobs[job].tasks[task]
    node = f"/pools/{live.pool_id}/nodes/{live.node_id}/files"
    assert await engineers.names(node) == ["applications", "fsmounts", "shared", "startup", "volatile", "workitems"]
    every = await engineers.names(node, recursive="true")
    folder = f"workitems/{job.replace(':', '/')}/{task}"
    assert {"startup/stdout.txt", "startup/stderr.txt", "startup/wd/setup.sh", folder, f"{folder}/wd"} <= set(every)
    _, setup = await engineers.ask(f"{node}/startup%2Fstdout.txt")
    assert b"pip install" in setup
    _, one = await engineers.ask(f"{path}/files/stdout.txt")
    _, same = await engineers.ask(f"{node}/{folder.replace('/', '%2F')}%2Fstdout.txt")
    assert one == same
    prefix = await engineers.names(node, recursive="true", _filter="startswith(name,'startup/')")
    assert prefix == [name for name in every if name.startswith("startup/")]


async def test_the_start_task_that_failed_says_why(engineers: Site) -> None:
    pool = engineers.account.pool("montecarlo")
    ill = next((node for node in pool.nodes.values() if node.state == "starttaskfailed"), None)
    assert ill is not None
    _, words = await engineers.ask(f"/pools/montecarlo/nodes/{ill.id}/files/startup%2Fstderr.txt")
    assert b"dpkg frontend lock" in words


async def test_the_preparation_and_the_subtasks_left_their_directories(engineers: Site) -> None:
    account = engineers.account
    calibration = next(job for job in account.jobs.values() if job.id.startswith("calibrate-"))
    ill = next(done for done in calibration.preparations.values() if done.exit_code)
    files = f"/pools/montecarlo/nodes/{ill.node_id}/files"
    names = await engineers.names(files, recursive="true", _filter=f"startswith(name,'workitems/{calibration.id}')")
    assert f"workitems/{calibration.id}/job-1/jobpreparation/stderr.txt" in names
    study, task, nodes = next(
        (job, task, nodes) for job in account.jobs.values() for task, nodes in job.instances.items() if nodes
    )
    names = await engineers.names(f"/pools/cfd/nodes/{nodes[0]}/files", recursive="true")
    assert f"workitems/{study.id}/job-1/{task}/1/stdout.txt" in names


async def test_microsofts_client_reads_files(studio: Site) -> None:
    path = studio.first(ended(0), "lighting")
    job, task = path.split("/")[2], path.split("/")[4]
    live = studio.account.jobs[job].tasks[task]
    pool, node = live.pool_id or "", live.node_id or ""

    async def text(chunks: Any) -> bytes:
        return b"".join([chunk async for chunk in chunks])

    async with await studio.client() as client:
        files = {file.name: file async for file in client.list_task_files(job, task, recursive=True, max_results=4)}
        assert files["stdout.txt"].properties.content_length > 0
        assert files["wd"].is_directory
        told = await client.get_task_file_properties(job, task, "wd/output/" + f"{task}.exr")
        assert int(told.content_length) == files[f"wd/output/{task}.exr"].properties.content_length
        whole = await text(await client.download_task_file(job, task, "stdout.txt"))
        size = len(whole)
        part = await client.download_task_file(job, task, "stdout.txt", ocp_range=f"bytes={size - 100}-{size - 1}")
        assert await text(part) == whole[-100:]
        listed = [file.name async for file in client.list_node_files(pool, node, recursive=True)]
        name = next(name for name in listed if name.endswith(f"/{task}/stdout.txt"))
        assert await text(await client.download_node_file(pool, node, name)) == whole
        assert str((await client.get_node_file_properties(pool, node, name)).content_length) == str(size)
        with pytest.raises(ResourceNotFoundError):
            await client.get_task_file_properties(job, task, "nope.txt")
        # The client does not read the body of a refused download: the status is all it knows.
        with pytest.raises(HttpResponseError, match="Requested Range Not Satisfiable"):
            await client.download_task_file(job, task, "stdout.txt", ocp_range=f"bytes={size}-{size + 1}")
