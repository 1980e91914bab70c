"""Do student, teachers and objective fit each other? Told from checkpoint descriptions, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from distill_core.catalogue import MATCHING, STUDENTS, TERMS, WEIGHTINGS
from distill_core.checkpoints import CheckpointInfo
from distill_core.config import Objective, StudentSection
from distill_core.errors import FieldError
from distill_core.sections.training import Ramp, Stage
from distill_core.tasks.base import build_task
from distill_core.tasks.units import UNITS
from distill_core.vocabulary import PRUNABLE

#: term → the field that gives its weight
TERM_FIELDS = {
    "hard": "objective.hard_label_weight",
    "soft": "objective.soft_label_weight",
    "teacher_labels": "objective.teacher_label_weight",
    "hidden": "objective.hidden_weight",
    **{name: f"objective.matching.{name}" for name in MATCHING},
}

#: terms that need a teacher's states token by token
BY_TOKEN = frozenset({"pkd", "attention", "relations", "emd"})


def misfits(
    student: StudentSection,
    objective: Objective,
    infos: Sequence[CheckpointInfo],
    *,
    embedding_width: int | None = None,
    stages: Sequence[Stage] = (),
    task: str = "classification",
    signals: str = "cached",
    listeners: Mapping[str, Sequence[int]] | None = None,
) -> list[FieldError]:
    """Settings that cannot work with these teachers, each with its field.

    embedding_width: of the teacher the student starts from, where it is known to differ from its hidden width.
    stages: of the student's training, whose terms then count instead of the objective's. signals: "cached" or "live".
    listeners: term → numbers of the teachers it learns from (`teaching.listeners`); None: each from all.
    """
    own = infos[student.init_teacher - 1]
    found = student_misfits(student, own, embedding_width or own.hidden)
    found += build_task(task).teacher_misfits(own, infos)
    found += objective_misfits(student, objective, infos, stages=stages, task=task, listeners=listeners)
    return found + _signal_misfits(objective, stages, signals)


def student_misfits(student: StudentSection, own: CheckpointInfo, embedding_width: int) -> list[FieldError]:
    """What the teacher the student starts from cannot give it: what its kind needs, a smaller vocabulary."""
    taken = student.takes()
    if own.student is not None and taken is not None and taken not in own.student.gives:
        message = f"{own.name} is {own.student.words}: a student cannot start from its {taken}."
        return [FieldError("student.initialise", message, "Start at random, or from another teacher.")]
    found = student.misfits(own, embedding_width)
    if student.vocabulary == "seen" and own.tokenizer_kind not in PRUNABLE:
        message = f"{own.name}'s tokeniser ({own.tokenizer_kind}) is of a kind whose vocabulary cannot be made smaller."
        hint = "Keep the full vocabulary, or start from a teacher with WordPiece, BPE or Unigram pieces."
        found.append(FieldError("student.vocabulary", message, hint))
    return found


def _signal_misfits(objective: Objective, stages: Sequence[Stage], signals: str) -> list[FieldError]:
    """Terms whose questions are not known before the training."""
    live = [TERMS[name].title for name in used_terms(objective, stages) if "live" in TERMS[name].needs]
    if not live or signals == "live":
        return []
    message = f"“{live[0]}” asks the teachers about mixtures of texts, and mixtures cannot be asked in advance."
    return [FieldError("signals", message, "Set signals to live.")]


def used_terms(objective: Objective, stages: Sequence[Stage] = ()) -> dict[str, str]:
    """Term → the field to blame for it, of the terms in use: the stages' where there are stages, which then alone
    count, else the objective's."""
    if not stages:
        return {name: TERM_FIELDS[name] for name in objective.weights()}
    used = {name for stage in stages for name, weight in stage.terms.items() if _counts(weight)}
    return {name: "training.stages" for name in TERMS if name in used}


def _counts(weight: float | Ramp) -> bool:
    return bool(weight.start or weight.end) if isinstance(weight, Ramp) else bool(weight)


