"""What a task is: how rows become tokens and gold, and how predictions are scored. Loading a task loads no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from distill_core.catalogue import DEFAULT_TASK, TASKS
from distill_core.data.ragged import Ragged

if TYPE_CHECKING:
    from torch import Tensor

    from distill_core.checkpoints import CheckpointInfo
    from distill_core.config import RunConfig
    from distill_core.data.draft import DataConfig, Draft
    from distill_core.data.types import PreparedData, Rows
    from distill_core.errors import FieldError


@dataclass(frozen=True)
class TaskWords:
    """What people read about a task, besides its title and help in the catalogue.

    files: what its files hold. student: what its finished student is. metric: what its metric is called; "": by its
    own name. row: one row of a test set. classes: heading of the figures of each class, and of its columns with the
    classes and with their numbers of units.
    """

    files: str = ""
    student: str = "A student"
    metric: str = ""
    row: str = "test example"
    classes: tuple[str, str, str] = ("Classes", "class", "examples")


@dataclass
class Encoded:
    """N examples in one tokeniser's pieces, ragged.

    The columns are `Ragged`; lists of arrays are taken over into one. ids: N int32 arrays [T_n], special pieces
    included. types: the same for token types, None where the tokeniser has
    none. words: N int32 arrays [T_n], word of each piece, −1 on specials. lengths: [N] int64, T_n. pad_id: filler.
    word_counts: in tagging [N] int64, given words of each example, cut off or not; None otherwise.

    In masked LM ids are those after masking, word_counts are the W_n hidden pieces of each example, and there are
    targets: N int32 arrays [T_n], number of each hidden piece from left to right, −1 elsewhere; and gold: N int64
    arrays [W_n], the ids that were hidden. unseen: the class of a word that was cut off.
    """

    ids: Ragged
    types: Ragged | None
    words: Ragged
    lengths: np.ndarray
    pad_id: int
    word_counts: np.ndarray | None = None
    targets: Ragged | None = None
    gold: Ragged | None = None
    unseen: int = 0

    def __post_init__(self) -> None:
        for name, dtype in (("ids", np.int32), ("types", np.int32), ("words", np.int32), ("targets", np.int32)):
            setattr(self, name, _column(getattr(self, name), dtype))
        self.gold = _column(self.gold, np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> Encoded:
        """The examples at these positions, in this order."""
        chosen = np.asarray(rows, dtype=np.int64)
        return Encoded(
            ids=self.ids.take(chosen),
            types=None if self.types is None else self.types.take(chosen),
            words=self.words.take(chosen),
            lengths=self.lengths[chosen],
            pad_id=self.pad_id,
            word_counts=None if self.word_counts is None else self.word_counts[chosen],
            targets=None if self.targets is None else self.targets.take(chosen),
            gold=None if self.gold is None else self.gold.take(chosen),
            unseen=self.unseen,
        )


def _column(given: Any, dtype: Any) -> Any:
    return given if given is None or isinstance(given, Ragged) else Ragged.of(given, dtype)


class Task(ABC):
    """One kind of prediction: its files, its rows, its figures, its words. The page knows it too: no torch.

    Attributes:
        name: as in the catalogue. metric: key of `quality` that chooses checkpoints and stands in reports, in [0, 1].
        unit: what gets one prediction, "example", "word" or "piece" (`units.UNITS`).
        words: what people read about it.
        labelled: its rows need a column with labels. pairs: its rows may be pairs of texts, in tables whose columns
            are texts and labels. bundled: file of its training rows in the folder of a bundled set for it.
        entities: do its tags, in IOB2, name entities?
        copies: how often every training row stands in the pool, one copy after the other; an epoch is one of them.
    """

    name: str
    metric: str
    unit: str
    words: TaskWords
    labelled: bool = True
    pairs: bool = False
    entities: bool = False
    bundled: str

    @property
    def copies(self) -> int:
        return 1

    # ---- before a run

    @abstractmethod
    def draft(self, config: DataConfig, seed: int) -> Draft:
        """Its data read, checked and split as far as that goes; what is wrong stands in the draft's findings.

        Raises NetworkError for a Hub set without a network.
        """

    def refuse(self, config: RunConfig) -> None:
        """Raises ValueError that begins with the field at fault, for a config that cannot be run for this task."""
        del config

    def teacher_misfits(self, own: CheckpointInfo, infos: Sequence[CheckpointInfo]) -> list[FieldError]:
        """What keeps checkpoints from teaching it in any mode. own: of the teacher the student starts from."""
        del own, infos
        return []

    def ready(self, info: CheckpointInfo) -> bool:
        """Can this checkpoint be used as it is: does it have a head for this unit?"""
        if self.unit == "piece":
            return info.is_masked_lm
        return bool(info.labels) and (info.is_tagger if self.unit == "word" else info.is_classifier)

    def count_words(self, labels: Sequence[str]) -> str:
        """What these labels are, for the page: "8 classes"."""
        return f"{len(labels)} classes"

    def measured_by(self, metric: str) -> Task:
        """The task as one of its reports with this metric was made: see `for_labels`."""
        del metric
        return self

    # ---- in a run

    def for_run(self, config: RunConfig) -> Task:
        """The task with the settings of a run."""
        del config
        return self

    def for_labels(self, labels: Sequence[str]) -> Task:
        """The task as the data's labels make it."""
        del labels
        return self

    def pool(self, data: PreparedData) -> Rows:
        """All rows to learn from: train followed by transfer."""
        from distill_core.data.types import Rows

        return Rows.concat([data.train, data.transfer])

    @abstractmethod
    def encode(self, tokenizer: Any, rows: Rows, max_tokens: int) -> Encoded:
        """Rows in a tokeniser's pieces, cut to `max_tokens` (or to the tokeniser's own limit, where that is lower)."""

    def bind(self, rows: Rows, encoded: Encoded, tokenizer: Any) -> Rows:
        """Rows with the gold that their encoding gives them; the same rows where they have it already."""
        del encoded, tokenizer
        return rows

    def targets(self, rows: Rows, encoded: Encoded) -> Targets:
        """Gold of these rows, encoded so, in batches."""
        del encoded
        return Targets(self.gold(rows), self.counts(rows))

    @abstractmethod
    def gold(self, rows: Rows) -> np.ndarray:
        """[U] int64 class of every unit, row after row; −1 where there is no gold."""

    @abstractmethod
    def counts(self, rows: Rows) -> np.ndarray | None:
        """[N] units of each row; None where each row is one unit."""

    @abstractmethod
    def quality(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> dict[str, Any]:
        """All figures of predicted [U] on rows with gold, fractions in [0, 1]; holds `metric`."""

    def likelihood(self, nll: np.ndarray) -> dict[str, float]:
        """Further figures of [U] −log p of gold, where the task reports them."""
        del nll
        return {}

    @abstractmethod
    def scores(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """(numerator, denominator), each [N] per row: quality[metric] = Σ numerator / Σ denominator."""


def build_task(name: str) -> Task:
    """The task of that name (`catalogue.TASKS`). ValueError where there is none."""
    if name not in TASKS:
        raise ValueError(f"unknown task {name!r}; there are {', '.join(TASKS)}")
    return cast(Task, TASKS[name].load()())


def known_task(name: object) -> Task:
    """The same for what a file says that another version may have written: the usual task where it is not known."""
    return build_task(name if isinstance(name, str) and name in TASKS else DEFAULT_TASK)


class Targets:
    """Gold of a table of rows, handed out in batches.

    Args:
        gold: [U] int64 flat. counts: [N] units of each row, or None for one each.
    """

    def __init__(self, gold: np.ndarray, counts: np.ndarray | None) -> None:
        self.gold, self.counts = np.asarray(gold, dtype=np.int64), counts
        self._offsets = None if counts is None else np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def batch(self, rows: np.ndarray, width: int) -> Tensor:
        """[B] int64, or [B, width] for rows of several units (cut or filled up with −1)."""
        import torch  # here, as the page knows the tasks too

        rows = np.asarray(rows)
        if self._offsets is None or self.counts is None:
            return torch.from_numpy(self.gold[rows])
        table = np.full((len(rows), width), -1, dtype=np.int64)
        counts = np.minimum(self.counts[rows], width)
        for place, (row, count) in enumerate(zip(rows.tolist(), counts.tolist(), strict=True)):
            start = int(self._offsets[row])
            table[place, :count] = self.gold[start : start + count]
        return torch.from_numpy(table)
