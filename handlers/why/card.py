"""The card of a verdict: the cause in words, how sure and since when, the evidence, what it costs, and the buttons."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from bot.alerting.model import Incident
from bot.alerting.rules.common import cut
from bot.azure.account import Account
from bot.domain.diagnosis.model import Clue, Evidence, Verdict
from bot.domain.diagnosis.nodes import ID
from bot.domain.entity import Entity
from bot.domain.knowledge import Step
from bot.domain.price import HourlyCost
from bot.requests.context import Context
from cards.build import actions, blocks, bold, muted, note, text
from cards.card import Block, Bullets, Button, Card, Code, Fold, Footer, Mark, Mention, Text, Time, Words
from cards.formatting import money, number, plural
from cards.text_fit import elide
from handlers.shared.common import line, section
from handlers.why.answers import Answer
from handlers.why.began import began, waits_since
from handlers.why.reads import Reads
from handlers.why.steps import buttons

_EVIDENCE = 6
"""Lines of evidence that are shown: a phone's screen; more is behind the buttons."""
_ALSO = 8
"""Other things that are told; the rest is counted."""


def answer_card(
    ctx: Context, source: Account, answer: Answer, reads: Reads, *, of_account: bool = False, also: bool = False
) -> Card:
    """An answer; ``of_account`` where it is about the worst thing of an account.

    What else was seen is folded, or told in full where ``also`` is asked for.
    """
    about, verdict = answer.about, answer.verdict
    clue = verdict.clue
    if clue is None or not clue.harm:
        verdict = _with_alerts(ctx, source, about, verdict)
    show = _open(ctx, source, about)
    asked = Entity("account", source.name) if of_account else about
    again = Button("Ask again", _again(ctx, source, asked), how="edit")
    unfold = "" if also else _again(ctx, source, asked, also=True)
    if clue is None:
        wrong = next((each for each in verdict.also if each.harm), None)
        made = buttons(ctx, source, wrong) if wrong else []
        others = replace(verdict, also=tuple(each for each in verdict.also if each is not wrong))
        return Card(
            title=text(bold(_but(answer, wrong) if wrong else _all_well(about, reads))),
            mark=Mark.WARNING if wrong or reads.missed else Mark.DONE,
            as_of=answer.at,
            blocks=blocks(
                Bullets(tuple(text(each) for each in answer.well)) if answer.well else None,
                actions(*made, show, again),
                *_also(others, about, unfold),
                _looked(reads),
            ),
        )
    elsewhere = not clue.about == about  # noqa: SIM201 - entities define equality alone
    made = buttons(ctx, source, clue)
    there = [_open(ctx, source, clue.about), show] if elsewhere else [show]
    known = {each.command for each in made}
    rest = [each for each in there if each.command not in known]
    more = Button("Only this", _again(ctx, source, about)) if of_account else None
    return Card(
        title=text(bold(_headline(answer, clue, verdict.also)), f" · worst in {source.name}" if of_account else ""),
        mark=Mark.FAILED if clue.harm else Mark.STOPPED if answer.gone else Mark.CHANGING,
        as_of=answer.at,
        blocks=blocks(
            Words(_how_sure(ctx, source, answer, clue, elsewhere=elsewhere)),
            Words(text(bold("To do: "), _sentence(clue.do))) if clue.do else None,
            Words(text(bold("Costs: "), costs)) if (costs := _costs(clue, answer.cost)) else None,
            *section("Evidence", *_evidence(ctx, clue)),
            actions(*made, *rest[: 1 if made else 2], more, again),
            *_also(verdict, about, unfold),
            _looked(reads),
        ),
    )


def _all_well(about: Entity, reads: Reads) -> str:
    """That nothing is wrong, as far as everything could be read."""
    if reads.missed:
        return f"Nothing wrong was found with {_named(about)}, but not all could be read"
    return f"Nothing is wrong with {_named(about)}"


def _but(answer: Answer, wrong: Clue) -> str:
    """``Pool gpu-a does its work, but 2 nodes idle for 3 h``: nothing keeps it from its work, yet all is not well.

    What has nothing at work now is not said to work: no task of it waits.
    """
    about = answer.about
    name = _named(about)
    cause = wrong.cause.removeprefix(f"{about.kind} {about.id}: ")
    named = wrong.about == about or wrong.about.id in wrong.cause
    where = "" if named else f"{wrong.about.kind} {elide(wrong.about.id, ID)}: "
    how = "does its work" if answer.works else "has no tasks waiting"
    return f"{name[0].upper()}{name[1:]} {how}, but {where}{cause}"


def _with_alerts(ctx: Context, source: Account, about: Entity, verdict: Verdict) -> Verdict:
    """With what is told of it in open alerts, which a card that finds it well must not contradict."""
    told = [each for each in ctx.alerts.incidents.open(source.name) if each.entity == about] if ctx.alerts else []
    known = {(each.id, each.about) for each in verdict.also}
    new = [as_clue(each) for each in told if (each.kind, each.entity) not in known]
    return replace(verdict, also=(*verdict.also, *new))


def as_clue(incident: Incident) -> Clue:
    """An open incident as something that was seen as well; its button is its alert's card."""
    return Clue(
        id=incident.kind,
        about=incident.entity,
        cause=incident.headline,
        why=incident.cause,
        since=incident.since,
        evidence=(Evidence(incident.cause, incident.seen),),
        steps=(Step("Open alert", f"alert show {incident.id}"),),
    )


