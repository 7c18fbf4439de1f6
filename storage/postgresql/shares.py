"""Which replica watches which account: rows that say who, and which epoch it is of.

A replica has its accounts for as long as its own row in the list of replicas says, by the database's clock; with each
sign of life that is longer. One that gave none for so long is told to be gone by any other, and from then on its
accounts are free. Whoever takes one writes the next epoch, which every transaction about the account asks for: what
the one before has not stored by then it stores no more. Nobody gives them out: each replica takes what is free until
it has its part, and lets go of what is above that where another has less. Settings may differ for a while, as in a
rolling update, and one that still starts watches nothing: so a part is of the accounts that others would watch too,
and what nobody else would watch is taken besides.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from threading import Lock
from typing import Any, Final

import structlog

from storage.postgresql.database import Fence, PostgresDatabase
from storage.postgresql.replicas import Replicas

log = structlog.get_logger()

SETTLED: Final = 10.0
"""Seconds for which a replica has to be there before others let go of accounts for it: one that comes and goes moves
nothing."""
FIRST: Final = 2.0
"""Seconds for which a new replica takes no account: those that begin together see each other first."""
TABLE: Final = """
    CREATE TABLE IF NOT EXISTS watching (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account TEXT COLLATE "C" NOT NULL UNIQUE,
        epoch BIGINT NOT NULL DEFAULT 0, replica TEXT COLLATE "C" NOT NULL DEFAULT '',
        since TIMESTAMPTZ NOT NULL DEFAULT now(), nudged BIGINT NOT NULL DEFAULT 0
    )
"""
_STANDING: Final = """
    SELECT account, watching.id, epoch, nudged, coalesce(replica = ?, FALSE), until IS NOT NULL
    FROM watching LEFT JOIN replicas ON replicas.id = watching.replica ORDER BY account
"""
_ALIVE: Final = """
    SELECT id, extract(epoch FROM now() - since) >= ?, until <= clock_timestamp(), wanted
    FROM replicas WHERE until IS NOT NULL
"""
_TAKE: Final = """
    UPDATE watching SET epoch = epoch + 1, replica = ?, since = clock_timestamp() WHERE account = ?
        AND NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.id = watching.replica AND until IS NOT NULL)
