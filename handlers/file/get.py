"""A file of a task or node: into the chat where it is small, else by a link that relays it."""

from __future__ import annotations

import asyncio
import mimetypes

from msgspec.structs import replace

from bot.azure.errors import AzureError
from bot.azure.files import Encoding, Head, Remote, steps
from bot.content.files_without_secrets import clear_file
from bot.content.output_text import decoded, secrets_in_bytes, wide_encoding
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import actions, blocks, code, note, text
from cards.card import Attachment, Button, Card, Code, Link, Mark, Words
from cards.formatting import file_size
from cards.text_fit import file_name
from handlers.file import kept
from handlers.file.owner import Home, spelled, unavailable
from handlers.shared.common import titled

MOST_BYTES = 20_000_000
"""The largest file that goes into the chat: a minute of a phone's line, and little enough to be held in memory."""
_SAMPLE = 64 * 1024
"""Bytes that show whether a file is text."""
_SHOWN = ("image/", "video/", "audio/")
_UNCHECKED = "It is no text: only its readable parts were searched for secrets."


@command("file get", effect="read", examples=["file get nightly:job-12 frame-0021 wd/output/frame-0021.png"])
async def get_task_file(ctx: Context, job: str, task: str, file: str, *, account: str | None = None) -> Card:
    """Download a file of a task, with secrets in text redacted; above 20 MB by a link.

    :param job: the job's id
    :param task: the task's id
    :param file: the file's name with its folders
    :param account: the account, by its name in the settings
    """
    return await give(Home(ctx, ctx.account(account), "task", job, task), file)


@command("nodefile get", effect="read", examples=["nodefile get gpu-a tvmps_1f_d startup/stdout.txt"])
async def get_node_file(ctx: Context, pool: str, node: str, file: str, *, account: str | None = None) -> Card:
    """Download a file of a node, with secrets in text redacted; above 20 MB by a link.

    :param pool: the pool's id
    :param node: the node's id
    :param file: the file's name with its folders
    :param account: the account, by its name in the settings
    """
    return await give(Home(ctx, ctx.account(account), "node", pool, node), file)


async def give(home: Home, name: str) -> Card:
    """A file, or why there is none."""
    try:
        name = await home.files.path(name)
        head = await home.files.head(name)
        if head.length > MOST_BYTES:
            return await _relayed(home, name, head)
        content = await home.files.whole(name, head.length)
    except AzureError as error:
        return await kept.instead(home, error, name, named=True, whole=True) or await unavailable(home, error, name)
    if not content:
        return Card(
            title=titled(text(code(name), " is empty"), home.label),
            as_of=head.at,
            blocks=blocks(
                Words(text("It has 0 bytes, so there is nothing to send.")), actions(*_ways_back(home, name))
            ),
        )
    attachment, said = await asyncio.to_thread(_attachment, name, content)
    if attachment is None:
        return _held_back(home, name, head)
    return Card(
        title=titled(text(code(name)), file_size(head.length), home.label),
        as_of=head.at,
        blocks=blocks(attachment, actions(*_ways_back(home, name)), note(said) if said else None),
    )


def _attachment(name: str, content: bytes) -> tuple[Attachment | None, str]:
    """The file as it may leave, and what is to be said of it; None for bytes in which a secret can be read."""
    leaf = file_name(steps(name)[-1])
    guessed = mimetypes.guess_type(leaf)[0] or ""
    known = decoded(content)
    if known is None:
        if secrets_in_bytes(content):
            return None, ""
        kind = guessed if guessed.startswith(_SHOWN) else "application/octet-stream"
        return Attachment(leaf, content, kind), _UNCHECKED
    kind = guessed if guessed in ("text/csv", "application/json") else "text/plain; charset=utf-8"
    clear = clear_file(leaf, content, kind)
    if clear.content is not content:
        return clear, "Secrets in it are hidden."
    return (replace(clear, kind="text/plain") if known[1] else clear), ""


def _held_back(home: Home, name: str, head: Head) -> Card:
    """Bytes cannot be changed without breaking the file, so it is not posted at all."""
    why = (
        "It is no text, and something in it looks like a secret, which cannot be hidden without breaking the file. "
        "Who may read the account gets it by Azure's command line, as long as the node lives:"
    )
    return _not_posted(home, name, head, "is not posted", why, _ways_back(home, name))


async def _relayed(home: Home, name: str, head: Head) -> Card:
    """A link by which the bot relays the file. Raises AzureError."""
    relay = home.ctx.relay
    if relay is None:
        return _too_large(home, name, head, "Larger ones come by a link where the bot has an address: bot.public_url.")
    if head.length > relay.most:
        by_link = f"By a link this bot relays up to {file_size(relay.most)}: bot.relay_mb."
        return _too_large(home, name, head, by_link if relay.most else "This bot relays no larger ones: bot.relay_mb.")
    encoding = encoding_of(await home.files.read(name, 0, min(head.length, _SAMPLE)))
    remote = Remote(home.source.name, home.kind, home.outer, home.name, name, encoding)
    address = await relay.link(remote)
    return Card(
        secrets=(address,),
        title=titled(text(code(name)), file_size(head.length), home.label),
        as_of=head.at,
        blocks=blocks(
            Words(
                text(
                    "It is too large for this chat: the bot fetches it from the node while you download it. The link "
                    "works for an hour, for whoever has it, as long as the node lives."
                )
            ),
            actions(
                Link(f"Download {file_size(head.length)}", address),
                Button("Its end", home.command("log", name)) if encoding else None,
                *_ways_back(home, name),
            ),
            note(
                "Secrets in it are hidden on the way, line by line; one that goes over several lines, other than a "
                "private key, may be missed."
                if encoding
                else "It is not text and comes as it is: it is not searched for secrets."
            ),
        ),
    )


def _too_large(home: Home, name: str, head: Head, why: str) -> Card:
    words = (
        f"Files of up to {file_size(MOST_BYTES)} come through this chat. {why} "
        "Azure's command line fetches it from the node, as long as the node lives:"
    )
    ways = [Button("Its end", home.command("log", name)), Button("All files", home.command("list"))]
    return _not_posted(home, name, head, "is too large to relay", words, ways)


def _not_posted(home: Home, name: str, head: Head, what: str, why: str, ways: list[Button]) -> Card:
    """Why a file does not come, how Azure's own tool gets it, and where to go from here."""
    return Card(
        title=titled(text(code(name), f" {what}"), file_size(head.length)),
        mark=Mark.WARNING,
        refused=True,
        as_of=head.at,
        blocks=blocks(Words(text(why)), Code(home.download(name)), actions(*ways)),
    )


def encoding_of(content: bytes) -> Encoding:
    """How the text that begins so is to be read, byte by byte where it is not all UTF-8; empty where it is none."""
    if decoded(content) is None:
        return ""
    return wide_encoding(content) or "utf-8"


def _ways_back(home: Home, name: str) -> list[Button]:
    folder = "/".join(steps(name)[:-1])
    return [
        Button("All files", home.command("list", *([spelled(folder)] if folder else []))),
        Button(home.kind.capitalize(), home.command("show")),
    ]
