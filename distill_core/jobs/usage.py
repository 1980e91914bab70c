"""What a run takes of the machine: CPU, memory and accelerator, sampled beside the work by a thread of the child.

Rows are metrics of the arm "device"; their step is the run's working time in whole seconds, not an optimizer step.

name                    unit   meaning
cpu_share               share  CPU time of this process / (elapsed time × cores it may use)
memory_process          bytes  resident memory of this process
accelerator_share       share  of the last driver period, time in which the accelerator worked (for whichever process)
accelerator_allocated   bytes  tensors of this process on the accelerator
accelerator_reserved    bytes  what PyTorch holds there for this process, the former included
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

import psutil

from distill_core.events import DEVICE_ARM, EventSink, metric

log = logging.getLogger(__name__)

#: seconds between two samples; a long run is sampled more seldom (a thousandth of the time it has taken so far)
PAUSE_S, PAUSE_SHARE = 2.0, 1e-3


@contextmanager
def sampled(sink: EventSink, worked_s: float = 0.0) -> Iterator[None]:
    """Report what this process takes while the block runs. worked_s: seconds of work in earlier attempts."""
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(sink, over, worked_s), name="usage", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=5)


def _watch(sink: EventSink, over: threading.Event, worked_s: float) -> None:
    meter, began = Meter(), time.monotonic()
    while not over.wait(max(PAUSE_S, PAUSE_SHARE * (worked_s + time.monotonic() - began))):
        try:
            found = meter.read()
            step = round(worked_s + time.monotonic() - began)
            sink.emit("metric", rows=[metric(DEVICE_ARM, 0, name, step, *what) for name, what in found.items()])
        except Exception as error:  # a machine that cannot be read, a full disk: no reason to end the run from here
            log.debug("the machine's use could not be told: %s", error)


class Meter:
    """Reads this process's use of the machine. The first reading covers the time since construction."""

    def __init__(self, accelerator: Callable[[], dict[str, tuple[float, str]]] | None = None) -> None:
        self._process = psutil.Process()
        self._cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._accelerator = accelerator or Accelerator().read
        self._last = (time.monotonic(), self._cpu_s())

    def _cpu_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def read(self) -> dict[str, tuple[float, str]]:
        """name → (value, unit)."""
        now = (time.monotonic(), self._cpu_s())
        (before, spent), self._last = self._last, now
        share = (now[1] - spent) / max(1e-9, (now[0] - before) * self._cores)
        found = {
            "cpu_share": (round(min(1.0, max(0.0, share)), 4), "share"),
            "memory_process": (float(self._process.memory_info().rss), "bytes"),
        }
        with suppress(Exception):
            found |= self._accelerator()
        return found


class Accelerator:
    """CUDA or MPS as PyTorch in this process sees them. PyTorch is never imported from here, and no device woken."""

    def __init__(self) -> None:
        self._share: Callable[[], float] | None = None
        self._asked = False

    def read(self) -> dict[str, tuple[float, str]]:
        torch = sys.modules.get("torch")
        if torch is None:
            return {}
        cuda = getattr(torch, "cuda", None)
        if cuda is not None and cuda.is_initialized():
            return self._cuda(torch)
        mps = getattr(torch, "mps", None)
        if mps is not None and torch.backends.mps.is_available():
            return {
                "accelerator_allocated": (float(mps.current_allocated_memory()), "bytes"),
                "accelerator_reserved": (float(mps.driver_allocated_memory()), "bytes"),
            }
        return {}

    def _cuda(self, torch: ModuleType) -> dict[str, tuple[float, str]]:
        found = {
            "accelerator_allocated": (float(torch.cuda.memory_allocated()), "bytes"),
            "accelerator_reserved": (float(torch.cuda.memory_reserved()), "bytes"),
        }
        if not self._asked:
            self._asked = True
            with suppress(Exception):
                uuid = torch.cuda.get_device_properties(torch.cuda.current_device()).uuid
                self._share = nvml_share(f"GPU-{uuid}")
        if self._share is not None:
            with suppress(OSError):
                found["accelerator_share"] = (self._share(), "share")
        return found


class _Rates(ctypes.Structure):
    """nvmlUtilization_t: percent of the driver's last sample period."""

    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


def nvml_share(uuid: str, library: Any = None) -> Callable[[], float]:
    """A reading of how busy an NVIDIA GPU is, in [0, 1], from the driver's own library. Raises OSError without it."""
    nvml = library or ctypes.CDLL("libnvidia-ml.so.1")
    handle = ctypes.c_void_p()
    _checked(nvml.nvmlInit_v2())
    _checked(nvml.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(handle)))

    def share() -> float:
        rates = _Rates()
        _checked(nvml.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(rates)))
        return rates.gpu / 100

    return share


def _checked(code: int) -> None:
    if code != 0:
        raise OSError(f"NVML answered {code}")
