"""The work items of speed.py at full scale on a CUDA device, by the clock: our side alone, against the device's peak.

    python benchmarks/gpu.py [W1 …] --data DATA --checkpoint CHECKPOINT [--batch 256] [--out FILE]

SST-2's whole training set (W2: 25,000 texts of film reviews' length joined from it; W3: WikiAnn's English sentences).
`--device cpu --examples 32` is a dry run that shows that the way is open; its figures say nothing of a GPU.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from benchmarks import speed, speed_ours  # noqa: E402
from benchmarks.speed_work import WORK, Material, Work, material  # noqa: E402
from distill_core.measure.machine import choose_precision, device_name  # noqa: E402

#: texts of each work item; the others have all that there are
EXAMPLES = {"W2": 25_000}
WARM_UP = 512


def synchronised(device: torch.device) -> float:
    """Seconds of the clock, when the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def peak(device: torch.device, precision: str, size: int) -> float:
    """FLOP/s of the product of two square matrices in this precision, the best of twelve."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    best = 0.0
    for _ in range(12):
        began = synchronised(device)
        a @ b
        best = max(best, 2 * size**3 / (synchronised(device) - began))
    return best


def texts_of(name: str, arguments: argparse.Namespace) -> tuple[Work, Material]:
    """The work item with its texts; an item of fewer texts than it asks for has them all."""
    work = replace(WORK[name], examples=arguments.examples or EXAMPLES.get(name, 10**9))
    return work, material(work, arguments.data, arguments.checkpoint, "train")


def measure(name: str, arguments: argparse.Namespace, how: speed_ours.How, most: float) -> dict[str, Any]:
    """{title, examples, epochs, tokens, asked, trained: s, per_second: examples, of_peak, student_of_peak: shares,
    memory: bytes or None}."""
    work, given = texts_of(name, arguments)
    few = replace(work, examples=min(WARM_UP, work.examples))
    warm = material(few, arguments.data, arguments.checkpoint, "train")
    with tempfile.TemporaryDirectory() as folder:  # not counted: kernels are loaded, memory is taken
        speed_ours.run(few, warm, Path(folder), how)
    if how.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(how.device)
    with tempfile.TemporaryDirectory() as folder:
        found = speed_ours.run(work, given, Path(folder), how)
    examples = len(given.encoded) // given.copies
    student = 3 * work.epochs / given.copies * given.flops(speed_ours.STUDENT)
    return {
        "title": work.title,
        "examples": examples,
        "epochs": work.epochs,
        "tokens": float(given.encoded.lengths.mean()),
        **found,
        "per_second": examples * work.epochs / found["trained"],
        "of_peak": speed.needed(work, given) / most / sum(found.values()),
        "student_of_peak": student / most / found["trained"],
        "memory": torch.cuda.max_memory_allocated(how.device) if how.device.type == "cuda" else None,
    }


def table(results: dict[str, dict[str, Any]], arguments: argparse.Namespace, precision: str, most: float) -> list[str]:
    where = device_name(arguments.device)
    dry = [] if arguments.device == "cuda" else ["**A dry run without a GPU: its figures say nothing.**", ""]
    lines = [
        "# Speed on a GPU",
        "",
        *dry,
        f"`python benchmarks/gpu.py {' '.join(results)} --data DATA --checkpoint CHECKPOINT --batch {arguments.batch}` "
        f"on {where}, {precision}, torch {torch.__version__}; seconds of the clock, one run. The fastest product of "
        f"large matrices in {precision}: {most / 1e12:.3g} TFLOP/s.",
        "",
        "Teachers 12×768, student 4×312, random weights, dropout 0.1. `of the peak`: share of the time that the "
        "products no training can do without would take at that rate; `student`: of the student's training alone.",
        "",
        "| work | texts, mean tokens | asked, s | trained, s | examples/s | of the peak | student | memory, GB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in results.items():
        memory = "–" if one["memory"] is None else f"{one['memory'] / 1e9:.1f}"
        lines.append(
            f"| {name}: {one['title']} | {one['examples']:,}, {one['tokens']:.0f} | {one['asked']:.1f} |"
            f" {one['trained']:.1f} | {one['per_second']:,.0f} | {100 * one['of_peak']:.1f}% |"
            f" {100 * one['student_of_peak']:.1f}% | {memory} |"
        )
    return [*lines, ""]


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="*", help=f"of {', '.join(WORK)}; all by default")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--examples", type=int, default=0, help="so many texts at most; all by default")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "gpu.md")
    arguments = parser.parse_args(given)
    names = arguments.work or list(WORK)
    unknown = [name for name in names if name not in WORK]
    if unknown:
        parser.error(f"there is no work item {unknown[0]}; there are {', '.join(WORK)}")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit(
            "This machine has no CUDA device that torch sees, so nothing was measured. "
            "For a dry run: --device cpu --examples 32 --out FILE."
        )
    device = torch.device(arguments.device)
    precision = choose_precision(arguments.precision, device)
    how = speed_ours.How(device, precision, arguments.batch, lambda: synchronised(device))
    most = peak(device, precision, 8192 if device.type == "cuda" else 256)
    results = {}
    for name in names:
        results[name] = measure(name, arguments, how, most)
        print(name, results[name], flush=True)
        arguments.out.write_text("\n".join(table(results, arguments, precision, most)), encoding="utf-8")


if __name__ == "__main__":
    main()
