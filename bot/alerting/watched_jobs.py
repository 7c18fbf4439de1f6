"""Watched jobs: one living card for each that somebody watches in a conversation, until the job is over.

What is watched is kept in the store and survives a restart. The card is an outbox entry that changes; at the end a
second one below it says so aloud, to whoever asked. The entries of a watch have the same ids whenever they are written,
so one that is ended twice because of a crash is still reported once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot.alerting.job_progress import JobCardWriter
from bot.alerting.routing import key_of
from bot.chat.request import Conversation, Person
from bot.clock import Clock
from bot.domain.states import is_over
from bot.monitor.scene import JobView, PoolView, Scene
from cards.card import Card
from storage.port.changes import ChangeSet
from storage.port.decoding import decoded
from storage.port.outbox import OutboxEntry
from storage.port.store import Store

WATCHES = "watch"
"""Space of the store."""
EDITS = timedelta(seconds=15)
"""Between two edits of a card at least."""
STILL = timedelta(seconds=60)
"""A card that would say the same again is edited only so often, to say when it was last true."""
LONGEST = timedelta(days=7)
MISSING = timedelta(minutes=10)
"""A job that no poll shows for so long, and of which no end was seen, is not there."""
SETTLING = timedelta(minutes=3)
"""A job that no poll shows is told to be over so long after its end: a poll that saw it would have shown it."""
MOST = 20
"""Jobs that a conversation can watch at once: each is a message that is edited all the time."""


class Post(Protocol):
    """What is needed of the delivery."""

    def put(self, entries: Iterable[OutboxEntry]) -> None:
        """These were stored: bring them out."""
        ...


class Watched(Struct, frozen=True, kw_only=True):
    """A job that somebody watches in a conversation; ``since`` is the bot's clock, ``entry`` the id of its card."""

    conversation: Conversation
    person: Person
    account: str
    job: str
    since: datetime
    entry: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Conversation, account and job: what there is one of."""
        return key_of(self.conversation), self.account, self.job


class _State(Struct):
    """What is remembered of a watch between polls; a restart may forget it."""

    view: JobView
    pools: dict[str, PoolView] = {}
    edited: datetime | None = None
    missing: datetime | None = None
    shown: Card | None = None


class WatchedJobs:
    """The living cards of every account. Start with :meth:`load`; :meth:`after` is called after each poll."""

    def __init__(
        self,
        store: Store,
        post: Post,
        clock: Clock,
        *,
        zone: Callable[[str], str],
        several: bool,
        nudge: Callable[[str], None] = lambda account: None,
    ) -> None:
        """``zone`` gives a conversation's zone, ``several`` that there is more than one account.

        ``nudge`` asks for a poll of an account, so that the first card does not have to wait for the next.
        """
        self._store = store
        self._post = post
        self._clock = clock
        self._nudge = nudge
        self._writer = JobCardWriter(zone, several=several)
        self._watched: dict[tuple[str, str, str], Watched] = {}
        self._states: dict[tuple[str, str, str], _State] = {}
        self._versions: dict[str, int] = {}
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Take up what is stored. Raises StoreError."""
        async with self._lock:
            await self._load()

    @asynccontextmanager
    async def moving(self) -> AsyncIterator[None]:
        """What is kept of conversations is changed inside, and nothing else meanwhile; it is read anew after that."""
        async with self._lock:
            yield
            await self._load()

    async def _load(self) -> None:
        watched = await _kept(self._store)
        entries = [name for each in watched for name in (each.entry, _over(each))]
        known = await self._store.deliveries(entries)
        self._versions = {each.entry.id: each.entry.version for each in known}
        self._watched = {each.key: each for each in watched}
        self._states = {each.key: _State(JobView(each.job)) for each in watched}

    def watched(self, account: str) -> set[str]:
        """The jobs of an account whose counts somebody follows."""
        return {each.job for each in self._watched.values() if each.account == account}

    def now(self) -> datetime:
        """The bot's clock, by which it is counted since when a job is watched."""
        return self._clock.now()

    def here(self, conversation: Conversation) -> list[Watched]:
        """What is watched in a conversation, by account and job."""
        key = key_of(conversation)
        return sorted(
            (each for each in self._watched.values() if key_of(each.conversation) == key), key=lambda each: each.key
        )

    async def watch(self, conversation: Conversation, person: Person, account: str, job: str) -> Watched:
        """Watch a job in a conversation; one that is watched there already stays as it is. Raises StoreError."""
        conversation = replace(conversation, thread=None)
        async with self._lock:
            known = self._watched.get((key_of(conversation), account, job))
            if known:
                return known
            now = self._clock.now()
            name = f"watch-{secrets.token_hex(5)}"
            watched = Watched(conversation=conversation, person=person, account=account, job=job, since=now, entry=name)
            await self._store.put_preference(
                WATCHES, key_of(conversation), f"{account}/{job}", msgspec.json.encode(watched), now
            )
            self._watched[watched.key] = watched
            self._states[watched.key] = _State(JobView(job))
        self._nudge(account)
        return watched

    async def unwatch(self, conversation: Conversation, account: str, job: str) -> Card | None:
        """Watch it no more; returns the card as it stays, None where it is not watched there. Raises StoreError."""
        async with self._lock:
            watched = self._watched.get((key_of(conversation), account, job))
            if watched is None:
                return None
            seen = self._states[watched.key].view.counted or self._clock.now()
            return await self._end(watched, seen, "no longer watched", aloud=False)

    async def after(self, account: str, scene: Scene, now: datetime) -> None:
        """A poll was stored: bring the cards in line with it; ``now`` is the bot's clock. Raises StoreError."""
        async with self._lock:
            for watched in [each for each in self._watched.values() if each.account == account]:
                await self._follow(watched, scene, now)

    async def _follow(self, watched: Watched, scene: Scene, now: datetime) -> None:
        state = self._states[watched.key]
        over = next((job for job in scene.ended if job.id == watched.job), None)
        going = scene.job(watched.job)
        view = over or going
        if view is not None:
            state.view, state.missing = _copied(view), None
            pool = scene.pool(view.pool)
            state.pools = {view.pool: pool} if pool else {}
        if over is not None:
            await self._finish(watched, scene.at, _ended(over), last=over.final or not is_over(over.state))
        elif scene.blind is not None or "jobs" not in scene.read:
            return
        elif going is None:
            await self._missing(watched, state, scene.at, now)
        elif now - watched.since > LONGEST:
            await self._finish(watched, scene.at, "watched for a week, and no longer")
        elif state.edited is None or now - state.edited >= EDITS:
            await self._edit(watched, state, scene.at, now)

    async def _edit(self, watched: Watched, state: _State, at: datetime, now: datetime) -> None:
        """The card as it is now, unless it would say what it says and said so a moment ago."""
        card = self._card(watched, at)
        same = state.shown is not None and replace(card, as_of=None) == replace(state.shown, as_of=None)
        if same and state.edited is not None and now - state.edited < STILL:
            return
        await self._write([self._entry(watched.entry, watched, card, now)])
        state.edited, state.shown = now, card

    async def _missing(self, watched: Watched, state: _State, at: datetime, now: datetime) -> None:
        """No poll shows it: it was over before, or is not there."""
        seen = await self._store.transitions(watched.account, entity="job", id=watched.job, limit=1)
        if seen and seen[0].after in _WORDS:
            if at - seen[0].at < SETTLING:
                return
            if _over(watched) in self._versions:  # it was said with all that ever came of it
                await self._forget(watched)
                return
            if seen[0].after == "completed":
                state.view.state, state.view.ended = "completed", seen[0].at
            await self._finish(watched, at, _WORDS[seen[0].after])
            return
        state.missing = state.missing or now
        if now - state.missing >= MISSING:
            await self._finish(watched, at, "is not there any more")

    async def _finish(self, watched: Watched, at: datetime, ended: str, *, last: bool = True) -> None:
        await self._end(watched, at, ended, aloud=True, last=last)

    async def _end(self, watched: Watched, at: datetime, ended: str, *, aloud: bool, last: bool = True) -> Card:
        """The card at the end, and whoever asked is notified. It is not the ``last`` one while counts are to come."""
        state, now = self._states[watched.key], self._clock.now()
        card = self._card(watched, at, ended)
        if not last and state.shown is not None and replace(card, as_of=None) == replace(state.shown, as_of=None):
            return card
        state.shown = card
        entries = [self._entry(watched.entry, watched, card, now)]
        if aloud:
            where = key_of(watched.conversation)
            said = self._writer.over(watched.account, state.view, where, at, ended, watched.person)
            entries.append(self._entry(_over(watched), watched, said, now, reply_to=watched.entry))
        await self._write(entries)
        if last:
            await self._forget(watched)
        return card

    async def _forget(self, watched: Watched) -> None:
        await self._store.delete_preference(WATCHES, key_of(watched.conversation), f"{watched.account}/{watched.job}")
        del self._watched[watched.key], self._states[watched.key]
        for name in (watched.entry, _over(watched)):
            self._versions.pop(name, None)

    def _card(self, watched: Watched, at: datetime, ended: str = "") -> Card:
        state = self._states[watched.key]
        where = key_of(watched.conversation)
        return self._writer.card(
            watched.account, state.view, state.pools, where, at, ended=ended, asker=watched.person
        )  # fmt: skip

    def _entry(self, name: str, watched: Watched, card: Card, now: datetime, *, reply_to: str = "") -> OutboxEntry:
        return OutboxEntry(
            name,
            key_of(watched.conversation),
            msgspec.json.encode(watched.conversation),
            msgspec.json.encode(card),
            self._versions.get(name, 0) + 1,
            now,
            reply_to=reply_to,
            broadcast=bool(reply_to),
        )

    async def _write(self, entries: list[OutboxEntry]) -> None:
        await self._store.record(ChangeSet(entries=entries))
        self._versions |= {entry.id: entry.version for entry in entries}
        self._post.put(entries)


async def watched_in(store: Store) -> dict[str, set[str]]:
    """The jobs whose counts somebody follows, by account. Raises StoreError."""
    found: dict[str, set[str]] = {}
    for each in await _kept(store):
        found.setdefault(each.account, set()).add(each.job)
    return found


async def _kept(store: Store) -> list[Watched]:
    found = [decoded(kept.value, Watched) for _, kept in await store.all_preferences(WATCHES)]
    return [each for each in found if each is not None]


_WORDS = {"completed": "has ended", "deleted": "was deleted"}


def _ended(job: JobView) -> str:
    return _WORDS["completed" if job.state.lower() == "completed" else "deleted"]


def _over(watched: Watched) -> str:
    """The outbox entry that says aloud that it is over."""
    return f"{watched.entry}-over"


def _copied(view: JobView) -> JobView:
    """The view as it is now: the observer goes on drawing in its own."""
    return replace(view, rate=list(view.rate), causes=dict(view.causes))
