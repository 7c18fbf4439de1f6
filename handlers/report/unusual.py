"""Days that cost unusually much, and what people say of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

import msgspec

from bot.chat.request import Author
from bot.domain.entity import fold
from bot.domain.money.anomalies import ACTIVE, Anomaly, Calmness, Verdict, anomaly_id, answered, calmness
from bot.reports.history import History
from bot.reports.words import cause_words
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, facts, refusal, text
from cards.card import Block, Bullets, Button, Card, Mark, Text, Time, Words
from cards.formatting import day_words, money, number, plural
from handlers.report import parts
from handlers.shared.common import line, nearest, titled
from storage.port.decoding import decoded
from storage.port.reports import AnomalyRow

_LISTED = timedelta(days=60)
_NAMED = 6
"""Pools that are named in a line; more are counted."""
_CALM_WORDS: dict[Calmness, str] = {
    "calm": "Looked at",
    "irregular": "Too irregular",
    "too few days": "Too few days",
}


@command(
    "cost unusual",
    effect="change",
    changes_with=("answer",),
    everybody="operator",
    check="cost unusual",
    examples=[
        "cost unusual",
        "cost unusual gpu-a@2026-11-18 planned",
        "cost unusual gpu-a@2026-11-18 ignore month end",
    ],
)
async def unusual(
    ctx: Context,
    day: str | None = None,
    answer: Literal["planned", "ignore"] | None = None,
    *because: str,
    account: str | None = None,
) -> Card:
    """List days that cost unusually much, or say that one was planned or does not matter.

    A planned day says nothing of what is usual; a cause that is ignored is not told again for that pool.

    :param day: the pool and the day, such as gpu-a@2026-11-18
    :param answer: planned, or ignore its cause from now on
    :param because: why, for whoever reads it later
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    now = parts.service(ctx).now()
    rows = await ctx.store.anomalies(source.name, now - _LISTED)
    found = {anomaly_id(each): (row, each) for row in rows if (each := decoded(row.body, Anomaly))}
    if day is None:
        return await _listed(ctx, source.name, list(found.values()))
    name = next((each for each in found if fold(each) == fold(day)), None)
    if name is None:
        near = nearest(day, found)[:3]
        return refusal(
            f"No unusual day is called “{day[:60]}”.",
            "Did you mean one of these?" if near else "None was found within 60 days.",
            [*(Button(each, line(ctx, source, "cost unusual", each)) for each in near), _all(ctx, source.name)],
        )
    row, anomaly = found[name]
    if answer is None:
        return await _listed(ctx, source.name, [(row, anomaly)])
    verdict: Verdict = answer
    reply = answered(anomaly, verdict, " ".join(because))
    if not await ctx.store.answer_anomaly(source.name, row.pool, row.day, answer, msgspec.json.encode(reply)):
        raise CommandError("It was forgotten meanwhile.", ["cost unusual"])
    whose = Author.of(ctx.request).name or "you"
    words = "was planned" if answer == "planned" else "does not matter, and its cause is not told again"
    return Card(
        title=titled(f"Pool {anomaly.pool} on {day_words(anomaly.unusual.day)} {words}", f"said by {whose}"),
        mark=Mark.DONE,
        as_of=now,
        blocks=blocks(
            Words(text(cause_words(anomaly.cause), f" — {reply.because}" if reply.because else "")),
            build.actions(
                Button("Open", line(ctx, source, "pool show", anomaly.pool)), _all(ctx, source.name),
            ),
        ),
    )  # fmt: skip


async def _listed(ctx: Context, account: str, found: list[tuple[AnomalyRow, Anomaly]]) -> Card:
    source = ctx.account(account)
    currency = await parts.currency_of(ctx, account)
    now = parts.service(ctx).now()
    open_ = [each for row, each in found if not row.answer and now - row.found < ACTIVE]
    past = await parts.service(ctx).composer.past(account, now)
    pools = await asyncio.to_thread(_calmness, past)
    buttons = []
    for each in open_[:2]:
        named = f" · {each.pool}" if len(open_) > 1 else ""
        buttons += [
            Button(f"Planned{named}", line(ctx, source, "cost unusual", anomaly_id(each), "planned"), how="edit"),
            Button(f"Ignore…{named}", line(ctx, source, "cost unusual", anomaly_id(each), "ignore"), how="form"),
        ]
    return Card(
        title=titled(_counted(len(found), pools), source.name),
        mark=Mark.WARNING if open_ else Mark.NEUTRAL,
        as_of=now,
        blocks=blocks(
            Bullets(tuple(_row(row, each, currency) for row, each in found)) if found else None,
            *_looked_at(pools),
            build.actions(*buttons, Button("Report", line(ctx, source, "cost preview", "weekly"))),
        ),
    )


def _calmness(past: History) -> dict[Calmness, list[str]]:
    """The pools of an account by whether their days are calm enough for one to be unusual."""
    pools: dict[Calmness, list[str]] = {}
    for pool in past.pools():
        pools.setdefault(calmness(past.of_pool(pool), past.today), []).append(pool)
    return pools


def _looked_at(pools: Mapping[Calmness, list[str]]) -> list[Block]:
    """Which pools can have an unusual day, and which cannot."""
    rows = [(words, _named(pools[kind])) for kind, words in _CALM_WORDS.items() if kind in pools]
    why = "A day counts as unusual only in pools whose days are calm enough to know what is usual."
    if "irregular" in pools:
        why += " The irregular ones are watched by budgets, and by the alerts of idle nodes."
    return [each for each in (facts(*rows), build.note(why)) if each]


def _named(pools: list[str]) -> str:
    more = len(pools) - _NAMED
    return ", ".join(pools[:_NAMED]) + (f" and {number(more)} more" if more > 0 else "")


def _counted(count: int, pools: Mapping[Calmness, list[str]]) -> str:
    if count:
        return f"{plural(count, 'day')} cost unusually much in {_LISTED.days} days"
    if "calm" in pools:
        return f"No day is known to have cost unusually much in {_LISTED.days} days"
    return "Nothing can be said of unusual days yet" if "too few days" in pools else "No pool is calm enough"


def _row(row: AnomalyRow, found: Anomaly, currency: str) -> Text:
    day = found.unusual
    said = f"{row.answer}" if row.answer else ""
    cost, usual = (
        money(round(each, 2), currency) if currency else number(round(each)) for each in (day.amount, day.usual)
    )
    return text(
        code(anomaly_id(found)),
        f"  {cause_words(found.cause)}: {cost} instead of {usual}",
        f" · {said}" if said else "",
        " · found ",
        Time(row.found),
    )


def _all(ctx: Context, account: str) -> Button:
    return Button("All of them", line(ctx, ctx.account(account), "cost unusual"))
