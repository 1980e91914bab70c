"""What the page sees of a sweep: trials since a cursor, fronts, time left, what can be varied."""

from __future__ import annotations

import pytest

from distill_core.errors import JobError
from distill_core.jobs.sweeps import Sweeps
from distill_core.layout import DataHome, SweepFolder
from distill_core.services import sweeps as views
from distill_core.sweeps.drive import run_sweep
from tests import fake_run
from tests.unit.sweeps.made import Worker, sweep


@pytest.fixture
def sweeps(home: DataHome) -> Sweeps:
    return Sweeps(home)


def tried(sweeps: Sweeps, count: int, **more: object) -> SweepFolder:
    """A sweep of six of which `count` were tried."""
    folder = sweeps.folder(sweeps.add(sweep(budget={"trials": count}, **more)))
    run_sweep(folder, home=sweeps.home, work=Worker())
    folder.process.unlink()  # it names the tests' own process, which lives on
    return folder


def test_only_what_changed_since_the_cursor_is_told(sweeps: Sweeps) -> None:
    folder = tried(sweeps, 4, objectives=["quality", "parameters"])
    whole = views.view(sweeps, folder, {})
    assert [one["number"] for one in whole["trials"]] == [1, 2, 3, 4] and not whole["reset"]
    assert views.view(sweeps, folder, {}, whole["cursor"])["trials"] == []
    assert views.view(sweeps, folder, {}, whole["cursor"] + 5)["reset"]
    assert [one["run"] for one in views.view(sweeps, folder, {2: "run-2"}, whole["cursor"])["trials"]] == ["run-2"]
    by_number = {one["number"]: one["values"] for one in whole["trials"]}
    front = whole["fronts"]["parameters"]
    assert front == [3, 4] and by_number[3]["parameters"] < by_number[4]["parameters"]
    assert whole["best"] == 4 and whole["sweep"]["best"] == by_number[4]["quality"]
    assert whole["sweep"]["status"] == "done" and whole["sweep"]["why"] == "trials" and whole["sweep"]["left"] is None
    assert whole["sweep"]["metric_words"] == "accuracy" and set(whole["importance"]) == {"quality", "parameters"}


def test_time_left_is_the_pace_of_the_later_trials(sweeps: Sweeps) -> None:
    folder = tried(sweeps, 3)
    folder.config.write_text(sweep().to_yaml())
    views._specs.clear()
    assert views._left(views.spec_of(folder), views.Ledger.read(folder)) == pytest.approx(3 * 2.0)


def test_the_list_tells_how_far_each_is(sweeps: Sweeps) -> None:
    folder = tried(sweeps, 2, name="a name")
    row = views.row(sweeps, folder)
    assert (row["name"], row["status"], row["tried"], row["of"]) == ("a name", "done", 2, 2)
    assert row["fields"] == ["training.learning_rate", "student.lstm_hidden"]


def test_only_finished_trials_become_runs(sweeps: Sweeps) -> None:
    folder = tried(sweeps, 2)
    config = views.promoted(folder, 2)
    assert (
        config.student.lstm_hidden == 32
        and config.controls == ["no_teacher", "uniform"]
        and config.name == "sweep, trial 2"
    )
    for number in (0, 3):
        with pytest.raises(JobError):
            views.promoted(folder, number)


def test_fields_come_with_values_worth_a_first_try() -> None:
    found = {one["path"]: one for one in views.fields(fake_run.config(training={"epochs": 4, "learning_rate": 0.003}))}
    assert found["training.learning_rate"]["values"] == "0.001, 0.003, 0.009"
    assert found["training.epochs"]["values"] == "2, 4, 8"
    assert found["training.schedule"]["values"] == "linear, cosine, cosine_restarts, constant"
    first = sorted((one["first"], path) for path, one in found.items() if one["first"])
    assert [path for _, path in first[:2]] == ["training.learning_rate", "student.lstm_hidden"]
    unset = next(one for one in views.fields(fake_run.config()) if one["path"] == "training.learning_rate")
    assert unset["values"] == "0.0005, 0.001, 0.003" and unset["now"] is None
