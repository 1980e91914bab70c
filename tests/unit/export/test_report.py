import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from distill_core.errors import DataError
from distill_core.export.bundle import student_readme
from distill_core.export.markdown import to_markdown
from distill_core.export.report import (
    SCHEMA_VERSION,
    ReportParts,
    TeacherResult,
    best_main,
    build_report,
    latency_table,
    read_report,
    reference_teacher,
    write_report,
)
from distill_core.measure.scores import Scores
from distill_core.measure.uncertainty import compare, interval, kept_interval, wilson
from tests.samples import quality, sample_latency, sample_parts, sample_report
from tests.unit.export.tagging_run import tagging_parts


def test_the_required_keys_are_there_with_their_types() -> None:
    report = sample_report()
    assert report["schema_version"] == SCHEMA_VERSION and report["status"] == "done"
    assert report["task"] == "classification" and report["metric"] == "accuracy"
    for entry in [*report["teachers"], *report["arms"]]:
        assert isinstance(entry["parameters"], int) and isinstance(entry["bytes"], int)
        assert 0 <= entry["quality"]["validation"] <= 1 and 0 <= entry["quality"]["test"] <= 1
    for arm in report["arms"]:
        assert isinstance(arm["seed"], int) and 0 <= arm["agreement"] <= 1
    assert set(report["compression"]) == {"parameters", "bytes"}
    for row in report["latency"]:
        assert set(row) >= {"batch", "tokens", "threads", "runtime", "teacher_ms", "student_ms", "speedup"}
        assert set(row["teacher_ms"]) == set(row["student_ms"]) == {"p50", "p95"}
    assert set(report["seconds"]) == {"prepare", "teachers", "cache", "distil", "measure"}


def test_it_is_plain_json() -> None:
    report = sample_report((1, 2))
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_one_entry_per_arm_and_seed() -> None:
    arms = sample_report((1, 2, 3))["arms"]
    assert [(a["name"], a["seed"]) for a in arms] == [
        (arm, seed) for seed in (1, 2, 3) for arm in ("main", "no_teacher", "uniform")
    ]


def test_the_reference_is_chosen_by_validation_not_test() -> None:
    parts = sample_parts()
    first, second = parts.teachers
    second.validation = {**second.validation, "accuracy": 0.999}
    assert second.test["accuracy"] < first.test["accuracy"]
    report = build_report(parts)
    assert report["reference_teacher"] == second.name
    assert [t["reference"] for t in report["teachers"]] == [False, True]
    assert report["compression"]["parameters"] == pytest.approx(second.parameters / parts.arms[0].parameters)
    assert report["compression"]["bytes"] == pytest.approx(second.bytes / parts.arms[0].bytes)
    assert report["latency"][0]["teacher_ms"]["p50"] == 2.12


def test_of_equal_teachers_the_first_is_the_reference() -> None:
    first, second = sample_parts().teachers
    second.validation = first.validation
    assert reference_teacher([first, second]) is first


def test_the_student_to_take_away_is_chosen_by_validation() -> None:
    parts = sample_parts((1, 2, 3))
    mains = [arm for arm in parts.arms if arm.name == "main"]
    mains[1].validation = {**mains[1].validation, "accuracy": 0.999}
    assert best_main(mains) is mains[1] and build_report(parts)["student_seed"] == 2
    parts.student_seed = 3
    assert build_report(parts)["student_seed"] == 3


def test_figures_follow_from_the_predictions() -> None:
    parts = sample_parts()
    report, main, best = build_report(parts), parts.arms[0], parts.teachers[0]
    entry = report["arms"][0]
    assert entry["agreement"] == pytest.approx(np.mean(main.predicted == best.predicted))
    assert entry["agreements"][parts.teachers[1].name] == pytest.approx(
        np.mean(main.predicted == parts.teachers[1].predicted)
    )
    hits = int(np.sum(main.predicted == parts.gold))
    assert entry["interval"] == pytest.approx(list(wilson(hits, len(parts.gold))))
    assert entry["quality"]["test"] == pytest.approx(hits / len(parts.gold))
    assert report["quality_kept"] == pytest.approx(main.test["accuracy"] / best.test["accuracy"])
    low, high = report["quality_kept_interval"]
    assert low < report["quality_kept"] < high
    assert report["test_half_width"] == pytest.approx((entry["interval"][1] - entry["interval"][0]) / 2)


