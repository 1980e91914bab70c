"""BERT into a BiLSTM with a transfer set, AG News with 500 labels a class: alone, hard, soft, staged, at two sizes.

    python benchmarks/transfer.py --data DATA --checkpoint CHECKPOINT [--sizes small large] [--seeds 1 2 3] [--work DIR]

DATA holds agnews/train_sample.tsv and agnews/test.tsv (text, label; no header); CHECKPOINT is an encoder folder. Every
row of the table is an ordinary run; all of them share the finetuned teacher and its signals. Called again after an
interruption, it goes on. The table goes to benchmarks/results/transfer.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import ROOT, arms, machine, markdown, percent, points, run, tests

#: both prune the vocabulary to the pieces of the training and transfer texts
SIZES = {
    "small": {"embedding": 39, "lstm_hidden": 96},
    "large": {"embedding": 160, "lstm_hidden": 128},
}
#: the teacher's width, so that its pooled vector is met without a map
REPRESENTATION = 384
TITLES = {
    "alone": "labels alone",
    "hard": "hard distillation",
    "soft": "soft labels, joint",
    "staged": "soft + representation, staged and unfrozen",
}


def config(data: Path, checkpoint: Path, seeds: list[int], size: str, method: str) -> dict[str, Any]:
    """All rows have equal data, teacher, batch size and peak rate; the joint ones equal steps."""
    found: dict[str, Any] = {
        "name": f"transfer-{size}-{method}",
        "seeds": seeds,
        "device": "auto",
        "threads": 1,
        "data": {
            "source": "files",
            "train": str(data / "agnews" / "train_sample.tsv"),
            "test": str(data / "agnews" / "test.tsv"),
            "header": "no",
            "columns": {"text": "1", "label": "2"},
            "labelled_per_class": 500,
            "max_tokens": 80,
        },
        "teachers": [{"source": str(checkpoint), "name": "6 layers"}],
        "teacher_training": {
            "mode": "separate",
            "epochs": 3,
            "batch_size": 16,
            "learning_rate": 1e-4,
            "head_learning_rate": 5e-4,
        },
        "student": {
            "kind": "bilstm",
            **SIZES[size],
            "initialise": "svd",
            "vocabulary": "seen",
            "dropout": 0.2,
            "embedding_dropout": 0.3,
        },
        "objective": {"distill_temperature": 2.0},
        "training": {"epochs": 10, "batch_size": 32, "learning_rate": 0.002, "schedule": "cosine", "evaluations": 20},
        "controls": ["no_teacher"] if method == "soft" else [],
        "measure": {"batch_sizes": [1, 32], "tokens": 32, "threads": 1},
    }
    if method == "hard":
        found["objective"] = {"soft_label_weight": 0.0, "teacher_label_weight": 1.0}
    if method == "staged":
        found["student"]["projection"] = REPRESENTATION
        found["objective"] = {"soft_label_loss": "logit_mse"}
        found["training"] |= {
            "evaluations": 10,
            "stages": [
                {"name": "representation", "terms": {"pooled": 10.0}, "data": "both", "epochs": 4, "patience": 4},
                {
                    "name": "logits",
                    "terms": {"soft": 1.0},
                    "data": "both",
                    "epochs": 4,
                    "patience": 5,
                },
                {
                    "name": "labels",
                    "terms": {"hard": 1.0},
                    "data": "labelled",
                    "epochs": 3,
                    "patience": 4,
                    "unfreeze": True,
                    "learning_rate": 0.0005,
                },
            ],
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / ".work" / "transfer")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "transfer.md")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    rows: list[list[str]] = []
    latency: list[str] = []
    report: dict[str, Any] = {}
    for size in args.sizes:
        for method in ("soft", "hard", "staged"):
            made = config(args.data.resolve(), args.checkpoint.resolve(), args.seeds, size, method)
            report = run(f"{size}-{method}", made, args.work)
            teacher = report["teachers"][0]
            if not rows:
                low, high = teacher["interval"]
                quality = f"{100 * teacher['quality']['test']:.2f} (test rows: {100 * low:.2f}–{100 * high:.2f})"
                rows.append(["teacher", f"{teacher['parameters']:,}", "1×", quality, "", ""])
            for arm, name in (("no_teacher", "alone"), ("main", method)):
                found = arms(report, arm)
                if found:
                    small = f"{teacher['parameters'] / found[0]['parameters']:.1f}×"
                    gap = [value - teacher["quality"]["test"] for value in tests(report, arm)]
                    agreement = percent([entry["agreement"] for entry in found])
                    size_words = f"{found[0]['parameters']:,}"
                    rows.append([TITLES[name], size_words, small, percent(tests(report, arm)), points(gap), agreement])
            latency += [
                f"- {size}, {TITLES[method]}: "
                + ", ".join(f"{row['speedup']:.0f}× at batch {row['batch']}" for row in report["latency"])
                for _ in [0]
                if method != "hard"
            ]
    head = [
        "# BERT into a BiLSTM with a transfer set: AG News, 500 labels a class",
        "",
        "`python benchmarks/transfer.py --data DATA --checkpoint CHECKPOINT --sizes "
        + " ".join(args.sizes)
        + " --seeds "
        + " ".join(map(str, args.seeds))
        + f"` on {machine(report)}, one thread.",
        "",
        "Teacher: the 6×384 encoder, one finetuning; interval over the 7,600 test rows. Students: mean over seeds "
        "with a 95% t interval; `against the teacher` in points. States are chosen on 200 validation rows; test "
        "is looked at once. Students read only the word pieces that occur in the training and transfer texts.",
        "",
    ]
    header = ["model", "parameters", "smaller", "test accuracy, %", "against the teacher", "agreement, %"]
    args.out.write_text("\n".join([*head, *markdown(header, rows), "Faster than the teacher:", "", *latency, ""]))
    print(args.out.read_text())


if __name__ == "__main__":
    main()
