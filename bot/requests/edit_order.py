"""The order of answers that replace one message, such as the redraws of a chart that several people move.

Answers take as long as they take: what was asked first may be drawn last. Those to one message are brought one after
the other, and one that a newer click has overtaken (which is shown, or ready to be) is not brought at all. So what a
message shows is always the newest click that has an answer, whoever made it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from bot.chat.request import CommandRequest

_REMEMBERED = 1000
"""Messages of which it is remembered how new what they show is: more than are redrawn within an answer's patience."""


class _Edits:
    """The edits of one message: whose turn it is, and when the newest was asked for that is shown or ready to be."""

    def __init__(self, newest: datetime) -> None:
        self.lock = asyncio.Lock()
        self.newest = newest


class EditOrder:
    """Who may replace which message."""

    def __init__(self) -> None:
        self._edits: OrderedDict[tuple[str, str, str], _Edits] = OrderedDict()

    @asynccontextmanager
    async def turn(self, request: CommandRequest) -> AsyncIterator[bool]:
        """For an answer that is ready to replace ``request.message``: its turn, and whether it is still wanted."""
        edits = self._of(request)
        edits.newest = max(edits.newest, request.at)
        async with edits.lock:
            yield edits.newest <= request.at

    def _of(self, request: CommandRequest) -> _Edits:
        where = request.conversation.platform, request.conversation.id, request.message or ""
        edits = self._edits.setdefault(where, _Edits(request.at))
        self._edits.move_to_end(where)
        while len(self._edits) > _REMEMBERED:
            self._edits.popitem(last=False)
        return edits
