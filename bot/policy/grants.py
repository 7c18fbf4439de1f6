"""Which changes of Azure the settings grant or deny: to whom, of which command, in which account, on what.

Patterns are those of a shell (``*``, ``?``, ``[ab]``), compared without regard to case, as the service does with ids.

What a command is about need not be one entity. A command about all of a kind, or about whatever a pattern fits, is
granted by a grant for everything (``*``) or everything of its kind (``pool:*``) alone, or by the very same pattern; it
is denied by every grant with ``deny`` for entities of its kind, because one of those may be among them. So is one
about tasks of a job, or nodes of a pool.

What a command is about need not be of one kind either: to move a job changes the job and the pool. Each entity that is
changed or created has to be granted; a deny, or a rule for approvals, holds where it fits any of them, or one that is
only used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import translate

from bot.policy.question import PARENTS, Question, Target
from bot.policy.settings import GrantSettings

CONVERSATION = "conversation:"
"""What stands before the id of a conversation where a grant is given to everybody in it."""
_WILD = re.compile(r"[*?\[]")


class Pattern:
    """Texts that one of several shell patterns fits."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._one = re.compile("|".join(translate(each.lower()) for each in patterns) or "(?!)")

    def fits(self, text: str) -> bool:
        """Whether one of them fits the whole text."""
        return self._one.match(text.lower()) is not None


class Entities:
    """Entities that a list of patterns such as ``pool:gpu-*`` fits, with what they contain."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.everything = "*" in patterns
        self._patterns = frozenset(each.lower() for each in patterns)
        self._of_kind: dict[str, Pattern] = {}
        kinds = {each.partition(":")[0] for each in patterns if each != "*"}
        for kind in kinds:
            own = (each.partition(":")[2] for each in patterns if each.startswith(f"{kind}:"))
            self._of_kind[kind] = Pattern(own)

    def fit(self, question: Question) -> bool:
        """Whether all that the target of a command stands for is among them."""
        return self.everything or any(self._has(kind, id_) for kind, id_ in _names(question, question.target))

    def touch(self, question: Question) -> bool:
        """Whether anything that a command may change, create or use is among them.

        What is not filled in yet may become something else; see :attr:`Question.partial`.
        """
        if self.everything:
            return True
        about = [each for each in question.about if each.id or not question.partial]
        return any(self._may_have(kind, id_) for target in about for kind, id_ in _names(question, target))

    def suit(self, question: Question) -> bool:
        """Whether there is anything among them that an empty target may become."""
        return self.everything or any(kind in self._of_kind for kind, _ in _names(question, question.target))

    def _has(self, kind: str, id_: str) -> bool:
        if kind not in self._of_kind:
            return False
        if not id_ or _WILD.search(id_):  # many: one of them might not fit
            return not {f"{kind}:*", f"{kind}:{id_.lower()}"}.isdisjoint(self._patterns)
        return self._of_kind[kind].fits(id_)

    def _may_have(self, kind: str, id_: str) -> bool:
        if kind not in self._of_kind:
            return False
        within, _, own = id_.partition("/")
        if own == "*" and not _WILD.search(within):  # whatever is in this one, and nothing of another
            patterns = (each.partition(":")[2] for each in self._patterns if each.startswith(f"{kind}:"))
            return Pattern(each.partition("/")[0] for each in patterns).fits(within)
        return not id_ or bool(_WILD.search(id_)) or self._of_kind[kind].fits(id_)


class Grant:
    """One ``[[grants]]`` table, ready to be asked. ``rule`` is what refusals and the audit trail call it."""

    def __init__(self, given: GrantSettings, number: int) -> None:
        """``number`` is its place in the file, from 1."""
        self.rule = f"grants.{given.name or number}"
        self.to = tuple(given.to)
        self.deny = given.deny
        self.words = _in_words(given)
        """What it grants or denies, in words."""
        self._effect = given.effect
        self._verbs = Pattern(given.verbs)
        self._accounts = Pattern(given.accounts)
        self._entities = Entities(given.entities)

    def holds_for(self, question: Question) -> bool:
        """Whether it grants, or with ``deny`` denies, what is asked, whoever asks."""
        return (
            self._effect in ("any", question.effect)
            and self._verbs.fits(question.command)
            and self._holds_in(question)
            and self._holds_on(question)
        )

    def _holds_in(self, question: Question) -> bool:
        """Whether it holds in the account; an account that may still be chosen is one that suits the asker."""
        if question.partial and not question.account:
            return not self.deny or self._accounts.fits("")
        return self._accounts.fits(question.account)

    def _holds_on(self, question: Question) -> bool:
        """Whether it holds on the entities; one that may still be named is one that suits the asker."""
        if self.deny:
            return self._entities.touch(question)
        return (
            self._entities.suit(question)
            if question.partial and not question.target.id
            else self._entities.fit(question)
        )


class Grants:
    """Every grant, by whom it is given to."""

    def __init__(self, given: Sequence[GrantSettings] = ()) -> None:
        self.all = tuple(Grant(each, number) for number, each in enumerate(given, 1))
        self._by_id: dict[str, list[Grant]] = {}
        for grant in self.all:
            for id_ in grant.to:
                self._by_id.setdefault(id_, []).append(grant)

    def given_to(self, ids: Iterable[str]) -> Iterator[tuple[Grant, str]]:
        """The grants that name one of these ids, and which; in no order that matters."""
        for id_ in ids:
            for grant in self._by_id.get(id_, ()):
                yield grant, id_

    def allowing(self, question: Question) -> Iterator[Grant]:
        """Every grant that allows what is asked to somebody."""
        return (grant for grant in self.all if not grant.deny and grant.holds_for(question))


def _in_words(given: GrantSettings) -> str:
    """``pool resize and pool * in sim-*, on pool:gpu-*``, in the words of the settings."""
    effect = {"change": ", only what can be changed back", "destroy": ", only what destroys"}.get(given.effect, "")
    accounts = "every account" if "*" in given.accounts else ", ".join(given.accounts)
    entities = "" if "*" in given.entities else f", on {', '.join(given.entities)}"
    verbs = "every change of Azure" if "*" in given.verbs else ", ".join(given.verbs)
    return f"{verbs} in {accounts}{entities}{effect}"


def _names(question: Question, target: Target) -> Iterator[tuple[str, str]]:
    """What an entity is and what it is within, each as (kind, id); an empty id is all of the kind.

    A node is named ``POOL/NODE``, a task ``JOB/TASK`` and a package ``APPLICATION/VERSION``; an account by its name in
    the settings. A command for nodes or tasks that names their pool or job alone is about any of them (``POOL/*``).
    """
    noun = question.command.partition(" ")[0]
    kind = target.kind or noun
    if target.parent:
        yield PARENTS.get(kind, ""), target.parent
        yield kind, f"{target.parent}/{target.id}"
        return
    yield kind, target.id or question.account if kind == "account" else target.id
    if target.id and PARENTS.get(noun) == kind:
        yield noun, f"{target.id}/*"
