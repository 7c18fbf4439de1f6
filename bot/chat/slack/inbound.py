"""Slack's payloads as neutral asks: pure functions, tested on payloads that Slack itself recorded."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from bot.chat.request import WELCOME, CommandRequest, Conversation, Person
from bot.chat.typed import MOST, is_readable, unescaped
from cards.card import Card
from cards.click import Submission
from cards.slack import decode_click, decode_submission, render
from cards.text_fit import clean_line

Payload: TypeAlias = Mapping[str, Any]

_SAID = {None, "file_share", "thread_broadcast"}
"""Subtypes of what a person says: plainly, with a file, or in a thread and the channel at once."""
SLACKBOT = "USLACKBOT"
"""Says what others have set up: reminders, answers to words. Who did is not told."""
_NO_ID = "?"
"""What names a person's workspace, and is no text."""
LINK = re.compile(r"<(?:mailto:|tel:)?([^<>|]+)(?:\|([^<>]*))?>")
"""A link, a mention or a channel: where it leads, and its label."""


class Carried(Struct, frozen=True):
    """What a modal must remember, since it loses channel and thread: private_metadata."""

    conversation: Conversation
    message: str | None = None


def plain(text: str) -> str:
    """The text as typed: ``<http://x|x>`` becomes ``x`` and entities their characters; mentions stay.

    What is too long to be a command is not read: it is cut, and still too long.
    """
    if not is_readable(text):
        return text[:MOST]

    def unlinked(found: re.Match[str]) -> str:
        target, label = found.group(1), found.group(2)
        return found.group(0) if target[0] in "@#!" else (label or target)

    return unescaped(LINK.sub(unlinked, text))


def from_command(body: Payload) -> CommandRequest:
    """A slash command."""
    return CommandRequest(
        key=f"slack:{body['trigger_id']}",
        text=plain(body.get("text") or ""),
        person=person_of(body["user_id"], body.get("user_name", ""), [body.get("team_id")]),
        conversation=place(body["channel_id"], body.get("team_id", ""), name=body.get("channel_name", "")),
        at=datetime.now(UTC),
        reply_url=body.get("response_url", ""),
    )


