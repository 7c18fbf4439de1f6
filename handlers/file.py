"""The files of tasks and nodes: what there is, and one of them as a file."""

from __future__ import annotations

import asyncio
import mimetypes
import re

from bot.azure.errors import AzureError
from bot.azure.files import MOST_NAMES, File
from bot.commands import command
from bot.context import Context
from bot.redact import redact
from cards import build
from cards.build import actions, blocks, code, muted, note, text
from cards.card import Attachment, Block, Button, Card, Code, Column, Mark, Menu, Option, Text, Time, Words
from cards.limits import file_name
from cards.phrases import file_size, number
from handlers.common import titled
from handlers.file_home import Home, unavailable
from handlers.printed import decoded

MOST_BYTES = 20_000_000
"""The largest file that is relayed: a minute of a phone's line, and little enough to be held in memory."""
_COLUMNS = (Column("File", width=4), Column("Size", "right"), Column("Written", width=2, rank=1))


@command("file list", examples=["file list nightly:job-12 frame-0021", "file list nightly:job-12 frame-0021 wd/output"])
async def list_task_files(
    ctx: Context,
    job: str,
    task: str,
    folder: str = "",
    *,
    recursive: bool = False,
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the files of a task: sizes, when they were written, and the folders.

    :param job: the job's id
    :param task: the task's id
    :param folder: the folder to look into, such as wd; the top without
    :param recursive: list what is in the folders below, too
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    return await _list(Home(ctx, ctx.account(account), "task", job, task), folder, recursive=recursive, page=page)


@command("nodefile list", examples=["nodefile list gpu-a tvmps_1f_d startup"])
async def list_node_files(
    ctx: Context,
    pool: str,
    node: str,
    folder: str = "",
    *,
    recursive: bool = False,
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the files of a node: its start task's, and those of the tasks that ran on it.

    :param pool: the pool's id
    :param node: the node's id
    :param folder: the folder to look into, such as startup; the top without
    :param recursive: list what is in the folders below, too
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    return await _list(Home(ctx, ctx.account(account), "node", pool, node), folder, recursive=recursive, page=page)


@command("file get", examples=["file get nightly:job-12 frame-0021 wd/output/frame-0021.png"])
async def get_task_file(ctx: Context, job: str, task: str, file: str, *, account: str | None = None) -> Card:
    """Give a file of a task, up to 20 MB, with the secrets in text hidden.

    :param job: the job's id
    :param task: the task's id
    :param file: the file's name with its folders
    :param account: the account, by its name in the settings
    """
    return await _get(Home(ctx, ctx.account(account), "task", job, task), file)


@command("nodefile get", examples=["nodefile get gpu-a tvmps_1f_d startup/stdout.txt"])
async def get_node_file(ctx: Context, pool: str, node: str, file: str, *, account: str | None = None) -> Card:
    """Give a file of a node, up to 20 MB, with the secrets in text hidden.

    :param pool: the pool's id
    :param node: the node's id
    :param file: the file's name with its folders
    :param account: the account, by its name in the settings
    """
    return await _get(Home(ctx, ctx.account(account), "node", pool, node), file)


async def _list(home: Home, folder: str, *, recursive: bool, page: int) -> Card:
    folder = "/".join(_steps(folder))
    try:
        listed = await home.files.names(folder, recursive=recursive)
        if folder and not listed.files:
            await home.files.head(folder)  # raises that it is a folder, or that it is not there
            return await _get(home, folder)
    except AzureError as error:
        if error.code != "IsDirectory":
            return await unavailable(home, error, folder)
    files = listed.files
    page = build.within(page, len(files))
    shown = files[(page - 1) * build.PAGE : page * build.PAGE]
    again = home.command("list", *([folder] if folder else []), recursive=recursive)
    back, on = build.pager(again, page, len(files))
    sizes = [file.size or 0 for file in files]
    up = folder.rpartition("/")[0]
    return Card(
        title=titled(
            text("Files of ", home.label),
            text(code(f"{folder}/")) if folder else None,
            build.shown(page, len(shown), len(files)),
            file_size(sum(sizes)) if sum(sizes) else None,
        ),
        mark=Mark.NEUTRAL,
        as_of=listed.at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(file, folder) for file in shown])
            if shown
            else Words(text("There is nothing in it.")),
            actions(
                back,
                on,
                _menu("Open a file", home.template("log"), [f for f in shown if not f.is_directory], folder),
                _menu("Open a folder", home.template("list"), [f for f in shown if f.is_directory], folder, edit=True),
                _menu("Get a file", home.template("get"), [f for f in shown if f.size], folder),
                Button("Up", home.command("list", *([up] if up else [])), how="edit") if folder else None,
                None
                if recursive
                else Button(
                    "All below", home.command("list", *([folder] if folder else []), recursive=True), how="edit"
                ),
                Button(home.kind.capitalize(), home.command("show")),
            ),
            note(f"The first {number(MOST_NAMES)} names; look into a folder to see the others.")
            if listed.more
            else None,
        ),
    )


