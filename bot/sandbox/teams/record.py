"""What a test counts: every attempt of the bot to write, and every message there ever was, with the times of each."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from aiohttp import web

from bot.sandbox.teams.people import Message

Json: TypeAlias = dict[str, Any]

_KEPT = 100_000
_ACTS = {"PUT": "update", "DELETE": "delete"}


class Writes:
    """The log of attempts to write, oldest first. ``clock`` is in seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.log: deque[Json] = deque(maxlen=_KEPT)

    def note(self, request: web.Request, conversation: str, outcome: str, response: web.Response | None = None) -> None:
        """Keep one attempt; ``response`` is what it was answered, if that is known."""
        named = request.match_info.get("activity", "")
        act = _act(request.method, "conversation" in request.match_info, bool(named))
        answer = json.loads(response.body) if response is not None and isinstance(response.body, bytes) else {}
        posted = answer.get("activityId" if act == "create" else "id", "")
        self.log.append(
            {
                "at": self._clock(),
                "act": act,
                "conversation": conversation,
                "id": posted or (named if act in _ACTS.values() else ""),
                "outcome": outcome,
            }
        )


def _act(method: str, placed: bool, named: bool) -> str:
    if not placed:
        return "create"
    return _ACTS.get(method) or ("reply" if named else "send")


def entry(message: Message) -> Json:
    """One message of a conversation's history for :meth:`TeamsStandIn.history_of`."""
    return {
        "id": message.id,
        "thread": message.thread,
        "from": message.sender,
        "text": message.text,
        "summary": message.summary,
        "posted": message.posted,
        "edits": list(message.edited_at),
        "deleted": message.deleted_at,
    }
