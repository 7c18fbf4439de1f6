"""What becomes of channels and of the app in them, and which events tell it (recorded ones, and Slack's event pages).

Slack tells an app of a channel by ``channel_*``, of a private one by ``group_*``. That the app itself was removed
comes as ``channel_left`` or ``group_left``; ``member_left_channel`` is sent to those who stay.
"""

from __future__ import annotations

from bot.sandbox.slack.model import Workspace
from bot.sandbox.slack.people import BOT_USER, TEAM, Channel, Json


def create(workspace: Workspace, name: str, members: set[str], *, private: bool) -> Channel:
    """A new channel."""
    channel = Channel(workspace.id("C", 9), name, members=set(members), private=private, created=int(workspace.clock()))
    workspace.channels[channel.id] = channel
    workspace.said[channel.id], workspace.ever[channel.id] = {}, []
    _announce(workspace, channel)
    return channel


def join(workspace: Workspace, channel: Channel, user: str, by: str) -> None:
    """Make somebody a member."""
    channel.members.add(user)
    _announce(workspace, channel)
    if BOT_USER in channel.members:
        workspace.hears("member_joined_channel", {**_member(workspace, channel, user, "joined"), "inviter": by})


def leave(workspace: Workspace, channel: Channel, user: str, by: str) -> None:
    """End a membership."""
    heard = BOT_USER in channel.members
    channel.members.discard(user)
    _announce(workspace, channel)
    if heard and user == BOT_USER:
        _hear(workspace, channel, "left", {"channel": channel.id, "actor_id": by})
    elif heard:
        workspace.hears("member_left_channel", _member(workspace, channel, user, "left"))


def archive(workspace: Workspace, channel: Channel, by: str, *, archived: bool) -> None:
    """Close a channel for everybody who writes, or open it again."""
    channel.archived = archived
    _announce(workspace, channel)
    more = {"is_moved": 0} if archived else {}
    _hear(workspace, channel, "archive" if archived else "unarchive", {"channel": channel.id, "user": by, **more})


def rename(workspace: Workspace, channel: Channel, name: str) -> None:
    """Give a channel another name; its id stays."""
    channel.previous.insert(0, channel.name)
    channel.name = name
    _announce(workspace, channel)
    told = {
        "id": channel.id,
        "is_channel": True,
        "is_mpim": False,
        "name": name,
        "name_normalized": name,
        "created": channel.created,
    }
    _hear(workspace, channel, "rename", {"channel": told})


def renumber(workspace: Workspace, channel: Channel) -> str:
    """Give a channel another id, as when it is shared with another workspace: it keeps all that was said in it.

    By its old id nobody finds it any more. Slack tells public and private channels by the same event.
    """
    old = channel.id
    channel.id = new = workspace.id("C", 10)
    workspace.channels[new] = workspace.channels.pop(old)
    workspace.moved(old, new)
    _announce(workspace, channel)
    if not channel.private or BOT_USER in channel.members:
        about = {"old_channel_id": old, "new_channel_id": new, "event_ts": workspace.ts()}
        workspace.hears("channel_id_changed", {"type": "channel_id_changed", **about})
    return new


def delete(workspace: Workspace, channel: Channel, by: str) -> None:
    """Take a channel away with everything that was said in it."""
    channel.archived = True
    _announce(workspace, channel)
    now = int(workspace.clock())
    _hear(workspace, channel, "deleted", {"channel": channel.id, "actor_id": by, "date_deleted": now})
    channel.deleted = True


def revoke(workspace: Workspace) -> None:
    """Take the bot token back: ``tokens_revoked``."""
    workspace.hears("tokens_revoked", {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}})


def uninstall(workspace: Workspace) -> None:
    """Remove the app from the workspace: ``app_uninstalled`` and ``tokens_revoked``, in no certain order on Slack."""
    workspace.hears("app_uninstalled", {"type": "app_uninstalled"})
    revoke(workspace)


def _announce(workspace: Workspace, channel: Channel) -> None:
    workspace.announce({"type": "channel", "channel": channel.summary()})


def _member(workspace: Workspace, channel: Channel, user: str, how: str) -> Json:
    about = {"type": f"member_{how}_channel", "user": user, "channel": channel.id, "channel_type": "C", "team": TEAM}
    return {**about, "event_ts": workspace.ts()}


def _hear(workspace: Workspace, channel: Channel, what: str, about: Json) -> None:
    """An event about the channel itself: of public ones the whole workspace hears, of private ones who is in them."""
    if channel.private and BOT_USER not in channel.members and what != "left":
        return
    kind = f"{channel.sort}_{what}"
    workspace.hears(kind, {"type": kind, **about, "event_ts": workspace.ts()})
