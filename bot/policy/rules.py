"""May this person do this, here, to that? The whole order of evaluation stands in this docstring.

The question is asked for every command, click, submitted form and form that is to be opened: after it is understood and
bound to its account and target, before anything of Azure is read or changed. It names the person (with their groups and
their home workspace or tenant), the conversation, the account, the command and what it is about. Ids that
``[[people]]`` maps to one person count alike, wherever the person writes from.

1. The person's role is the highest one under which ``[access]`` names one of their ids or the id of one of their
   groups; ``access.everyone`` where it names none, and viewer at least for whoever is named by a grant.
2. ``access.outsiders``: guests, people of other workspaces and tenants, bots and workflows may do nothing, reading
   included, unless ``[access]`` or a grant names them or a group of theirs. ``access.everyone`` and grants to a
   conversation do not name them.
3. ``access.none``: whose role is none may do nothing, reading included.
4. ``command.role``: less than the command's own role is refused.
5. ``grants.NAME``: a change of Azure that a grant with ``deny`` names, for the person, a group of theirs or the
   conversation, is refused, whatever else allows it.
6. ``access.unread``: what the platform could not be asked grants nothing. A change of Azure is refused that may be
   denied to a group of which it is not known whether the person is in it, or that is granted to the conversation alone
   while it is not known whether the person is a guest.
7. ``grants.none``: a change of Azure is refused unless a grant names the person, a group of theirs or the conversation
   for this command, account and entity. Operators may make every change that destroys nothing, admins every change.
8. ``command.everybody``: a change that holds for everybody, wherever it is asked for, may need a higher role.
   ``command.shared``: so may one that holds for everybody in a channel or a group chat, but not in a personal chat,
   nor where the command is asked for oneself alone (such as ``alert subscribe to:me``).
9. ``command.others``: to change what somebody else made for everybody in a channel may need a higher role.
10. Whatever no rule refused is allowed, by the grant or the setting that gave the role (such as ``access.operators``).

The first rule that refuses is the answer. A command that is run for somebody (a saved query, a confirmed change, an
approved one) is asked about anew, with their permissions alone.

Where a change is about several entities, each that is changed or created has to be granted, and a deny holds that names
any of them, or one that is only used (the pool of a new job, the pool that is cloned). What only a look finds, such as
the pool in a template, is judged once it is found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.chat.platforms import PLATFORMS
from bot.chat.request import Conversation, Person
from bot.policy.approvals import ApprovalNeed, ApprovalRules, Size, may_approve
from bot.policy.grants import CONVERSATION, Grant, Grants
from bot.policy.people import People
from bot.policy.question import Decision, Effect, Needs, Question, Target
from bot.policy.roles import RANK, Access, RoleGrant
from bot.policy.settings import BreakGlassSettings
from bot.settings import Role

__all__ = ["Decision", "Effect", "Needs", "Policy", "Question", "Standing", "Target"]

_CHANGING: tuple[Role, ...] = ("operator", "admin")
"""Roles that may be named as approvers."""
_OUTSIDERS = {
    "guest": "guests of this workspace or tenant",
    "foreign": "people of other workspaces and tenants",
    "bot": "bots and workflows",
}
_BY_GROUPS = frozenset(
    {
        "access.outsiders",
        "access.none",
        "command.role",
        "grants.none",
        "command.everybody",
        "command.shared",
        "command.others",
    }
)
"""Rules that would not refuse somebody who is in the right group."""
_UNREAD_GROUPS = "Your group membership could not be read, so no group of yours counts now: try again in a minute."
_UNREAD_KIND = "Whether you are one could not be read: try again in a minute."


@dataclass(frozen=True)
class Standing:
    """What the settings say of a person: their role, the grants that name them (with the id that is named), the rules
    by which they may approve, and whether they may go ahead without the approvals.
    """

    role: RoleGrant
    grants: tuple[tuple[Grant, str], ...]
    approves: tuple[str, ...]
    break_glass: bool


class Policy:
    """Answers :class:`Question`; holds nothing but the settings, so an answer costs no input or output."""

    def __init__(
        self,
        access: Access,
        grants: Grants | None = None,
        approvals: ApprovalRules | None = None,
        break_glass: BreakGlassSettings | None = None,
    ) -> None:
        self._access = access
        self._grants = grants or Grants()
        self._approvals = approvals or ApprovalRules()
        self.break_glass = break_glass or BreakGlassSettings()

    def take(self, other: Policy) -> None:
        """Go by what another one holds from now on: the settings were read anew, and whoever asks has this one."""
        self._access, self._grants, self._approvals = other._access, other._grants, other._approvals
        self.break_glass = other.break_glass

    @property
    def people(self) -> People:
        """Who is one person."""
        return self._access.people

    def role(self, person: Person) -> str:
        """The person's role, wherever they write."""
        return self.standing(person, Conversation(person.platform, "")).role.role

    def decide(self, question: Question) -> Decision:
        """The decision, in the order that this module's docstring gives.

        Where several entities are changed each is judged, and the first refusal is the answer.
        """
        judged = [self._judge(each) for each in question.each()]
        return next((each for each in judged if not each.allowed), judged[0])

    def _judge(self, question: Question) -> Decision:
        """The decision on what the target stands for, with what is used besides."""
        role, given = self._asker(question)
        holding = [each for each in given if question.writes and each[0].holds_for(question)]
        refused = (
            self._barred(question, role)
            or self._denied(question, role, holding)
            or self._unread(question, role, holding)
            or self._not_granted(question, role, holding)
            or self._not_for_everybody(question, role)
        )
        if refused and question.person.unread and refused.rule in _BY_GROUPS:
            return replace(refused, reason=f"{refused.reason} {_UNREAD_GROUPS}")
        if refused:
            return refused
        rule, id_ = (holding[0][0].rule, holding[0][1]) if holding else (role.rule, role.id)
        named = f"{id_} is named in {rule}" if id_ else f"{rule} is {role.role}"
        return Decision(True, rule, f"{named}.", role.role)

    def approvals(self, question: Question, size: Size) -> list[ApprovalNeed]:
        """What others must agree to before a change that is allowed is run."""
        return self._approvals.needed(question, size)

    def may_approve(self, need: ApprovalNeed, question: Question, person: Person, conversation: Conversation) -> bool:
        """Whether a person is one of those who may decide by a rule; whether it is their own request is not asked."""
        could_run = self.decide(replace(question, person=person, conversation=conversation)).allowed
        return may_approve(self._access, need, person, could_run=could_run)

    def approvers(self, need: ApprovalNeed, question: Question) -> list[str]:
        """The ids (``platform:id``) of those who may decide by a rule, as far as the settings name them; sorted."""
        roles: list[Role] = [each for each in _CHANGING if f"{each}s" in need.approvers]
        named = {each for each in need.approvers if ":" in each}
        for role in roles:
            named |= {f"{platform}:{id_}" for platform in PLATFORMS for id_ in self._access.able(role, platform)}
        if not need.approvers:
            for platform in PLATFORMS:
                named |= {f"{platform}:{id_}" for id_ in self._able_to_change(question, platform)}
        asker = set(self.people.ids(question.person.key))
        return sorted(named if need.self_approval else named - asker)

    def may_break_glass(self, person: Person) -> bool:
        """Whether a person may go ahead without the approvals."""
        return not set(self._access.ids(person)).isdisjoint(self.break_glass.people)

    def standing(self, person: Person, conversation: Conversation) -> Standing:
        """What the settings say of a person, in a conversation."""
        question = Question(person, conversation, "", "read", Needs())
        role, given = self._asker(question)
        approves = tuple(
            need.rule
            for need in self._approvals.all()
            if need.approvers and self.may_approve(need, question, person, conversation)
        )
        if person.kind != "member" and not role.id:
            role = RoleGrant("none", "access.outsiders")
        return Standing(role, tuple(given), approves, self.may_break_glass(person))

    def _barred(self, question: Question, role: RoleGrant) -> Decision | None:
        """Outsiders, people without a role, and those whose role is less than the command's own."""
        needed, called = question.needs.role, f"“{question.command}”"
        if question.person.kind != "member" and not role.id:
            reason = f"{called} is not for {_OUTSIDERS[question.person.kind]}, unless the settings name them."
            if not question.person.kind_read:
                reason = f"{reason} {_UNREAD_KIND}"
            return Decision(False, "access.outsiders", reason, "none")
        if role.role == "none":
            return self._refused(question, role, "access.none", needed, called)
        if RANK[role.role] < RANK[needed]:
            return self._refused(question, role, "command.role", needed, called)
        return None

    def _denied(self, question: Question, role: RoleGrant, holding: list[tuple[Grant, str]]) -> Decision | None:
        """A change of Azure that a grant denies. ``holding`` are the grants that hold for it."""
        for grant, id_ in holding:
            if grant.deny:
                return Decision(False, grant.rule, _denied(question, grant, id_), role.role)
        return None

    def _unread(self, question: Question, role: RoleGrant, holding: list[tuple[Grant, str]]) -> Decision | None:
        """A change of Azure that may be denied, or that may not be allowed, by what could not be read of the person."""
        person = question.person
        if not question.writes:
            return None
        groups = (f"{person.platform}:{each}" for each in person.unread)
        for grant, id_ in self._grants.given_to(groups):
            if grant.deny and grant.holds_for(question):
                why = f"{_what(question)} is denied to the group {id_} by {grant.rule}. {_UNREAD_GROUPS}"
                return Decision(False, "access.unread", why, role.role)
        here_alone = bool(holding) and all(id_.startswith(CONVERSATION) for _, id_ in holding)
        if here_alone and not person.kind_read and not _by_role(role.role, question.effect):
            why = f"{_what(question)} is granted to this conversation, but not to guests. {_UNREAD_KIND}"
            return Decision(False, "access.unread", why, role.role)
        return None

    def _not_granted(self, question: Question, role: RoleGrant, holding: list[tuple[Grant, str]]) -> Decision | None:
        """A change of Azure that nothing allows. ``holding`` are the grants that hold for it."""
        if not question.writes or holding or _by_role(role.role, question.effect):
            return None
        reason = f"{_what(question)} needs a grant, and no grant of the settings gives you one."
        return Decision(
            False,
            "grants.none",
            reason,
            role.role,
            None,
            tuple(self._able_to_change(question, question.person.platform)),
        )

    def _not_for_everybody(self, question: Question, role: RoleGrant) -> Decision | None:
        """What a channel has for everybody, which may need a higher role to change than what is one's own."""
        needs, called, target = question.needs, f"“{question.command}”", question.target
        if question.effect == "read":
            return None
        if needs.everybody and RANK[role.role] < RANK[needs.everybody]:
            return self._refused(question, role, "command.everybody", needs.everybody, f"{called} for everybody")
        if question.conversation.kind == "personal" or question.alone:
            return None
        if needs.shared and RANK[role.role] < RANK[needs.shared]:
            return self._refused(question, role, "command.shared", needs.shared, f"{called} for a whole channel")
        somebody_elses = target.owner and not self._access.people.same(target.owner, question.person.key)
        if somebody_elses and needs.others and RANK[role.role] < RANK[needs.others]:
            what = f"{called} of what somebody else made here"
            return self._refused(question, role, "command.others", needs.others, what)
        return None

    def _asker(self, question: Question) -> tuple[RoleGrant, list[tuple[Grant, str]]]:
        """The asker's role, and the grants that name them, a group of theirs or the conversation, which allows nothing
        to those who are no members.
        """
        given = list(self._grants.given_to(self._access.ids(question.person)))
        here = self._grants.given_to([f"{CONVERSATION}{question.conversation.key}"])
        given += [each for each in here if question.person.kind == "member" or each[0].deny]
        role = self._access.grant(question.person)
        allowing = next((each for each in given if not each[0].deny), None)
        if not role.id and allowing:  # named by a grant, and by no role
            grant, id_ = allowing
            role = RoleGrant("viewer", grant.rule, id_)
        return role, given

    def _able_to_change(self, question: Question, platform: str) -> list[str]:
        """The ids on a platform, without its name, of whoever may make a change of Azure; sorted."""
        granted = (id_.partition(":") for grant in self._grants.allowing(question) for id_ in grant.to)
        role: Role = "operator" if question.effect == "change" else "admin"
        return sorted({id_ for on, _, id_ in granted if on == platform} | set(self._access.able(role, platform)))

    def _refused(self, question: Question, role: RoleGrant, rule: str, needed: Role, what: str) -> Decision:
        able = tuple(self._access.able(needed, question.person.platform))
        return Decision(False, rule, f"{what} needs the role {needed}; yours is {role.role}.", role.role, needed, able)


def _by_role(role: str, effect: Effect) -> bool:
    """Whether a role alone allows a change of Azure."""
    return role == "admin" or (role == "operator" and effect == "change")


def _what(question: Question) -> str:
    """``“pool resize” of pool gpu-a in sim``."""
    of = f" of {question.target}" if str(question.target) else ""
    return f"“{question.command}”{of}{f' in {question.account}' if question.account else ''}"


def _denied(question: Question, grant: Grant, id_: str) -> str:
    to = "here" if id_.startswith(CONVERSATION) else f"to {id_}"
    return f"{_what(question)} is denied {to} by {grant.rule}."
