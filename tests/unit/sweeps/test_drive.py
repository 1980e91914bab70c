"""The loop of a sweep: to its budget, over stops and deaths, with what fails told and passed over."""

from __future__ import annotations

import os
import signal

import pytest

from distill_core.errors import ConfigError, DataError, FieldError, MemoryError_
from distill_core.events import read_events
from distill_core.layout import DataHome
from distill_core.sweeps.drive import run_sweep
from distill_core.sweeps.ledger import MOST_DEATHS, Ledger
from tests.unit.sweeps.made import Worker, folder_of, states, sweep


@pytest.fixture
def home(tmp_path):
    return DataHome(tmp_path / "home").create()


def at(number, action):
    """Something that happens in the trial of this number."""
    seen = []

    def before(config):
        seen.append(config)
        if len(seen) == number:
            action()

    return before


def fails(error):
    def action():
        raise error

    return action


def test_a_grid_is_tried_in_its_order_up_to_the_budget(tmp_path, home):
    spec = sweep(budget={"trials": 4})
    folder, work = folder_of(tmp_path, spec), Worker()
    assert run_sweep(folder, home=home, work=work) == 0
    ledger = Ledger.read(folder)
    assert [one.params for one in ledger.trials] == spec.grid()[:4]
    assert (ledger.process, ledger.why, ledger.counted, ledger.seconds) == ("done", "trials", 4, 8.0)
    assert ledger.best().params == {"training.learning_rate": 0.01, "student.lstm_hidden": 32}
    assert ledger.best().curve == pytest.approx([ledger.best().values["quality"] * n / 4 for n in (1, 2, 3, 4)])
    assert ledger.teachers == [{"name": "one", "validation": 0.97}]
    assert work.asked == [True, False, False, False]
    assert {"training.learning_rate", "student.lstm_hidden"} == set(ledger.importance["quality"])
    assert not any(folder.trial(n).checkpoints.exists() for n in (1, 2, 3, 4)) and folder.trial(4).config.is_file()


def test_it_ends_when_all_was_tried_or_the_minutes_are_used_up(tmp_path, home):
    folder = folder_of(tmp_path, sweep(budget={}))
    assert run_sweep(folder, home=home, work=Worker()) == 0
    assert Ledger.read(folder).why == "all" and len(states(folder)) == 6
    short = folder_of(tmp_path / "short", sweep(budget={"minutes": 5 / 60}))
    run_sweep(short, home=home, work=Worker())
    assert Ledger.read(short).why == "minutes" and len(states(short)) == 3


