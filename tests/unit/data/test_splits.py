"""Splits: disjoint, complete, stratified, and decided by seed and text alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from distill_core.data.splits import choose_labelled, choose_some, hold_out, ranked, shares_per_class
from distill_core.data.types import example_id

labels_of = st.lists(st.integers(0, 4), min_size=1, max_size=150).map(np.array)
shares = st.floats(0.02, 0.5)
seeds = st.integers(0, 1000)


def keys(number):
    return [example_id(f"text {i}") for i in range(number)]


@given(labels_of, shares, seeds)
def test_held_out_rows_are_disjoint_complete_and_stratified(labels, share, seed):
    ids = keys(len(labels))
    kept, out = hold_out(labels, ids, share, seed=seed, purpose="test")
    assert sorted([*kept.tolist(), *out.tolist()]) == list(range(len(labels)))
    assert kept.tolist() == sorted(kept.tolist()) and out.tolist() == sorted(out.tolist())
    for c in np.unique(labels):
        number, taken = int((labels == c).sum()), int((labels[out] == c).sum())
        assert abs(taken - number * share) <= 1
        assert taken < number
        assert taken >= 1 or number == 1
    again = hold_out(labels, ids, share, seed=seed, purpose="test")
    assert again[0].tolist() == kept.tolist() and again[1].tolist() == out.tolist()


@given(labels_of, shares, seeds, st.randoms(use_true_random=False))
def test_the_order_of_the_file_decides_nothing(labels, share, seed, random):
    ids = keys(len(labels))
    order = list(range(len(labels)))
    random.shuffle(order)
    _, out = hold_out(labels, ids, share, seed=seed, purpose="test")
    _, other = hold_out(labels[order], [ids[i] for i in order], share, seed=seed, purpose="test")
    assert {ids[i] for i in out} == {ids[order[i]] for i in other}


@given(labels_of, st.integers(1, 40), seeds)
def test_the_labelled_budget_is_kept_per_class(labels, per_class, seed):
    chosen, rest = choose_labelled(labels, keys(len(labels)), per_class, seed=seed)
    assert sorted([*chosen.tolist(), *rest.tolist()]) == list(range(len(labels)))
    for c in np.unique(labels):
        assert int((labels[chosen] == c).sum()) == min(per_class, int((labels == c).sum()))


@given(labels_of, seeds)
def test_a_larger_budget_holds_the_smaller_one(labels, seed):
    small, _ = choose_labelled(labels, keys(len(labels)), 3, seed=seed)
    large, _ = choose_labelled(labels, keys(len(labels)), 6, seed=seed)
    assert set(small.tolist()) <= set(large.tolist())


@given(st.lists(st.integers(0, 500), min_size=1, max_size=12), shares)
def test_class_shares_add_up(counts, share):
    taken = shares_per_class(counts, share)
    assert all(abs(t - c * share) <= 1 for t, c in zip(taken, counts, strict=True))
    if all(c * share >= 1 for c in counts):
        assert sum(taken) == round(sum(c * share for c in counts))


def test_shares_of_even_and_odd_classes():
    assert shares_per_class([500] * 4, 0.1) == [50] * 4
    assert shares_per_class([15, 15, 15, 15], 0.1) == [2, 2, 1, 1]
    assert shares_per_class([1, 2, 3], 0.02) == [0, 1, 1]


def test_seeds_and_purposes_are_told_apart():
    ids = keys(200)
    one = ranked(ids, seed=1, purpose="test").tolist()
    assert sorted(one) == list(range(200))
    assert one != ranked(ids, seed=2, purpose="test").tolist()
    assert one != ranked(ids, seed=1, purpose="validation").tolist()


def test_equal_texts_fall_on_one_side_where_the_numbers_allow():
    ids = [key for key in keys(50) for _ in range(2)]
    labels = np.zeros(100, dtype=np.int64)
    _, out = hold_out(labels, ids, 0.2, seed=3, purpose="test")
    assert len(out) == 20 and len({ids[i] for i in out}) == 10


def test_some_rows_are_the_first_of_a_shuffle_in_file_order():
    ids = keys(30)
    few, more = (choose_some(ids, n, seed=5, purpose="transfer").tolist() for n in (5, 12))
    assert set(few) < set(more) and few == sorted(few)
    assert choose_some(ids, 99, seed=5, purpose="transfer").tolist() == list(range(30))


def test_nothing_to_split():
    kept, out = hold_out(np.empty(0, dtype=np.int64), [], 0.2, seed=0, purpose="test")
    assert len(kept) == len(out) == 0
