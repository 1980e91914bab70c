"""What a config for a masked language model cannot hold, each with its field."""

from __future__ import annotations

import pytest

from distill_core.config import from_dict
from distill_core.errors import ConfigError


def raw(**changes):
    return {
        "data": {"source": "bundled", "name": "support-text", "task": "masked_lm"},
        "teachers": [{"source": "bundled:support-bert"}],
        "student": {"kind": "transformer", "layers": 1, "hidden": 16, "heads": 2},
        **changes,
    }


def test_what_is_left_runs():
    config = from_dict(raw())
    assert config.signal_top_k == 64
    assert config.data.mask_share == 0.15


BAD = {
    "teacher_training.mode": {"teacher_training": {"mode": "cofinetune"}},
    "teacher_training.folds": {"teacher_training": {"folds": 3}},
    "student.kind": {"student": {"kind": "bilstm"}},
    "student.vocabulary": {"student": {"kind": "transformer", "hidden": 16, "heads": 2, "vocabulary": "seen"}},
    "data.labelled_per_class": {"data": {**raw()["data"], "labelled_per_class": 5}},
    "data.columns.text_pair": {
        "data": {"source": "files", "task": "masked_lm", "train": "t.csv", "columns": {"text_pair": "b"}}
    },
    "objective.teacher_weighting": {"objective": {"teacher_weighting": "mt_bert"}},
    "objective.soft_label_loss": {"objective": {"soft_label_loss": "logit_mse"}},
    "objective.label_revision": {"objective": {"label_revision": 0.5}},
    "objective.teacher_label_weight": {"objective": {"teacher_label_weight": 1.0}},
    "objective.hidden_level": {"objective": {"hidden_weight": 1.0, "hidden_level": "pooled"}},
    "training.stages": {"training": {"stages": [{"name": "a", "terms": {"teacher_labels": 1, "hard": 1}}]}},
}


@pytest.mark.parametrize("field", BAD)
def test_what_cannot_be_is_refused_at_its_field(field):
    with pytest.raises(ConfigError) as caught:
        from_dict(raw(**BAD[field]))
    assert caught.value.field == field


@pytest.mark.parametrize("field", [name for name in BAD if not name.startswith("data.")])
def test_other_tasks_may(field):
    changes = {**BAD[field], "data": {"source": "bundled"}}
    assert from_dict(raw(**changes)).data.task == "classification"
