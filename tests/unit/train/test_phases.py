"""Which phases a config asks for: rows, steps, terms, and the exact order in which parts thaw."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from distill_core.config import Objective, Training
from distill_core.errors import TrainingError
from distill_core.train.phases import (
    Material,
    Weight,
    epoch_steps,
    hard_label_phase,
    objective_weights,
    plan_phases,
    total_steps,
)

PARTS = ["head", "projection", "bilstm", "embeddings"]


def material(labelled=10, transfer=25, parts=PARTS) -> Material:
    return Material(parts, np.arange(labelled), np.arange(labelled, labelled + transfer), 0.002)


def plan(training, objective=None, **changes):
    return plan_phases(Training(**training), objective or Objective(), material(**changes))


def test_without_stages_there_is_one_phase_with_the_whole_objective():
    objective = Objective(hard_label_weight=0.5, soft_label_weight=2.0, hidden_weight=3.0)
    training = {"epochs": 4, "batch_size": 8, "schedule": "cosine", "patience": 3, "evaluations": 7}
    (phase,) = plan(training, objective)
    assert phase.steps == 4 * 5
    assert phase.rows.tolist() == list(range(35))
    assert phase.rows.dtype == np.int64
    assert phase.terms == {"hard": (0.5, 0.5, "linear"), "soft": (2, 2, "linear"), "hidden": (3, 3, "linear")}
    assert (phase.schedule, phase.learning_rate, phase.patience, phase.evaluations) == ("cosine", 0.002, 3, 7)
    assert (phase.trainable, phase.select, phase.fresh_head, phase.stage) == (None, "quality", False, None)


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(4.0, 1.0, (4, 1)), (0.0, 2.0, (0, 2)), (3.0, 0.0, (3, 0)), (2.0, None, (2, 2))]
)
def test_the_soft_labels_weight_moves(start, end, expected):
    objective = Objective(
        soft_label_weight=start, soft_label_weight_end=end, soft_label_weight_shape="cosine", hidden_weight=1.0
    )
    terms = objective_weights(objective)
    assert terms["soft"][:2] == expected
    assert terms["hidden"] == Weight(1.0, 1.0)
    assert terms["soft"].at(0.5) == pytest.approx(sum(expected) / 2)


STAGES = [
    {"name": "representation", "terms": {"pooled": 1.0}, "data": "transfer", "epochs": 2, "learning_rate": 0.01},
    {
        "name": "logits",
        "terms": {"soft": {"start": 4, "end": 1, "shape": "cosine"}, "hidden": 0},
        "data": "both",
        "epochs": 3,
        "patience": 5,
        "schedule": "cosine_restarts",
        "unfreeze": True,
        "fresh_head": True,
    },
    {"name": "labels", "terms": {"hard": 1}, "data": "labelled", "epochs": 1, "fresh_head": True},
]


def test_stages_become_phases_in_their_order_with_parts_thawing_from_the_top():
    phases = plan({"batch_size": 8, "stages": STAGES, "patience": 2, "schedule": "cosine"})
    assert [phase.name for phase in phases] == [
        "representation",
        "logits 1/4",
        "logits 2/4",
        "logits 3/4",
        "logits 4/4",
        "labels",
    ]
    assert [phase.trainable for phase in phases] == [
        None,
        ["head"],
        ["head", "projection"],
        ["head", "projection", "bilstm"],
        ["head", "projection", "bilstm", "embeddings"],
        None,
    ]
    assert [phase.steps for phase in phases] == [2 * 4, *[3 * 5] * 4, 1 * 2]
    assert total_steps(phases) == 8 + 60 + 2
    assert [phase.stage for phase in phases] == [0, 1, 1, 1, 1, 2]
    assert [phase.select for phase in phases] == ["loss", *["quality"] * 5]
    assert [phase.fresh_head for phase in phases] == [False, True, False, False, False, True]
    assert [phase.patience for phase in phases] == [None, 5, 5, 5, 5, None]
    assert [phase.learning_rate for phase in phases] == [0.01, *[0.002] * 5]
    assert [phase.schedule for phase in phases] == ["cosine", *["cosine_restarts"] * 4, "cosine"]
    assert phases[0].rows.tolist() == list(range(10, 35))
    assert phases[1].rows.tolist() == list(range(35))
    assert phases[5].rows.tolist() == list(range(10))


def test_a_stage_has_the_terms_it_names_and_no_others():
    phases = plan({"stages": STAGES}, Objective(hidden_weight=9.0, distill_temperature=2.0))
    assert phases[0].terms == {"pooled": Weight(1.0, 1.0)}
    assert phases[1].terms == {"soft": Weight(4.0, 1.0, "cosine")}
    assert phases[1].terms["soft"].at(1.0) == 1.0


@pytest.mark.parametrize(
    ("terms", "select"),
    [
        ({"hidden": 1, "emd": 1}, "loss"),
        ({"hidden": 1, "soft": 0}, "loss"),
        ({"hidden": 1, "soft": {"start": 0, "end": 1}}, "quality"),
        ({"teacher_labels": 1}, "quality"),
        ({"hard": 0.1, "relations": 1}, "quality"),
    ],
)
def test_only_terms_that_teach_the_head_let_quality_choose(terms, select):
    (phase,) = plan({"stages": [{"name": "a", "terms": terms}]})
    assert phase.select == select


def test_a_stage_without_its_rows_is_refused_by_its_field():
    with pytest.raises(TrainingError, match="transfer rows, and there are none") as caught:
        plan({"stages": [STAGES[2], STAGES[0]]}, transfer=0)
    assert caught.value.field == "training.stages.1.data"


def test_unfreezing_needs_parts_with_names_of_their_own():
    with pytest.raises(TrainingError) as caught:
        plan({"stages": STAGES}, parts=[])
    assert caught.value.field == "training.stages.1.unfreeze"
    with pytest.raises(ValueError, match="names of their own"):
        plan({"stages": STAGES}, parts=["head", "head"])


def test_the_control_takes_as_many_steps_on_labelled_rows():
    training = Training(stages=STAGES, patience=4)
    phases = plan_phases(training, Objective(), material())
    control = hard_label_phase(training, material(), steps=total_steps(phases))
    assert control.steps == total_steps(phases)
    assert control.rows.tolist() == list(range(10))
    assert control.terms == {"hard": Weight(1.0, 1.0)}
    assert (control.trainable, control.select, control.patience) == (None, "quality", 4)


def test_planning_loads_no_torch():
    code = "import sys, distill_core.train.phases; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_copies_of_the_same_rows_make_no_more_steps():
    training = Training(epochs=3, batch_size=4)
    rows = np.arange(30)
    assert epoch_steps(training, rows, copies=3) == 3 * 3
    material = Material(parts=["head"], labelled=rows, transfer=rows[:0], learning_rate=0.1, copies=3)
    (phase,) = plan_phases(training, Objective(), material)
    assert (phase.steps, phase.copies, len(phase.rows)) == (9, 3, 30)
