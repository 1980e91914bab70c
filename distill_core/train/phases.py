"""Which phases a trial consists of: all terms at once, or stages in a row, each perhaps unfrozen part by part.

No torch in here: what a run will do can be told before it starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from distill_core.config import Objective, TeacherSection, Training
from distill_core.errors import TrainingError
from distill_core.sections.teaching import teachers_of
from distill_core.train.schedule import ramp

#: terms that teach the prediction layer: while one is on, validation quality means something
LABEL_TERMS = frozenset({"hard", "soft", "teacher_labels", "mixup"})


class Weight(NamedTuple):
    """A term's weight over one phase: from start to end, shape "linear" or "cosine"."""

    start: float
    end: float
    shape: str = "linear"

    def at(self, progress: float) -> float:
        """The weight when this share (0 to 1) of the phase is done."""
        return ramp(self.start, self.end, self.shape, progress)


@dataclass(frozen=True, eq=False)
class Phase:
    """One stretch of a trial with terms, rows and learning rate of its own.

    steps: optimizer steps, at most. terms: term → weight, the others are off. rows: [N] positions in the table of
    examples. learning_rate: peak. trainable: the student's parts that learn (None: all); the terms' own maps always do.
    select: what chooses the state that is kept, validation "quality" or held-out "loss". fresh_head: begin with a new
    prediction layer. stage: number of the stage in the config, None without stages. copies: so many copies of the same
    examples stand in rows, one after the other, and an epoch is one of them. teachers: numbers (from 0) of those that
    are asked; None: all there are.
    """

    name: str
    steps: int
    terms: dict[str, Weight]
    rows: np.ndarray
    schedule: str
    learning_rate: float
    patience: int | None
    evaluations: int
    trainable: list[str] | None = None
    select: Literal["quality", "loss"] = "quality"
    fresh_head: bool = False
    stage: int | None = None
    copies: int = 1
    teachers: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Material:
    """What phases are planned for.

    parts: names of the student's parts, from the head down to the embeddings. labelled, transfer: positions in the
    table of examples of rows with and without gold. learning_rate: the student's peak rate where a stage leaves it open
    (`rates.student_rate`). copies: as in `Phase`, of labelled and of transfer. teachers: those of the run, among whom a
    stage chooses; None: every phase asks all there are.
    """

    parts: Sequence[str]
    labelled: np.ndarray
    transfer: np.ndarray
    learning_rate: float
    copies: int = 1
    teachers: Sequence[TeacherSection] | None = None

    def asked(self, terms: Iterable[str], chosen: Sequence[int | str] = ()) -> tuple[int, ...] | None:
        """`Phase.teachers` of a phase with these terms, for which a stage chose these teachers."""
        return None if self.teachers is None else teachers_of(terms, self.teachers, chosen)

    def rows(self, which: str) -> np.ndarray:
        """Positions, ascending, of the "labelled" or "transfer" rows or "both"."""
        chosen = {"labelled": [self.labelled], "transfer": [self.transfer], "both": [self.labelled, self.transfer]}
        return np.sort(np.concatenate([np.asarray(rows, dtype=np.int64) for rows in chosen[which]]))


def plan_phases(training: Training, objective: Objective, material: Material) -> list[Phase]:
    """The phases of a trial, in order.

    Without stages one, with all terms of the objective, over all rows. With stages one each; a stage that unfreezes has
    one for each part of the student, from the top: the k-th trains the k topmost parts (1910.01769; 2004.05686, D4.2).
    Every phase lasts epochs × ⌈rows / batch size⌉ steps and is validated `training.evaluations` times.

    Raises:
        TrainingError: when a stage's rows do not exist, with its field.
    """
    if not training.stages:
        rows = material.rows("both")
        steps = epoch_steps(training, rows, copies=material.copies)
        return [_joint(training, material, rows, steps, objective_weights(objective))]
    phases: list[Phase] = []
    for number in range(len(training.stages)):
        phases += _stage_phases(training, number, material)
    return phases


def hard_label_phase(training: Training, material: Material, *, steps: int) -> Phase:
    """The control without teachers: as many steps as the main arm's, cross-entropy on the labelled rows alone."""
    return _joint(training, material, material.rows("labelled"), steps, {"hard": Weight(1.0, 1.0)})


def total_steps(phases: Sequence[Phase]) -> int:
    """Optimizer steps of a trial, when no phase ends early."""
    return sum(phase.steps for phase in phases)


def epoch_steps(training: Training, rows: np.ndarray, epochs: int | None = None, copies: int = 1) -> int:
    """Optimizer steps of so many passes (None: the training's) over these rows, of which `copies` are the same."""
    return (training.epochs if epochs is None else epochs) * -(-(len(rows) // copies) // training.batch_size)


def objective_weights(objective: Objective) -> dict[str, Weight]:
    """Term → weight of the joint objective; only the soft labels' moves (2305.18239: from 4 to 1)."""
    terms = {name: Weight(value, value) for name, value in objective.weights().items()}
    if "soft" in terms and objective.soft_label_weight_end is not None:
        terms["soft"] = Weight(
            objective.soft_label_weight, objective.soft_label_weight_end, objective.soft_label_weight_shape
        )
    return terms


def _joint(training: Training, material: Material, rows: np.ndarray, steps: int, terms: dict[str, Weight]) -> Phase:
    return Phase(
        name="joint",
        steps=steps,
        terms=terms,
        rows=rows,
        schedule=training.schedule,
        learning_rate=material.learning_rate,
        patience=training.patience,
        evaluations=training.evaluations,
        copies=material.copies,
        teachers=material.asked(terms),
    )


def _stage_phases(training: Training, number: int, material: Material) -> list[Phase]:
    stage = training.stages[number]
    rows = material.rows(stage.data)
    if not len(rows):
        raise TrainingError(
            f"the stage {stage.name!r} is to learn from {stage.data} rows, and there are none.",
            hint="Choose other rows for this stage, or give the data such rows.",
            field=f"training.stages.{number}.data",
        )
    terms = {name: Weight(weight.start, weight.end, weight.shape) for name, weight in stage.weights().items()}
    parts = list(material.parts) if stage.unfreeze else None
    return [
        Phase(
            name=name,
            steps=epoch_steps(training, rows, stage.epochs, material.copies),
            terms=terms,
            rows=rows,
            schedule=stage.schedule or training.schedule,
            learning_rate=stage.learning_rate or material.learning_rate,
            patience=stage.patience,
            evaluations=training.evaluations,
            trainable=trainable,
            select="quality" if LABEL_TERMS & set(terms) else "loss",
            fresh_head=stage.fresh_head and position == 0,
            stage=number,
            copies=material.copies,
            teachers=material.asked(terms, stage.teachers),
        )
        for position, (name, trainable) in enumerate(_thaw(stage.name, number, parts))
    ]


def _thaw(name: str, number: int, parts: list[str] | None) -> list[tuple[str, list[str] | None]]:
    """(name, parts that learn) of each of a stage's phases; parts: what it unfreezes one by one, None when it does
    not."""
    if parts is None:
        return [(name, None)]
    if not parts:
        raise TrainingError(
            f"the stage {name!r} unfreezes the student part by part, and this student has no parts.",
            field=f"training.stages.{number}.unfreeze",
        )
    if len(set(parts)) != len(parts):
        raise ValueError(f"the student's parts need names of their own, not {parts}")
    return [(f"{name} {k}/{len(parts)}", parts[:k]) for k in range(1, len(parts) + 1)]
