"""Which library of Microsoft's speaks to Teams: the one that the settings choose, and no other is imported.

botbuilder is the Bot Framework SDK, which is not maintained any more; agents is its successor, the Microsoft 365 Agents
SDK, which is installed where it is wanted.
"""

from __future__ import annotations

from bot.chat.teams.sdk import Name, Sdk
from bot.settings import SettingsError


def load(name: Name) -> Sdk:
    """The library of that name, imported now. Raises SettingsError where it is not installed."""
    if name == "botbuilder":
        from bot.chat.teams import botbuilder  # noqa: PLC0415 - of no use to the other

        return botbuilder.SDK
    try:
        from bot.chat.teams import agents  # noqa: PLC0415 - seconds on a busy machine, and 16 MiB
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("microsoft_agents"):
            raise
        raise SettingsError(["teams.sdk: the Agents SDK is not installed: pip install 'batchbot[agents]'"]) from error
    return agents.SDK
