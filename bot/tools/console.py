"""The bot without a chat platform: one answer on standard output, or a conversation in the terminal."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from bot.app import App
from bot.chat.clear_chat import clear_chat
from bot.chat.platforms import connectable
from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.terminal.adapter import HERE, Terminal, saved
from bot.chat.terminal.platform import TERMINAL
from bot.content.outgoing import sent
from bot.ops.signals import until_stopped
from bot.settings_file import Settings
from cards import text
from cards.command_line import join
from storage.port.conversations import ConversationReference


async def answer(
    settings: Settings | None,
    command: list[str],
    *,
    user: str,
    platform: str,
    folder: Path | None,
) -> tuple[str, bool]:
    """Answer one command: what to print, and whether the bot could do it. No settings means the sandbox.

    ``platform`` is a name of :data:`bot.chat.platforms.PLATFORMS`.
    """
    async with answering(settings) as app:
        person = _person(app, user, platform)
        request = CommandRequest(
            f"console:{secrets.token_hex(8)}",
            join(command),
            person,
            Conversation(platform, "console", kind="personal"),
            datetime.now(UTC),
        )
        card = await sent(await app.dispatcher.card(request))
        paths, files = await saved(app.gallery, card, folder) if folder else ({}, {})
        if platform == TERMINAL.name:
            return str(text.render(card, paths, files).payload["text"]), not card.refused
        # Some platforms take addresses only: one of this machine stands for the file, whose name is its last part.
        named = {key: f"http://127.0.0.1/{Path(path).name}" for key, path in paths.items()}
        payload = connectable()[platform].render(card, named).payload
        return msgspec.json.format(msgspec.json.encode(payload), indent=2).decode(), not card.refused


async def converse(settings: Settings, *, user: str, folder: Path) -> None:
    """Talk in the terminal until ``quit``, the end of input, SIGINT or SIGTERM."""
    async with _opened(settings) as app:
        terminal = Terminal(app.gallery, folder, user)
        app.chats[TERMINAL.name] = chat = clear_chat(terminal)
        await chat.start(app.journal)
        holding = asyncio.create_task(app.journal.run())
        try:
            await _until_stopped(terminal)
        finally:
            holding.cancel()
            await chat.stop()


async def converse_in_demo(*, user: str, folder: Path, speed: float = 1.0, hours: float = 24.0) -> None:
    """The same about the sandbox's accounts, which are watched: ``hours`` of their past are there, and alerts come."""
    from bot.tools.demo import POLL_SECONDS, Stage, demo_settings, free_port, progress  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="batchbot-") as scratch:
        async with Stage.azure_only(speed=speed, history=hours) as stage:
            chosen = demo_settings(
                stage,
                listen=f"127.0.0.1:{free_port()}",
                database=str(Path(scratch) / "demo.db"),
                poll=POLL_SECONDS,
            )
            here = [f"{HERE.platform}:{HERE.id}"]  # what no settings file may say: it is for channels
            app = await App.open(replace(chosen, alerts=replace(chosen.alerts, channels=here)))
            terminal = Terminal(app.gallery, folder, user)
            app.chats[TERMINAL.name] = clear_chat(terminal)
            try:
                await stage.live_through(app, hours, report=progress)
                known = ConversationReference(HERE.platform, HERE.id, msgspec.json.encode(HERE), datetime.now(UTC))
                await app.store.put_conversation(known)
                await app.start()
                await _until_stopped(terminal)
            finally:
                await app.stop()


async def _until_stopped(terminal: Terminal) -> None:
    """Talk until one of both has enough. What the conversation raises is raised."""
    talking = asyncio.create_task(terminal.converse())
    stopped = asyncio.create_task(until_stopped())
    try:
        await asyncio.wait({talking, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if talking.done():
            talking.result()
    finally:
        for task in (talking, stopped):
            task.cancel()
        await asyncio.gather(talking, stopped, return_exceptions=True)


@asynccontextmanager
async def answering(settings: Settings | None) -> AsyncIterator[App]:
    """The program without its platforms and its collector, on a database of its own where the sandbox is asked."""
    if settings is not None:
        async with _opened(settings) as app:
            yield app
        return
    from bot.tools.demo import Stage, demo_settings  # noqa: PLC0415 - only the demo needs the sandbox

    with tempfile.TemporaryDirectory(prefix="batchbot-") as scratch:
        async with Stage.azure_only() as stage:
            chosen = demo_settings(stage, listen="127.0.0.1:0", database=str(Path(scratch) / "demo.db"))
            async with _opened(chosen) as app:
                await stage.live_through(app, hours=1.0)
                yield app


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[App]:
    app = await App.open(replace(settings, platforms={}, mcp=[]))
    app.dispatcher.without_watch()  # a bot that runs on the same database may: what is changed here it would not learn
    try:
        yield app
    finally:
        await app.stop()


def _person(app: App, user: str, platform: str) -> Person:
    return Person(platform, user, user, zone=app.settings.bot.zone)
