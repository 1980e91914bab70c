"""Energy of a run: added up over attempts, labelled as what it is, refused in words, and never over the network."""

from __future__ import annotations

import importlib.util
import signal
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from distill_core.errors import ConfigError
from distill_core.measure import energy
from distill_core.measure.energy import added, described, metered, refusals, words
from distill_core.sections.measure import MeasureSection
from distill_core.services.check import check_config
from distill_core.storage import read_json
from tests import tiny

installed = pytest.mark.skipif(
    importlib.util.find_spec("codecarbon") is None, reason="codecarbon is an extra: pip install codecarbon==3.3.2"
)
HERE = {"kwh": 0.002, "parts": {"cpu": 0.0015, "gpu": 0.0, "ram": 0.0005}, "co2_kg": 0.0007, "seconds": 60.0}


def hardware(kind: str, **fields: object) -> object:
    return type(kind, (), fields)()


def test_attempts_are_added_up() -> None:
    assert added({}, HERE) == HERE
    both = added(HERE, HERE)
    assert both == {
        "kwh": 0.004, "parts": {"cpu": 0.003, "gpu": 0.0, "ram": 0.001}, "co2_kg": 0.0014, "seconds": 120.0
    }  # fmt: skip
    assert added({**HERE, "co2_kg": None}, HERE)["co2_kg"] is None


def test_what_codecarbon_guesses_is_called_estimated() -> None:
    busy = described([hardware("RAM"), hardware("CPU", _mode="cpu_load", _tdp=65, _model="Some CPU")])
    assert busy["estimated"] and "65 W, Some CPU" in busy["how"]["cpu"] and "busy" in busy["how"]["cpu"]
    constant = described([hardware("CPU", _mode="constant", _tdp=85, _model="X")])
    assert constant["estimated"] and "constant share" in constant["how"]["cpu"]
    unknown = described([hardware("CPU", _mode="cpu_load", _tdp=None, _model="X")])
    assert "a usual power" in unknown["how"]["cpu"]
    read = described([hardware("CPU", _mode="intel_rapl", _tdp=85, _model="X"), hardware("GPU"), hardware("RAM")])
    assert not read["estimated"] and "counter" in read["how"]["cpu"] and "driver" in read["how"]["gpu"]


def test_sentences_have_every_figure_with_its_unit() -> None:
    found = {**HERE, "country": "DEU", "tool": "codecarbon 3.3.2",
             **described([hardware("RAM"), hardware("CPU", _mode="cpu_load", _tdp=65, _model="Some CPU")])}  # fmt: skip
    first, second, third = words(found)
    assert first == "Energy of the run, estimated: 2 Wh (processor 1.5 Wh, memory 0.5 Wh)."
    assert "0.7 g of CO₂e" in second and "DEU" in second
    assert third.startswith("How it is known (codecarbon 3.3.2, offline): processor estimated")
    assert len(words({**found, "co2_kg": None})) == 2
    assert words({**found, "estimated": False, "kwh": 2.0})[0].startswith("Energy of the run: 2 kWh")


def test_off_by_default_and_missing_is_said_at_its_field(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert refusals(MeasureSection()) == []
    with metered(MeasureSection(), tmp_path / "energy.json") as meter:
        assert meter is None
    monkeypatch.setattr(energy.importlib.util, "find_spec", lambda name: None)
    (error,) = refusals(MeasureSection(energy=True))
    assert error.field == "measure.energy" and "pip install codecarbon==3.3.2" in error.hint
    with pytest.raises(ConfigError), metered(MeasureSection(energy=True), tmp_path / "energy.json"):
        pass
    raw = tiny.config_dict({"train": str(tmp_path / "no.csv")}, [tmp_path / "no"])
    raw["measure"] = {"energy": True}
    assert "measure.energy" in [error.field for error in check_config(raw).errors]


@installed
def test_a_country_that_is_not_known_is_refused() -> None:
    (error,) = refusals(MeasureSection(energy=True, energy_country="XXQ"))
    assert error.field == "measure.energy_country" and "DEU" in error.hint
    assert refusals(MeasureSection(energy=True, energy_country="DEU")) == []


@installed
def test_it_measures_offline_goes_on_after_a_kill_and_leaves_signals_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", nowhere)
    (tmp_path / ".codecarbon.config").write_text("[codecarbon]\noutput_methods = csv,api\n")  # it has no say
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(energy, "EVERY_S", 0.5)
    monkeypatch.setattr(energy, "NOTED_EVERY", 1)
    path, before = tmp_path / "energy.json", signal.getsignal(signal.SIGTERM)
    section = MeasureSection(energy=True, energy_country="DEU")
    with metered(section, path) as meter:
        assert meter is not None
        end = time.monotonic() + 20
        while not path.exists() and time.monotonic() < end:
            sum(range(20_000))
        noted = read_json(path)  # of a run that was killed here
        found = meter.read()
    assert signal.getsignal(signal.SIGTERM) is before
    assert noted["kwh"] > 0 and found["kwh"] >= noted["kwh"] and found["seconds"] > 0
    assert found["kwh"] == pytest.approx(sum(found["parts"].values()))
    assert found["co2_kg"] > 0 and found["country"] == "DEU" and found["how"]["cpu"]
    assert read_json(path) == found and found["tool"].startswith("codecarbon ")
    with metered(section, path) as again:
        assert again is not None
        time.sleep(0.6)
        total = again.read()
    assert total["kwh"] > found["kwh"] and total["seconds"] > found["seconds"]
    assert {one.name for one in tmp_path.iterdir()} == {path.name, ".codecarbon.config"}  # nothing else was written


def test_without_a_country_no_emissions_are_told(tmp_path: Path) -> None:
    meter = energy.EnergyMeter(tmp_path / "energy.json", None)
    meter._tracker = SimpleNamespace(_hardware=[])
    total = SimpleNamespace(energy_consumed=0.1, cpu_energy=0.1, gpu_energy=0, ram_energy=0, emissions=9.0,
                            duration=3.0, codecarbon_version="3.3.2")  # fmt: skip
    meter._note(total)
    assert read_json(tmp_path / "energy.json")["co2_kg"] is None
