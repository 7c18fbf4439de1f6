"""May this person do this, here, to that? The whole order of evaluation stands in this docstring.

The question is asked for every command, click, submitted form and form that is to be opened: after it is understood and
bound to its account and target, before anything of Azure is read or changed. It names the person (with the groups and
the home workspace or tenant that the platform told), the conversation, the account, the command and what it is about.

1. The person's role is the highest one under which ``[access]`` names their id or the id of one of their groups;
   ``access.everyone`` where it names none.
2. ``access.none``: whose role is none may do nothing, reading included.
3. ``command.role``: less than the command's own role is refused.
4. ``command.shared``: a change that holds for everybody in a channel or a group chat may need a higher role. It does
   not in a personal chat, nor where the command is asked for oneself alone (such as ``alert subscribe to:me``).
5. ``command.others``: to change what somebody else made for everybody in a channel may need a higher role.
6. Whatever no rule refused is allowed, by the setting that gave the role (such as ``access.operators``).

The first rule that refuses is the answer. Settings only ever grant: a role cannot be taken from somebody by naming
them. A command that is run for somebody (a saved query, a confirmed change) is asked about anew, with their role alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.chat.request import Conversation, Person
from bot.policy.roles import RANK, Access, RoleGrant
from bot.settings import Role

Effect: TypeAlias = Literal["read", "change", "destroy"]
"""What a command does: it only reads; it changes something that can be changed back; it destroys, which cannot be."""


@dataclass(frozen=True)
class Needs:
    """The roles that a command needs."""

    role: Role = "viewer"
    """To run it at all."""
    shared: Role | None = None
    """For a change that holds for everybody in a channel or a group chat; None: no more than ``role``."""
    others: Role | None = None
    """To change what somebody else made for everybody in a channel; None: no more than ``role``."""


@dataclass(frozen=True)
class Target:
    """What a command is about: an entity of Azure by its kind, or nothing in particular.

    ``parent`` is the pool of a node and the job of a task. ``owner`` is whoever made it (``platform:id``), for what the
    bot keeps for people; empty where nobody did.
    """

    kind: str = ""
    id: str = ""
    parent: str = ""
    owner: str = ""

    def __str__(self) -> str:
        """``pool gpu-a``, ``node gpu-a/tvm-1``; empty for nothing in particular."""
        return f"{self.kind} {f'{self.parent}/' if self.parent else ''}{self.id}".strip()


@dataclass(frozen=True)
class Question:
    """What is asked of the policy. ``account`` is empty for what is about none; ``alone``: for the asker alone."""

    person: Person
    conversation: Conversation
    command: str
    effect: Effect
    needs: Needs
    account: str = ""
    target: Target = Target()
    alone: bool = False


@dataclass(frozen=True)
class Decision:
    """Allowed or refused, by which rule, and why in a sentence.

    ``needed`` is the role that was missing and ``able`` are the ids on the asker's platform that have it.
    """

    allowed: bool
    rule: str
    reason: str
    role: str
    needed: Role | None = None
    able: tuple[str, ...] = ()


class Policy:
    """Answers :class:`Question`; holds nothing but the settings, so an answer costs no input or output."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def role(self, person: Person) -> str:
        """The person's role."""
        return self._access.role(person)

    def decide(self, question: Question) -> Decision:
        """The decision, in the order that this module's docstring gives."""
        grant = self._access.grant(question.person)
        needs, called = question.needs, f"“{question.command}”"
        if grant.role == "none":
            return self._refused(question, grant, "access.none", needs.role, called)
        if RANK[grant.role] < RANK[needs.role]:
            return self._refused(question, grant, "command.role", needs.role, called)
        shared = question.effect != "read" and question.conversation.kind != "personal" and not question.alone
        if shared and needs.shared and RANK[grant.role] < RANK[needs.shared]:
            return self._refused(question, grant, "command.shared", needs.shared, f"{called} for a whole channel")
        somebody_elses = question.target.owner not in ("", question.person.key)
        if shared and somebody_elses and needs.others and RANK[grant.role] < RANK[needs.others]:
            what = f"{called} of what somebody else made here"
            return self._refused(question, grant, "command.others", needs.others, what)
        named = f"{grant.id} is named in {grant.rule}" if grant.id else f"{grant.rule} is {grant.role}"
        return Decision(True, grant.rule, f"{named}.", grant.role)

    def _refused(self, question: Question, grant: RoleGrant, rule: str, needed: Role, what: str) -> Decision:
        able = tuple(self._access.able(needed, question.person.platform))
        return Decision(
            False, rule, f"{what} needs the role {needed}; yours is {grant.role}.", grant.role, needed, able
        )
