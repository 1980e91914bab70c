"""The teachers, and how they learn the task."""

from __future__ import annotations

from typing import Literal

from distill_core.sections.base import Section, setting


class TeacherSection(Section):
    """One teacher: a saved student, or an encoder checkpoint: bundled, in a folder, on the Hub (safetensors only)."""

    source: str = setting(
        ...,
        "`bundled:NAME`, a folder (also a finished run's, whose student then teaches), or a name on the Hub.",
        label="Checkpoint",
        min_length=1,
    )
    name: str | None = setting(None, "Name shown in charts. Empty: taken from the checkpoint.", label="Name")
    revision: str | None = setting(None, "Branch, tag or commit on the Hub.", label="Revision", advanced=True)
    keep_layers: int | None = setting(
        None,
        "Use only this many of the checkpoint's first layers. Empty: all.",
        unit="layers",
        label="First layers only",
        ge=1,
        advanced=True,
    )
    pretrained_only: bool = setting(
        False,
        "It stays as it was pre-trained, whatever is done with the others. Without a prediction layer for the task it "
        "teaches by its states alone (hidden states, attention, pooled vector) and gives no soft labels.",
        label="As pre-trained only",
        advanced=True,
    )
    label_mapping: dict[str, str] | None = setting(
        None, "Only for a teacher used as is: the teacher's label name → the data's label name.", label="Label mapping"
    )


class TeacherTraining(Section):
    """How teachers learn the task before they teach."""

    mode: Literal["as_is", "separate", "cofinetune"] = setting(
        "separate",
        "as_is: the checkpoint already classifies. separate: each teacher is finetuned alone. "
        "cofinetune: all together with one shared pooling and prediction layer (MT-BERT).",
        label="Teachers are",
    )
    epochs: int = setting(3, "Passes over the labelled rows.", unit="epochs", label="Epochs", ge=1, le=100)
    batch_size: int = setting(32, "Examples per optimizer step.", unit="examples", label="Batch size", ge=1, le=4096)
    folds: int = setting(
        1,
        "Out-of-fold answers: a labelled row is answered by a teacher that was finetuned without it, one for each of "
        "so many parts of the labelled rows; every fold costs one more finetuning. 1: off.",
        unit="folds",
        label="Folds",
        ge=1,
        le=10,
        advanced=True,
    )
    learning_rate: float | None = setting(
        None,
        "Peak learning rate of the encoder. Empty: 0.00005 · 768 / its width.",
        label="Learning rate",
        gt=0,
        le=1,
    )
    head_learning_rate: float | None = setting(
        None,
        "Peak learning rate of pooling and prediction layers, which are new. Empty: five times the encoder's.",
        label="Head learning rate",
        gt=0,
        le=1,
        advanced=True,
    )
    weight_decay: float = setting(0.01, "Decoupled weight decay.", label="Weight decay", ge=0, le=1, advanced=True)
    warmup_share: float = setting(
        0.1,
        "Share of the steps over which the learning rate rises.",
        unit="share",
        label="Warm-up",
        ge=0,
        le=0.9,
        advanced=True,
    )
    dropout: float | None = setting(
        None,
        "Dropout in the teachers while they are finetuned. Empty: the checkpoint's own.",
        unit="share",
        label="Dropout",
        ge=0,
        lt=1,
        advanced=True,
    )
