"""Delivery of events: each attempt stored, in the order in which they were decided, as often as it takes.

A receiver that does not answer is asked again, ever more rarely, and its events wait in their order: they never wait
in the way of a chat, since every receiver has a queue of its own. An event that is refused again and again is parked,
and the next goes on. A receiver that refuses whatever comes is parked itself: its events are kept, and one of them is
tried every hour, and at once when the settings are read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import structlog
from msgspec import Struct

from bot.chat.port import Undelivered
from bot.clock import Clock, backoff
from bot.secrets import ENVIRONMENT
from bot.webhooks.calls import Answer, Receiver
from bot.webhooks.settings import WebhookSettings
from storage.port.outbox import WEBHOOK, DeliveryState, OutboxStore

log = structlog.get_logger()

TRIES = 5
"""Refusals of one event until it is parked, or the receiver is."""
_LONGEST_PAUSE = 60.0
"""Seconds between two attempts at a receiver that does not answer."""
_SLOW = 3
"""Failures in a row from which on somebody is told: shorter ones are as usual as the weather."""


class Counts(Struct):
    """Of a receiver, since the start: events it took, attempts that failed, and events that were parked."""

    taken: int = 0
    failed: int = 0
    parked: int = 0


class Told(Protocol):
    """What is needed of whoever keeps how parts of the program stand: :class:`bot.monitor.background.Background`."""

    def ok(self, name: str, account: str = "") -> None:
        """It works."""
        ...

    def failed(self, name: str, error: Exception | str, account: str = "", *, refused: bool | None = None) -> None:
        """It does not."""
        ...

    def gone(self, name: str) -> None:
        """There is no such part any more."""
        ...


Notice = Callable[[str, str], None]
"""Tells whoever runs the bot: what it is about, so that it is told once, and a sentence."""


class Webhooks:
    """The receivers that there are. What they are may change while the program runs: :meth:`use`."""

    def __init__(
        self,
        clock: Clock,
        told: Told,
        notice: Notice | None = None,
        environment: Mapping[str, str] = ENVIRONMENT,
    ) -> None:
        """``environment`` holds the keys; a file that it names is read whenever the settings are."""
        self._environment = environment
        self.counts: dict[str, Counts] = {}
        self.parked: dict[str, str] = {}
        """The receivers that are parked, and why."""
        self.may: Callable[[], bool] = lambda: True
        """Whether anything may be sent just now: not while another replica may have taken over."""
        self._clock = clock
        self._told = told
        self._notice = notice or (lambda about, words: None)
        self._receivers: dict[str, Receiver] = {}

    @property
    def settings(self) -> list[WebhookSettings]:
        """What each receiver is told of, in the order of the settings."""
        return [each.settings for each in self._receivers.values()]

    async def use(self, settings: Iterable[WebhookSettings]) -> None:
        """These are the receivers from now on. Raises SettingsError, and changes nothing then."""
        made = {each.name: Receiver(each, self._environment) for each in settings}
        before, self._receivers = self._receivers, made
        self.counts = {name: self.counts.get(name, Counts()) for name in made}
        self.parked.clear()
        for name in before.keys() - made.keys():
            self._told.gone(_part(name))
        for each in before.values():
            await each.close()

    async def close(self) -> None:
        """Close all connections."""
        for each in self._receivers.values():
            await each.close()

    def sender(self, store: OutboxStore) -> WebhookSender:
        """What brings events out, of all receivers; the outbox has a queue for each."""
        return WebhookSender(self, store)

    async def deliver(self, name: str, id_: str, body: bytes) -> Answer:
        """One attempt."""
        receiver = self._receivers.get(name)
        if receiver is None:
            return Answer("gone", "is not in the settings any more")
        answer = await receiver.call(id_, body)
        if answer.meaning == "taken":
            if name in self.counts:
                self.counts[name].taken += 1
            self.parked.pop(name, None)
            self._told.ok(_part(name))
        elif name in self.counts:
            self.counts[name].failed += 1
        return answer

    def failing(self, name: str, answer: Answer, tries: int) -> None:
        """An attempt failed, the last of so many in a row."""
        if tries >= _SLOW and name in self._receivers:
            self._told.failed(_part(name), f"{answer.code}; its events wait")

    def park(self, name: str, answer: Answer) -> None:
        """A receiver takes nothing: its events wait."""
        if name not in self._receivers:
            return
        log.error("webhook.parked", webhook=name, code=answer.code)
        self.parked[name] = answer.code
        self._told.failed(_part(name), f"{answer.code}: it is parked, its events are kept, one is tried every hour")
        self._notice(
            f"webhook {name}",
            f"The webhook {name} {answer.code}. It is parked: its events are kept, and one of them is tried every "
            "hour. batchbot doctor says what is wrong; when the settings are read again (SIGHUP), it is tried at once.",
        )

    def park_event(self, name: str, entry: str, answer: Answer) -> None:
        """A receiver does not want one event."""
        log.error("webhook.event_parked", webhook=name, entry=entry, code=answer.code)
        if name in self.counts:
            self.counts[name].parked += 1
        self._notice(
            f"event of webhook {name}",
            f"The webhook {name} {answer.code} to an event ({entry}), {TRIES} times. That event is given up, the next "
            "ones go on. Its log says what it did not like.",
        )


class WebhookSender:
    """Sends the events of one receiver, in the place of :class:`bot.outbox.sender.Sender`."""

    def __init__(self, webhooks: Webhooks, store: OutboxStore) -> None:
        self._webhooks = webhooks
        self._store = store

    async def send(self, row: DeliveryState, root: str, so_far: object) -> int:
        """Send an event. Returns the version that is done with; raises Undelivered where it is to wait."""
        if not self._webhooks.may():
            raise Undelivered("later", "another replica may have taken over", everywhere=True)
        entry = row.entry
        name = entry.destination.removeprefix(f"{WEBHOOK}:")
        id_ = entry.id.rpartition("@")[0]
        answer = await self._webhooks.deliver(name, id_, entry.card)
        if answer.meaning == "taken":
            await self._store.delivered(entry.id, entry.version, id_, "")
            return entry.version
        tries = row.attempts + 1
        if answer.meaning == "refused" and tries >= TRIES:
            await self._store.attempt_failed(entry.id, "dead", answer.code)
            self._webhooks.park_event(name, entry.id, answer)
            return entry.version
        if answer.meaning == "gone" or (answer.meaning == "barred" and tries >= TRIES):
            await self._store.attempt_failed(entry.id, "gone", answer.code)
            self._webhooks.park(name, answer)
            raise Undelivered("gone", answer.code)
        await self._store.attempt_failed(entry.id, "open", answer.code)
        self._webhooks.failing(name, answer, tries)
        wait = max(answer.wait or 0.0, backoff(row.attempts, _LONGEST_PAUSE))
        raise Undelivered("later", answer.code, wait=wait)

    def update_delay(self, row: DeliveryState) -> float:
        """Events are never edited."""
        return 0.0


def _part(name: str) -> str:
    return f"webhook {name}"
