"""Texts with gaps for a masked language model to fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from distill_core.data.ragged import Ragged
from distill_core.tasks.base import Encoded
from distill_core.tasks.encoding import encodable
from distill_core.tasks.masked_lm import mask_pieces

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

#: how people write a gap, whatever the tokeniser's mask piece is called
MASK = "[MASK]"


def encode_gaps(tokenizer: PreTrainedTokenizerFast, text: str, max_tokens: int) -> Encoded:
    """One text whose units are its gaps; those beyond `max_tokens` pieces are cut off with the rest.

    Raises CheckpointError for a tokeniser without a mask piece.
    """
    mask_id = mask_pieces(tokenizer).mask_id
    typed = "token_type_ids" in tokenizer.model_input_names
    found: Any = tokenizer(
        encodable([text.replace(MASK, str(tokenizer.mask_token))]),
        truncation=True,
        max_length=min(max_tokens, tokenizer.model_max_length),
        padding=False,
        return_token_type_ids=typed,
        return_attention_mask=False,
    )
    ids = np.asarray(found["input_ids"][0], dtype=np.int32)
    gaps = ids == mask_id
    targets = np.where(gaps, np.cumsum(gaps) - 1, -1).astype(np.int32)
    return Encoded(
        ids=Ragged.of([ids]),
        types=Ragged.of([np.asarray(found["token_type_ids"][0])]) if typed else None,
        words=Ragged.of([np.full(len(ids), -1)]),
        lengths=np.asarray([len(ids)], dtype=np.int64),
        pad_id=int(tokenizer.pad_token_id),
        word_counts=np.asarray([int(gaps.sum())], dtype=np.int64),
        targets=Ragged.of([targets]),
    )
