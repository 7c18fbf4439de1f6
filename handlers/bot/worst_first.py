"""What is wrong in an account, the worst first, as ``why``, ``failures`` and ``alert list`` say: for the home card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from bot.alerting.card_parts import mark_of
from bot.alerting.model import Incident
from bot.alerting.once import shown_once
from bot.azure.account import Account
from bot.domain.diagnosis.accounts import AccountCase, Ranked, worst
from bot.domain.entity import Entity, fold
from bot.domain.findings import Severity
from bot.requests.context import Context
from cards.build import chip, muted, text
from cards.card import Button, Mark, Text, Time
from cards.formatting import number, plural
from cards.text_fit import elide
from handlers.failures.lately import FailedLately
from handlers.shared.common import line
from handlers.why.steps import buttons
from handlers.why.worst import first_of

_MANY = 0.5
"""From which share on of a job's ended tasks failures are as bad as a critical alert."""
_NAME = 40


class Wrong(Struct, frozen=True):
    """One thing that is wrong: how bad, in a line, and what to do about it, the likely thing first."""

    mark: Mark
    line: Text
    buttons: tuple[Button, ...] = ()
    about: Entity | None = None


class WorstFirst(Struct, frozen=True):
    """All that is wrong, the worst first; ``alerts`` are open, ``critical`` of them critical."""

    rows: Sequence[Wrong]
    alerts: int = 0
    critical: int = 0


def worst_first(
    ctx: Context, source: Account, case: AccountCase, pools: Mapping[str, tuple[Mark, str]], failed: FailedLately
) -> WorstFirst:
    """What is wrong: ``pools`` in trouble, as their list marks and says it, and the tasks that ``failed`` lately.

    What failed stands before what is a warning, and of both that which ``why`` looks into first; then alerts before
    what the lists show. One thing stands once: its alert says more than a list does. Alerts of jobs whose tasks fail
    are one line where there are several.
    """
    rules = ctx.alerts.kinds if ctx.alerts else {}
    incidents = ctx.alerts.incidents.open(source.name) if ctx.alerts else []
    opened = [each.incident for each in shown_once(incidents, rules)]
    ranked = worst(case)
    told = [each for each in opened if _of_failures(each)]
    merged = told if len(failed.jobs) > 1 and len(told) > 1 else []
    rest = [each for each in opened if not merged or not _of_failures(each)]
    jobs = {fold(each.entity.parent or each.entity.id) for each in told}
    untold = any(fold(job) not in jobs for job in failed.jobs)
    known = {each.about for each in ranked}
    rows = [
        *(_alert(ctx, each) for each in rest),
        *([_failures(ctx, source, failed, merged)] if merged or untold else ()),
        *(_listed(ctx, source, each, pools) for each in ranked),
        *(_pool(ctx, source, name, said) for name, said in pools.items() if Entity("pool", name) not in known),
    ]
    once: list[Wrong] = []
    said: set[Entity] = set()
    for row in rows:
        if row.about is None or row.about not in said:
            once.append(row)
        said |= {row.about} if row.about else set()
    first = first_of(ranked, rest)
    once.sort(key=lambda each: (each.mark is not Mark.FAILED, bool(each.about) and each.about != first))
    return WorstFirst(once, len(opened), sum(each.severity is Severity.CRITICAL for each in opened))


def _of_failures(incident: Incident) -> bool:
    """Whether an alert says that tasks of a job failed."""
    return incident.entity.kind in ("job", "task") and incident.kind.partition(".")[2].startswith("fail")


def _failures(ctx: Context, source: Account, failed: FailedLately, merged: Sequence[Incident]) -> Wrong:
    """``✖ 2,400 tasks failed: in 48 jobs, most of them in nightly:job-12 (214) · 48 alerts``."""
    (job, most), *others = failed.jobs.items()
    least = "" if failed.whole else "at least "
    where = f"in {plural(len(failed.jobs), 'job')}, most in {elide(job, _NAME)} ({number(most)})"
    said = where if others else f"in job {elide(job, _NAME)}"
    alerts = f" · {plural(len(merged), 'alert')}" if merged else ""
    mark = Mark.FAILED if failed.worst >= _MANY or merged else Mark.WARNING
    show = line(ctx, source, "failures") if others else line(ctx, source, "failures job", job)
    return Wrong(
        mark,
        text(chip(mark, f"{least}{plural(failed.tasks, 'task')} failed"), f": {said}{alerts}"),
        (Button("Failures", show, style="primary"),),
        None if others else Entity("job", job),
    )


def _alert(ctx: Context, incident: Incident) -> Wrong:
    """An open alert by its headline, with its own first button; acknowledged by whom."""
    who = incident.acknowledged
    by = f", acknowledged by {who.called}" if who else ""
    made: list[Button] = []
    for each in incident.actions[:1]:
        typed = ctx.alerts.writer.command(incident, each.command) if ctx.alerts else each.command
        made.append(Button(each.text, typed, how="form" if each.changes else "post", style="primary"))
    return Wrong(
        mark_of(incident),
        text(chip(mark_of(incident), incident.headline), muted(" · "), Time(incident.since, "age"), by),
        (*made, Button("Open alert", f"alert show {incident.id}")),
        incident.entity,
    )


def _listed(ctx: Context, source: Account, ranked: Ranked, pools: Mapping[str, tuple[Mark, str]]) -> Wrong:
    """What the lists show of something that has no alert; a pool in the words of its list."""
    about, clue = ranked.about, ranked.clue
    if about.kind == "pool" and about.id in pools:
        return _pool(ctx, source, about.id, pools[about.id], tuple(buttons(ctx, source, clue)[:1]))
    when = (muted(" · "), Time(clue.since, "age")) if clue.since else ()
    cause = clue.cause.removeprefix(f"{about.kind} {about.id}: ")
    mark = Mark.FAILED if about.kind == "job" else Mark.WARNING
    why = Button("Why", line(ctx, source, f"why {about.kind}", about.id))
    mend = buttons(ctx, source, clue)[:1]
    return Wrong(
        mark, text(chip(mark, f"{about.kind} {elide(about.id, _NAME)}"), f": {cause}", *when), (*mend, why), about
    )


def _pool(ctx: Context, source: Account, name: str, wrong: tuple[Mark, str], mend: Sequence[Button] = ()) -> Wrong:
    mark, said = wrong
    return Wrong(
        mark,
        text(chip(mark, f"pool {name}"), f": {said}"),
        (
            *mend,
            Button("Why", line(ctx, source, "why pool", name)),
            Button(f"Open {elide(name, _NAME)}", line(ctx, source, "pool show", name)),
        ),
        Entity("pool", name),
    )
