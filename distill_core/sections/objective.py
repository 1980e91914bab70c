"""What the student minimises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import create_model, model_validator

from distill_core.catalogue import DIVERGENCES, MATCHING, TERMS, WEIGHTINGS
from distill_core.sections.base import Section, setting

if TYPE_CHECKING:
    Divergence = str
    Weighting = str
    Matching = Section
else:
    Divergence = Literal[tuple(DIVERGENCES)]
    Weighting = Literal[tuple(WEIGHTINGS)]
    #: one weight for each matching term of the catalogue
    Matching = create_model(
        "Matching",
        __base__=Section,
        **{
            name: (
                float,
                setting(
                    0.0,
                    f"Weight. {TERMS[name].help} ({TERMS[name].paper})",
                    label=TERMS[name].title,
                    ge=0,
                    le=1000,
                    advanced=True,
                ),
            )
            for name in MATCHING
        },
    )


class Objective(Section):
    """The weighted sum the student minimises; every term is logged unweighted."""

    hard_label_weight: float = setting(
        1.0, "Weight of cross-entropy on gold labels.", label="Hard labels", ge=0, le=1000
    )
    soft_label_weight: float = setting(
        1.0, "Weight of the soft-label loss against the teachers.", label="Soft labels", ge=0, le=1000
    )
    distill_temperature: float = setting(
        1.0, "τ: divides the logits of teacher and student in the soft-label loss.", label="Temperature", gt=0, le=100
    )
    hidden_weight: float = setting(
        0.0,
        "Weight of the hidden-state loss (through a learnt projection).",
        label="Hidden states",
        ge=0,
        le=1000,
    )
    teacher_weighting: Weighting = setting(
        "uniform",
        "How much each teacher counts on each example.",
        label="Teacher weights",
    )
    teacher_label_weight: float = setting(
        0.0,
        "Weight of cross-entropy on the teachers' most probable class, on rows without gold (hard distillation).",
        label="Teachers' hard labels",
        ge=0,
        le=1000,
        advanced=True,
    )
    soft_label_loss: Divergence = setting(
        "kl", "How the student's distribution is compared with a teacher's.", label="Soft-label loss", advanced=True
    )
    soft_label_weight_end: float | None = setting(
        None,
        "The soft labels' weight moves from its start to this value over the training. Empty: it stays.",
        label="Soft labels at the end",
        ge=0,
        le=1000,
        advanced=True,
    )
    soft_label_weight_shape: Literal["linear", "cosine"] = setting(
        "linear", "How the soft labels' weight moves to its end.", label="Shape of the change", advanced=True
    )
    hidden_level: Literal["auto", "token", "word", "pooled"] = setting(
        "auto",
        "Where hidden states are compared. auto: by token where the tokenisers are equal, by word where they differ.",
        label="Compare hidden states by",
        advanced=True,
    )
    hidden_loss: Literal["mse", "cosine", "kl"] = setting(
        "mse", "How hidden states and pooled vectors are compared.", label="Hidden-state loss", advanced=True
    )
    hidden_projection: Literal["teacher", "student", "student_gelu"] = setting(
        "teacher",
        "teacher: a learnt linear map brings the teacher's states to the student's width. student: a learnt linear map "
        "brings the student's states to the teacher's width; needed where states are matched in a stage of their own. "
        "student_gelu: the same, through a GELU (XtremeDistil).",
        label="Projection on the side of",
        advanced=True,
    )
    hidden_layers: Literal["uniform", "last", "top"] = setting(
        "uniform",
        "uniform: student layer j of K with teacher layer round(j·L/K). last: only the last layers. top: the topmost "
        "K teacher layers in order.",
        label="Layers compared",
        advanced=True,
    )
    hidden_teacher_layer: int | None = setting(
        None,
        "Compare the student's last layer with this teacher layer alone (a middle one is often best). Empty: as above.",
        unit="layer",
        label="Teacher layer",
        ge=1,
        le=128,
        advanced=True,
    )
    label_revision: float | None = setting(
        None,
        "η: teachers' soft labels are mixed with gold just so much that gold is the most probable class. Empty: off.",
        label="Label revision",
        gt=0,
        lt=1,
        advanced=True,
    )
    mixup_beta: float = setting(
        0.4,
        "β: the share of the first text in a mixture is drawn from Beta(β, β). Small: mostly one text alone.",
        label="Mixup: β",
        ge=0.01,
        le=100,
        advanced=True,
    )
    matching: Matching = setting(Matching, "Further matching terms.", label="Matching")

    @model_validator(mode="after")
    def _something_to_learn(self) -> Objective:
        if not self.weights():
            raise ValueError(
                "hard_label_weight: all weights are zero, so there is nothing to learn; set at least one above zero."
            )
        return self

    def weights(self) -> dict[str, float]:
        """Term → weight at the start, of the terms in use, in the order of the catalogue."""
        plain: dict[str, Any] = {
            "hard": self.hard_label_weight,
            "soft": self.soft_label_weight or self.soft_label_weight_end,
            "teacher_labels": self.teacher_label_weight,
            "hidden": self.hidden_weight,
            **{name: getattr(self.matching, name) for name in MATCHING},
        }
        return {name: plain[name] for name in TERMS if plain[name]}
