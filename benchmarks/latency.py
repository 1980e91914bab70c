"""Students' latency on the runtimes they are exported to, each against its teacher on the same runtime.

    python benchmarks/latency.py [--only mbert bert] [--repeats 15] [--work DIR] [--out FILE]

Shapes with random weights: how long they take does not depend on the weights' values. XtremeDistil's students
(2004.05686: 51 times faster at batch 32, 35 times smaller) tag words against multilingual BERT; TinyBERT's and
BERT-tiny's shapes classify against BERT-base. Models are built from sections of a config, written and made int8 by
`export.graph`, read by `export.runtime` and timed by `measure.latency`, as every export of a run is. What was measured
is kept in --work and read again. Needs about 6 GB of memory.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from pydantic import TypeAdapter  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers, processors  # noqa: E402
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast  # noqa: E402

from benchmarks.common import company, markdown  # noqa: E402
from distill_core.config import Student as StudentConfig  # noqa: E402
from distill_core.config import StudentSection, TeacherSection  # noqa: E402
from distill_core.export.graph import model_bytes, quantise, write_onnx  # noqa: E402
from distill_core.export.runtime import OnnxModel  # noqa: E402
from distill_core.measure.latency import RUNTIME, Protocol, Subject, measure_latency  # noqa: E402
from distill_core.measure.machine import describe_machine  # noqa: E402
from distill_core.models.base import Student, count_parameters  # noqa: E402
from distill_core.models.encoders import quiet  # noqa: E402
from distill_core.models.students import build_student  # noqa: E402
from distill_core.models.teacher import Teacher  # noqa: E402
from distill_core.models.teachers import load_teachers  # noqa: E402
from distill_core.tasks.base import build_task  # noqa: E402

RUNTIMES = {"eager": "torch eager fp32", "onnx": "ONNX Runtime fp32", "int8": "ONNX Runtime int8"}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
TEACHER = "teacher"
_SECTION: TypeAdapter[StudentSection] = TypeAdapter(StudentConfig)


@dataclass(frozen=True)
class Family:
    """A teacher of 12 × 768 and its students. pieces: of the vocabulary; students: name → section of a config, and with
    `seen` how many pieces of the vocabulary are kept. claims: name → what the paper says of it."""

    title: str
    teacher: str
    task: str
    labels: tuple[str, ...]
    pieces: int
    students: Mapping[str, Mapping[str, Any]]
    claims: Mapping[str, str]
    #: (times smaller, times faster at batch 32) that the paper is known for, and which paper
    goal: tuple[float, float, str]


def _bilstm(embedding: int, hidden: int, **more: Any) -> dict[str, Any]:
    return {"kind": "bilstm", "embedding": embedding, "lstm_hidden": hidden, "initialise": "random", **more}


def _transformer(layers: int, hidden: int, heads: int, inner: int) -> dict[str, Any]:
    return {"kind": "transformer", "layers": layers, "hidden": hidden, "heads": heads, "intermediate": inner}


FAMILIES = {
    "mbert": Family(
        "XtremeDistil's BiLSTMs against multilingual BERT, tagging",
        "12 × 768, 119,547 pieces",
        "tagging",
        ("O", *(f"{place}-{kind}" for kind in ("LOC", "ORG", "PER") for place in "BI")),
        119_547,
        {
            "E 300, H 2×600": _bilstm(300, 600),
            "E 100, H 2×200": _bilstm(100, 200),
            "E 50, H 2×200": _bilstm(50, 200),
            "E 40, H 2×150": _bilstm(40, 150),
            "E 100, H 2×200, 40,000 pieces": _bilstm(100, 200, vocabulary="seen", seen=40_000),
        },
        {"E 50, H 2×200": "35×, 51×", "E 300, H 2×600": "5.6×, 14×"},
        (35, 51, "XtremeDistil, 2004.05686"),
    ),
    "bert": Family(
        "Small transformers against BERT-base, classification",
        "12 × 768, 30,522 pieces",
        "classification",
        ("negative", "positive"),
        30_522,
        {"4 × 312": _transformer(4, 312, 12, 1200), "2 × 128": _transformer(2, 128, 2, 512)},
        {"4 × 312": "7.5×, 9.4×"},
        (7.5, 9.4, "TinyBERT, 1909.10351"),
    ),
}


def write_checkpoint(folder: Path, pieces: int) -> str:
    """An encoder of BERT-base's shape with so many pieces, and a tokeniser that has them."""
    vocabulary = {piece: n for n, piece in enumerate([*SPECIAL, *(f"piece{n}" for n in range(pieces - len(SPECIAL)))])}
    own = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    own.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    with quiet():
        BertModel(BertConfig(vocab_size=pieces)).save_pretrained(folder)
        PreTrainedTokenizerFast(
            tokenizer_object=own, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
            mask_token="[MASK]", model_max_length=512,
        ).save_pretrained(folder)  # fmt: skip
    return str(folder)


