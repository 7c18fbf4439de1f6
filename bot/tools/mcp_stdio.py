"""``batchbot mcp``: the commands as tools for a program on this machine, over its standard input and output."""

from __future__ import annotations

from collections.abc import Sequence

from mcp.server.stdio import stdio_server
from msgspec.structs import replace

from bot.chat.platforms import PLATFORMS
from bot.mcp.asking import Asking
from bot.mcp.server import Desk
from bot.mcp.settings import McpSettings
from bot.mcp.whereabouts import Whereabouts
from bot.settings import SettingsError
from bot.settings_file import Settings
from bot.tools.console import answering

YOU = "text:you"
"""Who asks where neither an option nor the settings say it."""


def asker_of(settings: Settings | None, user: str) -> McpSettings:
    """In whose name is asked: ``user`` where that is given, else the one person of ``[[mcp]]``, else whoever is here.

    Raises SettingsError with what to write.
    """
    people = settings.mcp if settings else []
    if not user and len(people) > 1:
        named = ", ".join(each.person for each in people)
        raise SettingsError([f"mcp: the settings name several people: choose one with --as: {named}"])
    person = user or (people[0].person if people else YOU)
    person = person if ":" in person else f"text:{person}"
    if person.partition(":")[0] not in PLATFORMS:
        raise SettingsError([f"--as: {person!r} is nobody's id: write PLATFORM:ID, such as slack:U012AB3CD"])
    return next((each for each in people if each.person == person), McpSettings(person))


async def serve(
    settings: Settings | None,
    *,
    user: str,
    tools: Sequence[str] = (),
    changes: bool | None = None,
    pictures: bool | None = None,
) -> None:
    """Serve until the program that started this one has gone. No settings means the sandbox."""
    asker = asker_of(settings, user)
    asker = replace(
        asker,
        tools=list(tools) or asker.tools,
        changes=asker.changes if changes is None else changes,
        pictures=asker.pictures if pictures is None else pictures,
    )
    async with answering(settings) as app:
        await app.drawing.start()
        found = Whereabouts({}, app.store, app.policy, groups=app.settings.groups)
        asking = Asking(app.dispatcher, app.journal.shares, found)
        server = Desk(asking, lambda _: asker, app.gallery).server()
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
