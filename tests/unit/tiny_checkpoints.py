"""Tiny random checkpoints of every supported family, as transformers saves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedConfig,
    PreTrainedModel,
)

torch.set_num_threads(1)

VOCAB = 60
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##c", "hello"]
HEADS = {
    "base": AutoModel,
    "masked": AutoModelForMaskedLM,
    "classifier": AutoModelForSequenceClassification,
    "tagger": AutoModelForTokenClassification,
}

_SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
}
_DEBERTA = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0}
_SPECIAL = {"bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
_EXTRA: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 8},
    "convbert": {"embedding_size": 8},
    "deberta": _DEBERTA,
    "deberta-v2": {
        **_DEBERTA,
        "position_buckets": 8,
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
        "position_biased_input": False,
    },
    "distilbert": {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 24},
    "electra": {"embedding_size": 8},
    "mobilebert": {"hidden_size": 128, "intra_bottleneck_size": 16, "embedding_size": 8, "true_hidden_size": 16},
    "modernbert": {"pad_token_id": 0, **_SPECIAL},
    "rembert": {"input_embedding_size": 8, "output_embedding_size": 12, **_SPECIAL},
}


def build(model_type: str, head: str = "base", **settings: Any) -> PreTrainedModel:
    """A random model of a family with a given head: base, masked, classifier or tagger."""
    config = AutoConfig.for_model(model_type, **{**_SIZES, **_EXTRA.get(model_type, {}), **settings})
    return HEADS[head].from_config(config)


def save(folder: Path, model_type: str = "bert", head: str = "base", **settings: Any) -> Path:
    """Save such a model with a tokeniser; gives the folder back."""
    build(model_type, head, **settings).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def save_tokenizer(folder: Path, pieces: list[str] = PIECES, *, lowercase: bool = True) -> None:
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(PIECES[:5])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))


def configuration(folder: Path, layers: int | None = None) -> PreTrainedConfig:
    """A folder's config, cut to its first layers when a number is given."""
    config = AutoConfig.from_pretrained(folder)
    if layers:
        config.num_hidden_layers = layers
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[:layers]
    return config


def reference_parameters(folder: Path, layers: int | None = None) -> int:
    """Parameters of transformers' own bare model without pooler, as loaded from the folder."""
    model = AutoModel.from_pretrained(folder, config=configuration(folder, layers))
    return sum(p.numel() for name, p in model.named_parameters() if not name.startswith("pooler."))
