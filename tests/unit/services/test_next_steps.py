from __future__ import annotations

from typing import Any

import pytest

from distill_core.errors import (
    CheckpointError,
    DataError,
    DiskError,
    MemoryError_,
    NetworkError,
    StillroomError,
    TrainingError,
)
from distill_core.services.next_steps import changed, next_steps, smaller_batch
from tests.fake_run import config


def error(of: type[StillroomError], field: str | None = None) -> dict[str, Any]:
    return of("It failed.", field=field).as_dict()


@pytest.mark.parametrize("kind", [DataError, CheckpointError, NetworkError, DiskError, MemoryError_, TrainingError])
def test_every_kind_of_failure_has_a_next_step(kind: type[StillroomError]) -> None:
    steps = next_steps(config(), error(kind), "distil", peak_rate=2e-3)
    assert steps and all(step["do"] in ("resume", "retry", "change") for step in steps)
    assert all(step.get("part") for step in steps if step["do"] == "change")


def test_too_little_memory_asks_for_half_the_batch_of_the_stage_it_failed_in() -> None:
    made = config(training={"batch_size": 32}, teacher_training={"mode": "separate", "batch_size": 6})
    first = next_steps(made, error(MemoryError_), "distil")[0]
    assert first == {"do": "retry", "changes": {"training.batch_size": 16}}
    first = next_steps(made, error(MemoryError_), "teachers")[0]
    assert first["changes"] == {"teacher_training.batch_size": 3}


def test_one_row_at_a_time_cannot_be_halved() -> None:
    made = config(training={"batch_size": 1})
    assert smaller_batch(made, "distil") == {}
    assert [step["do"] for step in next_steps(made, error(MemoryError_), "distil")] == ["change"]


def test_a_loss_that_is_no_number_asks_for_half_the_rate_it_was_trained_with() -> None:
    assert next_steps(config(), error(TrainingError), "distil", 2e-3)[0]["changes"] == {"training.learning_rate": 1e-3}
    set_by_hand = config(training={"learning_rate": 0.5})
    found = next_steps(set_by_hand, error(TrainingError), "distil", 2e-3)[0]["changes"]
    assert found == {"training.learning_rate": 0.25}
    assert [step["do"] for step in next_steps(config(), error(TrainingError), "distil")] == ["change"]


@pytest.mark.parametrize(
    ("kind", "field", "part"),
    [
        (DataError, None, "data"),
        (CheckpointError, None, "teachers"),
        (CheckpointError, "student.source", "student"),
        (StillroomError, "data.train", "data"),
        (StillroomError, None, "method"),
    ],
)
def test_new_run_opens_where_the_cause_lies(kind: type[StillroomError], field: str | None, part: str) -> None:
    assert next_steps(config(), error(kind, field), "prepare")[0] == {"do": "change", "changes": {}, "part": part}


def test_a_killed_run_may_go_on_or_take_less_memory() -> None:
    killed = {"kind": "interrupted", "message": "killed", "hint": "", "field": None, "likely": "memory"}
    assert [step["do"] for step in next_steps(config(), killed, "distil")] == ["resume", "retry", "change"]
    assert [step["do"] for step in next_steps(config(), {"kind": "interrupted"}, "distil")] == ["resume"]


def test_a_changed_copy_says_in_its_name_what_changed() -> None:
    made = changed(config("mine"), {"training.batch_size": 16})
    assert made.training.batch_size == 16 and made.name == "mine, batch size 16"
    assert changed(config("x" * 120), {"training.batch_size": 16}).training.batch_size == 16
    with pytest.raises(KeyError):
        changed(config(), {"training.no_such": 1})
