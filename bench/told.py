"""When each thing that happened was told: read off the messages of the Slack stand-in and the rows of alerting."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from bench.crowd import Event
from bench.ranks import rank, tail
from bot.alerting.model import Incident, Notification
from bot.clock import Clock
from bot.sandbox.slack import SlackSettings, SlackStandIn
from bot.tools.demo import Stage
from storage.port.store import Store

KINDS = {
    "start": ("job.started",),
    "end": ("job.completed", "job.failed", "task.failed"),
    "failure": ("task.failed", "job.failed"),
}
"""The alerts that may tell of a thing; of an end also the message of its failures, which then says that it is over."""
_CLOCKS_DIFFER = timedelta(seconds=2)
"""The sandbox's and the recorder's: a message that is older by less is no older."""
_STARTED = re.compile(r"has started")
_ENDED = re.compile(r"has completed|has failed|\bended\b")
_FAILED = re.compile(r"([\d,]+) (?:of [\d,]+ )?tasks? (?:has |have )?failed")


async def begun(stage: Stage, listen: str, **more: Any) -> SlackStandIn:
    """A Slack for the program that listens there, named in what the stage has printed. Whoever asked closes it."""
    slack = SlackStandIn(SlackSettings(app_url=f"http://{listen}/slack/events", tiers=False), **more)
    await slack.start()
    stage.printed |= {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.settings.bot_token,
        "SLACK_SIGNING_SECRET": slack.settings.signing_secret,
    }
    return slack


class Version(NamedTuple):
    """A message as it was posted or edited."""

    at: datetime
    text: str


class Record:
    """All versions of all messages that carry a key, by that."""

    def __init__(self, slack: SlackStandIn, clock: Clock) -> None:
        self._clock = clock
        self._queue = slack.subscribe()
        self._keys: dict[tuple[str, str], str] = {}
        self.versions: dict[str, list[Version]] = defaultdict(list)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._note(await self._queue.get())

    def complete(self) -> dict[str, list[Version]]:
        """All of them, with what the stand-in has just said."""
        while not self._queue.empty():
            self._note(self._queue.get_nowait())
        return self.versions

    def _note(self, each: dict[str, Any]) -> None:
        if each["type"] not in ("message", "message_changed"):
            return
        message, at = each["message"], self._clock.now()
        place = each["channel"], message["ts"]
        if key := _key(message):
            self._keys[place] = key
        if place in self._keys:
            self.versions[self._keys[place]].append(Version(at, message["text"]))


def _key(message: dict[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    return str((metadata.get("event_payload") or {}).get("key", ""))


class Shown(NamedTuple):
    """An incident in a conversation: the entry that shows it, since when, and whether with others."""

    kind: str
    entry: str
    since: datetime
    gathered: bool


async def shown(store: Store, account: str, since: datetime) -> dict[str, list[Shown]]:
    """What was decided to be told of each job."""
    rows = await store.incidents(account=account, since=since, limit=1_000_000)
    incidents = {row.id: msgspec.json.decode(row.body, type=Incident) for row in rows}
    found: dict[str, list[Shown]] = defaultdict(list)
    names = list(incidents)
    for first in range(0, len(names), 500):
        for row in await store.notifications(names[first : first + 500]):
            known, incident = msgspec.json.decode(row.body, type=Notification), incidents[row.incident]
            if known.entry and known.shown and incident.entity.kind == "job":
                found[incident.entity.id].append(Shown(incident.kind, known.entry, known.shown, known.gathered))
    return found


def told_after(event: Event, decided: Iterable[Shown], versions: dict[str, list[Version]]) -> float:
    """Seconds from a thing to the first message that says it; infinite for never."""
    best = math.inf
    for each in decided:
        if each.kind not in KINDS[event.what]:
            continue
        for version in versions.get(each.entry, ()):
            if version.at < event.at - _CLOCKS_DIFFER:
                continue
            if _in_time(each, version) if each.gathered else _says(event, version.text):
                best = min(best, max(0.0, (version.at - event.at).total_seconds()))
                break
    return best


def _in_time(each: Shown, version: Version) -> bool:
    """A digest shows what was decided before it was written."""
    return version.at >= each.since


def _says(event: Event, text: str) -> bool:
    if event.job not in text:
        return False
    if event.what == "start":
        return bool(_STARTED.search(text))
    if event.what == "end":
        return bool(_ENDED.search(text))
    found = _FAILED.search(text)
    return bool(found) and int(found[1].replace(",", "")) >= event.number


class Latency(NamedTuple):
    """Seconds from what happened to its message, sorted; infinite for what was never told."""

    took: Sequence[float]

    @property
    def never(self) -> int:
        """How many were not told."""
        return sum(map(math.isinf, self.took))

    def good(self, p50: float, p99: float) -> bool:
        """Whether goals are reached; of few, all of them are to be within the second one."""
        return not self.took or (rank(self.took, 0.5) <= p50 and tail(self.took)[1] <= p99)

    def describe(self, p50: float, p99: float) -> str:
        """A line, with its goals."""
        if not self.took:
            return "none happened"
        end, most = tail(self.took)
        lost = f", {self.never} NEVER TOLD" if self.never else ""
        words = f"{len(self.took):5} happened{lost}: p50 {_seconds(rank(self.took, 0.5))} (goal {p50:.0f})"
        words += f"  {end} {_seconds(most)} (goal {p99:.0f})"
        return words + (f"  longest {_seconds(self.took[-1])}" if end == "p99" else "")


def _seconds(seconds: float) -> str:
    return "never" if math.isinf(seconds) else f"{seconds:.1f} s"
