"""The sections of the settings that say who may change Azure: ``[[people]]`` and ``[[grants]]``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal

from msgspec import Struct, field

KINDS = ("account", "pool", "node", "job", "task", "schedule", "application", "package", "certificate")
"""What an entity pattern may begin with."""
PLATFORMS = ("slack", "teams", "text")
_ID = re.compile(rf"(?:{'|'.join(PLATFORMS)}):\S+")
_CONVERSATION = re.compile(rf"conversation:(?:{'|'.join(PLATFORMS)}):\S+")
_ENTITY = re.compile(rf"(?:{'|'.join(KINDS)}):\S+|\*")
_VERB = re.compile(r"[a-z*?]+(?: [a-z*?]+){0,2}")


class PersonSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """One person who is known by several ids, such as in Slack and in Teams."""

    ids: list[str]
    """Every id of the person: ``slack:U…``, ``teams:<directory object id>``."""
    name: str = ""
    """Their name, for whoever reads the file."""


class GrantSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """Who may change what in Azure. Without one nobody may; one with ``deny`` wins over all others."""

    to: list[str]
    """To whom: ids of people and groups (``slack:U…``, ``slack:S…``, ``teams:<object id>``) or everybody in a
    conversation (``conversation:slack:C…``)."""
    verbs: list[str]
    """Which commands, by their path: ``pool resize``, ``pool *``, ``*``."""
    accounts: list[str] = field(default_factory=lambda: ["*"])
    """In which accounts, by their names here: ``sim-*``."""
    entities: list[str] = field(default_factory=lambda: ["*"])
    """On what: ``pool:gpu-*`` (with its nodes), ``job:nightly-*`` (with its tasks), ``*``."""
    effect: Literal["any", "change", "destroy"] = "any"
    """Only commands that change, or only those that destroy."""
    deny: bool = False
    """Forbids what it names, to whomever it names, whatever else allows it."""
    name: str = ""
    """What refusals and the audit trail call it; its number in the file where it has none."""


def person_mistakes(people: Collection[PersonSettings]) -> Iterator[str]:
    """What types cannot say about ``[[people]]``, a line each."""
    seen: dict[str, int] = {}
    for number, person in enumerate(people, 1):
        where = f"people {number}"
        if len(person.ids) < 2:
            yield f"{where}: has {len(person.ids)} id(s): name two or more, such as slack:U012AB3CD and teams:OBJECT-ID"
        for id_ in person.ids:
            if not _ID.fullmatch(id_):
                yield _no_id(f"{where}.ids", id_)
            if id_ in seen and seen[id_] != number:
                yield f"{where}.ids: {id_} is in people {seen[id_]} too: one id is of one person"
            seen.setdefault(id_, number)


def grant_mistakes(grants: Collection[GrantSettings], accounts: Collection[str]) -> Iterator[str]:
    """What types cannot say about ``[[grants]]``, a line each; ``accounts`` are the names there are."""
    names: set[str] = set()
    for number, grant in enumerate(grants, 1):
        where = f"grants {grant.name or number}"
        if grant.name:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", grant.name):
                yield f"{where}.name: a name has letters, digits, - and _, 32 at most"
            if grant.name in names:
                yield f"{where}.name: two grants have it: give each a name of its own"
            names.add(grant.name)
        for key, given in (("to", grant.to), ("verbs", grant.verbs), ("accounts", grant.accounts)):
            if not given:
                yield f"{where}.{key}: is empty: the grant would hold for nothing"
        if not grant.entities:
            yield f'{where}.entities: is empty: leave it out, or write ["*"] for all'
        for id_ in grant.to:
            if not (_ID.fullmatch(id_) or _CONVERSATION.fullmatch(id_)):
                yield _no_id(f"{where}.to", id_, conversation=True)
        for pattern in grant.verbs:
            if not _VERB.fullmatch(pattern):
                yield f"{where}.verbs: {pattern!r} is no command: write its path, such as pool resize, pool * or *"
        yield from pattern_mistakes(where, grant.accounts, grant.entities, accounts)


def pattern_mistakes(
    where: str, accounts: Collection[str], entities: Collection[str], known: Collection[str]
) -> Iterator[str]:
    """Patterns of accounts that fit none there is, and patterns of entities that are written otherwise."""
    for pattern in accounts:
        if not any(character in pattern for character in "*?[") and pattern not in known:
            yield f"{where}.accounts: there is no account {pattern!r}: there are {', '.join(known)}"
    for pattern in entities:
        if not _ENTITY.fullmatch(pattern):
            yield f"{where}.entities: {pattern!r} has no kind: write pool:gpu-*, or one of {', '.join(KINDS)}"


def _no_id(where: str, id_: str, *, conversation: bool = False) -> str:
    more = ", or conversation:slack:C012AB3CD" if conversation else ""
    return f"{where}: {id_!r} is no id: write slack:U012AB3CD or teams:OBJECT-ID{more} (names can be changed, ids not)"
