"""Who works in the workspace, and where they talk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

Json: TypeAlias = dict[str, Any]

TEAM = "T0SANDBOX"
DOMAIN = "sandbox"
APP = "A0BATCHBOT"
BOT = "B0BATCHBOT"
BOT_USER = "U0BATCHBOT"
SLACKBOT = "USLACKBOT"
"""Who tells people that something went wrong."""


@dataclass(frozen=True)
class Person:
    """A member of the workspace; ``name`` is what others type after an @."""

    id: str
    role: str
    name: str
    tz: str
    is_bot: bool = False

    def summary(self) -> Json:
        """The person for the page."""
        return {"id": self.id, "name": self.name, "role": self.role, "tz": self.tz, "is_bot": self.is_bot}

    def user(self, now: float) -> Json:
        """Slack's user object; ``now`` decides about summer time."""
        local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(self.tz))
        offset = local.utcoffset()
        real_name = self.role.capitalize()
        profile = {
            "title": "",
            "phone": "",
            "skype": "",
            "real_name": real_name,
            "real_name_normalized": real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "status_text": "",
            "status_emoji": "",
            "status_expiration": 0,
            "avatar_hash": "",
            "team": TEAM,
            **({"api_app_id": APP, "bot_id": BOT} if self.is_bot else {}),
        }
        return {
            "id": self.id,
            "team_id": TEAM,
            "name": self.name,
            "deleted": False,
            "color": "9f69e7",
            "real_name": real_name,
            "tz": self.tz,
            "tz_label": local.tzname(),
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "profile": profile,
            "is_admin": self.role == "admin",
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1_700_000_000,
        }

    def brief(self) -> Json:
        """The person as interactions name them."""
        return {"id": self.id, "username": self.name, "name": self.name, "team_id": TEAM}


@dataclass
class Channel:
    """A channel, public or ``private``, or the direct messages between the app and ``person``."""

    id: str
    name: str
    kind: Literal["channel", "im"] = "channel"
    members: set[str] = field(default_factory=set)
    person: str = ""
    archived: bool = False
    private: bool = False
    deleted: bool = False
    previous: list[str] = field(default_factory=list)
    """Names it had before, the last one first."""
    created: int = 1_700_000_000

    @property
    def sort(self) -> Literal["channel", "group", "im"]:
        """What events call it: ``channel_type`` of messages, and the first half of ``channel_rename`` and the like."""
        return "group" if self.private else self.kind

    @property
    def scope(self) -> str:
        """The half of its scopes before the colon."""
        return {"channel": "channels", "group": "groups", "im": "im"}[self.sort]

    @property
    def hidden(self) -> bool:
        """The app cannot even know of it: it was deleted, or is private and the app not in it."""
        return self.deleted or (self.private and BOT_USER not in self.members)

    @property
    def told_name(self) -> str:
        """The name that commands and interactions carry."""
        return "directmessage" if self.kind == "im" else self.name

    def summary(self) -> Json:
        """The channel for the page."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind,
            "members": sorted(self.members),
            "bot": BOT_USER in self.members,
            "person": self.person,
            "archived": self.archived,
        }

    def conversation(self, *, count_members: bool = False) -> Json:
        """Slack's conversation object, as the app sees it."""
        common: Json = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.archived,
            "is_im": self.kind == "im",
            "is_org_shared": False,
            "context_team_id": TEAM,
            "updated": 1_700_000_000_000,
        }
        if self.kind == "im":
            return {**common, "user": self.person, "is_user_deleted": False, "priority": 0, "is_open": True}
        about: Json = {"value": "", "creator": "", "last_set": 0}
        return {
            **common,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": True,
            "is_group": False,
            "is_mpim": False,
            "is_private": self.private,
            "is_general": False,
            "is_shared": False,
            "is_ext_shared": False,
            "is_pending_ext_shared": False,
            "is_member": BOT_USER in self.members,
            "unlinked": 0,
            "creator": PEOPLE[2].id,
            "topic": about,
            "purpose": about,
            "previous_names": list(self.previous),
            **({"num_members": len(self.members)} if count_members else {}),
        }


PEOPLE = (
    Person("U0VIEWER1", "viewer", "viewer", "Europe/Berlin"),
    Person("U0OPERATOR", "operator", "operator", "America/Chicago"),
    Person("U0ADMIN01", "admin", "admin", "Europe/London"),
    Person("U0ADMIN02", "second admin", "second.admin", "Asia/Kolkata"),
    Person(BOT_USER, "bot", "batchbot", "America/Los_Angeles", is_bot=True),
)


@dataclass
class UserGroup:
    """A user group; ``handle`` is what people type after an @. One that is not ``enabled`` has no members."""

    id: str
    handle: str
    name: str
    members: list[str] = field(default_factory=list)
    enabled: bool = True

    def wire(self, *, users: bool, count: bool) -> Json:
        """Slack's usergroup object."""
        created = 1_700_000_000
        return {
            "id": self.id,
            "team_id": TEAM,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "description": "",
            "handle": self.handle,
            "is_external": False,
            "date_create": created,
            "date_update": created,
            "date_delete": 0 if self.enabled else created,
            "auto_type": None,
            "created_by": PEOPLE[2].id,
            "updated_by": PEOPLE[2].id,
            "deleted_by": None if self.enabled else PEOPLE[2].id,
            "prefs": {"channels": [], "groups": []},
            **({"users": list(self.members)} if users else {}),
            **({"user_count": len(self.members)} if count else {}),
        }


def usergroups() -> list[UserGroup]:
    """The user groups a new workspace has: those who operate Batch."""
    return [UserGroup("S0OPERATORS", "batch-operators", "Batch operators", [PEOPLE[1].id])]


def channels() -> list[Channel]:
    """The channels a new workspace has."""
    everyone = {person.id for person in PEOPLE}
    people = everyone - {BOT_USER}
    return [
        Channel("C0BATCHOPS", "batch-ops", members=set(everyone)),
        Channel("C0BATCHDEV", "batch-dev", members=set(everyone)),
        Channel("C0RANDOM1", "random", members=set(people)),
        *(
            Channel(f"D{person.id[1:]}", person.name, "im", {person.id, BOT_USER}, person.id)
            for person in PEOPLE
            if not person.is_bot
        ),
    ]
