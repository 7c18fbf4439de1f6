"""Opens the database that the settings name, for a program of one's own or for one of several replicas."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib.metadata import version

from bot.azure.database_sign_in import database_password
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
    return await _waited_for(
        partial(
            open_replica,
            bot.database,
            password,
            retention=retention,
            patience=bot.database_wait_seconds,
            version=version("batchbot"),
        )
    )


async def _waited_for(work: Callable[[], Opened]) -> Opened:
    """What it gives, of a thread that the end of the program does not wait for: another may hold a file for an hour."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Opened] = loop.create_future()

    def tell(settle: Callable[[], None]) -> None:
        if not done.cancelled():
            settle()

    def run() -> None:
        settle: Callable[[], None]
        try:
            settle = partial(done.set_result, work())
        except Exception as error:  # it is raised where it is waited for
            settle = partial(done.set_exception, error)
        with suppress(RuntimeError):  # the program has ended
            loop.call_soon_threadsafe(tell, settle)

    threading.Thread(target=run, name="open the database", daemon=True).start()
    return await done
