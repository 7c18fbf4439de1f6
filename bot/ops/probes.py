"""Whether the program lives, which a restart may mend, and whether it can take requests, which a restart does not.

*It lives* (``/health``, for a liveness probe): its event loop answers, its store answers a question, and none of the
parts that run all the time has broken down. An outage of Azure, Slack or Teams and a full disk are no reason to
restart: the program goes on by itself when they are over, and starting anew would only lose time.

*It is ready* (``/readyz``, for a readiness probe): it lives, its start is done and its end has not begun, what is asked
can be stored, and a chat platform is connected. One of several is enough: to keep requests from a program that still
takes those of Teams because Slack refuses it would make one outage into two.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog

from storage.port.condition import StoreCondition
from storage.port.errors import StoreError
from storage.port.preferences import Preference

log = structlog.get_logger()

PATIENCE = 10.0
"""Seconds for an answer of the store, which may have much to do just then."""
_HOLDS = 5.0
"""For so many seconds an answer of the store is good: whoever asks all the time is no burden to it."""
_NOBODY = "probe"


class Questioned(Protocol):
    """What is needed of the store: a question that costs it next to nothing."""

    async def preferences(self, namespace: str, owner: str) -> list[Preference]:
        """Raises StoreError."""
        ...


class Connected(Protocol):
    """What is needed of a chat platform."""

    async def unconnected(self) -> str:
        """See :meth:`bot.chat.port.ServedChat.unconnected`."""
        ...


class Runs(Protocol):
    """A part of the program that runs all the time."""

    async def run(self) -> None:
        """Until cancelled."""
        ...


class Probes:
    """Answers both questions, each with the reasons why not, in words without secrets of anybody's."""

    def __init__(self, store: Questioned, chats: Mapping[str, Connected], patience: float = PATIENCE) -> None:
        """``patience`` is seconds for an answer of the store."""
        self.condition = StoreCondition()
        """How the database stands; whoever opens it says so here."""
        self._store, self._chats, self._patience = store, chats, patience
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._unready = "it is still starting"
        self._asked: asyncio.Task[str] | None = None
        self._answered = float("-inf")

    @property
    def chats(self) -> list[str]:
        """The platforms that are served."""
        return [*self._chats]

    def started(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """The start is done; ``tasks`` are the parts that run until the end, those told of before among them."""
        known, self._tasks, self._unready = self._tasks, tuple(tasks), ""
        for task in set(self._tasks) - set(known):
            task.add_done_callback(_note)

    def stopping(self) -> None:
        """The end has begun."""
        self._tasks, self._unready = (), "it is being stopped"

    async def dead(self) -> list[str]:
        """Why the program has to be restarted; nothing while it lives."""
        found = [f"what runs all the time has broken down: {task.get_name()}" for task in self._tasks if _broken(task)]
        said = await self._store_says()
        return [*found, said] if said else found

    async def unready(self) -> list[str]:
        """Why no request should come; nothing while the program can take them."""
        found = [*([self._unready] if self._unready else []), *await self.dead()]
        if self.condition.failing:
            found.append(f"nothing can be stored: {self.condition.failing}")
        apart = [f"{name} is not connected: {why}" for name, why in (await self.unconnected()).items()]
        return [*found, *apart] if len(apart) == len(self._chats) else found

    async def unconnected(self) -> dict[str, str]:
        """The platforms that are not connected, and why."""
        found = {name: await chat.unconnected() for name, chat in self._chats.items()}
        return {name: why for name, why in found.items() if why}

    async def _store_says(self) -> str:
        """What is wrong with the store's answers; one question at a time, whoever asks."""
        if self._asked is None or (self._asked.done() and time.monotonic() - self._answered > _HOLDS):
            self._asked = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(self._asked)
        except TimeoutError:
            return f"the database has not answered for {self._patience:.0f} s"

    async def _ask(self) -> str:
        try:
            await self._store.preferences(_NOBODY, _NOBODY)
        except StoreError as error:
            return f"the database does not answer: {error}"
        finally:
            self._answered = time.monotonic()
        return ""


def _broken(task: asyncio.Task[None]) -> BaseException | None:
    """What a part broke down of; a part may well be done by itself."""
    return task.exception() if task.done() and not task.cancelled() else None


def _note(task: asyncio.Task[None]) -> None:
    if error := _broken(task):
        log.error("app.broken_down", part=task.get_name(), exc_info=error)
