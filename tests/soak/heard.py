"""What the channels were told: every version of every message of the bot, with its words, as it came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from tests.acceptance.environment import CHANNEL, Environment

REPEAT = "This may be a repeat"
"""What a message of Teams says that may stand there already."""
_WORDS = ("text", "title")
_UNSEEN = ("options", "choices", "actions")
"""What a menu offers says nothing of how things stand."""


class Version(Struct, frozen=True, kw_only=True):
    """A message as it stood from ``at`` on: seconds since 1970, by the clock of the soak.

    ``thread`` is the message that it replies to, "" of none. ``key`` is what Slack was told that identifies it.
    """

    platform: str
    message: str
    thread: str
    at: float
    lines: tuple[str, ...]
    key: str = ""
    marked: bool = False


class Heard:
    """Listens in one channel of each platform until it is closed."""

    def __init__(self, stage: Environment, time: Callable[[], float]) -> None:
        self.versions: list[Version] = []
        self._stage = stage
        self._time = time
        self._slack, self._teams = stage.slack.subscribe(), stage.teams.subscribe()
        self._listening = [asyncio.create_task(self._hear_slack()), asyncio.create_task(self._hear_teams())]

    async def close(self) -> None:
        """Listen no more."""
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)

    async def _hear_slack(self) -> None:
        while True:
            event = await self._slack.get()
            at = self._time()
            if event.get("channel") != CHANNEL or event["type"] not in ("message", "message_changed"):
                continue
            message = event["message"]
            if not message.get("bot_id") and not message.get("app_id"):
                continue
            root = message.get("thread_ts", "")
            self.versions.append(
                Version(
                    platform="slack",
                    message=message["ts"],
                    thread="" if root == message["ts"] else root,
                    at=at,
                    lines=tuple(lines_of(message)),
                    key=(message.get("metadata") or {}).get("event_payload", {}).get("key", ""),
                )
            )

    async def _hear_teams(self) -> None:
        while True:
            event = await self._teams.get()
            at = self._time()
            if event["event"] not in ("posted", "updated"):
                continue
            if event["conversation"] != self._stage.room:
                continue
            message = event["message"]
            if isinstance(message, str):
                message = self._stage.teams.message(self._stage.room, message)
            if message["from"] != "bot":
                continue
            lines = tuple(lines_of(message))
            self.versions.append(
                Version(
                    platform="teams",
                    message=message["id"],
                    thread=message["thread"],
                    at=at,
                    lines=lines,
                    marked=any(REPEAT in line for line in lines),
                )
            )


def lines_of(message: dict[str, Any]) -> Iterator[str]:
    """The words of a message as people see them, a line or a row of a table each; what is not seen is left out."""
    for part in ("text", "summary", "blocks", "attachments"):
        yield from _lines(message.get(part))


def _lines(value: Any) -> Iterator[str]:
    match value:
        case str() if value.strip():
            yield from value.splitlines()
        case list():
            for each in value:
                yield from _lines(each)
        case dict():
            whole = value.get("inlines") or (
                value.get("elements") if value.get("type") == "rich_text_section" else None
            )
            if whole:
                yield "".join(each if isinstance(each, str) else each.get("text", "") for each in whole)
                return
            for name, each in value.items():
                if name == "rows":
                    yield from (" | ".join(_lines(row)) for row in each)
                elif name == "columns" and value.get("type") == "ColumnSet":  # as Teams' tables are made
                    yield " | ".join(_lines(each))
                elif name not in _UNSEEN and (name in _WORDS or not isinstance(each, str)):
                    yield from _lines(each)
