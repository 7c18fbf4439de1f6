"""What alerting keeps: incidents, how they stand in a conversation, and what conversations and people asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from bot.chat.request import Author, Conversation
from bot.domain.findings import CauseCount, Entity, Finding, Severity, SuggestedAction
from storage.port.incidents import IncidentRow, NotificationRow

REMEMBERED = 30
"""Lines of an incident's history that are kept: the first and the newest."""


class Event(Struct, frozen=True):
    """A line of an incident's history; ``at`` is the bot's clock."""

    at: datetime
    what: str


class Published(Struct, kw_only=True):
    """What webhooks were told of an incident last: the ``number`` of the event, and how the incident was.

    ``at`` is when; ``webhooks`` are those that heard of it, by name. Whoever never heard that it was opened does not
    hear how it goes on.
    """

    number: int = 0
    state: Literal["open", "resolved", "event"] = "open"
    severity: Severity = Severity.INFO
    acknowledged: bool = False
    headline: str = ""
    at: datetime | None = None
    webhooks: list[str] = []


class Incident(Struct, kw_only=True):
    """One trouble of one entity from its opening to its end.

    ``state``: ``open``, ``resolved``, or ``event`` for news that was over at once. ``since`` and ``seen`` are the
    service's clock (when it began, when it was last checked), the other times are the bot's. ``flips`` are the last
    times it came back after it was resolved; while it is ``flapping`` it is not said to be resolved. One that is
    resolved without being ``mended`` is merely over: the job has ended, and its failures stay.
    """

    id: str
    fingerprint: str
    account: str
    kind: str
    entity: Entity
    state: Literal["open", "resolved", "event"]
    severity: Severity
    headline: str
    since: datetime
    seen: datetime
    opened: datetime
    changed: datetime
    resolved: datetime | None = None
    mended: bool = True
    related: tuple[Entity, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    cause: str = ""
    evidence: str = ""
    actions: tuple[SuggestedAction, ...] = ()
    count: int = 1
    causes: tuple[CauseCount, ...] = ()
    counted: datetime | None = None
    """When its figures were counted, by the service's clock, where there may be more by now."""
    flips: list[datetime] = []
    flapping: bool = False
    absent: datetime | None = None
    """Since when it was not found while it is flapping: it is over when that lasts."""
    acknowledged: Author | None = None
    acknowledged_at: datetime | None = None
    remind: datetime | None = None
    """When whoever acknowledged it is reminded."""
    snoozed: datetime | None = None
    """Until when."""
    snoozed_by: Author | None = None
    history: list[Event] = []
    published: Published | None = None

    @property
    def open(self) -> bool:
        """Whether it still goes on."""
        return self.state == "open"

    @property
    def urgent(self) -> bool:
        """Whether word of it goes before all else: it is critical, and goes on or is news."""
        return self.severity is Severity.CRITICAL and self.state != "resolved"

    @property
    def unmended(self) -> bool:
        """Whether it is over and nobody mended it."""
        return self.state == "resolved" and not self.mended

    def note(self, at: datetime, what: str) -> None:
        """Add a line to the history."""
        self.history.append(Event(at, what))
        if len(self.history) > REMEMBERED:
            del self.history[1]

    def take(self, finding: Finding, severity: Severity, seen: datetime) -> bool:
        """Say what the finding says, but for when it began; True where that is something else than before."""
        changed = severity is not self.severity
        self.severity, self.seen = severity, seen
        goes_on = self.open and finding.state == "open"
        since = min(self.since, finding.since) if goes_on else finding.since
        if since != self.since:
            self.since, changed = since, True
        for name in _SAID:
            said = getattr(finding, name)
            if said != getattr(self, name):
                setattr(self, name, said)
                changed = True
        return changed

    def row(self) -> IncidentRow:
        """What is stored."""
        entity = self.entity
        return IncidentRow(
            self.id,
            self.fingerprint,
            self.account,
            self.kind,
            entity.kind,
            entity.parent,
            entity.id,
            self.open,
            self.opened,
            self.changed,
            _encode(self),
        )


_encode = msgspec.json.Encoder().encode
_SAID = ("headline", "related", "figures", "cause", "evidence", "actions", "count", "causes", "counted")

Held: TypeAlias = Literal["", "grouping", "quiet", "muted", "inhibited", "flapping"]
"""Why a notification is held back, or not at all: see :data:`bot.alerting.held_reasons.HELD_REASONS`."""


class Notification(Struct, kw_only=True, frozen=True, gc=False):
    """How an incident stands in a conversation (``platform:id``); ``why`` is the subscription that brought it there.

    ``entry`` is the outbox entry that reports it (empty while it is held back); with ``gathered`` that is a digest of
    several. ``due`` is when it is to be decided on again. ``over`` once it is over and said to be; its message is still
    edited when more is known of its end. It never changes: the state is given another one in its place, so that its
    indexes cannot miss a change.
    """

    incident: str
    conversation: str
    why: str
    since: datetime
    held: Held = ""
    by: str = ""
    """The incident or mute that holds it back."""
    due: datetime | None = None
    entry: str = ""
    gathered: bool = False
    shown: datetime | None = None
    worst: Severity = Severity.INFO
    """The severity it was last announced with."""
    repeated: datetime | None = None
    repeats: int = 0
    over: bool = False

    @property
    def waiting(self) -> bool:
        """Whether it was not posted yet and may still be."""
        return not self.entry and not self.over

    def row(self) -> NotificationRow:
        """What is stored."""
        return NotificationRow(self.incident, self.conversation, not self.over, _encode(self))


class Subscription(Struct, frozen=True, kw_only=True):
    """Which alerts a conversation asked for; a personal conversation is a direct message.

    ``accounts`` and ``entity`` are patterns (``*``, ``render-*``, ``pool:gpu-*``: a kind before the colon narrows it to
    entities of that kind and what belongs to them). ``kinds`` are patterns of kinds (``job.*``), empty for all that are
    not quiet. ``severity`` is the least.
    """

    id: str
    conversation: Conversation
    accounts: str = "*"
    entity: str = "*"
    kinds: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING
    by: Author | None = None
    at: datetime | None = None

    def describe(self) -> str:
        """In words: ``warning or worse of everything in render-prod``."""
        what = ", ".join(self.kinds) if self.kinds else "everything"
        least = "" if self.severity is Severity.INFO else f"{self.severity.value} or worse: "
        least = "critical: " if self.severity is Severity.CRITICAL else least
        about = "" if self.entity == "*" else f" about {self.entity}"
        where = "every account" if self.accounts == "*" else self.accounts
        return f"{least}{what}{about} in {where}"


class Mute(Struct, frozen=True, kw_only=True):
    """What a conversation does not want to see, ``until`` when (None: until it is removed)."""

    id: str
    accounts: str = "*"
    entity: str = "*"
    kinds: tuple[str, ...] = ()
    until: datetime | None = None
    by: Author | None = None
    at: datetime | None = None


class Hours(Struct, frozen=True, kw_only=True):
    """When a conversation wants to be left alone. Minutes since midnight in ``zone``; ``days`` are 0 (Monday) to 6.

    Between ``begin`` and ``end`` (which may be past midnight) of each day of ``nights``, and on days that are not in
    ``days``, only critical alerts are sent; the rest waits for the first moment outside these hours.
    """

    zone: str = "UTC"
    begin: int | None = None
    end: int | None = None
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    nights: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """Days on which the quiet begins that begins at ``begin``."""
    by: Author | None = None
