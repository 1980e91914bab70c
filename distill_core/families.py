"""The encoder families that can be teachers: how each spells its sizes, and which tensors are the encoder itself.

A family is in the table when transformers' ``AutoModel`` for it is a bidirectional encoder with ``last_hidden_state``
and ``hidden_states``, and when its tokeniser reports character offsets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from distill_core.errors import CheckpointError

#: tensor name → (dtype as safetensors writes it, shape)
Tensors = Mapping[str, tuple[str, tuple[int, ...]]]

_LAYER = re.compile(r"^(?:encoder\.layer|transformer\.layer|layers)\.(\d+)\.")
_BUFFERS = ("position_ids", "token_type_ids", "inv_freq")


@dataclass(frozen=True)
class Family:
    """How one model type is spelt.

    prefix: what precedes the encoder's tensors in a checkpoint with a head. parts: the encoder's top-level modules,
    without poolers and heads. words: the word embedding. The other names are keys of config.json. offset: True where
    position ids start after the padding id, so that many rows of the position table are never used (RoBERTa).
    """

    prefix: str
    parts: tuple[str, ...] = ("embeddings", "encoder")
    words: str = "embeddings.word_embeddings.weight"
    hidden: str = "hidden_size"
    layers: str = "num_hidden_layers"
    heads: str = "num_attention_heads"
    intermediate: str = "intermediate_size"
    shared_layers: bool = False
    offset: bool = False


FAMILIES: dict[str, Family] = {
    "albert": Family("albert.", shared_layers=True),
    "bert": Family("bert."),
    "camembert": Family("roberta.", offset=True),
    "convbert": Family("convbert.", parts=("embeddings", "embeddings_project", "encoder")),
    "deberta": Family("deberta."),
    "deberta-v2": Family("deberta."),
    "distilbert": Family(
        "distilbert.",
        parts=("embeddings", "transformer"),
        hidden="dim",
        layers="n_layers",
        heads="n_heads",
        intermediate="hidden_dim",
    ),
    "electra": Family("electra.", parts=("embeddings", "embeddings_project", "encoder")),
    "ernie": Family("ernie."),
    "megatron-bert": Family("bert."),
    "mobilebert": Family("mobilebert."),
    "modernbert": Family(
        "model.", parts=("embeddings", "layers", "final_norm"), words="embeddings.tok_embeddings.weight"
    ),
    "mpnet": Family("mpnet.", offset=True),
    "rembert": Family("rembert."),
    "roberta": Family("roberta.", offset=True),
    "xlm-roberta": Family("roberta.", offset=True),
    "xlm-roberta-xl": Family("roberta.", offset=True),
}

_ENCODER_DECODERS = {"t5", "mt5", "umt5", "bart", "mbart", "pegasus", "marian", "m2m_100", "led", "encoder-decoder"}
_DECODERS = {"gpt2", "gpt_neo", "gpt_neox", "gptj", "opt", "bloom", "llama", "mistral", "mixtral", "falcon", "phi"}
_DECODERS |= {"phi3", "gemma", "gemma2", "gemma3", "gemma3_text", "qwen2", "qwen3", "smollm3", "mamba", "openai-gpt"}
_USE_ENCODER = "Choose an encoder such as BERT, RoBERTa, DistilBERT, ELECTRA, ALBERT, DeBERTa, MPNet or ModernBERT."


@dataclass(frozen=True)
class Dimensions:
    """Sizes of an encoder as config.json gives them. max_positions: longest usable input, in tokens."""

    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocab_size: int
    max_positions: int


@dataclass(frozen=True)
class Counted:
    """Parameters of an encoder. outside: embeddings and everything else that is in no single layer.

    per_layer: parameters of each layer in order; empty where all layers share their weights (ALBERT), which then
    count as outside.
    """

    outside: int
    per_layer: tuple[int, ...]
    total: int  # all tensors of the file(s), heads too

    def encoder(self, layers: int) -> int:
        """Parameters of the encoder with its first `layers` layers."""
        return self.outside + sum(self.per_layer[:layers])


def family_of(config: Mapping[str, Any], where: str) -> Family:
    """The family a config.json belongs to. Raises CheckpointError, in words, for what cannot be a teacher."""
    model_type = config.get("model_type")
    if not isinstance(model_type, str):
        raise CheckpointError(
            f"The config.json of {where} names no model type.",
            hint="It must be saved with transformers' save_pretrained.",
        )
    architectures = [name for name in config.get("architectures") or [] if isinstance(name, str)]
    if config.get("is_encoder_decoder") or model_type in _ENCODER_DECODERS:
        raise CheckpointError(f"{where} is an encoder-decoder ({model_type}), not an encoder.", hint=_USE_ENCODER)
    generates = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures)
    if config.get("is_decoder") or model_type in _DECODERS or (generates and model_type not in FAMILIES):
        raise CheckpointError(f"{where} is a decoder ({model_type}), not an encoder.", hint=_USE_ENCODER)
    if any(str(key).startswith(("AutoModel", "AutoConfig")) for key in config.get("auto_map") or {}):
        raise CheckpointError(
            f"{where} needs code of its own from the Hub (auto_map in config.json), and such code is never run here.",
            hint="Choose a checkpoint of an architecture that transformers has itself.",
        )
    if model_type not in FAMILIES:
        raise CheckpointError(
            f"{where} is of the model type {model_type!r}, which is not among those supported.",
            hint=f"Supported are {', '.join(sorted(FAMILIES))}.",
        )
    return FAMILIES[model_type]


def dimensions(config: Mapping[str, Any], family: Family, where: str) -> Dimensions:
    """The sizes in config.json. Raises CheckpointError when one is missing or not a positive whole number."""

    def size(key: str, default: int | None = None) -> int:
        value = config.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise CheckpointError(
                f"The config.json of {where} gives no usable {key} (found: {value!r}).",
                hint="It must be a whole number above zero; is this the checkpoint's own config.json?",
            )
        return value

    positions = size("max_position_embeddings", 512)
    if family.offset:
        padding = config.get("pad_token_id")
        positions = max(1, positions - (padding if isinstance(padding, int) else 1) - 1)
    return Dimensions(
        layers=size(family.layers),
        hidden=size(family.hidden),
        heads=size(family.heads),
        intermediate=size(family.intermediate),
        vocab_size=size("vocab_size"),
        max_positions=positions,
    )


def _is_parameter(name: str, dtype: str) -> bool:
    return dtype.startswith(("F", "BF")) and not name.endswith(_BUFFERS)


def _unused(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Embeddings that some checkpoints carry although their config switches them off; transformers drops them."""
    off = []
    if config.get("model_type") in ("deberta", "deberta-v2"):
        if config.get("position_biased_input") is False:
            off.append("embeddings.position_embeddings.")
        if not config.get("type_vocab_size"):
            off.append("embeddings.token_type_embeddings.")
    if config.get("model_type") == "ernie" and not config.get("use_task_id"):
        off.append("embeddings.task_type_embeddings.")
    return tuple(off)


