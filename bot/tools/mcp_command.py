"""``batchbot mcp``, for whom the package ``mcp`` may be missing: it is an extra."""

from __future__ import annotations

import asyncio

from bot.mcp.endpoint import MISSING, installed
from bot.settings import SettingsError
from bot.settings_file import Settings


def serve_here(
    settings: Settings | None, *, user: str, tools: str, changes: bool | None, pictures: bool | None
) -> None:
    """Serve the program that started this one; ``tools`` are patterns with commas between them.

    Raises SettingsError where the package is missing, or nobody is named.
    """
    if not installed():
        raise SettingsError([MISSING])
    from bot.tools.mcp_stdio import serve  # noqa: PLC0415 - it needs the package

    patterns = [each.strip() for each in tools.split(",") if each.strip()]
    asyncio.run(serve(settings, user=user, tools=patterns, changes=changes, pictures=pictures))
