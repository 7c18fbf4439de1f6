"""A database of commit a09b1f7, the last one with the old names, is taken over and nothing in it is lost.

``data/a09b1f7.sqlite3`` was written by the program of that commit; ``data/make_a09b1f7.py`` tells how. What has to be
there afterwards is read from the old file itself, by its old names, without any code of the program.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from sqlite_utils import Database

from bot.alerting.model import Notification
from bot.alerting.rules import discover
from bot.alerting.service import AlertService
from bot.alerting.watched_jobs import WatchedJobs
from bot.chat.request import CommandRequest, Conversation, Person
from bot.monitor.account_state import AccountState
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.journal import RequestJournal
from bot.requests.preferences import default_account
from bot.requests.services import AzureReading, Services
from bot.settings import AccessSettings, AlertSettings
from cards.card import Card, plain
from cards.text import render
from storage.port.core_use import NO_USE, CoreUse
from storage.port.outbox import DeliveryState
from storage.port.samples import Sample
from storage.sqlite.migrations import migrations
from storage.sqlite.store import SqliteStore
from tests.alerting.alert_room import RecordedEntries, StillClock
from tests.commands import every_command

pytestmark = pytest.mark.usefixtures("made_anew")

OLD = Path(__file__).parent / "data" / "a09b1f7.sqlite3"
THEN = datetime(2026, 11, 20, 7, tzinfo=UTC)
"""A few minutes after the file was written, by the clock of what is in it."""
ACCOUNT = "tiny"
OTTO, VERA = Person("slack", "U0OTTO", "Otto"), Person("slack", "U0VERA", "Vera")
MIRA = Person("teams", "29:mira", "Mira")
OPS = Conversation("slack", "C0OPS")
ALONE = Conversation("slack", "D0VERA", "personal")
ROOM = Conversation("teams", "19:alerts@thread.tacv2")


class OldFile:
    """What the old file says, in its own names."""

    def __init__(self, path: Path = OLD) -> None:
        self._db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        self._db.row_factory = sqlite3.Row

    def rows(self, table: str, order: str = "rowid") -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute(f"SELECT * FROM {table} ORDER BY {order}")]

    def bodies(self, table: str) -> list[dict[str, Any]]:
        return [json.loads(row["body"]) for row in self.rows(table)]

    def prefs(self, space: str) -> list[tuple[str, dict[str, Any]]]:
        rows = [row for row in self.rows("prefs", "space, owner, name") if row["space"] == space]
        return [(row["owner"], json.loads(row["value"])) for row in rows]


@pytest.fixture
def old() -> OldFile:
    return OldFile()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    copy = tmp_path / "bot.db"
    shutil.copyfile(OLD, copy)
    return copy


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(path)
    yield store
    await store.close()


@pytest.fixture
async def alerts(store: SqliteStore) -> AlertService:
    alerts = AlertService(
        store, discover(), AlertSettings(), RecordedEntries(), StillClock(THEN), zone="UTC", several=False
    )
    await alerts.load()
    return alerts


def builtins(struct: Any) -> Any:
    """As JSON would have it."""
    return json.loads(msgspec.json.encode(struct))


def moment(micros: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def renamed(body: dict[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in body.items()}


def of_today(body: dict[str, Any]) -> dict[str, Any]:
    """With what is known of a person today, which an older version did not ask for: no groups and no home."""
    return {
        **body,
        "person": {
            **body["person"],
            "groups": [],
            "home": "",
            "homes": [],
            "kind": "member",
            "unread": [],
            "kind_read": True,
        },
    }


# What the file has to hold for the rest to prove anything.


def test_the_old_file_holds_every_case(old: OldFile) -> None:
    assert {row["state"] for row in old.rows("letters")} == {"open", "claimed", "gone", "dead"}
    for case in ("sent < version", "sent >= version", "under <> ''", "loud = 1", "first IS NOT NULL", "error <> ''"):
        assert old._db.execute(f"SELECT count(*) FROM letters WHERE {case}").fetchone()[0], case
    notices = old.bodies("notices")
    assert {each["held"] for each in notices} == {"", "grouping", "quiet", "muted", "silenced", "snoozed"}
    assert any(each["gathered"] for each in notices)
    incidents = old.bodies("incidents")
    for case in ("acknowledged", "snoozed", "flapping", "resolved", "causes", "steps", "related", "history"):
        assert any(each[case] for each in incidents), case
    spaces = {row["space"] for row in old.rows("prefs", "space")}
    assert spaces == {"account", "hours", "mute", "query", "subscription", "watch"}
    assert Counter(row["state"] for row in old.rows("journal")) == {"done": 2, "failed": 1, "new": 2}


# The parts of the program find everything.


async def test_subscriptions_mutes_and_quiet_hours(alerts: AlertService, old: OldFile) -> None:
    subscriptions = [renamed(body, place="conversation") for _, body in old.prefs("subscription")]
    assert [builtins(alerts.incidents.subscription(each["id"])) for each in subscriptions] == subscriptions
    assert len(alerts.incidents.subscriptions()) == len(subscriptions) == 5
    mutes = old.prefs("mute")
    for owner in {owner for owner, _ in mutes}:
        assert [builtins(each) for each in alerts.incidents.mutes(owner)] == [
            body for one, body in mutes if one == owner
        ]
    hours = {owner: {"nights": [0, 1, 2, 3, 4, 5, 6]} | body for owner, body in old.prefs("hours")}
    assert {owner: builtins(alerts.incidents.hours(owner)) for owner in hours} == hours


async def test_incidents_with_their_acknowledgements_and_snoozes(alerts: AlertService, old: OldFile) -> None:
    bodies = [in_words_of_alerting(body) for body in old.bodies("incidents")]
    opened = {body["id"]: body for body in bodies if body["state"] == "open"}
    assert {each.id: builtins(each) for each in alerts.incidents.open()} == opened
    assert {"event", "resolved"} <= {body["state"] for body in bodies}
    assert any(action["changes"] for body in bodies for action in body["actions"])
    for body in bodies:
        assert builtins(await alerts.find(body["id"])) == body
    past = await alerts.past(ACCOUNT, THEN - timedelta(days=1))
    assert {each.id for each in past} == {body["id"] for body in old.bodies("incidents")}
    [rules] = [{row["id"]: row["kind"] for row in old.rows("incidents")}]
    assert {row.id: row.rule for row in await alerts._store.incidents()} == rules


def in_words_of_alerting(body: dict[str, Any]) -> dict[str, Any]:
    """An incident's body, whose steps were to become actions, and what was told an event; what was over was mended."""
    actions = [renamed(step, verb="changes") for step in body["steps"]]
    state = {"told": "event"}.get(body["state"], body["state"])
    return renamed(body, steps="actions") | {
        "actions": actions,
        "state": state,
        "mended": True,
        "counted": None,
        "published": None,
    }


