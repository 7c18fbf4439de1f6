"""The recommendations about an account, with what became of earlier ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from bot.advising.each import FEW
from bot.advising.look import Known, look
from bot.advising.trail import Owner, owner_of
from bot.azure.account import Account
from bot.domain.recommendations.best import distinct
from bot.domain.recommendations.decisions import is_set_aside
from bot.domain.recommendations.groups import NAMED
from bot.domain.recommendations.model import Case
from bot.policy.rules import Target
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.grammar import words as typed_words
from cards.build import PAGE, actions, blocks, bold, muted, note, pager, text, within
from cards.card import Action, Bullets, Button, Card, Footer, Mark, Menu, Option, Text, Words
from cards.formatting import money, number, plural
from cards.text_fit import elide
from handlers.advice.lines import open_line, past_line
from handlers.shared.common import line, template, titled
from handlers.shared.own_list import OwnList
from handlers.shared.verbs import may
from storage.port.recommendations import RecommendationRow

Which = Literal["open", "aside", "past"]
_BUTTONS = 3
_PAST = timedelta(days=90)
AdviceSort = Literal["worst", "since", "name", "kind"]
_LIST: OwnList[Known] = OwnList(
    "Advice",
    {
        "worst": None,
        "since": lambda each: each.what.since or each.row.first,
        "name": lambda each: (each.what.about.kind, each.what.about.id.lower()),
        "kind": lambda each: each.what.kind,
    },
    {
        "id": lambda each: each.row.id,
        "kind": lambda each: each.what.kind,
        "about": lambda each: each.what.about.kind,
        "name": lambda each: each.what.about.id,
        "advice": lambda each: each.what.words,
        "a week": lambda each: each.what.week,
        "currency": lambda each: each.what.currency,
        "since": lambda each: each.what.since,
        "risk": lambda each: each.what.harm,
        "command": lambda each: each.what.command,
        "state": lambda each: each.row.state,
        "said by": lambda each: each.row.by,
        "because": lambda each: each.row.because,
        "advised": lambda each: each.row.first,
        "over": lambda each: each.row.over,
        "done by": lambda each: each.row.done_by,
        "done with": lambda each: each.row.deed,
        "saved": lambda each: each.row.saved,
    },
)


@command("advice", effect="read", examples=["advice", "advice show:aside", "advice show:past"])
async def advice(
    ctx: Context,
    *,
    show: Which = "open",
    sort: AdviceSort = "worst",
    page: int = 1,
    csv: bool = False,
    account: str | None = None,
) -> Card:
    """List what to do about an account: what costs most first, then what is most at risk, each with what does it.

    What was set aside (snoozed, not for us) and what became of earlier advice is behind ``show``.

    :param show: open; aside for what is snoozed or dismissed; past for what is over, with what it saved as measured
    :param sort: in which order
    :param page: which page
    :param csv: all of them as a CSV file
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    looked = await look(source, ctx.store, ctx.accounting, ctx.registry, FEW)
    case, known = looked.case, looked.known
    alive = _in_order(each for each in known if each.so)
    open_ = [each for each in alive if not is_set_aside(each.row, case.at)]
    aside = [each for each in alive if is_set_aside(each.row, case.at)]
    past = [each for each in known if not each.so and case.at - _when(each.row) <= _PAST]
    shown = {"open": open_, "aside": aside, "past": sorted(past, key=lambda each: _when(each.row), reverse=True)}[show]
    shown = _LIST.ordered(shown, sort)
    again = line(ctx, source, "advice", show=None if show == "open" else show)
    if csv:
        return await _LIST.as_file(ctx, _LIST.again(again, sort), shown, case.at, source.name)
    number_ = within(page, len(shown))
    on_page = shown[(number_ - 1) * PAGE : number_ * PAGE]
    if show == "past":
        lines = [past_line(ctx, each) for each in on_page]
    else:
        owners = await asyncio.gather(*(_owners(ctx, source, each) for each in on_page))
        lines = [open_line(ctx, each, of, case.at) for each, of in zip(on_page, owners, strict=True)]
    saved = _saved(past)
    return Card(
        title=_title(source.name, show, shown),
        mark=_mark(open_) if show == "open" else Mark.NEUTRAL,
        as_of=case.at,
        blocks=blocks(
            Bullets(tuple(lines)) if lines else Words(text(muted(_NOTHING[show]))),
            Words(text(bold(f"{saved} a week saved, as measured."))) if show == "past" and saved else None,
            actions(
                *(_doing(ctx, source, on_page) if show == "open" else ()),
                *(_answers(ctx, source, on_page) if show != "past" else ()),
                *pager(_LIST.again(again, sort), number_, len(shown)),
                *_others(ctx, source, show, len(open_), len(aside), len(past)),
                *(_controls(again, sort, show) if len(shown) > 1 else ()),
                Button("Refresh", _LIST.again(again, sort), how="edit"),
            ),
            note(f"Not looked at: {'; '.join(looked.left)}.") if looked.left else None,
            _sampled(case),
        ),
    )


