"""What if a pool had scaled by a formula: nodes, money and waiting over its own past, as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.domain.autoscale.remarks import Linted
from bot.domain.autoscale.syntax import place_of
from bot.domain.autoscale.what_if import Point, Totals, WhatIf, assumptions
from bot.domain.core_use import WHOLE
from bot.domain.price import Money
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, facts, refusal, text
from cards.card import Button, Card, Code, Facts, Mark, Picture, Words
from cards.charts.scaling import Scaling, ScalingPoint, scaling_alt
from cards.formatting import duration, moment_words, money, number, percent, plural
from handlers.pool.autoscale import LONGEST_COMMAND, suggestion, use
from handlers.pool.formulas import Scaled, examined, given_formula, past_of, readable, remark, remarks, scaled, tried
from handlers.shared.common import line, section, titled

MOST_DAYS = 7
"""For as long samples are kept (``storage/retention.py``)."""
_BUCKETS = 336
"""Steps of the picture at most: half an hour of a week."""
_FEW = timedelta(seconds=30)
"""Waits that differ by less count as the same: the past is known in steps of as much."""


@command(
    "pool what-if",
    effect="read",
    examples=["pool what-if render-cpu", "pool what-if gpu-a $TargetDedicatedNodes = 4; days:3"],
)
async def what_if(
    ctx: Context, pool: str, *formula: str, days: int = MOST_DAYS, minutes: int | None = None,
    account: str | None = None,
) -> Card:  # fmt: skip
    """Try an autoscale formula over the last days of a pool, fixed ones too: nodes, money and waiting, and a picture.

    Nothing is changed. The bot's own samples say what there was to do; the card says what is taken for granted.

    :param pool: the pool's id
    :param formula: the formula; the pool's own where it is left out, or one to begin with
    :param days: how many days, 7 at most
    :param minutes: the evaluation interval; the pool's own where it is left out, or 15
    :param account: the account, by its name in the settings
    """
    if not 1 <= days <= MOST_DAYS:
        raise CommandError(f"The bot keeps samples for {MOST_DAYS} days: give a number from 1 to {MOST_DAYS}.")
    source = ctx.account(account)
    found = await scaled(ctx, source, pool, "pool what-if")
    interval = found.interval if minutes is None else timedelta(minutes=minutes)
    used = given_formula(ctx, formula, pool) or found.formula or suggestion(found)
    linted = await examined(used, found.surroundings(interval))
    if linted.errors:
        return _unfit(ctx, source, found, used, linted)
    past = await past_of(ctx, source, found, days)
    if past is None:
        return refusal(
            f"There are no samples of pool {found.pool.id} yet.",
            "The bot samples every pool once a minute. Come back in a few minutes; a day or two say more.",
            [Button("Usage", line(ctx, source, "usage", pool=found.pool.id))],
        )
    result = await tried(source, found, readable(linted), past, interval)
    return _card(ctx, source, found, used, linted, result, days, interval)


def _unfit(ctx: Context, source: Account, found: Scaled, formula: str, linted: Linted) -> Card:
    """A formula that the service would refuse is not tried."""
    return Card(
        title=titled(f"The formula for pool {found.pool.id} cannot be tried"),
        mark=Mark.WARNING,
        as_of=found.at,
        refused=True,
        blocks=blocks(
            *remarks(linted),
            *section("Formula", Code(formula)),
            build.actions(Button("Autoscale", line(ctx, source, "pool autoscale", found.pool.id))),
        ),
    )


def _card(
    ctx: Context, source: Account, found: Scaled, formula: str, linted: Linted, result: WhatIf, days: int,
    interval: timedelta,
) -> Card:  # fmt: skip
    would, was = costs(found, result)
    headline = compared(result, would, was)
    chart = _chart(ctx, source, found, result, headline, would, was)
    given = [] if formula == found.formula else [formula]
    minutes = None if interval == found.interval else round(interval.total_seconds() / 60)
    warnings = [each for each in linted.remarks if each.weight == "warning"]
    assumed = "; ".join(assumptions(result, found.slots))

    def again(length: int) -> str:
        return line(ctx, source, "pool what-if", found.pool.id, *given, days=length, minutes=minutes)

    fits = len(again(days)) <= LONGEST_COMMAND
    return Card(
        title=titled(headline, f"pool {found.pool.id}", _span(result, days)),
        mark=Mark.WARNING if doubtful(result, days) else Mark.DONE,
        as_of=found.at,
        blocks=blocks(
            Picture(
                key=f"what-if-{source.name}-{found.pool.id}",
                alt=scaling_alt(chart),
                chart=chart,
                title=f"What if: pool {found.pool.id}",
            ),
            figures(result, would, was),
            _failures(result, formula),
            *(section("What stands out", *(Words(remark(each)) for each in warnings[:3])) if warnings else ()),
            *section("Formula, evaluated every " + duration(interval), Code(formula)),
            build.note(_known(result, days), f"Assumed: {assumed}."),
            build.actions(
                *(
                    Button(plural(length, "day"), again(length), how="edit", current=length == days)
                    for length in (1, 3, MOST_DAYS)
                    if fits
                ),
                use(ctx, source, found, formula, minutes),
                Button("Autoscale", line(ctx, source, "pool autoscale", found.pool.id)),
                Button("Pool", line(ctx, source, "pool show", found.pool.id)),
            ),
        ),
    )


def doubtful(result: WhatIf, days: int) -> bool:
    """Whether to take the finding with care: little was sampled, evaluations failed, or tasks are interrupted."""
    little = sampled(result) < timedelta(days=days) / 2
    return little or result.failed * 2 > result.evaluations or result.interrupted >= 0.5


def costs(found: Scaled, result: WhatIf) -> tuple[Money | None, Money | None]:
    """What the nodes cost at list price with the formula, and as they were; None where a price is unknown."""
    return _cost(found, result.would), _cost(found, result.was)


def _cost(found: Scaled, totals: Totals) -> Money | None:
    dedicated = found.cost(1, 0) if totals.dedicated else None
    spot = found.cost(0, 1) if totals.spot else None
    if (totals.dedicated and dedicated is None) or (totals.spot and spot is None) or not found.prices:
        return None
    amount = (dedicated.amount if dedicated else 0.0) * totals.dedicated + (spot.amount if spot else 0.0) * totals.spot
    return Money(amount, found.prices.currency, found.prices.as_of)


def compared(result: WhatIf, would: Money | None, was: Money | None) -> str:
    """The finding in a line: ``$312 less, tasks wait 4 min longer``."""
    if would and was:
        saved = _difference(was.amount - would.amount, lambda amount: money(amount, would.currency), "")
    else:
        hours = result.was.node_hours - result.would.node_hours
        saved = _difference(hours, lambda amount: number(round(amount)), " node-hours")
    mean = result.mean_wait(result.would)
    if not result.waiting_known:
        return f"{saved}, tasks wait {duration(mean)}"
    longer = mean - result.mean_wait(result.was)
    if abs(longer) < _FEW:
        return f"{saved}, tasks wait as long as they did"
    return f"{saved}, tasks wait {duration(longer)} {'longer' if longer > timedelta(0) else 'less'}"


def _difference(saved: float, shown: Callable[[float], str], unit: str) -> str:
    words = shown(abs(saved))
    if abs(saved) < 0.005 or words in ("0", "$0"):
        return f"As many{unit}" if unit else "Costs the same"
    return f"{words}{unit} {'less' if saved > 0 else 'more'}"


def figures(result: WhatIf, would: Money | None, was: Money | None) -> Facts | None:
    """What comes out, each beside what really was."""
    known = result.waiting_known
    most = max((point.nodes for point in result.points), default=0.0)
    had = max((point.was_nodes for point in result.points), default=0)
    return facts(
        ("Cost at list price", f"{money(would.amount, would.currency)}, was {money(was.amount, was.currency)}"
         if would and was else None),
        ("Node-hours", f"{number(round(result.would.node_hours))}, was {number(round(result.was.node_hours))}"
         f"{_share(result.would.node_hours, result.was.node_hours)}"),
        ("Most nodes", f"{number(round(most))}, was {number(had)}"),
        ("Tasks wait in the mean", f"{duration(result.mean_wait(result.would))}, "
         + (f"was {duration(result.mean_wait(result.was))}" if known else "was not counted")),
        ("Longest wait", duration(result.longest)),
        ("Tasks interrupted", number(round(result.interrupted)) if result.interrupted >= 0.5 else "none"),
        ("Not done at the end", plural(round(result.left), "task") if result.left >= 0.5 else None),
    )  # fmt: skip


def _share(would: float, was: float) -> str:
    if not was:
        return ""
    less = 1 - would / was
    return f" ({'−' if less > 0 else '+'}{abs(less):.0%})" if abs(less) >= 0.005 else ""


def _failures(result: WhatIf, formula: str) -> Words | None:
    """How many evaluations came to nothing, and why the first did."""
    if not result.failed or result.failure is None:
        return None
    place = place_of(formula, result.failure.at)
    counted = f"{number(result.failed)} of {plural(result.evaluations, 'evaluation')} failed"
    return Words(text(f"{counted} and changed nothing. {str(place).capitalize()}: {result.failure.message}"))


def sampled(result: WhatIf) -> timedelta:
    """How much of the past was sampled."""
    return len(result.points) * timedelta(seconds=30)


"""The share of a window from which it counts as sampled."""


def _span(result: WhatIf, days: int) -> str:
    """What the finding is about: ``the last 7 days``, or as much of them as was sampled, ``by 1 day of samples``."""
    if sampled(result) < WHOLE * timedelta(days=days):
        return f"by {duration(sampled(result))} of samples"
    return f"the last {plural(days, 'day')}" if days > 1 else "one day"


def _known(result: WhatIf, days: int) -> str:
    """How much of the window is known, where it is not all of it."""
    window, seen = timedelta(days=days), sampled(result)
    if seen >= WHOLE * window:
        return ""
    return f"{percent(seen / window, 1)} of these {plural(days, 'day')} was sampled ({duration(seen)}). "


def _chart(
    ctx: Context, source: Account, found: Scaled, result: WhatIf, headline: str, would: Money | None, was: Money | None
) -> Scaling:
    since, until = result.history.since, result.history.until
    step = max(60, round((until - since).total_seconds() / _BUCKETS / 300) * 300)
    zone = ZoneInfo(ctx.zone)
    begin, end = since.astimezone(zone), until.astimezone(zone)
    shown = [f"{each.label}: {''.join(getattr(piece, 'text', '') for piece in each.value)}."
             for each in (figures(result, would, was) or Facts(())).items]  # fmt: skip
    return Scaling(
        headline=headline,
        subtitle=f"{source.name} · pool {found.pool.id} · {moment_words(begin)} – {moment_words(end)}",
        points=_buckets(result.points, since, step),
        step=step,
        since=since,
        until=until,
        zone=ctx.zone,
        figures=tuple(shown),
    )


def _buckets(points: Sequence[Point], since: datetime, step: int) -> tuple[ScalingPoint, ...]:
    """Means of the steps in every bucket that has some."""
    groups: dict[int, list[Point]] = {}
    for point in points:
        groups.setdefault(int((point.at - since).total_seconds() // step), []).append(point)
    found = []
    for number_, group in sorted(groups.items()):
        waited = [each.was_waiting for each in group if each.was_waiting is not None]
        found.append(
            ScalingPoint(
                since + timedelta(seconds=number_ * step),
                sum(each.nodes for each in group) / len(group),
                sum(each.waiting for each in group) / len(group),
                sum(each.was_nodes for each in group) / len(group),
                sum(waited) / len(waited) if waited else None,
            )
        )
    return tuple(found)
