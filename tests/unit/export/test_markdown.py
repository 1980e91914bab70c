import numpy as np

from distill_core.export.markdown import comparison_rows, table, to_markdown
from distill_core.export.report import build_report
from distill_core.measure.scores import Scores
from tests.samples import sample_parts, sample_report
from tests.unit.export.tagging_run import tagging_parts


def test_every_model_has_its_row() -> None:
    report = sample_report()
    text = to_markdown(report)
    assert report["conclusion"]["headline"] in text
    assert all(sentence in text for sentence in report["conclusion"]["sentences"])
    for start in ("| teacher: support-bert (reference)", "| student ", "| control: no teacher", "| control: constant"):
        assert start in text
    assert "2.31 / 2.59" in text and "Compression: 3.5× in parameters" in text and "Runtime: torch eager fp32" in text


def test_seeds_are_told_apart() -> None:
    assert "| student, seed 2 " in to_markdown(sample_report((1, 2)))


def test_what_is_missing_is_left_out() -> None:
    parts = sample_parts()
    parts.latency = []
    text = to_markdown(build_report(parts))
    assert "Latency" not in text


def test_tables_are_aligned_and_safe() -> None:
    lines = table(["name", "n"], [["a|b", "1"], ["line\nbreak", "200"]])
    assert len({len(line) for line in lines}) == 1
    assert "a\\|b" in lines[2] and "line break" in lines[3]
    assert lines[1].endswith(":|")


def test_comparisons_in_words() -> None:
    rows = comparison_rows(sample_report())
    assert [row[0] for row in rows] == ["control: no teacher", "control: constant weights", "teacher: support-bert"]
    assert rows[0][1].startswith("+") and rows[2][1].startswith("−") and rows[1][4] == "no difference shown"
    assert rows[0][4] == "better" and comparison_rows(sample_report((1, 2, 3)))[0][4] == "helped"


def test_plain_tags_say_word_accuracy_and_tags() -> None:
    parts = sample_parts()
    parts.task = "tagging"
    gold, rows = parts.gold, len(parts.gold)
    for predictor in [*parts.teachers, *parts.arms]:
        predictor.scores = Scores(2.0 * (predictor.predicted == gold), np.full(rows, 2.0))
    text = to_markdown(build_report(parts))
    assert "| validation word accuracy | test word accuracy |" in text and "agreement, words" in text
    assert "## Tags (student, test)" in text and "| tag " in text and " words |" in text
    assert "of the best teacher's word accuracy" in text


def test_tagging_says_f1_words_and_languages() -> None:
    report = build_report(tagging_parts((1, 2)))
    text = to_markdown(report)
    assert "| validation entity F1 | test entity F1 |" in text and "agreement, words" in text
    assert "## Entity types (student, test)" in text and "| type " in text and " entities |" in text
    lines = text.splitlines()
    (polish,) = [line for line in lines if line.startswith("| pl ")]
    teacher, mains = report["teachers"][0], [arm for arm in report["arms"] if arm["name"] == "main"]
    own = sum(arm["per_language"]["pl"]["f1"] for arm in mains) / 2
    assert f"{100 * teacher['per_language']['pl']['f1']:.1f}% |" in polish and f"{100 * own:.1f}% |" in polish
    assert any(line.startswith("| mean over languages ") for line in lines)
    assert "Languages" not in to_markdown(sample_report()) and "## Classes" in to_markdown(sample_report())
