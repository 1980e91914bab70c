from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from distill_core.services.machine import Machine, cores, memory_gb


def probe(answer: Any) -> list[str]:
    return [sys.executable, "-c", f"print({json.dumps(answer)!r})"]


def found(machine: Machine) -> dict[str, Any]:
    ready = threading.Event()
    assert machine.lanes() is None and machine.describe()["device"] == "checking…"
    machine.start(on_ready=ready.set)
    assert ready.wait(30)
    return machine.describe()


def test_what_the_probe_says() -> None:
    machine = Machine(probe=probe({"device": "cuda", "device_name": "H200", "devices": ["cuda", "cpu"]}))
    seen = found(machine)
    assert (seen["device"], seen["device_name"], seen["ready"]) == ("cuda", "H200", True)
    assert machine.lanes() == ["cuda", "cpu"]


def test_wanted_device_narrows() -> None:
    seen = found(Machine("cpu", probe=["/nonexistent"]))
    assert seen["device"] == "cpu" and seen["device_name"].startswith("CPU, ")


def test_a_device_that_is_not_there_leaves_the_cpu() -> None:
    machine = Machine("cuda", probe=probe({"device": "cpu", "device_name": "CPU", "devices": ["cpu"]}))
    assert found(machine)["device"] == "cpu" and machine.lanes() == ["cpu"]


@pytest.mark.parametrize("command", [["/nonexistent"], [sys.executable, "-c", "print('no json')"]])
def test_a_broken_probe_leaves_the_cpu(command: list[str]) -> None:
    machine = Machine(probe=command)
    assert found(machine)["device"] == "cpu" and machine.lanes() == ["cpu"]


def test_container_limits(tmp_path: Path) -> None:
    free_cores, free_memory = cores(tmp_path), memory_gb(tmp_path)
    assert free_cores >= 1 and free_memory > 0
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "memory.max").write_text("500000000\n")
    assert cores(tmp_path) == 1 and memory_gb(tmp_path) == 0.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert cores(tmp_path) == free_cores and memory_gb(tmp_path) == free_memory
