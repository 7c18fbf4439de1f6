"""The demo: a studio that renders in one subscription and an engineering team that simulates in another.

Their days show: people submit in office hours, schedules run at night, pools grow and shrink. And their troubles: a
pool against its family quota, spot machines taken back, start tasks that fail, a node that is unusable, a job that
fails for an expired signature, one that waits for a failed parent for ever, one disabled, and a forgotten pool.
"""

from __future__ import annotations

from datetime import timedelta

from bot.sandbox.world.engine import World
from bot.sandbox.world.scenarios.demo_engineering import engineering
from bot.sandbox.world.scenarios.demo_inventory import (
    calibration,
    certificates,
    engineering_applications,
    park,
    studio_applications,
)
from bot.sandbox.world.scenarios.demo_past import demo_bill
from bot.sandbox.world.scenarios.demo_studio import studio
from bot.sandbox.world.scenarios.parts import apart


def demo(world: World) -> None:
    """Fills the world."""
    studio(world)
    engineering(world)
    for account in world.accounts.values():
        account.retention = timedelta(hours=5)
    render, simulation = world.accounts["render-prod"], world.accounts["sim-dev"]
    with apart(world):
        park(render)
    studio_applications(render)
    certificates(render)
    engineering_applications(simulation)
    calibration(simulation)
    demo_bill(world)
