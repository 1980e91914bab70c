"""Size: parameters on the inference path, and bytes as an fp32 safetensors file, exact without writing one.

The modules must be what runs at inference: heads that are never called (masked-LM, poolers) must not be in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from torch import nn

from distill_core.models.base import count_parameters

#: bytes of one fp32 number
FP32 = 4


@dataclass(frozen=True)
class Size:
    """parameters: count; bytes: as fp32 safetensors."""

    parameters: int
    bytes: int


def safetensors_bytes(module: nn.Module) -> int:
    """Length in bytes of the safetensors file that holds the module's parameters as fp32, shared ones once.

    Computed, not written: large teachers need no second copy in memory. Buffers and file metadata are not counted.
    """
    return fp32_file_bytes({name: tuple(parameter.shape) for name, parameter in _unique(module).items()})


def fp32_file_bytes(shapes: Mapping[str, Sequence[int]]) -> int:
    """Length in bytes of a safetensors file of fp32 tensors: 8 bytes of header length, the JSON header padded with
    spaces to a multiple of 8, then 4 bytes a number, tensors in the order of their names
    (the format: https://github.com/huggingface/safetensors#format)."""
    header, offset = {}, 0
    for name in sorted(shapes):
        end = offset + FP32 * prod(shapes[name])
        header[name] = {"dtype": "F32", "shape": list(shapes[name]), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return 8 + (len(text) + 7) // 8 * 8 + offset


def module_size(module: nn.Module) -> Size:
    """Parameters and bytes of a model in memory (teachers)."""
    return Size(count_parameters(module), safetensors_bytes(module))


def saved_size(module: nn.Module, folder: Path) -> Size:
    """Parameters of a saved model, and the true size of its file(s): ``*.safetensors`` in its folder (the student).

    Raises FileNotFoundError when the folder holds none.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"no safetensors file in {folder}")
    return Size(count_parameters(module), sum(file.stat().st_size for file in files))


def _unique(module: nn.Module) -> dict[str, nn.Parameter]:
    return dict(module.named_parameters(remove_duplicate=True))
