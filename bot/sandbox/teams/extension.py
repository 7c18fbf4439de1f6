"""The message extension as people use it: links that they paste, and what the app's bot is asked for them.

Shapes: https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/ and the Bot Framework's classes
MessagingExtensionQuery, MessagingExtensionAction and MessagingExtensionResponse.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from bot.sandbox.teams import replies
from bot.sandbox.teams.cards import draw
from bot.sandbox.teams.client import Client, Dialog
from bot.sandbox.teams.elements import ADAPTIVE
from bot.sandbox.teams.errors import StandInError
from bot.sandbox.teams.people import Conversation, Person
from bot.sandbox.teams.replies import InvalidReplyError

Json: TypeAlias = dict[str, Any]

LINK_SECONDS = 5.0
"""In which the bot has to answer for a link."""
_FIND, _ABOUT = "find", "about"
"""The app's commands, as its manifest names them."""
_LINK = re.compile(r"https://[^\s<>|\"']+")
_DOMAINS = ("portal.azure.com", "portal.azure.us", "portal.azure.cn", "batch.azure.com")


class Extension(Client):
    """The people's side of the message extension."""

    async def say(
        self,
        user: str,
        conversation: str,
        text: str,
        reply_to: str | None = None,
        *,
        files: Sequence[tuple[str, bytes]] = (),
        cards: Sequence[Json] = (),
    ) -> str:
        """As :meth:`Client.say`; a link that the app knows gets its card while the message is written, as in Teams."""
        person = self._tenant.person(user)
        chat = self._tenant.chat(conversation, person.role)
        made = cards or await self._for_links(person, chat, text)
        return await super().say(user, conversation, text, reply_to, files=files, cards=made)

    async def find(self, user: str, conversation: str, typed: str) -> list[Json]:
        """Type into the app's search box: results, each ``{"title", "text", "value"}``, where ``value`` chooses it.

        What is typed is sent as it stands, as Teams does after a pause.
        """
        person = self._tenant.person(user)
        chat = self._tenant.chat(conversation, person.role)
        value: Json = {
            "commandId": _FIND,
            "parameters": [{"name": "name", "value": typed}],
            "queryOptions": {"skip": 0, "count": 25},
        }
        found = await self._composed(person, chat, "composeExtension/query", value, LINK_SECONDS)
        previews = [each["preview"]["content"] for each in found]
        return [
            {"title": each["title"], "text": each.get("text", ""), "value": (each.get("tap") or {}).get("value")}
            for each in previews
        ]

    async def choose(self, user: str, conversation: str, value: object) -> str:
        """Choose a result and send the message that it is put into; its id. StandInError NoCard where there is none."""
        person = self._tenant.person(user)
        chat = self._tenant.chat(conversation, person.role)
        name = "composeExtension/selectItem"
        found = await self._composed(person, chat, name, value, self.invoke_seconds)
        if not found:
            raise StandInError("NoCard", "the app gave no card for that")
        return await self.say(user, conversation, " ", cards=found[:1])

    async def ask_about(self, user: str, conversation: str, activity_id: str) -> Json:
        """Use the app's command of a message: a dialog, as :meth:`task_fetch` returns it."""
        person = self._tenant.person(user)
        chat = self._tenant.chat(conversation, person.role)
        message = chat.visible(activity_id)
        if message is None:
            raise StandInError("MessageNotFound", activity_id)
        about: Json = {
            "id": message.id,
            "body": {"contentType": "html", "content": f"<p>{html.escape(message.text, quote=False)}</p>"},
            "createdDateTime": message.at,
            "from": {"user": {"displayName": message.sender}},
            "attachments": [{**each, "content": json.dumps(each.get("content"))} for each in message.attachments],
        }
        value: Json = {"commandId": _ABOUT, "commandContext": "message", "messagePayload": about}
        activity = self._envelope.composing(person, chat, "composeExtension/fetchTask", value)
        dialog = Dialog(str(activity["id"]), person.role, chat, message, {}, _ABOUT)
        return await self._dialog_answer(person, dialog, activity, submitted=False)

    async def _for_links(self, person: Person, chat: Conversation, text: str) -> Sequence[Json]:
        """The cards of the first link of a text that the app's manifest names: one message gets one."""
        url = next((each for each in _LINK.findall(text) if _is_known(each)), None)
        if url is None or not chat.installed:
            return ()
        found = await self._composed(person, chat, "composeExtension/queryLink", {"url": url}, LINK_SECONDS)
        return found[:1]

    async def _composed(
        self, person: Person, chat: Conversation, name: str, value: object, seconds: float
    ) -> list[Json]:
        """What the bot answers to something that is done while a message is written: attachments."""
        activity = self._envelope.composing(person, chat, name, value)
        try:
            found = replies.results(await self._ask(chat, activity, seconds))
        except InvalidReplyError as error:
            self._sorry(person, chat, error)
            return []
        for each in found:
            if each["contentType"] != ADAPTIVE:
                continue
            for problem in draw(each["content"]).problems:
                if problem.grave:
                    self._tenant.refuse("card", problem.code, str(problem), user=person.role, conversation=chat.id)
        return found


def _is_known(url: str) -> bool:
    host = (urlsplit(url).hostname or "").lower()
    return any(host == each or host.endswith(f".{each}") for each in _DOMAINS)
