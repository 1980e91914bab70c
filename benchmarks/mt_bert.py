"""MT-BERT with clean teachers, with one that learnt flipped labels, and with teachers that each saw some classes only.

    python benchmarks/mt_bert.py --data DATA --checkpoint CHECKPOINT [--datasets trec6 sst2] [--conditions clean …]

DATA holds sst2/{train,dev}.tsv and trec6/{train,test}.tsv; CHECKPOINT is an encoder folder, from which two teachers are
cut. Every row of the tables is an ordinary run; runs share finetuned teachers and signals. What matters most is trained
first, and the tables go to benchmarks/results/mt_bert.md after every run, with the rows there are. Called again after
an interruption, it goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import yaml

from benchmarks.common import ROOT, machine, markdown, percent, points, run, tests
from benchmarks.options import BILSTM, tie
from distill_core.data.types import example_id

NAMES = ("6 layers", "first 3 layers")
LAYERS = (6, 3)
FLIP = 0.2
FOLDS = 3


@dataclass(frozen=True)
class Dataset:
    """train, test: files under DATA. text: their column with the text. halves: classes that each
    teacher learns from, where that is tried."""

    title: str
    train: str
    test: str
    text: str
    halves: tuple[tuple[str, ...], ...] = ()


DATASETS = {
    "trec6": Dataset(
        "TREC, 6 classes", "trec6/train.tsv", "trec6/test.tsv", "text", (("0", "1", "2"), ("3", "4", "5"))
    ),
    "sst2": Dataset("SST-2", "sst2/train.tsv", "sst2/dev.tsv", "sentence"),
}


@dataclass(frozen=True)
class Condition:
    """Which teachers. spoilt: "" (finetuned by the run), "flipped" or "partial" (ready classifiers). learnt: what the
    labelled rows' weights rest on: "own" rows, "folds", or "other" rows that no student sees."""

    title: str
    spoilt: str
    learnt: str
    rows: tuple[str, ...]


ALL = ("mt_bert", "no_hidden", "separate", "no_distillation", "single_1", "single_2")
READY = ("mt_bert", "no_hidden", "no_distillation", "single_1", "single_2")
SHORT = ("mt_bert", "no_hidden")
CONDITIONS = {
    "clean": Condition("Clean teachers, in-fold weights", "", "own", ALL),
    "partial": Condition("Teachers that saw half of the classes each, in-fold weights", "partial", "own", READY),
    "flipped": Condition("The second teacher learnt 20% flipped labels, in-fold weights", "flipped", "own", READY),
    "clean-folds": Condition("Clean teachers, out-of-fold weights", "", "folds", SHORT),
    "partial-other": Condition("Half of the classes each, out-of-fold weights", "partial", "other", SHORT),
    "flipped-other": Condition("Flipped labels, out-of-fold weights", "flipped", "other", SHORT),
}
#: row → how it is called, and its control with constant weights
TITLES = {
    "mt_bert": ("MT-BERT", "equal weights"),
    "no_hidden": ("MT-BERT without hidden loss", "equal weights, without hidden loss"),
    "separate": ("MT-BERT without co-finetuning", "equal weights, without co-finetuning"),
    "no_distillation": ("MT-BERT without distillation loss", ""),
    "single_1": (f"one teacher: {NAMES[0]}", ""),
    "single_2": (f"one teacher: {NAMES[1]}", ""),
}


@dataclass(frozen=True)
class Sizes:
    """Rows the students learn from; as many others for teachers of "other" rows; validation; epochs."""

    train: int = 2000
    validation: int = 450
    teacher_epochs: int = 3
    epochs: int = 10


# ---------------------------------------------------------------- data and teachers


def _read(path: Path, text: str) -> list[tuple[str, str]]:
    """(text, label) of every row, the first of each text."""
    header, *lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    names = header.split("\t")
    at, label = names.index(text), names.index("label")
    found: dict[str, str] = {}
    for cells in (line.split("\t") for line in lines):
        found.setdefault(cells[at].strip(), cells[label].strip())
    return [(words, gold) for words, gold in found.items() if words]


