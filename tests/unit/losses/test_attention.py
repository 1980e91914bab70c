import numpy as np
import pytest
import torch

from distill_core.losses.attention import attention_relations_kl, attention_scores_mse
from tests.unit.losses.references import gradient_in_parts, kl, normal, softmax

LENGTHS = [5, 3, 1, 0]
MASK = torch.arange(5)[None, :] < torch.tensor(LENGTHS)[:, None]
SQ, SK, TQ, TK = normal(0, 4, 5, 6), normal(1, 4, 5, 6), normal(2, 4, 5, 12), normal(3, 4, 5, 12)


def heads_of(states, heads):
    return np.stack(np.split(states.double().numpy(), heads, axis=-1))


def scores(sq, sk, tq, tk, mask=MASK):
    return attention_scores_mse(sq, sk, tq, tk, mask, student_heads=3, teacher_heads=3)


def relations(student, teacher, mask=MASK, heads=3):
    return attention_relations_kl(student, teacher, mask, relation_heads=heads)


def test_scores_equal_float64_numpy():
    expected = []
    for b, n in enumerate(LENGTHS):
        q, k, p, r = (heads_of(x[b, :n], 3) for x in (SQ, SK, TQ, TK))
        gaps = [a @ c.T / np.sqrt(2) - d @ e.T / np.sqrt(4) for a, c, d, e in zip(q, k, p, r, strict=True)]
        expected.append(np.mean(np.square(gaps)) if n else 0.0)
    found = scores(SQ, SK, TQ, TK)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("heads", [1, 2, 3, 6])
def test_relations_equal_float64_numpy(heads):
    expected = []
    for b, n in enumerate(LENGTHS):
        each = []
        for s, t in zip(heads_of(SQ[b, :n], heads), heads_of(TQ[b, :n], heads), strict=True):
            ours, theirs = (x @ x.T / np.sqrt(x.shape[1]) for x in (s, t))
            each.append(kl(softmax(theirs), softmax(ours)).mean() if n else 0.0)
        expected.append(np.mean(each))
    found = relations(SQ, TQ, heads=heads)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_zero_for_equal_inputs_and_for_examples_without_positions():
    assert (scores(TQ, TK, TQ, TK) == 0).all()
    assert (relations(TQ, TQ) == 0).all()
    leaf = SQ.clone().requires_grad_()
    (scores(leaf, SK, TQ, TK) + relations(leaf, TQ)).sum().backward()
    assert leaf.grad.isfinite().all()
    assert (leaf.grad[~MASK] == 0).all()
    assert (leaf.grad[0] != 0).any()


def test_a_single_position_attends_to_itself_alone():
    assert relations(SQ, TQ)[2] == 0


@pytest.mark.parametrize(
    "loss", [lambda s, t, m: scores(s, s.flip(-1), t, t.flip(-1), m), relations], ids=["scores", "relations"]
)
class TestMask:
    def test_masked_positions_equal_positions_left_out(self, loss):
        leaf = SQ.clone().requires_grad_()
        found = loss(leaf, TQ, MASK)
        found[1].backward()
        short = SQ[1:2, :3].clone().requires_grad_()
        alone = loss(short, TQ[1:2, :3], torch.ones(1, 3, dtype=torch.bool))
        alone.sum().backward()
        torch.testing.assert_close(found[1:2], alone)
        torch.testing.assert_close(leaf.grad[1:2, :3], short.grad)

    def test_positions_off_the_mask_may_stand_anywhere(self, loss):
        order = [3, 0, 4, 1, 2]
        torch.testing.assert_close(loss(SQ[:, order], TQ[:, order], MASK[:, order]), loss(SQ, TQ, MASK))

    @pytest.mark.parametrize("rubbish", [1e30, float("inf"), float("nan")])
    def test_what_stands_under_the_mask_has_no_effect(self, loss, rubbish):
        student, teacher = SQ.clone(), TQ.clone()
        student[~MASK], teacher[~MASK] = rubbish, -rubbish
        leaf, clean = student.requires_grad_(), SQ.clone().requires_grad_()
        found, expected = loss(leaf, teacher, MASK), loss(clean, TQ, MASK)
        found.sum().backward()
        expected.sum().backward()
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(leaf.grad, clean.grad)

    def test_extreme_states_give_finite_values_and_gradients(self, loss):
        leaf = (1e4 * SQ).requires_grad_()
        found = loss(leaf, -1e4 * TQ, MASK)
        found.sum().backward()
        assert found.isfinite().all()
        assert leaf.grad.isfinite().all()

    def test_half_precision_is_computed_in_fp32(self, loss):
        half = (300 * SQ).half()
        found = loss(half, (300 * TQ).half(), MASK)
        assert found.dtype == torch.float32
        assert found.isfinite().all()

    def test_gradients_equal_finite_differences(self, loss):
        leaf = SQ.double().requires_grad_()
        assert torch.autograd.gradcheck(lambda s: loss(s, TQ.double(), MASK), (leaf,))

    def test_any_split_of_a_batch_gives_equal_gradients(self, loss):
        whole, *parts = [
            gradient_in_parts(lambda rows, at: loss(rows, TQ[at], MASK[at]), SQ, cuts)
            for cuts in ([], [1], [2, 3], [1, 2, 3])
        ]
        for part in parts:
            torch.testing.assert_close(whole, part)


def test_relations_do_not_see_a_rotation_inside_a_head_but_scores_do():
    turn = torch.linalg.qr(normal(9, 2, 2).double())[0]
    block = torch.block_diag(turn, turn, turn)
    turned = SQ.double() @ block
    torch.testing.assert_close(relations(turned, TQ.double()), relations(SQ.double(), TQ.double()))
    before, after = scores(SQ, SK, TQ, TK), scores(turned.float(), SK, TQ, TK)
    assert (before[:3] - after[:3]).abs().min() > 1e-3


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="equal heads"):
        attention_scores_mse(SQ, SK, TQ, TK, MASK, student_heads=3, teacher_heads=6)
    with pytest.raises(ValueError, match="divide"):
        attention_scores_mse(SQ, SK, TQ, TK, MASK, student_heads=4, teacher_heads=4)
    with pytest.raises(ValueError, match="divide"):
        relations(SQ, TQ, heads=4)
    with pytest.raises(ValueError, match="one shape"):
        scores(SQ, SK[:, :4], TQ, TK)
    with pytest.raises(ValueError, match="shapes"):
        relations(SQ, TQ[:, :4])
    with pytest.raises(ValueError, match="shapes"):
        relations(SQ, TQ, MASK[:, :4])
