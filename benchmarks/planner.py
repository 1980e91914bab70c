"""How far off are estimates? Each recipe is estimated in an empty data folder, then run, and CPU seconds are compared.

    python benchmarks/planner.py [--only NAME …]

Finished estimates and runs are kept in --work and read again. Recipes with long stages are shortened (SHORTER); no
stage ends early by patience, so that the plan that was estimated is the one that runs.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.common import company, machine, markdown, run  # noqa: E402
from distill_core import recipes  # noqa: E402
from distill_core.events import STAGES  # noqa: E402
from distill_core.layout import DataHome  # noqa: E402
from distill_core.services.planning import Planning  # noqa: E402
from distill_core.services.warm import WarmChild  # noqa: E402

#: recipe → dotted settings that make it shorter
SHORTER: dict[str, dict[str, Any]] = {
    "demo": {},
    "single_teacher": {"training.epochs": 3, "teacher_training.epochs": 2},
    "xtremedistil_ner": {
        "data.max_transfer": 1000,
        "teacher_training.epochs": 2,
        "training.stages.0.epochs": 1,
        "training.stages.1.epochs": 1,
        "training.stages.2.epochs": 2,
        "training.stages.0.patience": None,
        "training.stages.1.patience": None,
        "training.stages.2.patience": None,
    },
    "tinybert": {
        "teacher_training.epochs": 2,
        "training.stages.0.epochs": 1,
        "training.stages.1.epochs": 1,
        "controls": [],
    },
    "mixkd": {"teacher_training.epochs": 2, "training.epochs": 1, "controls": []},
}
AIM = 0.3


def shortened(name: str) -> dict[str, Any]:
    """The recipe's config with the changes of SHORTER."""
    found: dict[str, Any] = recipes.load(name).config.model_dump(mode="json", exclude_none=True)
    for path, value in SHORTER[name].items():
        *where, last = path.split(".")
        part: Any = found
        for step in where:
            part = part[int(step)] if step.isdigit() else part[step]
        part[last] = value
    return found


def estimated(config: Mapping[str, Any], work: Path) -> dict[str, Any]:
    """The estimate, made by a new warm child in an empty data folder, or the one that was kept."""
    path = work / "estimate.json"
    if path.exists():
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept
    child = WarmChild()
    try:
        found = Planning(child, DataHome(work / "home").create()).estimate(dict(config), wait_s=900.0)
    finally:
        child.close()
    if found["state"] != "ready":
        raise SystemExit(f"{work.name}: {found}")
    path.write_text(json.dumps(found, indent=1))
    return found


def compared(estimate: Mapping[str, Any], report: Mapping[str, Any]) -> list[list[str]]:
    """Rows of stage, estimated and real CPU seconds, and their ratio; the last of all together."""
    expected = {part["stage"]: part["cpu_seconds"] for part in estimate["parts"]}
    real = report["cpu_seconds"]
    stages = ["start", *(stage for stage in STAGES if stage in real)]
    rows = [[stage, expected.get(stage, 0.0), real[stage]] for stage in stages]
    rows.append(["all", sum(expected.values()), sum(real.values())])
    return [[name, f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs - 1:+.0%}"] for name, ours, theirs in rows]


def disk_of(home: Path, folder: Path) -> int:
    """Bytes a run has left: signals, teachers, its own checkpoints and student."""
    places = (home / "signals", home / "teachers", folder / "checkpoints", folder / "artifacts")
    return sum(file.stat().st_size for place in places for file in place.rglob("*") if file.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(SHORTER), default=list(SHORTER))
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / ".work" / "planner")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "planner.md")
    args = parser.parse_args()
    summary: list[list[str]] = []
    sections: list[str] = []
    report: dict[str, Any] = {}
    for name in args.only:
        work = args.work / name
        work.mkdir(parents=True, exist_ok=True)
        config = shortened(name)
        estimate = estimated(config, work)
        report = run(name, config, work)
        rows = compared(estimate, report)
        memory = [estimate["memory_bytes"], report["peak_memory_bytes"]]
        disk = [estimate["disk_bytes"], disk_of(work / "home", work / name)]
        summary.append(
            [
                name,
                *rows[-1][1:],
                *(f"{value / 1e9:.2f}" for value in memory),
                *(f"{value / 1e6:.0f}" for value in disk),
                f"{estimate['probe_seconds']:.0f}",
            ]
        )
        sections += [f"## {name}", "", f"Changed: `{json.dumps(SHORTER[name])}`. {estimate['basis']}", ""]
        sections += markdown(["stage", "estimated, CPU s", "real, CPU s", "off by"], rows)
    off = [float(row[3].rstrip("%")) for row in summary]
    head = [
        "# Estimates against runs",
        "",
        f"`python benchmarks/planner.py --only {' '.join(args.only)}` on {machine(report)}, {platform.system()}, "
        f"Python {platform.python_version()}; {company()}. One estimate and one run of each recipe.",
        "",
        f"Aim: CPU seconds of the whole run within {AIM:.0%}. Largest miss here: {max(off, key=abs):+.0f}%. Disk: what "
        "is left at the end; the estimate also holds the largest checkpoint on the way. Probes: CPU seconds that the "
        "estimate itself took. Memory: the real figure is the process's largest resident set, which also holds what is "
        "mapped of the signals' files and can be given back at any time; estimates leave that out.",
        "",
    ]
    header = ["recipe", "estimated, CPU s", "real, CPU s", "off by", "memory est., GB", "real", "disk est., MB", "real"]
    text = head + markdown([*header, "probes, CPU s"], summary) + sections
    args.out.write_text("\n".join(text))
    print(args.out.read_text())


if __name__ == "__main__":
    main()
