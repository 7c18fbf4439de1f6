"""What a text is about: the jobs, tasks, pools, nodes and links in it, for messages that say only what went wrong.

Found are links to Batch, the names of jobs, pools and schedules as the monitor knows them, nodes by their ids, and
tasks of a job that is named in the same text. Reading is bounded: what a few calls do not find is not there.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Annotated

from cyclopts import Parameter
from msgspec.structs import replace

from bot.domain.entity import Entity, fold
from bot.domain.portal_links import linked, links_in
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.link_cards import account_of, show
from bot.requests.services import Standing
from cards import build
from cards.build import blocks, bold, code, muted, refusal, text
from cards.card import Bullets, Button, Card, Text
from cards.formatting import plural
from cards.text_fit import elide
from handlers.shared.common import titled

MOST = 8
"""Things that are shown; a text that names more names them in passing."""
_LOOKED_UP = 4
"""Words that may be tasks or nodes, and are asked about: a call each."""
_READ = 4_000
"""Characters of the text that are read."""
_WORD = re.compile(r"\w(?:[\w:.-]*\w)?")
_NODE = re.compile(r"tvm(?:ps)?_[\w-]+", re.IGNORECASE | re.ASCII)
_MADE = re.compile(r"(?=.*[^\W\d_])(?=.*[\d_-])")
"""What the names of tasks have, and most words and times have not: letters, and digits or hyphens."""
_KINDS = ("job", "pool", "schedule")
_LABEL = 40

Typed = Annotated[str, Parameter(allow_leading_hyphen=True)]
Found = tuple[Entity, str]
"""Something in an account, by the account's name."""


@command("about", effect="read", examples=["about 'nightly:job-12 failed on render-gpu, see frame-0021'"])
async def about(ctx: Context, *text_: Typed) -> AsyncIterator[Card]:
    """Find what a text names, such as a pasted alert: jobs, tasks, pools, nodes and links, and show it.

    :param text_: the text; in quotes it is taken as it stands
    """
    found = await _found(ctx, " ".join(text_)[:_READ])
    if len(found) == 1:
        (entity, account), *_ = found
        async for card in ctx.run(show(entity, account)):
            yield replace(card, private=True)
        return
    yield _several(ctx, found[:MOST]) if found else _nothing()


def _nothing() -> Card:
    card = refusal(
        "That text names nothing that I know.",
        "I look for links to Azure Batch, and for names of jobs, pools and schedules of the accounts that I watch; "
        "tasks are found beside the name of their job.",
        [Button("Home", "home"), Button("Jobs", "job list"), Button("Pools", "pool list")],
    )
    return replace(card, private=True)


def _several(ctx: Context, found: Sequence[Found]) -> Card:
    several = len({account for _, account in found}) > 1
    return Card(
        title=titled("About that message", plural(len(found), "thing")),
        blocks=blocks(
            Bullets(tuple(_row(entity, account if several else "") for entity, account in found)),
            build.actions(*(Button(_label(entity), show(entity, account)) for entity, account in found)),
        ),
        private=True,
    )


def _row(entity: Entity, account: str) -> Text:
    within = (muted(" of "), code(entity.parent)) if entity.parent else ()
    return text(
        bold(entity.kind.capitalize()), " ", code(entity.id), *within, muted(f" · {account}") if account else None
    )


def _label(entity: Entity) -> str:
    return elide(f"{entity.kind.capitalize()} {entity.id}", _LABEL)


async def _found(ctx: Context, said: str) -> list[Found]:
    """What a text names, each once: what is linked first, then by its place in the text."""
    found: dict[tuple[tuple[str, str, str], str], Found] = {}

    def add(each: Found) -> None:
        found.setdefault((each[0].identity, each[1]), each)

    for url in links_in(said):
        there = linked(url)
        account = account_of(ctx.accounts, there) if there else ""
        if there and account:
            add((there.entity or Entity("account", account), account))
        said = said.replace(url, " ")
    words = list(dict.fromkeys(_WORD.findall(said)))
    names = ctx.services.reading.names
    if names is not None:
        await names.gathered()
        for each in _named(names.every(), words):
            add(each)
    for account in ctx.accounts.names:
        if fold(account) in map(fold, words):
            add((Entity("account", account), account))
    for each in await _within(ctx, [*found.values()], words):
        add(each)
    return _without_parents([*found.values()])


def _named(every: Iterable[Standing], words: Sequence[str]) -> list[Found]:
    """What is called as a word, by the words' order."""
    known = [each for each in every if each.kind in _KINDS]
    return [
        (Entity(each.kind, each.names[each.places[fold(word)]]), each.account)  # type: ignore[arg-type]
        for word in words
        for each in known
        if fold(word) in each.places
    ]


async def _within(ctx: Context, found: Sequence[Found], words: Sequence[str]) -> list[Found]:
    """Tasks of the jobs and nodes of the pools that are named, as far as a few calls tell."""
    names = ctx.services.reading.names
    if names is None:
        return []
    taken = {fold(each.id) for each, _ in found}
    nodes = [word for word in words if _NODE.fullmatch(word)]
    tasks = [word for word in words if word not in nodes and _MADE.match(word) and fold(word) not in taken]
    asked = [
        ("task" if entity.kind == "job" else "node", word, entity, account)
        for entity, account in found
        if entity.kind in ("job", "pool")
        for word in (tasks if entity.kind == "job" else nodes)
    ]
    inside: list[Found] = []
    for kind, word, parent, account in asked[:_LOOKED_UP]:
        near = await names.find(kind, word, {parent.kind: parent.id}, account, 1)
        if near and fold(near[0]) == fold(word):
            inside.append((Entity(kind, near[0], parent.id), account))  # type: ignore[arg-type]
    return inside


def _without_parents(found: Sequence[Found]) -> list[Found]:
    """What is narrow first; an account that is named beside something of it says only where that is."""
    order = ("task", "node", "job", "pool", "schedule", "account")
    kept = [each for each in found if each[0].kind != "account"] or list(found)
    return sorted(kept, key=lambda each: order.index(each[0].kind))