HELD = {"silenced": "inhibited", "snoozed": ""}
"""Reasons that have other words today."""


async def test_notifications_in_every_state(alerts: AlertService, store: SqliteStore, old: OldFile) -> None:
    bodies = {
        (body["incident"], body["place"]): renamed(body, place="conversation", letter="entry")
        | {"held": HELD.get(body["held"], body["held"])}
        for body in old.bodies("notices")
    }
    rows = await store.notifications([body["id"] for body in old.bodies("incidents")])
    stored = {(row.incident, row.conversation): row for row in rows}
    assert {key: builtins(msgspec.json.decode(row.body, type=Notification)) for key, row in stored.items()} == bodies
    assert {key: row.open for key, row in stored.items()} == {
        (row["incident"], row["place"]): bool(row["open"]) for row in old.rows("notices")
    }
    known = [each for body in old.bodies("incidents") for each in alerts.incidents.notifications_of(body["id"])]
    loaded = {(each.incident, each.conversation): builtins(each) for each in known}
    assert loaded == {key: bodies[key] for key in loaded}
    going = {each.id for each in alerts.incidents.open()}
    assert loaded.keys() >= {key for key in bodies if key[0] in going}


async def test_the_outbox_goes_on_where_it_was(alerts: AlertService, store: SqliteStore, old: OldFile) -> None:
    letters = old.rows("letters", "seq")
    states = await store.deliveries([row["id"] for row in letters])
    assert [as_letter(each) for each in states] == [
        {name: value for name, value in row.items() if name != "seq"} for row in letters
    ]
    behind = [row for row in letters if row["state"] == "claimed" or row["sent"] < row["version"]]
    expected = [row["id"] for row in sorted(behind, key=lambda row: (row["due"], row["seq"])) if row["state"] != "dead"]
    assert [each.entry.id for each in await store.undelivered()] == expected
    for each in states:
        assert msgspec.json.decode(each.entry.card, type=Card).title
        conversation = msgspec.json.decode(each.entry.address, type=Conversation)
        assert f"{conversation.platform}:{conversation.id}" == each.entry.destination
    known = [each for body in old.bodies("incidents") for each in alerts.incidents.notifications_of(body["id"])]
    named = {each.entry for each in known if each.entry}
    assert named
    assert all(alerts.incidents.entry(name) for name in named), "what is shown is edited, not posted anew"
    gone = Counter(row["place"] for row in letters if row["state"] == "gone")
    assert {where: await store.destination_restored(where) for where in gone} == gone


