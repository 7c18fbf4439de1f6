"""The files of tasks and nodes: what there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.azure.errors import AzureError
from bot.azure.files import MOST_NAMES, File, steps
from bot.filter import FILE, conditional
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import actions, blocks, code, muted, note, text
from cards.card import Button, Card, Column, Mark, Menu, Option, Text, Time
from cards.formatting import file_size, number
from handlers.file import kept
from handlers.file.get import give
from handlers.file.owner import TOP, Home, spelled, unavailable
from handlers.shared.common import titled
from handlers.shared.files import Cell
from handlers.shared.filtering import Typed
from handlers.shared.listing import Asked, Listing, backwards

_COLUMNS = (Column("File", width=4), Column("Size", "right"), Column("Written", width=2, rank=1))
FileSort = Literal["name", "size", "written"]


def _by_name(file: File) -> list[tuple[bool, str]]:
    """As a tree is shown: in each folder first the folders, each with what is in it."""
    *folders, last = steps(file.name.lower()) or [""]
    return [*((False, folder) for folder in folders), (not file.is_directory, last)]


def _written(file: File) -> datetime | None:
    return file.properties.last_modified if file.properties else None


_ORDERS: Mapping[str, Callable[[File], Any]] = {
    "name": _by_name,
    "size": lambda file: (-(file.size or 0), _by_name(file)),
    "written": lambda file: (backwards(_written(file)), _by_name(file)),
}
_CELLS: Mapping[str, Callable[[File], Cell]] = {
    "file": lambda file: file.name,
    "size": lambda file: file.size,
    "written": _written,
    "folder": lambda file: "yes" if file.is_directory else "no",
}
_OF_TASK = Listing(FILE, "file list", "csv file", _ORDERS, _CELLS)
_OF_NODE = Listing(FILE, "nodefile list", "csv nodefile", _ORDERS, _CELLS)


@command(
    "file list",
    effect="read",
    examples=[
        "file list nightly:job-12 frame-0021",
        "file list nightly:job-12 frame-0021 wd/output",
        "file list nightly:job-12 frame-0021 . *.png size>1MB recursive sort:size",
    ],
)
async def list_task_files(
    ctx: Context,
    job: str,
    task: str,
    folder: Typed = "",
    *filter: Typed,  # noqa: A002 - the name that people see
    recursive: bool = False,
    sort: FileSort = "name",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the files of a task with size and time of last change.

    :param job: the job's id
    :param task: the task's id
    :param folder: the folder to list, such as wd; the top is . or nothing
    :param filter: which ones, such as *.png size>1MB written:2h -directory
    :param recursive: list what is in the folders below, too
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    home = Home(ctx, ctx.account(account), "task", job, task)
    return await _list(await _Wanted.of(_OF_TASK, home, folder, filter, recursive=recursive, sort=sort, page=page))


@command(
    "nodefile list",
    effect="read",
    examples=["nodefile list gpu-a tvmps_1f_d startup", "nodefile list gpu-a tvmps_1f_d size>1GB"],
)
async def list_node_files(
    ctx: Context,
    pool: str,
    node: str,
    folder: Typed = "",
    *filter: Typed,  # noqa: A002 - the name that people see
    recursive: bool = False,
    sort: FileSort = "name",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the files of a node: of its start task and of the tasks that ran on it.

    :param pool: the pool's id
    :param node: the node's id
    :param folder: the folder to list, such as startup; the top is . or nothing
    :param filter: which ones, such as *.log size>1MB written:2h -directory
    :param recursive: list what is in the folders below, too
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    home = Home(ctx, ctx.account(account), "node", pool, node)
    return await _list(await _Wanted.of(_OF_NODE, home, folder, filter, recursive=recursive, sort=sort, page=page))


@command("csv file", effect="read", examples=["csv file nightly:job-12 frame-0021 . recursive"])
async def csv_task_files(
    ctx: Context,
    job: str,
    task: str,
    folder: Typed = "",
    *filter: Typed,  # noqa: A002 - the name that people see
    recursive: bool = False,
    sort: FileSort = "name",
    account: str | None = None,
) -> Card:
    """Export the list of a task's files as a CSV file, all or those that match a filter.

    :param job: the job's id
    :param task: the task's id
    :param folder: the folder to list, such as wd; the top is . or nothing
    :param filter: which ones, as in file list
    :param recursive: list what is in the folders below, too
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    home = Home(ctx, ctx.account(account), "task", job, task)
    return await _as_file(await _Wanted.of(_OF_TASK, home, folder, filter, recursive=recursive, sort=sort, whole=True))


