"""Messages in Teams: each call once and in its turn, and honest about failure. Every function raises Undelivered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from bot.chat.budget import Priority
from bot.chat.port import Newest
from bot.chat.request import Conversation, Person
from bot.chat.teams.activity import Account
from bot.chat.teams.errors import TeamsError, judged
from bot.chat.teams.outbound import Outbound, activity, wire_id
from bot.chat.teams.sdk import Connector
from bot.chat.teams.seals import Place
from cards.card import Card, Form, Rendered
from cards.teams.form import render_form
from cards.teams.text import safe

T = TypeVar("T")


async def post(
    outbound: Outbound,
    conversation: Conversation,
    rendered: Rendered,
    priority: Priority,
    asker: str = "",
    only: Account | None = None,
) -> str:
    """Send a card as a new message (in the conversation's thread, where it has one); returns the message's id.

    ``asker`` is who waits for it, ``only`` the member who alone is to see it.
    """
    written = activity(rendered.payload, rendered.summary)
    if only:
        written["recipient"] = {"id": only.id, "name": only.name or ""}
    return await _once(
        outbound,
        conversation,
        priority,
        lambda wire, at: wire.post(at.service_url, wire_id(at), written, targeted=only is not None),
        asker=asker,
    )


async def post_card(
    outbound: Outbound, conversation: Conversation, card: Card, priority: Priority, asker: str = ""
) -> str:
    """Send a card as a new message, whose buttons may have their answers replace it; returns the message's id.

    ``asker`` as in :func:`post`.
    """
    place = Place.new(conversation.id)
    message = await post(outbound, conversation, await outbound.render(card, place), priority, asker)
    await outbound.seals.posted(place, message)
    return message


async def post_form(outbound: Outbound, conversation: Conversation, form: Form, carry: str, priority: Priority) -> str:
    """Send a form as a new message, in which it may be shown again; ``carry`` is the message its answer may replace."""
    place = Place.new(conversation.id)
    payload = render_form(form, carry, partial(outbound.seals.seal, place))
    message = await post(outbound, conversation, Rendered(payload, form.title), priority)
    await outbound.seals.posted(place, message)
    return message


async def update_form(
    outbound: Outbound, conversation: Conversation, message: str, form: Form, carry: str, priority: Priority
) -> None:
    """Show a form again in the message it stands in; ``carry`` as in :func:`post_form`."""
    payload = render_form(form, carry, partial(outbound.seals.seal, Place.of(conversation.id, message)))
    await update(outbound, conversation, message, Rendered(payload, form.title), priority)


async def say(outbound: Outbound, conversation: Conversation, words: str) -> None:
    """Send a sentence without any card."""
    written: dict[str, object] = {"type": "message", "text": safe(words), "textFormat": "plain"}
    await _once(
        outbound, conversation, Priority.ANSWER, lambda wire, at: wire.post(at.service_url, wire_id(at), written)
    )


async def update(
    outbound: Outbound,
    conversation: Conversation,
    message: str,
    rendered: Rendered,
    priority: Priority,
    asker: str = "",
) -> None:
    """Replace a message."""
    written = activity(rendered.payload, rendered.summary)
    await _once(
        outbound,
        _without_thread(conversation),
        priority,
        lambda wire, at: wire.update(at.service_url, wire_id(at), message, written),
        edit=True,
        asker=asker,
    )


async def update_live(outbound: Outbound, conversation: Conversation, message: str, newest: Newest) -> None:
    """Replace a message by the card that is the newest when the turn has come."""

    async def call(wire: Connector, at: Conversation) -> None:
        rendered = await outbound.render(await newest(), Place.of(conversation.id, message))
        await wire.update(at.service_url, wire_id(at), message, activity(rendered.payload, rendered.summary))

    await _once(outbound, _without_thread(conversation), Priority.LIVE, call, edit=True)


async def direct(outbound: Outbound, person: Person, conversation: Conversation, priority: Priority) -> Conversation:
    """The personal chat with somebody of the conversation's tenant, which is begun where there is none yet."""
    try:
        chat = await outbound.once(
            conversation, priority, lambda wire, at: wire.personal(at.service_url, person.id, at.team), there=False
        )
    except TeamsError as error:
        raise judged(error).repeatable() from error  # beginning a chat twice does no harm
    return Conversation(
        "teams", chat, "personal", conversation.team, name=person.name, service_url=conversation.service_url
    )


def _without_thread(conversation: Conversation) -> Conversation:
    """An id is unique in its channel, and its thread may be gone."""
    return replace(conversation, thread=None)


async def _once(
    outbound: Outbound,
    conversation: Conversation,
    priority: Priority,
    call: Callable[[Connector, Conversation], Awaitable[T]],
    *,
    edit: bool = False,
    asker: str = "",
) -> T:
    try:
        return await outbound.once(conversation, priority, call, asker=asker)
    except TeamsError as error:
        raise judged(error, edit=edit) from error
