"""Asking a teacher now."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from distill_core.losses.buckets import top_classes
from distill_core.models.fast import shortcuts
from distill_core.models.memory import Room, within
from distill_core.models.mixing import mixture
from distill_core.models.precision import Precision, answers
from distill_core.models.types import Batch
from distill_core.models.words import pool_words
from distill_core.signals.predict import predict_logits
from distill_core.signals.types import AskableTeacher, Level, SignalSpec, TeacherSignal, merged
from distill_core.tasks.base import Encoded
from distill_core.tasks.encoding import collate

FP16_MAX = 65504.0


def through_fp16(values: Tensor) -> Tensor:
    """Values as the cache holds them: clamped to fp16's range and rounded to it; returned as fp16."""
    return values.float().clamp(-FP16_MAX, FP16_MAX).half()


def count_units(encoded: Encoded, level: Level) -> np.ndarray:
    """[N] int64: how many units each example has. Tokens: its pieces; words: its highest word number + 1, so words
    without a piece of their own (cut off, or merged into a neighbour) keep their place."""
    if level == "token":
        return encoded.lengths.astype(np.int64)
    return np.asarray([int(words.max(initial=-1)) + 1 for words in encoded.words], dtype=np.int64)


@torch.no_grad()
def ask(teacher: AskableTeacher, batch: Batch, spec: SignalSpec, *, precision: Precision = "fp32") -> TeacherSignal:
    """What the teacher (in eval mode, on the batch's device) says about a batch.

    Hidden states and pooled vectors carry fp16's rounding, as cached ones do; logits are fp32. precision: what the
    teacher computes in.
    """
    # A teacher without attention need not know the word.
    with shortcuts(teacher):
        options = {"qkv": spec.qkv} if spec.qkv else {}
        outputs = answers(teacher, batch, precision, layers=spec.layers, **options)
    mask = batch.mask
    if spec.level == "word":
        # States of no width: the mask is wanted even where no layer is.
        mask = pool_words(outputs.logits.new_zeros(*batch.words.shape, 0), batch.words)[1]
    hidden: dict[int, Tensor] = {}
    for layer in spec.layers:
        states = outputs.hidden[layer].float()
        if spec.level == "word":
            states = pool_words(states, batch.words)[0]
        hidden[layer] = through_fp16(states).float().masked_fill(~mask.unsqueeze(-1), 0.0)
    qkv = {
        layer: through_fp16(outputs.qkv[layer]).float().masked_fill(~mask[:, :, None, None], 0.0) for layer in spec.qkv
    }
    logits, classes = outputs.logits.float(), None
    if spec.top_k:
        logits, classes = top_classes(logits, spec.top_k)
    if outputs.word_mask is not None:
        logits = logits.masked_fill(~outputs.word_mask.unsqueeze(-1), 0.0)
    return TeacherSignal(
        logits=logits,
        pooled=through_fp16(outputs.pooled).float() if spec.pooled else None,
        hidden=hidden,
        mask=mask,
        level=spec.level,
        qkv=qkv,
        word_mask=outputs.word_mask,
        classes=classes,
    )


class LiveSource:
    """A teacher that is asked each time (SignalSource).

    Args:
        teacher: moved to `device` and kept in eval mode.
        encoded: the N examples in this teacher's pieces; rows are positions in it.
        spec: what to keep besides the logits.
        device: where the teacher computes; signals are returned there.
        batch_size: examples per forward pass of `logits`.
        precision: what the teacher computes in.
        room: what the device's memory holds, where others share it or want to hear of it.
    """

    def __init__(
        self,
        teacher: AskableTeacher,
        encoded: Encoded,
        spec: SignalSpec,
        device: torch.device | str = "cpu",
        *,
        batch_size: int = 64,
        precision: Precision = "fp32",
        room: Room | None = None,
    ) -> None:
        self.teacher, self.encoded, self.spec = teacher, encoded, spec
        self.device, self.batch_size, self.precision = device, batch_size, precision
        self.room = room or Room()
        self._logits: np.ndarray | None = None
        teacher.to(device)

    def get(self, rows: np.ndarray) -> TeacherSignal:
        """Signals of these rows, in this order, on the source's device."""
        parts = [signal for _, signal in self.parts(rows)]
        if len(parts) == 1:
            return parts[0]
        ends = np.cumsum([len(part.logits) for part in parts])
        places = [np.arange(end - len(part.logits), end) for end, part in zip(ends, parts, strict=True)]
        return merged(list(zip(places, parts, strict=True)), len(rows))

    def parts(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, TeacherSignal]]:
        """The same in parts that the device's memory holds: (some of the rows, their signals), row after row."""
        self.teacher.eval()
        yield from within(self.room, rows, self.encoded.lengths, self._asked)

    def _asked(self, rows: np.ndarray) -> TeacherSignal:
        batch = collate(self.encoded, rows).to(self.device)
        return ask(self.teacher, batch, self.spec, precision=self.precision)

    @torch.no_grad()
    def mixed(self, rows: np.ndarray, partners: np.ndarray, share: float) -> Tensor:
        """Logits [B, C] fp32 about mixtures of these rows with their partners, in the teacher's own embeddings.

        share: λ in [0, 1], of `rows`; the partners have 1 − λ. Only for classification.
        """
        self.teacher.eval()
        both = collate(self.encoded, np.concatenate([rows, partners])).to(self.device)
        index = torch.arange(len(both.input_ids), device=self.device)
        batch = mixture(both.take(index[: len(rows)]), both.take(index[len(rows) :]), share)
        with shortcuts(self.teacher):
            return answers(self.teacher, batch, self.precision).logits.float()

    def logits(self) -> np.ndarray:
        """[U, C] float32 of all rows, one after the other (in tagging U counts given words); computed once."""
        if self._logits is None:
            self.teacher.eval()
            self._logits = predict_logits(
                self.teacher, self.encoded, self.device, batch_size=self.batch_size, precision=self.precision
            )
        return self._logits
