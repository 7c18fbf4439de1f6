"""The database: whether it opens, is sound, has room, lies on a disk of this machine, and who holds it.

It is only looked at, so a running bot goes on undisturbed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.azure.database_sign_in import database_password
from bot.doctor.finding import Finding, broken, fine, look
from bot.settings import BotSettings, SettingsError
from storage.looking import FILES_BESIDE, damage_of, look_at, refuse_network, type_of
from storage.port.errors import StoreError
from storage.port.look import StoreLook
from storage.url import is_url

LOW, VERY_LOW = 1_000_000_000, 100_000_000
"""Bytes of free disk."""
SUBSCRIBED = ("subscription", "report", "receipt")
"""Namespaces of preferences whose owners are channels that are told something."""
WHAT = "storage: database"
_SECONDS = 15.0


def look_into(bot: BotSettings, environment: Mapping[str, str]) -> StoreLook | None:
    """The database as it is; None where there is none yet. Blocks. Raises StoreError."""
    try:
        password = database_password(bot, environment)
    except SettingsError:
        raise StoreError(f"the variable {bot.database_password_env} is missing: see the settings") from None
    return look_at(bot.database, SUBSCRIBED, password)


async def storage(database: str, seen: asyncio.Future[StoreLook | None]) -> list[Finding]:
    """All that is looked at of the database; ``seen`` is what looking into it gave."""
    path = None if is_url(database) else Path(database)
    found = [*_place(path), *_disk(path)] if path else []
    try:
        stored = await asyncio.shield(seen)
        damage = await asyncio.to_thread(damage_of, path, _SECONDS) if stored and path else ""
    except StoreError as error:
        message, _, todo = str(error).rpartition(": ") if path else (str(error), "", "")
        return [broken(WHAT, message or todo, todo if message else ""), *found]
    if stored is None:
        return [fine(WHAT, f"{database} is not there yet: the first start makes it"), *found]
    return [_content(stored, damage), *_rights(stored), *(_mode(path) if path else ()), *found]


def _content(stored: StoreLook, damage: str) -> Finding:
    name, held = stored.name, f"held by {stored.holder}" if stored.holder else "nobody holds it"
    if damage:
        return broken(WHAT, f"{name} is damaged: {damage}", "stop the bot and restore a backup")
    if stored.newer:
        found = f"{name} was written by a newer batchbot (migration {stored.newer[-1]})"
        return broken(WHAT, found, "install that version again, or restore a backup from before it")
    schema = f"schema {stored.migrations}"
    schema += f" of {stored.migrations + stored.pending}: the next start brings it up to date" if stored.pending else ""
    sound = "answers" if is_url(name) else "is sound"
    return fine(WHAT, f"{name} {sound}, {stored.bytes / 1e6:,.1f} MB, {schema}; {held}")


def _rights(stored: StoreLook) -> Iterator[Finding]:
    """Of a server: what its user may do, and who could read along."""
    if stored.forbidden:
        todo = "grant it to the user in bot.database: GRANT USAGE, CREATE ON SCHEMA … TO …"
        yield broken("storage: rights", f"the bot's user may not {stored.forbidden}", todo)
    if stored.open:
        yield look("storage: encryption", stored.open, "write ?sslmode=verify-full behind the URL in bot.database")


def _place(database: Path) -> list[Finding]:
    what, folder = "storage: place", database.parent
    if not folder.is_dir():
        return [broken(what, f"there is no folder {folder.absolute()}", "make it, or run batchbot doctor --fix")]
    for each in (folder, database):
        if each.exists() and not os.access(each, os.W_OK):
            return [broken(what, f"{each.absolute()} may not be written", "give the bot's user write access to it")]
    try:
        refuse_network(database)
    except StoreError as error:
        found, _, todo = str(error).partition(": put ")
        return [broken(what, found, f"put {todo}")]
    kind = type_of(folder)
    return [fine(what, f"{folder.absolute()} may be written{f' ({kind})' if kind else ''}")]


def _disk(database: Path) -> list[Finding]:
    folder = next(each for each in database.absolute().parents if each.exists())
    free = shutil.disk_usage(folder).free
    what, found = "storage: disk", f"{free / 1e9:,.1f} GB free"
    if free >= LOW:
        return [fine(what, found)]
    verdict = broken if free < VERY_LOW else look
    return [verdict(what, found, f"make room at {folder}: nothing can be stored on a full disk")]


def _mode(database: Path) -> list[Finding]:
    if open_files := open_to_others(database):
        names = ", ".join(each.name for each in open_files)
        found = f"others on this machine can read {names}"
        return [look("storage: file mode", found, "chmod 600, or run batchbot doctor --fix")]
    return []


def open_to_others(database: Path) -> list[Path]:
    """The files of a database that more people than its owner can read or write."""
    files = [database, *(database.with_name(f"{database.name}{end}") for end in FILES_BESIDE)]
    others = stat.S_IRWXG | stat.S_IRWXO
    return [each for each in files if os.name != "nt" and each.exists() and each.stat().st_mode & others]
