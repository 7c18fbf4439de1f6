"""Stopping what goes on by itself."""

from __future__ import annotations

from bot.requests.command import command
from bot.requests.context import Context
from cards.build import refusal
from cards.card import Button, Card


@command("stop", effect="change", examples=["stop 1a2b3c4d"])
async def stop(ctx: Context, live: str) -> Card:
    """Stop a live answer, such as a followed log; its Stop button carries the id.

    :param live: the id of the live answer
    """
    last = await ctx.lives.stop(live)
    if last is not None:
        return last
    return refusal("That has stopped already.", "", [Button("Home", "home")])