def test_quality_kept_is_the_mean_over_seeds() -> None:
    parts = sample_parts((1, 2, 3))
    mains = [arm.test["accuracy"] for arm in parts.arms if arm.name == "main"]
    assert build_report(parts)["quality_kept"] == pytest.approx(np.mean(mains) / parts.teachers[0].test["accuracy"])


def test_controls_are_compared_pairwise_with_holm() -> None:
    report = sample_report()
    against = {row["against"]: row for row in report["comparisons"]}
    assert list(against) == ["no_teacher", "uniform", "support-bert"]
    assert against["no_teacher"]["p_adjusted"] == pytest.approx(2 * against["no_teacher"]["p"])
    assert against["support-bert"]["p_adjusted"] == against["support-bert"]["p"]
    assert {row["method"] for row in report["comparisons"]} == {"mcnemar"}
    assert against["no_teacher"]["outcome"] == "better" and against["uniform"]["outcome"] == "no_difference"
    row = against["no_teacher"]
    assert row["difference"] == pytest.approx((row["wins"] - row["losses"]) / 1500)
    assert row["interval"][0] < row["difference"] < row["interval"][1]


def test_several_seeds_are_compared_by_t() -> None:
    report = sample_report((1, 2, 3))
    assert {(row["method"], row["seeds"]) for row in report["comparisons"]} == {("t", 3)}


def test_seeds_are_paired_by_number_not_by_order() -> None:
    parts = sample_parts((1, 2, 3))
    shuffled = dataclasses.replace(
        parts, arms=[a for a in parts.arms if a.name == "main"] + [a for a in parts.arms if a.name != "main"][::-1]
    )
    assert build_report(shuffled)["comparisons"] == build_report(parts)["comparisons"]


def test_missing_controls_are_named_with_their_reason() -> None:
    parts = sample_parts()
    parts.arms = [arm for arm in parts.arms if arm.name == "main"]
    parts.missing_controls = {"uniform": "already_uniform"}
    report = build_report(parts)
    assert report["missing_controls"] == {"no_teacher": "not_requested", "uniform": "already_uniform"}
    assert [row["role"] for row in report["comparisons"]] == ["teacher"]


def test_a_report_without_teacher_or_main_is_refused() -> None:
    for empty in ("teachers", "arms"):
        with pytest.raises(ValueError):
            build_report(dataclasses.replace(sample_parts(), **{empty: []}))


def test_a_teacher_with_nothing_right_leaves_kept_open() -> None:
    parts = sample_parts()
    best = parts.teachers[0]
    best.predicted = (parts.gold + 1) % 8
    best.test = quality(parts.gold, best.predicted)
    report = build_report(parts)
    assert report["quality_kept"] is None and report["quality_kept_interval"] is None
    assert "keeps" not in report["conclusion"]["headline"]


def test_the_floor_is_the_most_frequent_test_class() -> None:
    parts = sample_parts()
    counts = np.bincount(parts.gold)
    expected = {"label": parts.labels[int(counts.argmax())], "share": counts.max() / 1500}
    assert build_report(parts)["majority"] == expected


def test_latency_pairs_by_batch_and_survives_a_missing_row() -> None:
    rows = [r for r in sample_latency() if not (r["role"] == "teacher" and r["batch"] == 1)]
    (row,) = latency_table(rows, "support-bert")
    assert row["batch"] == 32 and row["speedup"] == pytest.approx(24.8 / 4.43)
    assert latency_table(rows, "nobody") == []


def test_a_teacher_named_student_is_no_student() -> None:
    rows = [{**r, "name": "student"} for r in sample_latency() if r["name"] != "support-roberta"]
    assert [r["speedup"] for r in latency_table(rows, "student")] == pytest.approx([2.31 / 0.91, 24.8 / 4.43])


