"""Brings messages to where they belong, however often that fails, and none of them twice."""

from bot.outbox.destination_queue import DestinationStatus
from bot.outbox.sender import Totals
from bot.outbox.worker import OutboxWorker

__all__ = ["DestinationStatus", "OutboxWorker", "Totals"]
