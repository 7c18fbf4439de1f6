"""What watching is about: entities, how bad something is, and what was found.

Observation → transition → finding → incident → delivery. An observer sees accounts (:mod:`bot.monitor.scene`), kinds
(:mod:`bot.alerting.rules`) say what is wrong in what was seen, and incidents keep one message for each.
"""

from __future__ import annotations

import enum
import hashlib
from datetime import datetime
from typing import Literal

from msgspec import Struct

from bot.domain.entity import Entity, EntityKind

__all__ = ["CauseCount", "Entity", "EntityKind", "Finding", "Severity", "SuggestedAction", "fingerprint"]


class Severity(enum.Enum):
    """How bad it is. ``info`` is news, ``warning`` wants attention today, ``critical`` wants somebody now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Greater is worse."""
        return _RANKS[self._value_]


_RANKS = {each.value: rank for rank, each in enumerate(Severity)}


class SuggestedAction(Struct, frozen=True):
    """A button: what it says, and the command it carries, without the account (it is added where it is needed).

    ``changes`` True marks a command that changes something and of which more may have to be said: it opens its form.
    """

    text: str
    command: str
    changes: bool = False


class CauseCount(Struct, frozen=True):
    """One cause among several, how often it struck, and an example: an entity's id and a line of what it said.

    ``file`` is where a program printed that line (``stderr.txt``); empty where the service said it.
    """

    cause: str
    count: int
    example: str = ""
    said: str = ""
    file: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """What an alert rule says of one entity now.

    One whose state is ``open`` is found in every poll as long as it is so; when it is found no more, its incident is
    resolved. ``resolved`` does that with words of its own; where it is not ``mended`` it is merely over, and that is no
    success. ``event`` is news that is over once it is reported.

    ``headline`` is one line that names the entity and the one number: "pool gpu-a has 3 unusable nodes". ``since`` is
    by the service's clock. ``figures`` are (label, value) lines, ``cause`` the likely one in a sentence, ``evidence``
    what the service or a program printed, redacted. ``related`` names what else it concerns (the pool and the schedule
    of a job), for patterns and for silencing. ``count`` is the one number, ``causes`` its parts, greatest first.
    ``counted`` is when that was counted, where it may be more by now and is told all the same.
    """

    entity: Entity
    headline: str
    since: datetime
    state: Literal["open", "resolved", "event"] = "open"
    mended: bool = True
    severity: Severity | None = None
    figures: tuple[tuple[str, str], ...] = ()
    cause: str = ""
    evidence: str = ""
    actions: tuple[SuggestedAction, ...] = ()
    related: tuple[Entity, ...] = ()
    count: int = 1
    causes: tuple[CauseCount, ...] = ()
    counted: datetime | None = None


_ONE = {"job.completed": "job.failed"}
"""Kinds that are one incident: a job comes to one end, and which of them it was may be known a little later."""


def fingerprint(account: str, kind: str, entity: Entity) -> str:
    """What makes two findings the same incident: identity only, never a value. 16 hexadecimal digits."""
    identity = "\0".join((account, _ONE.get(kind, kind), *entity.identity))
    return hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