def objective_misfits(
    student: StudentSection,
    objective: Objective,
    infos: Sequence[CheckpointInfo],
    *,
    stages: Sequence[Stage] = (),
    task: str = "classification",
    listeners: Mapping[str, Sequence[int]] | None = None,
) -> list[FieldError]:
    """Terms and weightings that cannot work with this student and these teachers, each with its field."""
    own = infos[student.init_teacher - 1]
    terms = used_terms(objective, stages)

    def of(name: str) -> list[CheckpointInfo]:
        numbers = range(len(infos)) if listeners is None else listeners.get(name, ())
        return [infos[number] for number in numbers]

    found = [
        FieldError(field, message, hint)
        for name, field in terms.items()
        for message, hint in term_misfits(name, student, (own, of(name)), task)
    ]
    if "hidden" in terms:
        found += _level_misfits(objective.hidden_level, {name: of(name) for name in terms}, own, task)
    weighting = WEIGHTINGS[objective.teacher_weighting]
    if "several" in weighting.needs and len(of("soft") if "soft" in terms else infos) < 2:
        message = f"“{weighting.title}” chooses among several teachers, and there is one."
        found.append(FieldError("objective.teacher_weighting", message, "Add a teacher, or choose equal weights."))
    for stage in stages:
        # A term of weight 0 teaches nothing beside it.
        used = [name for name, weight in stage.terms.items() if _counts(weight)]
        if stage.data == "transfer" and all("gold" in TERMS[name].needs for name in used):
            message = f"stage “{stage.name}” sees transfer rows alone, which have no gold labels to learn from."
            found.append(FieldError("training.stages", message, "Let it see labelled rows, or add soft labels."))
    return found


def term_misfits(
    name: str, student: StudentSection, sides: tuple[CheckpointInfo, Sequence[CheckpointInfo]], task: str
) -> list[tuple[str, str]]:
    """(message, hint) of what keeps a term from working. sides: the teacher the student starts from, and those the term
    learns from."""
    entry, (own, infos) = TERMS[name], sides
    off = "Set its weight to 0."
    if "transformer" in entry.needs and not student.attends:
        kind = STUDENTS[student.kind].title
        return [(f"“{entry.title}” needs a student with attention layers, and a {kind} has none.", off)]
    found = []
    blind = [info for info in infos if not info.heads]
    if "transformer" in entry.needs and blind:
        kind = blind[0].student.words if blind[0].student is not None else f"a {blind[0].model_type}"
        return [(f"“{entry.title}” needs teachers with attention layers, and {blind[0].name} is {kind}.", off)]
    whole = UNITS[build_task(task).unit].whole
    if "text" in entry.needs and whole:
        message = f"“{entry.title}” looks at a text as a whole, and {whole}."
        found.append((message, f"{off[:-1]}, or use hidden states."))
    foreign = _foreign(own, infos)
    if "same_tokeniser" in entry.needs and foreign:
        message = (
            f"“{entry.title}” needs equal tokenisers: {', '.join(foreign)} cuts text into other pieces than the "
            f"student, which uses {own.name}'s tokeniser."
        )
        found.append((message, f"{off[:-1]}, or use hidden states, which are then compared by word."))
    if "equal_heads" in entry.needs:
        heads = student.head_count(own.heads)
        unequal = [f"{info.name} {info.heads}" for info in infos if info.heads != heads]
        if unequal:
            message = (
                f"“{entry.title}” compares head with head, and the heads differ in number: the student has "
                f"{heads}, {', '.join(unequal)}."
            )
            found.append((message, "Give the student as many, or use attention relations, where heads may differ."))
    return found


def _level_misfits(
    level: str, terms: Mapping[str, Sequence[CheckpointInfo]], own: CheckpointInfo, task: str
) -> list[FieldError]:
    """What keeps hidden states from being compared at this level (`objective.hidden_level`).

    terms: those in use → the teachers each learns from.
    """
    field, foreign = "objective.hidden_level", _foreign(own, terms["hidden"])
    if level == "pooled" and build_task(task).unit == "word":
        message = "tagging has no vector of a whole text to compare: every word is classified."
        return [FieldError(field, message, "Set it to auto, word or token.")]
    if level == "token" and foreign:
        message = (
            f"hidden states cannot be compared token by token: {', '.join(foreign)} cuts text into other pieces than "
            f"the student, which uses {own.name}'s tokeniser."
        )
        return [FieldError(field, message, "Set it to auto or word.")]
    told = frozenset({"same_tokeniser"}) if foreign else frozenset()  # refused by `term_misfits` already
    # One teacher's states are kept by token or by word, not both.
    by_word = [info for info in terms["hidden"] if level == "word" or (level == "auto" and info.name in foreign)]
    by_token = [
        TERMS[name].title
        for name, infos in terms.items()
        if name in BY_TOKEN and not told & TERMS[name].needs and any(info in by_word for info in infos)
    ]
    if by_token:
        message = f"hidden states are compared by word, and “{by_token[0]}” needs them token by token."
        hint = "Leave one of them out, or choose teachers with the student's tokeniser and set it to auto."
        return [FieldError(field, message, hint)]
    return []


def _foreign(own: CheckpointInfo, infos: Sequence[CheckpointInfo]) -> list[str]:
    """Names of the teachers that cut text otherwise than the student, which uses `own`'s tokeniser."""
    return [info.name for info in infos if info.tokenizer_fingerprint != own.tokenizer_fingerprint]
