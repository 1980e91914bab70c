"""What the quality benchmarks share: running configs through the command line, and tables over seeds."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent
_LOAD = os.getloadavg()[0]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from distill_core.export.report import read_report  # noqa: E402


def run(name: str, config: Mapping[str, Any], work: Path) -> dict[str, Any]:
    """The finished run's report; starts, resumes or just reads it. Runs of one `work` share teachers and signals."""
    folder = work / name
    done = read_report(folder / "report.json")
    if done:
        return done
    path = work / f"{name}.yaml"
    path.write_text(yaml.safe_dump(dict(config), sort_keys=False))
    started = (folder / "events.jsonl").exists()
    what = ["resume", str(folder)] if started else ["run", str(path), "--out", str(folder)]
    environment = {**os.environ, "STILLROOM_HOME": str(work / "home"), "OMP_WAIT_POLICY": "PASSIVE"}
    subprocess.run([sys.executable, "-m", "distill_core", *what], cwd=ROOT, env=environment, check=True)
    report = read_report(folder / "report.json")
    assert report, f"{name} left no report"
    return report


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and its 95% t interval (mean, low, high); the mean alone, three times, for a single value."""
    found = np.asarray(values, dtype=float)
    if len(found) == 1:
        return found[0], found[0], found[0]
    half = stats.t.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found))
    return float(found.mean()), float(found.mean() - half), float(found.mean() + half)


def percent(shares: Sequence[float]) -> str:
    """Mean with its 95% t interval over seeds, in percent."""
    mean, low, high = interval([100 * share for share in shares])
    return f"{mean:.2f}" if len(shares) == 1 else f"{mean:.2f} ({low:.2f}–{high:.2f})"


def points(differences: Sequence[float]) -> str:
    """Mean paired difference with its 95% t interval over seeds, in percentage points."""
    mean, low, high = interval([100 * value for value in differences])
    return f"{mean:+.2f}" if len(differences) == 1 else f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def arms(report: Mapping[str, Any], name: str = "main") -> list[dict[str, Any]]:
    return [arm for arm in report["arms"] if arm["name"] == name]


def tests(report: Mapping[str, Any], name: str = "main") -> list[float]:
    """Test quality of an arm, one for each seed."""
    return [arm["quality"]["test"] for arm in arms(report, name)]


def machine(report: Mapping[str, Any]) -> str:
    device = report["device"]
    return f"{device.get('device_name')} ({platform.machine()}, torch {device.get('torch')})"


def this_machine() -> str:
    """The machine this process runs on, and how many of its cores are its own."""
    cores = len(os.sched_getaffinity(0))
    where = f"{cores} core{'s' if cores > 1 else ''} ({platform.machine()}), {platform.system()}"
    return f"CPU, {where}, Python {platform.python_version()}"


def company() -> str:
    """How busy others kept the machine when this process began."""
    return f"{_LOAD:.1f} other processes ran or waited when it began (load of the minute before)"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]
