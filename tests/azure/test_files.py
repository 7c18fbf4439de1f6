"""Files over the wire: what is asked for, how many bytes come, and what is said when there are none."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import web

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.files import MOST_NAMES, PIECE, Files, tail
from tests.azure.service import Service, error, say


class Disk:
    """One file behind HTTP, as the service serves it; counts the bytes it hands out."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.sent = 0
        self.ranges: list[tuple[int, int]] = []
        self.ignores_ranges = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {"Last-Modified": "Mon, 23 Nov 2026 06:00:00 GMT", "ocp-batch-file-isdirectory": "false"}
        if request.method == "HEAD":
            return web.Response(headers={**headers, "Content-Length": str(len(self.content))})
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers["ocp-range"])
        assert found
        start, stop = int(found[1]), int(found[2]) + 1
        if start >= len(self.content):
            return web.json_response(error("InvalidRange"), status=416)
        self.ranges.append((start, stop))
        body = self.content if self.ignores_ranges else self.content[start:stop]
        self.sent += len(body)
        return web.Response(body=body, headers=headers)


@pytest.fixture
def disk(service: Service) -> Disk:
    disk = Disk()
    service.answers = [disk.answer]
    return disk


@pytest.fixture
def files(account: Account) -> Files:
    return account.files(account.task("nightly:job-12", "it's a/b"))


LINE = b"2026-11-23 06:00:00 rendering frame\n"


