"""What somebody wrote, as the request that is answered: the command itself, one that was understood, or advice.

Buttons and forms carry commands that are read as they are. What people write is tried in this order: as a command;
without what clients and politeness put around it; in plain words (:mod:`bot.requests.plain_words`). A command that
reads and was understood otherwise than it was written is named in its answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from bot.chat.request import CommandRequest
from bot.requests import refusals
from bot.requests.command import CommandError
from bot.requests.context import Context
from bot.requests.grammar import words
from bot.requests.plain_words import small_talk
from bot.requests.plain_words.known import World
from bot.requests.plain_words.names import Watched, placed
from bot.requests.plain_words.reading import exactly, has_options, in_plain_words, is_begun
from bot.requests.registry import Registry
from bot.requests.universal import taken
from cards.build import code, muted, note
from cards.card import Card
from cards.command_line import join

_OFFERED = 3


@dataclass(frozen=True)
class Heard:
    """``request`` is what is answered; ``card`` the answer where that is known already; ``understood`` the command that
    other words were taken for, empty where there were none.
    """

    request: CommandRequest
    card: Card | None = None
    understood: str = ""

    def noted(self, card: Card) -> Card:
        """The card with the command that was understood."""
        if not self.understood:
            return card
        said = note(muted("Understood as "), code(self.understood))
        return replace(card, blocks=(said, *card.blocks)) if said else card


def is_typed(request: CommandRequest) -> bool:
    """Whether somebody wrote it: a button, a form and a program carry a command."""
    made = request.values or request.message or request.files or request.through
    return not made and request.how == "post"


async def heard(ctx: Context) -> Heard:
    """What was meant. Raises CommandError with what may have been meant, where that would change something or is not
    sure.
    """
    request, registry = ctx.request, ctx.registry
    if not is_typed(request) or not request.text.strip():
        return Heard(request)
    said = _without_name(request.text, ctx.bot_name)
    exact = exactly(registry, said)
    if exact is None and (small := small_talk.answer(said)):
        return Heard(request, card=refusals.quietly(small, request))
    if exact:
        return await _exact(ctx, exact.text, respelled=exact.respelled)
    if is_begun(registry, said):
        return Heard(request)
    if has_options(registry, said):  # it is that command, and the option is what is wrong
        return await otherwise(ctx, Heard(request)) or Heard(request)
    return await in_words(ctx) or Heard(request)


async def in_words(ctx: Context) -> Heard | None:
    """What plain words mean; None where nothing was understood. Raises CommandError with what may have been meant."""
    request, registry = ctx.request, ctx.registry
    found = in_plain_words(registry, _without_name(request.text, ctx.bot_name), await _world(ctx))
    if found.command:
        return Heard(replace(request, text=found.command), understood=found.command)
    if not found.offers:
        return None
    raise _offering(registry, request.text, found.offers)


async def otherwise(ctx: Context, before: Heard) -> Heard | None:
    """What the words mean, where the command that they are cannot be run: ``job list running``. None where they mean
    nothing else for sure.
    """
    try:
        found = await in_words(ctx)
    except CommandError:
        return None
    return found if found and found.request.text != before.request.text else None


async def _exact(ctx: Context, typed: str, *, respelled: bool) -> Heard:
    """A command, in the account of what it names."""
    request = replace(ctx.request, text=typed)
    understood = typed if respelled else ""
    if len(ctx.accounts) < 2 and typed == typed.strip("`*_~?!.,"):
        return Heard(request, understood=understood)
    tokens = words(typed)
    call = ctx.registry.parse(taken(ctx.registry.find(tokens), tokens)[0])
    where = placed(ctx.registry, call, await _world(ctx))
    if where.offers:
        raise CommandError(_ELSEWHERE, where.offers, settled=True)
    if where.tokens:
        understood = join(where.tokens)
        request = replace(request, text=understood)
    return Heard(request, understood=understood)


_ELSEWHERE = "That is not in this account."


def _offering(registry: Registry, typed: str, offers: tuple[str, ...]) -> CommandError:
    """What may have been meant, each to press; what lacks a value is its form."""
    whole = [each for each in offers if registry.fit(words(each)) == "whole"]
    forms = [each for each in offers if each not in whole and registry.fit(words(each)) == "lacking"]
    changes = any(registry.command(words(each)).effect != "read" for each in (*whole, *forms))
    unsure = "may mean several things" if len(offers) > 1 else "is not quite clear"
    what = "Nothing was changed yet." if changes else f"“{refusals.short(typed)}” {unsure}."
    return CommandError(what, [*whole[:_OFFERED], "help"], forms=forms[: _OFFERED - len(whole)], settled=True)


def _without_name(typed: str, bot_name: str) -> str:
    """``@bot batch pool list`` without the bot's own name."""
    first, _, rest = typed.strip().partition(" ")
    return rest.strip() if first.lower() == bot_name and rest.strip() else typed


async def _world(ctx: Context) -> World:
    names = ctx.services.reading.names
    default = ctx.chosen.default.account if ctx.chosen else next(iter(ctx.accounts.names), "")
    if names is None:
        return Watched(ctx.accounts.names, default, ())
    await names.gathered()
    return Watched(ctx.accounts.names, default, names.every())
