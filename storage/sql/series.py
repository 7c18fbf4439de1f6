"""The small numbers under which pools, accounts and jobs are kept in samples and rollups.

Several replicas may write: a number that was looked up is remembered only as long as nobody has taken numbers away.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from storage.sql.database import Database
from storage.sql.meta import meta, put_meta

_MOST_JOBS = 100_000
"""Numbers of jobs that are remembered; beyond that they are looked up again."""


_TAKEN = "job_numbers_taken"
"""Where it is marked that numbers of jobs were taken away."""


class SeriesNumbers:
    """Numbers of pools, of accounts (an empty pool) and of jobs, given out on first use."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._series: dict[tuple[str, str], int] = {}
        self._jobs: dict[tuple[int, str], int] = {}
        self._taken: bytes | None = None
        """The mark of when numbers were taken away last, as of what is remembered."""

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """A transaction that may give out numbers: where it is rolled back, they are forgotten before anybody asks."""
        try:
            with self._db.atomic():
                if (taken := meta(self._db, _TAKEN)) != self._taken:
                    self.forget()
                    self._taken = taken
                yield
        except BaseException:
            self.forget()
            raise

    def take_away(self) -> None:
        """Let nobody go by numbers of jobs that are about to be deleted, in a transaction that deletes some."""
        put_meta(self._db, _TAKEN, secrets.token_bytes(8))

    def forget(self) -> None:
        """All that are remembered: they are looked up again."""
        self._series.clear()
        self._jobs.clear()

    def series(self, account: str, pool: str) -> int:
        """The number of a pool, whose case does not matter, or with an empty name of an account."""
        found = self._series.get((account, pool))
        if found is None:
            ask = "SELECT id FROM series WHERE account = ? AND pool = ? COLLATE NOCASE ORDER BY id LIMIT 1"
            row = self._db.execute(ask, (account, pool)).fetchone()
            if row is None:
                self._db.execute("INSERT INTO series (account, pool) VALUES (?, ?)", (account, pool))
                row = self._db.execute(ask, (account, pool)).fetchone()
            (found,) = row
            self._series[account, pool] = found
        return found

    def job(self, series: int, job: str) -> int:
        """The number of a job in a pool's series."""
        found = self._jobs.get((series, job))
        if found is None:
            if len(self._jobs) >= _MOST_JOBS:
                self._jobs.clear()
            self._db.execute("INSERT INTO job_series (series, job) VALUES (?, ?) ON CONFLICT DO NOTHING", (series, job))
            (found,) = self._db.execute(
                "SELECT id FROM job_series WHERE series = ? AND job = ?", (series, job)
            ).fetchone()
            self._jobs[series, job] = found
        return found

    def jobs(self, numbers: Iterable[int]) -> dict[int, str]:
        """The jobs of some numbers."""
        wanted = ",".join(str(int(number)) for number in set(numbers))
        return dict(
            self._db.execute(
                f"SELECT id, job FROM job_series WHERE id IN ({self._db.dialect.numbers})",  # noqa: S608
                (f"[{wanted}]",),
            )
        )
