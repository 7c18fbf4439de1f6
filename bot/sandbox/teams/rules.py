"""What the connector accepts as a body: the types of the published Activity schema, Teams' own limits, the size."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from bot.sandbox.teams.cards import loopback
from bot.sandbox.teams.elements import ADAPTIVE
from bot.sandbox.teams.errors import RefusedError

Json: TypeAlias = dict[str, Any]

MESSAGE_BYTES = 100 * 1024
"""Of one activity as UTF-16, base64 images not counted."""
ATTACHMENTS = 10

CARD_TYPES = frozenset(
    {
        ADAPTIVE,
        "application/vnd.microsoft.card.hero",
        "application/vnd.microsoft.card.thumbnail",
        "application/vnd.microsoft.card.receipt",
        "application/vnd.microsoft.card.signin",
        "application/vnd.microsoft.card.oauth",
        "application/vnd.microsoft.teams.card.list",
        "application/vnd.microsoft.teams.card.o365connector",
        "application/vnd.microsoft.teams.card.file.consent",
        "application/vnd.microsoft.teams.card.file.info",
    }
)
_PICTURE_TYPES = frozenset({"image/png", "image/jpeg", "image/jpg", "image/gif", "image/*"})
_BASE64_IMAGE = re.compile(r'data:image/[a-z+.-]+;base64,[^"\\]*', re.IGNORECASE)

_ROLES = ("user", "bot", "skill")
_ACCOUNT: Mapping[str, object] = {"id": str, "name": str, "aadObjectId": str, "role": _ROLES}
_CONVERSATION: Mapping[str, object] = {
    "id": str,
    "name": str,
    "isGroup": bool,
    "conversationType": str,
    "tenantId": str,
    "aadObjectId": str,
    "role": _ROLES,
}
_CARD_ACTION: Mapping[str, object] = {
    "type": str,
    "title": str,
    "image": str,
    "text": str,
    "displayText": str,
    "channelData": Any,
    "value": Any,
}
_ATTACHMENT: Mapping[str, object] = {
    "contentType": str,
    "contentUrl": str,
    "content": Any,
    "name": str,
    "thumbnailUrl": str,
}
ACTIVITY: Mapping[str, object] = {
    "type": str,
    "id": str,
    "timestamp": datetime,
    "localTimestamp": datetime,
    "localTimezone": str,
    "callerId": str,
    "serviceUrl": str,
    "channelId": str,
    "from": _ACCOUNT,
    "conversation": _CONVERSATION,
    "recipient": _ACCOUNT,
    "textFormat": ("markdown", "plain", "xml"),
    "attachmentLayout": ("list", "carousel"),
    "membersAdded": [_ACCOUNT],
    "membersRemoved": [_ACCOUNT],
    "reactionsAdded": [{"type": str}],
    "reactionsRemoved": [{"type": str}],
    "topicName": str,
    "historyDisclosed": bool,
    "locale": str,
    "text": str,
    "speak": str,
    "inputHint": ("acceptingInput", "ignoringInput", "expectingInput"),
    "summary": str,
    "suggestedActions": {"to": [str], "actions": [_CARD_ACTION]},
    "attachments": [_ATTACHMENT],
    "entities": [{"type": str}],
    "channelData": dict,
    "action": str,
    "replyToId": str,
    "label": str,
    "valueType": str,
    "value": Any,
    "name": str,
    "relatesTo": {"activityId": str, "user": _ACCOUNT, "bot": _ACCOUNT, "conversation": _CONVERSATION},
    "code": str,
    "expiration": datetime,
    "importance": ("low", "normal", "high"),
    "deliveryMode": ("normal", "notification", "expectReplies", "ephemeral"),
    "listenFor": [str],
    "textHighlights": [{"text": str, "occurrence": int}],
    "semanticAction": {"state": ("start", "continue", "done"), "id": str, "entities": dict},
}
CONVERSATION_PARAMETERS: Mapping[str, object] = {
    "isGroup": bool,
    "bot": _ACCOUNT,
    "members": [_ACCOUNT],
    "topicName": str,
    "tenantId": str,
    "activity": ACTIVITY,
    "channelData": dict,
}


def check_shape(value: object, shape: object, path: str = "activity") -> None:
    """Hold ``value`` against a shape of this module; null counts as absent, unknown keys are let through.

    Raises 400 ``BadSyntax`` naming the property.
    """
    if value is None or shape is Any:
        return
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            raise _bad(path, "an object", value)
        for key, inner in shape.items():
            check_shape(value.get(key), inner, f"{path}.{key}")
    elif isinstance(shape, list):
        if not isinstance(value, list) or None in value:
            raise _bad(path, "a list without null", value)
        for index, item in enumerate(value):
            check_shape(item, shape[0], f"{path}[{index}]")
    elif isinstance(shape, tuple):
        if value not in shape:
            raise _bad(path, f"one of {', '.join(shape)}", value)
    else:
        _check_scalar(value, shape, path)


def _check_scalar(value: object, shape: object, path: str) -> None:
    if shape is datetime:
        if not isinstance(value, str) or not _moment(value):
            raise _bad(path, "a date-time", value)
    elif type(value) is not shape:
        raise _bad(path, getattr(shape, "__name__", str(shape)), value)


def _moment(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _bad(path: str, wanted: str, value: object) -> RefusedError:
    return RefusedError(400, "BadSyntax", f"Error converting value {value!r:.60} at {path}: {wanted} expected.")


def size(activity: object) -> int:
    """Bytes of an activity as Teams counts them: compact JSON as UTF-16 without base64 images."""
    text = json.dumps(activity, ensure_ascii=False, separators=(",", ":"))
    return len(_BASE64_IMAGE.sub("", text).encode("utf-16-le", "surrogatepass"))


def check_size(activity: object) -> None:
    """Raises 413 ``MessageSizeTooBig``."""
    if size(activity) > MESSAGE_BYTES:
        raise RefusedError(413, "MessageSizeTooBig", "Message size too large.")


def check_activity(activity: object) -> Json:
    """An activity a bot may send: well shaped, not too big, of a type Teams takes, with something in it."""
    if not isinstance(activity, dict):
        raise RefusedError(400, "BadSyntax", "Invalid or missing activities in request.")
    check_shape(activity, ACTIVITY)
    check_size(activity)
    kind = activity.get("type")
    if kind not in {"message", "typing"}:
        raise RefusedError(400, "BadSyntax", f"Activity type {kind!r} is not supported by this channel.")
    if kind == "message":
        _check_message(activity)
    return activity


def _check_message(activity: Json) -> None:
    attachments = activity.get("attachments") or []
    if not activity.get("text") and not attachments:
        raise RefusedError(400, "BadSyntax", "Activity must include non-empty 'text' or 'attachments'.")
    if len(attachments) > ATTACHMENTS:
        raise RefusedError(400, "BadArgument", f"More than {ATTACHMENTS} attachments.")
    for index, attachment in enumerate(attachments):
        kind = attachment.get("contentType")
        where = f"attachments[{index}]"
        if kind in CARD_TYPES:
            if not isinstance(attachment.get("content"), dict):
                raise RefusedError(400, "BadSyntax", f"{where}: a card needs an object as content.")
        elif kind in _PICTURE_TYPES:
            url = attachment.get("contentUrl") or ""
            if not url.startswith(("https://", "data:image/")) and not loopback(url):
                raise RefusedError(400, "BadArgument", f"{where}: contentUrl must be https.")
        else:
            raise RefusedError(400, "BadArgument", f"Unknown attachment type {kind!r}.")


def splits(activity: Json) -> bool:
    """Whether Teams makes more than one message of it: text, and attachments beside it."""
    return bool(activity.get("text")) and bool(activity.get("attachments"))
