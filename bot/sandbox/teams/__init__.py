"""A strict stand-in for Microsoft Teams: the Bot Connector and the people's client, on the other side of real HTTP."""

from __future__ import annotations

from bot.sandbox.teams.errors import StandInError
from bot.sandbox.teams.stand_in import TeamsStandIn

__all__ = ["StandInError", "TeamsStandIn"]
