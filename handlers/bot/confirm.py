"""The answer to "really?": what destroys something waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Card


@command("confirm", effect="read", examples=["confirm 1a2b3c4d5e6f7a8b", "confirm 1a2b3c4d5e6f7a8b no"])
async def confirm(ctx: Context, change: str, answer: Literal["yes", "no"] = "yes") -> AsyncIterator[Card]:
    """Carry out, or drop, a change that you were asked about.

    It holds for five minutes, once, for whoever was asked, and where they were asked.

    :param change: the change's id, which the question's buttons carry
    :param answer: yes or no
    """
    async for card in ctx.confirm(change, answer == "yes"):
        yield card