"""


class Shares:
    """The accounts of this replica. The thread of the lease calls :meth:`look`; others may read at any time."""

    def __init__(self, db: PostgresDatabase, replicas: Replicas) -> None:
        self._db = db
        self._replicas = replicas
        self._lock = Lock()
        self._wanted: frozenset[str] = frozenset()
        self._mine: dict[str, tuple[int, int]] = {}
        """By account the number of its row, and the epoch."""
        self._nudged: dict[str, int] = {}
        self._asked: set[str] = set()
        self._began = time.monotonic()

    def want(self, accounts: Collection[str]) -> None:
        """These are watched: from now on this replica takes its part of them, and of none where there are none."""
        if accounts and not self._wanted:
            self._began = time.monotonic()
        self._wanted = frozenset(accounts)

    def mine(self) -> Mapping[str, int]:
        """The accounts of this replica with their epochs, as they were known last."""
        with self._lock:
            return {account: epoch for account, (_, epoch) in self._mine.items()} if self._replicas.sure() else {}

    def nudged(self) -> Mapping[str, int]:
        """How often whoever has each account of this replica was asked to look at it soon."""
        with self._lock:
            return {account: self._nudged.get(account, 0) for account in self._mine}

    def nudge(self, account: str) -> None:
        """Ask whoever has an account to look at it soon."""
        with self._lock:
            self._asked.add(account)

    def fence(self, account: str) -> Fence:
        """What has to be so for whatever is stored about an account.

        Whoever has the duties also has to be of a version that decides on looks: an older one watches all by itself.
        """
        with self._lock:
            row, epoch = self._mine.get(account, (0, 0))
        ask = (
            f"SELECT 1 FROM watching, holding WHERE watching.id = {row} AND watching.epoch = {epoch} "  # noqa: S608
            "AND holding.looks = holding.epoch"
        )
        return Fence(ask, f"account {account} is watched by another replica")

    def look(self) -> None:
        """See what is this replica's, take what it lacks and is free, let go of what others lack."""
        with self._lock:
            asked, self._asked = self._asked, set()
        for account in asked:
            self._db.execute("UPDATE watching SET nudged = nudged + 1 WHERE account = ?", [account])
        if self._replicas.listed:
            self._replicas.want(self._wanted)
        if not self._wanted or not self._replicas.listed:
            self._know([])
            return
        alive = self._db.execute(_ALIVE, [SETTLED]).fetchall()
        standing = self._db.execute(_STANDING, [self._replicas.id]).fetchall()
        if any(over for _, _, over, _ in alive) or self._wanted - {row[0] for row in standing}:
            self._tidy()
            alive = self._db.execute(_ALIVE, [SETTLED]).fetchall()
            standing = self._db.execute(_STANDING, [self._replicas.id]).fetchall()
        others = [(long, wanted) for id_, long, _, wanted in alive if id_ != self._replicas.id]
        also = self._wanted_by([wanted for _, wanted in others])
        settled = self._wanted_by([wanted for long, wanted in others if long])
        mine = [row[0] for row in standing if row[4] and also.get(row[0])]
        over = [row[0] for row in standing if row[4] and row[0] not in also]
        free = [row[0] for row in standing if not row[5] and row[0] in also]
        lacking = max(0, _part(filter(None, also.values())) - len(mine))
        taken = [each for each in free if not also[each]]
        taken += sorted((each for each in free if also[each]), key=also.__getitem__)[:lacking]
        kept = _part(settled[account] for account, number in also.items() if number)
        if taken and time.monotonic() - self._began >= FIRST:
            self._take(taken)
        elif over or len(mine) > kept:
            self._let_go(over + sorted(mine, key=settled.__getitem__)[kept:])
        else:
            self._know(standing)
            return
        self._know(self._db.execute(_STANDING, [self._replicas.id]).fetchall())

    def _wanted_by(self, others: Collection[str | None]) -> dict[str, int]:
        """By account how many others would watch it. A version that does not say so would watch any."""
        lists = [None if wanted is None else frozenset(wanted.split("\n")) for wanted in others]
        return {each: sum(wanted is None or each in wanted for wanted in lists) for each in self._wanted}

    def _tidy(self) -> None:
        """Tell who is gone, between two of their signs of life; and write down accounts that are new."""
        with self._db.atomic():
            gone: Any = self._db.execute(
                "UPDATE replicas SET until = NULL WHERE until <= clock_timestamp() RETURNING name"
            ).fetchall()
            self._db.executemany(
                "INSERT INTO watching (account) VALUES (?) ON CONFLICT DO NOTHING", [[each] for each in self._wanted]
            )
        for (name,) in gone:
            log.warning("replica.gone", replica=name)

    def _take(self, accounts: Collection[str]) -> None:
        with self._db.atomic():
            self._db.executemany(_TAKE, [[self._replicas.id, account] for account in accounts])

    def _let_go(self, accounts: Collection[str]) -> None:
        with self._lock:
            kept = {account: epoch for account, epoch in self._mine.items() if account not in accounts}
            self._mine = kept
        log.info("replica.gives_up_accounts", accounts=len(accounts))
        with self._db.atomic():
            self._db.executemany(
                "UPDATE watching SET replica = '' WHERE account = ? AND replica = ?",
                [[account, self._replicas.id] for account in accounts],
            )

    def _know(self, standing: Collection[Any]) -> None:
        mine = {row[0]: (int(row[1]), int(row[2])) for row in standing if row[4] and row[5] and row[0] in self._wanted}
        with self._lock:
            before, self._mine = self._mine, mine
            self._nudged = {row[0]: int(row[3]) for row in standing}
        if before.keys() != mine.keys():
            log.info("replica.watches", accounts=len(mine), new=len(mine.keys() - before.keys()))


def _part(others: Iterable[int]) -> int:
    """How many accounts are one's own of those that so many others would watch too."""
    return math.ceil(sum(Fraction(1, number + 1) for number in others))
