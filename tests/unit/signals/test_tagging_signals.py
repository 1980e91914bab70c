"""Signals of taggers, live, cached and by `predict_logits`: ragged words, cut words, equal sentences, attention."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from distill_core.errors import DiskError
from distill_core.signals.cache import CachedSource, build_cache
from distill_core.signals.fingerprint import FORMAT
from distill_core.signals.live import LiveSource
from distill_core.signals.predict import predict_logits
from distill_core.signals.types import SignalSpec, TeacherSignal
from distill_core.tasks.encoding import collate
from tests.unit.signals.taggers import CLASSES, SENTENCES, WIDTH, TinyTagger, cut_words, sentences

SPECS = [
    SignalSpec((0, 1), "token", pooled=True, qkv=(1,)),
    SignalSpec((1,), "word", pooled=True),
    SignalSpec((), "token", qkv=(1,)),
    SignalSpec(),
]


def assert_same(a: TeacherSignal, b: TeacherSignal) -> None:
    assert a.level == b.level
    assert a.word_mask is not None and b.word_mask is not None
    # Padding beyond what exists may differ; what exists may not.
    words, units = min(a.logits.shape[1], b.logits.shape[1]), min(a.mask.shape[1], b.mask.shape[1])
    for signal in (a, b):
        assert not signal.word_mask[:, words:].any() and not signal.mask[:, units:].any()
        assert not signal.logits[~signal.word_mask].any(), "a word that nobody saw has no logits"
    assert torch.equal(a.word_mask[:, :words], b.word_mask[:, :words])
    torch.testing.assert_close(a.logits[:, :words], b.logits[:, :words], rtol=0, atol=0)
    assert torch.equal(a.mask[:, :units], b.mask[:, :units])
    assert (a.pooled is None) == (b.pooled is None)
    if a.pooled is not None and b.pooled is not None:
        torch.testing.assert_close(a.pooled[:, :words], b.pooled[:, :words], rtol=0, atol=0)
    for mine, theirs in ((a.hidden, b.hidden), (a.qkv, b.qkv)):
        assert list(mine) == list(theirs)
        for layer in mine:
            torch.testing.assert_close(mine[layer][:, :units], theirs[layer][:, :units], rtol=0, atol=0)


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_live_and_cached_signals_are_the_same(tmp_path, spec, batch_size):
    teacher, (encoded, ids) = TinyTagger(), sentences()
    assert cut_words(encoded).any(), "some words are cut off"
    live = LiveSource(teacher, encoded, spec, batch_size=3)
    found = build_cache(tmp_path / "c", teacher, encoded, ids, spec, batch_size=batch_size)
    for rows in ([3, 0, 3], [1], np.argsort(-encoded.lengths, kind="stable")[:4], range(len(ids))):
        assert_same(live.get(np.array(rows)), found.get(np.array(rows)))
    np.testing.assert_array_equal(live.logits(), found.logits())
    assert found.logits().shape == (int(encoded.word_counts.sum()), CLASSES)


def test_signals_of_words_are_what_the_teacher_says(tmp_path):
    teacher, (encoded, ids) = TinyTagger(), sentences()
    found = build_cache(tmp_path / "c", teacher, encoded, ids, SPECS[0], batch_size=3).get(np.array([2, 1]))
    with torch.no_grad():
        outputs = teacher(collate(encoded, np.array([2, 1])), layers=(0, 1), qkv=(1,))
    words, real = outputs.logits.shape[1], outputs.word_mask
    assert real.sum(dim=1).tolist() == [np.unique(encoded.words[row]).size - 1 for row in (2, 1)]
    torch.testing.assert_close(found.logits[:, :words][real], outputs.logits[real].float(), rtol=0, atol=0)
    torch.testing.assert_close(found.pooled[:, :words][real], outputs.pooled[real].half().float(), rtol=0, atol=0)
    mask = found.mask
    assert found.qkv[1].shape == (2, mask.shape[1], 3, WIDTH)
    torch.testing.assert_close(found.qkv[1][mask], outputs.qkv[1][mask].half().float(), rtol=0, atol=0)
    assert not found.qkv[1][~mask].any()


def test_equal_sentences_are_asked_once(tmp_path):
    twice = [*SENTENCES, SENTENCES[2], SENTENCES[0]]
    teacher, (encoded, ids) = TinyTagger(), sentences(twice)
    found = build_cache(tmp_path / "c", teacher, encoded, ids, SPECS[0], batch_size=3)
    assert teacher.asked == len(SENTENCES) + 1  # one more look for the shapes
    assert_same(found.get(np.array([8, 9])), found.get(np.array([2, 0])))
    counts = encoded.word_counts
    parts = np.split(found.logits(), np.cumsum(counts)[:-1])
    np.testing.assert_array_equal(parts[8], parts[2])
    np.testing.assert_array_equal(parts[9], parts[0])


def test_rows_in_another_order_have_their_own_words(tmp_path):
    teacher, (encoded, ids) = TinyTagger(), sentences()
    whole = build_cache(tmp_path / "c", teacher, encoded, ids, SPECS[1], batch_size=3)
    order = [5, 0, 3]
    part = CachedSource(tmp_path / "c", [ids[row] for row in order])
    assert_same(part.get(np.arange(3)), whole.get(np.array(order)))
    parts = np.split(whole.logits(), np.cumsum(encoded.word_counts)[:-1])
    np.testing.assert_array_equal(part.logits(), np.concatenate([parts[row] for row in order]))


def test_other_words_of_the_same_pieces_are_another_cache(tmp_path):
    """Cut alike, but one more word beyond the limit: there are more rows of logits to keep."""
    teacher, (encoded, ids) = TinyTagger(), sentences()
    build_cache(tmp_path / "c", teacher, encoded, ids, SPECS[3])
    before = teacher.asked
    encoded.word_counts = encoded.word_counts + 1
    found = build_cache(tmp_path / "c", teacher, encoded, ids, SPECS[3])
    assert teacher.asked > before
    assert len(found.logits()) == encoded.word_counts.sum()


@pytest.mark.parametrize("change", ["format", "no qkv", "no words"])
def test_a_folder_of_an_older_format_is_refused_by_readers_and_built_again(tmp_path, change):
    teacher, (encoded, ids) = TinyTagger(), sentences()
    whole = build_cache(tmp_path / "c", teacher, encoded, ids, SPECS[0], batch_size=3)
    expected = whole.get(np.arange(len(ids)))
    meta = json.loads((tmp_path / "c" / "meta.json").read_text())
    if change == "format":
        meta["plan"]["format"] = FORMAT - 1
    elif change == "no qkv":
        # As the first format had it: neither queries nor words were known.
        del meta["plan"]["qkv"], meta["qkv_widths"]
    else:
        for path in ("word_offsets.npy", "word_mask.npy"):
            (tmp_path / "c" / path).unlink()
    (tmp_path / "c" / "meta.json").write_text(json.dumps(meta))
    del whole
    with pytest.raises(DiskError, match="no complete signal cache"):
        CachedSource(tmp_path / "c", ids)
    fresh = TinyTagger()
    again = build_cache(tmp_path / "c", fresh, encoded, ids, SPECS[0], batch_size=3)
    assert fresh.asked == len(ids) + 1
    assert_same(again.get(np.arange(len(ids))), expected)


def test_a_cache_without_words_is_none_for_tagging(tmp_path):
    """One built for whole texts must not be taken for one of words."""
    teacher, (encoded, ids) = TinyTagger(), sentences()
    build_cache(tmp_path / "c", teacher, encoded, ids, SPECS[3])
    shutil.copytree(tmp_path / "c", tmp_path / "d")
    meta = json.loads((tmp_path / "d" / "meta.json").read_text())
    meta["plan"]["words"], meta["plan"]["word_offsets"] = -1, ""
    (tmp_path / "d" / "meta.json").write_text(json.dumps(meta))
    fresh = TinyTagger()
    found = build_cache(tmp_path / "d", fresh, encoded, ids, SPECS[3])
    assert fresh.asked > 0
    assert found.get(np.array([0])).word_mask is not None


# ---------------------------------------------------------------- predictions


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_predicted_logits_stand_word_after_word(batch_size):
    teacher, (encoded, _) = TinyTagger(), sentences()
    found = predict_logits(teacher, encoded, "cpu", batch_size=batch_size)
    assert found.dtype == np.float32
    place = 0
    for row, count in enumerate(encoded.word_counts.tolist()):
        with torch.no_grad():
            outputs = teacher(collate(encoded, np.array([row])))
        expected = np.zeros((count, CLASSES), dtype=np.float32)
        seen = outputs.logits.shape[1]
        expected[:seen] = torch.where(outputs.word_mask[0, :, None], outputs.logits[0], 0.0).numpy()
        np.testing.assert_array_equal(found[place : place + count], expected)
        place += count
    assert place == len(found)


def test_cut_words_are_class_zero():
    teacher, (encoded, _) = TinyTagger(), sentences()
    found, cut = predict_logits(teacher, encoded, "cpu"), cut_words(encoded)
    assert cut.any() and not cut.all()
    assert not found[cut].any()
    assert (found.argmax(axis=1)[cut] == 0).all()
    assert (found[~cut] != 0).all()
