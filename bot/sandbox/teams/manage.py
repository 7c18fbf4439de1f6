"""What people do to conversations and to the bot as a whole, and what Teams tells the bot of it."""

from __future__ import annotations

from typing import Any, TypeAlias

from bot.sandbox.teams import replies
from bot.sandbox.teams.activities import Envelope
from bot.sandbox.teams.errors import StandInError
from bot.sandbox.teams.line import Line
from bot.sandbox.teams.people import Person, Room, Tenant
from bot.sandbox.teams.replies import InvalidReplyError

Json: TypeAlias = dict[str, Any]

MESSAGE_SECONDS = 15.0


class Managing:
    """Adding and removing the bot, making, renaming and deleting channels, and activities that want no answer."""

    def __init__(self, tenant: Tenant, envelope: Envelope, line: Line) -> None:
        self._tenant = tenant
        self._envelope = envelope
        self._line = line
        self.message_seconds = MESSAGE_SECONDS

    # -- the app ---------------------------------------------------------------------------------------------------

    async def install(self, conversation: str, by: str = "") -> None:
        """Add the bot: installationUpdate (add), then conversationUpdate with the bot among membersAdded.

        In any channel it is the team that the bot is added to, with all its channels.
        ``by`` is who does it: by default the admin, or in a personal chat its person. Raises ``AlreadyInstalled``.
        """
        room, person = self._installer(conversation, by)
        if room.installed:
            raise StandInError("AlreadyInstalled", room.title)
        met = room.met
        for each in self._tenant.together(room):
            each.installed = each.met = True
        self._tenant.emit("installed", conversation=room.id)
        await self._tell(person, room, self._envelope.installation(person, room, "add"))
        # A personal chat begins once: its second installation brings no conversationUpdate.
        if not (met and room.kind == "personal"):
            await self._tell(person, room, self._envelope.membership(person, room, joined=True))

    async def uninstall(self, conversation: str, by: str = "") -> None:
        """Remove the bot: conversationUpdate (not in a personal chat), installationUpdate (remove).

        Its posts get 403 from then on. Raises ``BotNotInstalled``.
        """
        room, person = self._installer(conversation, by)
        if not room.installed:
            raise StandInError("BotNotInstalled", room.title)
        for each in self._tenant.together(room):
            each.installed = False
        self._tenant.emit("removed", conversation=room.id)
        if room.kind != "personal":
            await self._tell(person, room, self._envelope.membership(person, room, joined=False))
        await self._tell(person, room, self._envelope.installation(person, room, "remove"))

    def block(self, conversation: str, *, blocked: bool = True) -> None:
        """Block the bot without removing it (or undo it): it is not told, its posts get 403 MessageWritesBlocked."""
        self._tenant.room(conversation).blocked = blocked

    def disable(self, *, disabled: bool = True) -> None:
        """Forbid the bot in the whole tenant (or undo it): it is not told, its requests get 403 BotDisabledByAdmin."""
        self._tenant.disabled = disabled

    def _installer(self, conversation: str, by: str) -> tuple[Room, Person]:
        room = self._tenant.room(conversation)
        if room.kind == "channel":
            room = self._tenant.rooms[self._tenant.team_id]
        person = self._tenant.person(by or (room.members[0] if room.kind == "personal" else "admin"))
        return self._tenant.room(room.id, person.role), person

    # -- channels and titles -------------------------------------------------------------------------------------------

    async def create_channel(self, name: str, by: str = "admin") -> str:
        """A new channel of the team, found by its ``name`` from then on: ``channelCreated``. Its id."""
        room = self._tenant.add_channel(name)
        await self._channel(room, "channelCreated", by)
        return room.id

    async def rename(self, conversation: str, title: str, by: str = "admin") -> None:
        """Give a channel (``channelRenamed``) or a group chat (``topicName``) another title.

        Its id and the name it is found by here stay, so messages still reach it.
        """
        room = self._tenant.room(conversation)
        if room.kind == "personal":
            raise StandInError("NotRenamable", room.title)
        room.title = self._tenant.channel_title(title) if room.kind == "channel" else title
        if room.kind == "channel":
            await self._channel(room, "channelRenamed", by)
        elif room.installed:
            person = self._tenant.person(by)
            await self._tell(person, room, self._envelope.topic(person, room))

    async def delete_channel(self, conversation: str, by: str = "admin") -> None:
        """Delete a channel: ``channelDeleted``, and ``ConversationNotFound`` from then on. General cannot go."""
        room = self._tenant.room(conversation)
        if room.kind != "channel" or room.id == self._tenant.team_id:
            raise StandInError("NotDeletable", room.title)
        room.deleted = True
        await self._channel(room, "channelDeleted", by)

    async def _channel(self, room: Room, event: str, by: str) -> None:
        person, team = self._tenant.person(by), self._tenant.rooms[self._tenant.team_id]
        self._tenant.emit(event, conversation=room.id)
        if team.installed:
            await self._tell(person, team, self._envelope.channel(person, team, room, event))

    # -- telling the bot -----------------------------------------------------------------------------------------------

    async def _tell(self, person: Person, room: Room, activity: Json, *, message: str = "") -> Json | None:
        """Send an activity that wants no body. None, or the text and reason of the error that was shown."""
        if self._tenant.disabled:
            return None
        answer = await self._line.send(room, activity, self.message_seconds)
        if answer.status in {200, 201, 202, 204}:
            return None
        code, reason = answer.failure or ("BotFailed", f"HTTP {answer.status}")
        if answer.status:
            code, reason = "BotFailed", f"HTTP {answer.status}"
        shown = self._sorry(person, room, InvalidReplyError(code, reason, replies.WRONG), message=message)
        return {key: shown[key] for key in ("text", "reason")}

    def _sorry(self, person: Person, room: Room, error: InvalidReplyError, **facts: str) -> Json:
        self._tenant.refuse("invoke", error.code, error.reason, user=person.role, conversation=room.id, **facts)
        self._tenant.emit(
            "error",
            user=person.role,
            conversation=room.id,
            text=error.text,
            reason=f"{error.code}: {error.reason}",
            **facts,
        )
        return {"shown": "error", "text": error.text, "reason": f"{error.code}: {error.reason}"}
