"""What the bot says in Teams of its own accord: each message once, and honest about failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec.structs import replace

from bot.chat.port import Undelivered
from bot.chat.teams.errors import TeamsError
from bot.chat.teams.framework import Connector
from bot.chat.teams.outbound import Outbound, activity, wire_id
from bot.requests.request import Conversation, Person
from cards.card import Card

T = TypeVar("T")

_UNSENT = {"NoConnection", "NoToken", "NotRunning"}
_GONE = {"ServiceUrlRefused", "ForbiddenOperationException"}
_OUT = {"BotDisabledByAdmin", "BotNotRegistered", "BotDisabled"}
"""The bot is forbidden in the whole tenant; nobody tells it when it no longer is."""


async def post_once(outbound: Outbound, conversation: Conversation, card: Card) -> tuple[str, str]:
    """Post a card; returns the message's id and the conversation's. Raises Undelivered."""
    rendered = await outbound.render(card)
    written = activity(rendered.payload, rendered.summary)
    message = await _once(outbound, conversation, lambda wire, at: wire.post(at.service_url, wire_id(at), written))
    return message, conversation.id


async def update_posted(outbound: Outbound, conversation: Conversation, message: str, card: Card) -> None:
    """Replace a message. Raises Undelivered."""
    rendered = await outbound.render(card)
    written = activity(rendered.payload, rendered.summary)
    plain = replace(conversation, thread=None)  # an id is unique in its channel, and its thread may be gone
    await _once(outbound, plain, lambda wire, at: wire.update(at.service_url, wire_id(at), message, written), True)


async def direct(outbound: Outbound, person: Person, conversation: Conversation) -> Conversation:
    """The personal chat with somebody of the conversation's tenant. Raises Undelivered."""
    try:
        chat = await outbound.once(
            conversation, lambda wire, at: wire.personal(at.service_url, person.id, at.team), there=False
        )
    except TeamsError as error:
        raise judged(error) from error
    return Conversation(
        "teams", chat, "personal", conversation.team, name=person.name, service_url=conversation.service_url
    )


async def _once(
    outbound: Outbound,
    conversation: Conversation,
    call: Callable[[Connector, Conversation], Awaitable[T]],
    edit: bool = False,
) -> T:
    try:
        return await outbound.once(conversation, call)
    except TeamsError as error:
        raise judged(error, edit=edit) from error


def judged(error: TeamsError, *, edit: bool = False) -> Undelivered:
    """What a failed call means for the message. Teams asks that 412, 429, 502 and 504 are tried again."""
    code, status = error.code or str(error.status), error.status
    if error.gone or code in _GONE | _OUT:
        return Undelivered("gone", code, everywhere=code in _OUT)
    if status == 0:
        unsent = not error.sent or code in _UNSENT
        return Undelivered("later" if unsent else "doubt", code, everywhere=code != "BadAnswer")
    if status in {401, 408, 409, 412, 425, 429} or status >= 500:
        return Undelivered("later", code, wait=error.retry_after, everywhere=status == 401 or status >= 500)
    if status == 404:
        return Undelivered("missing" if edit or code == "ActivityNotFoundInConversation" else "gone", code)
    if status == 403:
        return Undelivered("missing" if edit and code == "NotEnoughPermissions" else "gone", code)
    return Undelivered("refused", code)
