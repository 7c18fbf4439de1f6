"""Pins: what a channel, or a person, looks at all the time, as buttons on the home card.

A pin is a command that only reads, in the account that it meant when it was pinned. A channel's pins are everybody's
there; a person's own are shown in their personal chat and on their Home tab. What somebody else pinned for a channel is
taken away with the role operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as changed
from datetime import datetime
from typing import Annotated

import msgspec
from cyclopts import Parameter
from msgspec import Struct
from msgspec.structs import replace

from bot.chat.request import Author
from bot.content.clear_text import clear
from bot.requests import binding, understanding
from bot.requests.command import LEADING, Call, CommandError, command
from bot.requests.context import Context
from bot.requests.grammar import words as split_words
from bot.requests.preferences import PINS, person_of, place_of
from cards import build
from cards.build import blocks, code, refusal, text
from cards.card import Actions, Button, Card, Column, Mark, Time, Words
from cards.command_line import Exact, join
from cards.formatting import number
from cards.text_fit import elide
from handlers.shared.common import titled
from storage.port.decoding import decoded

MOST = 10
"""Pins of a channel or a person: what fits on a card with everything else."""
_LONGEST = 300
"""Characters of a command that is pinned."""
_LABEL = 30
_OWN = frozenset({"pin", "pin mine", "pin list", "unpin"})
_COLUMNS = (Column("Pinned", width=4), Column("By", rank=2, width=2), Column("When", rank=1, width=2))

Typed = Annotated[str, Parameter(allow_leading_hyphen=True)]


class Pinned(Struct, frozen=True):
    """What is stored, under the command in small letters."""

    command: str
    by: Author


@dataclass(frozen=True)
class Pin:
    """A pin of an owner."""

    owner: str
    pinned: Pinned
    at: datetime

    @property
    def command(self) -> str:
        """What it shows, as it is typed."""
        return self.pinned.command

    def button(self) -> Button:
        """Opens it: ``job nightly`` for ``job show nightly account:render-prod``."""
        tokens = split_words(self.command)
        kept = [each for each in tokens if isinstance(each, Exact) or not each.startswith("account:")]
        if len(kept) > 2 and kept[1] == "show":
            kept = [kept[0], *kept[2:]]
        return Button(elide(" ".join(kept), _LABEL), self.command)


async def pins_of(ctx: Context, owner: str) -> list[Pin]:
    """The pins of a conversation or a person, the oldest first."""
    kept = await ctx.store.preferences(PINS, owner)
    found = [Pin(owner, pinned, each.at) for each in kept if (pinned := decoded(each.value, Pinned))]
    return sorted(found, key=lambda each: each.at)


async def _pinned_by(ctx: Context, *words: str) -> str:
    """Whoever pinned what is to be taken away; empty where it is no pin of this channel."""
    typed = await _typed(ctx, words, strict=False)
    found = await pins_of(ctx, place_of(ctx.request))
    return next((each.pinned.by.id for each in found if each.command.casefold() == typed.casefold()), "")


@command(
    "pin",
    effect="change",
    changes_with=["words"],
    check="pin list",
    examples=["pin job show nightly:job-12", "pin pool render-gpu", "pin failures"],
)
async def pin(ctx: Context, *words: Typed) -> Card:
    """Pin a command that only reads, or something by its name, to the home card of this channel; without words list.

    :param words: the command, or what is to be shown: pool gpu-a
    """
    return await _pin(ctx, place_of(ctx.request), words) if words else await _listed(ctx)


@command("pin mine", effect="change", changes_with=["words"], check="pin list", examples=["pin mine pool render-gpu"])
async def pin_mine(ctx: Context, *words: Typed) -> Card:
    """Pin the same for yourself: it is shown in our personal chat and on the Home tab.

    :param words: the command, or what is to be shown: pool gpu-a
    """
    return await _pin(ctx, person_of(ctx.request), words) if words else await _listed(ctx)


@command("pin list", effect="read", examples=["pin list"], menu=85)
async def pin_list(ctx: Context) -> Card:
    """List what is pinned: for this channel and for yourself."""
    return await _listed(ctx)


@command(
    "unpin",
    effect="change",
    others="operator",
    owner=_pinned_by,
    check="pin list",
    examples=["unpin job show nightly:job-12", "unpin pool render-gpu"],
)
async def unpin(ctx: Context, *words: Typed) -> Card:
    """Take a pin away: this channel's, or your own where it has none of that.

    :param words: what was pinned
    """
    typed = await _typed(ctx, words, strict=False)
    for owner in dict.fromkeys([place_of(ctx.request), person_of(ctx.request)]):
        if await ctx.store.delete_preference(PINS, owner, typed.casefold()):
            return await _listed(ctx, "unpinned")
    return refusal(f"“{elide(clear(typed), 80)}” is not pinned.", "The list shows what is.", [_LIST])


_LIST = Button("Pins", "pin list")


async def _pin(ctx: Context, owner: str, words: tuple[str, ...]) -> Card:
    typed = await _typed(ctx, words, strict=True)
    kept = await pins_of(ctx, owner)
    new = all(each.command.casefold() != typed.casefold() for each in kept)
    if new and len(kept) >= MOST:
        return refusal(f"{MOST} things are pinned already, which is the most.", "Unpin one of them.", [_LIST])
    pinned = Pinned(typed, Author.of(ctx.request))
    if new:
        await ctx.store.put_preference(PINS, owner, typed.casefold(), msgspec.json.encode(pinned), ctx.now())
    mine = owner == person_of(ctx.request)
    opened = Pin(owner, pinned, ctx.now()).button()
    return Card(
        title=titled(opened.text, "pinned" if new else "pinned already", "for you" if mine else "for everybody here"),
        mark=Mark.DONE,
        blocks=blocks(
            Words(text("It is a button on ", code("home"), " from now on." if new else ".")),
            build.actions(
                replace(opened, text="Open it", style="primary"),
                _LIST,
                Button("Unpin it", join(["unpin", *split_words(typed)])),
                Button("Home", "home"),
            ),
        ),
    )


async def _listed(ctx: Context, news: str = "") -> Card:
    """What is pinned here and for whoever asks; in a channel their own are theirs, and so counted alone."""
    here, mine = place_of(ctx.request), person_of(ctx.request)
    every = await pins_of(ctx, here)
    own = [] if here == mine else await pins_of(ctx, mine)
    rows = [(code(each.command), each.pinned.by.shown_to(ctx.request), Time(each.at)) for each in every]
    unpins = [build.open_menu("Unpin", "unpin {}", [each.command for each in every])]
    return Card(
        title=titled("Pins", number(len(every)), news),
        blocks=blocks(
            build.table(_COLUMNS, rows) if rows else Words(text("Nothing is pinned here yet. ", *_EXAMPLE)),
            Words(text(f"Of your own, {number(len(own))} more: they are in our personal chat.")) if own else None,
            Actions(tuple(each.button() for each in every)) if every else None,
            build.actions(*unpins, Button("Home", "home")),
        ),
    )


_EXAMPLE = ("For example: ", code("pin pool render-gpu"))


async def _typed(ctx: Context, words: tuple[str, ...], *, strict: bool) -> str:
    """The command that words mean, in the account that they mean now. Raises CommandError where it cannot be pinned;
    unless it is ``strict``, words that mean nothing are themselves.
    """
    tokens = list(words)
    if len(tokens) == 1 and " " in tokens[0]:  # the command in one pair of quotes, or a choice of the list
        tokens = split_words(tokens[0])
    if tokens and tokens[0].lower() in (ctx.bot_name, f"/{ctx.bot_name}"):
        tokens = tokens[1:]
    typed = join(tokens)
    try:
        call = await _meant(ctx, typed)
        tokens = list(split_words(call.typed))
        if any(each.name == "account" for each in call.command.parameters) and not call.arguments.get("account"):
            tokens += ctx.naming(binding.account(ctx, None))
        typed = join(tokens)
        _check(call, typed)
    except CommandError:
        if strict:
            raise
    return typed


async def _meant(ctx: Context, typed: str) -> Call:
    if not typed.strip():
        raise CommandError("What shall be pinned? Write a command or a name behind it.", ["help pin"])
    asked = replace(ctx.request, text=typed, values={}, message=None, how="post", files=())
    heard = await understanding.heard(changed(ctx, request=asked))
    return ctx.registry.parse(split_words(heard.request.text))


def _check(call: Call, typed: str) -> None:
    """Raises CommandError where it cannot be pinned."""
    if call.effect != "read" or call.command.path in LEADING:
        raise CommandError(
            f"“{call.command.path}” cannot be pinned: only what reads can, so that no button on home changes anything.",
            ["help pin"],
        )
    if call.command.path in _OWN or call.command.path == "home":
        raise CommandError(f"“{call.command.path}” is on home already.", ["pin list"])
    if len(typed) > _LONGEST:
        raise CommandError(f"That is too long to be pinned: {_LONGEST} characters at most.", ["help pin"])
    if clear(typed) != typed:
        raise CommandError("There is a secret in it, and none is kept here: pin the command without it.")
