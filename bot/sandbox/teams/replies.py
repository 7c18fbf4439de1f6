"""What the client makes of the bot's answers to invokes: shown, or refused with the reason."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from bot.sandbox.teams.cards import loopback
from bot.sandbox.teams.elements import ADAPTIVE
from bot.sandbox.teams.rules import MESSAGE_BYTES, size

Json: TypeAlias = dict[str, Any]

WRONG = "Something went wrong. Please try again."
UNREACHABLE = "Unable to reach app. Please try again."

MESSAGE = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"
LOGIN = "application/vnd.microsoft.activity.loginRequest"
SEARCH = "application/vnd.microsoft.search.searchResponse"

_SIZES = ("small", "medium", "large")

_PREVIEWS = ("application/vnd.microsoft.card.thumbnail", "application/vnd.microsoft.card.hero")
"""Cards that a list of results is drawn with."""

_KNOWN: dict[tuple[int, str], str] = {
    (200, ADAPTIVE): "card",
    (200, MESSAGE): "text",
    (400, ERROR): "error",
    (500, ERROR): "error",
    (401, LOGIN): "login",
    (401, "application/vnd.microsoft.error.incorrectAuthCode"): "nothing",
    (412, "application/vnd.microsoft.error.preconditionFailed"): "error",
}


class InvalidReplyError(Exception):
    """An answer Teams does not understand. ``text`` is what the person sees in its place."""

    def __init__(self, code: str, reason: str, text: str = WRONG) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.text = text


class Shown(Struct):
    """What a person sees after an invoke: a card in the place of the old one, a line of text, a dialog or nothing."""

    card: Json | None = None
    text: str = ""
    error: bool = False
    dialog: Json | None = None


def card_action(body: object) -> Shown:
    """The answer to ``adaptiveCard/action``: ``{"statusCode", "type", "value"}`` in a documented combination."""
    if not isinstance(body, dict):
        raise InvalidReplyError("EmptyReply", "adaptiveCard/action needs an object with statusCode, type and value")
    status, kind, value = body.get("statusCode"), body.get("type"), body.get("value")
    if not isinstance(status, int) or isinstance(status, bool):
        raise InvalidReplyError("BadStatusCode", f"statusCode {status!r} is no number")
    meaning = _KNOWN.get((status, str(kind)))
    if meaning is None:
        raise InvalidReplyError("UnknownReply", f"statusCode {status} with type {kind!r} is not documented")
    match meaning:
        case "card":
            return Shown(card=_card(value))
        case "text":
            if not isinstance(value, str) or not value:
                raise InvalidReplyError("BadValue", "a message needs a string as value")
            return Shown(text=value)
        case "error":
            return Shown(text=_error(value), error=True)
        case "login":
            raise InvalidReplyError("LoginUnsupported", "nobody can sign in to this stand-in")
        case _:
            return Shown(text=WRONG, error=True)


def _error(value: object) -> str:
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("code"), str)
        or not isinstance(value.get("message"), str)
    ):
        raise InvalidReplyError("BadValue", "an error needs {code, message} as value")
    return value["message"] or WRONG


def _card(value: object) -> Json:
    if not isinstance(value, dict):
        raise InvalidReplyError("BadValue", "a card needs an object as value")
    if size(value) > MESSAGE_BYTES:
        raise InvalidReplyError("CardTooBig", f"the card is larger than {MESSAGE_BYTES} bytes of UTF-16")
    return value


def task(body: object, *, submitted: bool) -> Shown:
    """The answer to ``task/fetch`` and ``task/submit``: continue with a dialog, a message, or (submitted) nothing."""
    if submitted and (body is None or body == {} or (isinstance(body, dict) and body.get("task", "") is None)):
        return Shown()
    answer = body.get("task") if isinstance(body, dict) else None
    if not isinstance(answer, dict):
        raise InvalidReplyError("BadValue", "the answer needs a task object", UNREACHABLE)
    match answer.get("type"), answer.get("value"):
        case "continue", dict() as value:
            return Shown(dialog=_dialog(value))
        case "message", str() as text if text:
            return Shown(text=text)
        case kind, _:
            raise InvalidReplyError("UnknownReply", f"task of type {kind!r} with such a value", UNREACHABLE)


def _dialog(value: Json) -> Json:
    title = value.get("title")
    if title is not None and not isinstance(title, str):
        raise InvalidReplyError("BadValue", "title must be a string", UNREACHABLE)
    for side in ("width", "height"):
        measure = value.get(side)
        fits = measure is None or measure in _SIZES or (isinstance(measure, int) and not isinstance(measure, bool))
        if not fits:
            raise InvalidReplyError("BadValue", f"{side} must be pixels or one of {', '.join(_SIZES)}", UNREACHABLE)
    card, url = value.get("card"), value.get("url")
    if (card is None) == (url is None):
        raise InvalidReplyError("BadValue", "a dialog needs either a card or a url", UNREACHABLE)
    shown: Json = {"title": title or "", "width": value.get("width"), "height": value.get("height")}
    if url is not None:
        if not isinstance(url, str) or not (url.startswith("https://") or loopback(url)):
            raise InvalidReplyError("BadValue", "the url of a dialog must be https", UNREACHABLE)
        return shown | {"url": url}
    if not isinstance(card, dict) or card.get("contentType") != ADAPTIVE:
        raise InvalidReplyError("BadValue", f"the card of a dialog is an attachment of type {ADAPTIVE}", UNREACHABLE)
    return shown | {"card": _card(card.get("content"))}


def search(body: object) -> list[dict[str, str]]:
    """The answer to ``application/search``: the choices."""
    if not isinstance(body, dict) or body.get("type") != SEARCH or body.get("statusCode", 200) != 200:
        raise InvalidReplyError("UnknownReply", f"a search is answered with type {SEARCH}")
    value = body.get("value")
    results = value.get("results") if isinstance(value, dict) else None
    if not isinstance(results, list):
        raise InvalidReplyError("BadValue", "value.results must be a list")
    choices = []
    for result in results:
        if not isinstance(result, dict) or not all(isinstance(result.get(key), str) for key in ("title", "value")):
            raise InvalidReplyError("BadValue", "every result needs a title and a value")
        choices.append({"title": result["title"], "value": result["value"]})
    return choices


def results(body: object) -> list[Json]:
    """The answer to a query of the message extension: attachments, a card each with a preview."""
    answer = body.get("composeExtension") if isinstance(body, dict) else None
    if not isinstance(answer, dict) or answer.get("type") != "result":
        raise InvalidReplyError("UnknownReply", "the answer needs a composeExtension of type result")
    if answer.get("attachmentLayout") not in ("list", "grid"):
        raise InvalidReplyError("BadValue", "attachmentLayout is list or grid")
    found = answer.get("attachments")
    if not isinstance(found, list):
        raise InvalidReplyError("BadValue", "attachments must be a list")
    for each in found:
        if not isinstance(each, dict) or each.get("contentType") not in (ADAPTIVE, *_PREVIEWS):
            raise InvalidReplyError("BadValue", f"a result is an attachment of type {ADAPTIVE}, or a thumbnail")
        _card(each.get("content"))
        preview = each.get("preview")
        if not isinstance(preview, dict) or preview.get("contentType") not in _PREVIEWS:
            raise InvalidReplyError("BadValue", f"a result has a preview of type {' or '.join(_PREVIEWS)}")
        shown = preview.get("content")
        if not isinstance(shown, dict) or not shown.get("title"):
            raise InvalidReplyError("BadValue", "a preview has a title")
    return found
