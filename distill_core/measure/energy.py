"""Energy a run takes, by codecarbon without a network, where the config asks for it. No torch.

codecarbon reads power from the hardware where it may; elsewhere it estimates it, and then so does this, in words.
It is no requirement: `pip install codecarbon==3.3.2`.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distill_core.errors import ConfigError, FieldError
from distill_core.sections.measure import MeasureSection
from distill_core.storage import read_json, write_json

PACKAGE = "codecarbon"
INSTALL = "pip install codecarbon==3.3.2"
#: seconds between two looks at the power, and looks between two notes on disk
EVERY_S, NOTED_EVERY = 5, 6
#: modes of codecarbon in which it reads a counter of the processor
_READ = ("intel_rapl", "intel_power_gadget", "windows_emi")
_PARTS = ("cpu", "gpu", "ram")


def words(found: Mapping[str, Any]) -> list[str]:
    """What a report's `energy` says, in sentences."""
    kwh, parts = found["kwh"], found["parts"]
    shares = ", ".join(f"{name} {_watt_hours(parts[part])}" for part, name in _NAMES if parts[part])
    label = "Energy of the run, estimated" if found["estimated"] else "Energy of the run"
    said = [f"{label}: {_watt_hours(kwh)} ({shares})."]
    if found["co2_kg"] is not None:
        said.append(f"That is about {1000 * found['co2_kg']:.3g} g of CO₂e with the electricity of {found['country']}.")
    how = "; ".join(f"{name} {found['how'][part]}" for part, name in _NAMES if found["how"].get(part))
    return [*said, f"How it is known ({found['tool']}, offline): {how}."]


_NAMES = (("cpu", "processor"), ("gpu", "accelerator"), ("ram", "memory"))


def _watt_hours(kwh: float) -> str:
    return f"{kwh:.3g} kWh" if kwh >= 1 else f"{1000 * kwh:.3g} Wh"


def refusals(section: MeasureSection) -> list[FieldError]:
    """What keeps the energy from being measured as asked: the package is missing, the country is not known to it."""
    if not section.energy:
        return []
    if importlib.util.find_spec(PACKAGE) is None:
        return [FieldError("measure.energy", f"{PACKAGE} is not installed here.", f"{INSTALL}, or switch it off.")]
    country = section.energy_country
    if country is not None and country not in _countries():
        return [
            FieldError(
                "measure.energy_country",
                f"no carbon intensity is known for {country!r}.",
                "Give the country's three letters (ISO 3166), e.g. DEU, or leave it empty.",
            )
        ]
    return []


def _countries() -> set[str]:
    from codecarbon.input import DataSource

    return set(DataSource().get_global_energy_mix_data())


class EnergyMeter:
    """Adds up the energy of all attempts of a run in a file.

    Args:
        path: of the file. country: three letters, for the carbon intensity of its electricity; None: no emissions.
    """

    def __init__(self, path: Path, country: str | None) -> None:
        self._path, self._country = path, country
        before = read_json(path)
        self._before: dict[str, Any] = before if isinstance(before, dict) else {}
        self._tracker: Any = None
        self._noted: dict[str, Any] = {}

    def start(self) -> None:
        """Begins to measure, in threads of its own."""
        from codecarbon import OfflineEmissionsTracker
        from codecarbon.output_methods.base_output import BaseOutput

        meter = self

        class Noted(BaseOutput):  # type: ignore[misc]
            """Writes down what was used so far: a run that is killed has used it all the same."""

            def live_out(self, total: Any, delta: Any) -> None:
                meter._note(total)

        # All is said here, so that no configuration of codecarbon's own sends anything anywhere. Several at once: else
        # it would take over the signals by which a run is stopped.
        logging.getLogger(PACKAGE).setLevel(logging.CRITICAL)  # what it warns of is said in the report
        self._tracker = OfflineEmissionsTracker(
            country_iso_code=self._country or "USA",
            output_methods=[],
            output_handlers=[Noted()],
            emissions_endpoint=None,
            electricitymaps_api_token=None,
            api_call_interval=NOTED_EVERY,
            measure_power_secs=EVERY_S,
            tracking_mode="process",
            allow_multiple_runs=True,
            log_level="critical",
        )
        self._tracker.start()

    def stop(self) -> None:
        """Ends the measuring; harmless when it has ended."""
        if self._tracker is None:
            return
        self._tracker.stop()
        self._note(self._tracker.final_emissions_data)
        self._tracker = None

    def read(self) -> dict[str, Any]:
        """What the report says; ends the measuring. {kwh, parts {cpu, gpu, ram}, co2_kg | None, country | None,
        seconds (measured), estimated: bool, how: {cpu, gpu | None, ram: in words}, tool}."""
        self.stop()
        return dict(self._noted or self._before)

    def _note(self, total: Any) -> None:
        now = {
            "kwh": float(total.energy_consumed),
            "parts": {part: float(getattr(total, f"{part}_energy")) for part in _PARTS},
            "co2_kg": float(total.emissions) if self._country else None,
            "seconds": float(total.duration),
        }
        found = {
            **added(self._before, now),
            "country": self._country,
            **described(self._tracker._hardware),
            "tool": f"{PACKAGE} {total.codecarbon_version}",
        }
        self._noted = found
        write_json(self._path, found)


def added(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of earlier attempts and of this one together."""
    if not before:
        return dict(now)
    known = before.get("co2_kg") is not None and now["co2_kg"] is not None
    return {
        "kwh": before["kwh"] + now["kwh"],
        "parts": {part: before["parts"][part] + now["parts"][part] for part in _PARTS},
        "co2_kg": before["co2_kg"] + now["co2_kg"] if known else None,
        "seconds": before["seconds"] + now["seconds"],
    }


def described(hardware: Any) -> dict[str, Any]:
    """{estimated, how}: by which method codecarbon has the power of each part. hardware: its own list."""
    how: dict[str, str | None] = {"cpu": None, "gpu": None, "ram": None}
    estimated = False
    for one in hardware:
        kind, mode = type(one).__name__, getattr(one, "_mode", "")
        if kind == "CPU" and mode in _READ:
            how["cpu"] = "read from the processor's own counter, for the whole machine: other work on it is included"
        elif kind == "CPU":
            estimated = True
            watts = f"{one._tdp:g} W" if one._tdp else "a usual power"
            how["cpu"] = (
                f"estimated from how busy this run kept the processor and its rated power ({watts}, {one._model})"
                if mode == "cpu_load"
                else f"estimated: a constant share of its rated power ({watts}, {one._model}), whatever it does"
            )
        elif kind == "GPU":
            how["gpu"] = "read from the driver, for the whole device"
        elif kind == "RAM":
            how["ram"] = "estimated by codecarbon's model from the machine's memory"
        else:  # Apple's chips and the Raspberry Pi measure themselves
            how["cpu"] = how["cpu"] or "read from the chip, for the whole machine: other work on it is included"
    return {"estimated": estimated, "how": how}


@contextmanager
def metered(section: MeasureSection, path: Path) -> Iterator[EnergyMeter | None]:
    """A meter that runs inside, where the config asks for it; else None.

    Raises ConfigError where it cannot be had.
    """
    wrong = refusals(section)
    if wrong:
        raise ConfigError(wrong)
    if not section.energy:
        yield None
        return
    meter = EnergyMeter(path, section.energy_country)
    meter.start()
    try:
        yield meter
    finally:
        meter.stop()
