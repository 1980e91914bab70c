import json

import torch

from distill_core.measure.machine import available_devices, describe_machine


def test_the_machine_is_described_as_json() -> None:
    found = json.loads(json.dumps(describe_machine("cpu")))
    assert found["device"] == "cpu" and found["torch"] == torch.__version__
    assert found["cores"] >= 1 and found["memory_gb"] > 0 and "core" in found["device_name"]
    assert found["devices"][-1] == "cpu"


def test_the_best_device_comes_first() -> None:
    assert describe_machine()["device"] == available_devices()[0]
