"""Which changes of Azure need other people to agree, how many, and who they are.

A rule (``[[approvals]]``) is for commands, accounts and entities as a grant is. Where it has thresholds it wants an
approval for what exceeds one of them; without thresholds for whatever it is for. Where several rules want one, all of
them have to be satisfied, and what one person says counts for each rule that they may approve by.

- ``price_per_hour``: the nodes would cost more than that an hour, and more than they do now. Where there would be more
  nodes and their price is not known, it counts as exceeded: what cannot be judged is not waved through.
- ``nodes``: there would be more nodes than that, and more than now; or more than that would go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from msgspec import Struct

from bot.chat.request import Person
from bot.policy.grants import Entities, Pattern
from bot.policy.question import Question
from bot.policy.roles import RANK, Access
from bot.policy.settings import ApprovalSettings
from cards.formatting import money, number, plural


@dataclass(frozen=True)
class Size:
    """How large a change is: what its nodes cost an hour and how many there are, before and after; None: unknown."""

    cost_before: float | None = None
    cost_after: float | None = None
    nodes_before: int | None = None
    nodes_after: int | None = None
    currency: str = ""


class ApprovalNeed(Struct, frozen=True):
    """What one rule wants: how many people, which (empty: whoever could run it), and why in a sentence."""

    rule: str
    count: int
    approvers: tuple[str, ...]
    self_approval: bool
    reason: bool
    why: str
    minutes: int
    conversation: str = ""

    @property
    def lasts(self) -> timedelta:
        """After which it is too late."""
        return timedelta(minutes=self.minutes)


class ApprovalRules:
    """Every ``[[approvals]]`` table."""

    def __init__(self, given: Sequence[ApprovalSettings] = ()) -> None:
        self._rules = [_Rule(each, number) for number, each in enumerate(given, 1)]

    def all(self) -> list[ApprovalNeed]:
        """What every rule wants where it wants anything."""
        return [rule.wants("") for rule in self._rules]

    def needed(self, question: Question, size: Size) -> list[ApprovalNeed]:
        """What must be agreed to before a change is run; nothing for a change of what only the bot keeps."""
        if not question.writes:
            return []
        return [need for rule in self._rules if (need := rule.need(question, size))]


class _Rule:
    def __init__(self, given: ApprovalSettings, number: int) -> None:
        self._name = f"approvals.{given.name or number}"
        self._given = given
        self._verbs = Pattern(given.verbs)
        self._accounts = Pattern(given.accounts)
        self._entities = Entities(given.entities)

    def need(self, question: Question, size: Size) -> ApprovalNeed | None:
        """What the rule wants of a change; None where it wants nothing."""
        given = self._given
        fits = (
            given.effect in ("any", question.effect)
            and self._verbs.fits(question.command)
            and self._accounts.fits(question.account)
            and self._entities.touch(question)  # what may be among them is judged as if it were
        )
        thresholds = given.price_per_hour is not None or given.nodes is not None
        reasons = list(self._exceeded(size)) if thresholds else ["It is a change that others agree to first."]
        if not fits or not reasons:
            return None
        return self.wants(" ".join(reasons))

    def wants(self, why: str) -> ApprovalNeed:
        """What it wants of a change that exceeds it, for the reason ``why``."""
        given = self._given
        return ApprovalNeed(
            self._name,
            given.count,
            tuple(given.approvers),
            given.self_approval,
            given.reason,
            why,
            given.expires_minutes,
            given.conversation,
        )

    def _exceeded(self, size: Size) -> Iterator[str]:
        """Each threshold that a change exceeds, as a sentence."""
        before, after = size.nodes_before or 0, size.nodes_after
        price, nodes = self._given.price_per_hour, self._given.nodes
        if price is not None and size.cost_after is not None:
            if size.cost_after > price and size.cost_after > (size.cost_before or 0):
                cost = f"{money(size.cost_after, size.currency)}/h"
                yield f"It would cost {cost}, which is more than {money(price, size.currency)}/h."
        elif price is not None and after is not None and after > before:
            yield "It adds nodes whose price is not known."
        if nodes is not None and after is not None:
            if after > before and after > nodes:
                yield f"There would be {plural(after, 'node')}, which is more than {number(nodes)}."
            elif before - after > nodes:
                yield f"{plural(before - after, 'node')} would go, which is more than {number(nodes)}."


def may_approve(access: Access, need: ApprovalNeed, person: Person, *, could_run: bool) -> bool:
    """Whether a person is one of those who may approve by a rule; ``could_run``: they could run the command.

    Whether they are who asked is another question.
    """
    if not need.approvers:
        return could_run
    ids, role = access.ids(person), access.role(person)
    roles = [each.removesuffix("s") for each in need.approvers if each in ("operators", "admins")]
    return any(each in ids for each in need.approvers) or any(RANK[role] >= RANK[each] for each in roles)
