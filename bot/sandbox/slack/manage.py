"""What people do to channels and to the app as a whole, and the record of what the app did."""

from __future__ import annotations

from collections import deque

from bot.sandbox.slack import lifecycle
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import StandInError
from bot.sandbox.slack.people import BOT_USER, Channel, Json, UserGroup
from bot.sandbox.slack.record import entry


class Managing:
    """The people's side that concerns no single message; ``by`` is who does it. See :class:`SlackStandIn`."""

    _core: Core

    # channels ------------------------------------------------------------------------------------------------------

    async def invite(self, channel: str, user: str = "bot", *, by: str = "admin") -> None:
        """Make somebody (the bot by default) a member of a channel: ``member_joined_channel``."""
        workspace = self._core.workspace
        lifecycle.join(workspace, self._public(channel), workspace.person(user).id, workspace.person(by).id)

    async def remove(self, channel: str, user: str = "bot", *, by: str = "admin") -> None:
        """Remove somebody from a channel. The bot hears ``channel_left`` (``group_left``) when it is the one.

        Of others it would hear ``member_left_channel``.
        """
        workspace = self._core.workspace
        lifecycle.leave(workspace, self._public(channel), workspace.person(user).id, workspace.person(by).id)

    def join_group(self, group: str, user: str) -> None:
        """Make somebody a member of a user group, which is given by its id or handle. The bot hears nothing of it."""
        members, id_ = self._group(group).members, self._core.workspace.person(user).id
        if id_ not in members:
            members.append(id_)

    def leave_group(self, group: str, user: str) -> None:
        """Take somebody out of a user group. The bot hears nothing of it."""
        members, id_ = self._group(group).members, self._core.workspace.person(user).id
        if id_ in members:
            members.remove(id_)

    def disable_group(self, group: str) -> None:
        """Disable a user group, which has no members then."""
        self._group(group).enabled = False

    def _group(self, group: str) -> UserGroup:
        for each in self._core.workspace.groups.values():
            if group in (each.id, each.handle):
                return each
        raise StandInError("no_such_subteam", f"there is no user group {group!r}")

    def create_channel(self, name: str, *, private: bool = False, bot: bool = True) -> str:
        """A new channel with everybody in it, with or without the ``bot``. Its id."""
        if any(channel.name == name and not channel.deleted for channel in self._core.workspace.channels.values()):
            raise StandInError("name_taken", f"there is a channel {name} already")
        members = set(self._core.workspace.people) - (set() if bot else {BOT_USER})
        return lifecycle.create(self._core.workspace, name, members, private=private).id

    def archive(self, channel: str, *, by: str = "admin") -> None:
        """Archive a channel, so that nothing can be written there any more: ``channel_archive``."""
        self._archived(channel, by, archived=True)

    def unarchive(self, channel: str, *, by: str = "admin") -> None:
        """Open an archived channel again, its members still in it: ``channel_unarchive``."""
        self._archived(channel, by, archived=False)

    def rename(self, channel: str, name: str) -> None:
        """Give a channel another name: ``channel_rename``. Its id stays, so messages still reach it by that."""
        place = self._public(channel)
        if any(other.name == name and not other.deleted for other in self._core.workspace.channels.values()):
            raise StandInError("name_taken", f"there is a channel {name} already")
        lifecycle.rename(self._core.workspace, place, name)

    def renumber(self, channel: str) -> str:
        """Give a channel another id, as when it is shared with another workspace: ``channel_id_changed``. Its new id.

        It is ``channel_not_found`` by the old one from then on.
        """
        return lifecycle.renumber(self._core.workspace, self._public(channel))

    def delete_channel(self, channel: str, *, by: str = "admin") -> None:
        """Delete a channel for good: ``channel_deleted``, and ``channel_not_found`` from then on."""
        lifecycle.delete(self._core.workspace, self._public(channel), self._core.workspace.person(by).id)

    def _archived(self, channel: str, by: str, *, archived: bool) -> None:
        place = self._public(channel)
        if place.archived == archived:
            raise StandInError("already_archived" if archived else "not_archived", place.name)
        lifecycle.archive(self._core.workspace, place, self._core.workspace.person(by).id, archived=archived)

    def _public(self, channel: str) -> Channel:
        place = self._core.workspace.channel(channel)
        if place.kind == "im":
            raise StandInError("method_not_supported_for_channel_type", "direct messages have the members they have")
        return place

    # the app -------------------------------------------------------------------------------------------------------

    def uninstall(self) -> None:
        """Remove the app: ``app_uninstalled`` and ``tokens_revoked`` are the last events it hears.

        Every call with the bot token is refused ``account_inactive``, people find no command and no button of the app,
        until :meth:`reinstall`.
        """
        self._installed()
        lifecycle.uninstall(self._core.workspace)
        self._core.removed = "account_inactive"

    def revoke_token(self) -> None:
        """Take the bot token back: ``tokens_revoked``, and every call is refused ``token_revoked``."""
        self._installed()
        lifecycle.revoke(self._core.workspace)
        self._core.removed = "token_revoked"

    def reinstall(self) -> None:
        """Install the app again, with the same token and in the channels it was in. It hears nothing of that."""
        if not self._core.removed:
            raise StandInError("already_installed", "the app is in this workspace")
        self._core.removed = ""

    def _installed(self) -> None:
        if self._core.removed:
            raise StandInError("not_installed", "the app is not in this workspace")

    # the record ----------------------------------------------------------------------------------------------------

    @property
    def writes(self) -> deque[Json]:
        """Every attempt of the app to write, oldest first: ``{"at", "method", "channel", "ts", "thread", "outcome"}``.

        ``at`` is in seconds by the stand-in's clock. ``outcome`` is ``ok``, the code it was refused with
        (``ratelimited``, ``channel_not_found`` …; ``service_unavailable`` in an outage), ``cut`` (not carried out, no
        answer) or ``lost`` (carried out, no answer). ``channel`` is the id where it is known, else as the app named it;
        ``ts`` the message that was posted, changed or deleted.
        """
        return self._core.writes.log

    def history_of(self, channel: str, *, user: str = "") -> list[Json]:
        """Every message that was ever posted in a channel (by ``user``: id or role), also those that are gone.

        ``{"ts", "thread": ts of the root or "", "user", "text", "metadata", "broadcast", "ephemeral", "posted",
        "edits": [time of each], "deleted": time or None}``, oldest first; times are seconds by the stand-in's clock.
        Text and metadata are the latest. A deleted channel is found by its id.
        """
        workspace = self._core.workspace
        place = channel if channel in workspace.ever else workspace.channel(channel).id
        who = workspace.person(user).id if user else ""
        return [entry(message) for message in workspace.ever[place] if who in ("", message.user)]
