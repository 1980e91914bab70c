from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save, save_file
from torch import nn

from distill_core.measure.size import count_parameters, fp32_file_bytes, module_size, safetensors_bytes, saved_size


class Tied(nn.Module):
    """Embedding and output share one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.out = nn.Linear(6, 11)
        self.out.weight = self.embedding.weight


def test_shared_tensors_count_once() -> None:
    assert count_parameters(Tied()) == 11 * 6 + 11
    assert module_size(Tied()).parameters == 77


@pytest.mark.parametrize(
    "module",
    [nn.Linear(3, 2), nn.LSTM(5, 7, 2, bidirectional=True), nn.TransformerEncoderLayer(8, 2, 16), nn.BatchNorm1d(4)],
    ids=lambda m: type(m).__name__,
)
def test_bytes_equal_the_library_s_file(module: nn.Module) -> None:
    assert safetensors_bytes(module) == len(save(dict(module.named_parameters())))


def test_bytes_are_those_of_fp32_whatever_the_module_holds() -> None:
    assert safetensors_bytes(nn.Linear(4, 4).half()) == safetensors_bytes(nn.Linear(4, 4))


def test_bytes_of_shared_tensors_equal_the_file_without_the_copy() -> None:
    tied = Tied()
    assert safetensors_bytes(tied) == len(save({"embedding.weight": tied.embedding.weight, "out.bias": tied.out.bias}))


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii", categories=("L", "N")) | st.sampled_from("._é"), min_size=1, max_size=12),
        st.lists(st.integers(0, 9), max_size=3),
        max_size=6,
    )
)
def test_header_arithmetic_holds_for_any_names_and_shapes(shapes: dict[str, list[int]]) -> None:
    assert fp32_file_bytes(shapes) == len(save({name: torch.zeros(shape) for name, shape in shapes.items()}))


def test_saved_size_is_the_file_on_disk(tmp_path: Path) -> None:
    module = nn.Linear(8, 8)
    save_file(dict(module.named_parameters()), tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert saved_size(module, tmp_path).bytes == (tmp_path / "model.safetensors").stat().st_size
    assert saved_size(module, tmp_path).parameters == 72


def test_saved_size_of_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        saved_size(nn.Linear(1, 1), tmp_path)
