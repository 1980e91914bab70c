"""A transformer student as a model class of `transformers`, which loads without this project."""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from distill_core.models.encoders import model_inputs, new_classifier
from distill_core.models.masked_teacher import head_parts
from distill_core.models.types import Batch
from distill_core.models.words import each_piece

#: largest difference of logits between two forms of one model
SAME = 1e-4


def as_transformers(student: Any, config: PreTrainedConfig) -> PreTrainedModel | None:
    """The same weights in a token classifier (for whole texts too: their logits are those of the first token) or masked
    language model of the encoder's own kind; None where there is none, or it does not compute the same.

    Args:
        student: a transformer student. config: of its encoder, with the labels in it where it has any.
    """
    if getattr(student.encoder.get_input_embeddings(), "rank", None) is not None:
        return None
    try:
        model = new_classifier(config, unit="piece" if student.unit == "piece" else "word")
        _fill(model, student)
    except Exception:  # a kind without such a head, or parts of other names and shapes: then it cannot be held
        return None
    return model.eval() if _same(model, student) else None


def _fill(model: PreTrainedModel, student: Any) -> None:
    """Raises where the parts differ."""
    model.base_model.load_state_dict(student.encoder.state_dict(), strict=True)
    if student.unit != "piece":
        model.get_submodule("classifier").load_state_dict(student.prediction.state_dict(), strict=True)
        return
    parts = head_parts(student.prediction, model)
    if parts is None:
        raise ValueError("a head of another kind")
    with torch.no_grad():
        for own, theirs in parts:
            theirs.copy_(own)


def _same(model: PreTrainedModel, student: Any) -> bool:
    """Do both say the same about random pieces, with padding?"""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, len(student.tokenizer), (3, 12), generator=generator)
    mask = torch.ones_like(ids, dtype=torch.bool)
    mask[1, 7:] = False
    ids[~mask] = student.tokenizer.pad_token_id
    types = torch.zeros_like(ids) if "token_type_ids" in student.tokenizer.model_input_names else None
    batch = Batch(ids, mask, types, words=torch.arange(12).repeat(3, 1))
    student.eval()
    with torch.inference_mode(), each_piece():
        own = student(batch).logits
        other = model.eval()(**model_inputs(student.encoder, batch)).logits
    other = other[:, 0] if student.unit == "example" else other
    real = mask if student.unit != "example" else slice(None)
    return own.shape == other.shape and bool((own - other)[real].abs().max() < SAME)
