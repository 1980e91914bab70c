"""The machine a run computes on: for the report, for `python -m distill_core machine`, and to choose a device."""

from __future__ import annotations

import os
import platform
import re
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import torch

from distill_core.errors import ConfigError, FieldError
from distill_core.models.precision import Precision


def choose_device(setting: str) -> torch.device:
    """The device of a config's `device`: auto takes cuda, then mps, then cpu. Raises ConfigError (field `device`)."""
    available = available_devices()
    if setting == "auto":
        return torch.device(available[0])
    if setting not in available:
        message = f"{setting} was asked for, but this machine (with this torch) has only {', '.join(available)}."
        raise ConfigError([FieldError("device", message, "Choose auto.")])
    return torch.device(setting)


def choose_precision(setting: str, device: torch.device) -> Precision:
    """The precision of a config's `training.precision`: auto takes bf16 on CUDA devices that have it, else fp32.

    A CPU computes bf16 too, but seldom faster. Raises ConfigError (field `training.precision`) where a device cannot.
    """
    if setting == "fp32" or (setting == "auto" and device.type != "cuda"):
        return "fp32"
    if computes_bf16(device):
        return "bf16"
    if setting == "auto":
        return "fp32"
    message = f"bf16 was asked for, but {device_name(device.type)} does not compute it."
    raise ConfigError([FieldError("training.precision", message, "Choose auto or fp32.")])


def computes_bf16(device: torch.device) -> bool:
    """Has the device bf16 of its own? On CUDA from compute capability 8.0 on: older ones only imitate it."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu"


def available_devices() -> list[str]:
    """Best first; cpu is always there."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


#: what a CPU's name has beside its model: marks, its kind, its clock, the cores of the whole chip
_BESIDE = re.compile(r"\((?:R|TM|C)\)|\bCPU\b|\bProcessor\b|@.*$|\b\w+-Core\b", re.IGNORECASE)


@cache
def cpu_name() -> str:
    """The CPU's model as it tells it itself, e.g. "Intel Xeon Platinum 8370C"; "CPU" where it tells none."""
    told = platform.processor() if platform.system() == "Windows" else ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    told = next((line.partition(":")[2] for line in lines if line.startswith("model name")), told)
    return " ".join(_BESIDE.sub(" ", told).split()) or "CPU"


def device_name(device: str) -> str:
    """A name for people, e.g. the accelerator's model or "AMD EPYC 7763, 2 cores"."""
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(0))
    if device.startswith("mps"):
        return f"Apple GPU ({platform.machine()})"
    count = cores()
    return f"{cpu_name()}, {count} core{'' if count == 1 else 's'}"


def memory_gb(device: str) -> float:
    """Memory of the accelerator, or of the machine for cpu and mps, in 10^9 bytes."""
    if device.startswith("cuda"):
        return round(torch.cuda.get_device_properties(0).total_memory / 1e9, 1)
    return round(psutil.virtual_memory().total / 1e9, 1)


def describe_machine(device: str | None = None) -> dict[str, Any]:
    """{device, device_name, devices (best first), torch (version), cores, memory_gb}; by default of the best device."""
    device = device or available_devices()[0]
    return {
        "device": device,
        "device_name": device_name(device),
        "devices": available_devices(),
        "torch": torch.__version__,
        "cores": cores(),
        "memory_gb": memory_gb(device),
    }
