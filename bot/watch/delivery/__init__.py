"""Brings letters to where they belong, however often that fails, and none of them twice."""

from bot.watch.delivery.courier import Totals
from bot.watch.delivery.line import PlaceStatus
from bot.watch.delivery.postman import Postman

__all__ = ["PlaceStatus", "Postman", "Totals"]