def built(family: Family, work: Path) -> dict[str, Teacher | Student]:
    """The teacher and all students, by name."""
    source = work / "checkpoint"
    if not source.exists():
        write_checkpoint(source, family.pieces)
    labels = list(family.labels)
    sections = [TeacherSection(source=str(source))]
    teachers = load_teachers(sections, "separate", labels, dropout=None, seed=0, task=family.task, stand_ins=True)
    found: dict[str, Teacher | Student] = {TEACHER: teachers[0]}
    for name, given in family.students.items():
        values = dict(given)
        seen = np.arange(values.pop("seen", 0))
        section = _SECTION.validate_python(values)
        found[name] = build_student(
            section, teachers=teachers, classes=len(labels), max_tokens=128, seed=0, task=family.task, seen=seen
        )
    return found


def subjects_of(
    name: str, model: Teacher | Student, unit: str, work: Path
) -> tuple[dict[str, Subject], dict[str, int]]:
    """The model on each runtime, and its bytes there."""
    folder = work / name.replace(" ", "").replace(",", "-")
    folder.mkdir(parents=True, exist_ok=True)
    whole, small = folder / "model.onnx", folder / "model-int8.onnx"
    quantise(write_onnx(model, whole), small)
    calls: dict[str, Any] = {
        "eager": model,
        "onnx": OnnxModel(whole, unit),
        "int8": OnnxModel(small, unit),
    }
    made = {
        f"{name} | {runtime}": Subject(
            role="teacher" if name == TEACHER else "student",
            call=call,
            vocab_size=len(model.tokenizer),
            type_ids=True,
            pad_id=model.tokenizer.pad_token_id,
            runtime=RUNTIME if runtime == "eager" else RUNTIMES[runtime],
        )
        for runtime, call in calls.items()
    }
    return made, {"eager": 4 * count_parameters(model), "onnx": model_bytes(whole), "int8": model_bytes(small)}


def measured(family: Family, work: Path, protocol: Protocol) -> dict[str, Any]:
    """{"parameters": {model: number}, "bytes": {model: {runtime: number}}, "rows": as `measure_latency` gives them, of
    all models on all runtimes in turn}."""
    kept = work / "measured.json"
    if kept.exists():
        known: dict[str, Any] = json.loads(kept.read_text())
        return known
    models_of = built(family, work)
    subjects: dict[str, Subject] = {}
    sizes: dict[str, dict[str, int]] = {}
    for name, model in models_of.items():
        own, sizes[name] = subjects_of(name, model, build_task(family.task).unit, work)
        subjects |= own
    found = {
        "parameters": {name: count_parameters(model) for name, model in models_of.items()},
        "bytes": sizes,
        "rows": measure_latency(subjects, protocol),
        "threads": protocol.threads,
        "device": describe_machine("cpu"),
        "versions": {name: version(name) for name in ("torch", "onnxruntime")},
    }
    kept.write_text(json.dumps(found, indent=1))
    return found