def _sentence(words: str) -> str:
    """With a capital and a full stop; empty stays empty."""
    return f"{words[0].upper()}{words[1:]}." if words else ""


def _named(about: Entity) -> str:
    return f"{about.kind} {elide(about.id, ID if about.kind == 'node' else 60)}"


def _headline(answer: Answer, clue: Clue, also: Sequence[Clue]) -> str:
    """``Job nightly-12 waits: the account's quota of cores is used up``; else that nothing is wrong."""
    name = _named(answer.about)
    name = name[0].upper() + name[1:]
    if answer.gone:
        return f"{name} is gone: {clue.cause}"
    if not clue.harm and not any(each.harm for each in also):
        return f"Nothing is wrong with {_named(answer.about)}: {clue.cause}"
    return f"{name} waits: {clue.cause}" if answer.waits else f"{name}: {clue.cause}"


def _how_sure(ctx: Context, source: Account, answer: Answer, clue: Clue, *, elsewhere: bool) -> Text:
    """``certain · began 14 min ago, 13:48 · node x of pool gpu-a``; of what waits, since when that is."""
    parts: list[object] = [bold({"guess": "only a guess"}.get(clue.sure, clue.sure))]
    waits = waits_since(ctx, source, answer.about) if answer.waits else None
    if answer.waits and waits is None and not clue.harm:
        waits = clue.since  # its turn has not come: that it waits is all there is to it
    if waits:
        parts += [" · waits since ", Time(waits)]
    if since := began(ctx, source, answer.about, clue):
        parts += [" · the cause began " if waits else " · began ", Time(since)] if since != waits else []
    if elsewhere:
        where = f" of {_parent(clue.about)} {clue.about.parent}" if clue.about.parent else ""
        parts += [f" · in {clue.about.kind} {elide(clue.about.id, ID)}{where}"]
    return text(*parts)  # type: ignore[arg-type]


def _parent(about: Entity) -> str:
    return {"node": "pool", "task": "job"}.get(about.kind, "")


def _costs(clue: Clue, cost: HourlyCost | None) -> str:
    """What it costs an hour while it lasts; nothing where that is unknown."""
    if cost is None or not cost.amount:
        return ""
    nodes = f"{plural(clue.nodes, 'node')} that do{'es' if clue.nodes == 1 else ''} no work"
    return f"{money(cost.amount, cost.currency)}/h for {nodes if clue.nodes else 'the whole pool as it is'}"


def _evidence(ctx: Context, clue: Clue) -> list[Bullets | Code | None]:
    """What was seen, each with its as-of time; what a program printed stands by itself."""
    lines = tuple(_line(ctx, each) for each in clue.evidence if not each.printed)[:_EVIDENCE]
    printed = next((each for each in clue.evidence if each.printed), None)
    return [Bullets(lines) if lines else None, Code(cut(printed.words), keep="tail") if printed else None]


def _line(ctx: Context, each: Evidence) -> Text:
    who = text(" ", Mention(each.person, ctx.services.policy.people.name(each.person))) if each.person else ()
    when = text(muted(" · "), Time(each.at)) if each.at else ()
    return text(cut(each.words), who, when)


def _also(verdict: Verdict, about: Entity, unfold: str) -> Sequence[Block]:
    """What was seen as well, each with what is behind it; folded where ``unfold`` is the command that shows it."""
    if not verdict.also:
        return []
    told = [_other(each, about) for each in verdict.also[:_ALSO]]
    if more := len(verdict.also) - _ALSO:
        told += [text(muted(f"and {number(more)} more"))] if more > 0 else []
    if unfold:
        return [Fold(f"Also seen: {number(len(verdict.also))}", (Bullets(tuple(told)),), unfold)]
    return section("Also seen", Bullets(tuple(told)))


def _other(clue: Clue, about: Entity) -> Text:
    """``pool gpu-b: its nodes are still starting, since 13:20``, and what is behind it where that only says what is."""
    named = clue.about == about or clue.about.id in clue.cause
    where = "" if named else f"{clue.about.kind} {elide(clue.about.id, ID)}: "
    why = f": {clue.why}" if clue.why else ""
    when = (muted(" · "), Time(clue.since)) if clue.since else ()
    return text(cut(f"{where}{clue.cause}{why}"), *when)


def _looked(reads: Reads) -> Footer | None:
    """What was looked at, in how many calls."""
    passed = f", but not at {', '.join(reads.passed)}" if reads.passed else ""
    seen = f"Looked at {', '.join(reads.looked)}{passed}"
    return note(muted(f"{seen} · {plural(reads.calls, 'call')}"))


def _open(ctx: Context, source: Account, about: Entity) -> Button:
    """The card of an entity."""
    if about.kind == "account":
        return Button("Home", line(ctx, source, "home"))
    return Button(f"Open {about.kind}", line(ctx, source, f"{about.kind} show", *about.names))


def _again(ctx: Context, source: Account, about: Entity, *, also: bool = False) -> str:
    if about.kind == "account":
        return line(ctx, source, "why", also=also)
    return line(ctx, source, f"why {about.kind}", *about.names, also=also)
