"""Saved queries: commands under a name, for a channel or for oneself.

A saved query is a command that only reads: whoever saves one for others must not be able to change anything with their
hands. One that an older version saved and that changes something is shown and not run. It runs with the lower of two
roles: whoever runs it needs the role that the command needs, and so did whoever saved it, when they did. Where it names
no account it means the default of the conversation it is run in. What somebody else saved for a channel is replaced or
forgotten with the role operator. A person's own stands before the channel's of the same name.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from msgspec import Struct

from bot.chat.request import Author
from bot.content.clear_text import clear
from bot.policy.roles import RANK
from bot.requests.command import LEADING, Call, CommandError, command
from bot.requests.context import Context
from bot.requests.grammar import words as split_words
from bot.requests.preferences import QUERIES, person_of, place_of
from cards import build
from cards.build import blocks, code, refusal, text
from cards.card import Block, Button, Card, Column, Heading, Mark, Text, Time, Words
from cards.command_line import command as command_line
from cards.command_line import join
from cards.formatting import number
from handlers.shared.common import nearest, titled
from handlers.shared.listing import backwards
from handlers.shared.own_list import OwnList
from storage.port.decoding import decoded

MOST = 100
"""Queries that a channel or a person can save."""
_NAME = re.compile(r"[^\W_][\w.-]{0,39}")
_OWN = frozenset({"save", "save mine", "saved", "run", "forget"})
_MINE = "mine"
_BUTTONS = 3
_COLUMNS = (
    Column("Name", width=2),
    Column("Command", width=4),
    Column("Saved by", rank=2, width=2),
    Column("When", rank=1, width=2),
)

Typed = Annotated[str, Parameter(allow_leading_hyphen=True)]
Whose = Literal["mine", "channel"]


class Query(Struct, frozen=True):
    """What is stored."""

    command: str
    by: Author
    role: str = "viewer"
    """Of whoever saved it, then."""


@dataclass(frozen=True)
class Saved:
    """A query under its name."""

    name: str
    owner: str
    query: Query
    at: datetime

    def run(self, ctx: Context) -> str:
        """The command that runs this one and no other of its name."""
        return command_line("run", self.name, whose=_whose(ctx, self.owner))


async def _channel_saved_by(ctx: Context, name: str, *words: str) -> str:
    """Whoever saved what this channel has under a name; empty where nothing is."""
    kept = await _of(ctx, place_of(ctx.request))
    return next((saved.query.by.id for saved in kept if saved.name == name.casefold()), "")


async def _saved_by(ctx: Context, name: str, *, whose: Whose | None = None) -> str:
    """Whoever saved what a name stands for; empty where nothing is."""
    found = _find(await _all(ctx), ctx, name, whose)
    return found.query.by.id if isinstance(found, Saved) else ""


@command(
    "save",
    effect="change",
    others="operator",
    owner=_channel_saved_by,
    check="saved",
    examples=["save failing job list failed>0", "save gpu pool show gpu-a"],
)
async def save(ctx: Context, name: str, *words: Typed) -> Card:
    """Save a command that only reads under a name for everybody in this channel.

    :param name: letters, digits, dots and hyphens, 40 at most
    :param words: the command, as it is typed
    """
    return await _save(ctx, place_of(ctx.request), "save", name, words)


@command("save mine", effect="change", check="saved", examples=["save mine failing job list failed>0"])
async def save_mine(ctx: Context, name: str, *words: Typed) -> Card:
    """Save a command that only reads under a name for yourself, wherever you are.

    :param name: letters, digits, dots and hyphens, 40 at most
    :param words: the command, as it is typed
    """
    return await _save(ctx, person_of(ctx.request), "save mine", name, words)


SavedSort = Literal["name", "newest", "command"]
_LIST: OwnList[Saved] = OwnList(
    "Saved queries",
    {
        "name": None,
        "newest": lambda each: backwards(each.at),
        "command": lambda each: each.query.command,
    },
    {
        "name": lambda each: each.name,
        "command": lambda each: each.query.command,
        "saved by": lambda each: each.query.by.name,
        "saved": lambda each: each.at,
    },
)


@command("saved", effect="read", examples=["saved", "saved sort:newest"], menu=80)
async def list_saved(ctx: Context, *, sort: SavedSort = "name", csv: bool = False) -> Card:
    """List the saved queries: your own and this channel's.

    :param sort: in which order
    :param csv: all of them as a CSV file
    """
    every = await _all(ctx)
    if csv:
        again = _LIST.again("saved", sort)
        return await _LIST.as_file(ctx, again, _LIST.ordered(every, sort), ctx.now(), "this conversation")
    return _listed(ctx, every, "", sort)


@command("run", effect="read", examples=["run failing"])
async def run_saved(ctx: Context, name: str, *, whose: Whose | None = None) -> AsyncIterator[Card]:
    """Run a saved query with your own permissions.

    :param name: the name it was saved under
    :param whose: your own or the channel's; your own first if left out
    """
    found = _find(await _all(ctx), ctx, name, whose)
    if isinstance(found, Card):
        yield found
        return
    try:
        call = ctx.registry.parse(split_words(found.query.command))
    except CommandError:  # of a command that is not there any more: it says so itself
        call = None
    if call and _changes(call):
        yield refusal(
            f"{found.name} would change something: {found.query.command}",
            "What is saved is run only where it reads. If you want it, type it yourself.",
            [Button("Saved queries", "saved")],
        )
        return
    if call and RANK.get(found.query.role, 0) < RANK[call.command.role]:
        yield refusal(
            f"{found.name} needs the role {call.command.role}: {found.query.command}",
            "Whoever saved it did not have that role. If you want it, type it yourself.",
            [Button("Saved queries", "saved")],
        )
        return
    async for card in ctx.run(found.query.command):
        yield card


@command("forget", effect="change", others="operator", owner=_saved_by, check="saved", examples=["forget failing"])
async def forget(ctx: Context, name: str, *, whose: Whose | None = None) -> Card:
    """Forget a saved query.

    :param name: the name it was saved under
    :param whose: your own or the channel's; your own first if left out
    """
    every = await _all(ctx)
    found = _find(every, ctx, name, whose, path="forget")
    if isinstance(found, Card):
        return found
    await ctx.store.delete_preference(QUERIES, found.owner, found.name)
    return _listed(ctx, [saved for saved in every if saved != found], f"{found.name} is forgotten")


async def _save(ctx: Context, owner: str, path: str, name: str, words: tuple[str, ...]) -> Card:
    name, tokens = name.casefold(), list(words)
    if len(tokens) == 1:  # the command in one pair of quotes
        tokens = split_words(tokens[0])
    if not _NAME.fullmatch(name) or name == _MINE:
        raise CommandError(
            f"“{name[:60]}” cannot be a name: letters, digits, dots and hyphens, 40 at most, and not “{_MINE}”.",
            [join([*path.split(), fit, *tokens])] if (fit := _fitting(name)) and tokens else [],
        )
    if tokens and tokens[0].lower() in (ctx.bot_name, f"/{ctx.bot_name}"):
        tokens = tokens[1:]
    _check(ctx, [*path.split(), name], tokens)
    if clear(join(tokens)) != join(tokens):
        raise CommandError("There is a secret in it, and none is kept here: save the query without it.")
    kept = await _of(ctx, owner)
    before = next((saved for saved in kept if saved.name == name), None)
    if before is None and len(kept) >= MOST:
        return refusal(
            f"{MOST} queries are saved already, which is the most.",
            "Forget one that nobody needs.",
            [Button("Saved queries", "saved")],
        )
    query = Query(join(tokens), Author.of(ctx.request), ctx.role)
    await ctx.store.put_preference(QUERIES, owner, name, msgspec.json.encode(query), ctx.now())
    saved = Saved(name, owner, query, ctx.now())
    whom = "you" if owner == person_of(ctx.request) else "everybody here"
    return Card(
        title=titled(name, f"saved for {whom}"),
        mark=Mark.DONE,
        blocks=blocks(
            Words(text(code(query.command))),
            Words(text("It replaces ", code(before.query.command), ".")) if before else None,
            Words(text("Your own query of that name stands before it for you."))
            if owner != person_of(ctx.request)
            and any(mine.name == name for mine in await _of(ctx, person_of(ctx.request)))
            else None,
            build.actions(
                Button(f"Run {name}", saved.run(ctx), style="primary"),
                Button("Saved queries", "saved"),
                Button("Forget it", command_line("forget", name, whose=_whose(ctx, owner))),
            ),
        ),
    )


def _check(ctx: Context, before: list[str], tokens: list[str]) -> None:
    """Raises CommandError where the command could not be run; its corrections save too."""
    if not tokens:
        raise CommandError("What shall be saved? Write the command behind the name.", [join(["help", "save"])])
    try:
        call = ctx.registry.parse(tokens)
    except CommandError as error:
        fixed = [each if each.startswith("help") else f"{join(before)} {each}" for each in error.nearest]
        raise CommandError(f"That cannot be saved: {error.message}", fixed) from None
    if call.command.path in _OWN:
        raise CommandError(f"“{call.command.path}” cannot be saved: save the command itself.", ["saved"])
    if _changes(call):
        raise CommandError(
            f"“{call.command.path}” cannot be saved: only what reads can, so that nobody changes something by a name "
            "that somebody else gave it.",
            [join(["help", "save"])],
        )


def _changes(call: Call) -> bool:
    """Whether a call changes something, or runs a change that waits."""
    return call.effect != "read" or call.command.path in LEADING


def _listed(ctx: Context, every: list[Saved], news: str, sort: SavedSort = "name") -> Card:
    every = _LIST.ordered(every, sort)
    mine = [saved for saved in every if saved.owner == person_of(ctx.request)]
    theirs = [saved for saved in every if saved.owner != person_of(ctx.request)]
    buttons = [Button(saved.name, saved.run(ctx)) for saved in every[:_BUTTONS]]
    return Card(
        title=titled("Saved queries", number(len(every)), news),
        blocks=blocks(
            *_section(ctx, "Your own", mine),
            *_section(ctx, "This channel's", theirs),
            None
            if every
            else Words(text("Nothing is saved yet. For example: ", code("save failing job list failed>0"))),
            build.actions(
                *buttons,
                *(
                    build.open_menu(label, f"{verb} {{}} whose:{whose}", [saved.name for saved in of])
                    for of, whose, more in ((mine, "mine", " (your own)"), (theirs, "channel", ""))
                    for label, verb in (
                        (f"Run{more}", "run"),
                        (f"Forget{more}", "forget"),
                    )
                ),
                Button("Refresh", _LIST.again("saved", sort), how="edit"),
                *(_LIST.controls("saved", sort) if every else ()),
            ),
        ),
    )


def _section(ctx: Context, name: str, every: list[Saved]) -> list[Block]:
    if not every:
        return []
    rows: list[list[Text]] = [
        [
            text(code(each.name)),
            text(code(each.query.command)),
            text(each.query.by.shown_to(ctx.request)),
            (Time(each.at),),
        ]
        for each in every
    ]
    return [Heading(name), build.table(_COLUMNS, rows)]


async def _all(ctx: Context) -> list[Saved]:
    """The asker's own, then the channel's."""
    return [
        saved
        for owner in dict.fromkeys([person_of(ctx.request), place_of(ctx.request)])
        for saved in await _of(ctx, owner)
    ]


async def _of(ctx: Context, owner: str) -> list[Saved]:
    kept = await ctx.store.preferences(QUERIES, owner)
    return [Saved(each.name, owner, query, each.at) for each in kept if (query := decoded(each.value, Query))]


def _find(every: Iterable[Saved], ctx: Context, name: str, whose: Whose | None, path: str = "run") -> Saved | Card:
    """The first of that name; where there is none, the card that says so with the nearest ones."""
    known = [saved for saved in every if whose in (None, _whose(ctx, saved.owner))]
    found = next((saved for saved in known if saved.name == name.casefold()), None)
    if found:
        return found
    near = nearest(name, dict.fromkeys(saved.name for saved in known))
    return refusal(
        f"No query is saved as “{name[:60]}”.",
        "Did you mean one of these?" if near else "The list shows what there is.",
        [*(Button(each, command_line(path, each)) for each in near), Button("Saved queries", "saved")],
    )


def _whose(ctx: Context, owner: str) -> Whose:
    return "mine" if owner == person_of(ctx.request) else "channel"


def _fitting(name: str) -> str:
    """The nearest name that can be one; empty where nothing is left of it."""
    fit = re.sub(r"[^\w.-]+", "-", name).strip("-._")[:40]
    return fit if _NAME.fullmatch(fit) and fit != _MINE else ""
