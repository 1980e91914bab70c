"""Two small tokenisers of different kinds: WordPiece (uncased, a fixed vocabulary) and byte-level BPE, trained here."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

CORPUS = [
    "the cat sat on the mat, and the dog ran away quickly.",
    "unbelievably, nobody's order #4512 arrived in twenty-two days!",
    "please cancel my subscription; i don't want it any more?",
    "the parcel was damaged (again) and support never answered.",
]


def wordpiece() -> PreTrainedTokenizerFast:
    # Written out, not trained: the trainer breaks ties differently in every process.
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    signs = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    continued = ["##" + sign for sign in signs if sign.isalnum()]
    vocabulary = [*special, *signs, *continued, "the", "cat", "dog", "order", "##ly", "##ing", "##er", "can", "sub"]
    inner = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(vocabulary)}, unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    cls, sep = inner.token_to_id("[CLS]"), inner.token_to_id("[SEP]")
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", cls), ("[SEP]", sep)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def byte_bpe(vocab_size: int = 340, *, trim_offsets: bool = True) -> PreTrainedTokenizerFast:
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<s>", "<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(CORPUS, trainer)
    ends = ("</s>", inner.token_to_id("</s>")), ("<s>", inner.token_to_id("<s>"))
    inner.post_processor = processors.RobertaProcessing(*ends, trim_offsets=trim_offsets, add_prefix_space=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
    )
