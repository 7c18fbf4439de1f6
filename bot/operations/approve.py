"""Approval: a change that the settings want others to agree to waits until they have, or until it is too late.

An approval is kept in the store with everything it was judged by: the request, the digest of the change as it was
shown, the rules that want it, and the messages that show it. Every step of it is one transaction with the new version
of all its messages, so buttons go from every copy whoever decides, and wherever. Once enough people agreed, the change
is run as its requester's request, at most once: it is judged and looked ahead at anew, and where that gives another
digest the approval is void.

An emergency is kept the same way: it runs at once, is shown to others, and waits for one of them to acknowledge it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec
import structlog
from msgspec.structs import replace

from bot.chat.named import named
from bot.chat.request import CommandRequest, Conversation, Person
from bot.operations import approval_cards
from bot.operations.approval_cards import Decision, needs_of
from bot.operations.preflight import Preflight
from bot.operations.shown import Figures, what_it_does
from bot.policy.approvals import ApprovalNeed
from bot.policy.question import Question
from bot.policy.rules import Policy
from cards.build import stamped
from cards.card import Card, Mention
from storage.port.approvals import Approval, ApprovalState, Copy, Vote
from storage.port.decoding import decoded
from storage.port.outbox import OutboxEntry
from storage.port.store import Store

log = structlog.get_logger()

Posted: TypeAlias = Callable[[Iterable[OutboxEntry]], None]
"""Hears of messages that were put into the outbox."""
_TRIES = 8
"""How often a step is taken anew that somebody else was quicker with."""


class ApprovalRefused(Exception):
    """What was asked of an approval cannot be done. ``rule`` is its name in the audit trail."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(why)
        self.rule = rule
        self.why = why


@dataclass(frozen=True)
class Wanted:
    """A change that needs others: who asks for what, how it was judged and shown, and what the rules want."""

    request: CommandRequest
    command: str
    question: Question
    found: Preflight
    digest: str
    needs: Sequence[ApprovalNeed]
    reason: str
    correlation: str
    undoes: str = ""
    """The operation that it takes back; empty for none."""


