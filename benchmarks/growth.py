"""How time and memory of a run grow: with examples, teachers, the texts' length, and students that share the answers.

    python benchmarks/growth.py [--only examples teachers length students] [--work DIR] [--out FILE]

Whole runs through `pipeline.run`, each in a process of its own: rows of random words in CSV files, teachers of 2 × 32
used as they are, a BiLSTM of 16 and 2 × 16 for one epoch on soft labels, gold and the teacher's states at every piece,
which is what fills the disk. Results that lie in --work are read again. The largest size takes some ten CPU minutes and
2 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.common import company, machine, markdown  # noqa: E402
from benchmarks.growth_chart import Panel, svg  # noqa: E402
from benchmarks.growth_run import Spec, write_data, write_teacher  # noqa: E402

STAGES = ("prepare", "cache", "distil")
MOST_TEACHERS = 5


def of_length(tokens: int) -> Spec:
    """2,000 texts of exactly so many pieces, [CLS] and [SEP] included."""
    return Spec(2000, words=(tokens - 2, tokens - 2), max_tokens=tokens)


#: what grows → (what it is called, its runs, the value of each)
AXES: dict[str, tuple[str, list[Spec], Callable[[Spec], int]]] = {
    "examples": (
        "examples",
        [Spec(count) for count in (1_000, 10_000, 100_000, 300_000, 1_000_000)],
        lambda spec: spec.examples,
    ),
    "teachers": (
        "teachers (10,000 examples)",
        [Spec(10_000, teachers=number) for number in range(1, MOST_TEACHERS + 1)],
        lambda spec: spec.teachers,
    ),
    "length": (
        "pieces a text (2,000 examples)",
        [of_length(tokens) for tokens in (16, 64, 128, 256, 512)],
        lambda spec: spec.max_tokens,
    ),
    "students": (
        "students (10,000 examples)",
        [Spec(10_000, seeds=number) for number in range(1, 5)],
        lambda spec: spec.seeds,
    ),
}


def measured(specs: Sequence[Spec], work: Path) -> list[dict[str, Any]]:
    """The runs' figures; those that are not there yet are made, and their large files thrown away."""
    missing = [spec for spec in specs if not (work / spec.name / "result.json").exists()]
    for number in range(MOST_TEACHERS):
        if not (work / "teachers" / str(number)).exists():
            write_teacher(work / "teachers" / str(number), seed=number)
    for spec in missing:
        shutil.rmtree(work / spec.name, ignore_errors=True)
        write_data(spec, work / spec.name / "data")
        (work / spec.name / "spec.json").write_text(json.dumps(asdict(spec)))
    if missing:
        script = str(ROOT / "benchmarks" / "growth_run.py")
        paths = [str(work / spec.name / "spec.json") for spec in missing]
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
        subprocess.run([sys.executable, script, *paths], env=environment, check=True)
        for spec in missing:
            for name in ("home", "data"):
                shutil.rmtree(work / spec.name / name)
    return [json.loads((work / spec.name / "result.json").read_text()) for spec in specs]


def memory_of(found: dict[str, Any]) -> dict[str, float]:
    """Bytes that the run needs in memory beside what is loaded before its first stage, by when."""
    start = found["at_end"]["start"]
    return {
        "while preparing": found["largest"]["prepare"] - start,
        "prepared": found["at_end"]["prepare"] - start,
        "asking": found["largest"]["cache"] - start,
        "training": found["largest"]["distil"] - start,
    }


def table(heading: str, values: Sequence[int], results: Sequence[dict[str, Any]]) -> list[str]:
    """A row for each size; below, what one more costs between the two largest."""
    header = [heading, *(f"{stage}, CPU s" for stage in STAGES), "whole run"]
    header += [f"{name}, MB" for name in memory_of(results[0])]
    header += ["largest resident, MB", "signals on disk, MB"]
    rows = []
    for value, found in zip(values, results, strict=True):
        seconds, memory = found["cpu_seconds"], memory_of(found)
        rows.append(
            [
                f"{value:,}",
                *(f"{seconds[stage]:.1f}" for stage in STAGES),
                f"{sum(seconds.values()):.1f}",
                *(f"{size / 1e6:.0f}" for size in memory.values()),
                f"{found['peak_resident'] / 1e6:.0f}",
                f"{found['signals'] / 1e6:.1f}",
            ]
        )
    return markdown(header, rows)


