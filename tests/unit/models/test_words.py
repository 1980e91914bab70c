import pytest
import torch

from distill_core.models.words import first_piece_states, first_pieces, pool_words, zero_outside


def naive(states, words, count):
    pooled = torch.zeros(states.shape[0], count, states.shape[2], dtype=states.dtype)
    mask = torch.zeros(states.shape[0], count, dtype=torch.bool)
    for b in range(states.shape[0]):
        for w in range(count):
            pieces = [states[b, t] for t in range(states.shape[1]) if words[b, t] == w]
            if pieces:
                pooled[b, w], mask[b, w] = torch.stack(pieces).mean(0), True
    return pooled, mask


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_naive_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(4, 9, 5, generator=generator, dtype=torch.float64)
    words = torch.randint(-1, 6, (4, 9), generator=generator)
    count = int(words.max()) + 1
    pooled, mask = pool_words(states, words)
    expected, expected_mask = naive(states, words, count)
    assert torch.allclose(pooled, expected, atol=1e-12)
    assert torch.equal(mask, expected_mask)


def test_words_without_pieces_do_not_exist():
    states = torch.ones(2, 3, 2)
    pooled, mask = pool_words(states, torch.tensor([[-1, 0, -1], [-1, 2, 2]]))
    assert mask.tolist() == [[True, False, False], [False, False, True]]
    assert pooled[~mask].abs().sum() == 0


def test_no_words_at_all():
    pooled, mask = pool_words(torch.ones(1, 2, 3), torch.full((1, 2), -1))
    assert pooled.shape == (1, 1, 3)
    assert not mask.any()


def test_a_given_count_cuts_and_fills():
    states, words = torch.randn(1, 4, 2), torch.tensor([[0, 1, 2, 2]])
    full, _ = pool_words(states, words)
    cut, _ = pool_words(states, words, 2)
    assert torch.equal(cut, full[:, :2])
    wide, mask = pool_words(states, words, 5)
    assert torch.equal(wide[:, :3], full)
    assert mask.tolist() == [[True, True, True, False, False]]


def test_gradients_reach_the_pieces_of_words_alone():
    states = torch.randn(1, 4, 2, requires_grad=True)
    pool_words(states, torch.tensor([[-1, 0, 0, 1]]))[0].sum().backward()
    assert states.grad[0].tolist() == [[0, 0], [0.5, 0.5], [0.5, 0.5], [1, 1]]


def test_half_precision_is_summed_in_fp32():
    pooled, _ = pool_words(torch.full((1, 3, 1), 60000.0, dtype=torch.float16), torch.tensor([[0, 0, 0]]))
    assert pooled.dtype == torch.float32
    assert pooled.item() == pytest.approx(60000, rel=1e-3)


# ---- first pieces


@pytest.mark.parametrize("seed", range(5))
def test_first_pieces_equal_the_naive_search(seed):
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(-1, 6, (4, 9), generator=generator)
    index, mask = first_pieces(words)
    assert index.shape == mask.shape == (4, int(words.max()) + 1)
    for b, row in enumerate(words.tolist()):
        for w in range(index.shape[1]):
            assert mask[b, w] == (w in row)
            assert index[b, w] == (row.index(w) if w in row else 0)


def test_first_pieces_of_nothing():
    for words in (torch.full((2, 3), -1), torch.zeros(2, 0, dtype=torch.int64)):
        index, mask = first_pieces(words)
        assert index.shape == (2, 1)
        assert not mask.any()
    assert not first_piece_states(torch.ones(2, 3, 4), torch.full((2, 3), -1))[0].any()


def test_states_of_first_pieces_and_their_gradient():
    states = torch.randn(2, 5, 3, requires_grad=True)
    words = torch.tensor([[-1, 0, 0, 2, 2], [-1, 0, 1, 1, -1]])
    found, mask = first_piece_states(states, words)
    assert mask.tolist() == [[True, False, True], [True, True, False]]
    expected = torch.stack([states[0, [1, 0, 3]], states[1, [1, 2, 0]]]) * mask.unsqueeze(-1)
    assert torch.equal(found, expected)
    found.sum().backward()
    assert states.grad[..., 0].tolist() == [[0, 1, 0, 1, 0], [0, 1, 1, 0, 0]]


def test_outside_nothing_is_left_not_even_what_is_not_finite():
    values = torch.tensor([[[1.0, 2.0], [float("nan"), float("inf")]]])
    assert zero_outside(values, torch.tensor([[True, False]])).tolist() == [[[1, 2], [0, 0]]]
