"""A command, or a question, from a form: for where there is no line to type it in, as behind a shortcut."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Card


@command("ask", effect="read", examples=["ask 'failed jobs since yesterday'"])
async def ask(ctx: Context, question: str) -> AsyncIterator[Card]:
    """Answer a command or a question, as if it had been typed; a change is confirmed as ever.

    :param question: what you would type: pool list, or failed jobs since yesterday
    """
    async for card in ctx.run(question):
        yield card
