"""What a run of masked language modelling leaves of its models' answers: those for every hidden piece."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from distill_core.analysis.kept import MOST_PIECES, classes_dtype, packed
from distill_core.signals.predict import UnitAnswers
from distill_core.stages.prepare import Prepared
from distill_core.tasks.base import Encoded
from distill_core.tasks.hidden_pieces import count_training, look_at, names_of


def count_in_training(prepared: Prepared, own: int) -> np.ndarray:
    """[V] how often each piece stands in the training text. own: number of the teacher whose tokeniser the student
    has."""
    return count_training(prepared.texts[own].pool, prepared.task.copies, prepared.classes)


def piece_tensors(
    prepared: Prepared, own: int, split: str, answers: Mapping[str, UnitAnswers], seen: np.ndarray
) -> tuple[list[str], dict[str, np.ndarray]]:
    """(names of the pieces that occur, tensors) of one split, as `analysis.kept` describes them. seen: [V] as
    `count_in_training` gives it."""
    rows = prepared.data.validation if split == "validation" else prepared.data.test
    encoded: Encoded = getattr(prepared.texts[own], split)
    gold = prepared.task.gold(rows)
    if len(gold) > MOST_PIECES:
        labels = prepared.data.labels
        return labels, {
            f"{key}/right": prepared.task.scores(rows, one.predicted, labels)[0].astype(np.int32)
            for key, one in answers.items()
        }
    tokenizer = prepared.teachers[own].tokenizer
    looked = look_at(tokenizer, rows.texts, encoded, prepared.limits[own])
    occur = np.unique(gold)
    for one in answers.values():
        occur = np.union1d(occur, one.predicted)
    kind = classes_dtype(len(occur))
    tensors = {
        "gold": np.searchsorted(occur, gold).astype(kind),
        "pieces": occur.astype(np.int32),
        "seen": seen[occur],
        "starts": looked.starts,
        "widths": looked.widths,
        "kinds": looked.kinds,
        "hidden": looked.hidden,
    }
    for key, one in answers.items():
        tensors[f"{key}/predicted"] = np.searchsorted(occur, one.predicted).astype(kind)
        # An attempt of an earlier version may have left its answers without these.
        if one.confidence is not None:
            tensors[f"{key}/confidence"] = packed(one.confidence)
        if one.nll is not None:
            most = float(np.finfo(np.float16).max)
            tensors[f"{key}/nll"] = np.minimum(one.nll, most).astype(np.float16)
    return names_of(tokenizer, occur), tensors
