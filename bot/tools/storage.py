"""The command ``batchbot storage``: for those who look after the database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from bot.secrets import ENVIRONMENT
from bot.settings import BotSettings
from bot.settings_file import load
from storage.port.errors import StoreError

if TYPE_CHECKING:
    from storage.copying import Copied

storage = cyclopts.App(name="storage", help="Look after the database.")
_SETTINGS = Path("batchbot.toml")
SettingsFile = Annotated[Path, Parameter(name="--settings", help="The settings file.")]


@storage.command
def copy(source: str, target: str, *, password_env: str = "", entra: bool = False) -> None:
    """Copy everything from one database into another, empty one, and prove it. No bot may run on either.

    Parameters
    ----------
    source
        The path of a SQLite file, or postgresql://USER@HOST/NAME.
    target
        The same, of where it goes.
    password_env
        The environment variable with the password of the PostgreSQL database.
    entra
        Sign in to it with a token of Microsoft Entra.
    """
    from bot.azure.database_sign_in import database_password  # noqa: PLC0415 - what one command needs is loaded for it
    from storage.copying import copy as copied  # noqa: PLC0415

    if password_env and not os.environ.get(password_env):
        raise StoreError(f"environment variable {password_env} is missing or empty: set it to the password")
    chosen = BotSettings(database_password_env=password_env, database_entra=entra)
    done = copied(source, target, database_password(chosen, os.environ), _told)
    print(f"copied and compared: {sum(each.rows for each in done):,} rows of {len(done)} tables")


def _told(each: Copied) -> None:
    """A line for each table that has rows."""
    if each.rows:
        print(f"{each.table:20} {each.rows:>12,}  {each.digest[:16]}")


@storage.command
def backup(file: Path, *, settings: SettingsFile = _SETTINGS) -> None:
    """Write a copy of the SQLite database into a new file, while the bot runs; for PostgreSQL say which command does.

    Parameters
    ----------
    file
        The file to write.
    """
    from storage.upkeep import backup as backed_up  # noqa: PLC0415

    print(backed_up(load(settings, use="read").bot.database, file))


@storage.command
def migrate(*, plan: bool = False, settings: SettingsFile = _SETTINGS) -> None:
    """Bring the database up to date, as the bot does when it starts.

    Parameters
    ----------
    plan
        Only say what would be done.
    """
    from bot.azure.database_sign_in import database_password  # noqa: PLC0415
    from storage.upkeep import migrate as migrated  # noqa: PLC0415

    bot = load(settings, use="ask").bot
    names = migrated(bot.database, database_password(bot, ENVIRONMENT), plan=plan)
    for name in names:
        print(name)
    print("nothing is to be done" if not names else "these are to be done" if plan else "these are done")
