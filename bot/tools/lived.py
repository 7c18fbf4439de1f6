"""The past of a demo as the program itself would have recorded it: its own looks and samples, one after the other.

Nothing is told to anybody: what was wrong in the past is not alerted of when the demo begins.
"""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from bot.app import App
from bot.monitor.observer import Observer
from bot.monitor.reading import Reading
from bot.monitor.scene import Scene


class LivedPast:
    """Looks at every account of a program that does not run yet. ``seconds`` is the time between two looks."""

    def __init__(self, app: App, seconds: int) -> None:
        self._app = app
        watch = replace(app.settings.watch, poll_seconds=seconds)
        self._observers = [Observer(account, app.store, app.clock, watch) for account in app.accounts]

    async def look(self) -> None:
        """One look at each account: what it saw is stored, its sample is taken, jobs that ended are kept.

        Raises AzureError and StoreError.
        """
        await asyncio.gather(*map(self._look_at, self._observers))

    async def _look_at(self, observer: Observer) -> None:
        polled = await observer.poll()
        scene = polled.scene
        await self._app.store.record(polled.batch)
        observer.stored()
        observer.watched_jobs = set(scene.jobs)  # looks are rare here: tasks are counted in every one
        await self._app.collector.collect(self._app.accounts.get(scene.account), Reading.of(scene))
        await self._keep(scene)

    async def _keep(self, scene: Scene) -> None:
        """What jobs that ended came to. Where somebody had asked for receipts, a past that is over is no news."""
        receipts = self._app.receipts
        await receipts.after(scene.account, scene, self._app.clock.now())
        if scene.blind is None:
            await receipts.work_off(scene.account)