def test_a_stop_keeps_what_is_done_and_going_on_repeats_nothing(tmp_path, home):
    spec = sweep()
    folder, work = folder_of(tmp_path, spec), Worker(at(3, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    assert run_sweep(folder, home=home, work=work) == 130
    assert Ledger.read(folder).process == "stopped" and states(folder)[-1] == (3, "done")
    again = Worker()
    assert run_sweep(folder, home=home, work=again) == 0
    assert [one.params for one in Ledger.read(folder).trials] == spec.grid() and len(again.configs) == 3


def test_a_trial_that_died_is_begun_again_and_given_up_after_the_second_time(tmp_path, home):
    folder = folder_of(tmp_path, sweep())
    for _ in range(MOST_DEATHS):
        # As a SIGKILL does: nothing more is written.
        with pytest.raises(KeyboardInterrupt):
            run_sweep(folder, home=home, work=Worker(at(1, fails(KeyboardInterrupt()))))
        assert states(folder) == [(1, "begun")]
    assert run_sweep(folder, home=home, work=Worker()) == 0
    first = Ledger.read(folder).trials[0]
    assert first.state == "failed" and "without saying why" in first.error["message"]
    assert Ledger.read(folder).process == "done" and [state for _, state in states(folder)[1:]] == ["done"] * 5


def test_a_torn_line_is_passed_over(tmp_path, home):
    folder = folder_of(tmp_path, sweep(budget={"trials": 3}))
    run_sweep(folder, home=home, work=Worker(at(3, lambda: os.kill(os.getpid(), signal.SIGTERM))))
    with open(folder.events, "a", encoding="utf-8") as file:
        file.write('{"seq": 99, "kind": "trial", "payl')
    assert len(Ledger.read(folder).trials) == 3
    folder.config.write_text(sweep(budget={"trials": 4}).to_yaml())
    assert run_sweep(folder, home=home, work=Worker()) == 0
    assert [number for number, _ in states(folder)] == [1, 2, 3, 4]
    assert [event["seq"] for event in read_events(folder.events)] == list(range(1, Ledger.read(folder).last + 1))


def test_what_does_not_go_together_is_refused_with_the_reason_and_costs_no_budget(tmp_path, home):
    spec = sweep(
        search={"objective.hard_label_weight": [0, 1], "objective.soft_label_weight": [0, 1],
                "training.learning_rate": [0.01], "student.lstm_hidden": [16]}, budget={"trials": 3},
    )  # fmt: skip
    folder = folder_of(tmp_path, spec)
    assert run_sweep(folder, home=home, work=Worker()) == 0
    assert states(folder) == [(1, "refused"), (2, "done"), (3, "done"), (4, "done")]
    refused = Ledger.read(folder).trials[0]
    assert "nothing to learn" in refused.error["message"] and refused.error["field"] == "objective.hard_label_weight"


def test_a_misfit_found_on_the_way_is_refused_and_a_failure_recorded(tmp_path, home):
    misfit = ConfigError([FieldError("objective.matching.pkd", "it needs layers.")])
    folder = folder_of(tmp_path, sweep(budget={"trials": 2}))
    run_sweep(folder, home=home, work=Worker(at(1, fails(misfit))))
    assert states(folder) == [(1, "refused"), (2, "done"), (3, "done")]
    full = folder_of(tmp_path / "full", sweep(budget={"trials": 2}))
    run_sweep(full, home=home, work=Worker(at(1, fails(MemoryError_("There was not enough memory.")))))
    assert states(full) == [(1, "failed"), (2, "done")]
    assert Ledger.read(full).trials[0].error["message"] == "There was not enough memory."


def test_an_error_that_all_trials_would_meet_ends_the_sweep_and_leaves_the_trial_open(tmp_path, home):
    folder = folder_of(tmp_path, sweep())
    error = DataError("there is no text column.", hint="Name it.", field="data.columns.text")
    assert run_sweep(folder, home=home, work=Worker(at(2, fails(error)))) == 1
    ledger = Ledger.read(folder)
    assert ledger.process == "failed" and ledger.error["message"] == "there is no text column."
    assert states(folder) == [(1, "done"), (2, "paused")]
    assert run_sweep(folder, home=home, work=Worker()) == 0 and len(states(folder)) == 6


def test_when_the_first_trials_all_fail_it_gives_up(tmp_path, home):
    folder = folder_of(tmp_path, sweep())
    assert run_sweep(folder, home=home, work=Worker(fail_always)) == 1
    assert states(folder) == [(1, "failed"), (2, "failed"), (3, "failed")]
    assert "All 3 trials failed" in Ledger.read(folder).error["message"]
    assert run_sweep(folder, home=home, work=Worker()) == 0  # a person said go on, and it works now


def fail_always(config):
    raise MemoryError_("There was not enough memory.")


def test_pruning_ends_hopeless_trials_early(tmp_path, home):
    spec = sweep(
        prune=True, search={"training.learning_rate": [0.01, 0.011, 0.012, 0.8], "student.lstm_hidden": [16]},
        budget={"trials": 8},
    )  # fmt: skip
    folder = folder_of(tmp_path, spec)
    assert run_sweep(folder, home=home, work=Worker()) == 0
    last = Ledger.read(folder).trials[-1]
    assert last.state == "pruned" and len(last.curve) == 2 and not last.values
    assert Ledger.read(folder).counted == 4


def test_it_gives_way_after_the_present_trial(tmp_path, home):
    folder = folder_of(tmp_path, sweep())
    assert run_sweep(folder, home=home, work=Worker(at(2, folder.give_way.touch))) == 0
    assert Ledger.read(folder).process == "gave_way" and len(states(folder)) == 2
    assert not folder.give_way.exists()


def test_only_one_process_works_on_it(tmp_path, home, capsys):
    folder = folder_of(tmp_path, sweep())

    def second():
        assert run_sweep(folder, home=home, work=Worker()) == 1

    assert run_sweep(folder, home=home, work=Worker(at(1, second))) == 0
    assert "is working on" in capsys.readouterr().err
