"""What a finished run leaves beside its student: every model's answers, the control, and how its teachers are found
again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from distill_core.analysis.kept import (
    About,
    Model,
    classes_dtype,
    count_unseen,
    packed,
    sampled_units,
    split_path,
    write_split,
)
from distill_core.data.types import Rows
from distill_core.measure.size import module_size
from distill_core.models.saving import save_student
from distill_core.signals.predict import UnitAnswers
from distill_core.stages.arms import FinishedArm
from distill_core.stages.context import RunContext
from distill_core.stages.keep_pieces import count_in_training, piece_tensors
from distill_core.stages.plan import StudentPlan
from distill_core.stages.prepare import Prepared
from distill_core.stages.teachers import TaughtTeachers, groups
from distill_core.storage import write_json
from distill_core.tasks.words import WORD

#: a control is kept for trying it if it is no larger, in bytes of fp32
CONTROL_BYTES = 200_000_000
#: rows to learn from, beyond which words that were never seen are not counted
UNSEEN_ROWS = 300_000


@dataclass(frozen=True)
class Answered:
    """All models' answers. validation, test: of each teacher, None of one that answers nothing. chosen: the trial that
    is taken away. reference: number of the reference teacher."""

    validation: Sequence[UnitAnswers | None]
    test: Sequence[UnitAnswers | None]
    arms: Sequence[FinishedArm]
    chosen: FinishedArm
    reference: int


def keep(
    ctx: RunContext, prepared: Prepared, plan: StudentPlan, taught: TaughtTeachers, said: Answered
) -> dict[str, Any]:
    """Write all of it; what the report says about it: {"predictions": {split: {"rows", "units", "logits", "bytes"}},
    "control": {"seed", "bytes"} or None, "control_missing": "" | "not_run" | "too_large"}."""
    about = _about(prepared, said)
    known, own = _known_words(prepared), ctx.config.student.init_teacher - 1
    seen = count_in_training(prepared, own) if prepared.task.unit == "piece" else None
    found = {}
    for split, rows, encoded in (
        ("validation", prepared.data.validation, plan.texts.validation),
        ("test", prepared.data.test, plan.texts.test),
    ):
        tensors, shared = _rows(prepared, rows, encoded.lengths, about, known), about
        answers = _said(said, split)
        if seen is not None:
            names, told = piece_tensors(prepared, own, split, answers, seen)
            tensors, shared = {**tensors, **told}, replace(about, labels=names)
        else:
            tensors |= dict(_answers(about, answers))
        path = split_path(ctx.folder.artifacts, split)
        write_split(path, shared, tensors)
        found[split] = {
            "rows": len(rows),
            "units": len(tensors["gold"]) if "gold" in tensors else int(tensors["counts"].sum()),
            "logits": len(tensors["units"]) if "units" in tensors else 0,
            "bytes": path.stat().st_size,
        }
    write_json(ctx.folder.artifacts / "models.json", _models(ctx, prepared, taught))
    return {"predictions": found, **_control(ctx, prepared, said)}


def _about(prepared: Prepared, said: Answered) -> About:
    teachers = [
        Model(f"teacher:{number}", "teacher", teacher.name)
        for number, teacher in enumerate(prepared.teachers)
        if teacher.answers
    ]
    arms = [Model(_key(arm), arm.trial.arm, arm.trial.arm, arm.trial.seed) for arm in said.arms]
    control = next(
        (_key(a) for a in said.arms if a.trial.arm == "no_teacher" and a.trial.seed == said.chosen.trial.seed), ""
    )
    languages = sorted({name for part in _held_out(prepared) for name in part.languages or []})
    return About(
        task=prepared.task.name,
        metric=prepared.task.metric,
        unit=prepared.task.unit,
        labels=list(prepared.data.labels),
        models=[*teachers, *arms],
        reference=f"teacher:{said.reference}",
        student=_key(said.chosen),
        control=control,
        languages=languages,
    )


def _key(arm: FinishedArm) -> str:
    return f"{arm.trial.arm}:{arm.trial.seed}"


def _held_out(prepared: Prepared) -> tuple[Rows, Rows]:
    return prepared.data.validation, prepared.data.test


def _known_words(prepared: Prepared) -> set[str] | None:
    """Words of all rows to learn from, in lower case; None where there are too many rows to look through."""
    data = prepared.data
    if len(data.train) + len(data.transfer) > UNSEEN_ROWS:
        return None
    texts = [*data.train.texts, *data.transfer.texts, *(data.train.pairs or []), *(data.transfer.pairs or [])]
    return {word.lower() for text in texts for word in WORD.findall(text)}


def _rows(
    prepared: Prepared, rows: Rows, lengths: np.ndarray, about: About, known: set[str] | None
) -> dict[str, np.ndarray]:
    """What is kept of the rows themselves."""
    found: dict[str, np.ndarray] = {
        "ids": np.asarray([int(key, 16) for key in map(_plain_id, rows.ids)], dtype=np.uint64),
        "lengths": np.asarray(lengths, dtype=np.int32),
    }
    counts = prepared.task.counts(rows)
    if counts is not None:
        found["counts"] = np.asarray(counts, dtype=np.int32)
    if prepared.task.unit != "piece":
        gold = prepared.task.gold(rows)
        found["gold"] = gold.astype(classes_dtype(len(about.labels)))
        found["units"] = sampled_units(len(gold), len(about.labels))
    if rows.languages is not None:
        numbers = {name: number for number, name in enumerate(about.languages)}
        found["languages"] = np.asarray([numbers[name] for name in rows.languages], dtype=np.uint16)
    if known is not None:
        pairs = rows.pairs if rows.pairs is not None else [""] * len(rows)
        texts = [f"{text} {pair}" for text, pair in zip(rows.texts, pairs, strict=True)]
        found["unseen"] = count_unseen(texts, known, WORD)
    return found


def _plain_id(key: str) -> str:
    """The text's own id, of a masking's too (`tasks.masking.copy_key`)."""
    return key[:16]


def _said(said: Answered, split: str) -> dict[str, UnitAnswers]:
    """Every model's answers on one split, by its key."""
    teachers = said.validation if split == "validation" else said.test
    answers = {f"teacher:{number}": one for number, one in enumerate(teachers) if one is not None}
    return answers | {_key(arm): arm.answers[split] for arm in said.arms}


