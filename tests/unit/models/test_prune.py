import json
import random

import numpy as np
import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from distill_core.errors import CheckpointError
from distill_core.layout import BUNDLED_TEACHERS
from distill_core.models.prune import prune_tokenizer, renumber
from tests.unit.models.conftest import SPECIAL, make_tokenizer

TEXTS = [
    "Where is my parcel? It was due on Monday.",
    "I can't log in: the page says ‘wrong password’ — again!",
    "Please refund order 48213, the jacket arrived torn.",
    "RÜCKSENDUNG für Müller; das Paket ist beschädigt",
    "Naïve question: do you ship to 日本 🙂?",
    "supercalifragilistic returns, returns & more returns",
    "",
]
UNSEEN = ["Zwölf Boxkämpfer jagen Viktor", "qwxz 0123456789 %$#", "한국어 и русский", "a" * 200, "my parcels, refunded"]


def wrapped(tokenizer, **more):
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **{**names, "mask_token": "[MASK]"}, **more)


@pytest.fixture(scope="module")
def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=160, special_tokens=SPECIAL, unk_token="[UNK]", show_progress=False, initial_alphabet=[]
    )
    tokenizer.train_from_iterator(TEXTS[:4] * 3 + UNSEEN[:2], trainer)
    pair = "[CLS] $A [SEP] $B:1 [SEP]:1"
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", pair, [("[CLS]", 2), ("[SEP]", 3)])
    return wrapped(tokenizer, model_max_length=77, model_input_names=["input_ids", "attention_mask"])


@pytest.fixture(scope="module", params=["support-bert", "support-roberta", "unigram"])
def tokenizer(request):
    if request.param == "unigram":
        return request.getfixturevalue("unigram")
    return AutoTokenizer.from_pretrained(BUNDLED_TEACHERS[request.param], local_files_only=True)


def ids_of(tokenizer, texts):
    return [np.array(tokenizer(text)["input_ids"], dtype=np.int64) for text in texts]


def prune(tokenizer, texts=TEXTS):
    return prune_tokenizer(tokenizer, np.concatenate(ids_of(tokenizer, texts)))


@pytest.mark.parametrize("chosen", [range(7), [0], [3, 4], [6]])
def test_the_texts_seen_are_cut_as_before(tokenizer, chosen):
    texts = [TEXTS[number] for number in chosen]
    pruned, kept = prune(tokenizer, texts)
    assert len(pruned) == len(kept) < len(tokenizer)
    assert (np.diff(kept) > 0).all() and kept.dtype == np.int64
    for text, before in zip(texts, ids_of(tokenizer, texts), strict=True):
        after = pruned(text, return_offsets_mapping=True)
        assert np.array_equal(kept[after["input_ids"]], before)
        assert np.array_equal(renumber(before, kept), after["input_ids"])
        assert after["offset_mapping"] == tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
        assert pruned.convert_ids_to_tokens(after["input_ids"]) == tokenizer.convert_ids_to_tokens(before)
    pair, old_pair = pruned(texts[0], texts[-1]), tokenizer(texts[0], texts[-1])
    assert np.array_equal(kept[pair["input_ids"]], old_pair["input_ids"])
    assert {**pair, "input_ids": 0} == {**old_pair, "input_ids": 0}


def test_text_never_seen_falls_back(tokenizer):
    pruned, _ = prune(tokenizer)
    for text in UNSEEN:
        ids = pruned(text)["input_ids"]
        assert len(ids) > 2 and max(ids) < len(pruned)
    known = pruned.tokenize("pages")  # made of characters that were seen
    assert pruned.unk_token not in known and len(known) > 1


def test_byte_pieces_lose_nothing():
    tokenizer = AutoTokenizer.from_pretrained(BUNDLED_TEACHERS["support-roberta"], local_files_only=True)
    pruned, _ = prune(tokenizer, ["hello"])
    for text in UNSEEN:
        ids = pruned(text, add_special_tokens=False)["input_ids"]
        assert pruned.decode(ids).strip() == text and pruned.unk_token_id not in ids


