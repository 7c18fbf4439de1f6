"""An answer for the asker alone where others read: beside what they asked, or in their personal chat.

Beside it is Teams' *targeted message*: it stands in the conversation, one person sees it, and it is gone after a day
(learn.microsoft.com, "Send and receive targeted messages in group conversations").
"""

from __future__ import annotations

import structlog

import cards.teams.message
from bot.chat.budget import Priority
from bot.chat.port import Undelivered
from bot.chat.request import CommandRequest
from bot.chat.teams import messages
from bot.chat.teams.errors import TeamsError, judged
from bot.chat.teams.outbound import Outbound
from cards.card import Card, Span

log = structlog.get_logger()


async def answer(outbound: Outbound, request: CommandRequest, card: Card, *, targeted: bool) -> None:
    """Answer where nobody else sees it; with ``targeted`` in the conversation itself, if Teams takes it there.

    Raises Undelivered.
    """
    if not targeted or not await _beside(outbound, request, card):
        await _personally(outbound, request, card)


async def _beside(outbound: Outbound, request: CommandRequest, card: Card) -> bool:
    """Post it as a targeted message. False where Teams does not take one. Raises Undelivered where it may yet."""
    person, where = request.person, request.conversation
    try:
        try:
            reader = await outbound.once(
                where, Priority.ANSWER, lambda wire, at: wire.member(at.service_url, at.id, person.id), there=False
            )
        except TeamsError as error:
            raise judged(error).repeatable() from error
        # Its buttons have no place: what they answer is for everybody, and nobody else sees this message.
        rendered = await outbound.render(card)
        await messages.post(outbound, where, rendered, Priority.ANSWER, person.key, only=reader)
    except Undelivered as error:
        if error.why in {"later", "doubt"}:
            raise
        log.info("teams.not_targeted", conversation=where.id, code=error.code)
        return False
    return True


async def _personally(outbound: Outbound, request: CommandRequest, card: Card) -> None:
    """Answer in the personal chat, and say so where it was asked; that word may be lost, the answer not."""
    sentence, asker = "I answered you in our personal chat.", request.person.key
    try:
        chat = await messages.direct(outbound, request.person, request.conversation, Priority.ANSWER)
        await messages.post_card(outbound, chat, card, Priority.ANSWER, asker)
    except Undelivered as error:
        if error.why in {"later", "doubt"}:
            raise
        log.info("teams.no_personal_chat", code=error.code)
        sentence = "This answer is for you alone. Add me to a personal chat and ask me there."
    notification = cards.teams.message.render(Card(title=(Span(sentence),)))
    try:
        await messages.post(outbound, request.conversation, notification, Priority.ANSWER, asker)
    except Undelivered as error:
        log.warning("teams.notification_lost", conversation=request.conversation.id, code=error.code)
