"""The short lists: one language to filter them, an order, and all of what fits as a file."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast, get_args, get_type_hints

import pytest

from bot.filter import FILE, SHORT, Entity, conditional, parse
from cards.card import Attachment, Card, Menu, Table, plain
from handlers.account import list as account_list
from handlers.file import list as file
from handlers.inventory import application, certificate, image, size
from handlers.job import preparation
from handlers.schedule import list as schedule
from handlers.shared.filtering import Found, ListStatus, PageStart, ReadStatus, Step
from handlers.shared.listing import Listing
from handlers.task import subtasks
from tests.commands import every_command
from tests.golden import check
from tests.handlers.conftest import START, Scene, nobody
from tests.handlers.test_cards import still
from tests.handlers.test_files import buttons, finished

LISTS = [
    (application.list_applications, application._LIST),
    (certificate.list_certificates, certificate._LIST),
    (image.list_images, image._LIST),
    (size.list_sizes, size._LIST),
    (subtasks.list_subtasks, subtasks._LIST),
    (preparation.list_preparations, preparation._LIST),
    (account_list.list_accounts, account_list._LIST),
    (file.list_task_files, file._OF_TASK),
    (file.list_node_files, file._OF_NODE),
]


def column(card: Card, number: int = 0) -> list[str]:
    found = [block for block in card.blocks if isinstance(block, Table)]
    return [plain(row.cells[number]) for table in found for row in table.rows]


def told(card: Card) -> str:
    return " ".join([plain(card.title), *(plain(block.text) for block in card.blocks if hasattr(block, "text"))])


def content(card: Card) -> list[list[str]]:
    """The rows of an attached CSV without its head."""
    block = next(block for block in card.blocks if isinstance(block, Attachment))
    return [line.split(",") for line in block.content.decode("utf-8-sig").splitlines()][1:]


@pytest.mark.parametrize(("handler", "listing"), LISTS, ids=[each.path for _, each in LISTS])
def test_what_a_list_is_sorted_by_is_what_its_command_takes(handler: object, listing: Listing[object]) -> None:
    hints = get_type_hints(handler)
    assert get_args(hints["sort"]) == tuple(listing.orders)
    registry = every_command()
    taken = {each.name: each for each in registry.commands[listing.file].parameters}
    assert taken["sort"].choices == tuple(listing.orders)
    names = [each.name for each in registry.commands[listing.path].parameters if each.positional]
    assert [each.name for each in registry.commands[listing.file].parameters if each.positional] == names


async def test_the_orders_of_schedules(scene: Scene) -> None:
    orders = schedule._schedules(next(iter(scene.accounts)).now()).orders
    assert tuple(orders) == get_args(schedule.ScheduleSort)
    for way in orders:
        card = await scene.ask(f"schedule list sort:{way}")
        assert sorted(column(card)) == sorted(column(await scene.ask("schedule list")))
    names = column(await scene.ask("schedule list sort:name"))
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("typed", "words", "first"),
    [
        ("application list pools>0 sort:pools", "pools > 0", ["renderer"]),
        ("application list version:4.*", "version 4.*", ["renderer"]),
        ("application list colour", "name contains colour", ["colour-transforms"]),
        ("certificate list deletefailed", "delete failed", None),
        ("certificate list -state:active sort:name", "not active", None),
        ("image list os:windows name~2022", "system windows · name contains 2022", None),
        ("image list mine:yes sort:name", "used by your pools", None),
        ("image list ubuntu verified", "name contains ubuntu · verified", None),
        ("size list nc gpu:yes sort:memory", "with GPUs · name contains nc", None),
        ("size list cores:16,32 memory>=64 room>0", "cores 16 or 32 · memory in GB >= 64 · nodes there is", None),
        ("size list --cores 4 sort:price", "cores 4", None),
        ("size list price<0.35", "price an hour < 0.35", None),
        ("account list region:west*", "region west*", ["sim-dev"]),
        ("account list nodes>0 sort:name", "nodes > 0", ["render-prod", "sim-dev"]),
        ("schedule list name~thumb sort:next", "name contains thumb", ["thumbnails"]),
        ("schedule jobs thumbnails completed sort:name", "completed", None),
    ],
)
async def test_a_list_is_filtered_and_its_file_has_the_same_rows(
    scene: Scene, typed: str, words: str, first: list[str] | None
) -> None:
    card = await scene.ask(typed)
    assert not card.refused
    assert words in plain(card.title)
    assert column(card)
    if first is not None:
        assert column(card)[: len(first)] == first
    again = await scene.ask(buttons(card)["Refresh"].command)
    assert column(again) == column(card)
    whole = await scene.ask(buttons(card)["CSV"].command)
    assert not whole.refused
    assert len(content(whole)) >= len(column(card))
    if len(column(card)) < 20:
        assert len(content(whole)) == len(column(card))
    back = await scene.ask(buttons(whole)["Show the list"].command)
    assert sorted(column(back)) == sorted(column(card))
    everything = await scene.ask(buttons(card)["Without filter"].command)
    assert len(column(everything)) >= len(column(card))
    assert words not in plain(everything.title)


@pytest.mark.parametrize(
    ("typed", "said", "offered"),
    [
        ("application list pols>0", "There is no field “pols”", "application list 'pools>0'"),
        ("csv application pols>0", "There is no field “pols”", "csv application 'pools>0'"),
        ("csv file j t . size>huge", "a number of bytes", "csv file j t . 'size>1MB'"),
        ("certificate list state:actve", "“actve” is no state of a certificate", "certificate list state:active"),
        ("image list until>soon", "not what “until” takes: a moment", "image list until:today"),
        ("size list price:dear", "not what “price” takes: a number such as 16 or 0.35", "size list 'price>1'"),
        ("account list nodes:many", "not what “nodes” takes: a whole number", "account list 'nodes>0'"),
        ("subtask list j t exit:x", "not what “exit” takes", "subtask list j t 'exit>0'"),
        ("preparation list j faild:yes", "There is no field “faild”", "preparation list j failed:yes"),
        ("file list j t . size>huge", "a number of bytes such as 1500, 20MB", "file list j t . 'size>1MB'"),
        ("schedule jobs nightly faild>0", "There is no field “faild”", "schedule jobs nightly 'failed>0'"),
    ],
)
async def test_what_is_not_understood_is_answered_with_what_there_is(
    scene: Scene, typed: str, said: str, offered: str
) -> None:
    card = await scene.ask(typed)
    assert card.refused
    assert said in plain(card.title)
    near = [each.command for each in buttons(card).values()]
    assert any(each.removesuffix(" account:render-prod") == offered for each in near)


async def test_the_filter_of_a_list_is_edited_in_its_form(scene: Scene) -> None:
    card = await scene.ask("image list os:linux ubuntu sort:support")
    button = buttons(card)["Filter…"]
    assert button.how == "form"
    form = await scene.dispatcher.form(button.command, nobody())
    filled = {each.name: each.value for each in form.fields if each.value}  # type: ignore[union-attr]
    assert filled == {
        "filter": "name~ubuntu",
        "os": "linux",
        "sort": "support",
        "account": "render-prod",
    }


async def test_files_are_filtered_sorted_and_told(scene: Scene) -> None:
    job, task = finished(scene)
    tree = column(await scene.ask(f"file list {job} {task} recursive"))
    assert tree.index("wd/") < tree.index("wd/output/") < tree.index("stdout.txt"), "a folder before what is below it"
    texts = await scene.ask(f"file list {job} {task} *.txt size>0 recursive sort:size")
    assert set(column(texts)) == {"stdout.txt", "stderr.txt"} & set(column(texts))
    assert "name *.txt · size > 0 bytes" in plain(texts.title)
    check("command-file-list-filtered", still(texts, scene))
    form = await scene.dispatcher.form(buttons(texts)["Filter…"].command, nobody())
    filled = {each.name: each.value for each in form.fields if each.value}  # type: ignore[union-attr]
    assert filled["folder"] == "."
    assert filled["filter"] == "name:*.txt size>0"
    inside = await scene.ask(f"file list {job} {task} wd directory")
    assert all(name.endswith("/") for name in column(inside))
    nothing = await scene.ask(f"file list {job} {task} . size>1TB")
    assert "No file fits: size > 1.0 TB." in told(nothing)
    whole = await scene.ask(f"csv file {job} {task} . -directory recursive")
    assert {row[3] for row in content(whole)} == {"no"}
    menu = next(item for block in texts.blocks for item in getattr(block, "items", ()) if isinstance(item, Menu))
    assert menu.options


@pytest.mark.parametrize(
    ("word", "is_one"),
    [("wd", False), ("wd/output", False), ("size>1MB", True), ("*.png", True), ("-name~x", True), ("a:b", False),
     ("", False), ("written:2h", True)],
)  # fmt: skip
def test_a_folder_is_told_from_a_condition(word: str, is_one: bool) -> None:
    assert conditional(word, FILE) is is_one


@pytest.mark.parametrize(
    ("typed", "bytes_"), [("1500", 1500), ("20MB", 20_000_000), ("1.5 gb", 1_500_000_000), ("3k", 3000), ("7B", 7)]
)
def test_sizes_of_files(typed: str, bytes_: int) -> None:
    (condition,) = parse([f"size>={typed}"], FILE).conditions
    assert condition.values == (bytes_,)
    assert parse([str(condition)], FILE).conditions == (condition,)


@pytest.mark.parametrize("entity", SHORT, ids=lambda entity: entity.name)
def test_the_service_is_asked_for_nothing_of_a_short_list(entity: Entity) -> None:
    assert not any(each.wire or each.implies for each in entity.fields)
    assert not any(word.yes or word.no for each in entity.fields for word in each.words.values())


ORDERED_OTHERWISE = {
    "audit": "a chain, in the order of its lines, which goes on by the number of a line",
    "pin list": "ten at most, in the order of the buttons on home",
}
"""Lists that have no order of one's own, with the reason."""


