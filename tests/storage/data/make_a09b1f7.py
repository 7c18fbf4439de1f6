# mypy: ignore-errors
"""How ``a09b1f7.sqlite3`` was made: by the program of commit a09b1f7, the last one with the old names.

Needed only to make the file again, in a work tree of that commit::

    git worktree add --detach ../old a09b1f7
    cd ../old && PYTHONPATH=. python .../tests/storage/data/make_a09b1f7.py .../tests/storage/data/a09b1f7.sqlite3

Everything goes through the parts of that program: its commands, its journal, its observer and its alerts, against a
Batch account that the sandbox makes up. Names and ids are invented.
"""

import asyncio
import os
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from bot.access import Access
from bot.alerts.desk import Alerts
from bot.alerts.jobcards import JobCards
from bot.alerts.model import Notice
from bot.alerts.routing import key_of
from bot.ask import Ask, Person, Place
from bot.chat.slack.rooms import Rooms
from bot.commands import Registry
from bot.desk import FrontDesk
from bot.dispatch import Dispatcher
from bot.links import Links
from bot.watch.collector import Collector
from bot.watch.facts import Entity, Finding, Severity, Step, Tally
from bot.watch.kinds import Kind, discover
from bot.watch.observer import Observer
from bot.watch.watcher import Watcher
from storage.watching import Batch, Letter

import handlers
from bot.azure.accounts import Accounts
from bot.clock import Clock
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock as WorldClock
from bot.sandbox.world.scenarios import build
from bot.settings import AccessSettings, AccountSettings, AlertSettings
from cards.card import Card, plain
from storage.port import LentFile, Reference
from storage.sqlite import SqliteStore

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)  # a Friday
OTTO = Person("slack", "U0OTTO", "Otto", "Europe/Berlin")
VERA = Person("slack", "U0VERA", "Vera", "America/Chicago")
MIRA = Person("teams", "29:mira", "Mira", "UTC")
OPS = Place("slack", "C0OPS", team="T0", name="ops")
DEV = Place("slack", "C0DEV", team="T0", name="dev")
QUIET = Place("slack", "C0QUIET", team="T0", name="quiet")
ALONE = Place("slack", "D0VERA", kind="personal", team="T0", name="Vera")
ROOM = Place("teams", "19:alerts@thread.tacv2", team="tenant", name="Alerts", service_url="https://smba.example/emea/")


class Still(Clock):
    """A clock that is moved."""

    def __init__(self):
        super().__init__()
        self.at = START

    def now(self):
        return self.at


class Delivery:
    """Takes the letters; how far they came is noted afterwards."""

    def __init__(self):
        self.letters: dict[str, Letter] = {}

    def put(self, letters):
        self.letters |= {each.id: each for each in letters}

    def backlog(self, where):
        return 0


class Chat:
    """Answers, refuses to, or never comes back from answering, by the first letter of a request's key."""

    async def zone(self, person):
        return "UTC"

    async def answer(self, ask, card):
        if ask.key.startswith("hang"):
            await asyncio.sleep(3600)
        if ask.key.startswith("fail"):
            raise RuntimeError("the platform is down")
        return "1700000000.000100"

    async def edit(self, place, message, card):
        return None


def watched_kinds(extra: dict[str, list[Finding]]) -> dict[str, Kind]:
    """The program's own kinds, which also find what is in ``extra``."""

    def judged(kind):
        def judge(scene):
            yield from kind.judge(scene)
            yield from extra.get(kind.name, [])

        return judge

    return {
        name: Kind(k.name, k.entity, k.severity, k.says, k.reads, judged(k), k.silences, k.quiet)
        for name, k in discover().items()
    }


def finding(kind, name, headline, *, parent="", count=1, severity=None, related=(), since=START) -> Finding:
    return Finding(
        entity=Entity(kind, name, parent),
        headline=headline,
        since=since,
        severity=severity,
        figures=(("Pool", "pool1"), ("Nodes", str(count))),
        cause="exit code 137 ×2 · exit code 1 ×1",
        evidence="MemoryError: unable to allocate 3.1 GiB (frame-0021)",
        steps=(Step("Logs", "log job1 task-01 stderr.txt"), Step("Delete", "job delete job1", verb=True)),
        related=related,
        count=count,
        causes=(Tally("exit code 137", 2, "task-01", "Killed", "stderr.txt"), Tally("exit code 1", 1)),
    )


