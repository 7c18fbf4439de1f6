"""User actions: commands, clicks and forms, from the person's side to the payload the app receives and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack import inputs, payloads, reply
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.deliver import Acknowledged, Deliverer
from bot.sandbox.slack.errors import Refused, StandInError
from bot.sandbox.slack.links import unfurled
from bot.sandbox.slack.model import Message
from bot.sandbox.slack.people import SLACKBOT, Channel, Json, Person
from bot.sandbox.slack.rules import wrong_with_options
from bot.sandbox.slack.views import View
from bot.sandbox.slack.words import escape

_WORDS = {
    "operation_timeout": "the app did not answer within 3 seconds",
    "dispatch_failed": "the app could not be reached",
    "http_service_error": "the app answered with an error",
    "invalid_response": "the app's answer made no sense",
}
_QUERY = 3
"""Characters to type before an external select asks the app, unless it says otherwise."""


class UserActions:
    """Commands, clicks and forms."""

    def __init__(self, core: Core, deliverer: Deliverer) -> None:
        self._core = core
        self._deliverer = deliverer
        self._states: dict[tuple[str, str, str], dict[str, dict[str, Json]]] = {}
        self._offered: dict[tuple[str, str, str], list[Json]] = {}

    async def command(self, person: Person, channel: Channel, name: str, text: str) -> Acknowledged:
        """Use a slash command."""
        if name not in self._core.settings.commands or self._core.removed:
            raise StandInError("no_such_command", f"{name} is not a command of this workspace")
        payload = payloads.command(self._core, person, channel, name, escape(text.strip()))
        taken = await self._deliverer.ask("command", payload)
        if not taken.ok:
            return self._failed(person, channel, name, taken)
        if taken.body:
            address = self._core.replies.issued[payload["response_url"].removeprefix(self._core.url)]
            try:
                await reply.respond(self._core, address, taken.body)
            except Refused:
                return self._failed(person, channel, name, Acknowledged(False, "invalid_response", taken.body))
        return taken

    async def shortcut(self, person: Person, callback_id: str, message: Message | None = None) -> Acknowledged:
        """Use a shortcut: of a message, or a global one. StandInError no_such_shortcut."""
        kind = "message" if message else "global"
        if (kind, callback_id) not in self._core.settings.shortcuts or self._core.removed:
            raise StandInError("no_such_shortcut", f"{callback_id} is no {kind} shortcut of this workspace")
        if message is None:
            payload = payloads.shortcut(self._core, person, callback_id)
        else:
            payload = payloads.message_shortcut(self._core, person, message, callback_id)
        return await self._deliverer.ask("interactive", payload)

    def message(self, person: Person, channel: Channel, ts: str) -> Message:
        """A message that this person can see. StandInError message_not_found."""
        message = self._core.workspace.find(channel.id, ts)
        if message is None or message.only_for not in ("", person.id):
            raise StandInError("message_not_found", f"{person.role} sees no message {ts} in {channel.name}")
        return message

    async def click_message(
        self, person: Person, message: Message, action_id: str, block_id: str | None, value: str | None, option: object
    ) -> Acknowledged:
        """Use an element of a message."""
        blocks = message.blocks + [block for each in message.attachments for block in each.get("blocks") or ()]
        block, element = inputs.find(blocks, action_id, block_id, value)
        key = (message.channel, message.ts, person.id)
        state = self._states[key] = _merged(inputs.initial_state(blocks), self._states.get(key, {}))
        action = self._used(person, message.ts, block, element, state, value, option)
        card = unfurled(message.attachments, block["block_id"])
        payload = payloads.message_action(self._core, person, message, state, action, card)
        taken = await self._deliverer.ask("interactive", payload)
        if taken.ok:
            return taken
        return self._failed(person, self._core.workspace.channels[message.channel], action_id, taken, message.thread_ts)

    async def click_view(
        self,
        person: Person,
        view: View,
        action_id: str,
        block_id: str | None,
        value: str | None,
        option: object,
        state: Mapping[str, Mapping[str, Any]],
    ) -> Acknowledged:
        """Use an element of a modal or the Home tab; ``state`` is what its inputs hold by now."""
        self._fill_in(person, view, state)
        block, element = inputs.find(view.blocks, action_id, block_id, value)
        action = self._used(person, view.id, block, element, view.state, value, option)
        return await self._deliverer.ask("interactive", payloads.view_action(self._core, person, view, action))

    def _used(
        self,
        person: Person,
        where: str,
        block: Mapping[str, Any],
        element: Mapping[str, Any],
        state: dict[str, dict[str, Json]],
        value: str | None,
        option: object,
    ) -> Json:
        """The action to report; ``state`` takes up the choice."""
        kind, names = element["type"], {"action_id": element["action_id"], "block_id": block["block_id"]}
        if block["type"] == "input" and not block.get("dispatch_action"):
            raise StandInError("not_dispatching", f"{block['block_id']} tells nobody before the form is submitted")
        if kind == "file_input":
            raise StandInError("not_dispatching", "a file_input tells nobody before the form is submitted")
        about: Json
        if kind in ("button", "icon_button"):
            about = {key: element[key] for key in ("text", "value", "style", "icon") if key in element}
        elif kind == "feedback_buttons":
            sides = {side["value"]: side for side in (element["positive_button"], element["negative_button"])}
            if value not in sides:
                raise StandInError("no_such_option", f"{names['action_id']} has no button with value {value!r}")
            about = {"text": sides[value]["text"], "value": value}
        elif kind == "overflow":
            about = {"selected_option": inputs.pick(element, option)}
        else:
            offered = self._offered.get((person.id, where, names["action_id"]), ())
            about = inputs.chosen(element, value if option is None else option, offered)
            state.setdefault(names["block_id"], {})[names["action_id"]] = {"type": kind, **about}
            about |= {key: element[key] for key in ("placeholder",) if key in element}
        return {**names, **about, "type": kind, "action_ts": self._core.workspace.ts()}

    async def suggest(
        self, person: Person, where: Message | View, action_id: str, block_id: str | None, typed: str
    ) -> list[Json]:
        """Options (or option groups) for what was typed."""
        block, element = inputs.find(where.blocks, action_id, block_id)
        if element["type"] not in ("external_select", "multi_external_select"):
            raise StandInError("not_external", f"{action_id} is a {element['type']}")
        if len(typed) < element.get("min_query_length", _QUERY):
            return []
        taken = await self._deliverer.ask(
            "interactive", payloads.suggestion(self._core, person, where, block, element, typed)
        )
        if not taken.ok or wrong_with_options(taken.body):
            return []
        place = where.id if isinstance(where, View) else where.ts
        self._offered[person.id, place, action_id] = inputs.options_of(taken.body)
        options: list[Json] = taken.body.get("options") or taken.body.get("option_groups") or []
        return options

    async def submit(self, person: Person, view: View, given: Mapping[str, Mapping[str, Any]]) -> Acknowledged:
        """Fill a form and send it off; the answer may keep it open, change it or close it."""
        if not view.given.get("submit"):
            raise StandInError("no_submit_button", "this modal cannot be submitted")
        self._fill_in(person, view, given)
        if wrong := inputs.missing(view.blocks, view.state):
            self._core.views.show_errors(view, wrong)
            raise StandInError("input_required", "; ".join(f"{block}: {words}" for block, words in wrong.items()))
        taken = await self._deliverer.ask("interactive", payloads.submission(self._core, person, view))
        if not taken.ok:
            return self._trouble(view, taken)
        try:
            self._answer(view, taken.body)
        except Refused as refused:
            return self._trouble(view, Acknowledged(False, "invalid_response", {**taken.body, "why": refused.code}))
        return taken

    def _fill_in(self, person: Person, view: View, given: Mapping[str, Mapping[str, Any]]) -> None:
        """Take up what somebody has typed, chosen and attached. StandInError where an input does not take it."""
        for block_id, actions in given.items():
            for action_id, value in actions.items():
                _, element = inputs.find(view.blocks, action_id, block_id)
                offered = self._offered.get((person.id, view.id, action_id), ())
                chosen = inputs.chosen(element, self._files(element, value), offered)
                view.state[block_id][action_id] = {"type": element["type"], **chosen}

    def _files(self, element: Mapping[str, Any], value: object) -> object:
        """Ids of attached files as the objects that Slack sends."""
        if element["type"] != "file_input" or not isinstance(value, list):
            return value
        files = [self._core.files.get(str(each)) for each in value]
        if None in files or len(files) > element.get("max_files", 10):
            raise StandInError("no_such_file", f"{value} are not {element.get('max_files', 10)} attached files at most")
        return [self._core.files.wire(file) for file in files if file]

    def _answer(self, view: View, body: Json) -> None:
        """What a ``response_action`` says. Refused where it says nothing sensible."""
        views = self._core.views
        match body.get("response_action"):
            case None if not body:
                views.close(view)
            case "clear":
                views.clear(view.user)
            case "update":
                views.update(view, body.get("view"))
            case "push":
                views.push(view.user, body.get("view"))
            case "errors":
                errors, known = body.get("errors"), {b["block_id"] for b in view.blocks if b["type"] == "input"}
                if not isinstance(errors, dict) or not errors or not set(errors) <= known:
                    raise Refused("invalid_errors")
                views.show_errors(view, errors)
            case _:
                raise Refused("invalid_response_action")

    async def close(self, person: Person, view: View, *, everything: bool) -> None:
        """Close a modal by its button (and those below, where the view says so), or the whole stack by its cross."""
        stack = self._core.views.stacks[person.id]
        cleared = everything or bool(view.given.get("clear_on_close"))
        for each in list(reversed(stack)) if cleared else [view]:
            self._core.views.close(each)
            if each.given.get("notify_on_close"):
                payload = payloads.closing(person, each, cleared=cleared)
                self._deliverer.background(self._deliverer.ask("interactive", payload))

    def _failed(
        self, person: Person, channel: Channel, what: str, taken: Acknowledged, thread: str | None = None
    ) -> Acknowledged:
        """Tell the person, as Slack does, that nothing came of it."""
        words = f"{what} failed with the error “{taken.error}”: {_WORDS[taken.error]}."
        ts = self._core.workspace.ts()
        self._core.workspace.post(
            Message(ts, channel.id, SLACKBOT, words, thread_ts=thread, only_for=person.id, error=taken.error)
        )
        return taken

    def _trouble(self, view: View, taken: Acknowledged) -> Acknowledged:
        self._core.views.show_errors(view, {"": f"{_WORDS[taken.error]} ({taken.error}). Try again."})
        return taken


def _merged(fresh: dict[str, dict[str, Json]], kept: dict[str, dict[str, Json]]) -> dict[str, dict[str, Json]]:
    """The initial state of elements, with what this person chose before where they are still there."""
    return {
        block: {action: kept.get(block, {}).get(action, start) for action, start in actions.items()}
        for block, actions in fresh.items()
    }
