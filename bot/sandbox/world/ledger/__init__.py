"""What a world's accounts really used and cost, before and since the simulation began."""

from __future__ import annotations

from bot.sandbox.world.ledger.charges import Charge, Correction, Reservation
from bot.sandbox.world.ledger.ledger import Ledger
from bot.sandbox.world.ledger.past import FORGOTTEN, PoolFacts, Shape
from bot.sandbox.world.ledger.use import HourOfPool, Kinds, Use

__all__ = [
    "FORGOTTEN",
    "Charge",
    "Correction",
    "HourOfPool",
    "Kinds",
    "Ledger",
    "PoolFacts",
    "Reservation",
    "Shape",
    "Use",
]