def _answers(about: About, answers: Mapping[str, UnitAnswers]) -> Iterator[tuple[str, np.ndarray]]:
    """Their tensors."""
    for key, one in answers.items():
        yield f"{key}/predicted", one.predicted.astype(classes_dtype(len(about.labels)))
        if one.confidence is not None:
            yield f"{key}/confidence", packed(one.confidence)
        if one.logits is not None:
            yield f"{key}/logits", one.logits.astype(np.float32)


def _control(ctx: RunContext, prepared: Prepared, said: Answered) -> dict[str, Any]:
    """The no-teacher student that validated best, kept beside the student where it is small."""
    folder, metric = ctx.folder.control, prepared.task.metric
    arms = [arm for arm in said.arms if arm.trial.arm == "no_teacher"]
    if not arms:
        return {"control": None, "control_missing": "not_run"}
    best = max(arms, key=lambda arm: arm.validation[metric])
    size = module_size(best.student).bytes
    if size > CONTROL_BYTES:
        shutil.rmtree(folder, ignore_errors=True)
        return {"control": None, "control_missing": "too_large"}
    save_student(best.student, folder, labels=prepared.data.labels, max_tokens=ctx.config.data.max_tokens)
    return {"control": {"seed": best.trial.seed, "bytes": size}, "control_missing": ""}


def _models(ctx: RunContext, prepared: Prepared, taught: TaughtTeachers) -> dict[str, Any]:
    """How the teachers that answered are loaded again: what `load_teachers` takes, and where their weights lie."""
    stores: list[str | None] = [None] * len(prepared.teachers)
    together: list[list[int]] = []
    for group in groups(ctx, prepared):
        if group.fold is None:
            together.append(group.numbers)
            for number in group.numbers:
                stores[number] = group.key
    return {
        "schema_version": 1,
        "labels": list(prepared.data.labels),
        "task": prepared.task.name,
        "mode": ctx.config.teacher_training.mode,
        "seed": ctx.seed,
        "limits": list(prepared.limits),
        "stores": stores,
        "groups": together,
        "fingerprints": list(taught.fingerprints),
        "names": [teacher.name for teacher in prepared.teachers],
        "answers": [teacher.answers for teacher in prepared.teachers],
    }
