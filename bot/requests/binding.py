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
from bot.policy.rules import Effect, Question, Target
from bot.requests.command import Call, Command, CommandError

if TYPE_CHECKING:
    from bot.azure.account import Account
    from bot.requests.context import Context

_PARENTS = {"node": "pool", "task": "job"}
"""What an entity is named within. The kinds below are tried in this order: the narrowest first."""
_KINDS = ("node", "task", "pool", "job", "schedule", "application", "package", "certificate")


@dataclass(frozen=True)
class Bound:
    """A call that is bound: the account's name (empty for none), its target, and its effect."""

    call: Call
    account: str
    target: Target
    effect: Effect

    def question(self, ctx: Context) -> Question:
        """What is asked of the policy."""
        asked = self.call.command.question(ctx.request)
        return replace(asked, effect=self.effect, account=self.account, target=self.target, alone=self.call.alone)


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
    return Bound(call, account, target_of(call.command.noun, given, made_by), call.effect)


def target_of(noun: str, given: Mapping[str, Any], owner: str = "") -> Target:
    """What a command about ``noun`` is about, by what is given by name; ``owner`` is whoever made it."""
    kinds = (noun, *_KINDS)
    kind = next((kind for kind in kinds if kind in _KINDS and isinstance(given.get(kind), str)), "")
    parent = given.get(_PARENTS.get(kind, ""))
    return Target(kind, str(given.get(kind, "")), str(parent or ""), owner)


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
        target=target_of(known.noun, given),
        alone=bool(option) and given.get(option, value) == value,
        partial=True,
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
        raise CommandError(message, [*([ctx.request.text.replace(name, near[0])] if near else []), "account list"])
    return ctx.accounts.get(name or _default(ctx))


def _default(ctx: Context) -> str:
    return ctx.chosen.default.account if ctx.chosen else ctx.accounts.get().name


def _plain(name: str | None) -> str | None:
    """``account:NAME`` is the target where the account is what the command is about."""
    return name.removeprefix("account:") if name else None