async def test_the_end_of_fifty_megabytes_costs_a_few_kilobytes(files: Files, disk: Disk) -> None:
    disk.content = LINE * (50_000_000 // len(LINE))
    end = await tail(files, "stdout.txt", 40)
    assert end.content.count(b"\n") >= 40
    assert disk.content.endswith(end.content)
    assert (disk.sent, end.end) == (8 * 1024, len(disk.content))


async def test_long_lines_are_read_up_to_64_kilobytes_and_no_byte_twice(files: Files, disk: Disk) -> None:
    disk.content = (b"x" * 3000 + b"\n") * 1000
    end = await tail(files, "stdout.txt", 40)
    assert disk.sent == len(end.content) == 64 * 1024
    assert [start for start, _ in disk.ranges] == sorted((start for start, _ in disk.ranges), reverse=True)
    assert all(later[1] == earlier[0] for earlier, later in zip(disk.ranges, disk.ranges[1:], strict=False))


async def test_a_short_file_is_read_once_and_an_empty_one_never(files: Files, disk: Disk) -> None:
    disk.content = LINE
    end = await tail(files, "stdout.txt", 40)
    assert (end.content, end.start, disk.ranges) == (LINE, 0, [(0, len(LINE))])
    disk.content, disk.ranges = b"", []
    assert (await tail(files, "stdout.txt", 40)).content == b""
    assert disk.ranges == []


async def test_what_is_new_is_read_alone(files: Files, disk: Disk) -> None:
    disk.content = LINE * 10_000
    end = await tail(files, "stdout.txt", 40)
    disk.content += b"new\n"
    disk.sent = 0
    more = await tail(files, "stdout.txt", 40, before=end)
    assert disk.sent == 4
    assert more.content.endswith(LINE + b"new\n")
    assert more.end == len(disk.content)
    assert (await tail(files, "stdout.txt", 40, before=more)).content == more.content
    assert disk.sent == 4, "nothing new, nothing read"


async def test_a_file_that_became_shorter_is_another_one(files: Files, disk: Disk) -> None:
    disk.content = LINE * 10_000
    end = await tail(files, "stdout.txt", 40)
    disk.content = b"begun anew\n"
    assert (await tail(files, "stdout.txt", 40, before=end)).content == b"begun anew\n"


async def test_a_file_cut_between_two_calls_is_no_failure(files: Files, disk: Disk, service: Service) -> None:
    disk.content = LINE

    async def shrinks(request: web.Request) -> web.StreamResponse:
        answer = await disk.answer(request)
        disk.content = b""
        return answer

    service.answers = [shrinks]
    assert (await tail(files, "stdout.txt", 40)).content == b""


async def test_a_service_that_ignores_the_range_is_not_read_to_its_end(files: Files, disk: Disk) -> None:
    disk.content, disk.ignores_ranges = LINE * 100_000, True
    with pytest.raises(AzureError, match="UnexpectedAnswer"):
        await tail(files, "stdout.txt", 40)


async def test_a_whole_file_comes_in_pieces(files: Files, disk: Disk) -> None:
    disk.content = bytes(range(256)) * (PIECE // 200)
    assert await files.whole("wd/out.bin", len(disk.content)) == disk.content
    assert [stop - start for start, stop in disk.ranges] == [PIECE, len(disk.content) - PIECE]


async def test_names_are_encoded_whole(files: Files, disk: Disk, service: Service) -> None:
    disk.content = b"x"
    await files.read("wd/new folder/100 %\\.txt", 0, 1)
    assert service.paths == ["/jobs/nightly:job-12/tasks/it's%20a%2Fb/files/wd%2Fnew%20folder%2F100%20%25%5C.txt?"]


@pytest.mark.parametrize(("windows", "name"), [(True, "wd/build.log"), (False, "wd\\build.log")])
async def test_a_backslash_parts_folders_on_windows_alone(files: Files, *, windows: bool, name: str) -> None:
    asked = 0

    async def on_windows() -> bool:
        nonlocal asked
        asked += 1
        return windows

    files = Files(files._plane, "/jobs/j/tasks/t", on_windows)
    assert await files.path("wd/build.log/") == "wd/build.log"
    assert asked == 0
    assert [await files.path("wd\\build.log") for _ in range(2)] == [name, name]
    assert asked == 1


@pytest.mark.parametrize("name", ["", "/", "..", "wd/../../x", "./x"])
async def test_what_is_no_name_is_not_asked_for(files: Files, service: Service, name: str) -> None:
    with pytest.raises(AzureError, match="FileNotFound"):
        await files.read(name, 0, 1)
    assert service.asked == []


async def test_head_says_what_is_missing(files: Files, service: Service) -> None:
    async def missing(request: web.Request) -> web.StreamResponse:
        body: Any = None if request.method == "HEAD" else error("TaskNotFound")
        return web.Response(status=404) if body is None else web.json_response(body, status=404)

    service.answers = [missing]
    with pytest.raises(AzureError) as raised:
        await files.head("stdout.txt")
    assert raised.value.code == "TaskNotFound"


async def test_a_folder_is_no_file(files: Files, service: Service) -> None:
    async def folder(_: web.Request) -> web.StreamResponse:
        return web.Response(headers={"ocp-batch-file-isdirectory": "True"})

    service.answers = [folder]
    with pytest.raises(AzureError, match="IsDirectory"):
        await files.head("wd")


def listed(*names: str, link: str = "") -> dict[str, Any]:
    """A page of a list; names that end with a slash are folders."""
    value = [
        {"name": name.rstrip("/\\"), "url": "https://x", "isDirectory": True}
        if name[-1] in "/\\"
        else {"name": name, "isDirectory": False, "properties": {"contentLength": "12", "contentType": "text/plain"}}
        for name in names
    ]
    return {"value": value, **({"odata.nextLink": link} if link else {})}


async def test_the_top_is_listed_with_its_folders_first(files: Files, service: Service) -> None:
    service.answers = [say(listed("stderr.txt", "Wd/", "stdout.txt", "a/"))]
    found = await files.names()
    assert [file.name for file in found.files] == ["a", "Wd", "stderr.txt", "stdout.txt"]
    assert [file.size for file in found.files] == [None, None, 12, 12]
    assert service.paths == ["/jobs/nightly:job-12/tasks/it's%20a%2Fb/files?"]


@pytest.mark.parametrize("slash", ["/", "\\"])
async def test_a_folder_is_listed_whichever_way_its_slashes_lean(files: Files, service: Service, slash: str) -> None:
    names = ["wd/", "wd/a.txt", "wd/out/", "wd/out/b.txt", "wd2/", "wd2/c.txt"]
    page = listed(*(name.replace("/", slash) for name in names))
    page["value"][1]["properties"]["creationTime" if slash == "\\" else "fileMode"] = (
        "2026-11-23T06:00:00Z" if slash == "\\" else "0o100644"
    )
    service.answers = [say(page)]
    assert [file.name for file in (await files.names("wd")).files] == ["wd/out", "wd/a.txt"]
    below = [file.name for file in (await files.names("wd/", recursive=True)).files]
    assert below == ["wd/a.txt", "wd/out", "wd/out/b.txt"]
    asked = service.asked[0].query
    assert (asked["recursive"], asked["$filter"]) == ("true", "startswith(name,'wd')")


async def test_a_backslash_is_a_letter_on_linux(files: Files, service: Service) -> None:
    page = listed("wd/", "wd/report\\2026.txt", "top\\file")
    page["value"][1]["properties"]["fileMode"] = "0o100644"
    service.answers = [say(page)]
    assert [file.name for file in (await files.names("wd")).files] == ["wd/report\\2026.txt"]
    assert [file.name for file in (await files.names()).files] == ["wd", "top\\file"]


async def test_endless_lists_end(files: Files, service: Service) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        after = str(int(request.query.get("$skiptoken", "0")) + 1)
        link = str(request.url.update_query({"$skiptoken": after}))
        return web.json_response(listed(*(f"f{number}" for number in range(1000)), link=link))

    service.answers = [page]
    found = await files.names()
    assert (len(found.files), found.more, len(service.asked)) == (MOST_NAMES, True, MOST_NAMES // 1000)
