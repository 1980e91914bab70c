"""Tiny random checkpoints of all supported architectures, with tokenizers, made once for the whole package."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AlbertConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
    XLMRobertaConfig,
)

from distill_core.config import TeacherSection
from distill_core.models.base import seeded
from distill_core.models.teachers import Teacher, load_teachers
from distill_core.models.types import Batch

LAYERS = 4
LABELS = ["refund", "delivery", "login"]
WORDS = [
    *("where", "is", "my", "parcel", "please", "send", "it", "again", "today"),
    *("can", "not", "log", "in", "refund", "the", "money", "now"),
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
KINDS = ["bert", "roberta", "distilbert", "electra", "albert", "deberta-v2", "xlm-roberta", "modernbert"]


def make_tokenizer(kind: str = "wordpiece") -> PreTrainedTokenizerFast:
    pieces = [*WORDS, *[f"##{w}" for w in ("s", "ed", "ing", "day")], *"abcdefghijklmnopqrstuvwxyz"]
    if kind == "unigram":
        scored = [(piece, 0.0) for piece in SPECIAL] + [(f"▁{w}", -3.0) for w in WORDS]
        scored += [("▁", -4.0)] + [(letter, -6.0) for letter in "abcdefghijklmnopqrstuvwxyz"]
        tokenizer = Tokenizer(models.Unigram(scored, unk_id=1))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    else:
        vocabulary = {piece: index for index, piece in enumerate([*SPECIAL, *pieces])}
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    )


def make_config(kind: str, vocab_size: int, *, hidden: int = 16, layers: int = LAYERS) -> PreTrainedConfig:
    sizes = {
        "vocab_size": vocab_size,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "intermediate_size": 2 * hidden,
        "max_position_embeddings": 66,
        "pad_token_id": 0,
        "initializer_range": 0.2,
    }
    special = {"bos_token_id": 2, "eos_token_id": 3}
    match kind:
        case "bert":
            return BertConfig(**sizes)
        case "roberta":
            return RobertaConfig(**sizes, **special, type_vocab_size=1)
        case "xlm-roberta":
            return XLMRobertaConfig(**sizes, **special, type_vocab_size=1)
        case "distilbert":
            return DistilBertConfig(
                vocab_size=vocab_size,
                dim=hidden,
                n_layers=layers,
                n_heads=2,
                hidden_dim=2 * hidden,
                max_position_embeddings=66,
                pad_token_id=0,
                initializer_range=0.2,
            )
        case "electra":
            return ElectraConfig(**sizes, embedding_size=hidden // 2)
        case "albert":
            return AlbertConfig(**sizes, **special, embedding_size=hidden // 2, inner_group_num=1)
        case "deberta-v2":
            return DebertaV2Config(
                **sizes,
                type_vocab_size=0,
                relative_attention=True,
                position_buckets=8,
                norm_rel_ebd="layer_norm",
                share_att_key=True,
                pos_att_type=["p2c", "c2p"],
                position_biased_input=False,
            )
        case "modernbert":
            return ModernBertConfig(
                **sizes, **special, cls_token_id=2, sep_token_id=3, global_attn_every_n_layers=3, local_attention=8
            )
    raise ValueError(kind)


def write_checkpoint(folder: Path, kind: str, **options) -> Path:
    """A random encoder; with `id2label` in the options, a sequence classifier."""
    labels = options.pop("id2label", None)
    tokenizer = make_tokenizer("unigram" if kind in ("xlm-roberta", "deberta-v2") else "wordpiece")
    config = make_config(kind, len(tokenizer), **options)
    with seeded(5, kind, str(options)):
        if labels is None:
            model = AutoModel.from_config(config)
        else:
            config.id2label, config.label2id = labels, {name: index for index, name in labels.items()}
            model = AutoModelForSequenceClassification.from_config(config)
        # Initial biases and norms are 0 and 1: a test that mixes them up would not notice.
        for parameter in model.parameters():
            parameter.data.add_(0.05 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("checkpoints")
    found = {kind: write_checkpoint(root / kind, kind) for kind in KINDS}
    found["wide"] = write_checkpoint(root / "wide", "bert", hidden=24, layers=6)
    names = {0: "Login ", 1: "refund", 2: "DELIVERY"}
    found["classifier"] = write_checkpoint(root / "classifier", "bert", id2label=names)
    found["nameless"] = write_checkpoint(
        root / "nameless", "distilbert", id2label={0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    )
    return found


def load(folder: Path, mode: str = "separate", labels: list[str] = LABELS, **options) -> Teacher:
    dropout, seed = options.pop("dropout", None), options.pop("seed", 1)
    return load_teachers([TeacherSection(source=str(folder), **options)], mode, labels, dropout=dropout, seed=seed)[0]


@pytest.fixture(scope="session")
def teachers(checkpoints) -> dict[str, Teacher]:
    """One separately finetuned (here: random) teacher of each kind. Read only."""
    return {kind: load(checkpoints[kind]) for kind in [*KINDS, "wide"]}


def batch_of(ids: list[list[int]], pad_to: int | None = None, pad: int = 0) -> Batch:
    """A batch of given pieces; the second half of each example is of type 1."""
    width = pad_to or max(len(row) for row in ids)
    table = torch.tensor([row + [pad] * (width - len(row)) for row in ids])
    lengths = torch.tensor([len(row) for row in ids])
    positions = torch.arange(width)[None, :]
    mask = positions < lengths[:, None]
    types = ((positions >= lengths[:, None] // 2) & mask).long()
    words = torch.where(mask & (positions > 0) & (positions < lengths[:, None] - 1), positions - 1, -1)
    return Batch(table, mask, types, words)


IDS = [[2, 7, 9, 11, 6, 14, 3], [2, 5, 8, 3], [2, 10, 12, 13, 16, 17, 18, 19, 20, 3]]
