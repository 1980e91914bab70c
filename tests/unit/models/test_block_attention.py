"""Attention by blocks: values and gradients of the plain path, a dropout that is one, and torch's where it must be."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import BertConfig, BertModel, PreTrainedModel

from distill_core.models import block_attention as blocks
from distill_core.models import fast_linear
from distill_core.models.fast import shortcuts

SHAPE = (3, 2, 7, 4)  # texts, heads, tokens, width of a head


def inputs(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    query, key, value = (torch.randn(SHAPE, dtype=dtype, requires_grad=True) for _ in range(3))
    return query, key, value


def padding(dtype: torch.dtype = torch.float32) -> Tensor:
    """[texts, 1, tokens]: the second text ends after four tokens, the third after one."""
    bias = torch.zeros(SHAPE[0], 1, SHAPE[2], dtype=dtype)
    bias[1, :, 4:] = bias[2, :, 1:] = -torch.inf
    return bias


def grads(found: Tensor, *of: Tensor) -> tuple[Tensor, ...]:
    torch.manual_seed(1)
    return torch.autograd.grad(found, of, torch.randn(found.shape, dtype=found.dtype))


@pytest.mark.parametrize("block", [1, 100, 1 << 18], ids=["a head", "two heads", "all"])
@pytest.mark.parametrize("padded", [False, True])
def test_values_and_gradients_are_those_of_torch(monkeypatch: pytest.MonkeyPatch, block: int, padded: bool) -> None:
    monkeypatch.setattr(blocks, "BLOCK", block)
    query, key, value = inputs()
    bias = padding() if padded else None
    found = blocks.block_attention(query, key, value, bias, scale=0.3, dropout=0.0)
    mask = None if bias is None else bias[:, None]
    plain = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=0.3)
    torch.testing.assert_close(found, plain)
    for own, other in zip(grads(found, query, key, value), grads(plain, query, key, value), strict=True):
        torch.testing.assert_close(own, other)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("padded", [False, True])
def test_the_products_of_long_texts_change_nothing(
    monkeypatch: pytest.MonkeyPatch, padded: bool, dropout: float
) -> None:
    if not fast_linear._works():
        pytest.skip("this torch has no oneDNN product")
    monkeypatch.setattr(blocks, "BLOCK", 1)  # a head at a time on both ways, so that both draw the same
    query, key, value = inputs()
    bias, used = padding() if padded else None, []
    monkeypatch.setattr(blocks, "product", lambda *given: used.append(given) or fast_linear.product(*given))
    found = []
    for large in (1000, 1):
        monkeypatch.setattr(blocks, "LARGE", large)
        monkeypatch.setattr(blocks, "onednn_is_faster", lambda: True)
        torch.manual_seed(2)
        said = blocks.block_attention(query, key, value, bias, scale=0.3, dropout=dropout)
        found.append((said, *grads(said, query, key, value)))
        # Six products of a head: two there, four back.
        assert len(used) == (0 if large == 1000 else 6 * SHAPE[0] * SHAPE[1])
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("block", [1, 100])
def test_gradients_with_dropout_are_those_of_what_was_computed(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(blocks, "BLOCK", block)

    def dropped(*tensors: Tensor) -> Tensor:
        torch.manual_seed(3)
        return blocks.block_attention(*tensors, padding(torch.float64), scale=0.5, dropout=0.4)

    assert torch.autograd.gradcheck(dropped, inputs(torch.float64))


def test_dropout_drops_that_share_and_makes_up_for_it() -> None:
    tokens, dropout = 64, 0.25
    query = key = torch.zeros(50, 2, tokens, tokens)
    value = torch.eye(tokens).expand(50, 2, tokens, tokens)  # so the answer is the weights
    torch.manual_seed(0)
    weights = blocks.block_attention(query, key, value, None, scale=1.0, dropout=dropout)
    dropped = weights == 0
    assert dropped.float().mean().item() == pytest.approx(dropout, abs=0.005)
    torch.testing.assert_close(weights[~dropped], torch.full_like(weights[~dropped], 1 / tokens / (1 - dropout)))
    # Of each text, head and row its own.
    assert len({row.numpy().tobytes() for row in dropped.flatten(0, 2)}) == 50 * 2 * tokens


def test_equal_seeds_drop_equally_whether_gradients_are_wanted_or_not() -> None:
    query, key, value = inputs()
    torch.manual_seed(5)
    wanted = blocks.block_attention(query, key, value, None, scale=0.5, dropout=0.3)
    torch.manual_seed(5)
    with torch.no_grad():
        torch.testing.assert_close(
            blocks.block_attention(query, key, value, None, scale=0.5, dropout=0.3), wanted, rtol=0, atol=0
        )


# ---------------------------------------------------------------- inside an encoder


def encoder(dropout: float, **settings: object) -> PreTrainedModel:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=dropout, max_position_embeddings=256, **settings,
    )  # fmt: skip
    config._attn_implementation = "sdpa"
    return BertModel(config, add_pooling_layer=False).train()


def texts(tokens: int) -> dict[str, Tensor]:
    mask = torch.ones(3, tokens, dtype=torch.long)
    mask[1, tokens // 2 :] = 0
    return {"input_ids": torch.randint(1, 50, (3, tokens)), "attention_mask": mask}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes that went by blocks."""
    found, whole = [], blocks.block_attention

    def recorded(query: Tensor, *rest: Tensor | None, **options: float) -> Tensor:
        found.append(tuple(query.shape))
        return whole(query, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(blocks, "block_attention", recorded)
    return found


def test_an_encoder_in_training_attends_by_blocks_and_answers_the_same(calls: list[tuple[int, ...]]) -> None:
    # So little is dropped that nothing is: what remains is the path.
    model, batch = encoder(1e-9), texts(blocks.LEAST)
    plain = model(**batch).last_hidden_state
    assert not calls
    with shortcuts(model):
        found = model(**batch).last_hidden_state
    assert calls == [(3, 2, blocks.LEAST, 8)] * 2
    real = batch["attention_mask"].bool()
    torch.testing.assert_close(found[real], plain[real], rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(plain) * real[..., None]
    own = torch.autograd.grad(found, list(model.parameters()), weights)
    other = torch.autograd.grad(plain, list(model.parameters()), weights)
    for one, two in zip(own, other, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)
    assert model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize(
    ("tokens", "dropout", "training", "settings"),
    [
        (blocks.LEAST - 1, 0.1, True, {}),
        (blocks.LEAST, 0.1, False, {}),
        (blocks.LEAST, 0.0, True, {}),
        (blocks.LEAST, 0.1, True, {"is_decoder": True}),
    ],
    ids=["short", "asked", "no dropout", "causal"],
)
def test_elsewhere_attention_stays_torchs(
    calls: list[tuple[int, ...]], tokens: int, dropout: float, training: bool, settings: dict[str, object]
) -> None:
    model = encoder(dropout, **settings).train(training)
    with shortcuts(model):
        model(**texts(tokens))
    assert not calls


def test_reduced_precision_is_left_to_torch(calls: list[tuple[int, ...]]) -> None:
    model = encoder(0.1)
    with shortcuts(model), torch.autocast("cpu", dtype=torch.bfloat16):
        model(**texts(blocks.LEAST))
    assert not calls


def test_an_encoder_of_another_attention_is_left_alone() -> None:
    model = encoder(0.1)
    model.config._attn_implementation = "eager"
    with shortcuts(model):
        assert model.config._attn_implementation == "eager"
    assert model.config._attn_implementation == "eager"
