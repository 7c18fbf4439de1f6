"""Bind a command to what it is about: its account, its target, and what it does with what was given.

This comes before the policy, which judges what is bound. An account that the settings do not know is bound to none: the
handler lists the names that there are, and only to those who may run the command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rapidfuzz import process

from bot.chat.request import CommandRequest
from bot.operations.preflight import NOTHING_TO_CHECK, Preflight
from bot.policy.question import PARENTS, in_words
from bot.policy.rules import Effect, Question, Target
from bot.requests.command import Call, Command, CommandError
from bot.requests.grammar import words
from cards.command_line import join

if TYPE_CHECKING:
    from bot.azure.account import Account
    from bot.requests.context import Context

_KINDS = ("node", "task", "pool", "job", "schedule", "application", "package", "certificate", "account")
"""In this order a command's target is looked for, after the kind that it is named after: the narrowest first."""
_NAMED_SO = _KINDS[:-1]
"""Kinds after which parameters are called that name one; ``account`` is where it is, and not what it is about."""


@dataclass(frozen=True)
class About:
    """What a call is about: see :class:`bot.policy.question.Question` for each."""

    target: Target
    also: tuple[Target, ...] = ()
    uses: tuple[Target, ...] = ()

    def __str__(self) -> str:
        """Everything that it changes or creates."""
        return in_words((self.target, *self.also))


@dataclass(frozen=True)
class Bound:
    """A call that is bound: the account's name (empty for none), what it is about, and its effect."""

    call: Call
    account: str
    about: About
    effect: Effect

    def question(self, ctx: Context, found: Preflight = NOTHING_TO_CHECK) -> Question:
        """What is asked of the policy, with what a look ahead has ``found`` that it is about besides."""
        asked = self.call.command.question(ctx.request)
        asked = replace(asked, effect=self.effect, account=self.account, alone=self.call.alone, **vars(self.about))
        return replace(asked, also=(*asked.also, *found.makes), uses=(*asked.uses, *found.uses))


async def bind(call: Call, ctx: Context) -> Bound:
    """Bind what was typed. Reads what the bot keeps where the command has an owner, and nothing of Azure."""
    given = call.arguments
    account = ""
    if any(parameter.name == "account" for parameter in call.command.parameters):
        named = _plain(given.get("account"))
        known = ctx.accounts.names
        account = _default(ctx) if named is None else named if named in known else ""
    owner = call.command.mark.owner
    made_by = await owner(ctx, *call.args, **call.kwargs) if owner else ""
    return Bound(call, account, about(call.command, given, made_by), call.effect)


def about(known: Command, given: Mapping[str, Any], owner: str = "", *, partial: bool = False) -> About:
    """What a command is about, by what is given by name; ``owner`` is whoever made it.

    A parameter is called after the kind of what it names, or ``names`` of the command says of which kind that is. Every
    entity that is named is changed or created, unless ``uses`` says otherwise; the pool of a node is only its parent. A
    command that makes one like another and finds its name itself is about that other, unless it is ``partial``.
    """
    mark, order = known.mark, (known.noun, *_KINDS)
    kinds = {**{kind: kind for kind in _NAMED_SO}, **mark.names}
    named = {name: kind for name, kind in kinds.items() if isinstance(given.get(name), str) and given[name]}
    changed = sorted((name for name in named if name not in mark.uses), key=lambda name: order.index(named[name]))
    used = [name for name in mark.uses if name in named]
    if not changed and not partial:
        changed = [name for name in used if named[name] == known.noun]
    within = {named[name]: str(given[name]) for name in named if named[name] in PARENTS.values()}

    def target(name: str) -> Target:
        kind = named[name]
        return Target(kind, str(given[name]), within.get(PARENTS.get(kind, ""), ""))

    parents = {PARENTS.get(named[name]) for name in changed}
    first, *rest = [target(name) for name in changed if named[name] not in parents] or [Target()]
    return About(replace(first, owner=owner), tuple(rest), tuple(map(target, used)))


def draft(known: Command, given: Mapping[str, str], request: CommandRequest, account: str = "") -> Question:
    """What is asked of the policy about a command that is not complete yet: a button's, or a form's.

    ``given`` is what is filled in, by the parameter's name, and ``account`` the account that is meant without one.
    Whoever made it is not looked up: that is judged when it is run.
    """
    takes = any(parameter.name == "account" for parameter in known.parameters)
    option, _, value = known.mark.alone.partition(":")
    return replace(
        known.question(request),
        effect=known.effect_with(given),
        account=(_plain(given.get("account")) or account) if takes else "",
        alone=bool(option) and given.get(option, value) == value,
        partial=True,
        **vars(about(known, given, partial=True)),
    )


def account(ctx: Context, name: str | None) -> Account:
    """The account by its name in the settings; None is the default of the conversation, else the settings' first.

    Raises CommandError with the known names.
    """
    known = ctx.accounts.names
    name = _plain(name)
    if name is not None and name not in known:
        message = f"There is no account “{name}” in the bot's settings. There are: {', '.join(known)}."
        near = process.extractOne(name, known, score_cutoff=50)
        raise CommandError(message, [*_renamed(ctx.request.text, name, near[0] if near else ""), "account list"])
    return ctx.accounts.get(name or _default(ctx))


def _renamed(typed: str, name: str, right: str) -> list[str]:
    """What was typed with the right account in place of ``name``: where that is the option, or else its last place."""
    tokens = words(typed)
    places = [index for index, token in enumerate(tokens) if token in (f"account:{name}", f"account={name}")]
    places = places or [index for index, token in enumerate(tokens) if token == name]
    if not right or not places:
        return []
    at = places[-1]
    return [join([*tokens[:at], right if tokens[at] == name else f"account:{right}", *tokens[at + 1 :]])]


def _default(ctx: Context) -> str:
    return ctx.chosen.default.account if ctx.chosen else ctx.accounts.get().name


def _plain(name: str | None) -> str | None:
    """``account:NAME`` is the target where the account is what the command is about."""
    return name.removeprefix("account:") if name else None