def from_event(body: Payload, bot_user: str) -> CommandRequest | None:
    """A mention or a direct message; None for everything that does not ask the bot."""
    event = body["event"]
    kind = event.get("type")
    if event.get("subtype") not in _SAID or event.get("user") in (None, "", bot_user, SLACKBOT):
        return None
    if any(event.get(key) for key in ("bot_id", "bot_profile", "app_id")):  # an app, or a workflow
        return None
    if not event.get("channel"):  # a mention of which Slack does not say where it was cannot be answered
        return None
    text = str(event.get("text") or "")
    mention = re.compile(rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>:?\s*")
    direct = event.get("channel_type") == "im"
    if kind == "app_mention" and not direct:
        thread = event.get("thread_ts") or event["ts"]
    elif kind == "message" and direct:
        thread = event.get("thread_ts")
    else:
        return None
    return CommandRequest(
        key=f"slack:{body['event_id']}",
        text=plain(mention.sub("", text) if is_readable(text) else text).strip(),
        person=_speaker(body, event),
        conversation=place(event["channel"], body.get("team_id", ""), thread=thread, personal=direct),
        at=datetime.now(UTC),
        files=tuple(str(file["id"]) for file in event.get("files") or () if file.get("id")),
    )


def from_arrival(body: Payload, bot_user: str, known: Collection[str]) -> CommandRequest | None:
    """The bot was let into a channel, or its direct messages were opened that are not ``known`` yet; else None.

    Whoever let it in is who asks; a workspace's own tool has nobody, and then nothing is said.
    """
    event = body["event"]
    kind, channel = event.get("type"), event.get("channel")
    if kind == "member_joined_channel" and event.get("user") == bot_user:
        person = event.get("inviter")
    elif kind == "app_home_opened" and event.get("tab") == "messages" and channel not in known:
        person = event.get("user")
    else:
        return None
    if not isinstance(person, str) or not person or not isinstance(channel, str) or not channel:
        return None
    team = body.get("team_id", "")
    return CommandRequest(
        key=f"slack:{body['event_id']}",
        text=WELCOME,
        person=person_of(person, homes=[team]),
        conversation=place(channel, team, personal=kind == "app_home_opened"),
        at=datetime.now(UTC),
    )


def from_action(body: Payload) -> tuple[CommandRequest, bool] | None:
    """A click on a button or a choice in a menu, and whether it wants a form; None when it carries no command."""
    click = decode_click(body["actions"][0]) if body.get("actions") else None
    if click is None:
        return None
    container, message = body.get("container") or {}, body.get("message") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id", "")
    stamp = container.get("message_ts")
    conversation = place(
        channel,
        (body.get("team") or {}).get("id", ""),
        thread=message.get("thread_ts") or container.get("thread_ts"),
        name=(body.get("channel") or {}).get("name", ""),
    )
    request = CommandRequest(
        key=f"slack:{body['trigger_id']}",
        text=click.command,
        person=presser(body),
        conversation=conversation,
        at=datetime.now(UTC),
        how="edit" if click.how == "edit" and stamp else "post",
        message=stamp,
        reply_url=body.get("response_url", ""),
    )
    return request, click.how == "form"


def carry(request: CommandRequest) -> str:
    """The private_metadata of a modal opened for ``request``."""
    return msgspec.json.encode(Carried(request.conversation, request.message)).decode()


def from_submission(body: Payload) -> CommandRequest:
    """A submitted modal. Raises ValueError for one that this program did not open."""
    return from_view(body, decode_submission(body["view"]))


def from_view(body: Payload, submission: Submission) -> CommandRequest:
    """What is filled in in a modal. Raises ValueError for one that this program did not open."""
    view = body["view"]
    try:
        carried = msgspec.json.decode(submission.carry, type=Carried)
    except msgspec.DecodeError as error:
        raise ValueError("a modal of somebody else") from error
    return CommandRequest(
        key=f"slack:{view['id']}:{view.get('hash', '')}",
        text=submission.command,
        person=presser(body),
        conversation=carried.conversation,
        at=datetime.now(UTC),
        how=submission.how,
        message=carried.message,
        values=submission.values,
    )


def from_suggestion(body: Payload, carry: str) -> CommandRequest:
    """Who types in a modal, and where it was opened. Raises ValueError for one that this program did not open."""
    try:
        carried = msgspec.json.decode(carry, type=Carried)
    except msgspec.DecodeError as error:
        raise ValueError("a modal of somebody else") from error
    return CommandRequest(
        key=f"slack:{body['view']['id']}",
        text="",
        person=presser(body),
        conversation=carried.conversation,
        at=datetime.now(UTC),
    )


def _speaker(body: Payload, event: Payload) -> Person:
    """Who said something. In a channel shared with other companies each message names its author's workspace in one
    field or several; where it does not, they are taken for one of them until their profile says otherwise.
    """
    profile = event.get("user_profile")
    of_profile = profile.get("team") if isinstance(profile, dict) else profile
    own = [event.get("user_team"), event.get("source_team"), of_profile]
    homes, shared = [*own, event.get("team")], body.get("is_ext_shared_channel")
    sure = any(own) if shared else shared is False or any(homes)
    return person_of(event["user"], homes=homes, sure=sure)


def presser(body: Payload) -> Person:
    """Who clicked, chose, typed or submitted something."""
    user = body["user"]
    return person_of(user["id"], user.get("name", ""), [user.get("team_id")])


def person_of(user: str, name: str = "", homes: Sequence[object] = (), *, sure: bool | None = None) -> Person:
    """``name`` is the handle, which comes with all but messages: who set or acknowledged something is named by it.

    ``homes`` are the person's own workspaces by the payload, which in a channel shared between workspaces need not be
    the bot's; one that is no id at all is nobody's, and so another's. Slack sends no user groups with what a person
    does. Whoever is not ``sure`` to be of a workspace that is named, or is of none that is, counts as somebody of
    another.
    """
    marks = (home if isinstance(home, str) else _NO_ID for home in homes if home is not None)
    named = tuple(dict.fromkeys(mark for mark in marks if mark))
    known = bool(named) if sure is None else sure
    kind: Literal["member", "foreign", "bot"] = "bot" if user == SLACKBOT else "member" if known else "foreign"
    return Person(
        platform="slack", id=user, name=name, home=named[0] if named else "", homes=named, kind=kind, kind_read=False
    )


def place(
    channel: str, team: str, *, thread: str | None = None, name: str = "", personal: bool = False
) -> Conversation:
    """A conversation by its channel's id, which begins with D where it is somebody's with the bot."""
    kind = "personal" if personal or channel.startswith("D") else "channel"
    return Conversation(platform="slack", id=channel, kind=kind, team=team, thread=thread, name=name)  # type: ignore[arg-type]


def one_line(card: Card) -> str:
    """What a card says first, in one line."""
    return clean_line(render(card).summary)
