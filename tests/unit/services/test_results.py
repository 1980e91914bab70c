from __future__ import annotations

import json
from pathlib import Path

import pytest

from distill_core.errors import ConfigError, JobError
from distill_core.jobs.meta import read_meta
from distill_core.layout import RunFolder
from distill_core.services import results
from tests.finished_run import finished_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return finished_run(tmp_path_factory.mktemp("runs") / "made")


def test_thresholds_flip_the_verdict_and_stay_with_the_run(made: RunFolder) -> None:
    first = results.verdict(made)
    assert first["verdict"] == "no" and not first["own"] and first["thresholds"] == first["defaults"]
    easy = results.verdict(made, {"keep": 90, "smaller": 2})
    assert easy["verdict"] == "ship" and easy["own"]
    assert results.verdict(made)["verdict"] == "ship"
    assert read_meta(made)["thresholds"]["keep"] == 90 and read_meta(made)["name"] == "finished"
    # One more is changed, the others stay; the smallest batch is what is meant anyway.
    assert results.verdict(made, {"batch": 1, "faster": 1})["thresholds"] == {
        **easy["thresholds"], "faster": 1, "batch": None
    }  # fmt: skip
    assert results.verdict(made, forget=True)["verdict"] == "no" and "thresholds" not in read_meta(made)


def test_what_cannot_be_is_refused_and_nothing_is_kept(made: RunFolder) -> None:
    with pytest.raises(ConfigError):
        results.verdict(made, {"keep": "all"})
    assert "thresholds" not in read_meta(made)


def test_the_kept_answers_give_the_reports_own_figures(made: RunFolder) -> None:
    """Every quality of the report follows from the predictions beside it."""
    report, split = json.loads(made.report.read_text()), results.split_of(made)
    assert split is not None
    for model in split.about.models:
        found = next(
            row
            for row in [*report["teachers"], *report["arms"]]
            if row["name"] == model.name and row.get("seed") == model.seed
        )
        assert split.scores(model.key).quality == pytest.approx(found["quality"]["test"])


def test_a_run_of_an_earlier_version_says_what_is_missing(tmp_path: Path) -> None:
    found = results.verdict(finished_run(tmp_path / "old", kept=False))
    assert found["lost"] is None and found["missing"] == "nothing_kept"
    assert next(row for row in found["checks"] if row["name"] == "slices")["status"] == "open"


def test_a_run_without_a_report_has_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no report"):
        results.verdict(RunFolder(tmp_path).create())


def test_unreadable_thresholds_count_as_none(made: RunFolder) -> None:
    meta = read_meta(made)
    made.meta.write_text(json.dumps({**meta, "thresholds": {"keep": "much"}}))
    assert not results.verdict(made)["own"]
    made.meta.write_text(json.dumps(meta))


def test_figures_are_remembered_until_the_file_changes(made: RunFolder) -> None:
    calls = []

    def count(split: object) -> int:
        calls.append(split)
        return len(calls)

    assert [results.remembered(made, "count", count) for _ in range(3)] == [1, 1, 1]