def test_special_pieces_and_limits_stay(tokenizer):
    pruned, kept = prune(tokenizer, ["parcel"])
    assert pruned.special_tokens_map == tokenizer.special_tokens_map
    for name in ("pad", "unk", "cls", "sep", "mask"):
        old, new = getattr(tokenizer, f"{name}_token_id"), getattr(pruned, f"{name}_token_id")
        assert kept[new] == old, name
    assert pruned.model_max_length == tokenizer.model_max_length
    assert pruned.model_input_names == tokenizer.model_input_names
    assert pruned.padding_side == tokenizer.padding_side
    padded = pruned(["parcel", "parcel parcel"], padding=True)
    assert padded["input_ids"][0][-1] == pruned.pad_token_id and padded["attention_mask"][0][-1] == 0
    assert pruned(TEXTS[0], truncation=True, max_length=4)["input_ids"][-1] == pruned.sep_token_id


def test_saved_and_loaded_it_is_the_same(tokenizer, tmp_path):
    pruned, _ = prune(tokenizer)
    pruned.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert loaded.get_vocab() == pruned.get_vocab()
    assert loaded.special_tokens_map == pruned.special_tokens_map
    assert loaded.model_max_length == pruned.model_max_length
    for text in TEXTS + UNSEEN:
        assert loaded(text).data == pruned(text).data
    assert loaded(TEXTS[0], TEXTS[1]).data == pruned(TEXTS[0], TEXTS[1]).data


def test_the_given_tokeniser_stays_as_it_is(tokenizer):
    before, vocab = tokenizer.backend_tokenizer.to_str(), tokenizer.get_vocab()
    prune(tokenizer)
    assert tokenizer.backend_tokenizer.to_str() == before and tokenizer.get_vocab() == vocab


def test_special_ids_move_with_the_pieces_below_them():
    """A vocabulary whose special pieces stand last, so that all their ids change."""
    pieces = [*"abcdefgh", "##b", "##c", "abc", "##abc", *SPECIAL]
    ids = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    cls_, sep = ("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])
    for post in (
        processors.BertProcessing(sep, cls_),
        processors.RobertaProcessing(sep, cls_),
        processors.TemplateProcessing("[CLS] $A [SEP]", None, [cls_, sep]),
        processors.Sequence([processors.ByteLevel(), processors.BertProcessing(sep, cls_)]),
    ):
        tokenizer.post_processor = post
        pruned, kept = prune_tokenizer(wrapped(tokenizer), {ids["abc"]})
        assert pruned.convert_ids_to_tokens(list(range(len(kept)))) == [*"abc", "##b", "##c", "abc", *SPECIAL]
        assert pruned("abc")["input_ids"] == [8, 5, 9]
        assert json.loads(pruned.backend_tokenizer.to_str())["added_tokens"][0]["id"] == 6


def test_added_pieces_stay_where_they_are_seen_or_special():
    tokenizer = make_tokenizer()
    tokenizer.add_tokens([AddedToken("RX 100", normalized=False), AddedToken("QQ 7", normalized=False)])
    tokenizer.add_special_tokens({"extra_special_tokens": [AddedToken("<note>", lstrip=True, special=True)]})
    text = "my parcel RX 100 is in <note>"
    pruned, kept = prune(tokenizer, [text])
    assert pruned.tokenize(text) == tokenizer.tokenize(text) == ["my", "parcel", "RX 100", "is", "in", " <note>"]
    assert "QQ 7" not in pruned.get_vocab()
    assert pruned.extra_special_tokens == ["<note>"]
    assert pruned.added_tokens_decoder[len(kept) - 1].lstrip
    assert kept[-1] == len(tokenizer) - 1


# ---------------------------------------------------------------- any vocabulary of a kind


def random_text(draw: random.Random, letters: str) -> str:
    return " ".join("".join(draw.choices(letters, k=draw.randint(1, 8))) for _ in range(4))


def random_word_piece(draw: random.Random) -> Tokenizer:
    words = {"".join(draw.choices("abcd", k=draw.randint(2, 4))) for _ in range(14)}
    pieces = [*SPECIAL, *"abcd", *(f"##{letter}" for letter in "abcd"), *sorted(words), *(f"##{w}" for w in words)]
    draw.shuffle(pieces)
    return Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))


