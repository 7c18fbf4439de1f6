"""How the pools of accounts stand, for advice: from the last look of the monitor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.azure.models.price import Prices
from bot.domain.entity import fold, schedule_of
from bot.domain.money.advice import PoolNow
from bot.domain.pools import bad, in_state, machines
from bot.domain.recommendations.model import JobStanding
from bot.monitor.scene import JobView, PoolView, Scene


class Pools:
    """Hears of every look. :meth:`now` has nothing of an account that was not looked at yet."""

    def __init__(self) -> None:
        self._pools: dict[str, dict[str, PoolNow]] = {}

    async def after(self, account: str, scene: Scene, now: datetime) -> None:
        """Take up what a look saw."""
        if "pools" in scene.read:
            self._pools[account] = {fold(name): pool_now(view, scene.prices) for name, view in scene.pools.items()}

    def now(self, account: str) -> Mapping[str, PoolNow]:
        """The pools of an account by folded id."""
        return self._pools.get(account, {})


def job_standing(view: JobView) -> JobStanding:
    """A job as the monitor knows it."""
    known = view.active is not None
    return JobStanding(
        id=view.id,
        state=view.state,
        pool=view.pool,
        schedule=view.schedule or schedule_of(view.id),
        created=view.created,
        tasks=view.total if known else None,
        unfinished=(view.active or 0) + view.running if known else None,
        quiet_since=(view.progressed or view.created) if known else None,
    )


def pool_now(view: PoolView, prices: Prices) -> PoolNow:
    """A pool as advice needs it."""
    dedicated, spot = machines(view)
    kept = prices.hourly(view.vm_size, windows=view.windows, spot=False)
    lent = prices.hourly(view.vm_size, windows=view.windows, spot=True)
    return PoolNow(
        view.id,
        dedicated + spot,
        spot,
        in_state(view, "idle"),
        bad(view),
        view.idle_since,
        view.autoscale,
        lent.amount / kept.amount if kept and lent and kept.amount else None,
    )
