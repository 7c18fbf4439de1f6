"""What somebody says of a recommendation: it is accepted, comes later, or is not for us."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.azure.account import Account
from bot.chat.request import Author
from bot.domain.entity import fold
from bot.domain.recommendations.model import Recommendation
from bot.requests.command import CommandError, Instead, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from bot.requests.lacking import names_for
from cards.build import actions, blocks, muted, refusal, text
from cards.card import Button, Card, Field, Mark, Option, Time, Words
from cards.text_fit import elide
from handlers.alert.parts import a_span
from handlers.shared.common import line, nearest, titled
from storage.port.decoding import decoded
from storage.port.recommendations import AnswerState, RecommendationRow

LONGEST = timedelta(days=180)


@command("advice accept", effect="change", everybody="operator", check="advice", examples=["advice accept 1a2b3c4d"])
async def accept(ctx: Context, advice: str, *, account: str | None = None) -> Card:
    """Accept advice: you take care of it. It stays in the list until it is over.

    :param advice: its id, shown in the list
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    row, what = await _found(ctx, source, "advice accept", advice)
    return await _answered(ctx, source, row, what, "accepted", "Accepted: it stays in the list until it is over")


@command(
    "advice snooze",
    effect="change",
    everybody="operator",
    check="advice",
    examples=["advice snooze 1a2b3c4d 7d", "advice snooze 1a2b3c4d 30d"],
)
async def snooze(ctx: Context, advice: str, span: str, *, account: str | None = None) -> Card:
    """Snooze advice: it is left out of the list and of the weekly post for a while.

    :param advice: its id, shown in the list
    :param span: how long, such as 12h, 7d or 30d; 180 days at most
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    length = a_span(span, ["advice", "snooze", advice], longest=LONGEST, example="7d")
    row, what = await _found(ctx, source, "advice snooze", advice, span)
    until = source.now() + length
    return await _answered(ctx, source, row, what, "snoozed", "Snoozed", until=until)


@command(
    "advice dismiss",
    effect="change",
    everybody="operator",
    check="advice",
    examples=["advice dismiss 1a2b3c4d kept warm for demos"],
)
async def dismiss(ctx: Context, advice: str, *because: str, account: str | None = None) -> Card:
    """Say that advice is not for us, and why: it is no longer shown, in the list and in the weekly post.

    :param advice: its id, shown in the list
    :param because: why, for whoever reads it later
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    reason = " ".join(because).strip()
    row, what = await _found(ctx, source, "advice dismiss", advice, *because)
    if not reason:
        raise CommandError(
            "Say why it does not apply: whoever reads the list later will want to know.",
            forms=[line(ctx, source, "advice dismiss", row.id)],
            at="because",
        )
    return await _answered(ctx, source, row, what, "dismissed", "Not for us: it is no longer shown", because=reason)


async def _answered(
    ctx: Context,
    source: Account,
    row: RecommendationRow,
    what: Recommendation,
    state: AnswerState,
    words: str,
    *,
    because: str = "",
    until: datetime | None = None,
) -> Card:
    author = Author.of(ctx.request)
    now, by = source.now(), author.name or ctx.services.policy.people.name(author.id)
    if not await ctx.store.answer_recommendation(source.name, row.id, state, now, by=by, because=because, until=until):
        raise CommandError("It was forgotten meanwhile.", ["advice"])
    return Card(
        title=titled(words, source.name),
        mark=Mark.DONE,
        as_of=now,
        blocks=blocks(
            Words(text(f"{what.words[0].upper()}{what.words[1:]}.")),
            Words(text("It comes back ", Time(until), ", if it is still so then.")) if until else None,
            Words(text(f"Why: {because}")) if because else None,
            Words(text(muted(_before(row)))) if row.state != "open" and row.by != by else None,
            actions(
                Button("Advice", line(ctx, source, "advice")),
                Button("Set aside", line(ctx, source, "advice", show="aside")) if state != "accepted" else None,
                Button("Accept after all", line(ctx, source, "advice accept", row.id)) if state != "accepted" else None,
            ),
        ),
    )


def _before(row: RecommendationRow) -> str:
    """What somebody else had said of it, which this takes the place of."""
    said = {"accepted": "had accepted it", "snoozed": "had snoozed it", "dismissed": "had said that it is not for us"}
    why = f": {row.because}" if row.because else ""
    return f"{row.by} {said[row.state]} before{why}."


async def _found(
    ctx: Context, source: Account, path: str, id_: str, *rest: str
) -> tuple[RecommendationRow, Recommendation]:
    """The advice of that id. Raises Instead with the nearest ones."""
    known = await _current(ctx, source)
    for row, what in known:
        if fold(row.id) == fold(id_):
            return row, what
    near = nearest(id_, [row.id for row, _ in known])[:3]
    offered = [(row, what) for row, what in known if row.id in near]
    raise Instead(
        refusal(
            f"There is no advice “{id_[:60]}” about {source.name}.",
            "Did you mean one of these?" if offered else "The list has the ids of all.",
            [
                *(Button(elide(what.words, 60), line(ctx, source, path, row.id, *rest)) for row, what in offered),
                Button("Advice", line(ctx, source, "advice")),
            ],
        )
    )


async def _current(ctx: Context, source: Account) -> list[tuple[RecommendationRow, Recommendation]]:
    """What was advised and is not over."""
    rows = await ctx.store.recommendations(source.name)
    return [(row, what) for row in rows if not row.over and (what := decoded(row.body, Recommendation))]


@names_for("advice accept", "advice snooze", "advice dismiss")
async def names(ctx: Context, given: Mapping[str, str]) -> list[Option]:
    """What is advised, in words."""
    current = await _current(ctx, ctx.account(given.get("account")))
    return [Option(elide(what.words, 70), row.id) for row, what in current]


@form_of(
    "advice snooze",
    Field("advice", "Advice", "choice"),
    Field("span", "For", "choice", options=(Option("1 day", "1d"), Option("7 days", "7d"), Option("30 days", "30d"))),
)
async def snooze_form(ctx: Context, values: Values) -> FormChanges:
    """Offers what is advised."""
    return FormChanges(options={"advice": tuple(await names(ctx, values))}, submit="Snooze")
