"""A finished student at work: labels and probabilities for texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distill_core.errors import CheckpointError, DataError, JobError
from distill_core.layout import RunFolder
from distill_core.run_state import last_end

#: what a saved student's folder is known by
STUDENT_FILE = "stillroom.json"


@dataclass(frozen=True)
class Prediction:
    """label: the most probable class; probabilities: label → probability in [0, 1], most probable first; sum 1."""

    text: str
    text_pair: str | None
    label: str
    probabilities: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        pair = {} if self.text_pair is None else {"text_pair": self.text_pair}
        return {"text": self.text, **pair, "label": self.label, "probabilities": self.probabilities}


def student_folder(folder: Path) -> Path:
    """The saved student in a run's folder, or the folder itself when it is one.

    Raises:
        CheckpointError: no such folder, or it is neither.
        JobError: the run has no student yet.
    """
    if not folder.is_dir():
        raise CheckpointError(f"There is no folder {folder}.", hint="Give a run's folder or a student's.")
    if (folder / STUDENT_FILE).is_file():
        return folder
    run = RunFolder(folder)
    if (run.student / STUDENT_FILE).is_file():
        return run.student
    if run.config.is_file() or run.events.is_file():
        raise JobError(f"This run has no student yet: {_state(run)}.", hint=_advice(run))
    raise CheckpointError(
        f"{folder} holds neither a run nor a student.",
        hint="Give the folder that `run` wrote, or an unpacked student.",
    )


def _state(run: RunFolder) -> str:
    end = last_end(run)
    if not run.events.is_file():
        return "it has not been started"
    return {"failed": "it failed", "stopped": "it was stopped"}.get(end or "", "it is not finished")


def _advice(run: RunFolder) -> str:
    if last_end(run) in ("failed", "stopped"):
        return f"Resume it: python -m distill_core resume {run.path}"
    return "Wait until it is done."


class StudentPredictor:
    """A student in memory. `StudentPredictor.load(folder).predict([...])`."""

    def __init__(self, student: Any, labels: Sequence[str], max_tokens: int, *, device: str = "cpu") -> None:
        import torch

        self.device = torch.device(device)
        self.student = student.to(self.device).eval()
        self.labels, self.max_tokens = list(labels), max_tokens

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "cpu") -> StudentPredictor:
        """From a run's folder or a student's own. Raises CheckpointError, JobError (the run is not done)."""
        path = student_folder(Path(folder))
        from distill_core.models.saving import load_student

        return cls(*load_student(path), device=device)

    def probabilities(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, *, batch_size: int = 64
    ) -> np.ndarray:
        """[N, C] float64, rows sum to 1, in the order of the texts."""
        from distill_core.data.types import Rows
        from distill_core.tasks.classification import encode
        from distill_core.train.evaluate import predict_logits

        if pairs is not None and len(pairs) != len(texts):
            raise DataError(f"{len(texts)} texts but {len(pairs)} second texts.", hint="Give one for each.")
        if not texts:
            return np.empty((0, len(self.labels)))
        rows = Rows(
            list(texts), None if pairs is None else list(pairs), np.full(len(texts), -1), list(range(1, len(texts) + 1))
        )
        encoded = encode(self.student.tokenizer, rows, self.max_tokens)
        logits = predict_logits(self.student, encoded, self.device, batch_size=batch_size).astype(np.float64)
        scores = np.exp(logits - logits.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)

    def predict(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, *, batch_size: int = 64
    ) -> list[Prediction]:
        """One prediction per text, in order. Raises DataError when texts and second texts differ in number."""
        found = []
        for number, row in enumerate(self.probabilities(texts, pairs, batch_size=batch_size)):
            # A stable sort on the negative: of equal classes the first in label order wins, as argmax has it.
            order = np.argsort(-row, kind="stable")
            by_label = {self.labels[i]: float(row[i]) for i in order}
            pair = None if pairs is None else pairs[number]
            found.append(Prediction(texts[number], pair, self.labels[order[0]], by_label))
        return found
