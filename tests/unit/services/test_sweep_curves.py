"""Learning curves of trials: read on where reading stopped, without what a resume made void."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill_core.events import EventLog, metric
from distill_core.jobs.sweeps import Sweeps
from distill_core.layout import DataHome, RunFolder
from distill_core.services import sweep_curves
from distill_core.services import sweeps as views
from distill_core.services.sweep_curves import TrialCurves
from distill_core.sweeps.drive import run_sweep
from distill_core.sweeps.ledger import Ledger
from tests.unit.sweeps.made import Worker, sweep


def evaluated(log: EventLog, step: int, value: float | None) -> None:
    log.emit("metric", rows=[metric("main", 13, "loss_total", step, 1.0)])
    log.emit("metric", rows=[metric("main", 13, "validation_quality", step, value, "share")])


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "0001").create()


def test_it_grows_with_its_trial_and_a_resume_takes_back_what_it_does_again(folder: RunFolder) -> None:
    curves, log = TrialCurves(), EventLog(folder.events)
    assert curves.of(folder) == []
    evaluated(log, 5, 0.5)
    assert curves.of(folder) == [(5, 0.5)] == curves.of(folder)
    evaluated(log, 10, 0.7)
    evaluated(log, 12, None)
    assert curves.of(folder) == [(5, 0.5), (10, 0.7)]
    log.emit("resumed", attempt=2, arm="main", seed=13, from_step=5)
    evaluated(log, 10, 0.6)
    log.close()
    assert curves.of(folder) == [(5, 0.5), (10, 0.6)] == TrialCurves().of(folder)


def test_torn_and_damaged_lines_and_another_file_in_its_place(folder: RunFolder) -> None:
    curves, log = TrialCurves(), EventLog(folder.events)
    evaluated(log, 5, 0.5)
    log.close()
    with open(folder.events, "ab") as file:
        file.write(b'{"kind": "metric", "validation_quality": damaged}\n{"kind": "metric", "payload": {"rows": [')
    assert curves.of(folder) == [(5, 0.5)]
    folder.events.unlink()
    log = EventLog(folder.events)
    log.emit("metric", rows=[metric("main", 13, "validation_quality", 1, 0.1)])
    log.close()
    assert curves.of(folder) == [(1, 0.1)]


def test_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_curves, "MOST_KEPT", 2)
    curves = TrialCurves()
    for number in range(4):
        curves.of(RunFolder(tmp_path / str(number)))
    assert len(curves._kept) == 2


def test_a_look_brings_the_curves_that_changed_and_the_one_under_way(home: DataHome) -> None:
    sweeps = Sweeps(home)
    folder = sweeps.folder(sweeps.add(sweep(budget={"trials": 3})))
    run_sweep(folder, home=home, work=Worker())
    folder.process.unlink()
    whole = views.view(sweeps, folder, {})
    by_number = {one.number: one for one in Ledger.read(folder).trials}
    assert {number: [value for _, value in points] for number, points in whole["curves"].items()} == {
        number: one.curve for number, one in by_number.items()
    }
    assert [step for step, _ in whole["curves"][1]] == [5, 10, 15, 20]
    assert views.view(sweeps, folder, {2: "run-2"}, whole["cursor"])["curves"] == {}
    log = EventLog(folder.events)
    log.emit("trial", number=4, state="begun", params={"training.learning_rate": 0.1, "student.lstm_hidden": 32})
    log.close()
    cursor = views.view(sweeps, folder, {})["cursor"]
    assert views.view(sweeps, folder, {}, cursor)["curves"] == {4: []}
    log = EventLog(folder.trial(4).create().events)
    evaluated(log, 5, 0.25)
    log.close()
    assert views.view(sweeps, folder, {}, cursor)["curves"] == {4: [(5, 0.25)]}
