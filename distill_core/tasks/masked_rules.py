"""What does not go together with masked language modelling: settings of a run, and teachers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distill_core.checkpoints import CheckpointInfo
from distill_core.errors import FieldError

#: divergences between two distributions, which are told exactly of the pieces kept and all others together
_OF_DISTRIBUTIONS = ("kl", "reverse_kl", "js", "tvd")


def refuse(config: Any) -> None:
    """config: a whole `RunConfig`. Raises ValueError that begins with the field at fault."""
    student, objective, columns = config.student, config.objective, getattr(config.data, "columns", None)
    stages = {name for stage in config.training.stages for name in stage.weights()}
    used = stages or set(objective.weights())
    bare = [number for number, teacher in enumerate(config.teachers) if teacher.pretrained_only]
    refused = [
        (
            bool(bare),
            f"teachers.{bare[0] if bare else 0}.pretrained_only: a masked language model comes with its prediction "
            "layer; switch this off and set teacher_training.mode to as_is.",
        ),
        (
            config.teacher_training.mode == "cofinetune",
            "teacher_training.mode: masked language models keep their own heads and are not finetuned together; "
            "choose as_is or separate.",
        ),
        (
            config.teacher_training.folds > 1,
            "teacher_training.folds: every epoch hides other words, so teachers have not learnt the answers by heart; "
            "set it to 1.",
        ),
        (
            student.vocabulary != "full",
            "student.vocabulary: student and teachers guess among the same pieces; keep the full vocabulary.",
        ),
        (
            config.data.labelled_per_class is not None,
            "data.labelled_per_class: plain text has no classes; leave it empty.",
        ),
        (
            columns is not None and columns.text_pair is not None,
            "data.columns.text_pair: plain text has no second text; leave it empty.",
        ),
        (
            objective.teacher_weighting != "uniform",
            "objective.teacher_weighting: each teacher's answer keeps its own most probable pieces, so that teachers "
            "cannot be weighed against each other; choose uniform.",
        ),
        (
            "soft" in used and objective.soft_label_loss not in _OF_DISTRIBUTIONS,
            "objective.soft_label_loss: of the pieces that an answer does not keep there are no logits; choose "
            f"{', '.join(_OF_DISTRIBUTIONS)}.",
        ),
        (
            objective.label_revision is not None,
            "objective.label_revision: the gold piece may not be among those an answer keeps; leave it empty.",
        ),
        (
            "teacher_labels" in used,
            ("training.stages: " if stages else "objective.teacher_label_weight: ")
            + "plain text is its own gold, so there are no rows for teachers' hard labels; leave them out.",
        ),
        (
            "hidden" in used and objective.hidden_level == "pooled",
            "objective.hidden_level: a text has no pooled vector here; choose auto, token or word.",
        ),
    ]
    for at_fault, message in refused:
        if at_fault:
            raise ValueError(message)


def teacher_misfits(own: CheckpointInfo, infos: Sequence[CheckpointInfo]) -> list[FieldError]:
    """Teachers that cannot guess hidden words, or guess among other pieces than the student."""
    found = []
    for number, info in enumerate(infos):
        field = f"teachers.{number}.source"
        if not info.is_masked_lm:
            message = f"{info.name} has no head that guesses hidden words, so it cannot teach a masked language model."
            found.append(FieldError(field, message, "Choose a checkpoint saved with its masked-LM head."))
        elif (info.tokenizer_fingerprint, info.vocab_size) != (own.tokenizer_fingerprint, own.vocab_size):
            message = f"{info.name} guesses among other pieces than the student, which has {own.name}'s vocabulary."
            found.append(FieldError(field, message, "Choose teachers with one tokeniser."))
    return found