def as_letter(state: DeliveryState) -> dict[str, Any]:
    """An entry in the names of the old table."""
    entry = state.entry

    def micros(at: datetime | None) -> int | None:
        return None if at is None else (at - moment(0)) // timedelta(microseconds=1)

    return {
        "id": entry.id,
        "place": entry.destination,
        "address": entry.address,
        "card": entry.card,
        "version": entry.version,
        "due": micros(entry.not_before),
        "under": entry.reply_to,
        "loud": entry.broadcast,
        "state": state.state,
        "sent": state.sent,
        "message": state.message,
        "channel": state.channel,
        "attempts": state.attempts,
        "first": micros(state.first_attempt),
        "error": state.error,
    }


async def test_watched_jobs(store: SqliteStore, alerts: AlertService, old: OldFile) -> None:
    jobs = WatchedJobs(store, RecordedEntries(), StillClock(THEN), zone=alerts.zone_of, several=False)
    await jobs.load()
    watched = [of_today(renamed(body, place="conversation", letter="entry")) for _, body in old.prefs("watch")]
    assert [builtins(each) for where in (OPS, ROOM) for each in jobs.here(where)] == watched
    assert jobs.watched(ACCOUNT) == {"job1"}


@pytest.mark.parametrize(("person", "conversation"), [(OTTO, OPS), (VERA, ALONE), (MIRA, ROOM)])
async def test_default_accounts(store: SqliteStore, person: Person, conversation: Conversation) -> None:
    chosen = await default_account(store, asked("home", person, conversation), [ACCOUNT])
    assert chosen is not None
    assert (chosen.default.account, chosen.default.by.name) == (ACCOUNT, person.name)


@pytest.mark.parametrize(
    ("person", "conversation", "name", "command"),
    [
        (OTTO, OPS, "failing", "job list 'failed>0'"),
        (VERA, ALONE, "pools", "pool list"),
        (MIRA, ROOM, "rooms", "pool show pool1"),
    ],
)
async def test_saved_queries(
    store: SqliteStore, person: Person, conversation: Conversation, name: str, command: str
) -> None:
    card = await dispatcher(store).card(asked("saved", person, conversation))
    shown = str(render(card, width=200).payload["text"])
    assert name in shown
    assert command in shown


async def test_requests_that_a_crash_left_behind(path: Path, old: OldFile) -> None:
    left = [row["key"] for row in old.rows("journal") if row["state"] == "new"]
    with sqlite3.connect(path) as db:  # as if it had crashed a minute ago: what is older is given up
        accepted = (datetime.now(UTC) - moment(0) - timedelta(minutes=1)) // timedelta(microseconds=1)
        db.execute("UPDATE journal SET accepted = ? WHERE state = 'new'", [accepted])
    store = SqliteStore.open(path)
    for row in old.rows("journal"):
        assert not await store.accept(row["key"], b"", moment(row["accepted"])), "it is known"
    slack, teams = Answers(), Answers()
    journal = RequestJournal(dispatcher(store), store, {"slack": slack, "teams": teams})  # type: ignore[dict-item]
    assert await journal.resume() == len(left) == 2
    await journal.drain(10)
    bodies = {body["key"]: of_today(renamed(body, place="conversation")) for body in old.bodies("journal")}
    assert {request.key: builtins(request) for request in (*slack.asked, *teams.asked)} == {
        key: {**bodies[key], "files": [], "through": "", "asides": False} for key in left
    }
    assert await store.unfinished() == []
    await store.close()


class Answers:
    """A chat that takes every answer."""

    def __init__(self) -> None:
        self.asked: list[CommandRequest] = []

    async def zone(self, person: Person) -> str:
        return "UTC"

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        return None

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        assert plain(card.title)
        self.asked.append(request)
        return "m"

    async def edit(self, conversation: Conversation, message: str, card: Card) -> None: ...


