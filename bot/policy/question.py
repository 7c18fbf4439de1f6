"""What is asked of the policy, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from bot.chat.request import Conversation, Person
from bot.settings import Role

Effect: TypeAlias = Literal["read", "change", "destroy"]
"""What a command does: it only reads; it changes something that can be changed back; it destroys, which cannot be."""

PARENTS = {"node": "pool", "task": "job", "package": "application"}
"""What an entity is named within, by its kind."""


@dataclass(frozen=True)
class Needs:
    """What a command needs of whoever runs it."""

    role: Role = "viewer"
    """The role to run it at all."""
    shared: Role | None = None
    """For a change that holds for everybody in a channel or a group chat; None: no more than ``role``."""
    others: Role | None = None
    """To change what somebody else made for everybody in a channel; None: no more than ``role``."""
    everybody: Role | None = None
    """For a change that holds for everybody, wherever it is asked for; None: no more than ``role``."""
    azure: bool = False
    """It changes or destroys something of Azure, which needs a grant."""


@dataclass(frozen=True)
class Target:
    """What a command is about: an entity of Azure by its kind, or nothing in particular.

    ``parent`` is the pool of a node, the job of a task and the application of a package. ``owner`` is whoever made it
    (``platform:id``), for what the bot keeps for people; empty where nobody did.
    """

    kind: str = ""
    id: str = ""
    parent: str = ""
    owner: str = ""

    def __str__(self) -> str:
        """``pool gpu-a``, ``node gpu-a/tvm-1``; empty for nothing in particular."""
        return f"{self.kind} {f'{self.parent}/' if self.parent else ''}{self.id}".strip()


def in_words(targets: Iterable[Target]) -> str:
    """``job nightly, pool gpu-a``; empty for nothing in particular."""
    return ", ".join(filter(None, map(str, targets)))


@dataclass(frozen=True)
class Question:
    """What is asked of the policy. ``account`` is empty for what is about none; ``alone``: for the asker alone.

    ``also`` are other entities that it changes or creates besides its ``target``: each of them has to be granted.
    ``uses`` are those that it only reads or runs on. A deny, or a rule for approvals, holds where it fits any of all.

    ``partial`` says that not everything is filled in yet: what is empty may become anything, so the answer is whether
    there is anything with which it would be allowed.
    """

    person: Person
    conversation: Conversation
    command: str
    effect: Effect
    needs: Needs
    account: str = ""
    target: Target = Target()
    alone: bool = False
    partial: bool = False
    also: tuple[Target, ...] = ()
    uses: tuple[Target, ...] = ()

    @property
    def changed(self) -> str:
        """Every entity that it changes or creates, for people."""
        return in_words((self.target, *self.also))

    @property
    def about(self) -> tuple[Target, ...]:
        """Every entity that it changes, creates or uses, its target first."""
        return (self.target, *self.also, *self.uses)

    def each(self) -> Iterator[Question]:
        """The question for each entity that it changes or creates as the target; the others are used besides."""
        yield self
        for target in self.also:
            yield replace(self, target=target, also=(), uses=(self.target, *self.uses))

    @property
    def writes(self) -> bool:
        """Whether it changes something of Azure."""
        return self.needs.azure and self.effect != "read"


@dataclass(frozen=True)
class Decision:
    """Allowed or refused, by which rule, and why in a sentence.

    ``needed`` is the role that was missing, None where it was no role, and ``able`` are the ids on the asker's platform
    of whoever could.
    """

    allowed: bool
    rule: str
    reason: str
    role: str
    needed: Role | None = None
    able: tuple[str, ...] = ()