def _in_order(known: Iterable[Known]) -> list[Known]:
    """By money, then by risk; of several about the same nodes of a pool one."""
    by_what = {id(each.what): each for each in known}
    ordered = sorted(distinct(each.what for each in by_what.values()), key=lambda what: what.order)
    return [by_what[id(what)] for what in ordered]


async def _owners(ctx: Context, source: Account, each: Known) -> list[Owner]:
    """Whose that is which is named in it, as far as anybody is known."""
    named = [about for about in each.what.concerned[:NAMED] if about.kind != "account"]
    found = await asyncio.gather(*(owner_of(ctx.store, ctx.registry, source.name, about) for about in named))
    return list(dict.fromkeys(owner for owner in found if owner))


def _sampled(case: Case) -> Footer | None:
    """How far money could be measured."""
    if case.spent is None:
        return note("This account is not watched: what idle nodes cost is not measured.")
    return None if case.spent.whole else note("Not all of the last 7 days was sampled: they cost that much at least.")


_NOTHING = {
    "open": "Nothing is to be done.",
    "aside": "Nothing was set aside.",
    "past": "Nothing that was advised is over yet.",
}


def _controls(again: str, sort: AdviceSort, show: Which) -> tuple[Action, ...]:
    """Another order, and the file; what is over is in the order in which it was."""
    controls = _LIST.controls(again, sort)
    return controls[1:] if show == "past" else controls


def _when(row: RecommendationRow) -> datetime:
    return row.over or row.last


def _title(account: str, show: Which, shown: Sequence[Known]) -> Text:
    match show:
        case "aside":
            return titled(f"Advice set aside: {number(len(shown))}", account)
        case "past":
            return titled(f"What became of advice: {plural(len(shown), 'piece')}", account)
    if not shown:
        return titled("No advice", account)
    cost = _sum(shown)
    return titled(f"{plural(len(shown), 'piece')} of advice", f"{cost} a week" if cost else "", account)


def _mark(shown: Sequence[Known]) -> Mark:
    if any(each.what.risk == 5 for each in shown):
        return Mark.FAILED
    return Mark.WARNING if shown else Mark.DONE


def _sum(shown: Sequence[Known]) -> str:
    """Money a week of those that have it in one currency; empty where there is none."""
    found = [each.what for each in shown if each.what.week]
    if not found or len({each.currency for each in found}) > 1:
        return ""
    return money(sum(each.week or 0.0 for each in found), found[0].currency)


def _saved(past: Sequence[Known]) -> str:
    found = [(each.row.saved, each.what.currency) for each in past if each.row.saved]
    if not found or len({currency for _, currency in found}) > 1:
        return ""
    return money(sum(saved for saved, _ in found if saved), found[0][1])


def _doing(ctx: Context, source: Account, shown: Sequence[Known]) -> list[Action]:
    """What does the first of them, as far as the asker may."""
    made: list[Action] = []
    for each in shown:
        what = each.what
        known = ctx.registry.find(typed_words(what.command))
        target = Target(what.about.kind, what.about.id)
        if known is None or (known.mark.effect != "read" and not may(ctx, source, known.path, target)):
            continue
        label = what.button if what.about.kind == "account" else f"{what.button} · {elide(what.about.id, 20)}"
        naming = " ".join(ctx.naming(source))
        command_ = f"{what.command} {naming}".strip()
        made.append(Button(label, command_, how="form" if what.form else "post"))
        if len(made) == _BUTTONS:
            break
    return made


def _answers(ctx: Context, source: Account, shown: Sequence[Known]) -> list[Action]:
    """What can be said of them."""
    options = tuple(Option(elide(each.what.words, 70), each.row.id) for each in shown)
    if not options or not ctx.allows("advice accept", account=source.name):
        return []
    return [
        Menu("Accept", template(ctx, source, "advice accept", "{}"), options),
        Menu("Snooze a week", template(ctx, source, "advice snooze", "{}", "7d"), options),
        Menu("Not for us…", template(ctx, source, "advice dismiss", "{}"), options, how="form"),
    ]


def _others(ctx: Context, source: Account, show: Which, open_: int, aside: int, past: int) -> list[Action]:
    """The other parts of the list, where there is something in them."""
    counts: tuple[tuple[Which, str, int], ...] = (
        ("open", "Open", open_),
        ("aside", "Set aside", aside),
        ("past", "Past", past),
    )
    made: list[Action] = []
    for which, label, count in counts:
        if which != show and (count or which == "open"):
            other = line(ctx, source, "advice", show=None if which == "open" else which)
            made.append(Button(f"{label} ({number(count)})", other, how="edit"))
    return made