async def make(path: Path) -> None:
    world = build("tiny", seed=3, clock=WorldClock(START - timedelta(hours=1), paused=True))
    world.clock.advance(timedelta(hours=1))
    world.settle()
    [(name, state)] = world.accounts.items()
    sandbox = AzureSandbox(world)
    await sandbox.start()
    os.environ["IDENTITY_ENDPOINT"], os.environ["IDENTITY_HEADER"] = sandbox.identity_endpoint, sandbox.identity_header
    settings = AccountSettings(
        endpoint=sandbox.endpoints[name],
        subscription=state.facts.subscription,
        resource_group=state.facts.resource_group,
        account=name,
        region=state.facts.location,
        arm_endpoint=sandbox.arm_url,
        credential="managed_identity",
    )
    accounts = Accounts({name: settings}, {})
    store = SqliteStore.open(path)
    clock, delivery = Still(), Delivery()
    extra: dict[str, list[Finding]] = {}
    alerts = Alerts(store, watched_kinds(extra), AlertSettings(), delivery, clock, zone="UTC", several=False)
    jobs = JobCards(store, delivery, clock, zone=alerts.zone_of, several=False)
    await alerts.load()
    await jobs.load()
    observer = Observer(next(iter(accounts)), store, clock)
    watcher = Watcher([observer], alerts.saw, clock, [jobs.after])
    collector = Collector(accounts, store)
    await observer.load()

    async def direct(person, place):
        return ALONE

    dispatcher = Dispatcher(
        Registry.discover(handlers),
        Access(AccessSettings(operators=["slack:U0OTTO", "teams:29:mira"])),
        accounts,
        store,
        zone="UTC",
        bot_name="batch",
        alerts=alerts,
        jobs=jobs,
        direct=direct,
    )

    async def look(seconds: float = 30, sample: bool = False) -> None:
        clock.at += timedelta(seconds=seconds)
        world.clock.advance(timedelta(seconds=seconds))
        world.settle()
        observer.watched_jobs = jobs.watched(name)
        await watcher.once(observer)
        await alerts.tick()
        if sample:
            await collector.collect(next(iter(accounts)))

    async def ask(text: str, person: Person = OTTO, place: Place = OPS) -> Card:
        card = await dispatcher.card(Ask("k", text, person, place, datetime.now(UTC)))
        print(f"{text:50}", plain(card.title))
        return card

    # Conversations: three that can be written to, one that the bot was removed from, and Teams.
    rooms = Rooms(store)
    for place in (OPS, DEV, QUIET):
        await rooms.remember(place)
    await rooms.shut(Place("slack", "C0GONE", team="T0", name="gone"))
    await store.remember(Reference("teams", ROOM.id, msgspec.json.encode(ROOM), clock.at))

    # What people set.
    await ask(f"use {name}")
    await ask(f"use {name}", VERA, ALONE)
    await ask(f"use {name}", MIRA, ROOM)
    await ask("save failing job list failed>0")
    await ask("save mine pools pool list", VERA)
    await ask("save rooms pool show pool1", MIRA, ROOM)
    await ask("alert subscribe")
    await ask("alert subscribe node.* pool.* severity:info entity:pool:pool*", OTTO, DEV)
    await ask("alert subscribe", OTTO, QUIET)
    await ask("alert subscribe job.failed to:me", VERA)
    await ask("alert subscribe", MIRA, ROOM)
    await ask("alert hours 18:00-08:00 zone:Europe/Berlin days:mon-fri", OTTO, QUIET)
    await ask("alert mute job:muted-* for:7d kind:job.*", OTTO, OPS)
    await ask("alert mute pool:old-* for:ever", OTTO, DEV)

    for _ in range(6):
        await look(sample=True)
    await ask("job watch job1")
    await ask("job watch job1", MIRA, ROOM)
    state.mischief.add_job("ended", "pool1", 6, seconds=20.0, failing=0.5, cause="exit-137")
    state.commands.set_on_all_tasks_complete("ended", "terminatejob")
    for _ in range(8):
        await look(sample=True)
    state.mischief.break_nodes("pool1")
    await look(300, sample=True)

    # Incidents. In Berlin it is early in the morning: the quiet channel still has its quiet hours.
    extra["pool.resize_failed"] = [finding("pool", "acked", "pool acked: the resize fell short by 4 nodes", count=4)]
    await look()
    await look(40)
    await ask(f"alert ack {by(alerts, 'acked')} remind:1d")
    extra["pool.resize_failed"].append(finding("pool", "snoozed", "pool snoozed: the resize fell short by 2 nodes"))
    await look(400)
    await look(40)
    await ask(f"alert snooze {by(alerts, 'snoozed')} 2d", VERA)
    extra["job.stuck"] = [finding("job", "muted-1", "job muted-1: 12 tasks wait, none runs for 30 min")]
    extra["job.failed"] = [
        finding(
            "job", "bad", "job bad failed: 3 of 6 tasks", severity=Severity.CRITICAL, related=(Entity("pool", "x"),)
        )
    ]
    await look(400)
    await look(40)
    extra["job.failed"] = []  # resolved
    await look(60)
    extra["account.unreachable"] = [finding("account", name, "the account cannot be read", severity=Severity.CRITICAL)]
    await look(30)
    extra["pool.resize_failed"].append(finding("pool", "explained", "pool explained: the resize fell short by 1 node"))
    await look(30)
    extra["account.unreachable"] = []
    await look(400)
    # A burst becomes a digest, part of it gets worse, and one more is still gathered.
    burst = [finding("pool", f"burst-{n}", f"pool burst-{n}: short by {n} nodes", count=n) for n in range(7)]
    extra["pool.resize_failed"] += burst
    await look(1)
    await look(330)
    extra["pool.resize_failed"][-1] = msgspec.structs.replace(burst[-1], severity=Severity.CRITICAL, count=60)
    await look(30)
    idle = Entity("pool", "idle-1")
    extra["job.stuck"].append(finding("job", "waits", "job waits: 2 tasks wait, none runs", related=(idle,)))
    await look(330)
    extra["pool.idle"] = [finding("pool", "idle-1", "pool idle-1: 3 nodes have nothing to do")]
    await look(20)
    flapping = finding("node", "tvm-1", "node tvm-1 is unusable", parent="pool1")
    for _ in range(4):
        extra["node.unusable"] = [flapping]
        await look(60)
        extra["node.unusable"] = []
        await look(60)
    extra["node.unusable"] = [flapping]
    extra["pool.resize_failed"].append(finding("pool", "late", "pool late: the resize fell short by 1 node"))
    await look(5)

    await ask("alert test", OTTO, DEV)
    await delivered(store, delivery, alerts, clock.at)

    # Requests: three finished, one that failed, two that a crash left behind.
    desk = FrontDesk(dispatcher, store, {"slack": Chat(), "teams": Chat()})
    for key, text, person, place in (
        ("done-1", "pool list", OTTO, OPS),
        ("done-2", "job list", VERA, DEV),
        ("fail-1", "home", VERA, DEV),
        ("hang-1", "pool show pool1", OTTO, OPS),
        ("hang-2", "alert list", MIRA, ROOM),
    ):
        how = {"message": "1700000000.000200", "how": "edit", "values": {"page": "2"}} if key == "hang-1" else {}
        given = Ask(key, text, person, place, datetime.now(UTC), reply_url="", **how)
        task = await desk.accept(given)
        if not key.startswith("hang"):
            await task
    await asyncio.sleep(0.5)
    await desk.drain(0.1)

    links = Links(store, "https://bot.example", clock=lambda: datetime(2036, 1, 1, tzinfo=UTC))
    await links.link(b"\x89PNG not really")
    await links.file_link(LentFile(b"id,state\r\ntask-01,failed\r\n", "text/csv", "tasks.csv"))
    await store.prune(clock.at)
    await store.close()
    await accounts.close()
    await sandbox.close()
    db = sqlite3.connect(path, isolation_level=None)
    # The key that signs links is made at random; a fixed one cannot be taken for a real one.
    db.execute("UPDATE meta SET value = ? WHERE name LIKE 'secret:%'", [bytes(range(32))])
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("PRAGMA page_size = 1024")  # many small tables
    db.execute("VACUUM")
    db.close()


