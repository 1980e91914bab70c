"""What a task is: how rows become tokens and gold, and how predictions are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from distill_core.catalogue import TASKS

if TYPE_CHECKING:
    from distill_core.config import RunConfig
    from distill_core.data.types import PreparedData, Rows


@dataclass
class Encoded:
    """N examples in one tokeniser's pieces, ragged.

    ids: N int32 arrays [T_n], special pieces included. types: the same for token types, None where the tokeniser has
    none. words: N int32 arrays [T_n], word of each piece, −1 on specials. lengths: [N] int64, T_n. pad_id: filler.
    word_counts: in tagging [N] int64, given words of each example, cut off or not; None otherwise.

    In masked LM ids are those after masking, word_counts are the W_n hidden pieces of each example, and there are
    targets: N int32 arrays [T_n], number of each hidden piece from left to right, −1 elsewhere; and gold: N int64
    arrays [W_n], the ids that were hidden. unseen: the class of a word that was cut off.
    """

    ids: list[np.ndarray]
    types: list[np.ndarray] | None
    words: list[np.ndarray]
    lengths: np.ndarray
    pad_id: int
    word_counts: np.ndarray | None = None
    targets: list[np.ndarray] | None = None
    gold: list[np.ndarray] | None = None
    unseen: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> Encoded:
        """The examples at these positions, in this order."""
        chosen = np.asarray(rows, dtype=np.int64)
        return Encoded(
            ids=[self.ids[i] for i in chosen.tolist()],
            types=None if self.types is None else [self.types[i] for i in chosen.tolist()],
            words=[self.words[i] for i in chosen.tolist()],
            lengths=self.lengths[chosen],
            pad_id=self.pad_id,
            word_counts=None if self.word_counts is None else self.word_counts[chosen],
            targets=None if self.targets is None else [self.targets[i] for i in chosen.tolist()],
            gold=None if self.gold is None else [self.gold[i] for i in chosen.tolist()],
            unseen=self.unseen,
        )


class Task:
    """One kind of prediction. A unit is what gets one prediction: an example, in tagging a word, in masked LM a hidden
    piece.

    Attributes:
        name: as in the config. metric: key of `quality` that chooses checkpoints and stands in reports, in [0, 1].
        unit: "example", "word" or "piece".
        copies: how often every training row stands in the pool, one copy after the other; an epoch is one of them.
    """

    name: str
    metric: str
    unit: str

    @property
    def copies(self) -> int:
        return 1

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

    def encode(self, tokenizer: Any, rows: Rows, max_tokens: int) -> Encoded:
        """Rows in a tokeniser's pieces, cut to `max_tokens` (or to the tokeniser's own limit, where that is lower)."""
        raise NotImplementedError

    def bind(self, rows: Rows, encoded: Encoded, tokenizer: Any) -> Rows:
        """Rows with the gold that their encoding gives them; the same rows where they have it already."""
        del encoded, tokenizer
        return rows

    def targets(self, rows: Rows, encoded: Encoded) -> Targets:
        """Gold of these rows, encoded so, in batches."""
        del encoded
        return Targets(self.gold(rows), self.counts(rows))

    def gold(self, rows: Rows) -> np.ndarray:
        """[U] int64 class of every unit, row after row; −1 where there is no gold."""
        raise NotImplementedError

    def counts(self, rows: Rows) -> np.ndarray | None:
        """[N] units of each row; None where each row is one unit."""
        raise NotImplementedError

    def quality(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> dict[str, Any]:
        """All figures of predicted [U] on rows with gold, fractions in [0, 1]; holds `metric`."""
        raise NotImplementedError

    def likelihood(self, nll: np.ndarray) -> dict[str, float]:
        """Further figures of [U] −log p of gold, where the task reports them."""
        del nll
        return {}

    def scores(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """(numerator, denominator), each [N] per row: quality[metric] = Σ numerator / Σ denominator."""
        raise NotImplementedError


def build_task(name: str) -> Task:
    """The task of that name (`catalogue.TASKS`)."""
    return cast(Task, TASKS[name].load()())


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
        rows = np.asarray(rows)
        if self._offsets is None or self.counts is None:
            return torch.from_numpy(self.gold[rows])
        table = np.full((len(rows), width), -1, dtype=np.int64)
        counts = np.minimum(self.counts[rows], width)
        for place, (row, count) in enumerate(zip(rows.tolist(), counts.tolist(), strict=True)):
            start = int(self._offsets[row])
            table[place, :count] = self.gold[start : start + count]
        return torch.from_numpy(table)
