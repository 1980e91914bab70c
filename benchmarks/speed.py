"""Our training against TextBrewer and a subclass of Hugging Face's Trainer, in CPU seconds on one thread.

    pip install -r benchmarks/requirements.txt
    python benchmarks/speed.py [W1 …] --data DATA --checkpoint CHECKPOINT [--json FILE] [--out FILE]

Each run is a process of its own; the sides take turns. What is timed begins when the models are built and the texts
tokenised, and ends with the trained student; our cache of the teacher's answers is part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
if __name__ == "__main__":
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import numpy as np  # noqa: E402

from benchmarks.speed_work import STUDENT, TEACHER, WORK, Material, Work, material  # noqa: E402

WORDS = {"trainer": "HF Trainer", "textbrewer": "TextBrewer"}


def sides(work: Work) -> list[str]:
    """Names of what is run, ours first: PEER, or PEER-padded to the fixed length."""
    found = ["ours"]
    for peer in work.peers:
        found += [peer] * work.dynamic + [f"{peer}-padded"] * work.static
    return found


def one(name: str, side: str, data: Path, checkpoint: Path) -> dict[str, float]:
    """One run, in this process."""
    import torch

    torch.set_num_threads(1)
    work = WORK[name]
    given = material(work, data, checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        if side == "ours":
            from benchmarks import speed_ours

            return speed_ours.run(work, given, Path(folder))
        from benchmarks import speed_peers

        peer, _, padded = side.partition("-")
        return speed_peers.run(peer, work, given, Path(folder), padded=bool(padded))


def peak() -> float:
    """FLOP/s of the fastest product of large matrices that torch has here, on one thread."""
    import torch

    from distill_core.models.fast_linear import linear

    torch.set_num_threads(1)
    x, w = torch.randn(1536, 768), torch.randn(3072, 768)
    best = 0.0
    for product in (lambda: x @ w.t(), lambda: linear(x, w)):
        for _ in range(12):
            began = time.process_time()
            product()
            best = max(best, 2 * 1536 * 768 * 3072 / (time.process_time() - began))
    return best


def needed(work: Work, given: Material) -> float:
    """FLOPs no training can do without: each teacher once, the student forwards and backwards, nothing padded."""
    asked = 0.0 if work.cached else work.teachers * given.flops(TEACHER)
    return asked + 3 * work.epochs / given.copies * given.flops(STUDENT)


def measure(name: str, arguments: argparse.Namespace, store: dict[str, Any]) -> dict[str, Any]:
    """Runs what is not in `store` yet: interleaved, the padded sides less often."""
    done = store.setdefault(name, {})
    same = WORK[name].peers_of
    if same:
        peers = measure(same, arguments, store)
        done |= {side: peers[side] for side in sides(WORK[name])[1:]}
    for repeat in range(arguments.repeats):
        for side in sides(WORK[name]):
            found = done.setdefault(side, [])
            if len(found) > repeat or (side.endswith("-padded") and repeat >= arguments.padded_repeats):
                continue
            given = ["--data", str(arguments.data), "--checkpoint", str(arguments.checkpoint)]
            command = [sys.executable, str(Path(__file__)), name, "--one", side, *given]
            said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
            if said.returncode:
                raise SystemExit(f"{name} {side} failed:\n{said.stderr[-2000:]}")
            found.append(json.loads(said.stdout.splitlines()[-1]))
            arguments.store.write_text(json.dumps(store, indent=1))
            print(name, side, found[-1], flush=True)
    return done


def result(name: str, done: dict[str, list[dict[str, float]]], given: Material, most: float) -> dict[str, Any]:
    """Medians: {title, examples, epochs, tokens, ours, asked, trained, peers, ratio, gemm_share, student_share}."""
    work = WORK[name]
    middle = {side: float(np.median([sum(run.values()) for run in runs])) for side, runs in done.items() if runs}
    ours = middle.pop("ours")
    trained = float(np.median([run["trained"] for run in done["ours"]]))
    return {
        "title": work.title,
        "examples": len(given.encoded) // given.copies,
        "epochs": work.epochs,
        "tokens": [float(given.encoded.lengths.mean()), int(given.encoded.lengths.max())],
        "runs": {side: len(runs) for side, runs in done.items()},
        "ours": ours,
        "asked": float(np.median([run["asked"] for run in done["ours"]])),
        "trained": trained,
        "peers": middle,
        "ratio": {side: seconds / ours for side, seconds in middle.items()},
        "gemm_share": needed(work, given) / most / ours,
        "student_share": 3 * work.epochs / given.copies * given.flops(STUDENT) / most / trained,
    }


def table(results: dict[str, dict[str, Any]], most: float, machine: str) -> list[str]:
    lines = [
        "# Speed of training against other tools",
        "",
        f"`python benchmarks/speed.py {' '.join(results)} --data DATA --checkpoint CHECKPOINT` on {machine}, one "
        "thread, CPU seconds, medians of interleaved runs. The fastest product of large matrices that torch has here: "
        f"{most / 1e9:.0f} GFLOP/s.",
        "",
        "Teachers 12×768, student 4×312, batches of 32, soft and hard labels, dropout 0.1, random weights; every side "
        "has the same texts, objective, optimizer and schedule. `dynamic`: padded to the longest of the batch; "
        "`padded`: to a fixed length. The peers ask the teacher at every step. In W4 every epoch hides other words, so "
        "ours asks as often, and keeps the 64 likeliest pieces of an answer; W6's peers are W1's runs, since they keep "
        "nothing. `of the limit`: share of the time that "
        "the products no training can do without would take at that rate; `student`: of the student's training alone.",
        "",
        "| work | texts, mean (most) tokens | ours, s | against dynamic | against padded | of the limit | student |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in results.items():
        by = {False: [], True: []}  # type: dict[bool, list[str]]
        for side, ratio in found["ratio"].items():
            peer, _, padded = side.partition("-")
            times, count = f"{WORDS[peer]} {ratio:.1f}× ({found['peers'][side]:.0f} s)", found["runs"][side]
            by[bool(padded)].append(times if count > 1 else f"{times}, one run")
        mean, longest = found["tokens"]
        lines.append(
            f"| {name}: {found['title']} | {found['examples']}, {mean:.0f} ({longest}) | {found['ours']:.1f} |"
            f" {'; '.join(by[False]) or '–'} | {'; '.join(by[True]) or '–'} |"
            f" {100 * found['gemm_share']:.0f}% | {100 * found['student_share']:.0f}% |"
        )
    return [*lines, ""]


def remarks(out: Path) -> list[str]:
    """What was written below an earlier table, from its first heading on."""
    _, mark, rest = out.read_text().partition("\n## ") if out.exists() else ("", "", "")
    return [f"## {rest}"] if mark else []


def cpu_name() -> str:
    import platform

    import torch

    try:
        text = Path("/proc/cpuinfo").read_text()
        name = next(line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor()
    return f"{name} ({platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="*", help=f"of {', '.join(WORK)}; all by default")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "speed.json")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "speed.md")
    parser.add_argument("--store", type=Path, default=ROOT / "benchmarks" / ".work" / "speed.json")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--padded-repeats", type=int, default=1)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = arguments.work or list(WORK)
    unknown = [name for name in names if name not in WORK]
    if unknown:
        parser.error(f"there is no work item {unknown[0]}; there are {', '.join(WORK)}")
    if arguments.one:
        print(json.dumps(one(names[0], arguments.one, arguments.data, arguments.checkpoint)))
        return
    arguments.store.parent.mkdir(parents=True, exist_ok=True)
    store = json.loads(arguments.store.read_text()) if arguments.store.exists() else {}
    measured = {name: measure(name, arguments, store) for name in names}
    most = peak()
    results = {
        name: result(name, done, material(WORK[name], arguments.data, arguments.checkpoint), most)
        for name, done in measured.items()
    }
    arguments.json.write_text(json.dumps({"machine": cpu_name(), "peak_gflops": most / 1e9, "work": results}, indent=1))
    arguments.out.write_text("\n".join([*table(results, most, cpu_name()), *remarks(arguments.out)]))
    print(arguments.out.read_text())


if __name__ == "__main__":
    main()