class Approvals:
    """Every approval, and every emergency."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        *,
        zone: Callable[[str], str] = lambda _: "UTC",
        posted: Posted | None = None,
        approved: Callable[[], None] | None = None,
    ) -> None:
        """``zone`` is that of a conversation, by its key. ``posted`` hears of messages in the outbox, ``approved`` of
        changes that may be run: both are found without anybody hearing of them, a little later.
        """
        self._store = store
        self._policy = policy
        self._zone = zone
        self._posted = posted
        self._approved = approved

    async def ask(self, wanted: Wanted, now: datetime) -> tuple[Approval, bool]:
        """Keep a change until others agree, and show it to them; whether anybody but the requester sees it.

        The same request asks once, however often it is worked on.
        """
        lasts = min(need.lasts for need in wanted.needs)
        approval = await self._new(wanted, "pending", now, now + lasts, [need.conversation for need in wanted.needs])
        await self._keep(approval, now)
        return approval, bool(approval.copies)

    async def emergency(self, wanted: Wanted, now: datetime) -> Approval:
        """Note a change that goes ahead without the approvals, and show it to those who have to know."""
        settings = self._policy.break_glass
        expires = now + timedelta(hours=settings.hours)
        approval = await self._new(wanted, "emergency", now, expires, [settings.conversation])
        await self._keep(approval, now)
        return approval

    async def find(self, id_: str) -> Approval:
        """One of them. Raises ApprovalRefused where there is none."""
        found = await self._store.approval(id_.strip().lower())
        if found is None:
            raise ApprovalRefused("approval.unknown", f"There is no approval “{id_}”.")
        return found

    def missing(self, approval: Approval) -> list[tuple[ApprovalNeed, int]]:
        """The rules that are not satisfied yet, and by how many people."""
        found = []
        for need in needs_of(approval):
            agreed = sum(vote.yes and need.rule in vote.rules for vote in approval.votes)
            if agreed < need.count:
                found.append((need, need.count - agreed))
        return found

    def card(self, approval: Approval) -> Card:
        """The approval as it stands."""
        return approval_cards.shown(approval, self.missing(approval))

    async def approve(self, id_: str, person: Person, conversation: Conversation, now: datetime) -> Approval:
        """Somebody agrees. Raises ApprovalRefused where they may not, or it is too late."""

        def agreed(approval: Approval) -> Approval:
            rules = self._rules_for(approval, person, conversation)
            people = self._policy.people
            if any(people.same(vote.person, person.key) for vote in approval.votes):
                raise ApprovalRefused("approval.twice", "You have agreed to it already.")
            vote = Vote(person.key, self._name(person), True, now, rules=rules)
            voted = replace(approval, votes=(*approval.votes, vote))
            return voted if self.missing(voted) else replace(voted, state="approved")

        approval = await self._step(id_, agreed, now)
        if approval.state == "approved" and self._approved:
            self._approved()
        return approval

    async def deny(self, id_: str, person: Person, conversation: Conversation, why: str, now: datetime) -> Approval:
        """Somebody who may approve says no, which ends it. Raises ApprovalRefused."""

        def denied(approval: Approval) -> Approval:
            rules = self._rules_for(approval, person, conversation)
            vote = Vote(person.key, self._name(person), False, now, why, rules)
            return replace(approval, state="denied", votes=(*approval.votes, vote), ended=now)

        return await self._step(id_, denied, now)

    async def withdraw(self, id_: str, person: Person, why: str, now: datetime) -> Approval:
        """Whoever asked for it does not want it any more. Raises ApprovalRefused for others."""

        def withdrawn(approval: Approval) -> Approval:
            if not self._policy.people.same(approval.requester, person.key):
                raise ApprovalRefused(
                    "approval.requester", "Only whoever asked for it can withdraw it: deny it instead."
                )
            vote = Vote(person.key, self._name(person), False, now, why)
            return replace(approval, state="withdrawn", votes=(*approval.votes, vote), ended=now)

        return await self._step(id_, withdrawn, now)

    async def acknowledge(self, id_: str, person: Person, conversation: Conversation, now: datetime) -> Approval:
        """Somebody else has seen an emergency, who may approve such a change, or make it, or go ahead themselves.

        Raises ApprovalRefused for others, and for whoever ran it.
        """

        def seen(approval: Approval) -> Approval:
            if self._policy.people.same(approval.requester, person.key):
                raise ApprovalRefused("approval.self", "Somebody else has to acknowledge it.")
            if not self._answers_for(approval, person, conversation):
                why = "It is for somebody to acknowledge who may approve such a change, or make it."
                raise ApprovalRefused("approval.approver", why)
            vote = Vote(person.key, self._name(person), True, now)
            return replace(approval, state="acknowledged", votes=(*approval.votes, vote), ended=now)

        return await self._step(id_, seen, now, ("emergency",))

    async def expire(self, approval: Approval, now: datetime) -> Approval:
        """Nobody decided in time. Raises ApprovalRefused where somebody did meanwhile."""
        return await self._step(approval.id, lambda each: replace(each, state="expired", ended=now), now, late=True)

    async def remind(self, approval: Approval, now: datetime) -> None:
        """Nobody acknowledged an emergency in time: say so where it is shown, and again after as long a time."""
        again = now + timedelta(hours=self._policy.break_glass.hours)
        changed = replace(approval, expires=again, version=approval.version + 1)
        card = approval_cards.reminder(approval)
        entries = [self._reply(changed, copy, card, now) for copy in changed.copies[:1]]
        if await self._store.change_approval(changed, [*self._copies(changed, now), *entries]):
            self._tell(entries)

    async def begin(self, id_: str, digest: str, request: CommandRequest, now: datetime) -> Approval:
        """An approved change is about to be run, by whoever asked for it, once. Raises ApprovalRefused otherwise.

        The same request may begin it again: one that a crash interrupted before anything was done.
        """
        found = await self.find(id_)
        self._runnable(found, request)
        if digest != found.digest:
            raise ApprovalRefused("approval.void", "It has changed since it was approved.")
        if found.state == "run":
            return found

        def begun(approval: Approval) -> Approval:
            return replace(approval, state="run", ended=now, begun_by=request.key)

        return await self._step(id_, begun, now, ("approved",), late=True)

    async def runnable(self, id_: str, request: CommandRequest) -> Approval:
        """An approved change that this request may run. Raises ApprovalRefused otherwise."""
        found = await self.find(id_)
        self._runnable(found, request)
        return found

    async def void(self, id_: str, now: datetime) -> None:
        """What was approved is not what would be done now, or cannot be done: nothing was done, and nothing will be."""
        try:
            await self._step(id_, lambda each: replace(each, state="void", ended=now), now, ("approved",), late=True)
        except ApprovalRefused as error:
            log.info("approval.not_voided", approval=id_, why=error.rule)

    def _runnable(self, approval: Approval, request: CommandRequest) -> None:
        if not self._policy.people.same(approval.requester, request.person.key):
            raise ApprovalRefused("approval.requester", "It is run as the request of whoever asked for it.")
        if approval.state == "run" and request.key != approval.begun_by:
            raise ApprovalRefused("approval.used", "It was run already.")
        if approval.state not in ("approved", "run"):
            raise ApprovalRefused("approval.state", f"It {approval_cards.state_word(approval.state)}.")

    def _answers_for(self, approval: Approval, person: Person, conversation: Conversation) -> bool:
        """Whether somebody may approve a change by one of its rules, or could make it, with or without approvals."""
        question = decoded(approval.question, Question)
        policy = self._policy
        if question is None:
            return False
        could = policy.decide(dataclasses.replace(question, person=person, conversation=conversation)).allowed
        by_rule = any(policy.may_approve(need, question, person, conversation) for need in needs_of(approval))
        return could or by_rule or policy.may_break_glass(person)

    def waits_for(self, approval: Approval, person: Person, conversation: Conversation) -> bool:
        """Whether somebody may decide on it there and has not agreed yet."""
        if any(self._policy.people.same(vote.person, person.key) for vote in approval.votes):
            return False
        try:
            return bool(self._rules_for(approval, person, conversation))
        except ApprovalRefused:
            return False

    def _rules_for(self, approval: Approval, person: Person, conversation: Conversation) -> tuple[str, ...]:
        """The rules by which somebody may decide. Raises ApprovalRefused where there is none."""
        question = decoded(approval.question, Question)
        if question is None:
            raise ApprovalRefused("approval.unreadable", "What was stored of it cannot be read. Ask for it anew.")
        rules = [need for need in needs_of(approval) if self._policy.may_approve(need, question, person, conversation)]
        if not rules:
            raise ApprovalRefused("approval.approver", "You are none of those who may decide on it.")
        if self._policy.people.same(approval.requester, person.key):
            rules = [need for need in rules if need.self_approval]
            if not rules:
                raise ApprovalRefused("approval.self", "You asked for it yourself: somebody else has to decide.")
        return tuple(need.rule for need in rules)

    async def _step(
        self,
        id_: str,
        change: Callable[[Approval], Approval],
        now: datetime,
        states: tuple[ApprovalState, ...] = ("pending",),
        *,
        late: bool = False,
    ) -> Approval:
        """Take one step of an approval that is in one of these states, and, unless ``late``, has not expired."""
        for _ in range(_TRIES):
            found = await self.find(id_)
            if found.state not in states:
                raise ApprovalRefused(
                    "approval.state", f"Nothing to decide: it {approval_cards.state_word(found.state)}."
                )
            if not late and found.state == "pending" and now >= found.expires:
                raise ApprovalRefused(
                    "approval.expired", "It is too late: nobody decided in time, and nothing was done."
                )
            after = replace(change(found), version=found.version + 1)
            entries = [*self._copies(after, now), *self._notices(found, after, now)]
            if await self._store.change_approval(after, entries):
                self._tell(entries)
                return after
        raise ApprovalRefused("approval.busy", "Several people decide on it at once: try again.")

    async def _new(
        self, wanted: Wanted, state: ApprovalState, now: datetime, expires: datetime, others: Sequence[str]
    ) -> Approval:
        request = wanted.request
        id_ = hashlib.sha256(f"{request.key}\0{wanted.command}".encode()).hexdigest()[:12]
        able = {
            need.rule: self._once(self._policy.approvers(need, wanted.question), request.person.platform)
            for need in wanted.needs
        }
        conversations = [] if request.conversation.kind == "personal" else [request.conversation]
        conversations += [found for each in others if each and (found := await self._conversation(each))]
        distinct = {each.key: each for each in reversed(conversations)}.values()
        return Approval(
            id_,
            state,
            request.person.key,
            self._name(request.person),
            msgspec.json.encode(request),
            wanted.command,
            wanted.question.account,
            wanted.question.changed,
            wanted.digest,
            msgspec.json.encode(wanted.question),
            msgspec.json.encode(list(wanted.needs)),
            approval_cards.encoded(Decision(tuple(what_it_does(wanted.found)), able, wanted.undoes)),
            msgspec.json.encode(Figures.of(wanted.found)),
            wanted.reason,
            wanted.correlation,
            now,
            expires,
            tuple(
                Copy(f"approval-{id_}-{number}", each.key, msgspec.json.encode(each))
                for number, each in enumerate(distinct, 1)
            ),
        )

    async def _keep(self, approval: Approval, now: datetime) -> None:
        entries = self._copies(approval, now)
        await self._store.put_approval(approval, entries)
        self._tell(entries)

    async def _conversation(self, key: str) -> Conversation | None:
        """A conversation by its key; None, and in the log, where nothing can be posted to it."""
        found = await named(self._store, key)
        if found is None:
            log.warning("approval.conversation_unknown", conversation=key)
        return found

    def _copies(self, approval: Approval, now: datetime) -> list[OutboxEntry]:
        """Every message that shows it, as it should be now."""
        card = self.card(approval)
        return [
            OutboxEntry(
                copy.entry,
                copy.destination,
                copy.address,
                self._encoded(card, now, copy.destination),
                approval.version,
                now,
            )
            for copy in approval.copies
        ]

    def _notices(self, before: Approval, after: Approval, now: datetime) -> list[OutboxEntry]:
        """What whoever asked is notified of, below the message: that it ended, or is about to be run."""
        notified = ("approved", "denied", "expired", "void")
        if before.state == after.state or after.state not in notified or not after.copies:
            return []
        return [self._reply(after, after.copies[0], approval_cards.notice(after), now)]

    def _reply(self, approval: Approval, copy: Copy, card: Card, now: datetime) -> OutboxEntry:
        return OutboxEntry(
            f"{copy.entry}-{approval.version}",
            copy.destination,
            copy.address,
            self._encoded(card, now, copy.destination),
            1,
            now,
            reply_to=copy.entry,
        )

    def _encoded(self, card: Card, now: datetime, conversation: str) -> bytes:
        return msgspec.json.encode(stamped(card, zone=self._zone(conversation), as_of=now))

    def _tell(self, entries: Sequence[OutboxEntry]) -> None:
        if self._posted and entries:
            self._posted(entries)

    def _once(self, ids: Sequence[str], platform: str) -> list[Mention]:
        """Each person once, however many ids they have: by the one on the platform where it was asked, if any."""
        found: dict[tuple[str, ...], str] = {}
        for each in sorted(ids, key=lambda id_: (not id_.startswith(f"{platform}:"), id_)):
            found.setdefault(self._policy.people.ids(each), each)
        return [self._named(each) for each in found.values()]

    def _named(self, id_: str) -> Mention:
        return Mention(id_, self._policy.people.name(id_))

    def _name(self, person: Person) -> str:
        return person.name or self._policy.people.name(person.key)
