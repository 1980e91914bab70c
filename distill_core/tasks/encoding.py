"""What all tasks share when they tokenise and pad. Loading it loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from distill_core.data.ragged import Builder, Ragged
from distill_core.errors import CheckpointError
from distill_core.tasks.base import Encoded

if TYPE_CHECKING:
    from torch import Tensor

    from distill_core.models.types import Batch

#: Texts given to the tokeniser at once: enough to keep its threads busy, little enough to keep its answer small.
CHUNK = 1000


def require_fast(tokenizer: Any) -> None:
    """Raises CheckpointError for a tokeniser without character offsets."""
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"the tokeniser {type(tokenizer).__name__} cannot tell which characters a piece stands for.",
            hint="Save the checkpoint with a fast tokeniser (tokenizer.json).",
        )


def encode_texts(
    tokenizer: Any,
    texts: Sequence[str],
    pairs: Sequence[str] | None,
    max_tokens: int,
    words_of: Callable[[int, tuple[str, ...], Sequence[int | None], np.ndarray], np.ndarray],
) -> Encoded:
    """Tokenise texts or pairs, cut to `max_tokens` pieces (or to the tokeniser's own limit, where that is lower); of a
    pair the longer text is cut first.

    Args:
        texts, pairs: [N]; what is read is what `encodable` makes of them.
        words_of: (row, its text or texts as they are read, text each piece comes from (None: special), character spans
            [T, 2]) → [T] word of each piece, −1 on specials.

    Raises:
        CheckpointError: the tokeniser has no character offsets (a slow one).
    """
    require_fast(tokenizer)
    typed = "token_type_ids" in tokenizer.model_input_names
    ids, types, words = Builder(np.int32), Builder(np.int32), Builder(np.int32)
    for start in range(0, len(texts), CHUNK):
        first = encodable(texts[start : start + CHUNK])
        second = None if pairs is None else encodable(pairs[start : start + CHUNK])
        found = pieces_of(tokenizer, first, second, max_tokens=max_tokens, typed=typed)
        counts = [len(row) for row in found["input_ids"]]
        ids.extend(_flat(found["input_ids"]), counts)
        if typed:
            types.extend(_flat(found["token_type_ids"]), counts)
        for number, spans in enumerate(found["offset_mapping"]):
            given = (first[number],) if second is None else (first[number], second[number])
            places = np.asarray(spans, dtype=np.int64).reshape(-1, 2)
            words.add(words_of(start + number, given, found.sequence_ids(number), places))
    pad, made = tokenizer.pad_token_id, ids.done()
    return Encoded(
        ids=made,
        types=types.done().beside(made) if typed else None,
        words=words.done().beside(made),
        lengths=made.counts,
        # Without a padding piece any id will do: padding is masked everywhere.
        pad_id=int(pad) if pad is not None else 0,
    )


def _flat(rows: Sequence[Sequence[int]]) -> np.ndarray:
    return np.fromiter(chain.from_iterable(rows), dtype=np.int32)


def pieces_of(
    tokenizer: Any, texts: list[str], pairs: list[str] | None = None, *, max_tokens: int, typed: bool = False
) -> Any:
    """What the tokeniser makes of one chunk, cut as `encode_texts` cuts, with character offsets; typed: with types."""
    return tokenizer(
        texts,
        pairs,
        truncation="longest_first",
        max_length=min(max_tokens, tokenizer.model_max_length),
        padding=False,
        return_offsets_mapping=True,
        return_token_type_ids=typed,
        return_attention_mask=False,
    )


def encodable(texts: Sequence[str]) -> list[str]:
    """Lone surrogates (JSON can carry them, UTF-8 cannot) become "?", one for one, so that positions stay."""
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]


def collate(encoded: Encoded, indices: np.ndarray) -> Batch:
    """A Batch of these examples on the CPU, in this order, padded on the right to the longest of them."""
    import torch  # here, as the page knows the tasks too

    from distill_core.models.types import Batch

    lengths = encoded.lengths[indices]
    mask = np.arange(int(lengths.max(initial=0)))[None, :] < lengths[:, None]

    def padded(parts: Ragged, fill: int) -> Tensor:
        table = np.full(mask.shape, fill, dtype=np.int64)
        if len(indices):
            table[mask] = parts.joined(indices)
        return torch.from_numpy(table)

    return Batch(
        input_ids=padded(encoded.ids, encoded.pad_id),
        mask=torch.from_numpy(mask),
        type_ids=None if encoded.types is None else padded(encoded.types, 0),
        words=padded(encoded.words, -1),
        targets=None if encoded.targets is None else padded(encoded.targets, -1),
    )
