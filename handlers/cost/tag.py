"""Who spent it: what pools cost by the value of a tag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bot.accounting.eras import shown_eras
from bot.domain.entity import fold
from bot.domain.money.ledger import totals
from bot.domain.money.spend import total
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.lacking import names_for
from cards.build import actions, blocks, note, refusal
from cards.card import Button, Card, Mark, Option, Picture
from cards.charts.alt import alt
from cards.charts.bars import Bar, BarChart, BarSeries
from cards.formatting import money
from handlers.cost.grouped import spend_table
from handlers.cost.parts import asked, notes, own_cost, window_buttons
from handlers.shared.common import line, nearest, titled

_BARS = 12


@names_for("cost tag")
async def tag_keys(ctx: Context, given: Mapping[str, str]) -> list[Option]:
    """The keys of the tags that pools had, by how many pools had them."""
    rows = shown_eras(await ctx.store.pool_eras(ctx.account(given.get("account")).name))
    counted = Counter(key for pool in {each.pool: each for each in rows}.values() for key in pool.tags)
    return [Option(key, key) for key, _ in counted.most_common()]


@command("cost tag", effect="read", examples=["cost tag owner", "cost tag team=render 30d"])
async def cost_of_tag(ctx: Context, key: str, window: str = "month", *, account: str | None = None) -> Card:
    """Show who spent it: own usage by the value of a tag that pools have.

    :param key: the tag's key, which is one of the pools' metadata; or key=value, for one value
    :param window: the days, in UTC as Azure bills
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    key, equals, only = key.partition("=")
    if not key.strip():
        return refusal(
            "Which tag? Tags are the metadata of pools.",
            "",
            [Button("Tags", line(ctx, source, "cost", window=window, by="tag"))],
        )
    window, days = asked(ctx, source, window, "cost tag", key)
    statement = await ctx.accounting.statement(source.name, days)
    ledger = statement.ledger
    values = totals(ledger.watched_rows, f"tag:{key}")
    found = sorted(values.items(), key=lambda each: (not each[0], -each[1].cost.total, each[0]))
    if not any(value for value, _ in found):
        known = {name for row in ledger.rows for name in row.tags}
        return refusal(
            f"No pool that was used {statement.days.words} has a tag “{key}”.",
            "Tags are the metadata of pools.",
            [
                *(Button(name, line(ctx, source, "cost tag", name, window=window)) for name in nearest(key, known)),
                Button("Tags", line(ctx, source, "cost", window=window, by="tag")),
            ],
        )
    if equals:
        mine = [each for each in found if fold(each[0]) == fold(only)]
        if not mine:
            near = nearest(only, [value for value, _ in found if value]) or [value for value, _ in found if value][:4]
            return refusal(
                f"No pool that was used {statement.days.words} has the tag {key}={only}.",
                f"The key “{key}” is there, with other values.",
                [
                    Button(f"{key}={value}", line(ctx, source, "cost tag", f"{key}={value}", window=window))
                    for value in near
                ]
                + [Button(f"All of {key}", line(ctx, source, "cost tag", key, window=window))],
            )
        found = mine
    whole = total(spend for _, spend in found)
    name = f"{key}={only}" if equals else key
    lines = [(value or f"no {key}", spend, None) for value, spend in found]
    chart = BarChart(
        headline=f"{money(whole.cost.total, ledger.currency)} {statement.days.words}",
        subtitle=f"{source.name} · own usage by {name}, UTC",
        series=(BarSeries("busy", "busy"), BarSeries("idle", "idle")),
        bars=tuple(Bar(name, (spend.cost.busy, spend.cost.idle)) for name, spend, _ in lines[:_BARS]),
        unit=ledger.currency,
        across=True,
    )
    priced = bool(ledger.currency) and whole.cost.total > 0
    drawn = Picture(key=f"cost-tag-{source.name}", alt=alt(chart), chart=chart, title=f"Costs by {key}")
    return Card(
        title=titled(f"{own_cost(whole)} {'of' if equals else 'by'} {name}", source.name, statement.days.words),
        mark=Mark.RUNNING,
        as_of=statement.now,
        blocks=blocks(
            drawn if priced else None,
            spend_table(key, lines, statement, whole),
            note("Azure does not bill by these tags: this is own usage, without disks, addresses and network."),
            window_buttons(ctx, source, window, "cost tag", name),
            actions(
                Button("Other tags", line(ctx, source, "cost", window=window, by="tag")),
                Button("Summary", line(ctx, source, "cost", window=window)),
                Button("Export", line(ctx, source, "cost export", window=window)),
            ),
            notes(ctx, statement),
        ),
    )
