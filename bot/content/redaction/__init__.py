"""Takes secrets out of text before it leaves the bot: what tasks print, what Azure reports, and the bot's own log."""

from __future__ import annotations

from bot.content.redaction._old import HIDDEN, redact, without_secrets
from bot.content.redaction.names import is_secret

__all__ = ["HIDDEN", "is_secret", "redact", "without_secrets"]
