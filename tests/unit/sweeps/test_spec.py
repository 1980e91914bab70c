"""Every field of a sweep is held against the config's own rules; what it says survives YAML."""

from __future__ import annotations

import pytest

from distill_core.errors import ConfigError
from distill_core.sweeps import spec as specs
from distill_core.sweeps import typed
from distill_core.sweeps.fields import searchable, trial_config
from tests import fake_run
from tests.unit.sweeps.made import SEARCH, sweep


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"search": {"training.learning_rat": [1]}}, "search.training.learning_rat"),
        ({"search": {"training.epochs": [3, 0]}}, "search.training.epochs"),
        ({"search": {"training.epochs": {"low": 1, "high": 2000}}}, "search.training.epochs"),
        ({"search": {"training.epochs": {"low": 5, "high": 2}}}, "search.training.epochs.high"),
        ({"search": {"training.epochs": {"low": 1.5, "high": 2}}}, "search.training.epochs"),
        ({"search": {"training.epochs": 3}}, "search.training.epochs"),
        ({"search": {"training.weight_decay": {"low": 0, "high": 1, "log": True}}}, "search.training.weight_decay.low"),
        ({"search": {"training.schedule": {"low": 0, "high": 2}}}, "search.training.schedule"),
        ({"search": {"training.schedule": ["line"]}}, "search.training.schedule"),
        ({"search": {"training.epochs": [2, 2]}}, "search.training.epochs"),
        ({"search": {"seeds": [1]}}, "search.seeds"),
        ({"search": {"data.validation_share": [0.1, 0.2]}}, "search.data.validation_share"),
        ({"search": {"training.learning_rate": {"low": 0.1, "high": 0.2}}}, "search.training.learning_rate"),
        ({"search": {}}, "search"),
        ({"objectives": ["quality", "time"], "prune": True}, "prune"),
        ({"objectives": ["time"]}, "objectives"),
        ({"sampler": "random", "budget": {}}, "budget"),
        ({"sampler": "best"}, "sampler"),
        ({"budget": {"trials": 0}}, "budget.trials"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_field(change, field):
    with pytest.raises(ConfigError) as caught:
        sweep(**change)
    assert [error.field for error in caught.value.errors] == [field]


def test_a_wrong_name_is_told_with_those_close_to_it():
    with pytest.raises(ConfigError) as caught:
        sweep(search={"training.learning_rat": [1]})
    assert "training.learning_rate" in caught.value.hint


def test_an_error_in_the_base_config_is_told_there():
    with pytest.raises(ConfigError) as caught:
        specs.from_dict({"base": {"data": {"source": "bundled"}}, "search": SEARCH})
    assert {error.field for error in caught.value.errors} == {"base.teachers", "base.student"}


def test_yaml_brings_back_what_it_was_written_from(tmp_path):
    spec = sweep(
        sampler="tpe", prune=True, budget={"minutes": 3.5},
        search={"training.learning_rate": {"low": "1e-4", "high": 0.1, "log": True}, "training.patience": [None, 3],
                "training.schedule": ["linear", "cosine"], "student.lstm_hidden": {"low": 16, "high": 64, "step": 16}},
    )  # fmt: skip
    assert spec.search["training.learning_rate"].low == 0.0001
    assert specs.from_yaml(spec.to_yaml()) == spec
    fake_run.config("base").save(tmp_path / "base.yaml")
    text = "base: base.yaml\nsampler: grid\nsearch: {student.lstm_hidden: [16, '32']}\n"
    (tmp_path / "sweep.yaml").write_text(text)
    assert specs.load(tmp_path / "sweep.yaml").grid() == [{"student.lstm_hidden": 16}, {"student.lstm_hidden": 32}]


def test_a_grid_goes_through_all_combinations_the_last_setting_fastest():
    spec = sweep(
        search={"student.lstm_hidden": {"low": 16, "high": 40, "step": 8}, "training.schedule": ["linear", "cosine"]}
    )
    found = [tuple(one.values()) for one in spec.grid()]
    assert found[:3] == [(16, "linear"), (16, "cosine"), (24, "linear")]
    assert len(found) == spec.combinations() == 8 and {width for width, _ in found} == {16, 24, 32, 40}
    tenths = sweep(search={"training.warmup_share": {"low": 0, "high": 0.3, "step": 0.1}})
    assert [one["training.warmup_share"] for one in tenths.grid()] == [0.0, 0.1, 0.2, 0.3]


def test_a_trial_has_one_seed_no_controls_and_signals_that_are_shared():
    spec = sweep(base={"seeds": [5, 6], "signals": "live"})
    config = trial_config(spec.base, {"training.learning_rate": 0.1}, "a trial")
    assert (config.seeds, config.controls, config.signals) == ([5], [], "cached")
    assert config.training.learning_rate == 0.1 and spec.base.training.learning_rate is None
    mixed = fake_run.config(
        signals="live", objective={"hard_label_weight": 1, "soft_label_weight": 0, "matching": {"mixup": 1}}
    )
    # Mixtures cannot be asked in advance.
    assert trial_config(mixed, {}, "a trial").signals == "live"


def test_what_can_be_varied_leaves_out_what_would_make_trials_incomparable():
    found = searchable(fake_run.config())
    assert {"training.learning_rate", "student.lstm_hidden", "objective.matching.pkd", "teachers.0.keep_layers"} <= set(
        found
    )
    assert not [path for path in found if path.startswith(("seeds", "measure", "data.test", "name", "controls"))]
    assert found["training.schedule"].choices[0] == "linear" and found["training.epochs"].kind == "int"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("0.001, 0.003", [0.001, 0.003]),
        ("16; 32", [16, 32]),
        ("linear, cosine", ["linear", "cosine"]),
        ("true, off, none", [True, False, None]),
        ("1e-4 to 0.01 log", {"low": 0.0001, "high": 0.01, "log": True}),
        ("32 to 128 step 32", {"low": 32, "high": 128, "step": 32}),
        ("0 to 1", {"low": 0, "high": 1}),
    ],
)
def test_values_are_typed_in_one_line(said, meant):
    assert typed.read("training.epochs", said) == meant


@pytest.mark.parametrize("said", ["", "a to b", "1 to 2 step x"])
def test_a_line_that_cannot_be_read_is_told_at_its_field(said):
    with pytest.raises(ConfigError) as caught:
        typed.read("training.epochs", said)
    assert caught.value.field == "search.training.epochs"
