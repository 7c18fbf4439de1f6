"""The settings file read again while the program runs, at SIGHUP and when it has changed.

What can be swapped soundly is swapped: who may do what, what alerts are sent where, budgets, webhooks, whose programs
may ask, own causes, the level of the log. Of the rest it is said which keys want a restart. A file with mistakes
changes nothing: each mistake is told to the log, to ``status``, and to whoever runs the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from bot.app import App
from bot.chat.port import KnowsPeople
from bot.domain import knowledge
from bot.ops import logs
from bot.secrets import ENVIRONMENT, Environment
from bot.settings import SettingsError
from bot.settings_file import Settings, load, named_secrets, own_causes
from storage.port.errors import StoreError

log = structlog.get_logger()

SWAPPED = (
    "access",
    "people",
    "grants",
    "approvals",
    "break_glass",
    "alerts",
    "knowledge",
    "budgets",
    "webhooks",
    "mcp",
    "key_vault",
)
"""Sections that hold from the moment that they are read."""
SWAPPED_OF_BOT = ("operators", "log_level", "reload")
_RENEWED = ("webhooks ", "mcp ", "bot.database_password_env")
"""Keys whose secrets are taken anew: as the settings are read, or at the next connection."""
_LOOK = 1.0
"""Seconds between two looks at the file. What changes is read once it has stayed as it is for as long."""

_TOLD = 20
"""Mistakes that are told."""


class Reloading:
    """Of one settings file. :meth:`listen` first of all, since a SIGHUP that nobody expects ends a process."""

    def __init__(self, path: Path, environment: Mapping[str, str] = ENVIRONMENT) -> None:
        self._path = path
        self._environment = environment
        self._begun = _vaulted(environment)
        self._asked = asyncio.Event()
        self._seen = self._stamp()
        self._task: asyncio.Task[None] | None = None

    def listen(self) -> None:
        """Hear SIGHUP from now on; what comes before :meth:`begin` is done then."""
        with contextlib.suppress(NotImplementedError, AttributeError):  # Windows has none
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._asked.set)

    def begin(self, app: App) -> None:
        """Read the file again for a program that has started, whenever that is wanted."""
        self._task = asyncio.create_task(self._run(app), name="reloading")

    async def end(self) -> None:
        """Read it no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, app: App) -> None:
        while True:
            await self._wanted(app)
            try:
                await reload(app, self._path, self._environment, self._begun)
            except StoreError as error:
                log.error("settings.not_reloaded", message=str(error))  # noqa: TRY400 - it says all
            except Exception:  # whatever it is, the program goes on, and the next time may be better
                log.exception("settings.not_reloaded")

    async def _wanted(self, app: App) -> None:
        """Wait for a SIGHUP, or until the file is another one and is not being written any more."""
        changed = False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._asked.wait()
            now = self._stamp()
            settled, self._seen = now == self._seen, now
            if self._asked.is_set():
                self._asked.clear()
                return
            if changed and settled:
                return
            changed = app.settings.bot.reload == "change" and now is not None and (changed or not settled)

    def _stamp(self) -> tuple[int, ...] | None:
        """What differs where the file does; a link that leads elsewhere (as Kubernetes does it) counts too."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev


async def reload(
    app: App, path: Path, environment: Mapping[str, str] = ENVIRONMENT, begun: Mapping[str, str] | None = None
) -> list[str]:
    """Read the file and swap what can be swapped. Returns the mistakes; with any, nothing is changed.

    ``begun`` is what key vaults held when the program began: what is another one since wants a restart, mostly.
    """
    try:
        new = await asyncio.to_thread(load, path, environment)
        own = own_causes(new, path)
        before, after = app.settings, _merged(app.settings, new)
        await app.webhooks.use(after.webhooks)
        served = app.programs.use(after.mcp)
    except SettingsError as error:
        lines = told(error.lines)
        for line in lines:
            log.error("settings.mistake", message=line)  # noqa: TRY400 - it says all
        app.monitor_status.unread = [
            f"the settings file has mistakes, so what was in force before stays: {line}" for line in lines
        ]
        title = "The settings file has mistakes. What was in force before stays in force."
        await app.notices.post("settings", title, lines)
        return error.lines
    app.settings = after
    app.policy.take(after.policy())
    for name, chat in app.chats.items():
        if isinstance(chat, KnowsPeople):
            chat.name_groups(after.groups(name))
    app.reports.composer.use([each.budget() for each in after.budgets])
    app.notices.where = after.bot.operators or after.audit.conversation
    knowledge.use(own)
    logs.configure(after.bot.log_level)
    app.outbox.try_webhooks()
    renewed = _others(begun or {}, _vaulted(environment))
    kept = [variable for key, variable in named_secrets(new) if not key.startswith(_RENEWED)]
    waits = [*wants_restart(after, new), *([] if served else ["mcp"])]
    waits += [f"key_vault.secrets.{each}" for each in renewed if each in kept]
    app.monitor_status.unread = [f"needs a restart: {', '.join(waits)}"] if waits else []
    changed = [each for each in SWAPPED if getattr(before, each) != getattr(after, each)]
    log.info("settings.reloaded", changed=changed, needs_restart=waits)
    if waits:
        title = "The settings file was read again. Some of it holds after a restart only."
        await app.notices.post("settings", title, waits)
    if before.alerts != after.alerts:
        await app.alerts.use(after.alerts, decides=app.journal.working)
    await app.conversations.check_names()
    return []


def _vaulted(environment: Mapping[str, str]) -> Mapping[str, str]:
    """What key vaults hold, by its variable."""
    return environment.vaulted if isinstance(environment, Environment) else {}


def _others(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Variables that hold another secret than before."""
    return [each for each in before if each in now and before[each] != now[each]]


def told(mistakes: Sequence[str]) -> list[str]:
    """As many of the mistakes as somebody reads: a file that is another one altogether has one in each line."""
    left = len(mistakes) - _TOLD
    return [*mistakes[:_TOLD], *([f"and {left:,} more: batchbot check lists all"] if left > 0 else [])]


def _merged(old: Settings, new: Settings) -> Settings:
    """What is in force once it is read: of the old what cannot be swapped."""
    bot = replace(old.bot, **{each: getattr(new.bot, each) for each in SWAPPED_OF_BOT})
    return replace(old, bot=bot, **{each: getattr(new, each) for each in SWAPPED})


def wants_restart(running: Settings, new: Settings) -> Iterator[str]:
    """The keys that are others in the file than in force, as they are written there."""
    for section in Settings.__struct_fields__:
        old, now = getattr(running, section), getattr(new, section)
        prefix = "" if section == "platforms" else section
        if old != now:
            yield from _differing(prefix, old, now)


def _differing(where: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, Struct) and type(old) is type(new):
        for key in old.__struct_fields__:
            yield from _differing(f"{where}.{key}", getattr(old, key), getattr(new, key))
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _differing(f"{where}.{key}".lstrip("."), old.get(key), new.get(key))
    elif old != new:
        yield where
