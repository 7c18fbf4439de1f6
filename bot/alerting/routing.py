"""The first stage: which conversations an incident goes to, and by which of their subscriptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

from bot.alerting.model import Mute, Subscription
from bot.alerting.rules import AlertRule
from bot.chat.request import Conversation
from bot.domain.findings import Entity, Severity

ANY = ("", "*")
"""Patterns that fit any entity."""


class Matter(Protocol):
    """What is routed: an incident, or one that somebody only thinks of."""

    @property
    def account(self) -> str:
        """The account's name."""
        ...

    @property
    def kind(self) -> str:
        """The kind's name."""
        ...

    @property
    def entity(self) -> Entity:
        """What it is about."""
        ...

    @property
    def related(self) -> tuple[Entity, ...]:
        """What else it concerns."""
        ...

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        ...


def key_of(conversation: Conversation) -> str:
    """What a conversation is known by: ``platform:id``."""
    return conversation.key


def concerns(matter: Matter, accounts: str, entity: str, kinds: tuple[str, ...]) -> bool:
    """Whether patterns fit: of the account, of an entity (by itself or by what it belongs to), and of kinds."""
    if not fits(matter.account, accounts):
        return False
    if kinds and not any(fits(matter.kind, each) for each in kinds):
        return False
    return entity in ANY or concerns_entity(matter, entity)


def concerns_entity(matter: Matter, pattern: str) -> bool:
    """Whether it is about an entity that a pattern fits, or concerns one."""
    return any(_names(each, pattern) for each in (matter.entity, *matter.related))


def wanted(
    subscription: Subscription, matter: Matter, rules: Mapping[str, AlertRule], *, any_entity: bool = False
) -> bool:
    """Whether a subscription asks for it: its severity, its patterns, and quiet rules by name or pattern only.

    With ``any_entity`` the entity it is about is not checked.
    """
    rule = rules.get(matter.kind)
    if matter.severity.rank < subscription.severity.rank or (rule and rule.quiet and not subscription.kinds):
        return False
    return concerns(matter, subscription.accounts, "*" if any_entity else subscription.entity, subscription.kinds)


class Router:
    """Subscriptions as they are for one decision.

    Most of them ask for any entity: whether one of these fits is found out once for each account, rule and severity.
    """

    def __init__(self, subscriptions: Iterable[Subscription], rules: Mapping[str, AlertRule]) -> None:
        self._rules = rules
        self._subscriptions = list(subscriptions)
        self._fitting: dict[tuple[str, str, Severity], list[tuple[str, Subscription]]] = {}

    def route(self, matter: Matter) -> dict[str, list[Subscription]]:
        """The conversations that get it, each with every subscription that asks for it; each gets it once."""
        kind = matter.account, matter.kind, matter.severity
        fitting = self._fitting.get(kind)
        if fitting is None:
            fitting = self._fitting[kind] = [
                (key_of(each.conversation), each)
                for each in self._subscriptions
                if wanted(each, matter, self._rules, any_entity=True)
            ]
        conversations: dict[str, list[Subscription]] = {}
        for conversation, each in fitting:
            if each.entity in ANY or concerns_entity(matter, each.entity):
                conversations.setdefault(conversation, []).append(each)
        return conversations


class Asked:
    """What is subscribed of one account. Call it with rules and what these may be about: does anybody ask for that?"""

    def __init__(self, subscriptions: Iterable[Subscription], rules: Mapping[str, AlertRule], account: str) -> None:
        self._rules = rules
        self._subscriptions = [each for each in subscriptions if fits(account, each.accounts)]
        self._patterns: dict[tuple[str, ...], frozenset[str]] = {}

    def __call__(self, kinds: tuple[str, ...], about: Sequence[Entity]) -> bool:
        """Whether an alert of these kinds about one of these would be sent, could it be as bad as can be."""
        patterns = self._patterns.get(kinds)
        if patterns is None:
            patterns = self._patterns[kinds] = frozenset(
                each.entity for each in self._subscriptions if any(self._wants(each, kind) for kind in kinds)
            )
        return not patterns.isdisjoint(ANY) or any(_names(each, pattern) for pattern in patterns for each in about)

    def _wants(self, subscription: Subscription, kind: str) -> bool:
        if not subscription.kinds:
            rule = self._rules.get(kind)
            return rule is not None and not rule.quiet
        return any(fits(kind, each) for each in subscription.kinds)


def muted(matter: Matter, mutes: Iterable[Mute]) -> Mute | None:
    """The first mute that keeps it out, the one that lasts longest."""
    fitting = [mute for mute in mutes if concerns(matter, mute.accounts, mute.entity, mute.kinds)]
    return max(fitting, key=lambda mute: (mute.until is None, mute.until and mute.until.timestamp()), default=None)


def overlaps(new: Subscription, others: Iterable[Subscription]) -> Iterator[Subscription]:
    """Subscriptions of the same conversation that may bring the same thing, to be named when the new one is made."""
    for other in others:
        if key_of(other.conversation) != key_of(new.conversation) or other.id == new.id:
            continue
        same_kinds = (
            not new.kinds or not other.kinds or any(_meet(one, another) for one in new.kinds for another in other.kinds)
        )
        if same_kinds and _meet(new.accounts, other.accounts) and _meet(new.entity, other.entity):
            yield other


def fits(name: str, pattern: str) -> bool:
    """Whether a pattern, in which ``*`` and ``?`` stand for anything, fits a name in any case."""
    return fnmatchcase(name.lower(), pattern.lower())


def _names(entity: Entity, pattern: str) -> bool:
    kind, found, name = pattern.partition(":")
    if found and kind.lower() in ("account", "pool", "node", "job", "task", "schedule"):
        return entity.kind == kind.lower() and fits(entity.id, name)
    return fits(entity.id, pattern)


def _meet(one: str, another: str) -> bool:
    """Whether two patterns may fit the same name: exact where one of them is plain, cautious where both are not."""
    return fits(one, another) or fits(another, one) or ("*" in one and "*" in another and one[:1] == another[:1])
