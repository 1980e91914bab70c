"""DWT, a weak teacher for a larger student: masked LM on presidents' speeches, held-out loss against step.

    python benchmarks/dwt.py --data DATA --checkpoint CHECKPOINT [--seeds 1 2 3] [--work DIR]

DATA holds text_us_presidents; of CHECKPOINT, an encoder folder, only the tokeniser is used. Students and teachers start
from random weights. Every row of the table is an ordinary run for each seed; the runs of a seed share trained teachers
and their signals. Called again after an interruption, it goes on. The table, benchmarks/results/dwt.md, is written
anew after every finished run.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.common import ROOT, arms, interval, machine, markdown, percent, points, run
from benchmarks.speeches import MAX_TOKENS, TRAIN, WORDS, Shape, small_tokenizer, write_teacher, write_texts
from distill_core.events import metric_rows, read_events

STUDENT = Shape(5, 64, 256)
TEACHERS = {"0.8×": Shape(4, 64, 256), "0.5×": Shape(5, 48, 160)}


@dataclass(frozen=True)
class Row:
    """A row of the table. arm: the run's arm it is read from."""

    title: str
    run: str
    teacher: str
    soft: tuple[float, float]
    remap: bool = False
    arm: str = "main"


NONE = Row("none", "a1", "0.8×", (1.0, 1.0), arm="no_teacher")
ROWS = [
    NONE,
    Row("0.8×, α 1", "a1", "0.8×", (1.0, 1.0)),
    Row("0.8×, α 4", "a4", "0.8×", (4.0, 4.0)),
    Row("0.8×, α 4 → 1", "a41", "0.8×", (4.0, 1.0)),
    Row("0.8×, α 4 → 1, remapped", "remap", "0.8×", (4.0, 1.0), remap=True),
    Row("0.5×, α 4 → 1", "half", "0.5×", (4.0, 1.0)),
]


@dataclass(frozen=True)
class Budget:
    epochs: int
    teacher_epochs: int
    batch: int = 32
    rate: float = 1.5e-3
    evaluations: int = 20
    train: int = TRAIN


BUDGET = Budget(epochs=20, teacher_epochs=8)


# ---------------------------------------------------------------- runs


def config(row: Row, seed: int, texts: dict[str, Path], work: Path, budget: Budget) -> dict[str, Any]:
    """Equal text, maskings, steps, batches and rates for all rows of a seed."""
    copied = {"initialise": "teacher_layers", "layer_choice": "remap"} if row.remap else {"initialise": "random"}
    return {
        "name": f"dwt-{row.run}-{seed}",
        "seeds": [seed],
        "device": "auto",
        "threads": 1,
        "data": {
            "source": "files",
            "task": "masked_lm",
            **{side: str(path) for side, path in texts.items()},
            "max_tokens": MAX_TOKENS,
            "mask_share": 0.25,
        },
        "teachers": [{"source": str(work / f"teacher-{row.teacher[:-1]}-{seed}"), "name": f"{row.teacher} teacher"}],
        "teacher_training": {
            "mode": "separate",
            "epochs": budget.teacher_epochs,
            "batch_size": budget.batch,
            "learning_rate": budget.rate,
            "warmup_share": 0.05,
            "dropout": 0.0,
        },
        "student": {
            "kind": "transformer",
            "layers": STUDENT.layers,
            "hidden": STUDENT.hidden,
            "heads": STUDENT.heads,
            "intermediate": STUDENT.intermediate,
            "dropout": 0.0,
            **copied,
        },
        "objective": {"soft_label_weight": row.soft[0], "soft_label_weight_end": row.soft[1]},
        "training": {
            "epochs": budget.epochs,
            "batch_size": budget.batch,
            "learning_rate": budget.rate,
            "warmup_share": 0.05,
            "evaluations": budget.evaluations,
        },
        "controls": ["no_teacher"] if row.run == NONE.run else [],
        "measure": {"batch_sizes": [32], "tokens": 32, "threads": 1, "repeats": 5},
    }


@dataclass(frozen=True)
class Trial:
    """One student: its report entry, its report, and validation loss by step."""

    entry: dict[str, Any]
    report: dict[str, Any]
    curve: dict[int, float]

    @property
    def loss(self) -> float:
        return float(self.entry["loss"]["test"])

    @property
    def accuracy(self) -> float:
        return float(self.entry["quality"]["test"])

    def reaches(self, loss: float) -> float | None:
        """The step at which the validation loss first falls to this, on straight lines between evaluations; None where
        it never does."""
        before: tuple[int, float] | None = None
        for step, value in sorted(self.curve.items()):
            if value <= loss:
                return step if before is None else float(np.interp(-loss, [-before[1], -value], [before[0], step]))
            before = step, value
        return None


