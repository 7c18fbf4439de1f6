"""What decides on alerts, and what brings them out: to chats, to other programs, to whoever runs the bot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bot.alerting import rules
from bot.alerting.publishing import Publisher
from bot.alerting.service import AlertService
from bot.chat.port import Chat
from bot.clock import Clock
from bot.monitor.background import Background
from bot.ops.notices import Notices
from bot.outbox import OutboxWorker
from bot.outbox.sender import Shown
from bot.settings import AlertSettings, BotSettings
from bot.webhooks.delivery import Webhooks
from storage.port.store import Store


class Telling(NamedTuple):
    """These parts, which know each other."""

    webhooks: Webhooks
    outbox: OutboxWorker
    notices: Notices
    alerts: AlertService


def telling(
    bot: BotSettings,
    settings: AlertSettings,
    operators: str,
    store: Store,
    chats: Mapping[str, Chat],
    clock: Clock,
    background: Background,
    shown: Shown,
    environment: Mapping[str, str],
    *,
    several: bool,
) -> Telling:
    """Build them.

    ``operators`` is the conversation of whoever runs the bot, or empty, ``environment`` has the keys of webhooks, and
    ``several`` is as of the alert service.
    """
    notices, kinds = Notices(store, clock, where=operators, zone=bot.zone), rules.discover()
    webhooks = Webhooks(clock, background, notices.tell, environment)
    outbox = OutboxWorker(store, chats, clock, shown, webhooks)
    notices.put = outbox.put
    publisher, zone = Publisher(lambda: webhooks.settings, kinds), bot.zone
    alerts = AlertService(store, kinds, settings, outbox, clock, zone=zone, several=several, publisher=publisher)
    return Telling(webhooks, outbox, notices, alerts)
