"""Batches: every row once, the same ones each time, little padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.data.batching import cut_by_tokens, epoch_batches, sorted_batches

lengths_of = st.lists(st.integers(1, 200), max_size=120).map(lambda v: np.array(v, dtype=np.int64))
sizes = st.integers(1, 17)


def padding(lengths, batches):
    return sum(int(lengths[b].max()) * len(b) - int(lengths[b].sum()) for b in batches)


@given(lengths_of, sizes, st.integers(0, 2**31), st.integers(0, 50), st.integers(1, 6))
def test_every_row_stands_in_one_batch(lengths, batch_size, seed, epoch, megabatch):
    batches = epoch_batches(lengths, batch_size, seed=seed, epoch=epoch, megabatch=megabatch)
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(len(lengths)))
    full, rest = divmod(len(lengths), batch_size)
    assert sorted(map(len, batches)) == ([rest] if rest else []) + [batch_size] * full
    again = epoch_batches(lengths, batch_size, seed=seed, epoch=epoch, megabatch=megabatch)
    assert [b.tolist() for b in batches] == [b.tolist() for b in again]
    assert all(batch.dtype == np.int64 for batch in batches)


@given(lengths_of, sizes)
def test_inference_takes_the_longest_first(lengths, batch_size):
    batches = sorted_batches(lengths, batch_size)
    flat = [i for batch in batches for i in batch.tolist()]
    assert sorted(flat) == list(range(len(lengths)))
    assert [int(n) for n in lengths[flat]] == sorted(lengths.tolist(), reverse=True)
    assert all(len(batch) == batch_size for batch in batches[:-1])


@given(st.integers(0, 10_000))
def test_bucketing_pads_less_than_chance(seed):
    lengths = np.random.default_rng(seed).integers(4, 120, size=2000)
    order = np.random.default_rng(seed + 1).permutation(2000)
    random = [order[start : start + 32] for start in range(0, 2000, 32)]
    assert padding(lengths, epoch_batches(lengths, 32, seed=seed, epoch=0)) < 0.3 * padding(lengths, random)


def test_epochs_and_seeds_differ_and_lengths_do_not_come_in_order():
    lengths = np.random.default_rng(0).integers(4, 120, size=1000)
    first = epoch_batches(lengths, 10, seed=1, epoch=0)
    for other in (epoch_batches(lengths, 10, seed=1, epoch=1), epoch_batches(lengths, 10, seed=2, epoch=0)):
        assert {tuple(b) for b in first} != {tuple(b) for b in other}
    means = [lengths[b].mean() for b in first]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.4


def test_known_batches_do_not_change_with_the_library():
    batches = epoch_batches(np.array([5, 1, 4, 2, 3]), 2, seed=13, epoch=1)
    assert sorted(tuple(sorted(b.tolist())) for b in batches) == [(0,), (1, 3), (2, 4)]


def test_sizes_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        epoch_batches(np.array([1]), 0, seed=0, epoch=0)
    with pytest.raises(ValueError, match="at least 1"):
        sorted_batches(np.array([1]), 0)


def test_batches_of_so_many_tokens_hold_every_row_once_and_no_more():
    lengths = np.array([3, 50, 7, 7, 1, 20, 4, 9])
    batches = cut_by_tokens(lengths, 21)
    assert sorted(np.concatenate(batches).tolist()) == list(range(8))
    assert [len(batch) * lengths[batch].max() <= 21 or len(batch) == 1 for batch in batches] == [True] * len(batches)
    assert batches[0].tolist() == [1] and batches[1].tolist() == [5] and len(batches) == 5
    with pytest.raises(ValueError):
        cut_by_tokens(lengths, 0)


def test_batches_for_inference_have_few_long_texts():
    lengths = np.array([512, 500, 300, 20, 19, 18, 17, 1])
    batches = sorted_batches(lengths, 3, tokens=1024)
    assert [batch.tolist() for batch in batches] == [[0, 1], [2, 3, 4], [5, 6, 7]]
    assert [len(batch) for batch in sorted_batches(lengths, 4, tokens=100)] == [1, 1, 1, 4, 1]
