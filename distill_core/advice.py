"""What experience says about a choice that can be made all the same: told beside the choice and before a start.

What cannot work at all is refused in `compatibility`. Sources: DWT (2305.18239) on teachers smaller than the student
and on copying from them; the weightings' papers on gold labels. Nothing in here loads torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from distill_core.catalogue import STUDENTS, TERMS, WEIGHTINGS
from distill_core.checkpoints import CheckpointInfo
from distill_core.compatibility import TERM_FIELDS, used_terms
from distill_core.config import Objective, StudentSection, Training

#: teacher's parameters / student's, below which DWT's students lost by being taught (0.57: −1.4 points, 0.46: −2.8)
WEAK = 0.6
#: points of quality a teacher may lie below the student trained alone before DWT's advice changes
FINE_GAP, WIDE_GAP = 0.03, 0.10
#: shares of rows without gold from which weights that need gold are remarked on, and warned of
MOST, NEARLY_ALL = 0.5, 0.9

#: terms that compare a teacher's inner states
STATES = frozenset({"hidden", "pooled", "pkd", "attention", "relations", "emd"})

#: the fields at which advice may stand, besides `teachers.N.source`
FIELDS = frozenset(
    {"objective.teacher_weighting", "training.precision", "training.stages"}
    | set(TERM_FIELDS.values())
    | {path for entry in STUDENTS.values() for path in entry.load().advised}
)


@dataclass(frozen=True)
class Advice:
    """field: the dotted path of the choice it is about. idle: what is asked for there has nothing to work on."""

    field: str
    severity: Literal["info", "warning"]
    message: str
    idle: bool = False

    def as_dict(self) -> dict[str, Any]:
        """In the shape of a data check's finding."""
        return {
            "severity": self.severity, "code": "advice", "field": self.field, "message": self.message, "rows": [],
            "count": 0, "idle": self.idle,
        }  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What is known of a draft. None or empty: not known (yet).

    infos and teacher_parameters (heads included): by the teacher's number from 0. teachers: how many are listed.
    rows: {split: rows} once the data were read; transfer rows carry no gold. folds: of out-of-fold answers, 1 without.
    """

    student: StudentSection | None = None
    objective: Objective | None = None
    training: Training | None = None
    infos: Mapping[int, CheckpointInfo] = field(default_factory=dict)
    teachers: int = 0
    student_parameters: int | None = None
    teacher_parameters: Mapping[int, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    folds: int = 1

    def ratio(self, number: int) -> float | None:
        """A teacher's parameters over the student's."""
        if not self.student_parameters or number not in self.teacher_parameters:
            return None
        return self.teacher_parameters[number] / self.student_parameters

    @property
    def without_gold(self) -> float | None:
        """Share of the rows the student learns from that carry no gold label."""
        labelled, transfer = self.rows.get("train", 0), self.rows.get("transfer", 0)
        return transfer / (labelled + transfer) if labelled + transfer else None


def advise(known: Known) -> list[Advice]:
    """Advice on a draft, in the order of the page; nothing in it keeps a run from starting."""
    told = (_sizes, _copies, _hidden, _folds, _weighting, _unlabelled, _stages, _precision)
    return [item for tell in told for item in tell(known)]


def gap_advice(teacher_quality: float, control_quality: float, *, teachers: int = 2) -> str | None:
    """DWT's rule (2305.18239) once the control is measured: how far is the teacher below the untaught student?

    Both as fractions in [0, 1] on the same rows. teachers: how many there are; one is not the best. None while the gap
    is at most 3 points: such a teacher may teach.
    """
    gap = control_quality - teacher_quality
    if gap <= FINE_GAP + 1e-9:
        return None
    who = "best teacher" if teachers > 1 else "teacher"
    said = f"The {who} is {100 * gap:.1f} points below the same student trained without teachers"
    if gap <= WIDE_GAP + 1e-9:
        return (
            f"{said}. Beyond {100 * FINE_GAP:.0f} points a weaker teacher tends to hurt (DWT, arXiv 2305.18239): "
            "choose a better teacher, or let its weight fall during the training."
        )
    return (
        f"{said}. Beyond {100 * WIDE_GAP:.0f} points distillation clearly hurt the student in DWT (arXiv 2305.18239): "
        "do not distil from this teacher."
    )


def _sizes(known: Known) -> Iterator[Advice]:
    for number, info in known.infos.items():
        ratio = known.ratio(number)
        if ratio is None or ratio >= 1:
            continue
        said = f"{info.name} has {ratio:.2g} times the student's parameters (a rough measure of its strength)."
        if ratio < WEAK:
            message = (
                f"{said} Below about {WEAK} a teacher made students worse in DWT (arXiv 2305.18239): choose a larger "
                "teacher or a smaller student, and look at the control without teachers."
            )
            yield Advice(f"teachers.{number}.source", "warning", message)
        else:
            message = (
                f"{said} Such a teacher can still help (DWT, arXiv 2305.18239), with a soft-label weight that starts "
                "high and falls; the control without teachers shows whether it did."
            )
            yield Advice(f"teachers.{number}.source", "info", message)


def _copies(known: Known) -> Iterator[Advice]:
    """DWT: layers of a weak teacher put the student into a local optimum."""
    student = known.student
    copying = student.copying() if student is not None else None
    if student is None or copying is None:
        return
    number = student.init_teacher - 1
    info, ratio = known.infos.get(number), known.ratio(number)
    if info is None:
        return
    if (ratio is not None and ratio < 1) or copying.layers > info.layers:
        message = (
            f"{info.name} is smaller than the student. Starting from the layers of a weaker teacher hurt in DWT "
            "(arXiv 2305.18239): the student stays near its teacher. Random initialisation is safer here."
        )
        yield Advice(copying.field, "warning", message)


def _hidden(known: Known) -> Iterator[Advice]:
    if known.student is None or known.objective is None or known.objective.hidden_level != "auto":
        return
    own = known.infos.get(known.student.init_teacher - 1)
    field_ = used_terms(known.objective, known.training.stages if known.training else ()).get("hidden")
    if own is None or field_ is None:
        return
    foreign = [i.name for i in known.infos.values() if i.tokenizer_fingerprint != own.tokenizer_fingerprint]
    if foreign:
        message = (
            f"{' and '.join(foreign)} {'cuts' if len(foreign) == 1 else 'cut'} text into other pieces than the "
            "student: there, hidden states are compared by word, not by token."
        )
        yield Advice(field_, "info", message)


def _folds(known: Known) -> Iterator[Advice]:
    """Out-of-fold answers and terms that look inside the teachers."""
    if known.folds < 2 or known.objective is None:
        return
    stages = known.training.stages if known.training else []
    labelled = {name for stage in stages if stage.data != "transfer" for name in used_terms(known.objective, [stage])}
    for name, field_ in _terms(known).items():
        if name in STATES and (not stages or name in labelled):
            message = (
                f"“{TERMS[name].title}” looks inside the teachers, and with folds labelled rows are answered by other "
                "finetunings of them than transfer rows: their states do not share a space, so the student is taught "
                "several at once. Leave one of the two off, or let this term see transfer rows alone (in a stage)."
            )
            yield Advice(field_, "warning", message)


def _weighting(known: Known) -> Iterator[Advice]:
    if known.objective is None or "soft" not in _terms(known):
        return
    name = known.objective.teacher_weighting
    entry, where = WEIGHTINGS[name], "objective.teacher_weighting"
    if known.teachers == 1 and name != "uniform" and "several" not in entry.needs:
        yield Advice(
            where, "info", f"With one teacher there is nothing to weigh between teachers; “{entry.title}” can "
            "only weigh examples.",
        )  # fmt: skip
    share = known.without_gold
    if not share:
        return
    if name == "unikd":
        message = f"{share:.0%} of the rows carry no gold label: they count by how much the teachers disagree."
        yield Advice(where, "info", message)
    elif "gold" in entry.needs and share > MOST:
        yield Advice(
            where,
            "warning" if share >= NEARLY_ALL else "info",
            f"“{entry.title}” compares the teachers with gold labels, and {share:.0%} of the rows are transfer rows "
            "without one: there it cannot tell the teachers apart.",
        )


def _unlabelled(known: Known) -> Iterator[Advice]:
    if not known.rows or known.rows.get("transfer"):
        return
    terms = _terms(known)
    if "teacher_labels" in terms:
        message = "All rows carry gold labels, so the teachers' hard labels have no effect. Add unlabelled text."
        yield Advice(terms["teacher_labels"], "warning", message, idle=True)
    if "soft" in terms:
        message = "There are no transfer rows. Unlabelled text of the same kind is where soft labels help most."
        yield Advice(terms["soft"], "info", message)


def _stages(known: Known) -> Iterator[Advice]:
    for stage in known.training.stages if known.training else ():
        name = f"Stage “{stage.name}”"
        if stage.data == "transfer":
            if known.rows and not known.rows.get("transfer"):
                message = f"{name} sees transfer rows alone, and there are none."
                yield Advice("training.stages", "warning", message, idle=True)
            if "hard" in stage.terms:
                message = f"{name} sees transfer rows alone: they have no gold, so hard labels have no effect in it."
                yield Advice("training.stages", "info", message)
        if stage.data == "labelled" and "teacher_labels" in stage.terms:
            message = f"{name} sees labelled rows alone, where the teachers' hard labels have no effect."
            yield Advice("training.stages", "info", message)


def _precision(known: Known) -> Iterator[Advice]:
    if known.training and known.training.precision == "bf16":
        message = "On a CPU bf16 is seldom faster than fp32, and often far slower: Auto takes it where it helps."
        yield Advice("training.precision", "info", message)


def _terms(known: Known) -> dict[str, str]:
    if known.objective is None:
        return {}
    return used_terms(known.objective, known.training.stages if known.training else ())
