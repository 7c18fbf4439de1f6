"""What the app does beside a message that is written, or that stands there: the message extension of Teams.

Links that are pasted become a card (``composeExtension/queryLink``). Shapes:
https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/link-unfurling and the classes
MessagingExtensionResponse and MessagingExtensionAttachment of the Bot Framework.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec
import structlog
from msgspec import Struct

from bot.chat.port import RequestIntake
from bot.chat.teams.activity import Activity
from bot.chat.teams.outbound import CARD, Outbound
from cards.card import Card, Rendered
from cards.teams.text import safe

log = structlog.get_logger()

Answer: TypeAlias = tuple[int, dict[str, object] | None]

_LINK_SECONDS = 4.5
"""In which a pasted link has its card: Teams waits for five."""
_PREVIEW = "application/vnd.microsoft.card.thumbnail"


class _Pasted(Struct):
    url: str = ""


class MessageExtension:
    """Answers the invokes of the message extension."""

    def __init__(self, intake: RequestIntake, outbound: Outbound) -> None:
        self._intake = intake
        self._outbound = outbound
        self.by_name: dict[str | None, Callable[[Activity], Awaitable[Answer]]] = {
            "composeExtension/queryLink": self._linked,
        }

    async def _linked(self, activity: Activity) -> Answer:
        """A link was pasted. Of what gets no card Teams makes what it makes of any link."""
        url = msgspec.convert(activity.value, _Pasted).url
        if not url or activity.is_shared:
            return _results([])
        try:
            async with asyncio.timeout(_LINK_SECONDS):
                found = await self._intake.glances(activity.ask(""), [url])
                return _results([await self._attached(card) for card in found.values()])
        except TimeoutError:
            log.info("teams.link_late")
            return _results([])

    async def _attached(self, card: Card) -> dict[str, object]:
        """A card as a result: as it will be in the message, and in one line for where there is no room."""
        return attachment(await self._outbound.render(card))


def attachment(rendered: Rendered, text: str = "") -> dict[str, object]:
    """A rendered card as a result, with the line that stands for it in a list."""
    preview = {"contentType": _PREVIEW, "content": {"title": safe(rendered.summary), "text": safe(text)}}
    return {"contentType": CARD, "content": rendered.payload, "preview": preview}


def _results(found: Sequence[dict[str, object]]) -> Answer:
    return 200, {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": list(found)}}
