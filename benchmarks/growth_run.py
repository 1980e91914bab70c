"""The runs of growth.py: `python benchmarks/growth_run.py FOLDER/spec.json …` writes result.json beside each.

Each is a process of its own, forked from one that has loaded torch and the project and done nothing else."""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

#: distinct words of the made texts, and classes
WORDS, CLASSES = 2000, ("calm", "loud")
#: validation and test rows, whatever the size of the training set
HELD_OUT = 500
#: seconds between two looks at the memory
LOOK = 0.05


@dataclass(frozen=True)
class Spec:
    """One run. examples: training rows; words: fewest and most in a text; teachers; max_tokens; seeds: students."""

    examples: int
    words: tuple[int, int] = (6, 14)
    max_tokens: int = 32
    teachers: int = 1
    seeds: int = 1

    @property
    def name(self) -> str:
        return f"{self.examples}-{self.max_tokens}p-{self.teachers}t-{self.seeds}s"


def write_data(spec: Spec, folder: Path) -> dict[str, str]:
    """train.csv, validation.csv and test.csv of random words; a row's class is that of its first word."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for seed, (split, count) in enumerate((("train", spec.examples), ("validation", HELD_OUT), ("test", HELD_OUT))):
        draw, path = random.Random(seed), folder / f"{split}.csv"
        paths[split] = str(path)
        with path.open("w", encoding="utf-8") as out:
            out.write("text,label\n")
            for _ in range(count):
                numbers = [draw.randrange(WORDS) for _ in range(draw.randint(*spec.words))]
                out.write(" ".join(f"word{n}" for n in numbers) + f",{CLASSES[numbers[0] % 2]}\n")
    return paths


def write_teacher(folder: Path, seed: int) -> str:
    """A classifier of 2 layers × 32 over whole words, with random weights."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {piece: n for n, piece in enumerate([*special, *(f"word{n}" for n in range(WORDS))])}
    own = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    own.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=512, id2label=dict(enumerate(CLASSES)),
        label2id={name: n for n, name in enumerate(CLASSES)},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=own, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=512,
    ).save_pretrained(folder)  # fmt: skip
    return str(folder)


def config_of(spec: Spec, paths: dict[str, str], teachers: list[str]) -> dict[str, Any]:
    """The run's config: soft and hard labels and token states of ready teachers, one epoch, a BiLSTM of 16 and 2×16."""
    return {
        "name": spec.name,
        "threads": 1,
        "device": "cpu",
        "seeds": list(range(1, spec.seeds + 1)),
        "data": {"source": "files", "max_tokens": spec.max_tokens, **paths},
        "teachers": [{"source": source} for source in teachers],
        "teacher_training": {"mode": "as_is"},
        "student": {"kind": "bilstm", "embedding": 16, "lstm_hidden": 16, "initialise": "random"},
        "objective": {"hard_label_weight": 1.0, "soft_label_weight": 1.0, "hidden_weight": 1.0},
        "training": {"epochs": 1, "batch_size": 256, "evaluations": 2},
        "controls": [],
        "measure": {"batch_sizes": [1], "repeats": 5},
    }


class Memory:
    """Looks at this process's memory while a run goes through its stages (an EventSink around another).

    anon: stage → (largest, at its end) bytes of memory that no file stands behind; it must stay in memory, where pages
    of the signals' files can be given back.
    """

    def __init__(self, sink: Any) -> None:
        self._sink, self._stage, self._lock = sink, "start", threading.Lock()
        self.largest: dict[str, int] = {}
        self.at_end: dict[str, int] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def emit(self, kind: str, **payload: Any) -> None:
        if kind == "stage" and payload["stage"] != "done":
            self._look()
            if payload["state"] == "started":
                self.at_end.setdefault("start", resident()["RssAnon"])
                self._stage = payload["stage"]
            else:
                self.at_end[payload["stage"]] = resident()["RssAnon"]
        self._sink.emit(kind, **payload)

    def _look(self) -> None:
        with self._lock:
            self.largest[self._stage] = max(self.largest.get(self._stage, 0), resident()["RssAnon"])

    def _watch(self) -> None:
        while True:
            self._look()
            time.sleep(LOOK)


def resident() -> dict[str, int]:
    """RssAnon and RssFile of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    named = dict(line.split(":", 1) for line in lines)
    return {name: int(named[name].split()[0]) * 1024 for name in ("RssAnon", "RssFile")}


def bytes_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def measure(spec: Spec, work: Path) -> dict[str, Any]:
    """Runs the spec in `work`, where its data lie, with the teachers beside it; what it took."""
    from distill_core import config, pipeline
    from distill_core.events import EventLog
    from distill_core.layout import DataHome, RunFolder
    from distill_core.train.stop import StopToken

    paths = {split: str(work / "data" / f"{split}.csv") for split in ("train", "validation", "test")}
    teachers = [str(work.parent / "teachers" / str(n)) for n in range(spec.teachers)]
    home, folder = DataHome(work / "home").create(), RunFolder(work / "run").create()
    memory = Memory(EventLog(folder.events))
    report = pipeline.run(config.from_dict(config_of(spec, paths, teachers)), folder, home, memory, StopToken())
    return {
        "spec": asdict(spec),
        "cpu_seconds": report["cpu_seconds"],
        "largest": memory.largest,
        "at_end": memory.at_end,
        "peak_resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "signals": bytes_of(home.signals),
        "cache": bytes_of(home.cache),
        "run": bytes_of(folder.path),
        "data": sum(Path(path).stat().st_size for path in paths.values()),
        "device": report["device"],
    }


def one(path: Path) -> None:
    """Reads a spec, runs it, writes what it took."""
    given = json.loads(path.read_text())
    spec = Spec(**{**given, "words": tuple(given["words"])})
    (path.parent / "result.json").write_text(json.dumps(measure(spec, path.parent), indent=1))


def main() -> None:
    import distill_core.pipeline  # noqa: F401 - loaded once, not by every run

    for path in map(Path, sys.argv[1:]):
        child = os.fork()
        if not child:
            one(path)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            raise SystemExit(f"{path} failed")


if __name__ == "__main__":
    main()
