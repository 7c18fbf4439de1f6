"""The ninety days behind the demo: how its pools were used, and those that are gone.

The studio: frames by office hours, more since a new show began; a spot pool that was deleted and made anew, smaller;
projects that burst for some nights. The engineers: a pool that nobody uses, and a trial that ended.
"""

from __future__ import annotations

from datetime import timedelta

from bot.sandbox.world.account import AccountState
from bot.sandbox.world.engine import World
from bot.sandbox.world.ledger import FORGOTTEN, Reservation, Shape
from bot.sandbox.world.prices import on_demand
from bot.sandbox.world.sizes import size_named

_STUDIO = {
    "render-cpu": Shape(
        extra=12, busy=0.75, opens=14, closes=1, step=timedelta(days=19), before=0.45, task_seconds=280, failing=0.02
    ),
    "render-gpu": Shape(busy=0.5, opens=14, closes=1, task_seconds=540, failing=0.03),
    "encode-spot": Shape(busy=0.45, opens=14, closes=1, extra_spot=2, task_seconds=420),
    "comp-day": Shape(extra=4, busy=0.6, opens=14, closes=1, task_seconds=480),
    "cinder-fx": Shape(kind="bursty", extra=9, chance=0.2, task_seconds=900, failing=0.04),
    "harbor-transcode": Shape(kind="bursty", extra=14, chance=0.3, task_seconds=300),
}
_ENGINEERING = {
    "montecarlo": Shape(busy=0.65, opens=6, closes=17, extra=2, task_seconds=120),
    "cfd": Shape(busy=0.8, opens=6, closes=17, task_seconds=2400),
    "win-build": Shape(busy=0.35, opens=6, closes=17, task_seconds=400, failing=0.05),
    "old-experiment": FORGOTTEN,
}


def studio_past(account: AccountState) -> None:
    """Tells how the studio's pools were used; before they are made."""
    ledger, now = account.ledger, account.world.time
    ledger.shapes |= _STUDIO
    ledger.remember(
        "encode-spot",
        "Standard_D8ads_v5",
        now - timedelta(days=90),
        now - timedelta(days=22, hours=6),
        Shape(busy=0.5, opens=14, closes=1, extra_spot=6, task_seconds=420),
        spot=8,
        slots=4,
    )
    ledger.remember(
        "render-cpu-v1",
        "Standard_F8s_v2",
        now - timedelta(days=90),
        now - timedelta(days=41),
        Shape(extra=8, busy=0.6, opens=14, closes=1, task_seconds=280),
        dedicated=2,
        slots=4,
    )


def engineering_past(account: AccountState) -> None:
    """Tells how the engineers' pools were used; before they are made."""
    ledger, now = account.ledger, account.world.time
    ledger.shapes |= _ENGINEERING
    ledger.remember(
        "montecarlo",
        "Standard_D8ds_v5",
        now - timedelta(days=90),
        now - timedelta(days=10, hours=2),
        Shape(busy=0.6, opens=6, closes=17, extra=3, task_seconds=120),
        dedicated=4,
        slots=8,
    )
    ledger.remember(
        "gpu-trial",
        "Standard_NC4as_T4_v3",
        now - timedelta(days=58),
        now - timedelta(days=51),
        Shape(kind="bursty", extra=6, chance=0.7, task_seconds=1800),
        dedicated=1,
    )


def demo_bill(world: World) -> None:
    """Machines the studio has reserved, and what it got back."""
    billing = world.accounts["render-prod"].ledger.billing
    bought, size = world.time - timedelta(days=40), size_named("Standard_F8s_v2")
    price = round(2 * on_demand(size, "northcentralus", windows=False) * 8760 * 0.6, 2)
    billing.reserve(Reservation(name="frames-1y", vm_size=size.name, quantity=2, since=bought, price=price))
    billing.credit((world.time - timedelta(days=12)).date(), 25.0)
