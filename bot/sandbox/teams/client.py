"""What people do in their Teams client, and what they then see."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from bot.sandbox.teams import replies
from bot.sandbox.teams.activities import Envelope
from bot.sandbox.teams.bot_client import BotClient
from bot.sandbox.teams.cards import Drawing, Press, draw
from bot.sandbox.teams.errors import StandInError
from bot.sandbox.teams.forms import gather
from bot.sandbox.teams.manage import Managing
from bot.sandbox.teams.people import BOT, Conversation, Message, Person, Tenant, split, stamp
from bot.sandbox.teams.replies import InvalidReplyError, Shown
from bot.sandbox.teams.shared_files import SharedFiles

Json: TypeAlias = dict[str, Any]
Action: TypeAlias = Mapping[str, Any] | str
"""An action object as it stands in the card, or the id, verb or title of one."""

INVOKE_SECONDS = 10.0


class Dialog(Struct):
    """A dialog that somebody has open, and what it was opened from."""

    id: str
    role: str
    chat: Conversation
    origin: Message
    shown: Json
    command: str = ""
    """The command of the message extension that opened it; empty for a card's button."""


class _Pressed(Struct):
    person: Person
    chat: Conversation
    message: Message
    index: int
    action: Json
    data: object


class Client(Managing):
    """The people's side. See :class:`~bot.sandbox.teams.TeamsStandIn` for how users and conversations are named."""

    def __init__(self, tenant: Tenant, envelope: Envelope, bot_client: BotClient) -> None:
        super().__init__(tenant, envelope, bot_client)
        self._dialogs: dict[str, Dialog] = {}
        self._shared = SharedFiles(tenant.clock)
        self.invoke_seconds = INVOKE_SECONDS

    # -- writing ---------------------------------------------------------------------------------------------------

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
        """Write a message and return its id.

        ``@<bot name>`` becomes a mention; without it a channel or group message does not reach the bot. ``reply_to`` is
        a message of the channel thread to answer in. ``files`` are names and contents of what is attached; a bot gets
        files in personal chats alone. ``cards`` are attachments that the message extension put into the message.

        Raises ``BotNotInstalled``, ``EmptyMessage``, ``MessageNotFound``, ``NoFilesHere``.
        """
        person = self._tenant.person(user)
        chat = self._tenant.chat(conversation, person.role)
        if not text.strip() and not files and not cards:
            raise StandInError("EmptyMessage")
        if files and chat.kind != "personal":
            raise StandInError("NoFilesHere", "a bot gets files in personal chats alone")
        root = reply_to or split(conversation)[1]
        if root and chat.visible(root) is None:
            raise StandInError("MessageNotFound", root)
        mention = f"<at>{self._tenant.bot_name}</at>"
        text = re.sub(f"(?<!\\w)@{re.escape(self._tenant.bot_name)}(?!\\w)", mention, text, flags=re.IGNORECASE)
        to_bot = chat.kind == "personal" or mention in text
        if to_bot and not chat.installed:
            raise StandInError("BotNotInstalled", chat.title)
        attached = [*(self._shared.attach(name, content) for name, content in files), *cards]
        message = self._write(person, chat, text, chat.root(root) if root else "", attached)
        if to_bot:
            await self._tell(person, chat, self._envelope.message(person, chat, message), message=message.id)
        return message.id

    def _write(
        self, person: Person, chat: Conversation, text: str, thread: str, attached: Sequence[Json] = ()
    ) -> Message:
        message = Message(
            id=self._tenant.message_id(),
            thread=thread,
            sender=person.role,
            at=stamp(self._tenant.now()),
            text=text,
            text_format="plain",
            attachments=list(attached),
        )
        self._tenant.post(chat, message)
        return message

    # -- pressing what a card shows ----------------------------------------------------------------------------------

    async def click(
        self, user: str, conversation: str, activity_id: str, action: Action, inputs: Mapping[str, str] = {}
    ) -> Json:
        """Press a button of a card: whatever its type and its ``msteams`` data ask for.

        ``action`` is the action as it stands in the card, or its id, verb or title; one that is not drawn raises
        ``NoSuchAction``. ``inputs`` are the values of the card's inputs by id; where the client would not let them
        pass, ``InputRequired`` or ``InputInvalid``. Returns as :meth:`execute` and :meth:`task_fetch` do, or
        ``{"shown": "url", "url"}``.
        """
        pressed = self._press(user, conversation, activity_id, action, inputs)
        match pressed.action["type"]:
            case "Action.Execute":
                return await self._execute(pressed, "manual")
            case "Action.Submit":
                return await self._submit(pressed)
            case "Action.OpenUrl":
                return {"shown": "url", "url": pressed.action.get("url")}
            case _:
                return {"shown": "nothing"}

    async def execute(
        self, user: str, conversation: str, activity_id: str, action: Action, inputs: Mapping[str, str] = {}
    ) -> Json:
        """Action.Execute: the invoke ``adaptiveCard/action``.

        Returns what the person sees: ``{"shown": "card"|"message"|"error", "card"?, "text"?, "reason"?}``. A card takes
        the old one's place for this person alone, until the bot updates the message.
        """
        pressed = self._press(user, conversation, activity_id, action, inputs, "Action.Execute")
        return await self._execute(pressed, "manual")

    async def submit(
        self, user: str, conversation: str, activity_id: str, action: Action, inputs: Mapping[str, str] = {}
    ) -> Json:
        """Action.Submit: a message activity with ``value`` and no text, unless its ``msteams`` data ask otherwise.

        Returns ``{"shown": "nothing"}`` or an error.
        """
        return await self._submit(self._press(user, conversation, activity_id, action, inputs, "Action.Submit"))

    async def task_fetch(
        self, user: str, conversation: str, activity_id: str, action: Action, inputs: Mapping[str, str] = {}
    ) -> Json:
        """A submit action whose ``msteams.type`` is ``task/fetch``: opens a dialog.

        Returns ``{"shown": "dialog"|"message"|"error", "dialog"?, "text"?, "reason"?}``.
        """
        pressed = self._press(user, conversation, activity_id, action, inputs, "Action.Submit")
        if _teams(pressed.data).get("type") != "task/fetch":
            raise StandInError("NoSuchAction", "the action opens no dialog")
        return await self._fetch(pressed)

    async def refresh(self, user: str, conversation: str, activity_id: str) -> Json:
        """See a card that has ``refresh``: an automatic ``adaptiveCard/action``, for all or those in its userIds."""
        person, chat, message = self._seen(user, conversation, activity_id)
        for index, drawing in enumerate(message.cards(person.role)):
            if drawing is None or drawing.refresh is None:
                continue
            users = drawing.refresh.get("userIds")
            if users is not None and person.id not in users:
                continue
            action = drawing.refresh["action"]
            return await self._execute(_Pressed(person, chat, message, index, action, action.get("data")), "automatic")
        return {"shown": "nothing"}

    def _seen(self, user: str, conversation: str, activity_id: str) -> tuple[Person, Conversation, Message]:
        person = self._tenant.person(user)
        chat = self._tenant.chat(conversation, person.role)
        message = chat.visible(activity_id)
        seen = message is not None and message in chat.seen_by(person.role, self._tenant.clock())
        if message is None or not seen or (message.sender != BOT and not any(message.cards(person.role))):
            raise StandInError("MessageNotFound", activity_id)
        return person, chat, message

    def _press(
        self, user: str, conversation: str, activity_id: str, action: Action, inputs: Mapping[str, str], kind: str = ""
    ) -> _Pressed:
        person, chat, message = self._seen(user, conversation, activity_id)
        for index, drawing in enumerate(message.cards(person.role)):
            press = _find(drawing, action) if drawing is not None else None
            if press is None:
                continue
            if kind and press.action["type"] != kind:
                raise StandInError("NoSuchAction", f"{press.action['type']} is no {kind}")
            return _Pressed(person, chat, message, index, press.action, gather(press, inputs))
        raise StandInError("NoSuchAction", f"{action!r:.200} is not drawn")

    async def _execute(self, pressed: _Pressed, trigger: str) -> Json:
        person, chat, message, action = pressed.person, pressed.chat, pressed.message, pressed.action
        sent = {key: action[key] for key in ("type", "id", "title", "verb") if key in action}
        value: Json = {"action": {**sent, "data": pressed.data if pressed.data is not None else {}}, "trigger": trigger}
        activity = self._envelope.invoke(person, chat, "adaptiveCard/action", value, message)
        try:
            shown = replies.card_action(await self._ask(chat, activity))
        except InvalidReplyError as error:
            return self._sorry(person, chat, error, message=message.id)
        if shown.card is None:
            return self._line_of_text(person, chat, shown, message=message.id)
        message.replace(person.role, pressed.index, shown.card)
        self._tenant.emit("replaced", user=person.role, conversation=chat.id, message=message.id)
        self._tenant.examine(chat, message, person.role)
        return {"shown": "card", "card": shown.card}

    async def _submit(self, pressed: _Pressed) -> Json:
        person, chat, message = pressed.person, pressed.chat, pressed.message
        teams = _teams(pressed.data)
        match teams.get("type"):
            case "task/fetch":
                return await self._fetch(pressed)
            case "imBack":
                # Where the bot hears only what mentions it, the client adds the mention.
                mention = "" if chat.kind == "personal" else f"<at>{self._tenant.bot_name}</at> "
                await self.say(person.role, chat.id, f"{mention}{teams.get('value', '')}", message.id)
                return {"shown": "nothing"}
            case "messageBack":
                if teams.get("displayText"):
                    self._write(person, chat, str(teams["displayText"]), chat.root(message.id))
                value, text = teams.get("value", pressed.data), str(teams.get("text", ""))
            case None:
                value, text = pressed.data, ""
            case other:
                raise StandInError("UnsupportedAction", f"msteams.type {other!r}")
        activity = self._envelope.submitted(person, chat, message, value, text)
        failed = await self._tell(person, chat, activity, message=message.id)
        return {"shown": "error", **failed} if failed else {"shown": "nothing"}

    # -- dialogs -----------------------------------------------------------------------------------------------------

    def dialogs(self, user: str) -> list[Json]:
        """Open dialogs: ``{"id", "conversation", "message", "title", "width", "height", "card"|"url", "problems"}``."""
        role = self._tenant.person(user).role
        return [_dialog(dialog) for dialog in self._dialogs.values() if dialog.role == role]

    async def task_submit(self, user: str, dialog: str, action: Action, inputs: Mapping[str, str] = {}) -> Json:
        """Press a submit button of an open dialog: the invoke ``task/submit``.

        Returns as :meth:`task_fetch`; with ``nothing`` or a message the dialog is closed, with an error it stays open.
        """
        found = self._open(user, dialog)
        drawing = draw(found.shown.get("card"), dialog=True)
        press = _find(drawing, action)
        if press is None or press.action["type"] != "Action.Submit":
            raise StandInError("NoSuchAction", f"{action!r:.200} is not drawn as a submit button")
        person = self._tenant.person(user)
        value: Json = {"data": gather(press, inputs), "context": {"theme": "default"}}
        if found.command:
            value |= {"commandId": found.command, "commandContext": "message"}
            activity = self._envelope.composing(person, found.chat, "composeExtension/submitAction", value)
        else:
            activity = self._envelope.invoke(person, found.chat, "task/submit", value, found.origin, dialog=True)
        return await self._dialog_answer(person, found, activity, submitted=True)

    async def close_dialog(self, user: str, dialog: str) -> None:
        """Close a dialog with its cross; Teams does not tell the bot."""
        self._close(self._open(user, dialog))

    async def _fetch(self, pressed: _Pressed) -> Json:
        person, chat = pressed.person, pressed.chat
        value = {"data": pressed.data, "context": {"theme": "default"}}
        activity = self._envelope.invoke(person, chat, "task/fetch", value, pressed.message)
        dialog = Dialog(str(activity["id"]), person.role, chat, pressed.message, {})
        return await self._dialog_answer(person, dialog, activity, submitted=False)

    async def _dialog_answer(self, person: Person, dialog: Dialog, activity: Json, *, submitted: bool) -> Json:
        try:
            shown = replies.task(await self._ask(dialog.chat, activity), submitted=submitted)
        except InvalidReplyError as error:
            return self._sorry(person, dialog.chat, error)
        if shown.dialog is None:
            if submitted:
                self._close(dialog)
            return self._line_of_text(person, dialog.chat, shown) if shown.text else {"shown": "nothing"}
        dialog.shown = shown.dialog
        self._dialogs[dialog.id] = dialog
        for problem in draw(dialog.shown["card"], dialog=True).problems if "card" in dialog.shown else ():
            if problem.grave:
                self._tenant.refuse("card", problem.code, str(problem), user=person.role, dialog=dialog.id)
        self._tenant.emit("dialog", user=person.role, dialog=dialog.id, conversation=dialog.chat.id)
        return {"shown": "dialog", "dialog": _dialog(dialog)}

    def _open(self, user: str, dialog: str) -> Dialog:
        found = self._dialogs.get(dialog)
        if found is None or found.role != self._tenant.person(user).role:
            raise StandInError("DialogNotFound", dialog)
        return found

    def _close(self, dialog: Dialog) -> None:
        if self._dialogs.pop(dialog.id, None) is not None:
            self._tenant.emit("dialog_closed", user=dialog.role, dialog=dialog.id)

    # -- typing into a choice set --------------------------------------------------------------------------------------

    async def search(
        self,
        user: str,
        conversation: str,
        activity_id: str,
        input_id: str,
        query: str,
        *,
        inputs: Mapping[str, str] = {},
        top: int = 15,
        skip: int = 0,
    ) -> list[dict[str, str]]:
        """Type into a choice set with ``choices.data``: the invoke ``application/search``.

        Returns its ``{"title", "value"}`` results, none where the answer is wrong. ``activity_id`` may be an open
        dialog; ``inputs`` are the values of the card's other inputs, sent where the query asks for them.
        """
        if activity_id in self._dialogs:
            dialog = self._open(user, activity_id)
            person, chat, message = self._tenant.person(user), dialog.chat, dialog.origin
            drawings: list[Drawing | None] = [draw(dialog.shown.get("card"), dialog=True)]
        else:
            person, chat, message = self._seen(user, conversation, activity_id)
            drawings = message.cards(person.role)
        asked = next(
            (
                element["choices.data"]
                for drawing in drawings
                for element in (drawing.inputs if drawing else ())
                if element["id"] == input_id and isinstance(element.get("choices.data"), dict)
            ),
            None,
        )
        if asked is None:
            raise StandInError("NoSuchInput", f"{input_id} does not search")
        value: Json = {
            "queryText": query,
            "queryOptions": {"skip": skip, "top": top},
            "dataset": asked.get("dataset", ""),
        }
        if asked.get("associatedInputs") == "auto":
            value["data"] = dict(inputs)
        activity = self._envelope.invoke(
            person, chat, "application/search", value, message, dialog=activity_id in self._dialogs
        )
        try:
            return replies.search(await self._ask(chat, activity))
        except InvalidReplyError as error:
            self._sorry(person, chat, error)
            return []

    # -- what comes back -----------------------------------------------------------------------------------------------

    async def _ask(self, chat: Conversation, activity: Json, seconds: float | None = None) -> object:
        """Send an invoke and return the body of the answer. Raises `InvalidReplyError`."""
        if not chat.installed or self._tenant.disabled:
            raise InvalidReplyError("BotNotInstalled", "the bot was removed", replies.UNREACHABLE)
        answer = await self._bot_client.send(chat, activity, seconds or self.invoke_seconds)
        if answer.status and answer.status != 200:
            raise InvalidReplyError("BotFailed", f"HTTP {answer.status}")
        if answer.failure is not None:
            code, reason = answer.failure
            raise InvalidReplyError(code, reason, replies.UNREACHABLE if answer.status == 0 else replies.WRONG)
        return answer.body

    def _line_of_text(self, person: Person, chat: Conversation, shown: Shown, **facts: str) -> Json:
        event = "error" if shown.error else "notice"
        self._tenant.emit(event, user=person.role, conversation=chat.id, text=shown.text, **facts)
        return {"shown": "error" if shown.error else "message", "text": shown.text}


def _find(drawing: Drawing, action: Action) -> Press | None:
    if not isinstance(action, str):
        return drawing.find(dict(action))
    named = (press for press in drawing.presses if action in {press.action.get(key) for key in ("id", "verb", "title")})
    return next(named, None)


def _teams(data: object) -> Json:
    teams = data.get("msteams") if isinstance(data, dict) else None
    return teams if isinstance(teams, dict) else {}


def _dialog(dialog: Dialog) -> Json:
    problems = (
        [str(problem) for problem in draw(dialog.shown["card"], dialog=True).problems] if "card" in dialog.shown else []
    )
    return {
        "id": dialog.id,
        "conversation": dialog.chat.id,
        "message": dialog.origin.id,
        **dialog.shown,
        "problems": problems,
    }
