"""What a card offers: no button or menu that would only be refused.

In a personal chat, and in an answer that one person sees, that is what the asker may not run. In a channel others press
the same buttons: there a button stays where the asker may run its command, or somebody else on the platform may.
"""

from __future__ import annotations

from msgspec.structs import replace

from bot.policy.rules import Policy
from bot.requests import binding, forms
from bot.requests.command import CommandError
from bot.requests.context import Context
from bot.requests.grammar import words
from cards.card import Action, Actions, Block, Button, Card, Menu
from cards.command_line import join

_MOST = 25
"""Options of a menu that are judged one by one; a longer one is judged as a whole."""


def offered(card: Card, ctx: Context) -> Card:
    """The card without what would be refused to whoever sees it."""
    alone = card.private or ctx.request.conversation.kind == "personal"
    found = [_block(block, ctx, alone=alone) for block in card.blocks]
    if all(one is other for one, other in zip(found, card.blocks, strict=True)):
        return card
    return replace(card, blocks=tuple(block for block in found if block is not None))


def _block(block: Block, ctx: Context, *, alone: bool) -> Block | None:
    if not isinstance(block, Actions):
        return block
    kept = [item for each in block.items if (item := _item(each, ctx, alone=alone))]
    if len(kept) == len(block.items) and all(one is other for one, other in zip(kept, block.items, strict=True)):
        return block
    return replace(block, items=tuple(kept)) if kept else None


def _item(item: Action, ctx: Context, *, alone: bool) -> Action | None:
    match item:
        case Button():
            return item if _may(item.command, ctx, alone=alone) else None
        case Menu() if len(item.options) > _MOST:
            return item if _may(item.command.replace("{}", ""), ctx, alone=alone) else None
        case Menu():
            chosen = [each for each in item.options if _may(_with(item, each.value), ctx, alone=alone)]
            if len(chosen) == len(item.options):
                return item
            return replace(item, options=tuple(chosen)) if chosen else None
    return item


def _with(menu: Menu, value: str) -> str:
    return menu.command.replace("{}", join([value]))


def _may(command: str, ctx: Context, *, alone: bool) -> bool:
    """Whether a command would be allowed to whoever can press; one that only reads, or is none, is left alone."""
    try:
        tokens = words(command)
    except CommandError:
        return True
    known = ctx.registry.find(tokens)
    if known is None or (known.effect == "read" and known.role == "viewer"):
        return True
    filled = forms.filled_in(known, tokens[len(known.path.split()) :])
    account = ctx.chosen.default.account if ctx.chosen else next(iter(ctx.accounts.names), "")
    policy: Policy = ctx.services.policy
    decision = policy.decide(binding.draft(known, filled, ctx.request, account))
    return decision.allowed or (not alone and bool(decision.able))