def test_scores_given_for_accuracy_change_nothing() -> None:
    parts, given = sample_parts((1, 2)), sample_parts((1, 2))
    for predictor in (*given.teachers, *given.arms):
        predictor.scores = Scores.of_predictions(predictor.predicted, given.gold)
    assert build_report(given) == build_report(parts)
    assert build_report(parts)["protocol"]["interval_method"] == "wilson"


# ---------------------------------------------------------------- tagging


def test_figures_of_tagging_follow_from_the_scores() -> None:
    parts = tagging_parts()
    report, main, control, teacher = build_report(parts), parts.arms[0], parts.arms[1], parts.teachers[0]
    assert all(p.scores is not None for p in (main, control, teacher))
    entry, rows = report["arms"][0], {row["against"]: row for row in report["comparisons"]}
    assert entry["quality"]["test"] == main.test["f1"] == pytest.approx(main.scores.quality)
    assert entry["interval"] == list(interval(main.scores))
    assert report["test_half_width"] == pytest.approx((entry["interval"][1] - entry["interval"][0]) / 2)
    assert report["quality_kept_interval"] == list(kept_interval([main.scores], teacher.scores))
    assert report["quality_kept"] == pytest.approx(main.scores.quality / teacher.scores.quality)
    for name, other in (("no_teacher", control), ("support-bert", teacher)):
        expected = compare([main.scores], [other.scores])
        assert rows[name]["method"] == "linearised" and rows[name]["p"] == expected.p
        assert rows[name]["difference"] == pytest.approx(main.test["f1"] - other.test["f1"])
        assert rows[name]["interval"] == [expected.low, expected.high]
    assert rows["no_teacher"]["outcome"] == "better" and rows["support-bert"]["outcome"] == "worse"


def test_agreement_of_taggers_is_a_share_of_words() -> None:
    parts = tagging_parts()
    report = build_report(parts)
    main, teacher = parts.arms[0].predicted, parts.teachers[0].predicted
    assert len(main) == 6 * 600 and report["unit"] == "word"
    assert report["arms"][0]["agreement"] == pytest.approx(np.mean(main == teacher))
    assert build_report(sample_parts())["unit"] == "example"


def test_tagging_has_languages_and_no_majority() -> None:
    report = build_report(tagging_parts((1, 2)))
    assert report["majority"] is None and (report["task"], report["metric"]) == ("tagging", "f1")
    assert report["protocol"]["scoring"] == "conlleval" and report["protocol"]["interval_method"] == "linearised"
    for entry in [*report["teachers"], *report["arms"]]:
        assert list(entry["per_language"]) == ["en", "pl", "ru"]
        assert entry["macro_language_f1"]["test"] == pytest.approx(
            np.mean([row["f1"] for row in entry["per_language"].values()])
        )
        assert [row["label"] for row in entry["per_class"]] == ["LOC", "PER"]
        assert entry["macro_f1"] == {"validation": None, "test": None}
    sentences = " ".join(report["conclusion"]["sentences"])
    assert "Largest loss: pl, " in sentences and "always answering" not in sentences
    assert "entity F1" in report["conclusion"]["headline"]
    assert "per_language" not in sample_report()["arms"][0] and "scoring" not in sample_report()["protocol"]


def spoken_parts(seeds: tuple[int, ...] = (13,)) -> ReportParts:
    """The sample run with two languages in turn; in "pl" the students have fewer right."""
    parts = sample_parts(seeds)
    for number, predictor in enumerate([*parts.teachers, *parts.arms]):
        taught = number < len(parts.teachers)
        rows = {
            name: {"accuracy": 0.9 if taught else share, "examples": 750} for name, share in (("en", 0.88), ("pl", 0.7))
        }
        mean = float(np.mean([row["accuracy"] for row in rows.values()]))
        predictor.test = {**predictor.test, "per_language": rows, "macro_language_accuracy": mean}
        predictor.validation = {**predictor.validation, "macro_language_accuracy": mean}
    return parts


