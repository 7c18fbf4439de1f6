"""The platforms at the start: what they have to know, and which of them accept the bot."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from bot.chat.port import (
    Chat,
    ChatStartError,
    KnowsPeople,
    Moved,
    MovesConversations,
    Platform,
    Reach,
    RequestIntake,
)

log = structlog.get_logger()


def acquaint(platform: Platform, groups: frozenset[str], moved: Moved) -> None:
    """Tell a platform what it has to know before it starts."""
    if isinstance(platform, KnowsPeople):
        platform.name_groups(groups)
    if isinstance(platform, MovesConversations):
        platform.on_move(moved)


async def start_chats(chats: Mapping[str, Chat], intake: RequestIntake, reached: Reach) -> None:
    """One platform that refuses the bot does not keep it from the others. Raises ChatStartError where all refuse it."""
    refused: list[ChatStartError] = []
    for name, chat in chats.items():
        chat.on_reach(reached)
        try:
            await chat.start(intake)
        except ChatStartError as error:
            log.error("app.chat_refused", chat=name, message=str(error))  # noqa: TRY400 - it says all
            refused.append(error)
    if refused and len(refused) == len(chats):
        raise refused[0]
