"""The table of platforms: a new one has its line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.chat.platform import Platform
from bot.chat.slack.platform import SLACK
from bot.chat.teams.platform import TEAMS
from bot.chat.terminal.platform import TERMINAL

PLATFORMS: Mapping[str, Platform] = MappingProxyType({each.name: each for each in (SLACK, TEAMS, TERMINAL)})
"""By the name that stands before the colon of every stored conversation and person."""
