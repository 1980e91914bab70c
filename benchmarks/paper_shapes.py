"""XtremeDistil's own shapes (2004.05686), with random weights: size and latency alone.

    python benchmarks/paper_shapes.py [--threads 1] [--repeats 15] [--out FILE]

Multilingual BERT (12 layers × 768, 119,547 pieces) against the BiLSTM that the paper calls 35 times smaller and 51
times faster (E 50, H 2×200), tagging, on this machine, by the protocol of every run's latency. Needs about 2 GB of
memory. The table goes to benchmarks/results/paper_shapes.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForTokenClassification

from benchmarks.common import ROOT, markdown
from distill_core.measure.latency import Protocol, Subject, measure_latency
from distill_core.models.types import Batch, Outputs
from distill_core.students.bilstm.model import BiLSTMClassifier, BiLSTMShape

PIECES = 119_547
#: WikiAnn: outside, and beginning and inside of persons, places, organisations
TAGS = 7
STUDENTS = {"E 50, H 2×200": (50, 200), "E 300, H 2×600": (300, 600)}
#: what the paper says of them: parameters, smaller, faster at batch 32
PAPER = {"E 50, H 2×200": "35×, 51×", "E 300, H 2×600": "5.6×, 14× (31.8 M)"}


class Teacher(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.bert = BertForTokenClassification(BertConfig(vocab_size=PIECES, num_labels=TAGS)).eval()

    def forward(self, batch: Batch) -> Outputs:
        logits: Tensor = self.bert(batch.input_ids, batch.mask, batch.type_ids).logits
        return Outputs(logits=logits, pooled=logits)


def student(embedding: int, hidden: int) -> BiLSTMClassifier:
    torch.manual_seed(0)
    shape = BiLSTMShape(
        vocab_size=PIECES, embedding=embedding, lstm_hidden=hidden, lstm_layers=1, pooling="max", projection=None,
        classes=TAGS, padding_id=0, dropout=0.0, task="tagging",
    )  # fmt: skip
    return BiLSTMClassifier(shape, None).eval()


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "paper_shapes.md")
    args = parser.parse_args()
    models: dict[str, nn.Module] = {"12 × 768": Teacher()}
    models |= {name: student(*shape) for name, shape in STUDENTS.items()}
    subjects = {
        name: Subject("teacher" if name == "12 × 768" else "student", model, PIECES, type_ids=True, pad_id=0)
        for name, model in models.items()
    }
    protocol = Protocol(threads=args.threads, repeats=args.repeats, warmup=2, max_seconds=120.0)
    measured = {(row["name"], row["batch"]): row for row in measure_latency(subjects, protocol)}
    whole = parameters(models["12 × 768"])
    rows = []
    for name, model in models.items():
        cells = [name, f"{parameters(model):,}", f"{whole / parameters(model):.1f}×"]
        for batch in protocol.batch_sizes:
            own, base = measured[name, batch], measured["12 × 768", batch]
            cells += [f"{own['p50']:.2f}", f"{base['p50'] / own['p50']:.0f}×", f"{base['cpu_ms'] / own['cpu_ms']:.0f}×"]
        rows.append([*cells, PAPER.get(name, "")])
    header = ["model", "parameters", "smaller"]
    for batch in protocol.batch_sizes:
        header += [f"batch {batch}: ms p50", "faster", "faster, CPU time"]
    header.append("the paper: smaller, faster at batch 32")
    head = [
        "# XtremeDistil's own shapes, random weights: size and latency",
        "",
        f"`python benchmarks/paper_shapes.py --threads {args.threads}` on CPU (torch {torch.__version__}), "
        f"{args.threads} thread, {protocol.tokens} pieces a text, {args.repeats} timed calls in turn after 2 to warm "
        "up.",
        "",
    ]
    args.out.write_text("\n".join([*head, *markdown(header, rows)]))
    print(args.out.read_text())


if __name__ == "__main__":
    main()
