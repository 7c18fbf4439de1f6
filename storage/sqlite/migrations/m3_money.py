"""The third era: runs of jobs, why cores idled, prices, the bill, reports."""

from __future__ import annotations

from sqlite_utils import Database

from storage.sqlite.migrations.registry import migrations


@migrations()
def runs_of_jobs(db: Database) -> None:
    """What jobs that are over came to. Ids are in any case, as the service compares them."""
    db.execute(
        """
        CREATE TABLE job_runs (
            account TEXT NOT NULL, job TEXT NOT NULL COLLATE NOCASE, pool TEXT NOT NULL, started INTEGER NOT NULL,
            ended INTEGER NOT NULL, schedule TEXT NOT NULL COLLATE NOCASE, tasks INTEGER,
            failed INTEGER, retries INTEGER NOT NULL, queue REAL, core_seconds REAL, lost_core_seconds REAL,
            cost REAL, idle_cost REAL, currency TEXT NOT NULL, at_least INTEGER NOT NULL,
            waits BLOB NOT NULL, runtimes BLOB NOT NULL, read INTEGER,
            PRIMARY KEY (account, job, started)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX job_runs_schedule ON job_runs (account, schedule, ended)")
    db.execute("CREATE INDEX job_runs_account ON job_runs (account, ended)")
    db.execute("CREATE INDEX job_runs_ended ON job_runs (ended)")


_USES = (
    "dedicated_busy", "dedicated_starting", "dedicated_unused", "dedicated_waiting", "dedicated_broken",
    "dedicated_leaving", "dedicated_unknown", "spot_busy", "spot_starting", "spot_unused", "spot_waiting",
    "spot_broken", "spot_leaving", "spot_unknown",
)  # fmt: skip


@migrations()
def cores_by_what_they_did(db: Database) -> None:
    """Dedicated and spot cores apart, and why those that idled did; jobs; what pools were like.

    Nobody noted why older cores idled. They were dedicated as far as anybody knows: only raw samples say how many nodes
    were spot nodes, and share their cores by them. Tables are written anew in the order of their keys, which is several
    times faster than changing every row.
    """
    columns = ", ".join(f"{name} REAL NOT NULL DEFAULT 0" for name in _USES)
    db.execute(
        f"""
        CREATE TABLE new_samples (
            series INTEGER NOT NULL REFERENCES series(id), at INTEGER NOT NULL, seconds REAL NOT NULL,
            nodes INTEGER NOT NULL, spot_nodes INTEGER, waiting INTEGER, running INTEGER, succeeded INTEGER,
            failed INTEGER, jobs BLOB, {columns},
            PRIMARY KEY (series, at)
        ) STRICT, WITHOUT ROWID
        """
    )
    shared = "ifnull(spot, 0) * 1.0 / nodes"
    lent = {name: f"CASE WHEN nodes > 0 THEN {name} * {shared} ELSE 0 END" for name in ("busy", "(total - busy)")}
    db.execute(
        f"""
        INSERT INTO new_samples (
            series, at, seconds, nodes, spot_nodes, waiting, running, succeeded, failed,
            dedicated_busy, spot_busy, dedicated_unknown, spot_unknown
        )
        SELECT series, at, seconds, nodes, spot, waiting, running, succeeded, failed,
            {", ".join(f"{name} - {part}, {part}" for name, part in lent.items())}
        FROM samples ORDER BY series, at
        """  # noqa: S608 - our own names
    )
    db.execute(
        f"""
        CREATE TABLE new_rollups (
            step INTEGER NOT NULL, series INTEGER NOT NULL REFERENCES series(id), start INTEGER NOT NULL,
            {columns}, seconds REAL NOT NULL, at_most INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (step, series, start)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        INSERT INTO new_rollups (step, series, start, dedicated_busy, dedicated_unknown, seconds)
        SELECT step, series, start, busy, max(total - busy, 0), seconds FROM rollups ORDER BY step, series, start
        """
    )
    for table in ("samples", "rollups"):
        db.execute(f"DROP TABLE {table}")
        db.execute(f"ALTER TABLE new_{table} RENAME TO {table}")
    db.execute(
        """
        CREATE TABLE job_series (
            id INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series(id), job TEXT NOT NULL,
            UNIQUE (series, job)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX job_series_job ON job_series (job)")
    db.execute(
        """
        CREATE TABLE job_rollups (
            step INTEGER NOT NULL, account INTEGER NOT NULL REFERENCES series(id), start INTEGER NOT NULL,
            job INTEGER NOT NULL, dedicated REAL NOT NULL, spot REAL NOT NULL,
            PRIMARY KEY (step, account, start, job)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE pool_eras (
            series INTEGER NOT NULL REFERENCES series(id), since INTEGER NOT NULL, vm_size TEXT NOT NULL,
            cores INTEGER NOT NULL, windows INTEGER NOT NULL, tags TEXT NOT NULL, slots INTEGER NOT NULL,
            PRIMARY KEY (series, since)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def list_prices_and_their_changes(db: Database) -> None:
    """List prices as they were read, each with its changes."""
    db.execute(
        """
        CREATE TABLE price_lists (
            region TEXT NOT NULL, currency TEXT NOT NULL, as_of INTEGER NOT NULL, PRIMARY KEY (region, currency)
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE prices (
            region TEXT NOT NULL, currency TEXT NOT NULL, size TEXT NOT NULL, windows INTEGER NOT NULL,
            meter TEXT NOT NULL, since INTEGER NOT NULL, amount REAL,
            PRIMARY KEY (region, currency, size, windows, meter, since)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def the_bill(db: Database) -> None:
    """What Azure billed by day, pool and meter, what was corrected later, and how reading it went."""
    db.execute(
        """
        CREATE TABLE bill (
            account TEXT NOT NULL, day TEXT NOT NULL, basis TEXT NOT NULL, pool TEXT NOT NULL, resource TEXT NOT NULL,
            meter TEXT NOT NULL, category TEXT NOT NULL, subcategory TEXT NOT NULL, currency TEXT NOT NULL,
            amount REAL NOT NULL, quantity REAL NOT NULL, unit TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX bill_days ON bill (account, day)")
    db.execute("CREATE INDEX bill_old ON bill (day)")
    db.execute(
        """
        CREATE TABLE bill_corrections (
            account TEXT NOT NULL, day TEXT NOT NULL, basis TEXT NOT NULL, currency TEXT NOT NULL, at INTEGER NOT NULL,
            before REAL NOT NULL, after REAL NOT NULL, PRIMARY KEY (account, day, basis, currency, at)
        ) STRICT
        """
    )
    db.execute("CREATE TABLE bill_readings (account TEXT NOT NULL PRIMARY KEY, body BLOB NOT NULL) STRICT")


@migrations()
def network_of_pools(db: Database) -> None:
    """What pools took in and sent out (GiB) from ``begin`` to ``at``, and the service's counters as they were then."""
    db.execute(
        """
        CREATE TABLE network (
            series INTEGER NOT NULL REFERENCES series(id), at INTEGER NOT NULL, begin INTEGER NOT NULL,
            read REAL NOT NULL, written REAL NOT NULL, began INTEGER NOT NULL, counted_read REAL NOT NULL,
            counted_written REAL NOT NULL,
            PRIMARY KEY (series, at)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def reports_of_money(db: Database) -> None:
    """Which reports were posted, what they advised, and unusual days with what was said of them."""
    db.execute(
        """
        CREATE TABLE report_posts (
            conversation TEXT NOT NULL, report TEXT NOT NULL, period TEXT NOT NULL, at INTEGER NOT NULL,
            body BLOB NOT NULL, PRIMARY KEY (conversation, report, period)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE advice (
            account TEXT NOT NULL, report TEXT NOT NULL, period TEXT NOT NULL, pool TEXT NOT NULL COLLATE NOCASE,
            at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (account, report, period, pool)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE anomalies (
            account TEXT NOT NULL, pool TEXT NOT NULL COLLATE NOCASE, day TEXT NOT NULL, found INTEGER NOT NULL,
            body BLOB NOT NULL, answer TEXT NOT NULL, reply BLOB NOT NULL, PRIMARY KEY (account, pool, day)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def how_long_nodes_took_to_boot(db: Database) -> None:
    """Times of nodes that booted. Ids are in any case, as the service compares them."""
    db.execute(
        """
        CREATE TABLE node_boots (
            account TEXT NOT NULL, pool TEXT NOT NULL COLLATE NOCASE, node TEXT NOT NULL, vm_size TEXT NOT NULL,
            spot INTEGER NOT NULL, allocated INTEGER NOT NULL, seconds REAL NOT NULL,
            PRIMARY KEY (account, pool, node, allocated)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX node_boots_account ON node_boots (account, allocated)")
    db.execute("CREATE INDEX node_boots_allocated ON node_boots (allocated)")
