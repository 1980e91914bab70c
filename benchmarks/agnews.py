"""AG News with 500 labels a class: one teacher, and MT-BERT with two, into a BiLSTM at least 26 times smaller.

    python benchmarks/agnews.py --data DATA --checkpoint CHECKPOINT [--seeds 1 2 3] [--work DIR] [--only single]

DATA holds agnews/train_sample.tsv and agnews/test.tsv (text, label; no header); CHECKPOINT is an encoder folder. Both
runs are ordinary runs of the command line; called again after an interruption, they resume. The table goes to
benchmarks/results/agnews.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import ROOT, arms, machine, percent, run, tests

STUDENT = {"kind": "bilstm", "embedding": 24, "lstm_hidden": 80, "initialise": "svd", "dropout": 0.2}
TEACHING = {"epochs": 3, "batch_size": 16, "learning_rate": 1e-4, "head_learning_rate": 5e-4}


def configs(data: Path, checkpoint: Path, seeds: list[int]) -> dict[str, dict[str, Any]]:
    """The two runs: equal data, student, steps and tuning; they differ in teachers and method only."""
    common: dict[str, Any] = {
        "seeds": seeds,
        "device": "auto",
        # One thread a run: the two can then run side by side, and neither waits for the other.
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
        "student": STUDENT,
        "training": {"epochs": 12, "batch_size": 32, "learning_rate": 0.002, "schedule": "cosine", "evaluations": 24},
        "measure": {"batch_sizes": [1, 32], "tokens": 32, "threads": 1},
    }
    whole = {"source": str(checkpoint), "name": "6 layers"}
    cut = {"source": str(checkpoint), "name": "first 4 layers", "keep_layers": 4}
    return {
        "single": {
            **common,
            "name": "agnews-single",
            "teachers": [whole],
            "teacher_training": {"mode": "separate", **TEACHING},
            "objective": {"distill_temperature": 2.0},
            "controls": ["no_teacher"],
        },
        "mt_bert": {
            **common,
            "name": "agnews-mt-bert",
            "teachers": [whole, cut],
            "teacher_training": {"mode": "cofinetune", **TEACHING},
            "objective": {"distill_temperature": 2.0, "hidden_weight": 1.0, "teacher_weighting": "mt_bert"},
            "controls": ["no_teacher", "uniform"],
        },
    }


NAMES = {"main": "student, distilled", "no_teacher": "student, labels alone", "uniform": "student, constant weights"}


def table(title: str, report: dict[str, Any]) -> list[str]:
    lines = [f"## {title}", "", "| model | parameters | test accuracy, % | agreement, % |", "|---|---|---|---|"]
    for teacher in report["teachers"]:
        low, high = teacher["interval"]
        quality = f"{100 * teacher['quality']['test']:.2f} (test rows: {100 * low:.2f}–{100 * high:.2f})"
        lines.append(f"| teacher, {teacher['name']} | {teacher['parameters']:,} | {quality} | |")
    for name, words in NAMES.items():
        found = arms(report, name)
        if found:
            agreement = percent([arm["agreement"] for arm in found])
            lines.append(f"| {words} | {found[0]['parameters']:,} | {percent(tests(report, name))} | {agreement} |")
    compression = report["compression"]["parameters"]
    speed = ", ".join(f"{row['speedup']:.1f}× at batch {row['batch']}" for row in report["latency"])
    protocol = report["protocol"]["latency"]
    lines += [
        "",
        f"{compression:.1f}× fewer parameters; {speed} ({protocol['runtime']}, {protocol['tokens']} tokens, "
        f"{protocol['threads']} thread). Stage seconds: "
        + ", ".join(f"{stage} {seconds:.0f}" for stage, seconds in report["seconds"].items())
        + ".",
        "",
        *[f"- {sentence}" for sentence in [report["conclusion"]["headline"], *report["conclusion"]["sentences"]]],
        "",
    ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / ".work" / "agnews")
    parser.add_argument("--only", choices=["single", "mt_bert"])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "agnews.md")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    titles = {
        "single": "One teacher, soft labels",
        "mt_bert": "MT-BERT, two teachers cut from one checkpoint",
    }
    sections: list[str] = []
    report: dict[str, Any] = {}
    for name, config in configs(args.data.resolve(), args.checkpoint.resolve(), args.seeds).items():
        if args.only in (None, name):
            report = run(name, config, args.work)
            sections += table(titles[name], report)
    head = [
        "# AG News, 500 labels a class, the rest of the text as transfer set",
        "",
        "`python benchmarks/agnews.py --data DATA --checkpoint CHECKPOINT --seeds "
        + " ".join(map(str, args.seeds))
        + f"` on {machine(report)}.",
        "",
        "Students: mean over seeds, 95% t interval; teachers: one finetuning, 95% Wilson interval over "
        "test rows. States are chosen on validation (10% of the labelled rows); test (7,600 rows) is looked at once.",
        "",
    ]
    args.out.write_text("\n".join(head + sections))
    print(args.out.read_text())


if __name__ == "__main__":
    main()
