"""MixKD from config to report: mixtures are learnt from, need live teachers, and are drawn alike again."""

from __future__ import annotations

import numpy as np
import pytest

from distill_core.errors import ConfigError

MIXED = {"objective": {"matching": {"mixup": 1.0}}, "signals": "live", "controls": ["no_teacher"]}


def curve(sink, name, arm="main"):
    rows = [row for kind, payload in sink.events if kind == "metric" for row in payload["rows"]]
    return [row["value"] for row in rows if row["arm"] == arm and row["name"] == name]


def test_two_teachers_and_a_student_meet_on_mixtures(runner):
    config = runner.config(**MIXED)
    report, _, sink = runner.run(config)
    assert report["status"] == "done"
    for name in ("loss_mixup", "mixup_hard", "mixup_soft", "loss_hard", "loss_soft"):
        found = curve(sink, name)
        assert found and bool(np.isfinite(found).all()), name
    total = np.array(curve(sink, "mixup_hard")) + np.array(curve(sink, "mixup_soft"))
    np.testing.assert_allclose(curve(sink, "loss_mixup"), total, rtol=1e-5)
    assert not curve(sink, "loss_mixup", "no_teacher")
    # The teachers are in the store by now; the second run draws the same mixtures.
    _, _, again = runner.run(config, name="again")
    assert curve(again, "loss_mixup") == curve(sink, "loss_mixup")


def test_a_transformer_student_learns_from_mixtures_alone(runner):
    student = {"kind": "transformer", "layers": 1, "hidden": 16, "heads": 2, "initialise": "random"}
    alone = {"hard_label_weight": 0, "soft_label_weight": 0, "matching": {"mixup": 1.0}}
    training = {"batch_size": 16, "evaluations": 1, "epochs": 1, "learning_rate": 0.01}
    report, _, sink = runner.run(
        runner.config(
            teachers=1, **{**MIXED, "objective": alone, "training": training, "controls": []}, student=student
        )
    )
    assert report["status"] == "done"
    assert curve(sink, "loss_mixup") == pytest.approx(curve(sink, "loss_total"))


@pytest.mark.parametrize("stages", [False, True])
def test_cached_teachers_cannot_be_asked_about_mixtures(runner, stages):
    changes = {**MIXED, "signals": "cached"}
    if stages:
        stage = {"name": "one", "terms": {"mixup": 1.0}, "epochs": 1}
        changes = {"signals": "cached", "training": {"batch_size": 16, "stages": [stage]}}
    with pytest.raises(ConfigError) as caught:
        runner.run(runner.config(teachers=1, **changes))
    (error,) = caught.value.errors
    assert error.field == "signals" and "in advance" in error.message and "live" in error.hint
    assert not list((runner.root / "home").rglob("model*.safetensors")), "nothing was trained"
