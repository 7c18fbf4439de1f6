"""Who is one person: ids on several platforms that the settings map to somebody.

Without ``[[people]]`` everybody is a person of their own on each platform, and whoever is in Slack and in Teams could
approve in one what they asked for in the other.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.policy.settings import PersonSettings


class People:
    """The ids of each person, by any of them."""

    def __init__(self, known: Iterable[PersonSettings] = ()) -> None:
        known = tuple(known)
        self._same = {id_: tuple(person.ids) for person in known for id_ in person.ids}
        self._names = {id_: person.name for person in known for id_ in person.ids if person.name}

    def ids(self, key: str) -> tuple[str, ...]:
        """Every id (``platform:id``) of the person with this one; the id itself is always among them."""
        return self._same.get(key, (key,))

    def same(self, one: str, other: str) -> bool:
        """Whether two ids are of the same person."""
        return other in self.ids(one)

    def named(self, id_: str) -> str:
        """The name that the settings give whoever has this id; empty where they give none."""
        return self._names.get(id_, "")

    def name(self, id_: str) -> str:
        """The name that the settings give whoever has this id, else the id without its platform."""
        return self._names.get(id_) or id_.partition(":")[2]
