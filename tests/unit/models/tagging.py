"""Words of more than one piece, longer neighbours and cut-off words, for the tests of tagging."""

from __future__ import annotations

import torch

from distill_core.models.types import Batch, Outputs
from tests.unit.models.conftest import batch_of

TAGS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
IDS = [[2, 7, 9, 11, 6, 14, 3], [2, 5, 8, 3], [2, 10, 12, 13, 16, 17, 18, 19, 20, 3]]
#: word 2 of the first row has no piece; the last row has six words
WORDS = [[-1, 0, 0, 1, 3, 3, -1], [-1, 0, 1, -1], [-1, 0, 1, 1, 1, 2, 3, 4, 5, -1]]
FIRST = [[1, 3, None, 4], [1, 2], [1, 2, 5, 6, 7, 8]]
CLASSES = len(TAGS)


def tagged(rows: list[int] | None = None, pad_to: int | None = None, pad: int = 0) -> Batch:
    """The examples above, or those of these rows."""
    rows = [0, 1, 2] if rows is None else rows
    batch = batch_of([IDS[row] for row in rows], pad_to, pad)
    width = batch.input_ids.shape[1]
    batch.words = torch.tensor([WORDS[row] + [-1] * (width - len(WORDS[row])) for row in rows])
    return batch


def check_words(outputs: Outputs, states: torch.Tensor) -> None:
    """The outputs of `tagged()` are there for exactly the words that have a piece; `pooled` are their first states."""
    assert outputs.word_mask is not None
    assert outputs.logits.shape == (3, 6, CLASSES)
    assert outputs.pooled.shape == (3, 6, states.shape[-1])
    for row, positions in enumerate(FIRST):
        for word in range(6):
            position = positions[word] if word < len(positions) else None
            assert bool(outputs.word_mask[row, word]) == (position is not None)
            if position is None:
                assert not outputs.logits[row, word].any() and not outputs.pooled[row, word].any()
            else:
                assert torch.allclose(outputs.pooled[row, word], states[row, position], atol=1e-6)


@torch.no_grad()
def check_padding(model: torch.nn.Module, *, tolerance: float = 1e-6) -> None:
    """Alone, beside longer examples, with more and with other padding: the same answers (in double precision, where
    rounding is far below what padding that leaks would change)."""
    model = model.double()
    together = model(tagged())
    for row, words in enumerate(FIRST):
        alone = model(tagged([row]))
        assert alone.logits.shape[-2:] == (len(words), CLASSES)
        for name in ("logits", "pooled"):
            expected, found = getattr(together, name)[row], getattr(alone, name)[0]
            assert torch.allclose(expected[: len(words)], found, atol=tolerance)
            assert not expected[len(words) :].any()
        assert torch.equal(together.word_mask[row, : len(words)], alone.word_mask[0])
        assert not together.word_mask[row, len(words) :].any()
    for other in (tagged(pad_to=19), tagged(pad_to=19, pad=9)):
        assert torch.allclose(model(other).logits, together.logits, atol=tolerance)
        assert torch.allclose(model(other).pooled, together.pooled, atol=tolerance)
