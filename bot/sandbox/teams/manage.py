"""What people do to conversations and to the bot as a whole, and what Teams tells the bot of it."""

from __future__ import annotations

from typing import Any, TypeAlias

from bot.sandbox.teams import replies
from bot.sandbox.teams.activities import Envelope
from bot.sandbox.teams.bot_client import BotClient
from bot.sandbox.teams.errors import StandInError
from bot.sandbox.teams.people import Conversation, Person, Tenant
from bot.sandbox.teams.replies import InvalidReplyError

Json: TypeAlias = dict[str, Any]

MESSAGE_SECONDS = 15.0


class Managing:
    """Adding and removing the bot, making, renaming and deleting channels, and activities that want no answer."""

    def __init__(self, tenant: Tenant, envelope: Envelope, bot_client: BotClient) -> None:
        self._tenant = tenant
        self._envelope = envelope
        self._bot_client = bot_client
        self.message_seconds = MESSAGE_SECONDS

    # -- groups of the directory -----------------------------------------------------------------------------------

    def join_group(self, group: str, user: str) -> None:
        """Make somebody a member of a group, which is given by its object id or name. The bot is sent nothing of it."""
        self._tenant.group(group).members.add(self._tenant.person(user).role)

    def leave_group(self, group: str, user: str) -> None:
        """Take somebody out of a group. The bot is sent nothing of it."""
        self._tenant.group(group).members.discard(self._tenant.person(user).role)

    # -- the app ---------------------------------------------------------------------------------------------------

    async def install(self, conversation: str, by: str = "") -> None:
        """Add the bot: installationUpdate (add), then conversationUpdate with the bot among membersAdded.

        In any channel it is the team that the bot is added to, with all its channels.
        ``by`` is who does it: by default the admin, or in a personal chat its person. Raises ``AlreadyInstalled``.
        """
        chat, person = self._installer(conversation, by)
        if chat.installed:
            raise StandInError("AlreadyInstalled", chat.title)
        met = chat.met
        for each in self._tenant.together(chat):
            each.installed = each.met = True
        self._tenant.emit("installed", conversation=chat.id)
        await self._tell(person, chat, self._envelope.installation(person, chat, "add"))
        # A personal chat begins once: its second installation brings no conversationUpdate.
        if not (met and chat.kind == "personal"):
            await self._tell(person, chat, self._envelope.membership(person, chat, joined=True))

    async def uninstall(self, conversation: str, by: str = "") -> None:
        """Remove the bot: conversationUpdate (not in a personal chat), installationUpdate (remove).

        Its posts get 403 from then on. Raises ``BotNotInstalled``.
        """
        chat, person = self._installer(conversation, by)
        if not chat.installed:
            raise StandInError("BotNotInstalled", chat.title)
        for each in self._tenant.together(chat):
            each.installed = False
        self._tenant.emit("removed", conversation=chat.id)
        if chat.kind != "personal":
            await self._tell(person, chat, self._envelope.membership(person, chat, joined=False))
        await self._tell(person, chat, self._envelope.installation(person, chat, "remove"))

    def is_installed(self, conversation: str) -> bool:
        """Whether the bot is in a conversation, so that it hears what is said there. Raises StandInError."""
        return self._tenant.chat(conversation).installed

    def block(self, conversation: str, *, blocked: bool = True) -> None:
        """Block the bot without removing it (or undo it): it is not told, its posts get 403 MessageWritesBlocked."""
        self._tenant.chat(conversation).blocked = blocked

    def disable(self, *, disabled: bool = True) -> None:
        """Forbid the bot in the whole tenant (or undo it): it is not told, its requests get 403 BotDisabledByAdmin."""
        self._tenant.disabled = disabled

    def _installer(self, conversation: str, by: str) -> tuple[Conversation, Person]:
        chat = self._tenant.chat(conversation)
        if chat.kind == "channel":
            chat = self._tenant.conversations[self._tenant.team_id]
        person = self._tenant.person(by or (chat.members[0] if chat.kind == "personal" else "admin"))
        return self._tenant.chat(chat.id, person.role), person

    # -- channels and titles -------------------------------------------------------------------------------------------

    async def create_channel(self, name: str, by: str = "admin") -> str:
        """A new channel of the team, found by its ``name`` from then on: ``channelCreated``. Its id."""
        chat = self._tenant.add_channel(name)
        await self._channel(chat, "channelCreated", by)
        return chat.id

    async def rename(self, conversation: str, title: str, by: str = "admin") -> None:
        """Give a channel (``channelRenamed``) or a group chat (``topicName``) another title.

        Its id and the name it is found by here stay, so messages still reach it.
        """
        chat = self._tenant.chat(conversation)
        if chat.kind == "personal":
            raise StandInError("NotRenamable", chat.title)
        chat.title = self._tenant.channel_title(title) if chat.kind == "channel" else title
        if chat.kind == "channel":
            await self._channel(chat, "channelRenamed", by)
        elif chat.installed:
            person = self._tenant.person(by)
            await self._tell(person, chat, self._envelope.topic(person, chat))

    async def delete_channel(self, conversation: str, by: str = "admin") -> None:
        """Delete a channel: ``channelDeleted``, and ``ConversationNotFound`` from then on. General cannot go."""
        chat = self._tenant.chat(conversation)
        if chat.kind != "channel" or chat.id == self._tenant.team_id:
            raise StandInError("NotDeletable", chat.title)
        chat.deleted = True
        await self._channel(chat, "channelDeleted", by)

    async def _channel(self, chat: Conversation, event: str, by: str) -> None:
        person, team = self._tenant.person(by), self._tenant.conversations[self._tenant.team_id]
        self._tenant.emit(event, conversation=chat.id)
        if team.installed:
            await self._tell(person, team, self._envelope.channel(person, team, chat, event))

    # -- telling the bot -----------------------------------------------------------------------------------------------

    async def _tell(self, person: Person, chat: Conversation, activity: Json, *, message: str = "") -> Json | None:
        """Send an activity that wants no body. None, or the text and reason of the error that was shown."""
        if self._tenant.disabled:
            return None
        answer = await self._bot_client.send(chat, activity, self.message_seconds)
        if answer.status in {200, 201, 202, 204}:
            return None
        code, reason = answer.failure or ("BotFailed", f"HTTP {answer.status}")
        if answer.status:
            code, reason = "BotFailed", f"HTTP {answer.status}"
        shown = self._sorry(person, chat, InvalidReplyError(code, reason, replies.WRONG), message=message)
        return {key: shown[key] for key in ("text", "reason")}

    def _sorry(self, person: Person, chat: Conversation, error: InvalidReplyError, **facts: str) -> Json:
        self._tenant.refuse("invoke", error.code, error.reason, user=person.role, conversation=chat.id, **facts)
        self._tenant.emit(
            "error",
            user=person.role,
            conversation=chat.id,
            text=error.text,
            reason=f"{error.code}: {error.reason}",
            **facts,
        )
        return {"shown": "error", "text": error.text, "reason": f"{error.code}: {error.reason}"}