async def test_what_monitoring_knows(store: SqliteStore, old: OldFile) -> None:
    transitions = await store.transitions(ACCOUNT)
    assert [(t.entity, t.parent, t.id, t.before, t.after, t.details) for t in reversed(transitions)] == [
        tuple(row[name] for name in ("entity", "parent", "id", "before", "after", "details"))
        for row in old.rows("transitions", "at, seq")
    ]
    counts = await store.transition_counts(ACCOUNT, THEN - timedelta(days=1), THEN + timedelta(days=1))
    assert sum(each.count for each in counts) == sum(row["count"] for row in old.rows("transition_hours", "start"))
    cursors = await store.cursors(ACCOUNT)
    assert {each.stream: each.at for each in cursors} == {
        row["stream"]: moment(row["at"]) for row in old.rows("cursors", "stream")
    }
    snapshots = await store.snapshots(ACCOUNT)
    assert {(each.entity, each.id, each.body) for each in snapshots} == {
        (row["entity"], row["id"], row["body"]) for row in old.rows("views")
    }
    known = AccountState()
    known.restore(cursors, snapshots, transitions)
    assert (set(known.pools), set(known.jobs), known.quota != AccountState().quota) == ({"pool1"}, {"job1"}, True)


async def test_samples_conversations_files_and_the_key_of_links(store: SqliteStore, old: OldFile) -> None:
    looks = [row["at"] for row in old.rows("samples", "at")]
    assert await store.sampled_range(ACCOUNT) == (moment(min(looks)), moment(max(looks)))
    [account] = [row["id"] for row in old.rows("series") if row["pool"] == ""]
    minutes = [row for row in old.rows("rollups", "start") if row["step"] == 60 and row["series"] == account]
    buckets = await store.usage(ACCOUNT, None, THEN - timedelta(hours=3), THEN, 60)
    assert [(each.busy, each.total) for each in buckets] == [(row["busy"], row["total"]) for row in minutes]
    raw = {row["at"]: row for row in old.rows("samples", "at") if row["series"] != account}
    samples = await store.samples(ACCOUNT, "pool1", THEN - timedelta(days=1), THEN)
    assert {(each.at, each.busy, each.dedicated.unknown, each.spot_nodes, each.jobs) for each in samples} == {
        (moment(at), row["busy"], row["total"] - row["busy"], 0, ()) for at, row in raw.items()
    }
    of_jobs = await store.usage_by_job(ACCOUNT, THEN.replace(hour=0), THEN, 86400)
    assert {each.job for each in of_jobs} <= {""}
    assert sum(each.dedicated for each in of_jobs) == pytest.approx(sum(row["busy"] for row in minutes))
    conversations = {(each.platform, each.id): each for each in await store.conversations()}
    for row in old.rows("conversations"):
        kept = conversations.pop((row["platform"], row["id"]))
        assert (kept.body, kept.seen, kept.reachable) == (row["body"], moment(row["seen"]), bool(row["reachable"]))
        assert msgspec.json.decode(kept.body, type=Conversation).id == row["id"]
    assert not conversations
    for row in old.rows("files"):
        file = await store.file(row["key"], moment(row["expires"] - 1))
        assert file
        assert (file.body, file.media_type, file.name) == (row["body"], row["kind"], row["name"])
    secrets = {row["name"]: row["value"] for row in old.rows("meta")}
    assert await store.secret("pictures") == secrets["secret:pictures"], "links that were sent stay good"


def asked(text: str, person: Person, conversation: Conversation) -> CommandRequest:
    return CommandRequest("k", text, person, conversation, datetime.now(UTC))


class NoAccounts:
    """Accounts of which only the names are needed."""

    names = (ACCOUNT,)

    def __len__(self) -> int:
        return len(self.names)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def __iter__(self) -> Any:
        return iter(())

    def get(self, name: str | None = None) -> Any:
        return SimpleNamespace(name=name or ACCOUNT)


def dispatcher(store: SqliteStore) -> Dispatcher:
    policy = Policy(Access(AccessSettings()))
    return Dispatcher(Services(every_command(), policy, store, AzureReading(NoAccounts())))  # type: ignore[arg-type]


# The file itself.


