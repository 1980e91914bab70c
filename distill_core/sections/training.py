"""How the student is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from distill_core.catalogue import TERMS
from distill_core.sections.base import Section, setting

if TYPE_CHECKING:
    TermName = str
else:
    TermName = Literal[tuple(TERMS)]

ScheduleName = Literal["linear", "cosine", "cosine_restarts", "constant"]


class Ramp(Section):
    """A weight that moves over a stage."""

    start: float = setting(..., "Weight at the first step.", ge=0, le=1000)
    end: float = setting(..., "Weight at the last step.", ge=0, le=1000)
    shape: Literal["linear", "cosine"] = setting("linear", "How it moves.")


class Stage(Section):
    """One stage of a staged training: its own terms, rows, schedule and end."""

    name: str = setting(..., "Name of the stage, shown in the charts.", label="Name", min_length=1, max_length=40)
    terms: dict[TermName, float | Ramp] = setting(
        ..., "Term → weight (a number, or start, end and shape). Other terms are off.", label="Terms", min_length=1
    )
    data: Literal["labelled", "transfer", "both"] = setting("both", "Which rows the stage sees.", label="Rows")
    epochs: int = setting(5, "Passes over these rows, at most.", unit="epochs", label="Epochs", ge=1, le=1000)
    patience: int | None = setting(
        None,
        "Stop after this many evaluations without a better one. Empty: never.",
        unit="evaluations",
        label="Patience",
        ge=1,
    )
    learning_rate: float | None = setting(
        None, "Peak learning rate. Empty: that of the training.", label="Learning rate", gt=0, le=1
    )
    schedule: ScheduleName | None = setting(None, "Empty: that of the training.", label="Schedule")
    unfreeze: bool = setting(
        False,
        "Train from the top down: first the head alone, then with the layer below, down to the embeddings, each part "
        "for `epochs`.",
        label="Gradual unfreezing",
    )
    fresh_head: bool = setting(
        False, "Start the stage with a new, random prediction layer.", label="Fresh prediction layer"
    )


class Training(Section):
    """How the student (and each control) is trained. One step = one optimizer step."""

    epochs: int = setting(5, "Passes over labelled and transfer rows.", unit="epochs", label="Epochs", ge=1, le=1000)
    batch_size: int = setting(32, "Examples per optimizer step.", unit="examples", label="Batch size", ge=1, le=8192)
    learning_rate: float | None = setting(
        None,
        "Peak learning rate. Empty: 0.002 for a BiLSTM, 0.0005 for a transformer from random weights, 0.00005 · 768 / "
        "width for one made of a teacher's layers.",
        label="Learning rate",
        gt=0,
        le=1,
    )
    schedule: ScheduleName = setting("linear", "How the learning rate falls after the warm-up.", label="Schedule")
    restarts: int = setting(
        3, "Cycles of the cosine schedule with restarts.", unit="cycles", label="Restarts", ge=1, le=100, advanced=True
    )
    warmup_share: float = setting(
        0.1,
        "Share of the steps over which the learning rate rises.",
        unit="share",
        label="Warm-up",
        ge=0,
        le=0.9,
        advanced=True,
    )
    weight_decay: float = setting(0.01, "Decoupled weight decay.", label="Weight decay", ge=0, le=1, advanced=True)
    max_grad_norm: float = setting(
        1.0, "Gradients are clipped to this norm.", label="Gradient clipping", gt=0, le=1000, advanced=True
    )
    evaluations: int = setting(
        10,
        "How often validation is measured during training; the best state is kept.",
        unit="times",
        label="Evaluations",
        ge=1,
        le=1000,
        advanced=True,
    )
    patience: int | None = setting(
        None,
        "Stop early after this many evaluations without a better one. Empty: never.",
        unit="evaluations",
        label="Patience",
        ge=1,
        advanced=True,
    )
    stages: list[Stage] = Field(
        default_factory=list,
        max_length=12,
        description="Stages one after the other, each with its own terms; empty: all terms of the objective at once.",
        json_schema_extra={"unit": "", "label": "Stages", "advanced": True},
    )

    @model_validator(mode="after")
    def _stage_names(self) -> Training:
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            raise ValueError("stages: each stage needs a name of its own.")
        return self