def random_bpe(draw: random.Random) -> Tokenizer:
    """Merges in any order, several of them to the same piece."""
    pieces, merges = list("abcd"), []
    for _ in range(25):
        left, right = draw.choice(pieces), draw.choice(pieces)
        if len(left + right) <= 6 and (left, right) not in merges:
            merges.append((left, right))
            pieces += [] if left + right in pieces else [left + right]
    draw.shuffle(merges)
    vocabulary = [*SPECIAL, *pieces]
    draw.shuffle(vocabulary)
    return Tokenizer(models.BPE({piece: n for n, piece in enumerate(vocabulary)}, merges, unk_token="[UNK]"))


def random_unigram(draw: random.Random) -> Tokenizer:
    """Not every letter is a piece of its own, so that unknown ones compete with pieces."""
    words = {"".join(draw.choices("abcd", k=draw.randint(2, 4))) for _ in range(20)}
    pieces = [*draw.sample("abcd", 3), *sorted(words)]
    scored = [(piece, 0.0) for piece in SPECIAL] + [(piece, -draw.uniform(0.5, 30)) for piece in pieces]
    draw.shuffle(scored)
    return Tokenizer(models.Unigram(scored, unk_id=[piece for piece, _ in scored].index("[UNK]")))


@pytest.mark.parametrize("make", [random_word_piece, random_bpe, random_unigram])
def test_any_vocabulary_cuts_what_it_was_made_for_as_before(make):
    draw, smaller = random.Random(7), 0
    for _ in range(60):
        backend = make(draw)
        backend.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer = wrapped(backend)
        texts = [random_text(draw, "abcde") for _ in range(2)]
        pruned, kept = prune(tokenizer, texts)
        smaller += len(kept) < len(tokenizer)
        for text, before in zip(texts, ids_of(tokenizer, texts), strict=True):
            assert np.array_equal(kept[pruned(text)["input_ids"]], before)
        pruned(random_text(draw, "abcdef"))
    assert smaller > 30, "nothing was pruned, so nothing was tested"


def test_the_price_of_an_unknown_character_stays():
    """Without the lowest score, an unknown x and yz (-40 - 1) would win over xy and z (-30 - 30)."""
    scored = [("[UNK]", 0.0), ("xy", -30.0), ("z", -30.0), ("yz", -1.0), ("y", -9.0), ("zzz", -50.0), ("q", -2.0)]
    backend = Tokenizer(models.Unigram(scored, unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")
    pruned, _ = prune(tokenizer, ["xyz", "yz"])
    assert pruned.tokenize("xyz") == tokenizer.tokenize("xyz") == ["xy", "z"]
    assert "q" not in pruned.get_vocab()


def test_unseen_words_are_made_of_the_characters_of_seen_pieces():
    scored = [("[UNK]", 0.0), ("xy", -1.0), ("x", -9.0), ("y", -9.0), ("z", -9.0), ("yx", -2.0)]
    backend = Tokenizer(models.Unigram(scored, unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    pruned, kept = prune_tokenizer(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]"), {1})
    assert pruned.tokenize("yxx") == ["y", "x", "x"] and kept.tolist() == [0, 1, 2, 3]
    assert pruned("xz")["input_ids"] == [2, pruned.unk_token_id]


def test_other_kinds_are_refused():
    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    with pytest.raises(CheckpointError, match="WordLevel") as caught:
        prune_tokenizer(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]"), {1})
    assert caught.value.field == "student.vocabulary"


def test_ids_that_do_not_exist():
    tokenizer = make_tokenizer()
    for wrong in (-1, len(tokenizer)):
        with pytest.raises(ValueError, match=str(wrong)):
            prune_tokenizer(tokenizer, np.array([5, wrong]))


def test_renumber():
    kept = np.array([0, 2, 5, 9], dtype=np.int64)
    ids = np.array([[9, 0], [5, 2]], dtype=np.int32)
    assert renumber(ids, kept).tolist() == [[3, 0], [2, 1]] and renumber(ids, kept).dtype == np.int32
    assert renumber(np.array([], dtype=np.int64), kept).size == 0
    table = torch.randn(10, 3, generator=torch.Generator().manual_seed(1)).numpy()
    assert np.array_equal(table[kept][renumber(ids, kept)], table[ids])
    for lost in (1, 4, 10, -1):
        with pytest.raises(ValueError, match=f"piece {lost} "):
            renumber(np.array([0, lost]), kept)
