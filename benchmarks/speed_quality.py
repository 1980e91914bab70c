"""Is the faster training as good? SST-2, a real finetuned teacher, the same student taught by each side.

    pip install -r benchmarks/requirements.txt
    python benchmarks/speed_quality.py --data DATA --checkpoint CHECKPOINT [--seeds 1 2 3 4 5] [--work DIR]

The teacher is the checkpoint, finetuned once. The student is its first layers, with a new classifier; within a seed
every side begins with the very same weights, and has the same rows, objective, optimizer, schedule and dropout. The
sides are those of speed.py, each run a process of its own. Called again after an interruption, it goes on.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
if __name__ == "__main__":
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import numpy as np  # noqa: E402

from benchmarks.common import interval, markdown, percent, points  # noqa: E402
from benchmarks.speed_work import Material, Work, classified, sentences  # noqa: E402

SIDES = {"ours": "ours", "trainer": "HF Trainer", "textbrewer": "TextBrewer"}
TAUGHT, HELD_OUT, LAYERS = 4000, 4000, 3
WORK = Work("equal quality", TAUGHT, 3, 128, static=False)
TEACHER_CONFIG: dict[str, Any] = {
    "threads": 1,
    "seeds": [1],
    "data": {"source": "files", "columns": {"text": "sentence", "label": "label"}, "max_tokens": 128},
    "teacher_training": {
        "mode": "separate", "epochs": 2, "batch_size": 32, "learning_rate": 1e-4, "head_learning_rate": 5e-4,
    },
    "student": {"kind": "transformer"},
}  # fmt: skip


def teacher(data: Path, checkpoint: Path, work: Path) -> Path:
    """The folder of the checkpoint, finetuned on rows that are neither taught nor tested here."""
    import torch

    from benchmarks.classifiers import finetune
    from distill_core.config import from_dict

    rows = sentences(data, "train", random())[TAUGHT + HELD_OUT :][:20_000]
    path = work / "teacher.tsv"
    path.write_text("sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows), encoding="utf-8")
    config = copy.deepcopy(TEACHER_CONFIG)
    config["data"] |= {"train": str(path)}
    config["teachers"] = [{"source": str(checkpoint), "name": "teacher"}]
    torch.set_num_threads(1)
    finetune(from_dict(config), 0, work / "teacher", flip=0.0, classes=None)
    return work / "teacher"


def one(side: str, seed: int, data: Path, folder: Path) -> dict[str, float]:
    """{seconds, dev, held_out, teacher_dev, teacher_held_out} of one student, in this process; shares of rows."""
    import torch
    from transformers import BertForSequenceClassification

    from benchmarks import speed_ours, speed_peers
    from distill_core.models.encoders import load_tokenizer
    from distill_core.models.teachers import ReadyTeacher
    from distill_core.students.transformer.model import TransformerClassifier

    class FirstToken(torch.nn.Module):
        """In place of the pooler: our student reads the first token's state itself."""

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return states[:, 0]

    torch.set_num_threads(1)
    rows, tokenizer = sentences(data, "train", random())[: TAUGHT + HELD_OUT], load_tokenizer(folder)
    given, held_out = (classified(tokenizer, part, WORK.padded) for part in (rows[:TAUGHT], rows[TAUGHT:]))
    dev = classified(tokenizer, sentences(data, "dev", random()), WORK.padded)
    torch.manual_seed(seed)
    taught_by = BertForSequenceClassification.from_pretrained(folder, attn_implementation="sdpa").eval()
    begun = BertForSequenceClassification.from_pretrained(
        folder, num_hidden_layers=LAYERS, attn_implementation="sdpa"
    ).train()
    begun.bert.pooler, begun.classifier = FirstToken(), torch.nn.Linear(begun.config.hidden_size, 2)
    with tempfile.TemporaryDirectory() as scratch:
        if side == "ours":
            encoder = copy.deepcopy(begun.bert)
            encoder.pooler = None
            student = TransformerClassifier(encoder, tokenizer, classes=2, dropout=0.1)
            student.prediction.load_state_dict(begun.classifier.state_dict())
            teachers = [ReadyTeacher("teacher", None, (tokenizer, taught_by), range(2))]  # type: ignore[arg-type]
            found = speed_ours.taught(WORK, given, teachers, student, Path(scratch), seed)  # type: ignore[arg-type]
            begun.bert.load_state_dict(student.encoder.state_dict())
            begun.classifier.load_state_dict(student.prediction.state_dict())
        else:
            found = speed_peers.taught(side, WORK, given, ([taught_by], begun), Path(scratch), seed=seed)
    found = {"seconds": sum(found.values())}
    for name, model in (("", begun), ("teacher_", taught_by)):
        found |= {f"{name}dev": right(model, dev), f"{name}held_out": right(model, held_out)}
    return found


