"""A student (or teacher) as an ONNX graph, and the graph in int8: token ids in, logits out, nothing of ours inside.

Inputs: input_ids and attention_mask [B, T] int64, token_type_ids where the model tells two texts apart; B and T are
free. Output: logits [B, C], or [B, T, C] where words or hidden pieces are asked for: one row for every piece.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxscript.optimizer import fold_constants, remove_unused_nodes
from torch import Tensor, nn

from distill_core.errors import CheckpointError
from distill_core.measure.size import safetensors_bytes
from distill_core.models.base import Student
from distill_core.models.encoders import takes_types
from distill_core.models.teacher import Teacher
from distill_core.models.types import Batch
from distill_core.models.words import each_piece

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
LOGITS = "logits"
#: one protobuf file holds at most 2 GiB; above this the weights lie in a file of their own
_ONE_FILE = 1_800_000_000
_ANY_SIZE = 2**62


class _Graph(nn.Module):
    """The model as a function of plain tensors."""

    def __init__(self, model: Student | Teacher) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        places = torch.arange(input_ids.shape[1], device=input_ids.device).expand(input_ids.shape[0], -1)
        batch = Batch(input_ids, attention_mask.bool(), token_type_ids, words=places)
        with each_piece():
            logits: Tensor = self.model(batch).logits
        return logits


def input_names(model: Student | Teacher) -> tuple[str, ...]:
    """The inputs its graph has, in order."""
    typed = "token_type_ids" in model.tokenizer.model_input_names
    encoder: Any = getattr(model, "encoder", None)
    if not typed or not isinstance(encoder, nn.Module) or not hasattr(encoder, "config"):
        return INPUTS[:2]
    return INPUTS if takes_types(encoder) else INPUTS[:2]  # type: ignore[arg-type]


def write_onnx(model: Student | Teacher, path: Path) -> Path:
    """The model, in evaluation mode, as an fp32 graph by torch's exporter.

    Raises:
        CheckpointError: its architecture cannot be written as a graph.
    """
    names = input_names(model)
    # Two rows of unequal length: a batch of one, or without padding, would be taken for a fixed size or a shortcut.
    ids = torch.full((2, 8), max(0, len(model.tokenizer) - 1), dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    inputs = dict(zip(INPUTS, (ids, mask, torch.zeros_like(ids)), strict=True))
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    was_training = model.training
    try:
        with torch.no_grad(), _quiet():
            program = torch.onnx.export(
                _Graph(model).eval(),
                (),
                kwargs={name: inputs[name] for name in names},
                dynamo=True,
                input_names=list(names),
                output_names=[LOGITS],
                dynamic_shapes=dict.fromkeys(names, sizes),
                verbose=False,
            )
            assert program is not None
            parts = ("Slice", "Concat", "Unsqueeze")
            _fold(program.model, parts)
            # Again for parts of large weights, kept apart by default: int8 would pass by an LSTM of 600 units.
            fold_constants(program.model, should_fold=lambda node: node.op_type in parts, output_size_limit=_ANY_SIZE)
            remove_unused_nodes(program.model)
            program.save(str(path), external_data=safetensors_bytes(model) > _ONE_FILE)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # the exporter's own kinds, and whatever an architecture's code raises when it is traced
        raise CheckpointError(
            f"{type(model).__name__} cannot be written as an ONNX graph ({_first_line(error)}).",
            hint="Take the safetensors export instead.",
        ) from error
    finally:
        model.train(was_training)
    return path


def quantise(source: Path, target: Path) -> Path:
    """The same graph with int8 weights, one scale a column; activations are quantised as they come (dynamically).

    Weights use 7 of the 8 bits: processors without VNNI add pairs of products in 16 bits, which would overflow, so that
    the same file answered differently there.
    """
    graph = onnx.load(str(source))
    large = model_bytes(source) > _ONE_FILE
    # A table that is read as it stands and turned over (masked LM) becomes two, as only weights get int8.
    _fold(graph, ("Transpose",))
    # Shapes noted by the exporter are wrong for what the quantiser turns over; it infers them itself.
    del graph.graph.value_info[:]
    with _quiet():
        quantize_dynamic(
            graph,
            str(target),
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=_by_vectors(graph),
            use_external_data_format=large,
        )
    return target


def _by_vectors(graph: onnx.ModelProto) -> list[str]:
    """Products with a single vector have no columns to scale."""
    flat = {tensor.name for tensor in graph.graph.initializer if len(tensor.dims) < 2}
    return [node.name for node in graph.graph.node if node.op_type == "MatMul" and flat & set(node.input)]


def _fold(graph: Any, also: tuple[str, ...]) -> None:
    """What hangs on weights alone is computed now, in place: small things, and operators of these kinds at any size."""
    fold_constants(graph, should_fold=lambda node: True if node.op_type in also else None)
    remove_unused_nodes(graph)


def model_bytes(path: Path) -> int:
    """Bytes of a graph and of the weights beside it."""
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def _first_line(error: BaseException) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return f"{type(cause).__name__}: {lines[0][:200]}" if lines else type(cause).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the exporter's and the quantiser's running commentary out of the log."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
