"""Takes secrets out of text before it leaves the bot: what tasks print, what Azure reports, and the bot's own log.

Better to hide a word too many than a key too few; yet hashes, ids, thumbprints and pictures stay, because people search
for them. What is hidden is always its value alone, so that a reader sees that something stood there.
"""

from __future__ import annotations

from bot.content.redaction.engine import HIDDEN, redact
from bot.content.redaction.names import is_secret

__all__ = ["HIDDEN", "is_secret", "redact"]
