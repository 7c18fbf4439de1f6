"""Which role a person has, and which line of the settings gave it.

Ids are the platforms' immutable ones, written ``platform:id``, because names can be changed to anybody's.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.chat.request import Person
from bot.policy.people import People
from bot.settings import AccessSettings, Role

RANK: dict[str, int] = {"none": 0, "viewer": 1, "operator": 2, "admin": 3}
"""Every role, the least first; each may do what the ones before it may."""


@dataclass(frozen=True)
class RoleGrant:
    """A role, the setting that gave it (``access.operators``), and the id it was given to (empty: to everyone)."""

    role: str
    rule: str
    id: str = ""


class Access:
    """The roles of ``[access]`` in the settings."""

    def __init__(self, settings: AccessSettings, people: People | None = None) -> None:
        self.people = people or People()
        self._everyone = RoleGrant(settings.everyone, "access.everyone")
        self._grants = {
            id_: RoleGrant(role, f"access.{role}s", id_)
            for role, ids in (
                ("viewer", settings.viewers),
                ("operator", settings.operators),
                ("admin", settings.admins),
            )
            for id_ in ids  # the later and higher role wins
        }

    def ids(self, person: Person) -> list[str]:
        """Every id that means a person: their own on each platform, and those of the groups they are in."""
        return [*self.people.ids(person.key), *(f"{person.platform}:{each}" for each in person.groups)]

    def named(self, person: Person) -> RoleGrant | None:
        """The highest role that names the person or one of their groups; None where none does."""
        found = [self._grants[id_] for id_ in self.ids(person) if id_ in self._grants]
        return max(found, key=lambda grant: RANK[grant.role], default=None)

    def grant(self, person: Person) -> RoleGrant:
        """The highest role that names the person or one of their groups; everyone's where none does."""
        return self.named(person) or self._everyone

    def role(self, person: Person) -> str:
        """The person's role: none, viewer, operator or admin."""
        return self.grant(person).role

    def able(self, role: Role, platform: str) -> list[str]:
        """The ids on a platform, without its name, that are named under a role or a higher one; sorted."""
        prefix = f"{platform}:"
        return sorted(
            id_.removeprefix(prefix)
            for id_, grant in self._grants.items()
            if id_.startswith(prefix) and RANK[grant.role] >= RANK[role]
        )
