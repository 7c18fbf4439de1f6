"""What one question to the program takes: requests to Azure, bytes of their bodies, milliseconds to the first card."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from bot.app import App
from bot.azure.plane import Plane
from bot.chat.request import CommandRequest, Conversation, Person
from cards.card import plain


async def asked(app: App, text: str) -> tuple[int, int, float, str]:
    """Requests, bytes, milliseconds and title of the first card of a command's answer."""
    seen = [0, 0]
    get = Plane.get

    async def counted(plane: Plane, *args: Any, **more: Any) -> Any:
        answer = await get(plane, *args, **more)
        seen[0] += 1
        seen[1] += len(answer.body)
        return answer

    person, conversation = Person("text", "bench", zone="UTC"), Conversation("text", "bench")
    with mock.patch.object(Plane, "get", counted):
        begun = time.perf_counter()
        cards = app.dispatcher.cards(CommandRequest("k", text, person, conversation, datetime.now(UTC)))
        card = await anext(cards)
        took = (time.perf_counter() - begun) * 1e3
        await cards.aclose()
    return seen[0], seen[1], took, plain(card.title)
