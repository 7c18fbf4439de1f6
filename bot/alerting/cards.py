"""The cards of alerting: an incident, a digest of several, an incident's history, and a reminder.

The first line is the answer and the notification: what, how bad, the one number. Then the likely cause, the figures,
what was printed, and five buttons at most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import nsmallest

from msgspec.structs import replace

from bot.alerting.held_reasons import held_words
from bot.alerting.model import Incident, Notification
from bot.alerting.rules import AlertRule
from bot.domain.failures import by_line
from bot.domain.findings import CauseCount, Severity
from cards.build import actions, blocks, bold, chip, facts, muted, note, table, text
from cards.card import (
    Action,
    Block,
    Button,
    Card,
    Code,
    Column,
    Footer,
    Heading,
    Mark,
    Menu,
    Option,
    Span,
    Text,
    Time,
    Words,
)
from cards.command_line import command as line
from cards.command_line import join
from cards.formatting import duration, number, plural

_MARKS = {Severity.INFO: Mark.NEUTRAL, Severity.WARNING: Mark.WARNING, Severity.CRITICAL: Mark.FAILED}
_CAUSES = 5
LISTED = 12
"""Incidents that a digest lists; where there are more, replies name each of them."""
NAMED = 25
"""Incidents in one of these replies: as many as both platforms have room for, however long their names are."""
_LATELY, _LATEST = timedelta(minutes=10), 4
"""What ended or was news within so long of the newest change has as many rows of these, whatever is open."""
_ACTIONS, _ACTIONS_OVER = 2, 3
"""Buttons of its own that an incident has while it is open, beside those of care, and when it is over unmended."""
SNOOZES = (("30 minutes", "30m"), ("2 hours", "2h"), ("8 hours", "8h"), ("1 day", "1d"), ("1 week", "7d"))


def mark_of(incident: Incident) -> Mark:
    """The mark of an incident: what is mended is done; what is merely over, and what was news, is as bad as it was."""
    if incident.state == "resolved" and incident.mended:
        return Mark.DONE
    return _MARKS[incident.severity]


def word_of(incident: Incident) -> str:
    """How it stands in a word or three: its severity while it is open or was news, else how it came to its end."""
    if incident.state == "resolved":
        return "resolved" if incident.mended else "over, not mended"
    return incident.severity.value


class Writer:
    """Writes cards. ``zone`` gives a conversation's time zone, ``several`` whether there is more than one account."""

    def __init__(self, kinds: Mapping[str, AlertRule], zone: Callable[[str], str], *, several: bool) -> None:
        self._kinds = kinds
        self.zone_of = zone
        self._several = several

    def command(self, incident: Incident, command: str) -> str:
        """A command of an incident that means its account wherever there are several."""
        return f"{command} {join([f'account:{incident.account}'])}" if self._several else command

    def incident(
        self,
        incident: Incident,
        conversation: str,
        *,
        held: Sequence[Notification] = (),
        explained: int = 0,
    ) -> Card:
        """The one message of an incident. ``held`` is what else is held back there, ``explained`` how much by this."""
        return Card(
            title=self._title(incident),
            mark=mark_of(incident),
            as_of=incident.seen,
            zone=self.zone_of(conversation),
            blocks=blocks(
                facts(
                    ("Cause", incident.cause),
                    *incident.figures,
                    ("Counted", text(Time(incident.counted), ", before it ended") if incident.counted else None),
                    ("Since", text(Time(incident.since))),
                    ("State", self._state(incident)),
                ),
                *_causes(incident.causes),
                Code(incident.evidence, keep="tail") if incident.evidence else None,
                self._buttons(incident),
                self._small(incident, held, explained),
            ),
        )

    def _title(self, incident: Incident) -> Text:
        where = f" · {incident.account}" if self._several and not _names_account(incident) else ""
        if incident.state == "resolved":
            lasted = duration((incident.resolved or incident.changed) - incident.opened)
            how = f"resolved after {lasted}" if incident.mended else "over, not mended"
            return text(bold(incident.headline), f" · {how}", where)
        flapping = f" · flapping, {len(incident.flips)} times within an hour" if incident.flapping else ""
        return text(bold(incident.headline), flapping, where)

    def _state(self, incident: Incident) -> Text:
        """Open, resolved, acknowledged by whom, snoozed until when."""
        if incident.state == "event":
            return ()
        if incident.state == "resolved":
            over = chip(mark_of(incident), word_of(incident))
            return text(over, " · ", Time(incident.resolved or incident.changed, "clock"))
        parts: list[object] = [chip(_MARKS[incident.severity], f"open, {incident.severity.value}")]
        if incident.acknowledged and incident.acknowledged_at:
            who = incident.acknowledged.name or incident.acknowledged.id.partition(":")[2]
            parts += [f" · acknowledged by {who}, ", Time(incident.acknowledged_at, "clock")]
        if incident.snoozed:
            parts += [" · snoozed until ", Time(incident.snoozed, "clock")]
        return text(*parts)  # type: ignore[arg-type]

    def _buttons(self, incident: Incident) -> Block | None:
        why = self._why(incident)
        own = _ACTIONS_OVER if incident.unmended else _ACTIONS
        own -= 1 if why and incident.open and not incident.acknowledged else 0  # five buttons at most
        items: list[Action] = [
            Button(
                action.text,
                self.command(incident, action.command),
                style="primary" if first == 0 else "default",
                how="form" if action.changes else "post",
            )
            for first, action in enumerate(incident.actions[:own])
        ]
        items += [why] if why else []
        if incident.open:
            if not incident.acknowledged:
                items.append(Button("Acknowledge", f"alert ack {incident.id}", how="edit"))
            items.append(
                Menu(
                    "Snooze",
                    f"alert snooze {incident.id} {{}}",
                    tuple(Option(words, span) for words, span in SNOOZES),
                    how="edit",
                )
            )
        items.append(Button("More", f"alert show {incident.id}"))
        return actions(*items)

    def _why(self, incident: Incident) -> Button | None:
        """Why it is so, of what can be asked about; None for what is mended, or was no more than news."""
        entity, kind = incident.entity, incident.entity.kind
        news = incident.state == "event" and incident.severity is Severity.INFO
        if kind == "account" or news or (incident.state == "resolved" and incident.mended):
            return None
        names = (entity.parent, entity.id) if entity.parent else (entity.id,)
        return Button("Why", self.command(incident, line(f"why {kind}", *names)))

    def _small(self, incident: Incident, held: Sequence[Notification], explained: int) -> Footer | None:
        parts: list[str] = []
        if explained and incident.open:
            parts.append(f"{plural(explained, 'alert')} inhibited by this one")
        pieces: list[object] = [" · ".join(parts)] if parts else []
        if waiting := mention(held):
            pieces += [" · " if pieces else "", *waiting]
        kind = self._kinds.get(incident.kind)
        pieces += [" · " if pieces else "", f"{incident.kind} {incident.id}" if kind else incident.id]
        return note(*pieces)  # type: ignore[arg-type]

    def digest(self, incidents: Sequence[Incident], conversation: str, *, after_quiet: bool = False) -> Card:
        """One message for several incidents of an account: what they have in common, the worst of them by name."""
        still = [each for each in incidents if each.open]
        unmended = [each for each in incidents if each.unmended]
        worst = max((each.severity for each in still or unmended or incidents), key=lambda severity: severity.rank)
        account = incidents[0].account
        tasks = _merged(each.causes for each in incidents)
        headline = (
            f"{plural(len(incidents), 'alert')} while it was quiet" if after_quiet else _headline(incidents, tasks)
        )
        over = sum(each.state == "resolved" and each.mended for each in incidents)
        return Card(
            title=text(
                bold(headline),
                f" · {number(over)} resolved" if over else "",
                f" · {number(len(unmended))} over, not mended" if unmended else "",
                f" · {account}" if self._several else "",
            ),
            mark=Mark.DONE if over and not still and not unmended else _MARKS[worst],
            as_of=max(each.seen for each in incidents),
            zone=self.zone_of(conversation),
            blocks=blocks(
                *_causes(tasks, many=True),
                _list(incidents),
                actions(
                    Button("Open alerts", self._listing(account), style="primary"),
                    _opening(still or incidents),
                ),
                note(
                    "gathered in one message, edited as it changes"
                    + (" · what was printed is known of a few tasks a job" if any(each.file for each in tasks) else "")
                ),
            ),
        )

    def named(self, incidents: Sequence[Incident], conversation: str, first: int) -> Card:
        """A reply below a digest that has no room for all of it: some of it by name, counted from ``first``."""
        return Card(
            title=text(bold(f"Each alert by name, {number(first)} to {number(first + len(incidents) - 1)}")),
            as_of=max(each.changed for each in incidents),
            zone=self.zone_of(conversation),
            blocks=blocks(_table(incidents)),
        )

    def _listing(self, account: str) -> str:
        return f"alert list {join([f'account:{account}'])}" if self._several else "alert list"

    def history(self, incident: Incident, conversation: str, *, aloud: bool = False) -> Card:
        """What happened, line by line: the one reply in the thread; ``aloud`` the conversation itself shows it, too."""
        lines = [text(Time(event.at, "clock"), f"  {event.what}") for event in incident.history]
        last = incident.history[-1]
        title, below = text(bold("History"), f" · {last.what}"), None
        if aloud and incident.state == "resolved":
            title = text(bold(incident.headline), f" · {last.what}")
        elif aloud:
            title = text(bold(f"{incident.severity.value} now: {incident.headline}"))
            below = actions(*self._answers(incident)) if incident.open else None
        return Card(
            title=title,
            mark=mark_of(incident),
            as_of=last.at,
            zone=self.zone_of(conversation),
            blocks=blocks(*(Words(line) for line in lines[-20:]), below),
        )

    def _answers(self, incident: Incident) -> tuple[Action, ...]:
        """What is offered below a reply that notifies people."""
        options = tuple(Option(words, span) for words, span in SNOOZES)
        return (
            Button("Open", f"alert show {incident.id}", style="primary"),
            Menu("Snooze", f"alert snooze {incident.id} {{}}", options),
        )

    def note(self, incident: Incident, conversation: str, what: str, now: datetime) -> Card:
        """Something said aloud: ``worse``, ``open`` (still), ``acknowledged`` (a reminder), ``snooze`` (is over)."""
        lasted = duration(now - incident.opened)
        said = {
            "worse": f"{incident.severity.value} now: {incident.headline}",
            "open": f"still open after {lasted}: {incident.headline}",
            "acknowledged": f"still open after {lasted}: {incident.headline}",
            "snooze": f"the snooze is over, still open: {incident.headline}",
        }[what]
        who = incident.acknowledged
        return Card(
            title=text(bold(said)),
            mark=mark_of(incident),
            as_of=now,
            zone=self.zone_of(conversation),
            blocks=blocks(
                Words(text("Acknowledged by ", Span(who.name or who.id.partition(":")[2]))) if who else None,
                facts(("Cause", incident.cause)) if what == "worse" and incident.cause else None,
                actions(*self._answers(incident)),
            ),
        )

    def worse(self, members: Sequence[Incident], worse: Sequence[Incident], conversation: str, now: datetime) -> Card:
        """Announced below a digest of ``members``, of which these are ``worse`` now: all that are as bad."""
        severity = min((each.severity for each in worse), key=lambda each: each.rank)
        bad = [each for each in members if each.open and each.severity.rank >= severity.rank]
        if len(bad) <= 1:
            return self.note(worse[0], conversation, "worse", now)
        return Card(
            title=text(bold(f"{severity.value} now: {number(len(bad))} of {plural(len(members), 'alert')}")),
            mark=_MARKS[max((each.severity for each in bad), key=lambda each: each.rank)],
            as_of=now,
            zone=self.zone_of(conversation),
            blocks=blocks(
                _list(bad),
                actions(Button("Open alerts", self._listing(bad[0].account), style="primary"), _opening(bad)),
            ),
        )


