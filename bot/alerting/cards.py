"""The cards of alerting: an incident, a digest of several, an incident's history, and a reminder.

The first line is the answer and the notification: what, how bad, the one number. Then the likely cause, the figures,
what was printed, and five buttons at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from bot.alerting.card_parts import (
    MARKS,
    acknowledged_by,
    causes_of,
    headline_of,
    listed,
    mark_of,
    mention,
    merged,
    names_account,
    opening,
    snoozed,
    table_of,
    taken_by,
    word_of,
)
from bot.alerting.model import Incident, Notification
from bot.alerting.rules import AlertRule
from bot.domain.findings import Severity
from cards.build import actions, blocks, bold, chip, facts, note, text
from cards.card import (
    Action,
    Block,
    Button,
    Card,
    Code,
    Footer,
    Mark,
    Mention,
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

_ACTIONS, _ACTIONS_OVER = 2, 3
"""Buttons of its own that an incident has while it is open, beside those of care, and when it is over unmended."""
SNOOZES = (("30 minutes", "30m"), ("2 hours", "2h"), ("8 hours", "8h"), ("1 day", "1d"), ("1 week", "7d"))


class Writer:
    """Writes cards. ``zone`` gives a conversation's time zone, ``several`` whether there is more than one account.

    ``on_call`` is whom a conversation's critical alerts mention (``platform:id``), by its key.
    """

    def __init__(
        self,
        kinds: Mapping[str, AlertRule],
        zone: Callable[[str], str],
        *,
        several: bool,
        on_call: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._kinds = kinds
        self.zone_of = zone
        self._several = several
        self._on_call = on_call

    def call(self, on_call: Mapping[str, str]) -> None:
        """These are on call from now on."""
        self._on_call = on_call

    def reader(self, conversation: str) -> tuple[str, str]:
        """What cards of a conversation differ by: its zone, and who is on call there."""
        return self.zone_of(conversation), self._on_call.get(conversation, "")

    def _called(self, conversation: str, incidents: Iterable[Incident]) -> Words | None:
        """Whoever is on call, where something critical goes on that nobody takes care of."""
        who = self._on_call.get(conversation)
        if not who or not any(each.urgent and each.acknowledged is None for each in incidents):
            return None
        return Words(text("On call: ", Mention(who, "on call")))

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
        """The one message of an incident. ``held`` is what else is held back there, ``explained`` how much by this.

        What is over or was news stays as it is: it has the time, and no age that nobody brings up to date.
        """
        form: Literal["both", "clock"] = "both" if incident.open else "clock"
        return Card(
            title=self._title(incident),
            mark=mark_of(incident),
            as_of=incident.seen,
            zone=self.zone_of(conversation),
            blocks=blocks(
                self._called(conversation, [incident]),
                facts(
                    ("Cause", incident.cause),
                    *incident.figures,
                    ("Counted", text(Time(incident.counted, form), ", before it ended") if incident.counted else None),
                    ("Since" if incident.state != "event" else "At", text(Time(incident.since, form))),
                    ("State", self._state(incident)),
                ),
                *causes_of(incident.causes),
                Code(incident.evidence, keep="tail") if incident.evidence else None,
                self._buttons(incident),
                self._small(incident, held, explained),
            ),
        )

    def _title(self, incident: Incident) -> Text:
        where = f" · {incident.account}" if self._several and not names_account(incident) else ""
        if incident.state == "resolved":
            lasted = duration((incident.resolved or incident.changed) - incident.opened)
            how = f"resolved after {lasted}" if incident.mended else "over, not mended"
            return text(bold(incident.headline), f" · {how}", where)
        flapping = f" · flapping, {len(incident.flips)} times within an hour" if incident.flapping else ""
        return text(bold(incident.headline), acknowledged_by(incident), snoozed(incident), flapping, where)

    def _state(self, incident: Incident) -> Text:
        """Open, resolved, acknowledged by whom, snoozed until when."""
        if incident.state == "event":
            return ()
        if incident.state == "resolved":
            over = chip(mark_of(incident), word_of(incident))
            return text(over, " · ", Time(incident.resolved or incident.changed, "clock"))
        parts: list[object] = [chip(MARKS[incident.severity], f"open, {incident.severity.value}")]
        if incident.acknowledged and incident.acknowledged_at:
            parts += [f"{acknowledged_by(incident)}, ", Time(incident.acknowledged_at, "clock")]
        if incident.snoozed:
            parts += [" · snoozed until ", Time(incident.snoozed, "clock")]
        return text(*parts)  # type: ignore[arg-type]

    def _buttons(self, incident: Incident) -> Block | None:
        why = self._why(incident)
        own = _ACTIONS_OVER if incident.unmended else _ACTIONS
        own -= 1 if why and incident.open else 0  # five buttons at most
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
            known = incident.acknowledged is not None
            verb, word = ("unack", "Unacknowledge") if known else ("ack", "Acknowledge")
            items.append(Button(word, f"alert {verb} {incident.id}", how="edit"))
            spans = tuple(Option(words, span) for words, span in SNOOZES)
            items.append(
                Button("Unsnooze", f"alert unsnooze {incident.id}", how="edit")
                if incident.snoozed
                else Menu("Snooze", f"alert snooze {incident.id} {{}}", spans, how="edit")
            )
        items.append(Button("More", f"alert show {incident.id}"))
        return actions(*items)

    def _why(self, incident: Incident) -> Button | None:
        """Why it is so, of what can be asked about; None for what is mended, or was no more than news."""
        entity, kind = incident.entity, incident.entity.kind
        news = incident.state == "event" and incident.severity is Severity.INFO
        if kind == "account" or news or (incident.state == "resolved" and incident.mended):
            return None
        return Button("Why", self.command(incident, line(f"why {kind}", *entity.names)))

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
        tasks = merged(each.causes for each in incidents)
        headline = (
            f"{plural(len(incidents), 'alert')} while it was quiet" if after_quiet else headline_of(incidents, tasks)
        )
        over = sum(each.state == "resolved" and each.mended for each in incidents)
        taken = sum(each.acknowledged is not None for each in still)
        return Card(
            title=text(
                bold(headline),
                f" · {taken_by(still)}" if taken else "",
                f" · {number(over)} resolved" if over else "",
                f" · {number(len(unmended))} over, not mended" if unmended else "",
                f" · {account}" if self._several else "",
            ),
            mark=Mark.DONE if over and not still and not unmended else MARKS[worst],
            as_of=max(each.seen for each in incidents),
            zone=self.zone_of(conversation),
            blocks=blocks(
                self._called(conversation, still),
                *causes_of(tasks, many=True),
                listed(incidents),
                actions(
                    Button("Open alerts", self._listing(account), style="primary"),
                    Button("Acknowledge all", f"alert ack-all {incidents[0].id}", how="edit")
                    if len(still) > taken
                    else Button("Unacknowledge all", f"alert unack-all {incidents[0].id}", how="edit")
                    if still
                    else None,
                    opening(still or incidents),
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
            blocks=blocks(table_of(incidents)),
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
            blocks=blocks(
                self._called(conversation, [incident]) if aloud else None,
                *(Words(line) for line in lines[-20:]),
                below,
            ),
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
                self._called(conversation, [incident]),
                Words(text("Acknowledged by ", Span(who.called))) if who else None,
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
            mark=MARKS[max((each.severity for each in bad), key=lambda each: each.rank)],
            as_of=now,
            zone=self.zone_of(conversation),
            blocks=blocks(
                self._called(conversation, bad),
                listed(bad),
                actions(Button("Open alerts", self._listing(bad[0].account), style="primary"), opening(bad)),
            ),
        )
