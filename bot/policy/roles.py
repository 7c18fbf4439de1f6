"""Who may do what.

Order of evaluation: the highest of the roles a person is named under; else the role of everyone; ``none`` may do
nothing. Ids are the platforms' immutable ones, written ``platform:id``, because names can be changed to anybody's.
"""

from __future__ import annotations

from bot.requests.request import Person
from bot.settings import AccessSettings, Role

_RANK: dict[str, int] = {"none": 0, "viewer": 1, "operator": 2, "admin": 3}


class Access:
    """The answer to "may this person do that?"."""

    def __init__(self, settings: AccessSettings) -> None:
        self._everyone = settings.everyone
        named = (("viewer", settings.viewers), ("operator", settings.operators), ("admin", settings.admins))
        self._roles = {person: role for role, people in named for person in people}  # the later and higher role wins

    def role(self, person: Person) -> str:
        """The person's role: none, viewer, operator or admin."""
        return self._roles.get(f"{person.platform}:{person.id}", self._everyone)

    def allows(self, person: Person, role: Role) -> bool:
        """True when the person's role is at least ``role``."""
        return _RANK[self.role(person)] >= _RANK[role]