def _names_account(incident: Incident) -> bool:
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


def _causes(causes: Sequence[CauseCount], *, many: bool = False) -> list[Block]:
    """The causes of failures with how often they struck and an example each."""
    if not causes or (len(causes) == 1 and not many):
        return []
    rest = causes[_CAUSES:]
    rows = [(number(each.count), each.cause, each.example) for each in causes[:_CAUSES]]
    if rest:
        rows.append((number(sum(each.count for each in rest)), f"{plural(len(rest), 'more cause')}", ""))
    columns = (Column("Times", "right"), Column("Cause", width=4), Column("Such as", rank=1, width=2))
    return [Heading("Causes"), table(columns, rows)]


def _merged(parts: Iterable[Sequence[CauseCount]]) -> list[CauseCount]:
    """The causes of several incidents as one list, the most frequent first."""
    counts: Counter[str] = Counter()
    first: dict[str, CauseCount] = {}
    for each in by_line([each for causes in parts for each in causes]):
        counts[each.cause] += each.count
        first.setdefault(each.cause, each)
    return [replace(first[cause], count=count) for cause, count in counts.most_common()]


def _headline(incidents: Sequence[Incident], tasks: Sequence[CauseCount]) -> str:
    """``9,400 tasks failed in 87 jobs, 3 causes``, or ``14 alerts: 9 × node.unusable, 5 × pool.idle``."""
    jobs = [each for each in incidents if each.entity.kind == "job" and each.causes]
    if tasks and len(jobs) == len(incidents):
        failed = sum(each.count for each in tasks)
        return f"{plural(failed, 'task')} failed in {plural(len(jobs), 'job')}, {plural(len(tasks), 'cause')}"
    kinds = Counter(each.kind for each in incidents).most_common(3)
    return f"{plural(len(incidents), 'alert')}: {', '.join(f'{number(times)} × {kind}' for kind, times in kinds)}"