def count(tensors: Tensors, config: Mapping[str, Any], where: str) -> Counted:
    """Count an encoder's parameters from its tensors' names and shapes.

    Equals ``sum(p.numel())`` of transformers' bare model without pooler. Raises CheckpointError when the tensors do
    not fit config.json.
    """
    family = family_of(config, where)
    sizes = dimensions(config, family, where)
    wrapped = any(name.startswith(family.prefix) for name in tensors)
    start = len(family.prefix) if wrapped else 0
    body = {n[start:]: spec for n, spec in tensors.items() if not wrapped or n.startswith(family.prefix)}
    unused = _unused(config)
    outside, layers = 0, dict.fromkeys(range(sizes.layers), 0)
    for name, (dtype, shape) in body.items():
        if name.split(".", 1)[0] not in family.parts or name.startswith(unused) or not _is_parameter(name, dtype):
            continue
        found = _LAYER.match(name)
        if not found:
            outside += prod(shape)
        elif int(found[1]) in layers:  # layers beyond config.json's number are not loaded
            layers[int(found[1])] += prod(shape)
    words = body.get(family.words)
    if words is None:
        raise CheckpointError(
            f"The weights of {where} are not those of a {config['model_type']} encoder: they hold no {family.words}.",
            hint="config.json and the weights must come from the same checkpoint.",
        )
    if words[1][:1] != (sizes.vocab_size,):
        raise CheckpointError(
            f"The weights of {where} embed {words[1][0]} pieces, its config.json says {sizes.vocab_size}.",
            hint="config.json and the weights must come from the same checkpoint.",
        )
    missing = [n for n, parameters in layers.items() if not parameters]
    if missing and not family.shared_layers:
        raise CheckpointError(
            f"The config.json of {where} says {sizes.layers} layers, but layer {missing[0] + 1} has no weights.",
            hint="config.json and the weights must come from the same checkpoint.",
        )
    return Counted(
        outside=outside,
        per_layer=() if family.shared_layers else tuple(layers.values()),
        total=sum(prod(shape) for name, (dtype, shape) in tensors.items() if _is_parameter(name, dtype)),
    )


def head_labels(config: Mapping[str, Any], tensors: Tensors) -> list[str] | None:
    """Label names of a sequence classifier in the order of its logits; None when there is no such head.

    Names come from ``id2label``; transformers leaves it out for two classes with default names, which are then
    ``LABEL_0``, ``LABEL_1``. Regression and multi-label heads are no classifiers in this sense.
    """
    if not any(str(name).endswith("ForSequenceClassification") for name in config.get("architectures") or []):
        return None
    if config.get("problem_type") in ("regression", "multi_label_classification"):
        return None
    heads = [spec[1] for name in ("classifier.out_proj.weight", "classifier.weight") if (spec := tensors.get(name))]
    if not heads or len(heads[0]) != 2 or heads[0][0] < 2:
        return None
    names = config.get("id2label") or {}
    return [str(names.get(str(i), f"LABEL_{i}")) for i in range(heads[0][0])]


#: the inner map of masked-LM heads: BERT and DeBERTa, RoBERTa, DistilBERT, ELECTRA, ALBERT, ModernBERT
_MASKED_HEADS = (
    "cls.predictions.transform.dense.weight",
    "lm_head.dense.weight",
    "vocab_transform.weight",
    "generator_predictions.dense.weight",
    "predictions.dense.weight",
    "head.dense.weight",
)


def has_masked_head(tensors: Tensors) -> bool:
    """Do the weights hold a head that guesses hidden words? (The scores of the pieces may be tied to the embedding.)"""
    if any(name.startswith("classifier.") for name in tensors):  # ModernBERT's classifiers have the same inner map
        return False
    return any(name in tensors for name in _MASKED_HEADS)
