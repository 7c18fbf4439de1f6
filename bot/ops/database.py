"""Opens the database that the settings name, for a program of one's own or for one of several replicas."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version

from bot.azure.database_sign_in import database_password
from bot.clock import in_daemon
from bot.settings import BotSettings, KeepSettings
from storage.opening import Opened, alone, open_replica, open_store


async def opened(bot: BotSettings, keep: KeepSettings, environment: Mapping[str, str], *, hold: bool) -> Opened:
    """What :class:`bot.app.App` works with.

    ``hold`` is for a program that watches and tells: a file is its own then, and on PostgreSQL it has the duties or
    waits for them. Raises StoreError with what to do, and StoreHeld where another program holds a file.
    """
    retention = keep.retention()
    password = database_password(bot, environment)
    if not hold:
        store, _ = await asyncio.to_thread(partial(open_store, bot.database, password, retention=retention))
        return alone(store)
    return await in_daemon(  # which may wait for another that holds the file, for an hour
        partial(
            open_replica,
            bot.database,
            password,
            retention=retention,
            patience=bot.database_wait_seconds,
            version=version("batchbot"),
        ),
        "open the database",
    )
