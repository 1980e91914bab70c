"""What the app runs on. The accelerator is looked for by a child, because that needs torch."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from distill_core.jobs.process import child_environment
from distill_core.layout import PROJECT

log = logging.getLogger(__name__)

PROBE = (sys.executable, "-m", "distill_core", "machine")
PROBE_TIMEOUT_S = 120
_CGROUP = Path("/sys/fs/cgroup")


def cores(cgroup: Path = _CGROUP) -> int:
    """CPU cores this process may use: its affinity, less where a container's quota allows fewer."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(cgroup / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit() and int(period):
        found = min(found, max(1, int(quota) // int(period)))
    return found


def memory_gb(cgroup: Path = _CGROUP) -> float:
    """Memory this process may use, in 10^9 bytes: the machine's, or a container's limit where that is lower."""
    total = psutil.virtual_memory().total
    limit = _read(cgroup / "memory.max")
    if limit.isdigit():
        total = min(total, int(limit))
    return round(total / 1e9, 1)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


class Machine:
    """Device, cores, memory. wanted: "auto", or the only kind of device to be used. probe: prints JSON with
    {device, device_name, devices}."""

    def __init__(self, wanted: str = "auto", *, probe: Sequence[str] = PROBE) -> None:
        self._wanted, self._command = wanted, list(probe)
        self._found: dict[str, Any] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._closed = False
        self._cores, self._memory_gb = cores(), memory_gb()

    def start(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Look for devices in the background, then call `on_ready`."""

        def work() -> None:
            found = self._choose(self._probe())
            if not self._closed:
                self._found = found
                on_ready()

        threading.Thread(target=work, name="device-probe", daemon=True).start()

    def lanes(self) -> list[str] | None:
        """Devices that can each work on a run at the same time, best first; None while they are looked for."""
        return None if self._found is None else list(self._found["devices"])

    def describe(self) -> dict[str, Any]:
        """{device, device_name, devices, cores, memory_gb, ready}"""
        found = self._found or {"device": "checking…", "device_name": "checking…", "devices": []}
        return {**found, "cores": self._cores, "memory_gb": self._memory_gb, "ready": self._found is not None}

    def close(self) -> None:
        self._closed = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def _probe(self) -> dict[str, Any]:
        if self._wanted == "cpu":
            return {}  # nothing to look for
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=PROJECT,
                env=child_environment({}),
            )
            output, _ = self._process.communicate(timeout=PROBE_TIMEOUT_S)
            raw = json.loads(output[output.index("{") :])
            return raw if isinstance(raw, dict) else {}
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            if self._process is not None and self._process.poll() is None:
                self._process.kill()
            log.warning("the devices could not be told (%s); the CPU is used", error)
            return {}

    def _choose(self, raw: dict[str, Any]) -> dict[str, Any]:
        """What was found, narrowed to what is wanted. The CPU is always there."""
        devices = [str(name) for name in raw.get("devices") or [raw.get("device") or "cpu"]]
        if self._wanted != "auto":
            devices = [name for name in devices if name.partition(":")[0] == self._wanted]
        devices = devices or ["cpu"]
        name = str(raw.get("device_name") or "")
        if not name or devices[0].partition(":")[0] != str(raw.get("device", "")).partition(":")[0]:
            name = f"CPU, {self._cores} core{'' if self._cores == 1 else 's'}"
        return {"device": devices[0].partition(":")[0], "device_name": name, "devices": devices}
