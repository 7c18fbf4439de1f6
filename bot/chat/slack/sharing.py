"""Slack as one of several replicas is connected to it: :class:`bot.chat.port.Shared`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.chat.budget import Budget
from bot.chat.slack.channels import Channels
from bot.chat.slack.following import Following
from bot.chat.slack.messages import Messages


class SharedSlack:
    """The part of the adapter that is about the other replicas."""

    def __init__(self, budget: Budget, channels: Channels, messages: Messages, following: Following) -> None:
        self._budget, self._channels, self._messages, self._following = budget, channels, messages, following
        self._stands_by = False

    def stand_by(self, may: Callable[[], bool]) -> None:
        """See :class:`bot.chat.port.Shared`."""
        self._stands_by, self._budget.may = True, may

    async def take_over(self) -> None:
        """See :class:`bot.chat.port.Shared`: pictures that are to follow their messages do."""
        await self._following.resume()

    async def refresh(self) -> None:
        """See :class:`bot.chat.port.Shared`."""
        await asyncio.gather(self._channels.load(), self._messages.load())

    async def _learn(self) -> None:
        """What the database says; and where no other replica can, what it owes is sent."""
        await self.refresh()
        if not self._stands_by:
            await self.take_over()
