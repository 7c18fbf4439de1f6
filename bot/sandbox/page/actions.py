"""The actions of a person on the page: each is validated JSON that is run against a stand-in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypeAlias

from msgspec import Struct

from bot.sandbox.slack import SlackStandIn
from bot.sandbox.teams import TeamsStandIn

Json: TypeAlias = dict[str, Any]


class SlackAct(Struct, forbid_unknown_fields=True):
    """Something that ``user`` does in Slack."""

    user: str

    async def play(self, slack: SlackStandIn) -> object:
        """Do it; returns what the page is told (JSON-able). StandInError where that person cannot."""
        raise NotImplementedError


class Command(SlackAct):
    """A slash command: ``command`` with its slash, ``text`` what follows."""

    channel: str
    command: str
    text: str

    async def play(self, slack: SlackStandIn) -> object:
        """Returns whether the app acknowledged."""
        return asdict(await slack.command(self.user, self.channel, self.text, command=self.command))


class Say(SlackAct):
    """A message, or with ``thread_ts`` a reply."""

    channel: str
    text: str
    thread_ts: str | None = None
    files: list[str] = []
    """Ids that :class:`Attach` returned."""

    async def play(self, slack: SlackStandIn) -> object:
        """Returns the message's ts."""
        said = await slack.say(self.user, self.channel, self.text, thread_ts=self.thread_ts, files=self.files)
        return {"ts": said}


class Click(SlackAct):
    """A button or menu of the message ``ts`` in ``channel``, or, with ``view``, of a modal."""

    action_id: str
    block_id: str
    channel: str = ""
    ts: str = ""
    view: str = ""
    value: str | None = None
    option: str | int | list[str] | None = None
    state: dict[str, dict[str, Any]] = {}
    """What is filled in in a modal by now: ``{block_id: {action_id: value}}``."""

    async def play(self, slack: SlackStandIn) -> object:
        """Returns whether the app acknowledged."""
        chosen: Json = {"value": self.value, "option": self.option}
        if self.view:
            chosen["state"] = self.state
            taken = await slack.click_in_view(self.user, self.view, self.action_id, self.block_id, **chosen)
        else:
            taken = await slack.click(self.user, self.channel, self.ts, self.action_id, self.block_id, **chosen)
        return asdict(taken)


class Suggest(SlackAct):
    """What an external select offers for ``typed``; ``where`` is a view, or a channel and then with ``ts``."""

    where: str
    action_id: str
    block_id: str
    typed: str
    ts: str | None = None

    async def play(self, slack: SlackStandIn) -> object:
        """Returns options."""
        return await slack.suggest(self.user, self.where, self.action_id, self.block_id, typed=self.typed, ts=self.ts)


class Attach(SlackAct):
    """A file that is put into a modal's file input or beside a message; ``content`` is base64."""

    name: str
    content: bytes

    async def play(self, slack: SlackStandIn) -> object:
        """Returns the file's id."""
        return {"id": await slack.attach(self.user, self.name, self.content)}


class SubmitView(SlackAct):
    """The modal on top with what is filled in: ``{block_id: {action_id: value}}``."""

    view: str
    state: dict[str, dict[str, Any]]

    async def play(self, slack: SlackStandIn) -> object:
        """Returns whether the app acknowledged."""
        return asdict(await slack.submit_view(self.user, self.view, self.state))


class CloseView(SlackAct):
    """The modal on top, by its cancel button; by its cross with ``all_views``."""

    view: str
    all_views: bool = False

    async def play(self, slack: SlackStandIn) -> object:
        """Returns nothing."""
        await slack.close_view(self.user, self.view, all_views=self.all_views)
        return {}


class OpenHome(SlackAct):
    """The app's Home tab is opened."""

    async def play(self, slack: SlackStandIn) -> object:
        """Returns nothing."""
        await slack.open_home(self.user)
        return {}


