"""What a command is: a handler, the path it is typed under, what it does and who may run it.

``@command("pool list", effect="read")`` marks a handler; :mod:`bot.requests.registry` finds it and reads its grammar
from its signature.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from bot.chat.request import CommandRequest
from bot.content.clear_text import clear
from bot.operations.preflight import Preflighting
from bot.operations.reconcile import Reconciling
from bot.policy.rules import Effect, Needs, Question
from cards.card import Card
from cards.text_fit import elide

if TYPE_CHECKING:
    from bot.requests.context import Context
    from bot.settings import Role

Handler: TypeAlias = Callable[..., Awaitable[Card] | AsyncIterator[Card]]
Owning: TypeAlias = Callable[..., Awaitable[str]]
"""Called as the handler is; whoever made what the command is about (``platform:id``), empty where nobody did."""
H = TypeVar("H", bound=Handler)

NAMED = frozenset({"account", "pool", "node", "job", "task", "schedule", "application"})
"""Parameters are called after what they take: one of these takes the name of one, and forms complete it."""

LEADING = frozenset({"ask", "confirm", "request", "approval run", "undo"})
"""Commands that only read themselves, and lead to a change that was asked for in words, or that waits."""

MARK = "__batchbot_command__"
"""The attribute under which :func:`command` leaves its mark on a handler."""
_FEW = 4
_LONG_WORD = 40
"""Characters of a word in a title: the ids of nodes are longer."""
_ATTACHED = re.compile(r"\bfile:u[0-9a-f]{24}\b")
"""How a command refers to what was attached; see bot.requests.uploads."""
_EFFECTS: dict[Effect, str] = {
    "read": "It only reads.",
    "change": "It makes a change.",
    "destroy": "It destroys something, and asks before it does.",
}


class CommandError(Exception):
    """What was typed cannot be run: ``message`` says why, ``nearest`` are corrected commands to offer.

    ``at`` is the parameter that is wrong, where it is one, and so the field of the form below which it stands. A
    handler's correction need not repeat what else was typed: that is put into it (:mod:`bot.requests.kept`) but for
    ``at`` and ``instead_of``, the parameters that it stands in place of. ``forms`` are commands whose form is offered,
    filled in as far as they go. ``lacks`` is the parameter that was left out, where one was. ``settled`` says that its
    corrections are whole commands already.
    """

    def __init__(
        self,
        message: str,
        nearest: Sequence[str] = (),
        *,
        at: str = "",
        instead_of: Sequence[str] = (),
        forms: Sequence[str] = (),
        lacks: str = "",
        settled: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.nearest = tuple(nearest)
        self.at = at
        self.instead_of = tuple(instead_of)
        self.forms = tuple(forms)
        self.lacks = lacks
        self.settled = settled


class Instead(Exception):
    """An answer that a handler comes upon on its way: what was asked for is not there, and this card says so."""

    def __init__(self, card: Card) -> None:
        super().__init__("answered otherwise")
        self.card = card


class Barred(Instead):
    """What was asked for is refused by a rule of its own: an approval that somebody may not give."""

    def __init__(self, card: Card, rule: str) -> None:
        super().__init__(card)
        self.rule = rule


@dataclass(frozen=True)
class Mark:
    """What ``@command`` says about a handler; see :func:`command`."""

    path: str
    role: Role
    examples: tuple[str, ...]
    menu: int
    effect: Effect = "read"
    shared: Role | None = None
    others: Role | None = None
    everybody: Role | None = None
    owner: Owning | None = None
    alone: str = ""
    changes_with: tuple[str, ...] = ()
    check: str = ""
    preflight: Preflighting | None = None
    reconcile: Reconciling | None = None
    azure: bool = False
    reads_with: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    uses: tuple[str, ...] = ()


def command(
    path: str,
    *,
    effect: Effect,
    azure: bool = False,
    role: Role = "viewer",
    shared: Role | None = None,
    others: Role | None = None,
    everybody: Role | None = None,
    owner: Owning | None = None,
    alone: str = "",
    changes_with: Sequence[str] = (),
    reads_with: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    uses: Sequence[str] = (),
    check: str = "",
    preflight: Preflighting | None = None,
    reconcile: Reconciling | None = None,
    examples: Sequence[str] = (),
    menu: int = 0,
) -> Callable[[H], H]:
    """Mark a handler as the command ``path`` (one to three words).

    What it does. ``effect``: it only reads, it changes something (here or in Azure), or it destroys something, which is
    confirmed first. ``azure`` says that what it changes or destroys is Azure's (a *verb*), and not only what the bot
    itself keeps, such as a mute or a saved query. ``changes_with`` names parameters of which one has to be given for
    the command to change anything; without them it shows, which is a read. ``reads_with`` names parameters with which
    it shows instead of changing, such as ``as`` of ``pool create … as:bicep``.

    What it is about. Parameters that are called after a kind (``pool``, ``job``) name what it changes; ``names`` says
    the kind of others (``{"to": "pool"}``), and ``uses`` which of them it only reads or runs on. What is only found by
    looking, such as the pool in a template, its preflight says (:attr:`bot.operations.preflight.Preflight.uses`).

    Who may run it (:mod:`bot.policy.rules`). ``role`` is the least role. A verb needs a grant besides (``[[grants]]``
    of the settings, for the command's path, account and entity): its role stays viewer. ``shared`` is the least role
    where the change holds for everybody in a channel, and ``alone`` (``to:me``) the option with which it holds for the
    asker only. ``everybody`` is the least role where the change holds for everybody, wherever it is asked for.
    ``others`` is the least role to change what somebody else made for a channel; ``owner`` finds out who that is.

    What surrounds a change, each called as the handler is. ``preflight`` checks whether it can be done and what it
    means, ``reconcile`` how far it came where the program died in between; ``check`` is the command that shows where
    things stand, with ``{parameter}`` for what was typed. Whether others must agree to a verb is the settings' to say.

    ``examples`` are shown in its help, ``menu`` > 0 puts it into the short command lists that platforms show, smallest
    number first.
    """
    mark = Mark(
        path,
        role,
        tuple(examples),
        menu,
        effect,
        shared,
        others,
        everybody,
        owner,
        alone,
        tuple(changes_with),
        check,
        preflight,
        reconcile,
        azure,
        tuple(reads_with),
        dict(names or {}),
        tuple(uses),
    )

    def marked(handler: H) -> H:
        setattr(handler, MARK, mark)
        return handler

    return marked


@dataclass(frozen=True)
class Parameter:
    """One parameter of a command, for help and forms."""

    name: str
    help: str
    kind: str
    required: bool
    positional: bool
    choices: tuple[str, ...]
    default: str
    many: bool = False
    """Takes all words that are left, such as a filter."""
    hidden: bool = False
    """For buttons only: not in forms."""
    names: str = ""
    """What it names, where that can be completed: pool, job, …; see :data:`NAMED`."""

    @property
    def usage(self) -> str:
        """How it is typed: ``JOB``, ``[page:NUMBER]``, or ``[follow]`` for a flag."""
        if self.many:
            return f"[{self.name.upper()} …]"
        if self.kind == "flag":
            return f"[{self.name}]"
        value = "|".join(self.choices) if 0 < len(self.choices) <= _FEW else self.name.upper()
        word = self.name.upper() if self.positional else f"{self.name}:{value}"
        return word if self.required else f"[{word}]"


@dataclass(frozen=True)
class Command:
    """A handler under its path."""

    mark: Mark
    handler: Handler
    summary: str
    details: str
    parameters: tuple[Parameter, ...] = ()

    @property
    def path(self) -> str:
        """What is typed."""
        return self.mark.path

    @property
    def role(self) -> Role:
        """The least role that may run it."""
        return self.mark.role

    @property
    def effect(self) -> Effect:
        """What it does where it does all that it can."""
        return self.mark.effect

    def effect_with(self, given: Iterable[str]) -> Effect:
        """What it does where these parameters are given."""
        names = set(given)
        needed = not self.mark.changes_with or not names.isdisjoint(self.mark.changes_with)
        return self.effect if needed and names.isdisjoint(self.mark.reads_with) else "read"

    @property
    def examples(self) -> tuple[str, ...]:
        """Whole commands."""
        return self.mark.examples

    @property
    def menu(self) -> int:
        """Where it stands in platforms' short lists; 0 for nowhere."""
        return self.mark.menu

    def question(self, request: CommandRequest) -> Question:
        """What is asked of the policy before it is known what the command is about."""
        return Question(request.person, request.conversation, self.path, self.effect, self.needs)

    @property
    def noun(self) -> str:
        """The first word of the path."""
        return self.path.split()[0]

    @property
    def usage(self) -> str:
        """The whole grammar in one line."""
        return " ".join([self.path, *(parameter.usage for parameter in self.parameters if not parameter.hidden)])

    @property
    def brief(self) -> str:
        """What has to be typed; an ellipsis stands for the options, where there are any."""
        shown = [each for each in self.parameters if not each.hidden]
        needed = [each.usage for each in shown if each.required]
        return " ".join([self.path, *needed, *(["…"] if len(needed) < len(shown) else [])])

    @property
    def needs(self) -> Needs:
        """The roles that it needs."""
        return Needs(self.mark.role, self.mark.shared, self.mark.others, self.mark.everybody, self.mark.azure)

    @property
    def effect_sentence(self) -> str:
        """What it does, in a sentence for help and the reference."""
        if self.mark.changes_with:
            *others, last = self.mark.changes_with
            given = f"{', '.join(others)} or {last}" if others else last
            return f"It makes a change where {given} is given, and only reads otherwise."
        if self.mark.reads_with:
            return f"{_EFFECTS[self.effect]} With {' or '.join(self.mark.reads_with)} it only reads."
        return _EFFECTS[self.effect]

    @property
    def needs_sentence(self) -> str:
        """Who may run it, without a full stop: ``the role viewer, and operator for a whole channel``."""
        needs = "a grant" if self.mark.azure else f"the role {self.role}"
        if self.mark.azure and self.role != "viewer":
            needs += f" and the role {self.role}"
        if self.mark.everybody and self.mark.everybody != self.role:
            needs += f", and {self.mark.everybody} to change it, since that holds for everybody"
        if self.mark.shared and self.mark.shared != self.role:
            unless = f" (not with {self.mark.alone})" if self.mark.alone else ""
            needs += f", and {self.mark.shared} for a whole channel{unless}"
        if self.mark.others and self.mark.others != self.role:
            needs += f", and {self.mark.others} for what somebody else made in a channel"
        return needs

    @property
    def intro(self) -> str:
        """What its form says above the fields. Nobody gets the form of a verb who has no grant for it."""
        return (
            self.summary if self.effect == "read" or self.mark.azure else f"{self.summary} Needs {self.needs_sentence}."
        )


def _words(value: object) -> str:
    """An argument as people write it."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else _ATTACHED.sub("attached", str(value))


@dataclass(frozen=True)
class Call:
    """A command with its arguments, ready to run."""

    command: Command
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    typed: str = ""
    """The words that it was understood from, a form's values included."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What was given, by the parameter's name as people type it (``for`` and not ``for_``)."""
        bound = inspect.signature(self.command.handler).bind(None, *self.args, **self.kwargs).arguments
        return {name.rstrip("_"): value for name, value in list(bound.items())[1:]}

    @property
    def effect(self) -> Effect:
        """What this call does: without what a change needs, or with what only shows, it is a read."""
        return self.command.effect_with(name for name, value in self.arguments.items() if value not in (None, False))

    @property
    def alone(self) -> bool:
        """Whether it is asked for the asker alone."""
        option, _, value = self.command.mark.alone.partition(":")
        return bool(option) and self.arguments.get(option) == value

    @property
    def exact(self) -> str:
        """What is to be done, in one canonical line that nothing else has: every argument that was given, by name."""
        given = (f"{name}:{value!r}" for name, value in sorted(self.arguments.items()) if value not in (None, ()))
        return " ".join([self.command.path, *given])

    @property
    def shown(self) -> str:
        """The same for people: words are joined, and what was attached is no id, as in ``tasks:attached``."""
        given = (
            (name, _words(value)) for name, value in sorted(self.arguments.items()) if value not in (None, (), False)
        )
        return " ".join([self.command.path, *(name if value == "True" else f"{name}:{value}" for name, value in given)])

    @property
    def readable(self) -> str:
        """As it was typed, for a title: without secrets, long words shortened, and what was attached is no id."""
        return " ".join(elide(_ATTACHED.sub("attached", word), _LONG_WORD) for word in clear(self.typed).split())

    async def cards(self, ctx: Context) -> AsyncIterator[Card]:
        """Run the handler: one card, or for a live answer each card that follows."""
        answer = self.command.handler(ctx, *self.args, **self.kwargs)
        if isinstance(answer, Awaitable):
            yield await answer
        else:
            async for card in answer:
                yield card
