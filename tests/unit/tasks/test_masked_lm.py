"""The masked-LM task: encoding with gold, copies of the training text, quality."""

from __future__ import annotations

import math

import numpy as np
import pytest

from distill_core.data.types import PreparedData, Rows
from distill_core.errors import CheckpointError
from distill_core.tasks.base import build_task
from distill_core.tasks.classification import encode
from distill_core.tasks.encoding import collate
from distill_core.tasks.masked_lm import MaskedLM
from tests.unit.tasks.builders import byte_bpe, wordpiece

TEXTS = ["the cat can sit on the order", "unbelievably, nobody's dog ran", "cancel", "the cat can sit on the order"]


@pytest.fixture(scope="module", params=[wordpiece, byte_bpe])
def tokenizer(request):
    made = request.param()
    made.add_special_tokens({"mask_token": "[MASK]" if request.param is wordpiece else "<mask>"})
    return made


def rows_of(texts=TEXTS) -> Rows:
    return Rows(list(texts), None, np.zeros(len(texts)), list(range(1, len(texts) + 1)))


def data_of(rows: Rows) -> PreparedData:
    empty = rows.take([])
    return PreparedData("text", [], rows, empty, rows, rows, [], "", "masked_lm")


def test_gold_is_what_stood_there(tokenizer):
    rows = rows_of()
    found, plain = MaskedLM(0.3).encode(tokenizer, rows, 64), encode(tokenizer, rows, 64)
    for number in range(len(rows)):
        hidden = found.targets[number] >= 0
        assert hidden.sum() == found.word_counts[number] == len(found.gold[number]) > 0
        assert np.array_equal(plain.ids[number][hidden], found.gold[number])
        assert np.array_equal(plain.ids[number][~hidden], found.ids[number][~hidden])
    # Equal texts have equal ids, and so the same words hidden.
    assert np.array_equal(found.ids[0], found.ids[3])


def test_targets_do_not_depend_on_who_else_is_in_the_batch(tokenizer):
    found = MaskedLM(0.3).encode(tokenizer, rows_of(), 64)
    alone, together = collate(found, np.array([2])), collate(found, np.array([2, 1]))
    width = alone.targets.shape[1]
    assert together.targets[0, :width].equal(alone.targets[0])
    assert (together.targets[0, width:] == -1).all()
    assert not (together.targets >= 0)[~together.mask].any()


def test_only_what_is_left_after_cutting_is_hidden(tokenizer):
    found = MaskedLM(0.5).encode(tokenizer, rows_of(), 8)
    assert found.lengths.max() <= 8
    assert all((targets >= 0).sum() == len(gold) for targets, gold in zip(found.targets, found.gold, strict=True))


def test_the_pool_has_a_copy_for_each_epoch_masked_anew(tokenizer):
    task = MaskedLM(0.3, seed=5, epochs=4)
    pool = task.pool(data_of(rows_of(TEXTS[:3])))
    assert pool.texts == TEXTS[:3] * 4
    assert len(set(pool.ids)) == 12
    assert task.copies == 4
    found = task.encode(tokenizer, pool, 64)
    assert len({found.targets[row].tobytes() for row in (0, 3, 6, 9)}) > 1
    other = MaskedLM(0.3, seed=6, epochs=4).pool(data_of(rows_of(TEXTS[:3])))
    assert not set(other.ids) & set(pool.ids)
    gold = task.targets(pool, found)
    assert gold.batch(np.array([4]), 3)[0].tolist()[: len(found.gold[4])] == found.gold[4].tolist()[:3]


def test_quality_counts_hidden_pieces(tokenizer):
    task, rows = MaskedLM(0.3), rows_of(TEXTS[:3])
    encoded = task.encode(tokenizer, rows, 64)
    bound = task.bind(rows, encoded, tokenizer)
    assert bound.ids == rows.ids
    gold = task.gold(bound)
    assert task.counts(bound).tolist() == encoded.word_counts.tolist()
    predicted = gold.copy()
    predicted[0] += 1
    quality = task.quality(bound, predicted, [])
    assert quality == {"accuracy": (len(gold) - 1) / len(gold), "per_class": []}
    right, of = task.scores(bound, predicted, [])
    assert right.tolist() == [of[0] - 1, *of[1:]]
    assert right.sum() / of.sum() == pytest.approx(quality["accuracy"])


def test_perplexity_is_the_exponential_of_the_mean_loss():
    found = MaskedLM().likelihood(np.array([0.0, math.log(4.0)], dtype=np.float32))
    assert found == {"loss": pytest.approx(math.log(2.0)), "perplexity": pytest.approx(2.0)}


def test_a_tokeniser_without_a_mask_is_refused():
    with pytest.raises(CheckpointError, match="no mask piece"):
        MaskedLM().encode(wordpiece(), rows_of(), 16)


def test_the_catalogue_names_the_task():
    assert build_task("masked_lm").unit == "piece"