def lists() -> list[str]:
    """Every command that lists something: by pages, or by its name."""
    return [
        each.path
        for each in every_command().commands.values()
        if each.path not in ORDERED_OTHERWISE
        and (
            any(parameter.name == "page" for parameter in each.parameters)
            or each.path.endswith((" list", "subscriptions", "mutes"))
            or each.path == "saved"
        )
    ]


@pytest.mark.parametrize("path", lists())
def test_every_list_has_an_order_and_a_file(path: str) -> None:
    commands = every_command().commands
    taken = {each.name: each for each in commands[path].parameters}
    assert taken["sort"].choices
    if "csv" in taken:
        return
    noun, _, verb = path.partition(" ")
    file = {each.name: each for each in commands[f"csv {noun}job" if verb == "jobs" else f"csv {noun}"].parameters}
    assert file["sort"].choices == taken["sort"].choices, "the file is in the order of the list"


@pytest.mark.parametrize(
    "path", ["pool list", "node list render-cpu", "job list", "schedule jobs thumbnails", "task list thumbnails:job-3"]
)
async def test_a_file_is_in_the_order_of_its_list(scene: Scene, path: str) -> None:
    noun = " ".join(path.split()[:2])
    taken = {each.name: each for each in every_command().commands[noun].parameters}
    seen = set()
    for way in taken["sort"].choices:
        card = await scene.ask(f"{path} sort:{way}")
        shown = column(card)
        assert shown
        seen.add(tuple(shown))
        whole = await scene.ask(buttons(card)["CSV"].command)
        rows = [row[0] for row in content(whole)]
        assert rows[: len(shown)] == shown, way
        assert column(await scene.ask(buttons(whole)["Show the list"].command)) == shown
        assert f"{way} ✓" in [
            option.text
            for block in card.blocks
            for item in getattr(block, "items", ())
            if isinstance(item, Menu) and item.label == "Sort"
            for option in item.options
        ]
    assert len(seen) > 1 or len(shown) < 3