def table(family: Family, found: Mapping[str, Any], batch: int) -> list[str]:
    """A row for each model and runtime: its times, and how many times faster than the teacher there."""
    by = {tuple(row["name"].split(" | ")): row for row in found["rows"] if row["batch"] == batch}
    rows = []
    for name, parameters in found["parameters"].items():
        smaller = found["parameters"][TEACHER] / parameters
        for runtime, title in RUNTIMES.items():
            own, base = by[name, runtime], by[TEACHER, runtime]
            rows.append(
                [
                    family.teacher if name == TEACHER else name,
                    title,
                    f"{parameters / 1e6:.2f} M",
                    f"{smaller:.1f}×",
                    f"{found['bytes'][name][runtime] / 1e6:.1f}",
                    f"{own['p50']:.2f}",
                    f"{own['p95']:.2f}",
                    f"{own['cpu_ms']:.2f}",
                    f"{base['p50'] / own['p50']:.1f}×",
                    f"{base['cpu_ms'] / own['cpu_ms']:.1f}×",
                    f"{by[TEACHER, 'eager']['cpu_ms'] / own['cpu_ms']:.1f}×",
                    family.claims.get(name, "") if batch == 32 else "",
                ]
            )
    header = ["model", "runtime", "parameters", "smaller", "MB", "ms p50", "p95", "ms CPU", "faster", "faster, CPU"]
    return markdown([*header, "against the eager teacher, CPU", "the paper: smaller, faster"], rows)


def verdicts(family: Family, found: Mapping[str, Any]) -> list[str]:
    """Which sizes reach both figures of the paper, on which runtimes, at batch 32 and by CPU time."""
    smaller, faster, paper = family.goal
    by = {tuple(row["name"].split(" | ")): row["cpu_ms"] for row in found["rows"] if row["batch"] == 32}
    rows = []
    for name in family.students:
        ratio = found["parameters"][TEACHER] / found["parameters"][name]
        cells = [f"{by[TEACHER, runtime] / by[name, runtime]:.1f}×" for runtime in RUNTIMES]
        reached = [title for runtime, title in RUNTIMES.items() if by[TEACHER, runtime] / by[name, runtime] >= faster]
        rows.append([name, f"{ratio:.1f}× {'yes' if ratio >= smaller else 'no'}", *cells, "; ".join(reached) or "none"])
    header = ["model", f"{smaller:g}× smaller?", *RUNTIMES.values(), f"{faster:g}× faster is reached on"]
    asked = (
        f"Are {smaller:g} times smaller and {faster:g} times faster ({paper}) reached? Faster at batch 32, by CPU time."
    )
    return [asked, "", *markdown(header, rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=45.0, help="a model gets at one batch size, 7 calls at least")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / ".work" / "latency")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "latency.md")
    args = parser.parse_args()
    protocol = Protocol(threads=1, repeats=args.repeats, warmup=2, max_seconds=args.seconds, least=7)
    sections: list[str] = []
    found: dict[str, Any] = {}
    for key in args.only:
        family, work = FAMILIES[key], args.work / key
        work.mkdir(parents=True, exist_ok=True)
        found = measured(family, work, protocol)
        sections += [f"## {family.title}", "", *verdicts(family, found)]
        for batch in protocol.batch_sizes:
            sections += [f"Batch {batch}:", "", *table(family, found, batch)]
    head = [
        "# Students on the runtimes they are exported to",
        "",
        f"`python benchmarks/latency.py --only {' '.join(args.only)} --repeats {args.repeats}` on "
        f"{found['device']['device_name']} ({platform.machine()}, torch {found['versions']['torch']}, ONNX Runtime "
        f"{found['versions']['onnxruntime']}), one thread, {protocol.tokens} pieces a text without padding, up to "
        f"{args.repeats} timed calls of every model on every runtime in turn, after 2 to warm up; "
        f"{company()}. Where others run the clock swings, CPU time of the process far less.",
        "",
        "Random weights in the shapes named; graphs and int8 by `distill_core.export`. Faster: the teacher's time over "
        "the student's on the same runtime; the last ratio is against the teacher in torch, as papers compare. MB: "
        "fp32 weights in torch, the graph's file on ONNX Runtime. Parameters count all on the way from pieces to "
        "logits, the embedding too.",
        "",
    ]
    args.out.write_text("\n".join([*head, *sections]))
    print(args.out.read_text())


if __name__ == "__main__":
    main()
