from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from distill_core.events import DEVICE_ARM, MemorySink
from distill_core.jobs import usage
from distill_core.jobs.usage import Accelerator, Meter, nvml_share, sampled


def rows(sink: MemorySink) -> list[dict[str, Any]]:
    return [row for kind, payload in sink.events if kind == "metric" for row in payload["rows"]]


def test_samples_come_while_the_block_runs_and_end_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "PAUSE_S", 0.02)
    monkeypatch.setattr(usage, "PAUSE_SHARE", 0.0)
    sink = MemorySink()
    with sampled(sink, worked_s=100.0):
        deadline = time.monotonic() + 10
        while len(sink.events) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    count = len(sink.events)
    found = rows(sink)
    assert {(r["arm"], r["name"], r["unit"]) for r in found} >= {
        (DEVICE_ARM, "cpu_share", "share"),
        (DEVICE_ARM, "memory_process", "bytes"),
    }
    assert all(100 <= r["step"] < 115 for r in found), "goes on where the earlier attempt left off"
    time.sleep(0.1)
    assert len(sink.events) == count


def test_a_short_run_is_not_sampled_and_a_long_one_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    class Over:
        def wait(self, seconds: float) -> bool:
            waits.append(seconds)
            return len(waits) > 1

    sink = MemorySink()
    usage._watch(sink, Over(), 86_400.0)  # type: ignore[arg-type]
    assert waits[0] == pytest.approx(86.4, abs=0.1) and len(sink.events) == 1
    with sampled(quick := MemorySink()):
        pass
    assert quick.events == []


def test_a_sink_that_fails_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "PAUSE_S", 0.01)

    class Full(MemorySink):
        tries = 0

        def emit(self, kind: str, **payload: Any) -> None:
            self.tries += 1
            raise OSError("full")

    sink = Full()
    with sampled(sink):
        deadline = time.monotonic() + 10
        while sink.tries < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert sink.tries >= 2


def test_cpu_share_is_of_the_cores_this_process_may_use() -> None:
    meter = Meter(accelerator=dict)
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    busy = meter.read()
    time.sleep(0.3)
    idle = meter.read()
    assert 0 < busy["cpu_share"][0] <= 1 and idle["cpu_share"][0] < busy["cpu_share"][0]
    assert 1e6 < busy["memory_process"][0] < 1e12


def test_an_accelerator_that_answers_badly_costs_only_its_own_rows() -> None:
    def broken() -> dict[str, tuple[float, str]]:
        raise RuntimeError("driver gone")

    assert set(Meter(accelerator=broken).read()) == {"cpu_share", "memory_process"}


def fake_torch(initialized: bool) -> Any:
    cuda = SimpleNamespace(
        is_initialized=lambda: initialized,
        memory_allocated=lambda: 2_000_000,
        memory_reserved=lambda: 3_000_000,
        current_device=lambda: 0,
        get_device_properties=lambda index: SimpleNamespace(uuid="1234"),
    )
    mps = SimpleNamespace(is_available=lambda: False)
    return SimpleNamespace(cuda=cuda, mps=SimpleNamespace(), backends=SimpleNamespace(mps=mps))


def test_cuda_is_read_only_once_it_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", fake_torch(False))
    assert Accelerator().read() == {}
    monkeypatch.setitem(sys.modules, "torch", fake_torch(True))
    asked: list[str] = []

    def share(uuid: str) -> Any:
        asked.append(uuid)
        return lambda: 0.75

    monkeypatch.setattr(usage, "nvml_share", share)
    accelerator = Accelerator()
    for _ in range(2):
        assert accelerator.read() == {
            "accelerator_allocated": (2e6, "bytes"),
            "accelerator_reserved": (3e6, "bytes"),
            "accelerator_share": (0.75, "share"),
        }
    assert asked == ["GPU-1234"], "the driver is asked for its handle once"

    def missing(uuid: str) -> Any:
        raise OSError("no such library")

    monkeypatch.setattr(usage, "nvml_share", missing)
    assert "accelerator_share" not in Accelerator().read()


class FakeDriver:
    def __init__(self, code: int = 0) -> None:
        self.code = code

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlDeviceGetHandleByUUID(self, uuid: bytes, handle: Any) -> int:
        return 0 if uuid == b"GPU-1" else 6

    def nvmlDeviceGetUtilizationRates(self, handle: Any, rates: Any) -> int:
        rates._obj.gpu, rates._obj.memory = 42, 7
        return self.code


def test_the_drivers_percent_is_a_share() -> None:
    assert nvml_share("GPU-1", FakeDriver())() == 0.42
    with pytest.raises(OSError, match="6"):
        nvml_share("GPU-2", FakeDriver())
    with pytest.raises(OSError, match="3"):
        nvml_share("GPU-1", FakeDriver(3))()


def test_torch_is_not_loaded_from_here() -> None:
    code = "import sys; from distill_core.jobs.usage import Meter; Meter().read(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