def trial(row: Row, report: dict[str, Any], folder: Path) -> Trial:
    rows = metric_rows(read_events(folder / "events.jsonl"))
    curve = {m["step"]: m["value"] for m in rows if m["arm"] == row.arm and m["name"] == "validation_loss"}
    return Trial(arms(report, row.arm)[0], report, curve)


# ---------------------------------------------------------------- table


def plain(values: list[float], *, sign: str = "") -> str:
    mean, low, high = interval(values)
    return f"{mean:{sign}.3f}" if len(values) == 1 else f"{mean:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def word(gaps: list[float]) -> str:
    """Of paired differences in loss, from their t interval alone."""
    _, low, high = interval(gaps)
    return "" if len(gaps) == 1 else "worse" if low > 0 else "better" if high < 0 else "tie"


def pace(trials: list[Trial], bars: list[float]) -> str:
    """Mean step at which the loss is reached, or how many seeds reach it."""
    steps = [found.reaches(bar) for found, bar in zip(trials, bars, strict=True)]
    reached = [step for step in steps if step is not None]
    if len(reached) == len(steps):
        return f"{np.mean(reached):,.0f}"
    return "never" if not reached else f"{np.mean(reached):,.0f} ({len(reached)} of {len(steps)} seeds)"


def halfway(found: Trial) -> float:
    steps = sorted(found.curve)
    return found.curve[steps[len(steps) // 2 - 1]]


def main_table(trials: dict[Row, dict[int, Trial]]) -> list[str]:
    none = trials[NONE]
    lines: list[list[str]] = []
    for row, by_seed in trials.items():
        seeds = [seed for seed in by_seed if seed in none]
        found, bars = [by_seed[seed] for seed in seeds], [none[seed] for seed in seeds]
        if not found:
            continue
        gaps = [a.loss - b.loss for a, b in zip(found, bars, strict=True)]
        more = [a.accuracy - b.accuracy for a, b in zip(found, bars, strict=True)]
        compared = ["", "", ""] if row is NONE else [plain(gaps, sign="+"), word(gaps), points(more)]
        lines.append(
            [
                row.title,
                str(len(seeds)),
                plain([one.loss for one in found]),
                percent([one.accuracy for one in found]),
                *compared,
                pace(found, [halfway(bar) for bar in bars]),
                pace(found, [bar.curve[max(bar.curve)] for bar in bars]),
            ]
        )
    header = ["teacher", "seeds", "test loss, nats", "test accuracy, %", "loss against none", "", "accuracy, points"]
    return markdown([*header, "steps to none's loss at half time", "… at its end"], lines)


def teacher_table(trials: dict[Row, dict[int, Trial]]) -> list[str]:
    none = trials[NONE]
    lines = []
    for name, shape in TEACHERS.items():
        row = next(row for row in ROWS if row.teacher == name and row.arm == "main" and not row.remap)
        pairs = [(found, none[seed]) for seed, found in trials.get(row, {}).items() if seed in none]
        if not pairs:
            continue
        entries = [found.report["teachers"][0] for found, _ in pairs]
        size = f"{entries[0]['parameters']:,} ({entries[0]['parameters'] / pairs[0][1].entry['parameters']:.2f}×)"
        loss = [entry["loss"]["test"] for entry in entries]
        accuracy = [entry["quality"]["test"] for entry in entries]
        lines.append(
            [
                name,
                f"{shape.layers} × {shape.hidden}, feed-forward {shape.intermediate}",
                f"{shape.inner:,} ({shape.inner / STUDENT.inner:.2f}×)",
                size,
                plain(loss),
                percent(accuracy),
                plain([a - bar.loss for a, (_, bar) in zip(loss, pairs, strict=True)], sign="+"),
                points([a - bar.accuracy for a, (_, bar) in zip(accuracy, pairs, strict=True)]),
            ]
        )
    header = ["teacher", "shape", "parameters of its layers", "of all", "test loss, nats", "test accuracy, %"]
    return markdown([*header, "loss against none", "accuracy, points"], lines)


def curve_table(trials: dict[Row, dict[int, Trial]], count: int = 10) -> list[str]:
    """Mean validation loss over the seeds at `count` evaluated steps, evenly spread."""
    steps = sorted(next(iter(trials[NONE].values())).curve)
    chosen = sorted({steps[round((len(steps) - 1) * i / (count - 1))] for i in range(count)})
    lines = []
    for row, by_seed in trials.items():
        if by_seed:
            means = [np.mean([one.curve[step] for one in by_seed.values()]) for step in chosen]
            lines.append([row.title, *(f"{value:.3f}" for value in means)])
    return markdown(["validation loss at step", *(f"{step:,}" for step in chosen)], lines)


def last_fall(by_seed: dict[int, Trial]) -> float:
    """How far validation loss still fell over the last fifth of the steps, mean over seeds."""
    falls = []
    for one in by_seed.values():
        steps = sorted(one.curve)
        falls.append(one.curve[steps[len(steps) * 4 // 5 - 1]] - one.curve[steps[-1]])
    return float(np.mean(falls))


def intro(report: dict[str, Any], budget: Budget, seeds: list[int], pieces: int) -> list[str]:
    sizes, student = report["data"]["sizes"], arms(report)[0]
    return [
        "# DWT: a weak teacher for a larger student, masked LM on presidents' speeches, a subset",
        "",
        "`python benchmarks/dwt.py --data DATA --checkpoint CHECKPOINT --seeds "
        + " ".join(map(str, seeds))
        + f"` on {machine(report)}, one thread.",
        "",
        f"Text: {sizes['train']:,} training, {sizes['validation']} validation and {sizes['test']} test sentences of "
        f"{WORDS[0]} to {WORDS[1]} words out of State of the Union and inaugural addresses, split by address. "
        f"{pieces:,} word pieces: the checkpoint's that are the most frequent in the training text; 25% of the pieces "
        "are hidden, others in every epoch, so that a short training learns more from each text.",
        "",
        f"Student: {STUDENT.layers} layers × {STUDENT.hidden}, {student['parameters']:,} parameters, "
        f"{STUDENT.inner:,} of them in its layers' matrices, which is how 0.8× and 0.5× are counted; "
        f"{student['steps']:,} steps ({budget.epochs} epochs). Teachers: random weights too, trained before on the "
        f"same text for {budget.teacher_epochs} epochs. One rate ({budget.rate:g}, linear, 5% warm-up) and batch size "
        f"({budget.batch}) for all, no dropout; nothing was tuned for a row. α weighs KL to the teacher beside "
        "cross-entropy on the hidden pieces, τ = 1. Each seed has teachers, maskings and weights of its own; all rows "
        "of a seed share maskings and order of text, and all rows but the remapped one their first weights.",
        "",
        "States are chosen by validation accuracy; test is looked at once. Means over seeds with 95% t intervals; "
        "differences are paired by seed; `tie`: the interval holds zero (five comparisons, not corrected). Steps: "
        f"where validation loss ({budget.evaluations} evaluations, straight lines between them) first falls to what "
        "the student without teacher (same seed) has half-way, and at its end.",
        "",
    ]


def write(trials: dict[Row, dict[int, Trial]], budget: Budget, seeds: list[int], pieces: int, out: Path) -> None:
    report = next(iter(trials[NONE].values())).report
    done = {row: by_seed for row, by_seed in trials.items() if by_seed}
    lines = [
        *intro(report, budget, seeds, pieces),
        *main_table(done),
        "The teachers, against the student without teacher:",
        "",
        *teacher_table(done),
        "Held-out loss against step, nats a hidden piece on validation, mean over seeds:",
        "",
        *curve_table(done),
        "Still falling? Over the last fifth of the steps, with the rate going to zero, validation loss fell by "
        + ", ".join(f"{last_fall(by_seed):.3f} ({row.title})" for row, by_seed in done.items())
        + " nats.",
        "",
    ]
    out.write_text("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=BUDGET.epochs, help="of the student")
    parser.add_argument("--teacher-epochs", type=int, default=BUDGET.teacher_epochs)
    parser.add_argument("--train", type=int, default=BUDGET.train, help="training sentences")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / ".work" / "dwt")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "dwt.md")
    args = parser.parse_args()
    work: Path = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    budget = replace(BUDGET, epochs=args.epochs, teacher_epochs=args.teacher_epochs, train=args.train)
    texts = write_texts(args.data.resolve(), work, budget.train)
    tokenizer = small_tokenizer(args.checkpoint.resolve(), texts["train"])
    trials: dict[Row, dict[int, Trial]] = {row: {} for row in ROWS}
    for seed in args.seeds:
        for name, shape in TEACHERS.items():
            write_teacher(work / f"teacher-{name[:-1]}-{seed}", tokenizer, shape, seed)
        for row in ROWS:
            slug = f"{row.run}-{seed}"
            report = run(slug, config(row, seed, texts, work, budget), work)
            trials[row][seed] = trial(row, report, work / slug)
            write(trials, budget, args.seeds, len(tokenizer), args.out)
    print(args.out.read_text())


if __name__ == "__main__":
    main()
