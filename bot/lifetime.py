"""The program from its start to its end, and anew where it is one of several replicas and lost the duties."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

from bot.app import App
from bot.chat.port import ChatStartError
from bot.ops import telemetry
from bot.ops.signals import ending, unless_stopped, until_stopped
from bot.reloading import Reloading
from bot.secrets import ENVIRONMENT
from bot.settings_file import Settings
from storage.port.errors import StoreError, StoreHeld
from storage.url import is_url

HELD = 75
"""The exit code where another program holds the database: it may be tried again (EX_TEMPFAIL of sysexits.h)."""


async def lived(settings: Settings, path: Path) -> tuple[str, int]:
    """Run until stopped; what keeps the bot from starting, in words, or nothing, and the exit code.

    One of several replicas that lost the duties to another begins anew, with nothing in memory, and stands by.
    """
    stopped = ending()
    end_traces = telemetry.begin(settings.telemetry, ENVIRONMENT)
    try:
        while True:
            taken, code, settings = await _life(settings, path, stopped)
            if code != HELD or not is_url(settings.bot.database):
                return taken, code
            gc.unfreeze()
    finally:
        await asyncio.to_thread(end_traces)


async def _life(settings: Settings, path: Path, stopped: asyncio.Event) -> tuple[str, int, Settings]:
    """From one start to the end of that, which may come while it starts; the settings are those that were read last."""
    reloading = Reloading(path)
    reloading.listen()
    try:
        app = await unless_stopped(App.open(settings, hold=True), stopped)
    except StoreError as error:
        return str(error), HELD if isinstance(error, StoreHeld) else 1, settings
    if app is None:
        return "", 0, settings
    try:
        await unless_stopped(app.start(), stopped)
        if stopped.is_set():
            return "", 0, app.settings
        gc.freeze()  # what is there by now stays: to scan it again and again would hold up everything else
        reloading.begin(app)
        if taken := await until_stopped(lambda: app.probes.condition.lost, stopped):
            return taken, HELD, app.settings
    except (ChatStartError, StoreError, OSError) as error:
        return str(error), 1, app.settings
    finally:
        await reloading.end()
        await app.stop()
    return "", 0, app.settings
