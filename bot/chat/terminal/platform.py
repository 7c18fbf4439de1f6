"""The terminal, for whoever does not need it: it has one conversation, and no channels."""

from __future__ import annotations

from bot.chat.platform import Platform

TERMINAL = Platform("text", "terminal", channel="(?!)", named="{}")
