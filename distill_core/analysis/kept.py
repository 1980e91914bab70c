"""A run's kept predictions: what every model answered on validation and test, row by row. No torch.

`artifacts/predictions/validation.safetensors` and `test.safetensors`. Of N rows with U units (`Task.unit`):

- ids [N] uint64: `Rows.ids`; the texts are not kept, they are read again from the data. lengths [N] int32: in the
  student's pieces, as it read them. languages [N] uint16, where there are several: number in `About.languages`.
  unseen [N] uint16: words that stand in no text the run learnt from. counts [N] int32: units of each row, where a row
  may have several. gold [U]: its class.
- of each model: KEY/predicted [U]; KEY/confidence [U] uint16, its probability in 65535ths; KEY/logits [K, C] float32 of
  the units named by `units` [K].

In masked LM units are hidden pieces, and `About.labels` names the pieces that occur in this file, as gold or as an
answer: gold and predicted are places in it, pieces [P] int32 their ids in the tokeniser, seen [P] int64 how often the
training text has each. Of each hidden piece: starts [U] int32 and widths [U] uint16, its characters in the text; kinds
and hidden [U] uint8 (`tasks.hidden_pieces`); KEY/nll [U] float16, −log p of gold in nats. There are no logits. Beyond
`MOST_PIECES` hidden pieces, and in files of earlier versions, there is KEY/right [N] int32 alone: pieces guessed.

Three bytes and little more a unit and model: a test of a million rows with six models takes about 20 MB. Logits are
kept of at most `LOGIT_VALUES` / C units, evenly spaced. A hidden piece takes 10 bytes and 6 for each model, or 12 and 8
where more than 32,766 pieces occur: with six models at most 60, so that no file is larger than 240 MB.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from distill_core.errors import DataError
from distill_core.measure.scores import Scores
from distill_core.tasks.tagging_quality import entity_counts

SCHEMA = 1
SPLITS = ("validation", "test")
#: numbers of logits kept of each model and split: 2 MB
LOGIT_VALUES = 500_000
#: hidden pieces of a split beyond which only those guessed of each text are counted
MOST_PIECES = 4_000_000
_FULL = 65535


@dataclass(frozen=True)
class Model:
    """One that answered. role: "teacher" or its arm; seed: of its trial, None of teachers."""

    key: str
    role: str
    name: str
    seed: int | None = None


@dataclass(frozen=True)
class About:
    """What all rows share. metric, unit, labels: as in the report (in masked LM: names of the pieces that occur).
    reference: key of the reference teacher; student: key of the trial that is taken away; control: key of the
    no-teacher trial of the same seed, or ""."""

    task: str
    metric: str
    unit: str
    labels: list[str]
    models: list[Model]
    reference: str
    student: str
    control: str = ""
    languages: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, text: str) -> About:
        values = json.loads(text)
        if values.pop("schema") > SCHEMA:
            raise ValueError("written by a newer version")
        return cls(**{**values, "models": [Model(**model) for model in values["models"]]})

    def to_json(self) -> str:
        return json.dumps({"schema": SCHEMA, **asdict(self)}, ensure_ascii=False)

    def model(self, key: str) -> Model:
        """Raises KeyError for one that is not there."""
        return {model.key: model for model in self.models}[key]

    @property
    def teachers(self) -> list[Model]:
        return [model for model in self.models if model.role == "teacher"]


def sampled_units(units: int, classes: int) -> np.ndarray:
    """[K] int64 units whose logits are kept, ascending: all of them, or evenly spaced ones."""
    most = max(1, LOGIT_VALUES // max(1, classes))
    if units <= most:
        return np.arange(units, dtype=np.int64)
    return np.unique(np.linspace(0, units - 1, most).round().astype(np.int64))


def packed(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities in [0, 1] as uint16: the nearest 65535th."""
    return np.round(np.asarray(probabilities, dtype=np.float64) * _FULL).astype(np.uint16)


