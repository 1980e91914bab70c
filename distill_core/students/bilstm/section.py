"""The BiLSTM student before it is built: its section, its arithmetic, its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from distill_core.arithmetic import linear, svd_misfit
from distill_core.catalogue import DEFAULT_TASK
from distill_core.checkpoints import CheckpointInfo
from distill_core.errors import FieldError
from distill_core.families import Tensors
from distill_core.saved_students import Figures, SavedStudent, parameters_in
from distill_core.sections.base import Slider, setting
from distill_core.students.base import (
    Given,
    Part,
    Sizing,
    StudentSection,
    init_teacher_setting,
    vocabulary_setting,
)

POOLINGS = {"max": "Maximum", "mean": "Mean", "last": "Last state"}


class BiLSTMStudent(StudentSection):
    """Embedding → BiLSTM → pooling → (projection) → classes, after 1910.01769."""

    model: ClassVar[str] = "distill_core.students.bilstm.model:BiLSTMClassifier"
    rate_help: ClassVar[str] = "0.002 for a BiLSTM"
    presets: ClassVar[Mapping[str, tuple[str, dict[str, Any]]]] = {
        "bilstm_small": ("BiLSTM, 64 → 2 × 128", {"embedding": 64, "lstm_hidden": 128}),
        # 1910.01769 §3.1: embedding 300, 600 a direction, max over time, dropout 0.4; its projection is as wide as the
        # teacher, here one of BERT-base's width.
        "bilstm_paper": (
            "BiLSTM, 300 → 2 × 600 → 768, for transfer sets (1910.01769)",
            {
                "embedding": 300,
                "lstm_hidden": 600,
                "pooling": "max",
                "projection": 768,
                "dropout": 0.4,
                "initialise": "svd",
            },
        ),
        # 2004.05686: one BiLSTM on an SVD of the teacher's embedding, dropout 0.2.
        "xtremedistil_small": (
            "BiLSTM, 50 → 2 × 200, XtremeDistil's smallest",
            {"embedding": 50, "lstm_hidden": 200, "dropout": 0.2, "initialise": "svd"},
        ),
        "xtremedistil": (
            "BiLSTM, 300 → 2 × 600, XtremeDistil's best",
            {"embedding": 300, "lstm_hidden": 600, "dropout": 0.2, "initialise": "svd"},
        ),
    }

    kind: Literal["bilstm"] = "bilstm"
    embedding: int = setting(
        64,
        "Width of the word-piece embedding.",
        unit="units",
        label="Embedding",
        slider=Slider(16, 512, 4),
        ge=2,
        le=2048,
    )
    lstm_hidden: int = setting(
        128,
        "LSTM units in each direction.",
        unit="units",
        label="LSTM units",
        slider=Slider(16, 768, 8),
        ge=2,
        le=4096,
    )
    lstm_layers: int = setting(
        1, "Stacked BiLSTM layers.", unit="layers", label="LSTM layers", slider=Slider(1, 4), ge=1, le=8
    )
    pooling: Literal["max", "mean", "last"] = setting(
        "max",
        "How token states become one vector.",
        label="Pooling",
        words=POOLINGS,
    )
    projection: int | None = setting(
        None,
        "Width of a GELU layer between pooling and classes. Empty: none.",
        unit="units",
        label="Projection",
        slider=Slider(32, 1024, 8),
        ge=2,
        le=4096,
    )
    initialise: Literal["random", "svd"] = setting(
        "svd",
        "Embedding: random, or a truncated SVD of the (finetuned) teacher's embedding.",
        label="Initialisation",
        words={"random": "Random", "svd": "SVD of a teacher's embedding"},
    )
    init_teacher: int = init_teacher_setting("Number of the teacher (from 1) that gives tokeniser and embedding.")
    vocabulary: Literal["full", "seen"] = vocabulary_setting()
    dropout: float = setting(0.2, "Dropout while training.", unit="share", label="Dropout", ge=0, lt=1)
    embedding_dropout: float | None = setting(
        None,
        "Dropout after the embedding. Empty: as above.",
        unit="share",
        label="Embedding dropout",
        ge=0,
        lt=1,
        advanced=True,
    )

    @property
    def depth(self) -> int:
        return self.lstm_layers

    def count_parameters(self, sizing: Sizing) -> int:
        hidden = self.lstm_hidden
        total, inputs = sizing.pieces * self.embedding, self.embedding
        for _ in range(self.lstm_layers):
            # Per direction: four gates on inputs and on states, and torch's two bias vectors.
            total += 2 * (4 * hidden * (inputs + hidden) + 2 * 4 * hidden)
            inputs = 2 * hidden
        if self.projection:
            total += linear(inputs, self.projection)
            inputs = self.projection
        return total + linear(inputs, sizing.classes)

    def token_weights(self) -> float:
        first = 8 * self.lstm_hidden * (self.embedding + self.lstm_hidden)
        return float(first + (self.lstm_layers - 1) * 8 * self.lstm_hidden * 3 * self.lstm_hidden)

    def usual_rate(self, finetuning: float) -> float:
        return 2e-3

    def in_short(self) -> str:
        return f"BiLSTM {self.lstm_layers}×{self.lstm_hidden}"

    @classmethod
    def in_words(cls, typed: Mapping[str, Any]) -> str:
        return (
            f"BiLSTM, {typed.get('lstm_layers', '–')} × {typed.get('lstm_hidden', '–')} units, "
            f"embedding {typed.get('embedding', '–')}"
        )

    @classmethod
    def figures(cls, architecture: Mapping[str, Any], tensors: Tensors, labels: list[str], max_tokens: int) -> Figures:
        pieces, embedding = tensors["embedding.weight"][1]
        total = parameters_in(tensors)
        kind = architecture["kind"]
        return Figures(
            SavedStudent(kind, embedding),
            model_type=kind,
            task=str(architecture.get("task", DEFAULT_TASK)),
            labels=labels,
            layers=int(architecture["lstm_layers"]),
            hidden=2 * int(architecture["lstm_hidden"]),
            heads=0,
            intermediate=0,
            vocab_size=pieces,
            max_positions=max_tokens,
            parameters=total - parameters_in(tensors, "prediction."),
            total=total,
        )

    def takes(self) -> str | None:
        return "embedding" if self.initialise == "svd" else None

    def parts(self, own: CheckpointInfo, unit: str) -> list[Part]:
        del own
        given = Given("svd") if self.initialise == "svd" else None
        found = [Part("Embedding", "embedding", size=f"{self.embedding}", given=given)]
        for number in range(1, self.lstm_layers + 1):
            found.append(Part(f"BiLSTM {number}", "layer", number, f"2×{self.lstm_hidden}"))
        if unit == "example":
            found.append(Part(POOLINGS[self.pooling], "" if self.projection else "pooled", learns=False))
        if self.projection:
            role = "pooled" if unit == "example" else ""
            found.append(Part("Projection", role, size=f"{self.projection}"))
        return [*found, Part("Prediction", "prediction")]

    def misfits(self, own: CheckpointInfo, embedding_width: int) -> list[FieldError]:
        wanted = self.embedding if self.initialise == "svd" else None
        misfit = svd_misfit(own.name, "student.embedding", wanted, embedding_width)
        return [FieldError(*misfit)] if misfit else []

    def untaught(self) -> BiLSTMStudent:
        return self.model_copy(update={"initialise": "random"})
