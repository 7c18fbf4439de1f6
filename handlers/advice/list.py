"""The recommendations about an account, with what became of earlier ones."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from bot.azure.account import Account
from bot.domain.recommendations.course import renewed
from bot.domain.recommendations.decisions import is_set_aside
from bot.domain.recommendations.judge import judge
from bot.domain.recommendations.model import Case, Recommendation
from bot.policy.rules import Target
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.grammar import words as typed_words
from cards.build import PAGE, actions, blocks, bold, code, muted, note, pager, text, within
from cards.card import Action, Bullets, Button, Card, Footer, Mark, Mention, Menu, Option, Text, Time, Words
from cards.formatting import money, number, plural
from cards.text_fit import elide
from handlers.advice.gather import gather
from handlers.advice.owner import Owner, owner_of
from handlers.shared.common import line, template, titled
from handlers.shared.own_list import OwnList
from handlers.shared.verbs import may
from storage.port.decoding import decoded
from storage.port.recommendations import RecommendationRow

Which = Literal["open", "aside", "past"]
_BUTTONS = 3
_PAST = timedelta(days=90)


class Known(Struct, frozen=True):
    """A recommendation with its row."""

    row: RecommendationRow
    what: Recommendation


AdviceSort = Literal["worst", "since", "name", "kind"]
_FIRST = datetime.min.replace(tzinfo=UTC)
_LIST: OwnList[Known] = OwnList(
    "Advice",
    {
        "worst": None,
        "since": lambda each: each.what.since or _FIRST,
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
        "over": lambda each: each.row.over,
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
    gathered = await gather(ctx, source)
    case = gathered.case
    judged = await asyncio.to_thread(judge, case)
    changed = renewed(source.name, await ctx.store.recommendations(source.name), judged, case)
    await ctx.store.see_recommendations(changed)
    rows = {each.id: each for each in await ctx.store.recommendations(source.name)}
    now = [Known(rows[each.id(source.name)], each) for each in judged.found if each.id(source.name) in rows]
    open_ = [each for each in now if not is_set_aside(each.row, case.at)]
    aside = [each for each in now if is_set_aside(each.row, case.at)]
    past = [
        Known(row, what)
        for row in rows.values()
        if row.over and case.at - row.over <= _PAST and (what := decoded(row.body, Recommendation))
    ]
    shown = {"open": open_, "aside": aside, "past": sorted(past, key=lambda each: _when(each.row), reverse=True)}[show]
    shown = _LIST.ordered(shown, sort)
    again = line(ctx, source, "advice", show=None if show == "open" else show)
    if csv:
        return await _LIST.as_file(ctx, _LIST.again(again, sort), shown, case.at, source.name)
    number_ = within(page, len(shown))
    on_page = shown[(number_ - 1) * PAGE : number_ * PAGE]
    owners = await asyncio.gather(*(owner_of(ctx, source, each.what.about) for each in on_page))
    lines = [
        _past(each) if show == "past" else _line(ctx, each, owner, case.at)
        for each, owner in zip(on_page, owners, strict=True)
    ]
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
                *(_LIST.controls(again, sort) if len(shown) > 1 else ()),
                Button("Refresh", _LIST.again(again, sort), how="edit"),
            ),
            note(f"Not looked at: {'; '.join(gathered.left)}.") if gathered.left else None,
            _sampled(case),
        ),
    )


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


def _when(row: RecommendationRow) -> datetime:
    return row.over or row.last


def _title(account: str, show: Which, shown: Sequence[Known]) -> Text:
    match show:
        case "aside":
            return titled(f"Advice set aside: {number(len(shown))}", account)
        case "past":
            return titled(f"What became of advice: {plural(len(shown), 'piece')} over", account)
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


def _line(ctx: Context, each: Known, owner: Owner | None, at: datetime) -> Text:
    """``$123.40 in 7 days · what is so, since … · what it leads to · made by @somebody · 1a2b3c4d``."""
    what, row = each.what, each.row
    parts: list[object] = [f"{symbol} "] if (symbol := _symbol(what)) else []
    if what.week:
        amount = money(what.week, what.currency)
        parts += [bold(amount), " in the last 7 days: " if what.measured else " a week as it stands: "]
    parts.append(what.words)
    if what.since:
        parts += [", since ", Time(what.since)]
    if what.harm:
        parts.append(f"; {what.harm}")
    if owner:
        parts += [f" · {owner.how} by ", Mention(owner.person, ctx.services.policy.people.name(owner.person))]
    if row.state == "accepted" or is_set_aside(row, at):
        parts += [" · ", *_answered(row)]
    parts += [" · ", code(row.id)]
    return text(*parts)  # type: ignore[arg-type]


def _symbol(what: Recommendation) -> str:
    return (Mark.FAILED if what.risk == 5 else Mark.WARNING if what.week or what.risk >= 3 else Mark.NEUTRAL).symbol


def _answered(row: RecommendationRow) -> list[object]:
    words = {"accepted": "accepted", "snoozed": "snoozed", "dismissed": "not for us", "open": "open"}[row.state]
    until = [" until ", Time(row.until, "clock")] if row.until and row.state == "snoozed" else []
    return [words, *until, f", by {row.by}", f": {row.because}" if row.because else ""]


def _past(each: Known) -> Text:
    """What was advised, and what became of it."""
    what, row = each.what, each.row
    parts: list[object] = [f"{Mark.DONE.symbol} {what.words}: not so any more since ", Time(_when(row))]
    if row.saved:
        before = money(row.loss or 0.0, what.currency)
        parts.append(f"; it cost {before} a week, {money(row.saved, what.currency)} less since")
    elif row.loss:
        parts.append(f"; it cost {money(row.loss, what.currency)} a week before")
    if row.state == "accepted":
        parts.append(f" · accepted by {row.by}")
    return text(*parts)  # type: ignore[arg-type]


def _doing(ctx: Context, source: Account, shown: Sequence[Known]) -> list[Action]:
    """What does the first of them, as far as the asker may."""
    made: list[Action] = []
    for each in shown:
        what = each.what
        known = ctx.registry.find(typed_words(what.command))
        if what.changes and (known is None or not may(ctx, source, known.path, Target(what.about.kind, what.about.id))):
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