def by(alerts: Alerts, entity: str) -> str:
    return next(each.id for each in alerts.open() if each.entity.id == entity)


async def delivered(store: SqliteStore, delivery: Delivery, alerts: Alerts, at: datetime) -> None:
    """Every state that a letter can have."""
    for number, letter in enumerate(delivery.letters.values()):
        stamp = f"1700000{number:03}.000{number:03}"
        match number % 8:
            case 1:  # never tried
                continue
            case 2:  # in doubt
                await store.claim(letter.id, at)
                await store.undone(letter.id, "claimed", "timeout")
            case 3:
                await store.undone(letter.id, "gone", "not_in_channel", at + timedelta(hours=1))
            case 4:
                await store.claim(letter.id, at)
                await store.undone(letter.id, "dead", "msg_too_long")
            case 5:
                await store.claim(letter.id, at)
                await store.undone(letter.id, "open", "ratelimited", at + timedelta(minutes=1))
            case 6:  # an older version is shown
                await store.claim(letter.id, at)
                await store.delivered(letter.id, max(1, letter.version - 1), stamp, "C0OPS")
            case _:
                await store.claim(letter.id, at)
                await store.delivered(letter.id, letter.version, stamp, letter.where.partition(":")[2])
    # What no tick of this minute brings about: a notice that waits for the end of a snooze.
    snoozed = by(alerts, "snoozed")
    notice = Notice(
        incident=snoozed, place=key_of(QUIET), why="snooze", since=at, held="snoozed", by="", due=at + timedelta(days=2)
    )
    await store.record(Batch(notices=[notice.row()]))


asyncio.run(make(Path(sys.argv[1])))
