"""What a test counts: every attempt of the app to write, and every message there ever was, with the times of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.slack.model import Message
from bot.sandbox.slack.people import Json

_KEPT = 100_000


@dataclass
class Writes:
    """The log of attempts to write, oldest first."""

    clock: Callable[[], float]
    log: deque[Json] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def note(self, method: str, outcome: str, *, channel: str = "", ts: str = "", thread: str = "") -> None:
        """Keep one attempt."""
        self.log.append(
            {
                "at": self.clock(),
                "method": method,
                "channel": channel,
                "ts": ts,
                "thread": thread,
                "outcome": outcome,
            }
        )


def entry(message: Message) -> Json:
    """One message of a channel's history for :meth:`SlackStandIn.history_of`."""
    return {
        "ts": message.ts,
        "thread": message.thread_ts if message.thread_ts not in (None, message.ts) else "",
        "user": message.user,
        "text": message.text,
        "metadata": message.metadata,
        "broadcast": message.broadcast,
        "ephemeral": bool(message.only_for),
        "posted": message.posted,
        "edits": list(message.edited_at),
        "deleted": message.deleted_at,
    }
