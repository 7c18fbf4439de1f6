"""The account used where none is named: the place's, the person's, or the first one of the settings."""

from __future__ import annotations

from bot.chat.request import Author
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.preferences import Chosen, choose_account, choose_none, person_of, place_of
from cards import build
from cards.build import blocks, code, text
from cards.card import Button, Card, Mark, Text, Time, Words
from cards.command_line import command as command_line
from handlers.shared.common import titled

_BUTTONS = 4
_NONE = "none"


@command(
    "use",
    effect="change",
    shared="operator",
    changes_with=("account",),
    check="use",
    examples=["use", "use sim-dev", "use none"],
)
async def use_account(ctx: Context, account: str | None = None) -> Card:
    """Show or set this channel's default account.

    In a channel the choice is everybody's there, in a personal chat your own, which holds in channels that have none.
    Buttons always mean the account they were made for.

    :param account: the account, by its name in the settings; none takes the choice back
    """
    if account is None:
        return _shown(ctx, ctx.chosen)
    if account == _NONE and _NONE not in ctx.accounts.names:
        await choose_none(ctx.store, ctx.request)
        return _shown(ctx, await ctx.chosen_now())
    await choose_account(ctx.store, ctx.request, ctx.account(account).name, ctx.now())
    return _shown(ctx, await ctx.chosen_now())


def _shown(ctx: Context, chosen: Chosen | None) -> Card:
    names = ctx.accounts.names
    current = chosen.default.account if chosen else ctx.accounts.get().name
    others = [name for name in names if name != current]
    here = chosen is not None and chosen.owner == place_of(ctx.request)
    return Card(
        title=titled(f"{current} is the default account {_where(ctx)}"),
        mark=Mark.NEUTRAL,
        blocks=blocks(
            Words(_why(ctx, chosen)),
            Words(text("Add ", code("account:NAME"), " to a command to use another one once.")) if others else None,
            build.actions(
                *(Button(f"Use {name}", command_line("use", name), how="edit") for name in others[:_BUTTONS]),
                build.open_menu("Use another", "use {}", others) if len(others) > _BUTTONS else None,
                Button("Take it back", f"use {_NONE}", how="edit") if here and _NONE not in names else None,
                Button("Accounts", "account list"),
            ),
        ),
    )


def _where(ctx: Context) -> str:
    return "for you" if ctx.request.conversation.kind == "personal" else "here"


def _why(ctx: Context, chosen: Chosen | None) -> Text:
    if chosen is None:
        return text(
            "It is the only one." if len(ctx.accounts) == 1 else "It is the first one in the settings; none was chosen."
        )
    whose = "Your own choice" if chosen.owner == person_of(ctx.request) else "Chosen for everybody here"
    mine = chosen.default.by.id == Author.of(ctx.request).id
    by = "" if mine and chosen.owner == person_of(ctx.request) else f" by {chosen.default.by.shown_to(ctx.request)}"
    return text(f"{whose}{by}, ", Time(chosen.at), ".")
