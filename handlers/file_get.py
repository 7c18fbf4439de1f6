"""A file of a task or node: into the chat where it is small, else by a link that relays it."""

from __future__ import annotations

import asyncio
import mimetypes

from bot.azure.errors import AzureError
from bot.azure.files import steps
from bot.commands import command
from bot.context import Context
from bot.redact import redact
from cards.build import actions, blocks, code, note, text
from cards.card import Attachment, Block, Button, Card, Code, Mark, Words
from cards.limits import file_name
from cards.phrases import file_size
from handlers.common import titled
from handlers.file_home import Home, unavailable
from handlers.printed import decoded

MOST_BYTES = 20_000_000
"""The largest file that is relayed: a minute of a phone's line, and little enough to be held in memory."""


@command("file get", examples=["file get nightly:job-12 frame-0021 wd/output/frame-0021.png"])
async def get_task_file(ctx: Context, job: str, task: str, file: str, *, account: str | None = None) -> Card:
    """Give a file of a task, up to 20 MB, with the secrets in text hidden.

    :param job: the job's id
    :param task: the task's id
    :param file: the file's name with its folders
    :param account: the account, by its name in the settings
    """
    return await give(Home(ctx, ctx.account(account), "task", job, task), file)


@command("nodefile get", examples=["nodefile get gpu-a tvmps_1f_d startup/stdout.txt"])
async def get_node_file(ctx: Context, pool: str, node: str, file: str, *, account: str | None = None) -> Card:
    """Give a file of a node, up to 20 MB, with the secrets in text hidden.

    :param pool: the pool's id
    :param node: the node's id
    :param file: the file's name with its folders
    :param account: the account, by its name in the settings
    """
    return await give(Home(ctx, ctx.account(account), "node", pool, node), file)


async def give(home: Home, name: str) -> Card:
    """A file, or why there is none."""
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
    leaf = file_name(steps(name)[-1])
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
    folder = "/".join(steps(name)[:-1])
    return actions(
        Button("All files", home.command("list", *([folder] if folder else []))),
        Button(home.kind.capitalize(), home.command("show")),
    )