@pytest.mark.parametrize("scene", ["performance"], indirect=True)
async def test_tasks_in_an_order_are_read_whole_and_turned(scene: Scene) -> None:
    job = "job-0002"
    names = column(await scene.ask(f"task list {job} sort:name"))
    assert names == sorted(names)
    assert len(names) == 20
    second = await scene.ask(f"task list {job} sort:name page:2")
    assert names[-1] < column(second)[0]
    assert column(await scene.ask(buttons(second)["◀ Previous"].command)) == names
    whole = [row[0] for row in content(await scene.ask(f"csv task {job} sort:name"))]
    assert whole == sorted(whole)
    last = await scene.ask(f"task list {job} sort:name page:9999")
    assert column(last)[-1] == whole[-1]
    some = await scene.ask(f"task list {job} id~7 sort:ran")
    rows = content(await scene.ask(f"csv task {job} id~7 sort:ran"))
    assert column(some) == [row[0] for row in rows][:20]


async def test_tasks_that_ran_longest_come_first(scene: Scene) -> None:
    card = await scene.ask("task list thumbnails:job-3 sort:ran")
    check("command-task-list-sorted", still(card, scene))
    whole = await scene.ask("csv task thumbnails:job-3 sort:ran")
    spans = [datetime.fromisoformat(row[9]) - datetime.fromisoformat(row[8]) for row in content(whole) if row[9]]
    assert len(spans) > 10
    assert spans == sorted(spans, reverse=True)


async def test_a_reading_that_pauses_says_that_its_order_is_not_whole(scene: Scene) -> None:
    ctx = cast(Any, SimpleNamespace(live=SimpleNamespace(id="x")))
    found: Found[str] = Found(("a",), 2_000, 2_000, 0, START, 9_000)
    for status in (ReadStatus.PAUSED, ReadStatus.STOPPED):
        shown = ListStatus(ctx, Step(found, status), PageStart(), str, arranged=True)
        assert shown.going_on is None, "nothing goes on where another reading ended"
        assert shown.progress
        assert "Only what was read is in this order" in plain(shown.progress.text)
