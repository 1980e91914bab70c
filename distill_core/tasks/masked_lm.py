"""Masked language modelling: hidden words of plain text are guessed, piece by piece; quality is masked accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from distill_core.data.ragged import Builder, Keys
from distill_core.data.types import Rows
from distill_core.errors import CheckpointError, FieldError
from distill_core.tasks import masked_rules
from distill_core.tasks.base import Encoded, Targets, Task, TaskWords
from distill_core.tasks.classification import encode
from distill_core.tasks.masking import MaskPieces, copy_key, mask_words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from distill_core.checkpoints import CheckpointInfo
    from distill_core.config import RunConfig
    from distill_core.data.draft import DataConfig, Draft
    from distill_core.data.types import PreparedData


class MaskedLM(Task):
    """The classes are the tokeniser's pieces, the units are hidden pieces. A unit's gold is what stood there.

    A text is masked by the key in `Rows.ids`, so the training text has a copy for each epoch, with ids of its own, and
    validation and test have one masking, whatever the seed.

    Args:
        share: of each text's pieces that is hidden.
        seed, epochs: of the run; how often, and by what, the training text is masked.
    """

    name, metric, unit = "masked_lm", "accuracy", "piece"
    words = TaskWords(
        files="Files: plain text (.txt), one text a line, or the text column of CSV, TSV, JSONL or Parquet.",
        student="A masked language model",
        row="test text",
    )
    labelled, bundled = False, "train.txt"

    def __init__(self, share: float = 0.15, *, seed: int = 0, epochs: int = 1) -> None:
        self.share, self.seed, self.epochs = share, seed, epochs

    def draft(self, config: DataConfig, seed: int) -> Draft:
        from distill_core.data.plain_text import draft_plain_text

        return draft_plain_text(config, seed)

    def refuse(self, config: RunConfig) -> None:
        masked_rules.refuse(config)

    def teacher_misfits(self, own: CheckpointInfo, infos: Sequence[CheckpointInfo]) -> list[FieldError]:
        return masked_rules.teacher_misfits(own, infos)

    def count_words(self, labels: Sequence[str]) -> str:
        return "plain text"

    def for_run(self, config: RunConfig) -> MaskedLM:
        epochs = [stage.epochs for stage in config.training.stages] or [config.training.epochs]
        return MaskedLM(config.data.mask_share, seed=config.seeds[0], epochs=max(epochs))

    @property
    def copies(self) -> int:
        return self.epochs

    def pool(self, data: PreparedData) -> Rows:
        """The training text once per epoch, copy after copy."""
        once = data.train
        found = Rows.concat([once] * self.epochs)
        found.__dict__["ids"] = Keys.joined(
            [
                [copy_key(key, seed=self.seed, epoch=epoch, share=self.share) for key in once.ids]
                for epoch in range(self.epochs)
            ]
        )
        return found

    def encode(self, tokenizer: PreTrainedTokenizerFast, rows: Rows, max_tokens: int) -> Encoded:
        """Masked texts with their `targets` and `gold`.

        Raises:
            CheckpointError: the tokeniser has no mask piece, or no character offsets.
        """
        pieces = mask_pieces(tokenizer)
        first: dict[str, int] = {}
        for text in rows.texts:
            first.setdefault(text, len(first))
        distinct = Rows(list(first), None, np.zeros(len(first)), list(range(len(first))))
        plain = encode(tokenizer, distinct, max_tokens)
        which = [first[text] for text in rows.texts]
        ids, targets, gold = Builder(np.int32), Builder(np.int32), Builder(np.int64)
        for place, key in zip(which, rows.ids, strict=True):
            own = plain.ids[place]
            masked, hidden = mask_words(own, plain.words[place], key, share=self.share, pieces=pieces)
            ids.add(masked)
            targets.add(hidden)
            gold.add(own[hidden >= 0])
        places, made, answers = np.asarray(which, dtype=np.int64), ids.done(), gold.done()
        return Encoded(
            ids=made,
            # Every masking of a text shares these.
            types=None if plain.types is None else plain.types.take(places),
            words=plain.words.take(places),
            lengths=plain.lengths[places],
            pad_id=plain.pad_id,
            word_counts=answers.counts,
            targets=targets.done().beside(made),
            gold=answers,
        )

    def bind(self, rows: Rows, encoded: Encoded, tokenizer: PreTrainedTokenizerFast) -> Rows:
        """The rows with the hidden pieces as their words and tags."""
        assert encoded.gold is not None
        words = [list(tokenizer.convert_ids_to_tokens(gold.tolist())) for gold in encoded.gold]
        bound = replace(rows, words=words, tags=list(encoded.gold))
        bound.__dict__["ids"] = rows.ids
        return bound

    def targets(self, rows: Rows, encoded: Encoded) -> Targets:
        assert encoded.gold is not None
        return Targets(encoded.gold.all(), encoded.word_counts)

    def gold(self, rows: Rows) -> np.ndarray:
        return _joined(rows.tags or [])

    def counts(self, rows: Rows) -> np.ndarray | None:
        return np.asarray([len(tags) for tags in rows.tags or []], dtype=np.int64)

    def quality(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> dict[str, Any]:
        """Share of hidden pieces that are guessed; with `likelihood` also perplexity and loss."""
        gold = self.gold(rows)
        if len(gold) != len(predicted) or not len(gold):
            raise ValueError(f"{len(gold)} hidden pieces but {len(predicted)} predictions")
        return {"accuracy": float(np.mean(gold == predicted)), "per_class": []}

    def likelihood(self, nll: np.ndarray) -> dict[str, float]:
        """loss: mean −log p of what was hidden, nats a piece; perplexity: its exponential, ≥ 1."""
        loss = float(np.mean(nll.astype(np.float64)))
        return {"loss": loss, "perplexity": float(np.exp(loss))}

    def scores(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
        counts = self.counts(rows)
        assert counts is not None
        owner = np.repeat(np.arange(len(counts)), counts)
        correct = np.bincount(owner, weights=self.gold(rows) == predicted, minlength=len(counts))
        return correct, counts.astype(np.float64)


def mask_pieces(tokenizer: PreTrainedTokenizerFast) -> MaskPieces:
    """The mask piece and all pieces that are not special. Raises CheckpointError for a tokeniser without a mask."""
    mask = tokenizer.mask_token_id
    if mask is None:
        raise CheckpointError(
            "the tokeniser has no mask piece, so no word can be hidden.",
            hint="Choose a checkpoint that was pre-trained as a masked language model.",
        )
    special = np.asarray(tokenizer.all_special_ids, dtype=np.int64)
    return MaskPieces(int(mask), np.setdiff1d(np.arange(len(tokenizer)), special))


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, dtype=np.int64)
