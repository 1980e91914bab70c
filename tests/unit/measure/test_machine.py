import json
from pathlib import Path

import pytest
import torch

from distill_core.measure.machine import available_devices, cpu_name, describe_machine


def test_the_machine_is_described_as_json() -> None:
    found = json.loads(json.dumps(describe_machine("cpu")))
    assert found["device"] == "cpu" and found["torch"] == torch.__version__
    assert found["cores"] >= 1 and found["memory_gb"] > 0 and "core" in found["device_name"]
    assert found["devices"][-1] == "cpu"


def test_the_best_device_comes_first() -> None:
    assert describe_machine()["device"] == available_devices()[0]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz", "Intel Xeon Platinum 8370C"),
        ("AMD EPYC 7763 64-Core Processor", "AMD EPYC 7763"),
        ("12th Gen Intel(R) Core(TM) i7-1260P", "12th Gen Intel Core i7-1260P"),
        ("AMD Ryzen 9 7950X 16-Core Processor", "AMD Ryzen 9 7950X"),
        ("", "CPU"),
    ],
)
def test_a_cpu_by_its_model(monkeypatch: pytest.MonkeyPatch, told: str, name: str) -> None:
    lines = f"processor\t: 0\nmodel name\t: {told}\ncpu MHz\t: 2800\n" if told else "processor\t: 0\n"
    monkeypatch.setattr(Path, "read_text", lambda self, **how: lines)
    cpu_name.cache_clear()
    try:
        assert cpu_name() == name
    finally:
        cpu_name.cache_clear()
