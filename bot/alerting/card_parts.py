"""Parts of the cards of alerting: an incident in words and marks, lists of several, causes, what is held back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from heapq import nsmallest

from msgspec.structs import replace

from bot.alerting.held_reasons import held_words
from bot.alerting.model import Incident, Notification
from bot.domain.failures import by_line
from bot.domain.findings import CauseCount, Severity
from cards.build import chip, muted, table, text
from cards.card import Block, Column, Heading, Mark, Menu, Option, Text, Time
from cards.formatting import number, plural

MARKS = {Severity.INFO: Mark.NEUTRAL, Severity.WARNING: Mark.WARNING, Severity.CRITICAL: Mark.FAILED}
_CAUSES = 5
LISTED = 12
"""Incidents that a digest lists; where there are more, replies name each of them."""
NAMED = 25
"""Incidents in one of these replies: as many as both platforms have room for, however long their names are."""
_LATELY, _LATEST = timedelta(minutes=10), 4
"""What ended or was news within so long of the newest change has as many rows of these, whatever is open."""


def mark_of(incident: Incident) -> Mark:
    """The mark of an incident: what is mended is done; what is merely over, and what was news, is as bad as it was."""
    if incident.state == "resolved" and incident.mended:
        return Mark.DONE
    return MARKS[incident.severity]


def word_of(incident: Incident) -> str:
    """How it stands in a word or three: its severity while it is open or was news, else how it came to its end."""
    if incident.state == "resolved":
        return "resolved" if incident.mended else "over, not mended"
    return incident.severity.value


def acknowledged_by(incident: Incident) -> str:
    """`` · acknowledged by Vera``; nothing where nobody did, or it is over."""
    who = incident.acknowledged
    return f" · acknowledged by {who.called}" if who and incident.open else ""


def snoozed(incident: Incident) -> Text:
    """`` · snoozed until 14:00``; nothing where it is not, or is over."""
    return text(" · snoozed until ", Time(incident.snoozed, "clock")) if incident.snoozed and incident.open else ()


def taken_by(still: Sequence[Incident]) -> str:
    """``acknowledged by Vera``, ``3 of 12 acknowledged``."""
    people = {each.acknowledged.called for each in still if each.acknowledged}
    taken = sum(each.acknowledged is not None for each in still)
    if taken == len(still) and len(people) == 1:
        return f"acknowledged by {people.pop()}"
    return f"{number(taken)} of {number(len(still))} acknowledged"


def names_account(incident: Incident) -> bool:
    """Whether the headline begins with the account: ``sim-dev: dedicated cores at 88 %``."""
    return incident.headline.startswith(f"{incident.account}:")


def mention(held: Sequence[Notification]) -> list[object]:
    """``3 more held back until 14:07`` and why; nothing where nothing is."""
    if not held:
        return []
    reasons = Counter(notification.held for notification in held)
    pieces: list[object] = [f"{number(len(held))} more held back"]
    until = min(
        (notification.due for notification in held if notification.held == "grouping" and notification.due),
        default=None,
    )
    if until:
        pieces += [" until ", Time(until, "clock")]
    why = [held_words(reason) for reason, _ in reasons.most_common() if reason and reason != "grouping"]
    if why:
        pieces.append(f" ({', '.join(why)})")
    return pieces


def causes_of(causes: Sequence[CauseCount], *, many: bool = False) -> list[Block]:
    """The causes of failures with how often they struck and an example each."""
    if not causes or (len(causes) == 1 and not many):
        return []
    rest = causes[_CAUSES:]
    rows = [(number(each.count), each.cause, each.example) for each in causes[:_CAUSES]]
    if rest:
        rows.append((number(sum(each.count for each in rest)), f"{plural(len(rest), 'more cause')}", ""))
    columns = (Column("Times", "right"), Column("Cause", width=4), Column("Such as", rank=1, width=2))
    return [Heading("Causes"), table(columns, rows)]


def merged(parts: Iterable[Sequence[CauseCount]]) -> list[CauseCount]:
    """The causes of several incidents as one list, the most frequent first."""
    counts: Counter[str] = Counter()
    first: dict[str, CauseCount] = {}
    for each in by_line([each for causes in parts for each in causes]):
        counts[each.cause] += each.count
        first.setdefault(each.cause, each)
    return [replace(first[cause], count=count) for cause, count in counts.most_common()]


def headline_of(incidents: Sequence[Incident], tasks: Sequence[CauseCount]) -> str:
    """``9,400 tasks failed in 87 jobs, 3 causes``, or ``14 alerts: 9 × node.unusable, 5 × pool.idle``."""
    jobs = [each for each in incidents if each.entity.kind == "job" and each.causes]
    if tasks and len(jobs) == len(incidents):
        failed = sum(each.count for each in tasks)
        return f"{plural(failed, 'task')} failed in {plural(len(jobs), 'job')}, {plural(len(tasks), 'cause')}"
    kinds = Counter(each.kind for each in incidents).most_common(3)
    return f"{plural(len(incidents), 'alert')}: {', '.join(f'{number(times)} × {kind}' for kind, times in kinds)}"


def listed(incidents: Sequence[Incident]) -> Block:
    """What is open, the worst first; below it what is over and what was news, the latest first.

    What an edit is about stands in it: a few rows are for what ended lately, however much is open.
    """
    newest = max(each.changed for each in incidents)
    still = [each for each in incidents if each.open]
    ended = [each for each in incidents if not each.open]
    late = sum(newest - each.changed <= _LATELY for each in ended)
    worst = nsmallest(LISTED - min(late, _LATEST), still, key=lambda each: (-each.severity.rank, each.since))
    worst += nsmallest(LISTED - len(worst), ended, key=lambda each: _late(each, newest))
    return table_of(worst, more=len(incidents) - LISTED)


def _taken(incident: Incident) -> str:
    """`` · Vera``: a row of a digest has no room for more."""
    who = incident.acknowledged
    return f" · {who.called}" if who and incident.open else ""


def table_of(incidents: Iterable[Incident], *, more: int = 0) -> Block:
    """A row each, with how it stands and who takes care of it; ``more`` are counted."""
    rows: list[tuple[Text | str, ...]] = [
        (text(chip(mark_of(each), word_of(each)), _taken(each)), each.headline, text(Time(each.since, "clock")))
        for each in incidents
    ]
    if more > 0:
        rows.append(("", text(muted(f"and {number(more)} more, named in the replies")), ""))
    return table((Column("", width=1), Column("Alert", width=5), Column("Since", rank=1, width=1)), rows)


def _late(incident: Incident, newest: datetime) -> tuple[object, ...]:
    """Of what is over or was news the latest first; of what came together the worst."""
    ago = newest - incident.changed
    return (ago > _LATELY, -incident.severity.rank if ago <= _LATELY else 0, ago, incident.since)


def opening(incidents: Sequence[Incident]) -> Menu | None:
    """The menu that opens one of them."""
    options = tuple(Option(each.headline[:75], each.id) for each in incidents[:25])
    return Menu("Open one", "alert show {}", options) if options else None
