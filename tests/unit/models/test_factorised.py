import numpy as np
import pytest
import torch
from torch import nn

from distill_core.errors import CheckpointError
from distill_core.families import FAMILIES
from distill_core.models.base import count_parameters, seeded
from distill_core.models.factorised import STD, FactorisedEmbedding, install_factorised, random_directions
from tests.unit import tiny_checkpoints as tiny


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def test_it_is_an_embedding_of_its_product():
    with seeded(1, "test"):
        factorised = FactorisedEmbedding(20, 8, 3, padding_idx=4)
    plain = nn.Embedding.from_pretrained(factorised.weight.detach() @ factorised.map.weight.detach().T)
    ids = torch.tensor([[1, 4, 19], [0, 7, 7]])
    assert factorised(ids).shape == (2, 3, 8)
    assert torch.allclose(factorised(ids), plain(ids), atol=1e-6)
    assert torch.allclose(factorised.product(), plain.weight, atol=1e-6)
    assert (factorised.num_embeddings, factorised.embedding_dim, factorised.rank) == (20, 8, 3)
    assert count_parameters(factorised) == 20 * 3 + 3 * 8


def test_the_padding_row_is_zero_and_learns_nothing():
    factorised = FactorisedEmbedding(20, 8, 3, padding_idx=4)
    ids = torch.tensor([4, 4, 5])
    assert torch.equal(factorised(ids)[0], torch.zeros(8))
    factorised(ids).sum().backward()
    assert torch.equal(factorised.weight.grad[4], torch.zeros(3)) and factorised.weight.grad[5].abs().sum() > 0


@pytest.mark.parametrize("rank", [2, 16, 64])
def test_random_products_have_the_usual_scale(rank):
    with seeded(1, "test"):
        product = FactorisedEmbedding(2000, 96, rank).product()
    assert product.std().item() == pytest.approx(STD, rel=0.25 if rank == 2 else 0.08)
    assert abs(product.mean().item()) < STD / 10


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_from_svd_is_the_best_approximation(rank):
    matrix = drawn(40, 8)
    left, values, right = np.linalg.svd(matrix.double().numpy(), full_matrices=False)
    best = (left[:, :rank] * values[:rank]) @ right[:rank]
    factorised = FactorisedEmbedding.from_svd(matrix, rank)
    assert np.allclose(factorised.product().numpy(), best, atol=1e-5)
    error = np.linalg.norm(factorised.product().numpy() - matrix.numpy())
    assert error == pytest.approx(np.sqrt((values[rank:] ** 2).sum()), abs=1e-5)


@pytest.mark.parametrize(("width", "rank"), [(16, 4), (16, 16), (40, 3)])
def test_random_directions_keep_lengths_and_angles(width, rank):
    with seeded(1, "test"):
        directions = random_directions(width, rank)
    table = drawn(10, rank)
    spread = table @ directions.T
    assert spread.shape == (10, width)
    assert torch.allclose(spread @ spread.T, table @ table.T, atol=1e-5)


@pytest.mark.parametrize("model_type", sorted(FAMILIES))
@torch.no_grad()
def test_every_encoder_computes_with_it(model_type):
    encoder = tiny.build(model_type).eval()
    before = encoder.get_input_embeddings()
    ids = torch.tensor([[2, 5, 6, 3], [2, 8, 7, 3]])
    expected = encoder(input_ids=ids).last_hidden_state
    made = install_factorised(encoder, 4)
    assert encoder.get_input_embeddings() is made
    assert (made.num_embeddings, made.embedding_dim, made.rank) == (before.num_embeddings, before.embedding_dim, 4)
    assert made.padding_idx == before.padding_idx and not made.training
    assert not torch.allclose(encoder(input_ids=ids).last_hidden_state, expected, atol=1e-4)
    encoder.set_input_embeddings(FactorisedEmbedding.from_svd(before.weight, before.embedding_dim))
    assert torch.allclose(encoder(input_ids=ids).last_hidden_state, expected, atol=1e-5), "all ranks: the same matrix"


@pytest.mark.parametrize("rank", [16, 17])
def test_it_has_to_be_narrower(rank):
    with pytest.raises(CheckpointError, match="fewer than 16") as caught:
        install_factorised(tiny.build("bert"), rank)
    assert caught.value.field == "student.embedding"
