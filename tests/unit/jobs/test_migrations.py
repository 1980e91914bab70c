from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from distill_core.errors import JobError
from distill_core.jobs.migrations import migrate, migrations
from distill_core.jobs.store import RunRow, Store
from distill_core.layout import DataHome

NAMES = [step.name for step in migrations.pending(Database(memory=True))]


@pytest.mark.parametrize("first_missing", NAMES[1:])
def test_every_older_schema_comes_up_to_date_with_its_runs(tmp_path: Path, first_missing: str) -> None:
    home = DataHome(tmp_path)
    old = Database(home.database, execute_plugins=False)
    migrations.apply(old, stop_before=first_missing)
    old["runs"].insert({"id": "a-1", "name": "old", "created": 1.0, "status": "done", "config": '{"data":"x"}'})
    old.close()
    store = Store(home)
    row = store.run("a-1")
    assert row == RunRow("a-1", "old", 1.0, "done", config={"data": "x"})
    store.close()


def test_schema_is_the_same_by_every_way(tmp_path: Path) -> None:
    fresh = Database(memory=True)
    migrate(fresh)
    for name in NAMES[1:]:
        stepwise = Database(memory=True)
        migrations.apply(stepwise, stop_before=name)
        migrate(stepwise)
        assert stepwise.schema == fresh.schema


def test_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    home = DataHome(tmp_path)
    Store(home).close()
    with sqlite3.connect(home.database) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('stillroom', 'm099_later', 'x')"
        )
    connection.close()
    with pytest.raises(JobError, match="newer version"):
        Store(home)
    assert home.database.exists() and not list(tmp_path.glob("*.damaged*"))
