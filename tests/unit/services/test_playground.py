from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.errors import DataError
from distill_core.layout import DataHome
from distill_core.services.playground import (
    LARGEST,
    LONGEST,
    MOST_TEXTS,
    Playground,
    Texts,
    as_csv,
    checked,
    read_list,
    said,
)
from distill_core.services.warm import WarmChild
from tests.finished_run import finished_run

FAKE = [sys.executable, str(Path(__file__).resolve().parents[2] / "fake_warm.py")]


@pytest.mark.parametrize(
    ("name", "raw", "texts", "pairs"),
    [
        ("", "one\n\n  two \r\nthree", ["one", "two", "three"], None),
        ("list.txt", "﻿a\tb\nc\td", ["a", "c"], ["b", "d"]),
        ("list.csv", 'id,text\n1,"a, b"\n2,c\n', ["a, b", "c"], None),
        ("list.csv", "first\nsecond\n", ["first", "second"], None),
        ("list.tsv", "sentence1\tsentence2\na\tb\n", ["a"], ["b"]),
        ("list.jsonl", '{"text": "a"}\n"b"\n', ["a", "b"], None),
        ("list.jsonl", '{"premise": "a", "hypothesis": "b"}', ["a"], ["b"]),
    ],
)
def test_lists_of_many_kinds(name: str, raw: str, texts: list[str], pairs: list[str] | None) -> None:
    assert read_list(name, raw) == Texts(texts, pairs)


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("", " \n ", "no text"),
        ("", "x" * (LONGEST + 1), "Text 1 has more than"),
        ("", "x\n" * LARGEST, "at most"),
        ("", "a\tb\nc", "some have none"),
        ("a.csv", 'text\n"open', "no table"),
        ("a.jsonl", "{", "Line 1 is no JSON"),
        ("a.jsonl", '{"words": "a"}', "Line 1 has no text"),
        ("a.jsonl", '{"text": 3}', "Line 1 has no text"),
    ],
)
def test_what_is_no_list_is_refused_in_words(name: str, raw: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_list(name, raw)


def test_of_a_long_list_the_first_are_taken_and_the_others_counted() -> None:
    found = checked([f"text {number}" for number in range(MOST_TEXTS + 7)])
    assert len(found.texts) == MOST_TEXTS and found.left_out == 7


@pytest.fixture
def playground(tmp_path: Path) -> Iterator[Playground]:
    child = WarmChild(FAKE)
    yield Playground(child, DataHome(tmp_path).create())
    child.close()


def test_a_question_names_the_run_and_its_texts(playground: Playground, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs" / "made")
    assert playground.ask(run, Texts(["a"]))["error"] == "This run's student is not kept here."
    run.report.unlink()
    assert playground.ask(run, Texts(["a"]))["error"] == "This run has no finished student yet."
    run.student.mkdir(parents=True)
    found = playground.ask(run, Texts(["a", "b"], ["c", "d"], 4), wait_s=60)
    assert found["state"] == "ready" and (found["texts"], found["pairs"], found["left_out"]) == (
        ["a", "b"], ["c", "d"], 4,
    )  # fmt: skip
    assert found["echo"] == {
        "run": str(run.path), "home": str(tmp_path), "texts": ["a", "b"], "pairs": ["c", "d"], "device": "auto",
    }  # fmt: skip


def test_a_run_that_names_files_it_may_not_read_is_not_loaded(playground: Playground, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs" / "made")
    run.student.mkdir(parents=True)
    run.config.write_text(run.config.read_text().replace("source: bundled:support-bert", "source: /etc"))
    playground.uploads_only = tmp_path / "uploads"
    assert playground.ask(run, Texts(["a"]))["state"] == "failed"
    assert playground.child._child is None


def test_answers_as_a_table() -> None:
    label = {"label": "=refund", "confidence": 0.75, "next": [["login", 0.2]]}
    found = {
        "texts": ["+1"],
        "pairs": None,
        "plain": False,
        "models": [
            {"name": "bert", "answers": [label]},
            {"name": "gone", "why": "no weights"},
            {"name": "student", "answers": [label]},
        ],
    }
    rows = list(csv.reader(io.StringIO(as_csv(found))))
    assert rows == [
        ["text", "bert", "bert confidence", "student", "student confidence"],
        ["'+1", "'=refund", "0.750000", "'=refund", "0.750000"],
    ]


def test_tags_entities_and_gaps_in_words() -> None:
    tagged = {
        "words": ["Ada", "ran"],
        "tags": ["B-PER", ""],
        "scores": [0.9, 0.0],
        "entities": [{"type": "PER", "text": "Ada", "start": 0, "end": 3, "score": 0.9}],
    }
    assert said(tagged, plain=False) == ["PER: Ada", "0.900000"]
    assert said(tagged, plain=True) == ["Ada/B-PER ran/?", "0.000000"]
    gaps = {"gaps": [[{"piece": "a", "probability": 0.5}], []], "filled": "a [MASK]"}
    assert said(gaps, plain=False) == ["a [MASK]", "0.500000 "]
