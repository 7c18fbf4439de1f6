"""What accounts had before the bot came: their history from Azure Monitor, once each, in the background.

It is read from the newest to the oldest, up to the first sample, and how far it came is kept: after a restart it goes
on from there. Where it is not allowed, that is said once, and it is tried again every day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

import msgspec
import structlog
from msgspec import Struct

from bot.azure.errors import AzureError
from bot.azure.metrics import HOUR, Gauges
from bot.azure.roles import MONITORING_READER
from bot.clock import Clock
from bot.domain.core_use import CORE_GAUGES, NODE_GAUGES, at_most
from bot.monitor.background import HISTORY, Background
from storage.port.decoding import decoded
from storage.port.errors import StoreError
from storage.port.preferences import Preference
from storage.port.samples import Bucket

log = structlog.get_logger()

KEPT: Final = timedelta(days=93)
"""So long Azure Monitor keeps metrics."""
AT_ONCE: Final = timedelta(days=30)
"""So much is asked for in one query."""
_DAY = 86_400.0
_SOON = 900.0
"""Seconds until another attempt where Monitor did not answer."""
_FIRST = 20.0
"""Seconds between two looks for the first sample."""
_NAMESPACE = "history"
_NAME = "monitor"


class Monitored(Protocol):
    """What is needed of :class:`bot.azure.account.Account`."""

    @property
    def name(self) -> str:
        """The account's name in the settings."""
        ...

    @property
    def has_metrics(self) -> bool:
        """Whether Azure Monitor can be asked about it at all."""
        ...

    async def gauges(self, names: Sequence[str], since: datetime, until: datetime) -> Gauges:
        """Averages by the hour."""
        ...


class HistoryStore(Protocol):
    """What is needed of the store."""

    # fmt: off
    async def sampled_range(self, account: str) -> tuple[datetime, datetime] | None: ...  # noqa: D102
    async def add_history(self, account: str, buckets: Sequence[Bucket], step: int) -> int: ...  # noqa: D102
    async def preferences(self, namespace: str, owner: str) -> list[Preference]: ...  # noqa: D102
    async def put_preference(self, namespace: str, owner: str, name: str, value: bytes, at: datetime) -> None: ...  # noqa: D102
    # fmt: on


State = Literal["waiting", "reading", "done", "refused", "failed"]


class HistoryStatus(Struct, frozen=True):
    """How the history of an account stands; ``words`` say what to do where it was refused, or failed."""

    state: State
    words: str = ""
    since: datetime | None = None
    """How far back it was read."""


class _Progress(Struct, frozen=True):
    """Everything in [``since``, ``until``) is to be known; ``reached`` is how far back it is."""

    since: datetime
    until: datetime
    reached: datetime

    @property
    def done(self) -> bool:
        return self.reached <= self.since


class BackFill:
    """Reads the history of accounts. ``status`` has those that are to have one."""

    def __init__(
        self, accounts: Iterable[Monitored], store: HistoryStore, clock: Clock, background: Background | None = None
    ) -> None:
        self._accounts = [account for account in accounts if account.has_metrics]
        self._store = store
        self._clock = clock
        self._background = background or Background(clock)
        self._status = {account.name: HistoryStatus("waiting") for account in self._accounts}

    @property
    def status(self) -> Mapping[str, HistoryStatus]:
        """How it stands, by account; accounts that Monitor cannot be asked about are not there."""
        return self._status

    async def run(self) -> None:
        """Read until every account is done. One that is refused does not hold up the others."""
        async with asyncio.TaskGroup() as group:
            for account in self._accounts:
                group.create_task(self._follow(account), name=f"history {account.name}")

    async def _follow(self, account: Monitored) -> None:
        complained = ""
        while True:
            wait = _SOON
            try:
                done = await self.read(account)
                self._background.ok(HISTORY, account.name)
                if done:
                    return
                wait = _FIRST
            except AzureError as error:
                refused = error.status in (401, 403)
                words = _refused(error) if refused else f"{error.code}: {error.message}"
                self._status[account.name] = HistoryStatus("refused" if refused else "failed", words)
                self._background.failed(HISTORY, words, account.name, refused=refused)
                if complained != error.code:  # said once, however often it is tried
                    log.warning(
                        "history.refused", account=account.name, code=error.code, status=error.status, message=words
                    )
                complained = error.code
                wait = _SOON if error.passing else _DAY
            except StoreError as error:
                log.error("history.not_stored", account=account.name, message=str(error))  # noqa: TRY400 - it says all
                self._fails(account.name, error)
            except Exception as error:
                log.exception("history.failed", account=account.name)
                self._fails(account.name, error)
                wait = _DAY
            await self._clock.sleep(wait)

    def _fails(self, account: str, error: Exception) -> None:
        self._background.failed(HISTORY, error, account)
        words = next(each.error for each in self._background.all() if (each.name, each.account) == (HISTORY, account))
        self._status[account] = HistoryStatus("failed", words)

    async def read(self, account: Monitored) -> bool:
        """Read what is still missing; False where there is no sample yet. Raises AzureError and StoreError."""
        progress = await self._progress(account.name)
        if progress is None:
            return False
        while not progress.done:
            self._status[account.name] = HistoryStatus("reading", since=progress.reached)
            begin = max(progress.since, progress.reached - AT_ONCE)
            gauges = await account.gauges([*CORE_GAUGES, *NODE_GAUGES], begin, progress.reached)
            added = await self._store.add_history(account.name, buckets(gauges.values), int(HOUR.total_seconds()))
            log.info("history.added", account=account.name, since=begin.isoformat(), half_hours=added)
            progress = msgspec.structs.replace(progress, reached=begin)
            await self._store.put_preference(
                _NAMESPACE, account.name, _NAME, msgspec.json.encode(progress), self._clock.now()
            )
        self._status[account.name] = HistoryStatus("done", since=progress.since)
        return True

    async def _progress(self, account: str) -> _Progress | None:
        """How far it came; where it has not begun, up to the hour of the first sample."""
        for kept in await self._store.preferences(_NAMESPACE, account):
            # What is damaged is begun anew: what was added already counts once.
            if kept.name == _NAME and (progress := decoded(kept.value, _Progress)) is not None:
                return progress
        sampled = await self._store.sampled_range(account)
        if sampled is None:
            return None
        until = _hour(sampled[0])
        # An hour less than all: what is oldest may be gone while it is asked for.
        since = min(until, max(_hour(sampled[1]) - KEPT + 2 * HOUR, until - KEPT))
        return _Progress(since, until, until)


def buckets(gauges: Mapping[str, Mapping[datetime, float]]) -> list[Bucket]:
    """The hours of which enough is known; the others stay gaps."""
    seconds = HOUR.total_seconds()
    found = []
    for start in sorted(gauges.get(CORE_GAUGES[0], {})):
        use = at_most({name: hours[start] for name, hours in gauges.items() if start in hours})
        if use is not None:
            found.append(Bucket(start, use[0] * seconds, use[1] * seconds, seconds, at_most=True))
    return found


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _refused(error: AzureError) -> str:
    return (
        f"Azure Monitor does not let the bot read metrics ({error.code}): give its identity the role "
        f"{MONITORING_READER} on the account, or on its subscription. It is tried again every day."
    )
