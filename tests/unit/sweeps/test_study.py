"""What is proposed depends on the folder alone; pruning is for one objective; importance finds what matters."""

from __future__ import annotations

import pytest

from distill_core.sweeps import study
from distill_core.sweeps.ledger import Tried
from tests.unit.sweeps.made import sweep, tried

WIDTH = "student.lstm_hidden"
RANGES = {
    "training.learning_rate": {"low": 0.0001, "high": 0.1, "log": True},
    WIDTH: {"low": 8, "high": 64, "step": 8},
    "training.schedule": ["linear", "cosine"],
}


def played(spec, count, known=()):
    """`count` trials one after the other, the first ones given."""
    found = list(known)
    while len(found) < count:
        proposal = study.propose(spec, found)
        if proposal is None:
            break
        found.append(tried(proposal.params, len(found) + 1, marks=proposal.marks))
    return found


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2"])
def test_values_lie_in_their_ranges_and_no_combination_comes_twice(sampler):
    found = played(sweep(search=RANGES, sampler=sampler, budget={"trials": 9}), 9)
    for one in found:
        assert 0.0001 <= one.params["training.learning_rate"] <= 0.1
        assert one.params["student.lstm_hidden"] in range(8, 65, 8)
        assert one.params["training.schedule"] in ("linear", "cosine")
    assert len({repr(one.params) for one in found}) == 9


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe", "nsga2"])
def test_an_interrupted_sweep_proposes_what_it_would_have_proposed(sampler):
    spec = sweep(sampler=sampler, budget={"trials": 6})
    whole = played(spec, 6)
    assert [one.params for one in played(spec, 6, whole[:3])] == [one.params for one in whole]


def test_another_seed_proposes_something_else():
    first, second = (played(sweep(search=RANGES, sampler="random", seed=seed), 3) for seed in (1, 2))
    assert [one.params for one in first] != [one.params for one in second]


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
def test_a_finite_space_is_gone_through_once_and_then_over(sampler):
    spec = sweep(sampler=sampler, budget={"trials": 50})
    found = played(spec, 50)
    assert len(found) == spec.combinations() == 6
    assert study.propose(spec, found) is None
    if sampler == "grid":
        assert [one.params for one in found] == spec.grid()


def test_several_objectives_go_to_the_sampler_and_prune_nothing():
    spec = sweep(sampler="tpe", objectives=["quality", "parameters"], search=RANGES, budget={"trials": 8})
    assert len(played(spec, 8)) == 8
    assert not study.is_hopeless(spec, played(spec, 8), [0.0, 0.0, 0.0])


def test_a_trial_below_the_median_is_hopeless_from_its_second_evaluation_on():
    spec = sweep(prune=True)
    done = [Tried(n, {**spec.grid()[n]}, "done", {"quality": q}, [q / 2, q]) for n, q in enumerate((0.6, 0.7, 0.8))]
    assert not study.is_hopeless(spec, done, [0.1])
    assert study.is_hopeless(spec, done, [0.1, 0.2])
    assert not study.is_hopeless(spec, done, [0.1, 0.75])
    assert not study.is_hopeless(spec, done[:1], [0.1, 0.2])
    assert not study.is_hopeless(spec.model_copy(update={"prune": False}), done, [0.1, 0.2])


def test_importance_finds_the_setting_that_matters_and_waits_for_enough_trials():
    spec = sweep(search={**RANGES}, sampler="random", budget={"trials": 12})
    found = played(spec, 12)
    for one in found:
        one.values = {"quality": 1 - one.params["training.learning_rate"]}
    shares = study.importance(spec, found)["quality"]
    assert max(shares, key=shares.get) == "training.learning_rate"
    assert sum(shares.values()) == pytest.approx(1)
    assert study.importance(spec, found[:3]) == {}


def test_importance_asks_what_sets_the_good_trials_apart_not_the_bad_ones():
    spec = sweep(search={"training.schedule": ["linear", "cosine"], "student.lstm_hidden": [16, 32]})
    # The good ones share a schedule; the bad ones share a width, and in all else each side is mixed.
    good = [("cosine", 16), ("cosine", 32), ("cosine", 16), ("cosine", 32), ("cosine", 16)]
    middle = [("linear", 16), ("cosine", 32), ("linear", 32), ("linear", 16), ("linear", 32)]
    bad = [("linear", 16), ("cosine", 16), ("linear", 16), ("cosine", 16), ("linear", 16)]
    found = []
    for number, (schedule, width) in enumerate([*good, *middle, *bad]):
        params = {"training.schedule": schedule, "student.lstm_hidden": width}
        found.append(Tried(number + 1, params, "done", {"quality": 0.9 - number / 100}))
    shares = study.importance(spec, found)["quality"]
    assert shares["training.schedule"] > 0.8


def test_equal_figures_have_no_importance():
    spec = sweep(search={**RANGES}, sampler="random", budget={"trials": 6})
    found = played(spec, 6)
    for one in found:
        one.values = {"quality": 0.5}
    assert study.importance(spec, found) == {}


def test_what_cannot_change_a_shape_has_no_share_of_its_parameters():
    spec = sweep(search={**RANGES}, sampler="random", budget={"trials": 6}, objectives=["quality", "parameters"])
    found = played(spec, 6)
    for one in found:
        one.values = {"quality": one.params["training.learning_rate"], "parameters": 3.0 * one.params[WIDTH]}
    shares = study.importance(spec, found)
    assert shares["parameters"] == {WIDTH: pytest.approx(1)}
    assert set(shares["quality"]) == set(RANGES)
    for one in found:
        one.params[WIDTH] = 16  # nothing is left that could change it
    assert "parameters" not in study.importance(spec, found)
