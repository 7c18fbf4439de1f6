"""Blocks that Slack hands out little by little: which workspaces have them, as far as the bot has learned.

A workspace without them answers ``invalid_blocks`` to the whole message. It gets what everybody has from then on, over
restarts and on every replica, until it is tried again after a while.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog
from slack_sdk.errors import SlackApiError

from bot.chat.slack.errors import code_of
from cards.card import Rendered
from storage.port.errors import StoreError
from storage.port.store import Store

log = structlog.get_logger()

T = TypeVar("T")

AGAIN = timedelta(days=7)
"""After which a workspace is tried again: Slack's rollouts take weeks, and a try costs one refused call."""
_NAMESPACE, _NAME = "slack-blocks", "refused"


class ModernBlocks:
    """Whether a card may be drawn with them; ``wanted`` is what the settings say."""

    def __init__(self, store: Store, *, wanted: bool, again: timedelta = AGAIN) -> None:
        self._store = store
        self._wanted = wanted
        self._again = again
        self._refused: dict[str, datetime] = {}

    async def load(self) -> None:
        """Learn which workspaces refused them, and when."""
        if self._wanted:
            for owner, preference in await self._store.all_preferences(_NAMESPACE):
                self._refused[owner] = preference.at

    def has(self, team: str) -> bool:
        """Whether a workspace (its id, empty where there is only one) is to get them."""
        refused = self._refused.get(_owner(team))
        return self._wanted and (refused is None or datetime.now(UTC) - refused > self._again)

    async def sent(
        self,
        team: str,
        drawn: Rendered,
        redraw: Callable[[], Awaitable[Rendered]],
        send: Callable[[Rendered], Awaitable[T]],
    ) -> tuple[Rendered, T]:
        """Send a message; where its workspace turns out not to have such blocks, what ``redraw`` makes without them.

        What Slack refuses was not posted, so ``send`` can be called again. Returns what was sent.
        """
        try:
            return drawn, await send(drawn)
        except SlackApiError as error:
            if not drawn.modern or code_of(error) != "invalid_blocks":
                raise
        plain = await redraw()
        answer = await send(plain)  # if this is refused too, the blocks were not what was wrong
        await self._refuse(team)
        return plain, answer

    async def _refuse(self, team: str) -> None:
        now = datetime.now(UTC)
        self._refused[_owner(team)] = now
        log.warning("slack.charts_refused", team=team, again=(now + self._again).isoformat())
        try:
            await self._store.put_preference(_NAMESPACE, _owner(team), _NAME, b"", now)
        except StoreError as error:
            log.error("slack.charts_refused_unsaved", team=team, message=str(error))  # noqa: TRY400 - it says all


def _owner(team: str) -> str:
    return team or "workspace"
