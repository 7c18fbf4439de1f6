"""What may be asked of the state of alerting, by handlers and metrics: everything here only reads."""

from __future__ import annotations

from typing import Protocol

from bot.alerting.model import Hours, Incident, Mute, Notification, Subscription
from bot.chat.request import Conversation
from storage.port.outbox import OutboxEntry


class IncidentReader(Protocol):
    """The read port of alerting. Conversations are given by their key, ``platform:id``.

    Nothing is to be kept for later: an incident that is handed out goes on changing.
    """

    def incident(self, name: str) -> Incident | None:
        """One by its id; None for those that are over for more than an hour, unless a digest still shows them."""
        ...

    def open(self, account: str = "") -> list[Incident]:
        """Open incidents of an account or of all, the worst and newest first."""
        ...

    def notification(self, incident: str, conversation: str) -> Notification | None:
        """How an incident stands in a conversation."""
        ...

    def notifications_of(self, incident: str) -> list[Notification]:
        """How an incident stands in each conversation."""
        ...

    def together(self, notification: Notification) -> list[Notification]:
        """All that stands in the same message."""
        ...

    def waiting(self, conversation: str) -> list[Notification]:
        """What was not posted in a conversation and may still be."""
        ...

    def entry(self, name: str) -> OutboxEntry | None:
        """A message as it was written last, of those that may still change."""
        ...

    def subscription(self, name: str) -> Subscription | None:
        """One that somebody made, by its id."""
        ...

    def subscriptions(self, conversation: str = "") -> list[Subscription]:
        """What people subscribed, for one conversation or for all."""
        ...

    def defaults(self) -> list[Subscription]:
        """What the settings subscribe, for conversations that the bot knows."""
        ...

    def conversation(self, key: str) -> Conversation | None:
        """A conversation that is subscribed, by its key."""
        ...

    def mutes(self, conversation: str) -> list[Mute]:
        """The mutes of a conversation, over or not."""
        ...

    def hours(self, conversation: str) -> Hours | None:
        """Quiet hours of a conversation."""
        ...
