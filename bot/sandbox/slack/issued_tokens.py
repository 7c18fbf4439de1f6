"""Short-lived tokens that Slack issues (trigger ids, response addresses), and the rate limits of the Web API."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.model import Workspace
from bot.sandbox.slack.people import TEAM


@dataclass
class Trigger:
    """Leave to open one modal for ``user``; ``view`` is the modal it came from, if any."""

    user: str
    expires: float
    view: str = ""
    used: bool = False


class Triggers:
    """Trigger ids: one use, a few seconds."""

    def __init__(self, workspace: Workspace, lives: float) -> None:
        self._workspace = workspace
        self._lives = lives
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str, view: str = "") -> str:
        """A new trigger id."""
        number = self._workspace.random.randrange(10**12, 10**13)
        trigger = f"{number}.{number // 7}.{self._workspace.id('', 16).lower()}"
        self._issued[trigger] = Trigger(user, self._workspace.clock() + self._lives, view)
        return trigger

    def redeem(self, trigger_id: str) -> Trigger:
        """Use a trigger id up. Refused: invalid_trigger_id, exchanged_trigger_id, expired_trigger_id."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if self._workspace.clock() > trigger.expires:
            raise Refused("expired_trigger_id")
        trigger.used = True
        return trigger


@dataclass
class ReplyAddress:
    """What a ``response_url`` stands for. ``source`` is the ts of the message it may replace."""

    user: str
    channel: str
    source: str
    expires: float
    uses: int = 0


@dataclass
class ReplyAddresses:
    """Response addresses: a few uses, half an hour."""

    workspace: Workspace
    lives: float
    most: int
    issued: dict[str, ReplyAddress] = field(default_factory=dict)

    def issue(self, kind: str, user: str, channel: str, source: str = "") -> str:
        """A new path such as ``/actions/T…/…``."""
        key = f"/{kind}/{TEAM}/{self.workspace.random.randrange(10**12, 10**13)}/{self.workspace.id('', 24)}"
        self.issued[key] = ReplyAddress(user, channel, source, self.workspace.clock() + self.lives)
        return key

    def use(self, path: str) -> ReplyAddress:
        """Count one use. Refused: invalid_url, expired_url, used_url."""
        address = self.issued.get(path)
        if address is None:
            raise Refused("invalid_url")
        if self.workspace.clock() > address.expires:
            raise Refused("expired_url")
        if address.uses >= self.most:
            raise Refused("used_url")
        address.uses += 1
        return address


@dataclass
class Bucket:
    """Allows ``burst`` calls at once and ``rate`` a second in the long run."""

    burst: float
    rate: float
    level: float
    at: float

    def take(self, now: float) -> int:
        """0 when the call may go on, else the whole seconds to wait for the next."""
        self.level = min(self.burst, self.level + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.level >= 1:
            self.level -= 1
            return 0
        return max(1, math.ceil((1 - self.level) / self.rate))


class Limits:
    """The rates of the Web API: one bucket for each key."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def take(self, what: str, whose: str, burst: float, rate: float) -> None:
        """Count a call. Refused: ratelimited, with the seconds to wait."""
        now = self._clock()
        bucket = self._buckets.setdefault((what, whose), Bucket(burst, rate, burst, now))
        if wait := bucket.take(now):
            raise Refused("ratelimited", retry_after=wait)
