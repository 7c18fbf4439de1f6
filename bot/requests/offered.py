"""What a card offers: no button or menu that would only be refused.

In a personal chat, and in an answer that one person sees, that is what the asker may not run. In a channel others press
the same buttons: there a button stays where the asker may run its command, or somebody else on the platform may. Of
what the bot posts by itself, such as an alert, nobody is the asker: what stays is what everybody there may run, by a
grant to the conversation, or somebody whom the settings name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from bot.chat.request import CommandRequest, Conversation, Person
from bot.policy.rules import Policy
from bot.requests import binding, forms
from bot.requests.command import CommandError
from bot.requests.context import Context
from bot.requests.grammar import words
from bot.requests.registry import Registry
from cards.card import Action, Actions, Block, Button, Card, Menu
from cards.click import asking, fill

_MOST = 25
"""Options of a menu that are judged one by one; a longer one is judged as a whole."""


@dataclass(frozen=True)
class _Sight:
    """Who sees a card: the request that it answers, the account that is meant where none is named, and the rules."""

    registry: Registry
    policy: Policy
    request: CommandRequest
    account: str
    alone: bool = False
    writes: Callable[[str], bool] = lambda _: True
    """Whether the bot has an identity that may change an account."""


def offered(card: Card, ctx: Context) -> Card:
    """The card without what would be refused to whoever sees it."""
    alone = card.private or ctx.request.conversation.kind == "personal"
    account = ctx.chosen.default.account if ctx.chosen else next(iter(ctx.accounts.names), "")
    return _seen(card, _Sight(ctx.registry, ctx.services.policy, ctx.request, account, alone))


def offered_to_all(
    card: Card,
    registry: Registry,
    policy: Policy,
    conversation: Conversation,
    account: str = "",
    writes: Callable[[str], bool] = lambda _: True,
) -> Card:
    """The card of a post that answers nobody, without what would be refused to everybody.

    ``account`` is the one that is meant where a command names none, ``writes`` whether the bot may change an account.
    """
    nobody = CommandRequest("", "", Person(conversation.platform, ""), conversation, datetime.now(UTC))
    return _seen(card, _Sight(registry, policy, nobody, account, writes=writes))


def _seen(card: Card, sight: _Sight) -> Card:
    found = [_block(block, sight) for block in card.blocks]
    if all(one is other for one, other in zip(found, card.blocks, strict=True)):
        return card
    return replace(card, blocks=tuple(block for block in found if block is not None))


def _block(block: Block, sight: _Sight) -> Block | None:
    if not isinstance(block, Actions):
        return block
    kept = [item for each in block.items if (item := _item(each, sight))]
    if len(kept) == len(block.items) and all(one is other for one, other in zip(kept, block.items, strict=True)):
        return block
    return replace(block, items=tuple(kept)) if kept else None


def _item(item: Action, sight: _Sight) -> Action | None:
    match item:
        case Button():
            return item if _may(item.command, sight) else None
        case Menu() if len(item.options) > _MOST:
            return item if _may(asking(item).command, sight) else None
        case Menu():
            chosen = [each for each in item.options if _may(fill(item.command, each.value), sight)]
            if len(chosen) == len(item.options):
                return item
            return replace(item, options=tuple(chosen)) if chosen else None
    return item


def _may(command: str, sight: _Sight) -> bool:
    """Whether a command would be allowed to whoever can press; one that only reads, or is none, is left alone."""
    try:
        tokens = words(command)
    except CommandError:
        return True
    known = sight.registry.find(tokens)
    if known is None or (known.effect == "read" and known.role == "viewer"):
        return True
    filled = forms.filled_in(known, tokens[len(known.path.split()) :])
    asked = binding.draft(known, filled, sight.request, sight.account)
    if asked.needs.azure and asked.account and not sight.writes(asked.account):
        return False
    decision = sight.policy.decide(asked)
    return decision.allowed or (not sight.alone and bool(decision.able))