async def _get(home: Home, name: str) -> Card:
    try:
        head = await home.files.head(name)
        if head.length > MOST_BYTES:
            return _too_large(home, name, head.length)
        content = await home.files.whole(name, head.length)
    except AzureError as error:
        return await unavailable(home, error, name)
    if not content:
        return Card(
            title=titled(text(code(name), " is empty"), home.label),
            as_of=head.at,
            blocks=blocks(Words(text("It has 0 bytes, so there is nothing to send.")), _way_back(home, name)),
        )
    attachment, hidden = await asyncio.to_thread(_attachment, name, content)
    return Card(
        title=titled(text(code(name)), file_size(head.length), home.label),
        as_of=head.at,
        blocks=blocks(
            attachment,
            _way_back(home, name),
            note("Secrets in it are hidden.") if hidden else None,
        ),
    )


def _attachment(name: str, content: bytes) -> tuple[Attachment, bool]:
    """The file as it may leave, and whether something in it had to be hidden."""
    leaf = file_name(_steps(name)[-1])
    guessed = mimetypes.guess_type(leaf)[0] or ""
    known = decoded(content)
    if known is None:
        kind = guessed if guessed.startswith(("image/", "video/", "audio/")) else "application/octet-stream"
        return Attachment(leaf, content, kind), False
    kind = guessed if guessed in ("text/csv", "application/json") else "text/plain; charset=utf-8"
    clear = redact(known[0])
    if clear == known[0]:
        return Attachment(leaf, content, kind if not known[1] else "text/plain"), False
    return Attachment(leaf, clear.encode(errors="replace"), kind), True


def _too_large(home: Home, name: str, length: int) -> Card:
    return Card(
        title=titled(text(code(name), " is too large to relay"), file_size(length)),
        mark=Mark.WARNING,
        refused=True,
        blocks=blocks(
            Words(
                text(
                    f"Files of up to {file_size(MOST_BYTES)} come through this chat. "
                    "Azure's command line fetches it from the node, as long as the node lives:"
                )
            ),
            Code(home.download(name)),
            actions(Button("Its end", home.command("log", name)), Button("All files", home.command("list"))),
        ),
    )


def _way_back(home: Home, name: str) -> Block | None:
    folder = "/".join(_steps(name)[:-1])
    return actions(
        Button("All files", home.command("list", *([folder] if folder else []))),
        Button(home.kind.capitalize(), home.command("show")),
    )


def _row(file: File, folder: str) -> list[Text]:
    name = _below(file, folder) + ("/" if file.is_directory else "")
    written = file.properties.last_modified if file.properties else None
    return [
        text(code(name)),
        text(file_size(file.size)) if file.size is not None else text(muted("folder")),
        text(Time(written, "age")) if written else text(muted("–")),
    ]


def _menu(label: str, template: str, files: list[File], folder: str, *, edit: bool = False) -> Menu | None:
    options = tuple(Option(_below(file, folder), "/".join(_steps(file.name))) for file in files)
    return Menu(label, template, options, how="edit" if edit else "post") if options else None


def _below(file: File, folder: str) -> str:
    """Its name as seen from the folder."""
    return "/".join(_steps(file.name)[len(_steps(folder)) :])


def _steps(name: str) -> list[str]:
    return [step for step in re.split(r"[\\/]", name) if step]
