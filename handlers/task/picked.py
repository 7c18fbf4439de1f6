"""Tasks that a card chose, kept so that a button can mean exactly these: ``picked:0f3a…``.

No filter says which tasks printed the same line, and a command with two hundred ids fits into no button. So the ids are
kept under a word made of them: the same tasks of the same job have the same word all day, on every replica. What
is done to them is confirmed as ever, and names them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from bot.azure.account import Account
from bot.domain.entity import fold, same_id
from bot.requests.command import CommandError
from bot.requests.context import Context
from handlers.shared.common import line
from storage.port.uploads import Upload, UploadStore
from storage.retention import Retention

_WORD = "picked:"
_PICKED = re.compile(r"picked:(?P<id>[0-9a-f]{24})", re.ASCII)
_OWNER = "picked"
"""Whose it is, among what is kept for commands: nobody's, so that no person can refer to it as a file."""


class Picked(msgspec.Struct, frozen=True, array_like=True):
    """The tasks of a job of an account that were chosen."""

    account: str
    job: str
    tasks: tuple[str, ...]


async def pick(store: UploadStore, source: Account, job: str, tasks: Sequence[str]) -> str:
    """Keep which tasks are meant; the word that means them for as long as uploads are kept."""
    chosen = Picked(source.name, job, tuple(sorted(tasks)))
    now = datetime.now(UTC)
    same = "\0".join((f"{now:%Y-%m-%d}", source.name, fold(job), *chosen.tasks))
    name = hashlib.blake2b(same.encode(), digest_size=12).hexdigest()
    body = msgspec.json.encode(chosen)
    await store.put_upload(Upload(_key(name), _OWNER, source.name, "", body, now + Retention().uploads))
    return _WORD + name


async def unpicked(ctx: Context, source: Account, job: str, words: Sequence[str]) -> tuple[str, ...]:
    """What was typed, with the ids in place of such a word, each spelled so that it is taken for nothing else.

    Raises CommandError where what it meant is not kept any more, or was chosen of another job.
    """
    found = [_PICKED.fullmatch(word) for word in words]
    if not any(found):
        return tuple(words)
    chosen: list[str] = []
    for word, picked in zip(words, found, strict=True):
        chosen += [f"id:{task}" for task in await _tasks(ctx, source, job, picked["id"])] if picked else [word]
    return tuple(chosen)


async def _tasks(ctx: Context, source: Account, job: str, name: str) -> tuple[str, ...]:
    again = [line(ctx, source, "failures job", job)]
    kept = await ctx.store.upload(_key(name), datetime.now(UTC))
    if kept is None or kept.person != _OWNER:
        raise CommandError("Which tasks this button stood for is no longer known: open the failures again.", again)
    found = msgspec.json.decode(kept.body, type=Picked)
    if found.account != source.name or not same_id(found.job, job):
        raise CommandError(f"Those tasks were chosen of job {found.job}, not of {job}.", again)
    return found.tasks


def _key(name: str) -> str:
    return f"p{name}"