def _list(incidents: Sequence[Incident]) -> Block:
    """What is open, the worst first; below it what is over and what was news, the latest first.

    What an edit is about stands in it: a few rows are for what ended lately, however much is open.
    """
    newest = max(each.changed for each in incidents)
    still = [each for each in incidents if each.open]
    ended = [each for each in incidents if not each.open]
    late = sum(newest - each.changed <= _LATELY for each in ended)
    worst = nsmallest(LISTED - min(late, _LATEST), still, key=lambda each: (-each.severity.rank, each.since))
    worst += nsmallest(LISTED - len(worst), ended, key=lambda each: _late(each, newest))
    return _table(worst, more=len(incidents) - LISTED)


def _table(incidents: Iterable[Incident], *, more: int = 0) -> Block:
    rows: list[tuple[Text | str, ...]] = [
        (text(chip(mark_of(each), word_of(each))), each.headline, text(Time(each.since, "clock"))) for each in incidents
    ]
    if more > 0:
        rows.append(("", text(muted(f"and {number(more)} more, named in the replies")), ""))
    return table((Column("", width=1), Column("Alert", width=5), Column("Since", rank=1, width=1)), rows)


def _late(incident: Incident, newest: datetime) -> tuple[object, ...]:
    """Of what is over or was news the latest first; of what came together the worst."""
    ago = newest - incident.changed
    return (ago > _LATELY, -incident.severity.rank if ago <= _LATELY else 0, ago, incident.since)


def _opening(incidents: Sequence[Incident]) -> Menu | None:
    options = tuple(Option(each.headline[:75], each.id) for each in incidents[:25])
    return Menu("Open one", "alert show {}", options) if options else None
