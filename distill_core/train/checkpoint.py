"""Checkpoints: one safetensors file, written whole or not at all, from which training goes on bit for bit (CPU)."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from distill_core.errors import CheckpointError


@dataclass
class Progress:
    """Where a trial stands; everything but tensors."""

    step: int = 0
    best_step: int = 0
    best_score: float = float("-inf")
    evaluations_without_better: int = 0
    seconds: float = 0.0
    window: dict[str, list[float]] = field(default_factory=dict)
    window_examples: int = 0
    window_seconds: float = 0.0
    learner: dict[str, Any] = field(default_factory=dict)


def write_atomically(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file beside `path`, flush it to disk, then put it in place in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    save_file(tensors, partial, metadata=metadata)
    with open(partial, "rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def module_tensors(module: nn.Module) -> dict[str, Tensor]:
    """A module's state on the CPU; tensors that share memory are stored under each of their names."""
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in module.state_dict().items()}


def save(
    path: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    best: dict[str, Tensor],
    progress: Progress,
) -> None:
    """Everything needed to go on: weights, AdamW moments, random state, best state so far."""
    tensors = {f"module.{name}": value for name, value in module_tensors(module).items()}
    for index, entry in optimizer.state_dict()["state"].items():
        for name, value in entry.items():
            tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value).detach().to("cpu", copy=True).contiguous()
    tensors["rng.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    tensors |= {f"best.{name}": value for name, value in best.items()}
    write_atomically(path, tensors, {"progress": json.dumps(asdict(progress))})


def load(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device
) -> tuple[dict[str, Tensor], Progress]:
    """Put a checkpoint's state back; returns the best state and the progress. Raises CheckpointError."""
    groups: dict[str, dict[str, Tensor]] = {"module": {}, "optimizer": {}, "rng": {}, "best": {}}
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            for key in file.keys():  # noqa: SIM118 (safe_open is no mapping)
                part, _, name = key.partition(".")
                groups[part][name] = file.get_tensor(key)
        module.load_state_dict(groups["module"])
    except Exception as error:
        raise CheckpointError(
            f"the checkpoint {path.name} cannot be read ({type(error).__name__}: {error}).",
            hint=f"Delete {path} to train this part again from the start.",
        ) from error
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in groups["optimizer"].items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    torch.set_rng_state(groups["rng"]["cpu"])
    if device.type == "cuda" and "cuda" in groups["rng"]:
        torch.cuda.set_rng_state(groups["rng"]["cuda"])
    return groups["best"], progress
