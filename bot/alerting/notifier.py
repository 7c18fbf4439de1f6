"""From incidents to letters: who is told, now or later, alone or gathered, and what is said aloud again.

One message for each incident and place, edited as it changes; its history is one reply in its thread, edited too.

Grouping goes by place and account. The first trouble after a calm is told at once. What follows within ``wait`` is
gathered until then, and after that until ``interval`` has passed, for as long as something keeps coming. What was
gathered comes as a message each where it is little, as one digest where it is much. A digest takes in more as long as
it is younger than ``repeat``, or is still on its way: so a day without the chat leaves a handful of messages.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from bot.alerting import suppression
from bot.alerting.cards import Writer
from bot.alerting.incident_state import Book
from bot.alerting.model import Held, Incident, Notice, Subscription
from bot.alerting.routing import key_of, route
from bot.alerting.rules import Kind
from bot.alerting.suppression import Explanations
from bot.domain.findings import Severity
from bot.requests.request import Place
from bot.settings import AlertSettings
from cards.card import Card
from storage.port.watching import Letter

ALONE = 3
"""So many at once come as a message each; more as a digest."""
BACKLOG = 5
"""With so many messages of a place on their way, what is new goes into a digest."""
MOST_REPEATS = timedelta(hours=24)
Group = tuple[str, str]


def history_of(letter: str) -> str:
    """The letter in whose card an incident's history stands, in the thread of the incident's own."""
    return f"{letter}-history"


def worse_of(digest: str) -> str:
    """The letter in a digest's thread that says aloud which of its incidents became worse."""
    return f"{digest}-worse"


@dataclass
class Gate:
    """A group is gathering until then."""

    until: datetime


