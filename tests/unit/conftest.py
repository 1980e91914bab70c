"""What the unit tests of jobs and services share: a data folder and its store. A module may have its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.jobs.store import Store
from distill_core.layout import DataHome


@pytest.fixture
def home(tmp_path: Path) -> DataHome:
    return DataHome(tmp_path).create()


@pytest.fixture
def store(home: DataHome) -> Iterator[Store]:
    store = Store(home)
    yield store
    store.close()
