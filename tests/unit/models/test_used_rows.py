"""Training with the rows in use ends where training with all of them ends."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from distill_core.models.factorised import FactorisedEmbedding
from distill_core.models.used_rows import MARK, rows_in_use
from distill_core.tasks.base import Encoded

ROWS, WIDTH = 40, 6
USED = np.array([0, 3, 7, 11, 12])


class Model(nn.Module):
    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self.out = nn.Linear(WIDTH, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.embedding(ids).mean(dim=1))


def model(kind: str) -> Model:
    torch.manual_seed(1)
    if kind == "factorised":
        return Model(FactorisedEmbedding(ROWS, WIDTH, 3, padding_idx=0))
    return Model(nn.Embedding(ROWS, WIDTH, padding_idx=0 if kind == "padded" else None))


def texts(ids: np.ndarray = USED) -> Encoded:
    rows = [ids[:2].astype(np.int32), ids.astype(np.int32)]
    return Encoded(rows, None, rows, np.array([2, len(ids)]), pad_id=0)


def train(made: Model, steps: int = 20) -> None:
    torch.manual_seed(2)
    optimizer = torch.optim.AdamW(made.parameters(), lr=0.05, weight_decay=0.1, fused=True)
    for _ in range(steps):
        # Row 12 is only validated: it decays as the others do.
        ids = torch.from_numpy(np.random.default_rng(len(USED)).choice(USED[:4], (4, 3)))
        optimizer.zero_grad(set_to_none=True)
        made(ids).square().sum().backward()
        nn.utils.clip_grad_norm_(made.parameters(), 1.0)
        optimizer.step()


@pytest.mark.parametrize("kind", ["plain", "padded", "factorised"])
def test_the_end_is_that_of_training_all_rows(kind, tmp_path: Path):
    whole, few = model(kind), model(kind)
    before = few.embedding.weight.detach().clone()
    train(whole)
    parameter = few.embedding.weight
    with rows_in_use([(few, [texts()])], tmp_path / "trial"):
        assert few.embedding.weight.shape[0] == len(USED) + 1
        train(few)
    assert few.embedding.weight is parameter
    assert type(few.embedding) in (nn.Embedding, FactorisedEmbedding)
    assert few.embedding.padding_idx == whole.embedding.padding_idx
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(few.state_dict()[name], value, rtol=1e-5, atol=1e-6, msg=name)
    unused = np.setdiff1d(np.arange(ROWS), USED)
    assert (few.embedding.weight[unused].abs() <= before[unused].abs()).all()
    assert not torch.equal(few.embedding.weight[unused], before[unused])


def test_an_untrained_table_comes_back_bit_for_bit(tmp_path: Path):
    made = model("plain")
    before = made.embedding.weight.detach().clone()
    with pytest.raises(RuntimeError), rows_in_use([(made, [texts()])], tmp_path / "trial"):
        raise RuntimeError
    assert torch.equal(made.embedding.weight, before)


def test_lookups_are_those_of_the_whole_table(tmp_path: Path):
    made = model("factorised")
    ids = torch.from_numpy(USED)
    whole = made.embedding(ids)
    with rows_in_use([(made, [texts()])], tmp_path / "trial"):
        assert torch.equal(made.embedding(ids), whole)
        with pytest.raises(IndexError):
            made.embedding(torch.tensor([5]))


def test_states_travel_between_two_beginnings_of_one_trial(tmp_path: Path):
    first, second = model("plain"), model("plain")
    with rows_in_use([(first, [texts()])], tmp_path / "trial"):
        train(first, 5)
        state = {name: value.clone() for name, value in first.state_dict().items()}
    with rows_in_use([(second, [texts()])], tmp_path / "trial"):
        second.load_state_dict(state)
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value)


def test_a_table_mostly_in_use_or_tied_to_an_output_stays_whole(tmp_path: Path):
    made = model("plain")
    with rows_in_use([(made, [texts(np.arange(ROWS - 2))])], tmp_path / "a"):
        assert made.embedding.weight.shape[0] == ROWS
    tied = model("plain")
    tied.out = nn.Linear(WIDTH, ROWS, bias=False)
    tied.out.weight = tied.embedding.weight
    with rows_in_use([(tied, [texts()])], tmp_path / "b"):
        assert tied.embedding.weight.shape[0] == ROWS


def test_a_trial_of_an_earlier_version_goes_on_with_all_rows(tmp_path: Path):
    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "checkpoint.safetensors").touch()
    made = model("plain")
    with rows_in_use([(made, [texts()])], folder):
        assert made.embedding.weight.shape[0] == ROWS
    assert not folder.with_name(folder.name + MARK).exists()


def test_frozen_stays_frozen(tmp_path: Path):
    made = model("plain")
    with rows_in_use([(made, [texts()])], tmp_path / "trial"):
        made.embedding.weight.requires_grad_(False)
    assert not made.embedding.weight.requires_grad