@dataclass
class Teller:
    """Decides; everything it changes is noted in the book. ``backlog`` says how many posts of a place are on their way.

    ``default`` are subscriptions that the settings give, for places that nobody subscribed by hand.
    """

    book: Book
    kinds: Mapping[str, Kind]
    settings: AlertSettings
    writer: Writer
    backlog: Callable[[str], int] = lambda place: 0
    default: Callable[[], list[Subscription]] = list
    _gates: dict[Group, Gate] = field(default_factory=dict)
    _waiting: set[tuple[str, str]] = field(default_factory=set)
    _digests: dict[Group, tuple[str, datetime]] = field(default_factory=dict)
    _last: dict[Group, str] = field(default_factory=dict)
    _telling: dict[Group, str] = field(default_factory=dict)
    """The letter that says what is held back."""
    _rewritten: dict[str, Place] = field(default_factory=dict)
    """Digests to be written anew at the end of a decision, each once however much of it has changed."""
    _explanations: Explanations = field(init=False)

    def __post_init__(self) -> None:
        self._explanations = Explanations(self.book, self.kinds)

    def loaded(self) -> None:
        """Take up what the book says after a start."""
        wait = timedelta(seconds=self.settings.group_wait)
        for key, notice in self.book.notices.items():
            incident = self.book.incidents.get(notice.incident)
            if incident is None or notice.over:
                continue
            group = notice.place, incident.account
            if not notice.letter:
                self._waiting.add(key)
            elif notice.shown:
                gate = self._gates.get(group)
                if gate is None or gate.until < notice.shown + wait:
                    self._gates[group] = Gate(notice.shown + wait)
                    self._last[group] = notice.letter
                if notice.gathered and notice.held != "quiet":
                    self._digests[group] = max(
                        self._digests.get(group, (notice.letter, notice.shown)),
                        (notice.letter, notice.shown),
                        key=lambda digest: digest[1],
                    )

    # --- deciding -----------------------------------------------------------------------------------------------------

    def decide(self, changed: set[str], now: datetime) -> None:
        """Bring every notice and letter in line with the incidents that changed and the time it is."""
        touched: set[Group] = set()
        for name in changed:
            incident = self.book.incidents[name]
            self._route(incident, now)
        self._explanations = Explanations(self.book, self.kinds)
        for key in list(self._waiting):
            if group := self._weigh(self.book.notices[key], now):
                touched.add(group)
        for group in {*touched, *(group for group, gate in self._gates.items() if gate.until <= now)}:
            self._release(group, now)
        digests: dict[str, list[Incident]] = {}
        for name in changed:
            self._rewrite(self.book.incidents[name], now, digests)
        for letter, worse in digests.items():
            self._rewrite_digest(letter, worse, now)
        due = [each for each in self.book.notices.values() if each.letter and not each.over and each.due]
        awake = {each.id for each in self.book.incidents.values() if each.snoozed and each.snoozed <= now}
        for notice in due:
            if notice.due and notice.due <= now:
                self._repeat(notice, now, awake=notice.incident in awake)
        for group in touched:
            self._mention_held(group, now)
        for letter, place in self._rewritten.items():
            self._write_digest(letter, place, now)
        self._rewritten.clear()

    def next_due(self) -> datetime | None:
        """When to decide again although nothing has changed."""
        moments = [gate.until for gate in self._gates.values()]
        moments += [notice.due for notice in self.book.notices.values() if notice.due and not notice.over]
        return min(moments, default=None)

    def _route(self, incident: Incident, now: datetime) -> None:
        """Open a notice in every place that wants to know; those that are there stay."""
        if incident.state == "resolved":
            return
        subscriptions = [*self.book.subscriptions.values(), *self.default()]
        for place, reasons in route(incident, subscriptions, self.kinds).items():
            known = self.book.notices.get((incident.id, place))
            if known and not known.over:
                continue
            notice = Notice(incident=incident.id, place=place, why=reasons[0].id, since=now)
            if known and known.letter:  # it came back: the same message says so
                notice = msgspec.structs.replace(known, over=False, due=self._again(known, now))
            else:
                self._waiting.add((incident.id, place))
            self.book.touch(notice)

    def _weigh(self, notice: Notice, now: datetime) -> Group | None:
        """Hold back or let go what is not told yet; the group that this concerns, where it can be told."""
        incident = self.book.incidents[notice.incident]
        group = notice.place, incident.account
        if incident.state == "resolved" and notice.held != "quiet":
            self._drop(notice)  # it came and went unseen
            return group
        if self._place(notice.place) is None:
            self._drop(notice)
            return None
        found = suppression.reason(self.book, incident, notice.place, self._explanations, now)
        if notice.held == "silenced" and (found is None or found.held != "silenced"):
            # What explained it is gone. It is likely to end too: give it a moment.
            if notice.due is None:
                self._hold(notice, "silenced", notice.by, now + suppression.GRACE)
            if notice.due and notice.due > now:
                return None
        if found and not (notice.held == "quiet" and incident.state == "resolved" and found.held != "quiet"):
            changed = (notice.held, notice.by) != (found.held, found.by)
            self._hold(notice, found.held, found.by, found.until)
            return group if changed else None
        if notice.held not in ("grouping", "quiet"):
            self._hold(notice, "", "", None)
        return group

    def _release(self, group: Group, now: datetime) -> None:
        """Tell what may be told of a group, by its gate."""
        place, account = group
        waiting = [
            notice
            for key in self._waiting
            if (notice := self.book.notices[key]).place == place
            and self.book.incidents[notice.incident].account == account
            and (notice.held in ("", "grouping") or (notice.held == "quiet" and (not notice.due or notice.due <= now)))
        ]
        gate = self._gates.get(group)
        rested = [notice for notice in waiting if notice.held == "quiet"]
        fresh = [notice for notice in waiting if notice.held != "quiet"]
        if rested:
            self._gather(rested, group, now, after_quiet=True)
        if not fresh:
            if gate and gate.until <= now:
                del self._gates[group]
            return
        if gate and now < gate.until:
            for notice in fresh:
                self._hold(notice, "grouping", "", gate.until)
            return
        if len(fresh) <= ALONE and self.backlog(place) < BACKLOG:
            for notice in sorted(fresh, key=self._urgency):
                self._tell(notice, group, now)
        else:
            self._gather(fresh, group, now)
        pause = self.settings.group_interval if gate else self.settings.group_wait
        self._gates[group] = Gate(now + timedelta(seconds=pause))

    def _urgency(self, notice: Notice) -> tuple[int, datetime]:
        incident = self.book.incidents[notice.incident]
        return -incident.severity.rank, incident.since

    def _hold(self, notice: Notice, held: Held, by: str, due: datetime | None) -> None:
        if (notice.held, notice.by, notice.due) != (held, by, due):
            notice.held, notice.by, notice.due = held, by, due
            self.book.touch(notice)

    def _drop(self, notice: Notice) -> None:
        notice.over, notice.due = True, None
        self._waiting.discard((notice.incident, notice.place))
        self.book.touch(notice)

    # --- telling ------------------------------------------------------------------------------------------------------

    def _tell(self, notice: Notice, group: Group, now: datetime) -> None:
        """A message of its own."""
        incident = self.book.incidents[notice.incident]
        self._show(notice, f"{incident.id}-{secrets.token_hex(3)}", now)
        self._last[group] = notice.letter
        place = self._place(notice.place)
        if place:
            self._letter(notice.letter, place, self._incident_card(incident, notice, now), now)

    def _gather(self, notices: list[Notice], group: Group, now: datetime, *, after_quiet: bool = False) -> None:
        """One message for several: a new one, or the one that gathers already."""
        place = self._place(group[0])
        if place is None:
            return
        letter, begun = self._digests.get(group, ("", now))
        young = now - begun < timedelta(seconds=self.settings.repeat)
        begins = after_quiet or not letter or not (young or self.backlog(group[0]))
        if begins:
            letter = f"digest-{secrets.token_hex(5)}"
            if not after_quiet:
                self._digests[group] = letter, now
        for notice in notices:
            self._show(notice, letter, now, gathered=True)
            if after_quiet:
                notice.held = "quiet"
        self._last[group] = letter
        incidents = [self.book.incidents[notice.incident] for notice in notices]
        # An edit makes no sound: what is critical and comes into a digest that was heard already is said aloud.
        aloud = [] if begins else [each for each in incidents if each.severity is Severity.CRITICAL and each.open]
        self._rewrite_digest(letter, aloud, now, place)

    def _show(self, notice: Notice, letter: str, now: datetime, *, gathered: bool = False) -> None:
        incident = self.book.incidents[notice.incident]
        self._waiting.discard((notice.incident, notice.place))
        notice.letter, notice.gathered, notice.shown = letter, gathered, now
        notice.held, notice.by, notice.worst = "", "", incident.severity
        notice.over = not incident.open and not gathered
        notice.due = self._again(notice, now)
        self.book.touch(notice)

    def _members(self, letter: str) -> list[tuple[Incident, Notice]]:
        """The incidents that a digest tells."""
        members = [notice for notice in self.book.notices.values() if notice.letter == letter]
        return [(self.book.incidents[each.incident], each) for each in members]

    def _write_digest(self, letter: str, place: Place, now: datetime) -> None:
        told = self._members(letter)
        quiet = any(each.held == "quiet" for _, each in told)
        self._letter(letter, place, self.writer.digest(told, key_of(place), now, after_quiet=quiet), now)

    def _rewrite(self, incident: Incident, now: datetime, digests: dict[str, list[Incident]]) -> None:
        """Say in every place how it stands; ``digests`` takes up those that tell it, with what became worse in each."""
        for notice in list(self.book.of(incident.id)):
            known = self.book.letters.get(notice.letter)
            if known is None or notice.over:
                continue
            place = msgspec.json.decode(known.place, type=Place)
            if notice.gathered:
                digests.setdefault(notice.letter, [])
            else:
                self._letter(notice.letter, place, self._incident_card(incident, notice, now), now)
                if len(incident.history) > 1:
                    self._letter(
                        history_of(notice.letter), place, self.writer.history(incident, notice.place, now), now,
                        under=notice.letter,
                    )  # fmt: skip
            if incident.severity.rank > notice.worst.rank and incident.open:
                notice.worst = incident.severity
                if notice.gathered:
                    digests[notice.letter].append(incident)
                else:
                    self._aloud(notice, known, self.writer.note(incident, notice.place, "worse", now), now)
            if not incident.open:
                notice.over, notice.due = not notice.gathered, None
            self.book.touch(notice)

    def _rewrite_digest(self, letter: str, worse: list[Incident], now: datetime, place: Place | None = None) -> None:
        """Write a digest anew, once for all that changed; what became worse is one reply, edited as more of it does.

        All that it tells is over together, so that a digest that is still edited goes on telling all of it.
        """
        place = place or msgspec.json.decode(self.book.letters[letter].place, type=Place)
        self._write_digest(letter, place, now)
        told = self._members(letter)
        if worse:
            card = self.writer.worse([incident for incident, _ in told], worse, key_of(place), now)
            self._letter(worse_of(letter), place, card, now, under=letter, loud=True)
        if not any(incident.open for incident, _ in told):
            for _, notice in told:
                notice.over = True
                self.book.touch(notice)

    def _incident_card(self, incident: Incident, notice: Notice, now: datetime) -> Card:
        last = self._last.get((notice.place, incident.account)) == notice.letter
        held = self._held(notice.place, incident.account) if last else []
        explained = [each for each in self.book.notices.values() if each.by == incident.id and not each.over]
        return self.writer.incident(
            incident, notice.place, now, held=held, explained=len({n.incident for n in explained})
        )

    def _mention_held(self, group: Group, now: datetime) -> None:
        """The last message of a group says how much is held back, and the one before no longer does."""
        letter = self._last.get(group, "")
        for each in dict.fromkeys([self._telling.get(group, ""), letter]):
            notice = next((one for one in self.book.notices.values() if each and one.letter == each), None)
            if notice:
                self._rewrite_one(notice, now)
        self._telling[group] = letter

    def _rewrite_one(self, notice: Notice, now: datetime) -> None:
        known, incident = self.book.letters.get(notice.letter), self.book.incidents.get(notice.incident)
        if known is None or incident is None:
            return
        place = msgspec.json.decode(known.place, type=Place)
        if notice.gathered:
            self._rewritten[notice.letter] = place
        else:
            self._letter(notice.letter, place, self._incident_card(incident, notice, now), now)

    def _held(self, place: str, account: str) -> list[Notice]:
        """What of an account is held back in a place."""
        return [
            notice
            for key in self._waiting
            if (notice := self.book.notices[key]).place == place
            and notice.held
            and self.book.incidents[notice.incident].account == account
        ]

    # --- again and aloud ----------------------------------------------------------------------------------------------

    def _again(self, notice: Notice, now: datetime) -> datetime | None:
        """When it is said aloud again that this is still open."""
        incident = self.book.incidents[notice.incident]
        if not incident.open or notice.gathered:
            return None
        if incident.snoozed and incident.snoozed > now:
            return incident.snoozed
        if incident.acknowledged:
            return incident.remind
        if incident.severity is Severity.INFO:
            return None
        repeat = timedelta(seconds=self.settings.repeat)
        pause: timedelta = repeat * 2 ** min(notice.repeats, 10)
        return (notice.repeated or notice.shown or now) + min(pause, max(MOST_REPEATS, repeat))

    def reschedule(self, incident: Incident, now: datetime) -> None:
        """Somebody acknowledged or snoozed it: when is it said again?"""
        for notice in self.book.of(incident.id):
            if notice.letter and not notice.over:
                notice.due = self._again(notice, now)
                self.book.touch(notice)

    def _repeat(self, notice: Notice, now: datetime, *, awake: bool) -> None:
        """Say aloud that it is still open. ``awake``: that its snooze is over, which every place is told."""
        incident, known = self.book.incidents[notice.incident], self.book.letters.get(notice.letter)
        if known is None or not incident.open:
            notice.due = None
            self.book.touch(notice)
            return
        why = suppression.reason(self.book, incident, notice.place, self._explanations, now)
        if why and why.held in ("quiet", "muted"):
            notice.due = why.until
            self.book.touch(notice)
            return
        what = "snooze" if awake else "acknowledged" if incident.acknowledged else "open"
        if awake and incident.snoozed:
            incident.snoozed = None
            incident.note(now, "the snooze is over")
            self.book.touch(incident)
        if incident.acknowledged and incident.remind and incident.remind <= now:
            incident.remind = now + timedelta(seconds=self.settings.remind)
            self.book.touch(incident)
        notice.repeated, notice.repeats = now, notice.repeats + 1
        notice.due = self._again(notice, now)
        self.book.touch(notice)
        self._aloud(notice, known, self.writer.note(incident, notice.place, what, now), now)

    def _aloud(self, notice: Notice, parent: Letter, card: Card, now: datetime) -> None:
        """A reply that people hear of."""
        place = msgspec.json.decode(parent.place, type=Place)
        self._letter(f"{notice.letter}-{secrets.token_hex(3)}", place, card, now, under=notice.letter, loud=True)

    def _letter(
        self, name: str, place: Place, card: Card, now: datetime, *, under: str = "", loud: bool = False
    ) -> None:
        encoded = msgspec.json.encode(card)
        self.book.write(
            Letter(name, key_of(place), msgspec.json.encode(place), encoded, 1, now, under=under, loud=loud)
        )

    def _place(self, key: str) -> Place | None:
        """The place of a key, by whoever subscribed there."""
        for subscription in [*self.book.subscriptions.values(), *self.default()]:
            if key_of(subscription.place) == key:
                return subscription.place
        return None
