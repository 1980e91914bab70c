"""The transformer student's section."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from distill_core.sections.base import MAX_TEACHERS, Section, setting


class TransformerStudent(Section):
    """A small BERT-shaped encoder."""

    kind: Literal["transformer"] = "transformer"
    layers: int = setting(4, "Transformer layers.", unit="layers", label="Layers", ge=1, le=48)
    hidden: int = setting(312, "Width of the hidden states.", unit="units", label="Width", ge=8, le=4096)
    heads: int = setting(12, "Attention heads; must divide the width.", unit="heads", label="Heads", ge=1, le=64)
    intermediate: int | None = setting(
        None,
        "Width of the feed-forward layer. Empty: 4 × width.",
        unit="units",
        label="Feed-forward width",
        ge=8,
        le=16384,
    )
    initialise: Literal["random", "teacher_layers", "svd"] = setting(
        "random",
        "random; teacher_layers: embeddings and layers copied from a teacher (sizes then follow the "
        "teacher's); svd: embeddings from a truncated SVD of the teacher's.",
        label="Initialisation",
    )
    layer_choice: Literal["first", "every_other", "last", "remap"] = setting(
        "first",
        "Which of the teacher's layers are copied. remap: for a student deeper than its teacher; the teacher's layers "
        "in order, its last layer into all that remain (DWT).",
        label="Copied layers",
        advanced=True,
    )
    embedding: int | None = setting(
        None,
        "Width of a factorised embedding: vocabulary × this, then a linear map to the width. Empty: not factorised.",
        unit="units",
        label="Factorised embedding",
        ge=2,
        le=4096,
        advanced=True,
    )
    vocabulary: Literal["full", "seen"] = setting(
        "full",
        "full: all pieces of the teacher's tokeniser. seen: only those that occur in the run's texts, and the pieces "
        "unknown text falls back to.",
        label="Vocabulary",
        advanced=True,
    )
    init_teacher: int = setting(
        1,
        "Number of the teacher (from 1) that gives tokeniser and initial weights.",
        label="Teacher for tokeniser and initialisation",
        ge=1,
        le=MAX_TEACHERS,
    )
    dropout: float = setting(0.1, "Dropout while training.", unit="share", label="Dropout", ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_divide(self) -> TransformerStudent:
        if self.initialise != "teacher_layers" and self.hidden % self.heads:
            raise ValueError(
                f"heads: the width {self.hidden} cannot be split into {self.heads} equal heads; "
                f"choose a divisor of {self.hidden}."
            )
        return self

    @model_validator(mode="after")
    def _options_fit(self) -> TransformerStudent:
        copied = self.initialise == "teacher_layers"
        # With copied layers the width is the teacher's, which is not known here.
        if self.embedding is not None and not copied and self.embedding >= self.hidden:
            raise ValueError(
                f"embedding: a factorised embedding of {self.embedding} units saves nothing at a width of "
                f"{self.hidden}; choose fewer, or leave it empty."
            )
        if self.layer_choice == "remap" and not copied:
            raise ValueError(
                "layer_choice: only layers that are copied can be remapped; set initialise to teacher_layers, or "
                "choose first."
            )
        return self