class Shortcut(SlackAct):
    """A shortcut of the app: of the message ``ts`` in ``channel``, or without them a global one."""

    callback_id: str
    channel: str | None = None
    ts: str | None = None

    async def play(self, slack: SlackStandIn) -> object:
        """Returns whether the app acknowledged."""
        return asdict(await slack.shortcut(self.user, self.callback_id, channel=self.channel, ts=self.ts))


class TeamsAct(Struct, forbid_unknown_fields=True):
    """Something that ``user`` does in Teams."""

    user: str

    async def play(self, teams: TeamsStandIn) -> object:
        """Do it; returns what the page is told (JSON-able). StandInError where that person cannot."""
        raise NotImplementedError


class TeamsFile(Struct, forbid_unknown_fields=True):
    """A file that is attached to a message; ``content`` is base64."""

    name: str
    content: bytes


class TeamsSay(TeamsAct):
    """A message, or with ``reply_to`` an answer in a channel's thread."""

    conversation: str
    text: str
    reply_to: str | None = None
    files: list[TeamsFile] = []

    async def play(self, teams: TeamsStandIn) -> object:
        """Returns the message's id."""
        files = [(file.name, file.content) for file in self.files]
        return {"id": await teams.say(self.user, self.conversation, self.text, self.reply_to, files=files)}


class Press(TeamsAct):
    """A button of a card, given as it stands in the card, with the values of the card's inputs."""

    conversation: str
    message: str
    action: Json
    inputs: dict[str, str] = {}

    async def play(self, teams: TeamsStandIn) -> object:
        """Returns what the person sees."""
        return await teams.click(self.user, self.conversation, self.message, self.action, self.inputs)


class SubmitDialog(TeamsAct):
    """A button of an open dialog."""

    dialog: str
    action: Json
    inputs: dict[str, str] = {}

    async def play(self, teams: TeamsStandIn) -> object:
        """Returns what the person sees."""
        return await teams.task_submit(self.user, self.dialog, self.action, self.inputs)


class CloseDialog(TeamsAct):
    """A dialog's cross."""

    dialog: str

    async def play(self, teams: TeamsStandIn) -> object:
        """Returns nothing."""
        await teams.close_dialog(self.user, self.dialog)
        return {}


class Install(TeamsAct):
    """Add the bot to a conversation."""

    conversation: str

    async def play(self, teams: TeamsStandIn) -> object:
        """Returns nothing."""
        await teams.install(self.conversation, self.user)
        return {}


class Search(TeamsAct):
    """Typing into a choice set that searches; ``message`` may be an open dialog."""

    conversation: str
    message: str
    input: str
    query: str

    async def play(self, teams: TeamsStandIn) -> object:
        """Returns titles and values."""
        return await teams.search(self.user, self.conversation, self.message, self.input, self.query)


class Find(TeamsAct):
    """Typing into the search box of the message extension."""

    conversation: str
    text: str

    async def play(self, teams: TeamsStandIn) -> object:
        """Returns titles, texts and values."""
        return await teams.find(self.user, self.conversation, self.text)


class Choose(TeamsAct):
    """A result of the search, by its ``value``: its card is sent as a message."""

    conversation: str
    value: Json

    async def play(self, teams: TeamsStandIn) -> object:
        """Returns the message's id."""
        return {"id": await teams.choose(self.user, self.conversation, self.value)}


class AboutMessage(TeamsAct):
    """The app's command of a message."""

    conversation: str
    message: str

    async def play(self, teams: TeamsStandIn) -> object:
        """Returns what the person sees."""
        return await teams.ask_about(self.user, self.conversation, self.message)


SLACK: dict[str, type[SlackAct]] = {
    "command": Command,
    "say": Say,
    "click": Click,
    "suggest": Suggest,
    "attach": Attach,
    "submit": SubmitView,
    "close": CloseView,
    "home": OpenHome,
    "shortcut": Shortcut,
}
TEAMS: dict[str, type[TeamsAct]] = {
    "say": TeamsSay,
    "press": Press,
    "submit": SubmitDialog,
    "close": CloseDialog,
    "install": Install,
    "search": Search,
    "find": Find,
    "choose": Choose,
    "about": AboutMessage,
}