def random() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(0))


def right(model: Any, tested: Material) -> float:
    """Share of the rows whose class it says."""
    import torch

    model.eval()
    found = 0
    order = np.argsort(tested.encoded.lengths, kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            ids = torch.nn.utils.rnn.pad_sequence(
                [torch.tensor(tested.encoded.ids[row]) for row in chosen],
                batch_first=True,
                padding_value=tested.encoded.pad_id,
            ).long()
            said = model(input_ids=ids, attention_mask=(ids != tested.encoded.pad_id).long()).logits.argmax(-1)
            found += int((said.numpy() == tested.labels[chosen]).sum())
    return found / len(order)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / ".work" / "speed_quality")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "speed_quality.md")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    if arguments.one:
        side, seed = arguments.one
        print(json.dumps(one(side, int(seed), arguments.data, work / "teacher")))
        return
    work.mkdir(parents=True, exist_ok=True)
    teacher(arguments.data, arguments.checkpoint, work)
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for seed in arguments.seeds:
        for side in SIDES:
            kept = work / f"{side}-{seed}.json"
            if not kept.exists():
                given = ["--data", str(arguments.data), "--checkpoint", str(arguments.checkpoint), "--work", str(work)]
                command = [sys.executable, str(Path(__file__)), *given, "--one", side, str(seed)]
                said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
                if said.returncode:
                    raise SystemExit(f"{side}, seed {seed} failed:\n{said.stderr[-2000:]}")
                kept.write_text(said.stdout.splitlines()[-1])
            found[side].append(json.loads(kept.read_text()))
            print(side, seed, found[side][-1], flush=True)
    arguments.out.write_text("\n".join(table(found, arguments.seeds)))
    print(arguments.out.read_text())


def table(found: dict[str, list[dict[str, float]]], seeds: list[int]) -> list[str]:
    from benchmarks.speed import cpu_name

    ours = found["ours"]
    known = ours[0]
    rows = []
    for side, name in SIDES.items():
        runs = found[side]
        cells = [name]
        for part in ("dev", "held_out"):
            cells.append(percent([run[part] for run in runs]))
            apart = [own[part] - run[part] for own, run in zip(ours, runs, strict=True)]
            cells.append("" if side == "ours" else points(apart))
        seconds = [run["seconds"] for run in runs]
        times = [run["seconds"] / own["seconds"] for own, run in zip(ours, runs, strict=True)]
        rows.append([*cells, f"{np.median(seconds):.0f}", "" if side == "ours" else f"{interval(times)[0]:.1f}×"])
    header = ["taught by", "dev, %", "ours above it", "held out, %", "ours above it", "CPU s", "ours faster"]
    return [
        "# Quality of the faster training",
        "",
        "`python benchmarks/speed_quality.py --data DATA --checkpoint CHECKPOINT --seeds "
        f"{' '.join(map(str, seeds))}` on {cpu_name()}, one thread.",
        "",
        f"SST-2: {TAUGHT:,} rows of its training file, 3 epochs, batches of 32. Teacher: the 6×384 encoder, finetuned "
        f"on 14,400 other rows: {100 * known['teacher_dev']:.2f}% on the 872 sentences of the dev file, "
        f"{100 * known['teacher_held_out']:.2f}% on {HELD_OUT:,} rows of the training file that nobody was taught "
        "(phrases of the same reviews). Student: its first 3 layers, a new classifier on the first token. Within a "
        "seed all sides begin with the same weights; soft and hard labels, temperature 2, dropout 0.1, fused AdamW, "
        "linear schedule, clipping at 1 are the same. The peers pad to the longest of a random batch, ours sorts by "
        "length and asks the teacher once. Last state, no selection. Means over seeds with 95% t intervals; "
        "differences are paired by seed.",
        "",
        *markdown(header, rows),
    ]


if __name__ == "__main__":
    main()
