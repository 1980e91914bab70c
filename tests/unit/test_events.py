from __future__ import annotations

import json

import pytest

from distill_core.events import EventLog, metric, metric_rows, read_events, read_events_from


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


def rows(arm, steps, seed=1):
    return [metric(arm, seed, "loss_total", step, float(step)) for step in steps]


def test_sequence_and_attempt_go_on_over_restarts(path):
    log = EventLog(path)
    log.emit("started")
    log.emit("log", message="é")
    log.close()
    again = EventLog(path)
    again.emit("started")
    again.close()
    assert [(e["seq"], e["attempt"]) for e in read_events(path)] == [(1, 1), (2, 1), (3, 2)]


def test_time_of_earlier_attempts_is_added_up_without_the_pauses(path):
    events = [(1, 10.0), (1, 14.0), (2, 100.0), (2, 101.5)]
    path.write_text(
        "".join(
            json.dumps({"seq": seq, "time": when, "attempt": attempt, "kind": "log", "payload": {}}) + "\n"
            for seq, (attempt, when) in enumerate(events, 1)
        )
    )
    log = EventLog(path)
    assert (log.worked_s, log.attempt, log.seq) == (5.5, 3, 4)
    log.close()


def test_a_torn_last_line_is_cut_off_and_nothing_else(path):
    log = EventLog(path)
    log.emit("started")
    log.emit("log", message="whole")
    log.close()
    with open(path, "ab") as file:
        file.write(b'{"seq":3,"kind":"lo')
    assert [e["seq"] for e in read_events(path)] == [1, 2]
    again = EventLog(path)
    again.emit("log", message="after")
    again.close()
    assert [e["seq"] for e in read_events(path)] == [1, 2, 3]
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_reading_goes_on_from_an_offset(path):
    log = EventLog(path)
    log.emit("started")
    first, offset = read_events_from(path, 0)
    log.emit("log", message="x")
    second, offset = read_events_from(path, offset)
    assert ([e["seq"] for e in first], [e["seq"] for e in second]) == ([1], [2])
    assert read_events_from(path, offset) == ([], offset)


def test_what_is_no_number_becomes_null(path):
    EventLog(path).emit("metric", rows=[metric("main", 1, "loss", 1, float("nan"))], other=float("inf"))
    event = next(read_events(path))
    assert event["payload"]["rows"][0]["value"] is None
    assert event["payload"]["other"] is None


def test_a_resumed_trial_voids_its_later_rows_and_no_others(path):
    log = EventLog(path)
    log.emit("metric", rows=rows("main", [1, 2, 3, 4]) + rows("main", [4], seed=2) + rows("uniform", [4]))
    log.emit("resumed", arm="main", seed=1, from_step=2)
    log.emit("metric", rows=rows("main", [3]))
    found = [(r["arm"], r["seed"], r["step"], r["seq"]) for r in metric_rows(read_events(path))]
    assert found == [("main", 1, 1, 1), ("main", 1, 2, 1), ("main", 2, 4, 1), ("uniform", 1, 4, 1), ("main", 1, 3, 3)]


def test_no_file_is_no_events(path):
    assert list(read_events(path)) == []


def test_a_damaged_line_in_the_middle_loses_that_event_alone(path):
    log = EventLog(path)
    for number in range(3):
        log.emit("log", message=str(number))
    log.close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\x00\x00 not json\n" + lines[2])
    assert [e["payload"]["message"] for e in read_events(path)] == ["0", "2"]
    assert EventLog(path).seq == 3


def test_a_line_the_disk_takes_only_half_of_is_taken_back(path, monkeypatch):
    log = EventLog(path)
    log.emit("log", message="whole")

    class Short:
        def __init__(self, file):
            self.file = file

        def write(self, data):
            return self.file.write(data[:10])

        def __getattr__(self, name):
            return getattr(self.file, name)

    monkeypatch.setattr(log, "_file", Short(log._file))
    with pytest.raises(OSError, match="No space"):
        log.emit("log", message="half")
    assert [e["payload"]["message"] for e in read_events(path)] == ["whole"]
    assert path.read_bytes().endswith(b"\n")