def write_rows(data: Path, name: str, folder: Path, sizes: Sizes) -> None:
    """train.tsv, other.tsv, validation.tsv and test.tsv of a dataset: disjoint, drawn by a hash of the text."""
    made = DATASETS[name]
    test = _read(data / made.test, made.text)
    known = {text for text, _ in test}
    rows = sorted((row for row in _read(data / made.train, made.text) if row[0] not in known), key=_drawn)
    needed = {"validation": sizes.validation, "train": sizes.train, "other": sizes.train}
    if len(rows) < sum(needed.values()):
        raise SystemExit(f"{name} has {len(rows):,} different texts; {sum(needed.values()):,} are needed.")
    parts: dict[str, list[tuple[str, str]]] = {"test": test}
    for part, count in needed.items():
        parts[part], rows = rows[:count], rows[count:]
    folder.mkdir(parents=True, exist_ok=True)
    for part, chosen in parts.items():
        lines = ["text\tlabel", *("\t".join(row) for row in chosen)]
        (folder / f"{part}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _drawn(row: tuple[str, str]) -> str:
    return example_id(row[0])


def base(checkpoint: Path, rows: Path, seeds: Sequence[int], sizes: Sizes) -> dict[str, Any]:
    """What all runs of a dataset share: data, clean teachers, student, steps."""
    whole = {"source": str(checkpoint), "name": NAMES[0], "keep_layers": LAYERS[0]}
    cut = {"source": str(checkpoint), "name": NAMES[1], "keep_layers": LAYERS[1]}
    return {
        "seeds": list(seeds),
        "device": "auto",
        "threads": 1,
        "data": {
            "source": "files",
            **{part: str(rows / f"{part}.tsv") for part in ("train", "validation", "test")},
            "header": "yes",
            "quoting": "no",
            "max_tokens": 48,
        },
        "teachers": [whole, cut],
        "teacher_training": {
            "mode": "cofinetune",
            "epochs": sizes.teacher_epochs,
            "batch_size": 32,
            "learning_rate": 1e-4,
            "head_learning_rate": 5e-4,
        },
        "student": BILSTM,
        "objective": {"hidden_weight": 1.0, "teacher_weighting": "mt_bert"},
        "training": {
            "epochs": sizes.epochs,
            "batch_size": 32,
            "learning_rate": 0.002,
            "schedule": "cosine",
            "evaluations": 10,
        },
        "measure": {"batch_sizes": [32], "tokens": 32, "threads": 1, "repeats": 5},
        "controls": ["uniform"],
    }


def spoilt_teachers(common: dict[str, Any], name: str, condition: Condition, work: Path) -> list[dict[str, Any]]:
    """The ready classifiers of a condition, finetuned now where they are not there yet."""
    rows = work / name / f"{'other' if condition.learnt == 'other' else 'train'}.tsv"
    config = {**common, "name": f"teachers-{name}", "data": {**common["data"], "train": str(rows)}}
    path = work / name / f"teachers-{rows.stem}.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    found = []
    for number, teacher in enumerate(NAMES):
        words: list[str] = []
        if condition.spoilt == "partial":
            words = ["--classes", *DATASETS[name].halves[number]]
        elif number == 1:
            words = ["--flip", str(FLIP)]
        slug = "-".join([rows.stem, condition.spoilt if words else "clean", str(number + 1)])
        out = work / name / slug
        if not (out / "config.json").exists():
            call = [sys.executable, str(ROOT / "benchmarks" / "classifiers.py"), str(path), str(out)]
            subprocess.run([*call, "--teacher", str(number + 1), *words], cwd=ROOT, check=True)
        found.append({"source": str(out), "name": teacher})
    return found


def configure(common: dict[str, Any], name: str, condition: Condition, row: str, work: Path) -> dict[str, Any]:
    """The config of one row of one condition."""
    teaching, objective = dict(common["teacher_training"]), dict(common["objective"])
    teachers, controls = common["teachers"], list(common["controls"])
    if condition.spoilt:
        teachers, teaching["mode"] = spoilt_teachers(common, name, condition, work), "as_is"
    if condition.learnt == "folds":
        teaching["folds"] = FOLDS
    if row == "mt_bert" and condition.rows == ALL:
        controls.append("no_teacher")
    if row == "no_hidden":
        objective["hidden_weight"] = 0.0
    if row == "separate":
        teaching["mode"] = "separate"
    if row == "no_distillation":
        objective["soft_label_weight"], controls = 0.0, []
    if row.startswith("single"):
        teachers, controls = [teachers[int(row[-1]) - 1]], []
        objective["teacher_weighting"] = "uniform"
        teaching["mode"] = "as_is" if condition.spoilt else "separate"
    return {
        **common,
        "teachers": teachers,
        "teacher_training": teaching,
        "objective": objective,
        "controls": controls,
    }


# ---------------------------------------------------------------- tables


Reports = dict[tuple[str, str, str], dict[str, Any]]


def mean_weights(folder: Path) -> list[float]:
    """Each teacher's mean weight in the main arm of a finished run, over all seeds and logged steps."""
    found: dict[str, list[float]] = defaultdict(list)
    for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines():
        if '"weight/' not in line:
            continue
        for entry in json.loads(line)["payload"]["rows"]:
            if entry["arm"] == "main" and entry["name"].startswith("weight/"):
                found[entry["name"].removeprefix("weight/")].append(entry["value"])
    return [float(np.mean(found[name])) for name in NAMES if name in found]


def compared(ours: Sequence[float], theirs: Sequence[float]) -> list[str]:
    gaps = [a - b for a, b in zip(ours, theirs, strict=True)]
    return [points(gaps), tie(gaps) if len(gaps) > 1 else "one seed"]


def summary(reports: Reports, work: Path) -> list[str]:
    """MT-BERT's weights against equal ones of the same mean, wherever both were trained."""
    rows = []
    for (name, condition, row), report in reports.items():
        equal = tests(report, "uniform")
        if not equal:
            continue
        weights = " / ".join(f"{value:.2f}" for value in mean_weights(work / slug(name, condition, row)))
        title = f"{DATASETS[name].title}: {CONDITIONS[condition].title[0].lower()}{CONDITIONS[condition].title[1:]}"
        method = TITLES[row][0].removeprefix("MT-BERT ").replace("MT-BERT", "all losses")
        ours = tests(report)
        rows.append([title, method, weights, percent(ours), percent(equal), *compared(ours, equal)])
    order = [f"{made.title}: {c.title[0].lower()}{c.title[1:]}" for made in DATASETS.values() for c in _by_teachers()]
    rows.sort(key=lambda cells: order.index(cells[0]))
    header = ["teachers", "loss", "mean weights", "MT-BERT weights", "equal weights", "difference", ""]
    return ["## When does the weighting beat equal weights?", "", *markdown(header, rows)]


def _by_teachers() -> list[Condition]:
    return [CONDITIONS[key] for key in sorted(CONDITIONS, key=lambda key: (key.split("-")[0], key))]


def table(reports: Reports, name: str, condition: str) -> list[str]:
    """All rows of one dataset and condition, each against the full method with equal weights."""
    found = {row: reports[name, condition, row] for row in TITLES if (name, condition, row) in reports}
    if "mt_bert" not in found:
        return []
    equal = tests(found["mt_bert"], "uniform")
    rows = []
    for teacher in found["mt_bert"]["teachers"]:
        low, high = (100 * value for value in teacher["interval"])
        quality = f"{100 * teacher['quality']['test']:.2f} (test rows: {low:.2f}–{high:.2f})"
        rows.append([f"teacher, {teacher['name']}", quality, "", ""])
    alone = reports.get((name, "clean", "mt_bert"))
    if alone:
        rows.append(["no teacher", percent(tests(alone, "no_teacher")), *compared(tests(alone, "no_teacher"), equal)])
    rows.append([TITLES["mt_bert"][1], percent(equal), "", ""])
    for row, report in found.items():
        ours = tests(report)
        rows.append([TITLES[row][0], percent(ours), *compared(ours, equal)])
        if row != "mt_bert" and TITLES[row][1]:
            theirs = tests(report, "uniform")
            rows.append([TITLES[row][1], percent(theirs), *compared(theirs, equal)])
    header = [DATASETS[name].title, "test accuracy, %", "against equal weights", ""]
    return [f"## {DATASETS[name].title}: {CONDITIONS[condition].title}", "", *markdown(header, rows)]


def write(reports: Reports, args: argparse.Namespace, sizes: Sizes, missing: int) -> None:
    some = next(iter(reports.values()))
    flags = [
        f"--datasets {' '.join(args.datasets)}",
        f"--conditions {' '.join(args.conditions)}",
        f"--seeds {' '.join(map(str, args.seeds))}",
    ]
    lines = [
        "# MT-BERT: when does weighting the teachers beat equal weights?",
        "",
        f"`python benchmarks/mt_bert.py --data DATA --checkpoint CHECKPOINT {' '.join(flags)}` on {machine(some)}, "
        "one thread.",
        "",
        f"Each dataset: {sizes.train:,} labelled rows to learn from, {sizes.validation:,} for validation, all of the "
        "test file (SST-2: the dev set, its phrases from the training file) as test; no transfer rows, so that every "
        "row has the gold label that the weights need. Teachers: one checkpoint, all six layers and the first three, "
        f"finetuned once for {sizes.teacher_epochs} epochs. Student: a BiLSTM of width 64 with random weights, "
        f"{sizes.epochs} epochs; equal steps and learning rates in every row, none tuned for itself. The soft labels' "
        "temperature is 1; all terms weigh 1.",
        "",
        "`equal weights`: the same student, with every teacher on every example at the mean weight that MT-BERT's run "
        "of that seed had, so that only the distribution differs. Means over seeds with 95% t intervals; differences "
        "are paired by seed; `tie`: the interval holds zero. Nothing is corrected for the number of rows: of twenty "
        "ties one will look better or worse by chance. The intervals know of seeds alone, not of other test rows.",
        "",
        "In-fold: the teachers learnt from the rows on which they are weighed. Out-of-fold: of clean teachers, "
        f"{FOLDS} folds of the labelled rows. Teachers with flipped labels or half of the classes are brought as "
        "ready classifiers (`as_is`), which a run cannot finetune by folds; out-of-fold, they learnt from as many "
        "other rows. Out-of-fold it is all that a teacher says of a labelled row, not its weight alone. "
        "There is no co-finetuning of ready classifiers, so that ablation is for clean teachers. SST-2 has two "
        "classes: teachers that saw only some would each know one answer, so that is for TREC (classes 0–2 and 3–5, "
        "under a layer for all six).",
        "",
    ]
    if missing:
        lines += [f"Not finished yet: {missing} of {missing + len(reports)} runs.", ""]
    lines += summary(reports, args.work)
    for name in args.datasets:
        for condition in args.conditions:
            lines += table(reports, name, condition)
    args.out.write_text("\n".join(lines))


# ---------------------------------------------------------------- run


def slug(name: str, condition: str, row: str) -> str:
    return f"{name}-{condition}-{row}".replace("_", "-")


def jobs(datasets: Sequence[str], conditions: Sequence[str]) -> list[tuple[str, str, str]]:
    """(dataset, condition, row), the full method in every condition first, then row after row."""
    return [
        (name, condition, row)
        for row in TITLES
        for condition in conditions
        for name in datasets
        if row in CONDITIONS[condition].rows and (DATASETS[name].halves or CONDITIONS[condition].spoilt != "partial")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--datasets", nargs="+", choices=list(DATASETS), default=list(DATASETS))
    parser.add_argument("--conditions", nargs="+", choices=list(CONDITIONS), default=list(CONDITIONS))
    parser.add_argument("--quick", action="store_true", help="a few rows and one epoch: does every config run?")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / ".work" / "mt_bert")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "mt_bert.md")
    args = parser.parse_args()
    args.work = args.work.resolve()
    sizes = Sizes(150, 60, 1, 1) if args.quick else Sizes()
    for name in args.datasets:
        write_rows(args.data, name, args.work / name, sizes)
    todo = jobs(args.datasets, args.conditions)
    reports: Reports = {}
    for name, condition, row in todo:
        common = base(args.checkpoint.resolve(), args.work / name, args.seeds, sizes)
        config = configure(common, name, CONDITIONS[condition], row, args.work)
        key = slug(name, condition, row)
        reports[name, condition, row] = run(key, {**config, "name": f"mt-bert-{key}"}, args.work)
        write(reports, args, sizes, len(todo) - len(reports))
    print(args.out.read_text())


if __name__ == "__main__":
    main()