def test_classification_has_languages_too() -> None:
    report = build_report(spoken_parts((1, 2)))
    for entry in [*report["teachers"], *report["arms"]]:
        mean = np.mean([row["accuracy"] for row in entry["per_language"].values()])
        assert entry["macro_language_accuracy"] == {"validation": pytest.approx(mean), "test": pytest.approx(mean)}
        assert "macro_language_f1" not in entry
    assert "Largest loss: pl, 70.0% against 90.0%." in report["conclusion"]["sentences"]
    lines = to_markdown(report).splitlines()
    head = next(line for line in lines if line.startswith("| language "))
    assert [cell.strip() for cell in head.strip("| ").split("|")] == [
        "language", "examples", "teacher accuracy", "student accuracy",
    ]  # fmt: skip
    (polish,) = [line for line in lines if line.startswith("| pl ")]
    assert [cell.strip() for cell in polish.strip("| ").split("|")] == ["pl", "750", "90.0%", "70.0%"]
    assert any(line.startswith("| mean over languages ") and "79.0%" in line for line in lines)
    assert "| Test accuracy, pl | 70.0% |" in student_readme(report)


def test_tagging_over_seeds_is_compared_by_t() -> None:
    parts = tagging_parts((1, 2, 3))
    report = build_report(parts)
    row = next(row for row in report["comparisons"] if row["against"] == "no_teacher")
    arms = {name: [arm.scores for arm in parts.arms if arm.name == name] for name in ("main", "no_teacher")}
    assert (row["method"], row["seeds"], row["p"]) == ("t", 3, compare(arms["main"], arms["no_teacher"]).p)
    assert "Over 3 seeds, distillation helped" in " ".join(report["conclusion"]["sentences"])
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_f1_without_scores_is_refused() -> None:
    parts = tagging_parts()
    parts.arms[0].scores = None
    parts.gold = parts.arms[0].predicted
    with pytest.raises(ValueError, match="main needs scores"):
        build_report(parts)


# ---------------------------------------------------------------- on disk


def test_it_comes_back_as_written(tmp_path: Path) -> None:
    path, report = tmp_path / "deep" / "report.json", sample_report()
    write_report(path, report)
    assert read_report(path) == report
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]


def test_numpy_and_not_a_number_are_written_as_json(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, {"schema_version": 1, "a": np.float32(0.5), "b": math.nan, "c": np.arange(2), "d": (np.inf,)})
    assert read_report(path) == {"schema_version": 1, "a": 0.5, "b": None, "c": [0, 1], "d": [None]}


def test_a_failed_write_leaves_the_old_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, {"schema_version": 1, "name": "old"})
    with pytest.raises(TypeError):
        write_report(path, {"schema_version": 1, "name": object()})
    assert read_report(path) == {"schema_version": 1, "name": "old"} and len(list(tmp_path.iterdir())) == 1


def test_no_report_is_none(tmp_path: Path) -> None:
    assert read_report(tmp_path / "report.json") is None


@pytest.mark.parametrize("text", ['{"schema_version": 1,', "[]", "{}", '{"schema_version": "1"}', "", "null"])
def test_a_damaged_report_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(DataError, match="damaged"):
        read_report(path)


def test_a_newer_report_says_so(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(DataError, match="newer version"):
        read_report(path)


def test_bytes_that_are_no_text_say_so(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_report(path)


def test_a_teacher_that_stays_as_pretrained_has_no_figures_and_is_never_the_reference() -> None:
    parts = sample_parts()
    bare = TeacherResult(name="as it was", source="bundled:support-bert", parameters=10, bytes=40)
    report = build_report(dataclasses.replace(parts, teachers=[bare, parts.teachers[0]]))
    first, second = report["teachers"]
    assert first["quality"] == {"validation": None, "test": None} and first["interval"] is None
    assert (first["reference"], second["reference"]) == (False, True)
    assert set(report["arms"][0]["agreements"]) == {second["name"]}
    sentences = report["conclusion"]["sentences"]
    assert sum("as it was stays as it was pre-trained" in sentence for sentence in sentences) == 1
    assert not any("best teacher" in sentence for sentence in [report["conclusion"]["headline"], *sentences])
    row = next(line for line in to_markdown(report).splitlines() if "as it was " in line and line.startswith("|"))
    assert [cell.strip() for cell in row.split("|")[4:8]] == ["–"] * 4
    with pytest.raises(ValueError, match="answers"):
        build_report(dataclasses.replace(parts, teachers=[bare]))