def schema(path: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(path) as db:
        return sorted(
            (kind, name, table, " ".join((sql or "").split()))
            for kind, name, table, sql in db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
            if not name.startswith("sqlite_stat")
        )


async def test_a_fresh_file_has_the_same_schema(path: Path, tmp_path: Path) -> None:
    await SqliteStore.open(path).close()
    await SqliteStore.open(tmp_path / "fresh.db").close()
    assert schema(path) == schema(tmp_path / "fresh.db")
    words = " ".join(" ".join(row) for row in schema(path))
    assert not {"letters", "notices", "prefs", "place", "views", "loud"} & set(words.replace("(", " ").split())


async def test_what_is_no_object_or_has_the_new_name_is_left_alone(path: Path) -> None:
    aside = {"broken": b'{"place": ', "binary": b"\xff\xfe"}
    kept = {
        "list": b'["place"]',
        "new": b'{"conversation":1,"place":2}',
        "exact": '{"at":1.50,"ü":"\\u00fc","none":null}'.encode(),
    }
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO journal VALUES (?, ?, 0, 'new')", (kept | aside).items())
        db.execute("INSERT INTO journal VALUES ('spaced', ?, 0, 'new')", [b'{ "place" : { "id":1.0 } , "n":1e3 }'])
    await SqliteStore.open(path, held=True).close()
    with sqlite3.connect(path) as db:
        found = dict(db.execute("SELECT key, body FROM journal"))
        unreadable = [json.loads(body) for (body,) in db.execute("SELECT body FROM unreadable")]
    assert {key: found[key] for key in kept} == kept
    assert {row["key"]: row["body"] for row in unreadable} == {
        key: f"x'{body.hex().upper()}'" for key, body in aside.items()
    }
    assert found["spaced"] == b'{"conversation":{ "id":1.0 },"n":1e3}', "values stay byte for byte"


KILLED = """
import os, signal, sys
from sqlite_utils import Database
from storage.sqlite import migrations
from storage.sqlite.store import SqliteStore

steps, at = [0], int(sys.argv[2])

def dies(statement):
    if statement.startswith(("ALTER", "UPDATE", "DROP", "CREATE", "INSERT", "COMMIT", "RELEASE")):
        steps[0] += 1
        if steps[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

pending = migrations.migrations.pending
def traced(db):
    db.conn.set_trace_callback(dies)
    return pending(db)
migrations.migrations.pending = traced
SqliteStore.open(sys.argv[1])
print(steps[0])
"""


@pytest.mark.slow
def test_a_migration_that_is_killed_anywhere_is_taken_up_again(path: Path, tmp_path: Path) -> None:
    def opened(copy: Path, at: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", KILLED, str(copy), str(at)], capture_output=True, text=True, check=False
        )

    whole = opened(path, 0)
    statements = int(whole.stdout)
    assert statements > 30, whole.stderr
    expected = content(path)
    for at in (2, statements // 3, statements // 2, statements):
        copy = tmp_path / f"killed-{at}.db"
        shutil.copyfile(OLD, copy)
        assert opened(copy, at).returncode == -signal.SIGKILL
        with sqlite3.connect(copy) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        asyncio.run(SqliteStore.open(copy).close())
        assert content(copy) == expected


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for when migrations ran and what SQLite notes about its indexes."""
    with sqlite3.connect(path) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr)
            for name in tables
            if not name.startswith("sqlite_stat") and name != "_sqlite_migrations"
        } | {"migrations": list(db.execute("SELECT name FROM _sqlite_migrations ORDER BY id"))}


async def test_an_old_file_needs_no_migration_twice(path: Path) -> None:
    await SqliteStore.open(path).close()
    before = content(path)
    await SqliteStore.open(path).close()
    assert content(path) == before
    every = [each.name for each in migrations.pending(Database(memory=True))]
    assert [name for (name,) in before["migrations"]] == every


def test_spot_nodes_that_were_counted_take_their_cores_along(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    older = Database(sqlite3.connect(path))
    migrations.apply(older, stop_before="cores_by_what_they_did")
    older.execute("INSERT INTO series (id, account, pool) VALUES (1, 'a', ''), (2, 'a', 'p')")
    at = [int((THEN + timedelta(minutes=n)).timestamp() * 1e6) for n in range(3)]
    older.conn.executemany(
        "INSERT INTO samples (series, at, seconds, busy, total, nodes, spot) VALUES (2, ?, 60, ?, ?, ?, ?)",
        [(at[0], 4, 16, 4, 1), (at[1], 4, 16, 4, None), (at[2], 0, 0, 0, 0)],
    )
    older.conn.commit()
    older.close()

    async def read() -> list[Sample]:
        store = SqliteStore.open(path)
        try:
            return await store.samples("a", "p", THEN, THEN + timedelta(hours=1))
        finally:
            await store.close()

    told, untold, none = asyncio.run(read())
    assert (told.dedicated, told.spot) == (CoreUse(3, unknown=9), CoreUse(1, unknown=3))
    assert (untold.dedicated, untold.spot) == (CoreUse(4, unknown=12), NO_USE)
    assert (none.dedicated, none.spot) == (NO_USE, NO_USE)
