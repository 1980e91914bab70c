"""Every loss and every teacher weighting on one task, with equal data, budget and tuning: SST-2, a subset.

    python benchmarks/options.py --data DATA --checkpoint CHECKPOINT [--blocks weighting loss term] [--seeds 1 2 3]

DATA holds sst2/train.tsv and sst2/dev.tsv (sentence, label); the labelled dev set is the test set and validation is cut
from train. CHECKPOINT is an encoder folder; two teachers are cut from it (all layers, and the first four). Every row is
an ordinary run; all share finetuned teachers and signals. Called again after an interruption, it goes on. The table
goes to benchmarks/results/options.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import ROOT, arms, interval, machine, markdown, percent, points, run, tests
from distill_core.catalogue import DIVERGENCES, MATCHING, TERMS, WEIGHTINGS

LABELLED, TRANSFER = 500, 6000
BILSTM = {"kind": "bilstm", "embedding": 24, "lstm_hidden": 64, "vocabulary": "seen", "dropout": 0.2}
TRANSFORMER = {
    "kind": "transformer",
    "layers": 2,
    "hidden": 192,
    "heads": 12,
    "initialise": "svd",
    "vocabulary": "seen",
    "dropout": 0.1,
}


def common(data: Path, seeds: list[int]) -> dict[str, Any]:
    return {
        "seeds": seeds,
        "device": "auto",
        "threads": 1,
        "data": {
            "source": "files",
            "train": str(data / "sst2" / "train.tsv"),
            "test": str(data / "sst2" / "dev.tsv"),
            "columns": {"text": "sentence", "label": "label"},
            "labelled_per_class": LABELLED,
            "max_transfer": TRANSFER,
            "validation_share": 0.2,
            "max_tokens": 48,
        },
        "teacher_training": {
            "mode": "cofinetune",
            "epochs": 3,
            "batch_size": 16,
            "learning_rate": 1e-4,
            "head_learning_rate": 5e-4,
        },
        "training": {"epochs": 8, "batch_size": 32, "learning_rate": 0.002, "schedule": "cosine", "evaluations": 16},
        "measure": {"batch_sizes": [32], "tokens": 32, "threads": 1, "repeats": 10},
        "controls": [],
    }


def configs(data: Path, checkpoint: Path, seeds: list[int]) -> dict[str, dict[str, Any]]:
    """Row → config, in the order of the table; keys are "block/name"."""
    whole = {"source": str(checkpoint), "name": "6 layers"}
    cut = {"source": str(checkpoint), "name": "first 4 layers", "keep_layers": 4}
    found: dict[str, dict[str, Any]] = {}
    base = common(data, seeds)
    for name in WEIGHTINGS:
        objective = {"distill_temperature": 2.0, "teacher_weighting": name}
        found[f"weighting/{name}"] = {**base, "teachers": [whole, cut], "student": BILSTM, "objective": objective}
    found["weighting/uniform"]["controls"] = ["no_teacher"]
    for name in DIVERGENCES:
        objective = {"distill_temperature": 2.0, "soft_label_loss": name}
        found[f"loss/{name}"] = {**base, "teachers": [whole], "student": BILSTM, "objective": objective}
    revised = {"distill_temperature": 2.0, "label_revision": 0.8}
    found["loss/label_revision"] = {**base, "teachers": [whole], "student": BILSTM, "objective": revised}
    hard = {"soft_label_weight": 0.0, "teacher_label_weight": 1.0}
    found["loss/teacher_labels"] = {**base, "teachers": [whole], "student": BILSTM, "objective": hard}
    training = {**base["training"], "learning_rate": 0.0005}
    wide = {**base, "teachers": [whole], "student": TRANSFORMER, "training": training}
    found["term/soft labels alone"] = {**wide, "objective": {"distill_temperature": 2.0}, "controls": ["no_teacher"]}
    found["term/hidden"] = {**wide, "objective": {"distill_temperature": 2.0, "hidden_weight": 1.0}}
    for name in MATCHING:
        objective = {"distill_temperature": 2.0, "matching": {name: 1.0}}
        # Mixtures are made step by step: nobody can be asked about them in advance.
        live = {"signals": "live"} if name == "mixup" else {}
        found[f"term/{name}"] = {**wide, "objective": objective, **live}
    return found


TITLES = {
    "weighting": "Teacher weightings: two teachers, BiLSTM student, soft and hard labels",
    "loss": "Soft-label losses: one teacher, BiLSTM student, beside hard labels",
    "term": "Matching terms: one teacher, transformer student of two layers, beside soft and hard labels, weight 1",
}
FIRST = {"weighting": "uniform", "loss": "kl", "term": "soft labels alone"}


def title(block: str, name: str) -> str:
    catalogue = {"weighting": WEIGHTINGS, "loss": {**DIVERGENCES, **TERMS}, "term": TERMS}[block]
    return catalogue[name].title if name in catalogue else name.replace("_", " ")


def tie(gaps: list[float]) -> str:
    """Told from the paired t interval over seeds alone, without correction for the number of rows."""
    _, low, high = interval(gaps)
    return "better" if low > 0 else "worse" if high < 0 else "tie"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--blocks", nargs="+", choices=list(TITLES), default=list(TITLES))
    parser.add_argument(
        "--leave-out", nargs="+", default=[], metavar="ROW", help="e.g. mixup: its live teacher is slow"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / ".work" / "options")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "options.md")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    reports: dict[str, dict[str, Any]] = {}
    for key, config in configs(args.data.resolve(), args.checkpoint.resolve(), args.seeds).items():
        if key.split("/")[0] not in args.blocks or key.split("/")[1] in args.leave_out:
            continue
        slug = "".join(c if c.isalnum() else "-" for c in key)
        reports[key] = run(slug, {**config, "name": f"options-{slug}"}, args.work)
    some = next(iter(reports.values()))
    lines = [
        "# Losses and teacher weightings on one task: SST-2, a subset",
        "",
        "`python benchmarks/options.py --data DATA --checkpoint CHECKPOINT --blocks "
        + " ".join(args.blocks)
        + " --seeds "
        + " ".join(map(str, args.seeds))
        + (f" --leave-out {' '.join(args.leave_out)}" if args.leave_out else "")
        + f"` on {machine(some)}, one thread.",
        "",
        f"{LABELLED} labelled rows a class (a fifth of them for validation), {TRANSFER:,} unlabelled ones, the 872 "
        "rows of the dev set as test. All rows of a block have the same data, student, steps and learning rate; none "
        "was tuned for itself. Means over seeds with 95% t intervals; the difference is paired by seed, against the "
        "first row of the block; `tie`: its interval holds zero. With so many rows some will look better or worse by "
        "chance." + (" Mixup is not measured: its teacher is asked live." if "mixup" in args.leave_out else ""),
        "",
    ]
    for block in args.blocks:
        names = [key.split("/", 1)[1] for key in reports if key.startswith(f"{block}/")]
        first = tests(reports[f"{block}/{FIRST[block]}"])
        rows: list[list[str]] = []
        for teacher in reports[f"{block}/{names[0]}"]["teachers"]:
            low, high = (100 * value for value in teacher["interval"])
            quality = f"{100 * teacher['quality']['test']:.2f} (test rows: {low:.2f}–{high:.2f})"
            rows.append([f"teacher, {teacher['name']}", quality, "", "", ""])
        for name in names:
            report = reports[f"{block}/{name}"]
            for arm, words_of in (("no_teacher", "no teacher"), ("main", title(block, name))):
                found = tests(report, arm)
                if not found:
                    continue
                gaps = [a - b for a, b in zip(found, first, strict=True)]
                same = arm == "main" and name == FIRST[block]
                agreement = percent([entry["agreement"] for entry in arms(report, arm)])
                compared = ["", ""] if same else [points(gaps), tie(gaps)]
                rows.append([words_of, percent(found), agreement, *compared])
        header = [f"{block}", "test accuracy, %", "agreement, %", f"against {title(block, FIRST[block])}", ""]
        lines += [f"## {TITLES[block]}", "", *markdown(header, rows)]
    args.out.write_text("\n".join(lines))
    print(args.out.read_text())


if __name__ == "__main__":
    main()
