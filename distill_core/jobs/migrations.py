"""The database's schema, as numbered steps. A step that was released is never edited: add another one."""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from distill_core.errors import JobError

migrations = Migrations("stillroom")


@migrations()
def m001_runs_and_events(db: Database) -> None:
    """Runs with their queue, and the index of their events."""
    db.execute(
        """CREATE TABLE runs (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, created REAL NOT NULL, status TEXT NOT NULL,
            position REAL, resume INTEGER NOT NULL DEFAULT 0, lane TEXT, attempt INTEGER NOT NULL DEFAULT 1,
            stop_requested REAL, term_sent REAL, auto_resumes INTEGER NOT NULL DEFAULT 0,
            auto_metric_seq INTEGER NOT NULL DEFAULT 0, config TEXT NOT NULL, error TEXT, result TEXT, tags TEXT)"""
    )
    db.execute("CREATE INDEX runs_status ON runs(status)")
    db.execute("CREATE INDEX runs_created ON runs(created)")
    db.execute(
        """CREATE TABLE events (
            run_id TEXT NOT NULL, seq INTEGER NOT NULL, attempt INTEGER NOT NULL, time REAL NOT NULL,
            kind TEXT NOT NULL, payload TEXT NOT NULL, PRIMARY KEY (run_id, seq)) WITHOUT ROWID"""
    )
    db.execute("CREATE TABLE tokens (token TEXT PRIMARY KEY, run_id TEXT NOT NULL)")


@migrations()
def m002_metrics(db: Database) -> None:
    """Metric rows that count, one a point, so that a page reads only what is new."""
    db.execute(
        """CREATE TABLE metrics (
            run_id TEXT NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL, arm TEXT NOT NULL, seed INTEGER NOT NULL,
            name TEXT NOT NULL, step INTEGER NOT NULL, value REAL, unit TEXT NOT NULL,
            PRIMARY KEY (run_id, seq, n)) WITHOUT ROWID"""
    )


@migrations()
def m003_ingest_state(db: Database) -> None:
    """How far a run's file was read, and what its events add up to (see `jobs.ingest.fold`)."""
    db.execute("ALTER TABLE runs ADD COLUMN offset INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE runs ADD COLUMN reset_seq INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE runs ADD COLUMN state TEXT NOT NULL DEFAULT '{}'")
    # Runs known from before are read again from their folders.
    db.execute("DELETE FROM metrics")


@migrations()
def m004_notes_and_archive(db: Database) -> None:
    """What a person writes beside a run (meta.json has the truth)."""
    db.execute("ALTER TABLE runs ADD COLUMN notes TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE runs ADD COLUMN archived INTEGER NOT NULL DEFAULT 0")


def migrate(db: Database) -> None:
    """Bring a database of any older schema up to date. Raises JobError when it is from a newer version."""
    known = {step.name for step in migrations.pending(Database(memory=True))}
    newer = [step.name for step in migrations.applied(db) if step.name not in known]
    if newer:
        raise JobError(
            f"The data folder's database was written by a newer version of Stillroom (it knows {newer[-1]!r}).",
            hint="Update Stillroom, or give this version a folder of its own with STILLROOM_HOME=FOLDER.",
        )
    migrations.apply(db)
