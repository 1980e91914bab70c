"""What is kept of a masked LM run's answers: pieces that occur, under names, and what an earlier attempt lacks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from distill_core.data.types import Rows
from distill_core.signals.predict import UnitAnswers
from distill_core.stages import keep_pieces
from distill_core.stages.arms import PREDICTIONS, _storable, stored_answers
from distill_core.stages.keep_pieces import piece_tensors
from distill_core.tasks.masked_lm import MaskedLM
from tests.unit.tasks.builders import wordpiece

TEXTS = ["the cat can order 4512", "unbelievably, nobody's dog ran", "cancel the order"]


def prepared() -> Any:
    """As much of a `Prepared` as is asked for: three texts, one teacher's tokeniser."""
    tokenizer, task = wordpiece(), MaskedLM(0.4)
    tokenizer.add_special_tokens({"mask_token": "[MASK]"})
    rows = Rows(TEXTS, None, np.zeros(3), [1, 2, 3])
    encoded = task.encode(tokenizer, rows, 64)
    return SimpleNamespace(
        task=task,
        data=SimpleNamespace(test=task.bind(rows, encoded, tokenizer), labels=[]),
        texts=[SimpleNamespace(test=encoded)],
        teachers=[SimpleNamespace(tokenizer=tokenizer)],
        limits=[64],
        classes=len(tokenizer),
    )


def test_answers_are_places_among_the_pieces_that_occur() -> None:
    run = prepared()
    gold = run.task.gold(run.data.test)
    said = np.where(np.arange(len(gold)) % 2, gold, 7)
    nll = np.linspace(0, 1e6, len(gold)).astype(np.float32)
    answers = {"main:13": UnitAnswers(said, nll, np.full(len(gold), 0.25, dtype=np.float32))}
    seen = np.arange(run.classes, dtype=np.int64)
    names, tensors = piece_tensors(run, 0, "test", answers, seen)
    assert sorted({*gold.tolist(), 7}) == tensors["pieces"].tolist()
    assert np.array_equal(tensors["pieces"][tensors["gold"]], gold)
    assert np.array_equal(tensors["pieces"][tensors["main:13/predicted"]], said)
    assert np.array_equal(tensors["seen"], seen[tensors["pieces"]]) and len(names) == len(tensors["pieces"])
    assert tensors["gold"].dtype == np.int8 and np.isfinite(tensors["main:13/nll"]).all()
    assert {len(tensors[name]) for name in ("starts", "widths", "kinds", "hidden")} == {len(gold)}
    # An earlier version's attempt kept its classes alone.
    _, bare = piece_tensors(run, 0, "test", {"main:13": UnitAnswers(said)}, seen)
    assert set(tensors) - set(bare) == {"main:13/confidence", "main:13/nll"}


def test_a_hidden_piece_takes_as_many_bytes_as_is_said() -> None:
    run = prepared()
    units = len(run.task.gold(run.data.test))
    full = np.full(units, 0.5, dtype=np.float32)
    answers = {key: UnitAnswers(np.arange(units) % run.classes, full, full) for key in ("a", "b")}
    _, tensors = piece_tensors(run, 0, "test", answers, np.zeros(run.classes, dtype=np.int64))
    each = sum(values.itemsize for name, values in tensors.items() if name not in ("pieces", "seen"))
    # With fewer than 127 pieces classes take one byte instead of two: one for gold, one for each model.
    assert each == 10 + 2 * 6 - 3


def test_of_very_many_pieces_texts_alone_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    run = prepared()
    monkeypatch.setattr(keep_pieces, "MOST_PIECES", 2)
    gold = run.task.gold(run.data.test)
    names, tensors = piece_tensors(run, 0, "test", {"main:13": UnitAnswers(gold)}, np.zeros(run.classes, np.int64))
    assert names == [] and set(tensors) == {"main:13/right"}
    assert tensors["main:13/right"].tolist() == run.task.counts(run.data.test).tolist()


def test_a_trials_answers_are_read_again_as_they_were(tmp_path: Path) -> None:
    one = np.asarray([0.5, 0.25], dtype=np.float32)
    said = UnitAnswers(np.asarray([4, 9]), one, one + 0.25)
    save_file(_storable({"validation": said, "test": UnitAnswers(np.asarray([1]))}), tmp_path / PREDICTIONS)
    found = stored_answers(tmp_path)
    assert found["validation"].predicted.tolist() == [4, 9]
    assert found["validation"].nll.tolist() == [0.5, 0.25] and found["validation"].confidence.tolist() == [0.75, 0.5]
    assert found["test"].nll is None and found["test"].confidence is None and found["validation"].logits is None
