from __future__ import annotations

import pytest

from distill_core.events import EventLog
from distill_core.jobs.ingest import ingest
from distill_core.jobs.queue import RunQueue
from distill_core.jobs.store import Store
from distill_core.layout import DataHome, RunFolder
from distill_core.services import log_lines
from tests.fake_run import config


@pytest.fixture
def made(store: Store, home: DataHome) -> tuple[Store, RunFolder]:
    folder = home.run(RunQueue(store, home, limit=3).add(config()))
    log = EventLog(folder.events)
    log.emit("log", level="info", message="Read 12 rows")
    log.emit("log", level="warning", message="Two rows are EMPTY")
    log.close()
    folder.log.write_text("a library's warning\nand more\n")
    ingest(store, folder)
    return store, folder


def test_all_lines_in_order_with_their_numbers(made: tuple[Store, RunFolder]) -> None:
    found = log_lines.read(*made)
    assert [number for number, _ in found["lines"]] == [1, 2, 3, 4] and found["total"] == found["found"] == 4
    texts = [text for _, text in found["lines"]]
    assert texts[0].endswith("  Read 12 rows") and texts[1].endswith("  warning: Two rows are EMPTY")
    assert texts[2:] == ["a library's warning", "and more"]


def test_a_search_finds_upper_and_lower_case_and_keeps_the_numbers(made: tuple[Store, RunFolder]) -> None:
    found = log_lines.read(*made, " WARNING ")
    assert [number for number, _ in found["lines"]] == [2, 3]
    assert (found["found"], found["total"]) == (2, 4)
    assert log_lines.read(*made, "empty")["found"] == 1
    assert log_lines.read(*made, ".*")["lines"] == []  # words, no patterns


def test_of_a_long_log_the_last_lines(made: tuple[Store, RunFolder]) -> None:
    store, folder = made
    folder.log.write_text("\n".join(f"line {n}" for n in range(3000)))
    found = log_lines.read(store, folder, "line")
    assert len(found["lines"]) == log_lines.MOST_LINES and found["lines"][-1][1] == "line 2999"
    assert found["found"] == 3000
    assert log_lines.read(store, folder, "line 7")["lines"][0][1] == "line 7"
