"""The table of platforms: a new one has its line here, and nowhere else."""

from __future__ import annotations

import re
from typing import Any

from bot.chat.platform import ConnectablePlatform, Platform
from bot.chat.slack.platform import SLACK
from bot.chat.teams.platform import TEAMS
from bot.chat.terminal.platform import TERMINAL

PLATFORMS: dict[str, Platform] = {each.name: each for each in (TERMINAL, SLACK, TEAMS)}
"""By the name that stands before the colon of every stored conversation and person."""


def connectable() -> dict[str, ConnectablePlatform[Any]]:
    """The platforms that the settings file can have a section for, by name: all but the terminal."""
    return {name: each for name, each in PLATFORMS.items() if isinstance(each, ConnectablePlatform)}


def is_conversation(typed: str) -> bool:
    """Whether it is the id of a conversation as the settings write it: ``slack:C012AB3CD``."""
    name, _, own = typed.partition(":")
    platform = connectable().get(name)
    return platform is not None and bool(re.fullmatch(platform.conversation_id, own))


def conversation_examples() -> str:
    """Such ids for people, one of each platform."""
    return " or ".join(f"{name}:{each.example}" for name, each in connectable().items())
