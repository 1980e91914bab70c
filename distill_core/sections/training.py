"""How the student is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from distill_core.catalogue import STUDENTS, TERMS
from distill_core.sections.base import MAX_TEACHERS, Section, setting

if TYPE_CHECKING:
    TermName = str
else:
    TermName = Literal[tuple(TERMS)]

ScheduleName = Literal["linear", "cosine", "cosine_restarts", "constant"]


#: weights of terms lie in [0, this]
MAX_WEIGHT = 1000


class Ramp(Section):
    """A weight that moves over a stage."""

    start: float = setting(..., "Weight at the first step.", ge=0, le=MAX_WEIGHT)
    end: float = setting(..., "Weight at the last step.", ge=0, le=MAX_WEIGHT)
    shape: Literal["linear", "cosine"] = setting("linear", "How it moves.")


class Stage(Section):
    """One stage of a staged training: its own terms, rows, schedule and end."""

    name: str = setting(..., "Name of the stage, shown in the charts.", label="Name", min_length=1, max_length=40)
    terms: dict[TermName, float | Ramp] = setting(
        ..., "Term → weight (a number, or start, end and shape). Other terms are off.", label="Terms", min_length=1
    )
    data: Literal["labelled", "transfer", "both"] = setting("both", "Which rows the stage sees.", label="Rows")
    teachers: list[Annotated[int, Field(ge=1, le=MAX_TEACHERS)] | Annotated[str, Field(min_length=1)]] = setting(
        list,
        "Who teaches in it: teachers' names (where given) or numbers from 1. Empty: all that have what its terms need.",
        label="Teachers",
        max_length=MAX_TEACHERS,
    )
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

    @field_validator("terms", mode="before")
    @classmethod
    def _terms(cls, terms: Any) -> Any:
        """Numbers and ramps told apart here: pydantic's own errors would name both kinds for one slip."""
        return {name: _weight(name, value) for name, value in terms.items()} if isinstance(terms, dict) else terms

    @model_validator(mode="after")
    def _something_to_learn(self) -> Stage:
        used = set(self.weights())
        if not used:
            raise ValueError("terms: all weights are zero, so there is nothing to learn; set at least one above zero.")
        if used == {"teacher_labels"} and self.data == "labelled":
            raise ValueError(
                "data: teachers' hard labels stand in where gold is missing, and labelled rows have gold; choose the "
                "transfer set or both."
            )
        return self

    def weights(self) -> dict[str, Ramp]:
        """Term → weight of the terms in use, in the stage's order; those at zero throughout are left out."""
        found = {
            name: value if isinstance(value, Ramp) else Ramp(start=value, end=value)
            for name, value in self.terms.items()
        }
        return {name: weight for name, weight in found.items() if weight.start or weight.end}


def _weight(term: Any, value: Any) -> Any:
    """A term's weight as a stage gives it: a number or a ramp. Raises ValueError that begins with the term."""
    if term not in TERMS:
        raise ValueError(f"{term}: there is no such term; there are {', '.join(TERMS)}.")
    if isinstance(value, Ramp):
        return value
    if isinstance(value, dict):
        try:
            return Ramp.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join([str(term), *map(str, first["loc"])])
            raise ValueError(f"{where}: {_in_words(first)}") from None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{term}: a weight is a number, or start, end and shape; it was {value!r}.") from None
    if not 0 <= number <= MAX_WEIGHT:
        raise ValueError(f"{term}: a weight lies between 0 and {MAX_WEIGHT}; it was {value!r}.")
    return number


def _in_words(error: Any) -> str:
    if error["type"] == "missing":
        return "this setting is missing."
    if error["type"] == "extra_forbidden":
        return "there is no such setting."
    message: str = error["msg"]
    return f"{message[:1].lower()}{message[1:]}; it was {error['input']!r}."


class Training(Section):
    """How the student (and each control) is trained. One step = one optimizer step."""

    epochs: int = setting(5, "Passes over labelled and transfer rows.", unit="epochs", label="Epochs", ge=1, le=1000)
    batch_size: int = setting(32, "Examples per optimizer step.", unit="examples", label="Batch size", ge=1, le=8192)
    learning_rate: float | None = setting(
        None,
        f"Peak learning rate. Empty: {', '.join(entry.load().rate_help for entry in STUDENTS.values())}.",
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
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto",
        "What student and teachers compute in while they learn and are asked; losses, weights and every measured "
        "quality are fp32 throughout. auto: bf16 on a CUDA device that has it (its faster way; results differ "
        "slightly), else fp32.",
        label="Precision",
        advanced=True,
    )
    evaluations: int = setting(
        10,
        "How often validation is measured during training (in stages: during each stage, and each part it unfreezes); "
        "the best state is kept.",
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
        for number, name in enumerate(names):
            if name in names[:number]:
                raise ValueError(f"stages.{number}.name: each stage needs a name of its own.")
        return self
