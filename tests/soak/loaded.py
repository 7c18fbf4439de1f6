"""All that the program loads when it starts: a process forked from one that has imported this starts at once."""

from __future__ import annotations

import bot.app
import bot.chat.slack.adapter
import bot.chat.teams.adapter
import bot.cli  # noqa: F401 - as are the others
import handlers
from bot.alerting import rules
from bot.requests.registry import Registry

Registry.discover(handlers)
rules.discover()