@command("csv nodefile", effect="read", examples=["csv nodefile gpu-a tvmps_1f_d startup"])
async def csv_node_files(
    ctx: Context,
    pool: str,
    node: str,
    folder: Typed = "",
    *filter: Typed,  # noqa: A002 - the name that people see
    recursive: bool = False,
    sort: FileSort = "name",
    account: str | None = None,
) -> Card:
    """Export the list of a node's files as a CSV file, all or those that match a filter.

    :param pool: the pool's id
    :param node: the node's id
    :param folder: the folder to list, such as startup; the top is . or nothing
    :param filter: which ones, as in nodefile list
    :param recursive: list what is in the folders below, too
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    home = Home(ctx, ctx.account(account), "node", pool, node)
    return await _as_file(await _Wanted.of(_OF_NODE, home, folder, filter, recursive=recursive, sort=sort, whole=True))


@dataclass(frozen=True)
class _Wanted:
    """Which files of whom: ``folder`` without slashes at its ends, empty for the top."""

    home: Home
    folder: str
    asked: Asked[File]
    recursive: bool

    @classmethod
    async def of(
        cls,
        listing: Listing[File],
        home: Home,
        folder: str,
        typed: Sequence[str],
        *,
        recursive: bool,
        sort: str,
        page: int = 1,
        whole: bool = False,
    ) -> _Wanted:
        """What was typed; what stands in place of a folder and is a condition belongs to the filter."""
        if conditional(folder, FILE):
            folder, typed = "", (folder, *typed)
        with suppress(AzureError):  # whose files there are none of says so when they are listed
            folder = await home.files.path(folder)
        folder = "/".join(step for step in steps(folder) if step != TOP)
        names = (home.outer, home.name, *([spelled(folder) or TOP] if folder or typed else []))
        options = {"recursive": recursive}
        asked = listing.asked(home.ctx, home.source, typed, *names, sort=sort, page=page, whole=whole, options=options)
        return cls(home, folder, asked, recursive)


async def _list(wanted: _Wanted) -> Card:
    home, folder, asked = wanted.home, wanted.folder, wanted.asked
    try:
        listed = await home.files.names(folder, recursive=wanted.recursive)
        if folder and not listed.files:
            await home.files.head(folder)  # raises that it is a folder, or that it is not there
            return await give(home, folder)
    except AzureError as error:
        if error.code != "IsDirectory":
            return await kept.listed(home, error) or await unavailable(home, error, folder)
    shown = asked.of(listed.files, listed.at)
    files = shown.rows
    size = sum(file.size or 0 for file in shown.fitting)
    up = folder.rpartition("/")[0]
    return Card(
        title=titled(
            text("Files of ", home.label),
            text(code(f"{folder}/")) if folder else None,
            shown.words,
            shown.extent,
            file_size(size) if size else None,
        ),
        mark=Mark.NEUTRAL,
        as_of=listed.at,
        blocks=blocks(
            shown.table(_COLUMNS, lambda file: _row(file, folder), "There is nothing in it."),
            actions(
                *shown.turning,
                _menu("Open a file", home.template("log"), [f for f in files if not f.is_directory], folder),
                _menu("Open a folder", home.template("list"), [f for f in files if f.is_directory], folder, edit=True),
                _menu("Get a file", home.template("get"), [f for f in files if f.size], folder),
                Button("Up", home.command("list", *([spelled(up)] if up else [])), how="edit") if folder else None,
                None if wanted.recursive else Button("All below", asked.command(recursive=True), how="edit"),
                Button(home.kind.capitalize(), home.command("show")),
                *shown.controls,
            ),
            note(f"The first {number(MOST_NAMES)} names; list a folder to see the others.") if listed.more else None,
        ),
    )


async def _as_file(wanted: _Wanted) -> Card:
    home = wanted.home
    try:
        listed = await home.files.names(wanted.folder, recursive=wanted.recursive)
    except AzureError as error:
        return await unavailable(home, error, wanted.folder)
    where = f"{home.kind} {home.name}" + (f" {wanted.folder}" if wanted.folder else "")
    return await wanted.asked.as_file(listed.files, listed.at, where)


def _row(file: File, folder: str) -> list[Text]:
    name = _below(file, folder) + ("/" if file.is_directory else "")
    written = _written(file)
    return [
        text(code(name)),
        text(file_size(file.size)) if file.size is not None else text(muted("folder")),
        text(Time(written, "age")) if written else text(muted("–")),
    ]


def _menu(label: str, template: str, files: list[File], folder: str, *, edit: bool = False) -> Menu | None:
    options = tuple(Option(_below(file, folder), spelled(file.name) if edit else file.name) for file in files)
    return Menu(label, template, options, how="edit" if edit else "post", asks=True) if options else None


def _below(file: File, folder: str) -> str:
    """Its name as seen from the folder."""
    return "/".join(steps(file.name)[len(steps(folder)) :])
