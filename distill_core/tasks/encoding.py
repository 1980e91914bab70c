"""What all tasks share when they tokenise and pad. Loading it loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

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
    words_of: Callable[[int, Sequence[int | None], np.ndarray], np.ndarray],
) -> Encoded:
    """Tokenise texts or pairs, cut to `max_tokens` pieces (or to the tokeniser's own limit, where that is lower); of a
    pair the longer text is cut first.

    Args:
        texts, pairs: [N], as `encodable` gives them.
        words_of: (row, text each piece comes from (None: special), character spans [T, 2]) → [T] word of each piece,
            −1 on specials.

    Raises:
        CheckpointError: the tokeniser has no character offsets (a slow one).
    """
    require_fast(tokenizer)
    typed = "token_type_ids" in tokenizer.model_input_names
    ids: list[np.ndarray] = []
    types: list[np.ndarray] = []
    words: list[np.ndarray] = []
    for start in range(0, len(texts), CHUNK):
        found: Any = tokenizer(
            list(texts[start : start + CHUNK]),
            None if pairs is None else list(pairs[start : start + CHUNK]),
            truncation="longest_first",
            max_length=min(max_tokens, tokenizer.model_max_length),
            padding=False,
            return_offsets_mapping=True,
            return_token_type_ids=typed,
            return_attention_mask=False,
        )
        ids += [np.asarray(row, dtype=np.int32) for row in found["input_ids"]]
        if typed:
            types += [np.asarray(row, dtype=np.int32) for row in found["token_type_ids"]]
        for number, spans in enumerate(found["offset_mapping"]):
            places = np.asarray(spans, dtype=np.int64).reshape(-1, 2)
            words.append(words_of(start + number, found.sequence_ids(number), places))
    pad = tokenizer.pad_token_id
    return Encoded(
        ids=ids,
        types=types if typed else None,
        words=words,
        lengths=np.asarray([len(row) for row in ids], dtype=np.int64),
        # Without a padding piece any id will do: padding is masked everywhere.
        pad_id=int(pad) if pad is not None else 0,
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

    def padded(parts: list[np.ndarray], fill: int) -> Tensor:
        table = np.full(mask.shape, fill, dtype=np.int64)
        if len(indices):
            table[mask] = np.concatenate([parts[int(i)] for i in indices])
        return torch.from_numpy(table)

    return Batch(
        input_ids=padded(encoded.ids, encoded.pad_id),
        mask=torch.from_numpy(mask),
        type_ids=None if encoded.types is None else padded(encoded.types, 0),
        words=padded(encoded.words, -1),
        targets=None if encoded.targets is None else padded(encoded.targets, -1),
    )
