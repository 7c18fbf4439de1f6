"""The sections of the settings that say who may change Azure, and what a change goes through.

``[[people]]``, ``[[grants]]``, ``[[approvals]]``, ``[break_glass]`` and ``[audit]``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from bot.chat.platforms import PLATFORMS, connectable, conversation_examples, is_conversation

KINDS = ("account", "pool", "node", "job", "task", "schedule", "application", "package", "certificate")
"""What an entity pattern may begin with."""
_ENTITY = re.compile(rf"(?:{'|'.join(KINDS)}):\S+|\*")
ROLE_NAMES = ("operators", "admins")
"""What may stand among approvers besides ids: everybody whom ``[access]`` names so, or higher."""
_VERB = re.compile(r"[a-z*?-]+(?: [a-z*?-]+){0,2}")


class PersonSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """One person who is known by several ids, such as in Slack and in Teams."""

    ids: list[str]
    """Every id of the person: ``slack:U…``, ``teams:<directory object id>``."""
    name: str = ""
    """Their name, for whoever reads the file."""


class GrantSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """Who may change what in Azure. Without one nobody may; one with ``deny`` wins over all others."""

    to: list[str]
    """To whom: ids of people (``slack:U…``, ``teams:<object id>``) and groups (``slack:S…``,
    ``teams:group:<object id>``), or everybody in a conversation (``conversation:slack:C…``)."""
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


class ApprovalSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """Which changes of Azure other people must agree to, and who they are. Where several rules fit, all hold."""

    price_per_hour: float | None = None
    """Wants an approval where nodes would cost more than this an hour, in ``bot.currency``, and more than before."""
    nodes: Annotated[int, Meta(ge=0)] | None = None
    """Wants an approval where more nodes than this would be there, or would go."""
    verbs: list[str] = field(default_factory=lambda: ["*"])
    """For which commands, by their path: ``pool delete``, ``pool *``, ``*``."""
    effect: Literal["any", "change", "destroy"] = "any"
    """Only for commands that change, or only for those that destroy."""
    accounts: list[str] = field(default_factory=lambda: ["*"])
    """In which accounts, by their names here: ``prod-*``."""
    entities: list[str] = field(default_factory=lambda: ["*"])
    """On what: ``pool:gpu-*`` (with its nodes), ``job:nightly-*`` (with its tasks), ``*``."""
    approvers: list[str] = []
    """Who may approve: ids of people and groups, ``operators``, ``admins``; whoever could run it where left out."""
    count: Annotated[int, Meta(ge=1, le=10)] = 1
    """How many of them must agree."""
    self_approval: bool = False
    """Whether whoever asks may be one of them."""
    reason: bool = True
    """Whether whoever asks must say why."""
    expires_minutes: Annotated[int, Meta(ge=5, le=10080)] = 240
    """Minutes after which it is too late, and nothing is done."""
    conversation: str = ""
    """Where it is shown besides the conversation it is asked in: ``slack:C…``, ``teams:19:…``."""
    name: str = ""
    """What cards and the audit trail call the rule; its number in the file where it has none."""


class BreakGlassSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """Who may go ahead without the approvals, with ``--emergency "reason"``, and who hears of it."""

    people: list[str] = []
    """Ids of people and groups."""
    conversation: str = ""
    """Where every emergency is shown, for somebody else to acknowledge; ``audit.conversation`` where left out."""
    hours: Annotated[int, Meta(ge=1, le=168)] = 24
    """Hours after which a reminder is posted where nobody acknowledged it."""


class AuditSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """The audit trail besides the database."""

    conversation: str = ""
    """Where every line of the audit trail is posted; nowhere where left out."""


def person_mistakes(people: Collection[PersonSettings]) -> Iterator[str]:
    """What types cannot say about ``[[people]]``, a line each."""
    seen: dict[str, int] = {}
    for number, person in enumerate(people, 1):
        where = f"people {number}"
        if len(person.ids) < 2:
            yield f"{where}: has {len(person.ids)} id(s): name two or more, such as slack:U012AB3CD and teams:OBJECT-ID"
        for id_ in person.ids:
            if not _is_id(id_):
                yield no_id(f"{where}.ids", id_)
            if id_ in seen and seen[id_] != number:
                yield f"{where}.ids: {id_} is in people {seen[id_]} too: one id is of one person"
            seen.setdefault(id_, number)


def grant_mistakes(grants: Collection[GrantSettings], accounts: Collection[str]) -> Iterator[str]:
    """What types cannot say about ``[[grants]]``, a line each; ``accounts`` are the names there are."""
    names: set[str] = set()
    for number, grant in enumerate(grants, 1):
        where = f"grants {grant.name or number}"
        yield from _name_mistakes(where, grant.name, names)
        for key, given in (("to", grant.to), ("verbs", grant.verbs), ("accounts", grant.accounts)):
            if not given:
                yield f"{where}.{key}: is empty: the grant would hold for nothing"
        if not grant.entities:
            yield f'{where}.entities: is empty: leave it out, or write ["*"] for all'
        for id_ in grant.to:
            if not _is_id(id_.removeprefix("conversation:")):
                yield no_id(f"{where}.to", id_, conversation=True)
        yield from _verb_mistakes(where, grant.verbs)
        yield from pattern_mistakes(where, grant.accounts, grant.entities, accounts)


def approval_mistakes(approvals: Collection[ApprovalSettings], accounts: Collection[str]) -> Iterator[str]:
    """What types cannot say about ``[[approvals]]``, a line each; ``accounts`` are the names there are."""
    names: set[str] = set()
    for number, rule in enumerate(approvals, 1):
        where = f"approvals {rule.name or number}"
        yield from _name_mistakes(where, rule.name, names)
        if rule.price_per_hour is not None and rule.price_per_hour < 0:
            yield f"{where}.price_per_hour: is less than nothing"
        for id_ in rule.approvers:
            if id_ not in ROLE_NAMES and not _is_id(id_):
                yield f"{no_id(f'{where}.approvers', id_)}; or {' or '.join(ROLE_NAMES)}"
        named = [each for each in rule.approvers if not is_group(each)]
        if rule.approvers and len(named) == len(rule.approvers) < rule.count and not {*ROLE_NAMES} & {*named}:
            yield f"{where}.count: {rule.count} must agree, and approvers has {len(named)}: name more"
        yield from _verb_mistakes(where, rule.verbs)
        yield from pattern_mistakes(where, rule.accounts, rule.entities, accounts)
        yield from conversation_mistakes(f"{where}.conversation", rule.conversation)


def break_glass_mistakes(settings: BreakGlassSettings, audit: AuditSettings) -> Iterator[str]:
    """What types cannot say about ``[break_glass]`` and ``[audit]``, a line each."""
    for id_ in settings.people:
        if not _is_id(id_):
            yield no_id("break_glass.people", id_)
    if settings.people and not (settings.conversation or audit.conversation):
        yield "break_glass.conversation: is missing: every emergency is shown to others, such as in slack:C012AB3CD"
    yield from conversation_mistakes("break_glass.conversation", settings.conversation)
    yield from conversation_mistakes("audit.conversation", audit.conversation)


def conversation_mistakes(where: str, conversation: str) -> Iterator[str]:
    """A conversation that is no id; that there is none is none."""
    if conversation:
        yield from channel_mistakes(where, conversation)


def channel_mistakes(where: str, channel: str) -> Iterator[str]:
    """What is no id of a conversation."""
    if not is_conversation(channel):
        such = conversation_examples()
        yield f"{where}: {channel!r} is not a channel: write the channel's id, such as {such}"


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


def _name_mistakes(where: str, name: str, taken: set[str]) -> Iterator[str]:
    """A name that cannot be one, or that is taken; adds it to those that are."""
    if name and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,31}", name):
        yield f"{where}.name: a name begins with a letter and has letters, digits, - and _, 32 at most"
    if name in taken:
        yield f"{where}.name: two have it: give each a name of its own"
    taken.update([name] if name else [])


def _verb_mistakes(where: str, verbs: Collection[str]) -> Iterator[str]:
    for pattern in verbs:
        if not _VERB.fullmatch(pattern):
            yield f"{where}.verbs: {pattern!r} is not a command: write its path, such as pool resize, pool * or *"


def is_group(id_: str) -> bool:
    """Whether an id (``platform:id``) is one of a group."""
    platform, _, own = id_.partition(":")
    known = connectable().get(platform)
    return known is not None and re.fullmatch(known.group_id, own) is not None


def _is_id(text: str) -> bool:
    """Whether a text is written ``platform:id``."""
    platform, _, own = text.partition(":")
    if own.startswith("group:"):
        return is_group(text)
    return platform in PLATFORMS and re.fullmatch(r"\S+", own) is not None and not is_email(text)


def is_email(text: str) -> bool:
    """Whether an e-mail address stands where an id belongs; ids of conversations in Teams have an @ too."""
    return re.fullmatch(r"(?:\w+:)?[^\s:@]+@(?!thread\.)[^\s:@]+\.[^\s:@]+", text) is not None


def no_id(where: str, id_: str, *, conversation: bool = False) -> str:
    """That something is no id of a person, and where theirs is found."""
    if is_email(id_):
        return (
            f"{where}: {id_!r} is an e-mail address: write the person's id, slack:U… (their profile: Copy member ID) "
            "or teams: with the object id of their account in Entra ID"
        )
    more = ", or conversation:slack:C012AB3CD" if conversation else ""
    return (
        f"{where}: {id_!r} is not an id: write slack:U012AB3CD or teams:OBJECT-ID{more} (names can be changed, ids not)"
    )