def each_more(values: Sequence[int], results: Sequence[dict[str, Any]]) -> list[str]:
    """What one example more takes, between the two largest sizes."""
    more = values[-1] - values[-2]
    last, before = results[-1], results[-2]
    bytes_of = {name: (size - memory_of(before)[name]) / more for name, size in memory_of(last).items()}
    seconds = {stage: (last["cpu_seconds"][stage] - before["cpu_seconds"][stage]) / more for stage in STAGES}
    signals, data = ((last[name] - before[name]) / more for name in ("signals", "data"))
    rows = [["memory, bytes", *(f"{value:.0f}" for value in bytes_of.values())]]
    told = ", ".join(f"{stage} {1e6 * value:.0f} µs" for stage, value in seconds.items())
    return [
        f"One example more, between {values[-2]:,} and {values[-1]:,}: {told} of CPU time; {signals:.0f} bytes of "
        f"signals on disk beside {data:.0f} bytes of its own text.",
        "",
        *markdown(["one example more", *bytes_of], rows),
        "So memory still grows with the examples, less than the disk. While preparing it is the file's rows, "
        "texts, labels and keys, which are Python's own until they are checked and split; afterwards keys of 16 bytes, "
        "and labels, row numbers, and the starts and lengths of texts and pieces of 8 bytes each, in memory, with what "
        "the allocator keeps. Texts, pieces and answers lie on disk.",
        "",
    ]


def chart(values: Sequence[int], results: Sequence[dict[str, Any]]) -> str:
    named = list(memory_of(results[0]))
    memory = {
        name: [(x, memory_of(found)[name] / 1e6) for x, found in zip(values, results, strict=True)] for name in named
    }
    seconds = {
        stage: [(x, found["cpu_seconds"][stage]) for x, found in zip(values, results, strict=True)] for stage in STAGES
    }
    disk = [(x, found["signals"] / 1e6) for x, found in zip(values, results, strict=True)]
    return svg(
        [
            Panel("Memory beyond the start, MB", "examples", {**memory, "signals on disk": disk}),
            Panel("CPU seconds", "examples", seconds, log=True),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(AXES), default=list(AXES))
    parser.add_argument("--most", type=int, default=1_000_000, help="examples of the largest run")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / ".work" / "growth")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "growth.md")
    args = parser.parse_args()
    sections: list[str] = []
    found: list[dict[str, Any]] = []
    for name in args.only:
        heading, specs, value_of = AXES[name]
        specs = [spec for spec in specs if spec.examples <= args.most]
        found = measured(specs, args.work)
        values = [value_of(spec) for spec in specs]
        sections += [f"## {name.capitalize()}", "", *table(heading, values, found)]
        if name == "examples":
            picture = args.out.with_suffix(".svg")
            picture.write_text(chart(values, found))
            sections += [*each_more(values, found), f"![Memory and CPU time]({picture.name})", ""]
    start = found[-1]["at_end"]["start"]
    head = [
        "# Growth: examples, teachers, length, students",
        "",
        f"`python benchmarks/growth.py --only {' '.join(args.only)} --most {args.most}` on {machine(found[-1])}, "
        f"{platform.system()}, Python {platform.python_version()}, one thread; {company()}. CPU time of "
        "the process; one run of each size.",
        "",
        "Texts of 6 to 14 words (8 to 16 pieces) unless a length is given; one teacher of 2 × 32 whose states are kept "
        f"at every piece. Memory: what no file stands behind (`RssAnon`), beyond the {start / 1e6:.0f} MB that are "
        "taken before the first stage, mostly by torch; the largest figure of a stage, looked for every 50 ms. Pages "
        "of signals, pieces and texts on disk can be given back at any time and count in the largest resident size "
        "alone.",
        "",
    ]
    args.out.write_text("\n".join([*head, *sections]))
    print(args.out.read_text())


if __name__ == "__main__":
    main()