def write_split(path: Path, about: About, tensors: Mapping[str, np.ndarray]) -> None:
    """One split's file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        plain = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
        save_file(plain, temporary, metadata={"about": about.to_json()})
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def classes_dtype(classes: int) -> type[np.signedinteger[Any]]:
    """The smallest type that holds the numbers of so many classes and −1."""
    return np.int8 if classes < 127 else np.int16 if classes < 32767 else np.int32


class Split:
    """The answers of one split; tensors are read when they are asked for.

    Raises:
        DataError: the file is damaged, or from a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: dict[str, np.ndarray] = {}
        try:
            with safe_open(path, framework="numpy") as file:
                self.names = set(file.keys())
                self.about = About.from_json((file.metadata() or {})["about"])
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"The kept predictions in {path.name} cannot be read ({error}).",
                hint="They may be damaged, or from a newer version.",
            ) from None

    def _tensor(self, name: str) -> np.ndarray:
        if name not in self._held:
            with safe_open(self.path, framework="numpy") as file:
                self._held[name] = file.get_tensor(name)
        return self._held[name]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def ids(self) -> np.ndarray:
        """[N] uint64."""
        return self._tensor("ids")

    @property
    def lengths(self) -> np.ndarray:
        return self._tensor("lengths")

    @property
    def gold(self) -> np.ndarray:
        """[U] class of each unit."""
        return self._tensor("gold")

    @cached_property
    def counts(self) -> np.ndarray:
        """[N] int64 units of each row."""
        return self._tensor("counts").astype(np.int64) if "counts" in self.names else np.ones(len(self), dtype=np.int64)

    @cached_property
    def owner(self) -> np.ndarray:
        """[U] row of each unit."""
        return np.repeat(np.arange(len(self)), self.counts)

    @property
    def languages(self) -> np.ndarray | None:
        """[N] names, "" where not known; None where none are told apart."""
        if "languages" not in self.names:
            return None
        return np.asarray(self.about.languages, dtype=object)[self._tensor("languages")]

    @property
    def unseen(self) -> np.ndarray | None:
        return self._tensor("unseen") if "unseen" in self.names else None

    @property
    def units(self) -> np.ndarray:
        """[K] units whose logits are kept."""
        return self._tensor("units")

    @property
    def single(self) -> bool:
        """Are single answers kept? Of very many hidden pieces, and in masked LM of earlier versions, they are not."""
        return "gold" in self.names

    @property
    def by_piece(self) -> bool:
        """Are these the answers for hidden pieces of texts, one by one?"""
        return self.about.unit == "piece" and self.single

    def of_pieces(self, name: str) -> np.ndarray:
        """What is kept of hidden pieces beside their gold: "starts", "widths", "kinds", "hidden" [U]; "pieces", "seen"
        [P] of those that occur."""
        return self._tensor(name)

    def has(self, key: str, what: str) -> bool:
        return f"{key}/{what}" in self.names

    def predicted(self, key: str) -> np.ndarray:
        """[U] int64 classes."""
        return self._tensor(f"{key}/predicted").astype(np.int64)

    def confidence(self, key: str) -> np.ndarray | None:
        """[U] probability of the predicted class in [0, 1]; None where it was not kept."""
        if not self.has(key, "confidence"):
            return None
        return self._tensor(f"{key}/confidence").astype(np.float64) / _FULL

    def logits(self, key: str) -> np.ndarray | None:
        """[K, C] of `units`; None where they were not kept."""
        return self._tensor(f"{key}/logits") if self.has(key, "logits") else None

    def nll(self, key: str) -> np.ndarray | None:
        """[U] −log p of gold in nats, in masked LM; None where it was not kept."""
        return self._tensor(f"{key}/nll").astype(np.float64) if self.has(key, "nll") else None

    def right(self, key: str) -> np.ndarray:
        """[U] bool. Only where there are `single` answers."""
        return self.predicted(key) == self.gold

    def scores(self, key: str, units: np.ndarray | None = None) -> Scores:
        """What each row adds to the report's metric. units: [U] bool, those that count alone (for entities: no)."""
        if not self.single:
            return Scores(self._tensor(f"{key}/right"), self.counts)
        if self.about.unit == "word" and self.about.metric == "f1":
            return Scores.of_entities(*entity_counts(self.tags(), self.tags(key)))
        right, whole = self.right(key), np.ones(len(self.gold))
        if units is not None:
            right, whole = right & units, units.astype(np.float64)
        if self.about.unit == "example":
            return Scores(right, whole)
        return Scores(self._by_row(right), self._by_row(whole))

    def tags(self, key: str = "", *, only: str = "") -> list[list[str]]:
        """Tags of each sentence: gold, or a model's. only: tags of this type of entity; others become "O"."""
        labels = [name if not only or name[2:] == only else "O" for name in self.about.labels]
        names = np.asarray([*labels, ""], dtype=object)  # the last one: a word that was never seen (−1)
        numbers = self.predicted(key) if key else self.gold.astype(np.int64)
        return [part.tolist() for part in np.split(names[numbers], np.cumsum(self.counts)[:-1])]

    def _by_row(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.owner, weights=values, minlength=len(self))


def take(scores: Scores, rows: np.ndarray) -> Scores:
    """The scores of these rows ([M] positions or [N] bool) alone."""
    return Scores(scores.numerator[rows], scores.denominator[rows])


def folder_of(artifacts: Path) -> Path:
    return artifacts / "predictions"


def split_path(artifacts: Path, split: str) -> Path:
    """Raises ValueError for a split that is not kept."""
    if split not in SPLITS:
        raise ValueError(f"predictions are kept on {' and '.join(SPLITS)}, not on {split!r}")
    return folder_of(artifacts) / f"{split}.safetensors"


def open_split(artifacts: Path, split: str = "test") -> Split | None:
    """The kept answers, or None where a run kept none (earlier versions). Raises DataError for a damaged file."""
    path = split_path(artifacts, split)
    return Split(path) if path.is_file() else None


def count_unseen(texts: Sequence[str], known: set[str], words: Any) -> np.ndarray:
    """[N] uint16 words (by the pattern `words`, in lower case) of each text that are not known."""
    found = [sum(word not in known for word in set(map(str.lower, words.findall(text)))) for text in texts]
    return np.minimum(np.asarray(found, dtype=np.int64), _FULL).astype(np.uint16)
