from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from distill_core import checkpoints, recipes
from distill_core.checkpoints import CheckpointInfo
from distill_core.errors import CheckpointError
from distill_core.services import drafts
from distill_core.services.check import CheckOutcome, check_config
from distill_core.services.sizes import sizes

INFO = CheckpointInfo(
    source="x",
    name="teacher",
    folder=Path("x"),
    model_type="bert",
    layers=2,
    hidden=32,
    heads=2,
    intermediate=64,
    vocab_size=100,
    max_positions=64,
    parameters=500_000,
    total_parameters=510_000,
    is_classifier=False,
    labels=None,
    tokenizer_kind="WordPiece",
    tokenizer_fingerprint="f",
    fingerprint="g",
    per_layer=(1000, 1000),
)


class Inspector:
    """Stands in for `checkpoints.inspect_light`; counts the questions."""

    def __init__(self) -> None:
        self.asked = 0
        self.infos: dict[str, CheckpointInfo | CheckpointError] = {}

    def __call__(self, source: str, revision: str | None = None, keep_layers: int | None = None) -> CheckpointInfo:
        self.asked += 1
        found = self.infos.get(source, INFO)
        if isinstance(found, CheckpointError):
            raise found
        return found


@pytest.fixture
def inspector(monkeypatch: pytest.MonkeyPatch) -> Inspector:
    found = Inspector()
    monkeypatch.setattr(checkpoints, "inspect_light", found)
    monkeypatch.setattr(checkpoints, "count_pieces", lambda info: lambda texts: [len(t.split()) + 2 for t in texts])
    monkeypatch.setattr(drafts, "_CACHE", drafts.Cache())
    monkeypatch.setattr(drafts, "online", lambda: False)
    return found


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    rows = [
        f"message number {n} about {'bills' if n % 2 else 'parcels'},{'bill' if n % 2 else 'parcel'}" for n in range(80)
    ]
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    return path


def draft(csv: Path, **more: Any) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "data": {"source": "files", "train": str(csv)},
        "teachers": [{"source": "folder-a"}],
        "student": {"kind": "bilstm", "embedding": 4, "lstm_hidden": 8},
    }
    return {**raw, **more}


def fields(outcome: CheckOutcome) -> set[str]:
    return {error.field for error in outcome.errors}


def test_a_good_draft(inspector: Inspector, csv: Path) -> None:
    outcome = check_config(draft(csv))
    assert outcome.ok and outcome.errors == []
    assert outcome.summary["labels"] == ["bill", "parcel"]
    assert outcome.summary["student"]["compression"] == pytest.approx(
        outcome.summary["teachers"][0]["parameters"] / outcome.summary["student"]["parameters"]
    )
    assert outcome.summary["teachers"][0]["name"] == "teacher"


def test_every_part_is_looked_at_even_when_others_are_wrong(inspector: Inspector, csv: Path) -> None:
    inspector.infos["broken"] = CheckpointError("no config.json.", hint="Choose another.")
    raw = draft(csv, teachers=[{"source": "broken"}, {"source": "good", "nonsense": 1}], student={"kind": "tree"})
    raw["data"]["columns"] = {"text": "body"}
    outcome = check_config(raw)
    assert not outcome.ok and outcome.config is None
    assert {"teachers.0.source", "teachers.1.nonsense", "student.kind", "data.columns.text"} <= fields(outcome)
    assert outcome.summary["teachers"][0]["error"] == "no config.json."


@pytest.mark.parametrize("raw", [{}, {"data": 3}, {"teachers": "x"}, {"seeds": "x", "student": []}, {"data": {}}])
def test_no_draft_raises(inspector: Inspector, raw: dict[str, Any]) -> None:
    outcome = check_config(raw)
    assert outcome.errors and not outcome.ok
    assert "error" in sizes(raw)


def test_as_is_needs_a_head_and_names(inspector: Inspector, csv: Path) -> None:
    inspector.infos["named"] = replace(INFO, is_classifier=True, labels=["Parcel", "BILL"])
    inspector.infos["numbered"] = replace(INFO, is_classifier=True, labels=["LABEL_0", "LABEL_1"])
    inspector.infos["other"] = replace(INFO, is_classifier=True, labels=["spam", "ham"])
    mode = {"teacher_training": {"mode": "as_is"}}
    names = ["named", "numbered", "other", "folder-a"]
    outcome = check_config(draft(csv, teachers=[{"source": n} for n in names], **mode))
    assert fields(outcome) == {"teachers.1.label_mapping", "teachers.2.label_mapping", "teachers.3.source"}
    mapped = {"source": "numbered", "label_mapping": {"LABEL_0": "bill", "LABEL_1": "parcel"}}
    assert check_config(draft(csv, teachers=[mapped], **mode)).ok
    assert check_config(draft(csv, teachers=[{"source": "named"}], **mode)).summary["teachers"][0]["parameters"] == (
        INFO.total_parameters
    )


def test_as_is_in_tagging_needs_a_head_for_words(inspector: Inspector, tmp_path: Path) -> None:
    lines = [f"Ada{n} B-PER\nspoke O\nin O\nRome{n} B-LOC\n" for n in range(60)]
    (tmp_path / "train.conll").write_text("\n".join(lines))
    tags = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    inspector.infos["tagger"] = replace(INFO, is_tagger=True, labels=tags)
    inspector.infos["other"] = replace(INFO, is_tagger=True, labels=["O", "B-X", "I-X"])
    inspector.infos["classifier"] = replace(INFO, is_classifier=True, labels=tags)
    raw = draft(tmp_path / "train.conll", teacher_training={"mode": "as_is"})
    raw["data"]["task"] = "tagging"
    raw["teachers"] = [{"source": name} for name in ("tagger", "other", "classifier")]
    outcome = check_config(raw)
    assert {"teachers.1.label_mapping", "teachers.2.source"} <= fields(outcome)
    assert "teachers.0.label_mapping" not in fields(outcome) and "teachers.0.source" not in fields(outcome)
    assert outcome.summary["labels"][0] == "O" and outcome.summary["preview"][0]["tags"].startswith("B-PER O")


def test_answers_are_remembered_until_the_file_changes(inspector: Inspector, csv: Path) -> None:
    check_config(draft(csv))
    asked = inspector.asked
    check_config(draft(csv))
    assert inspector.asked == asked
    with csv.open("a") as file:
        file.write("a third kind of message,third\n" * 3)
    assert "third" in check_config(draft(csv)).summary["labels"]


def test_sizes_use_the_classes_seen(inspector: Inspector, csv: Path) -> None:
    before = sizes(draft(csv))
    assert before["bytes"] == 4 * before["parameters"] and before["megabytes"] == before["bytes"] / 1e6
    check_config(draft(csv))
    assert sizes(draft(csv))["parameters"] == before["parameters"], "two classes are the assumption too"
    assert sizes(draft(csv, student={"kind": "bilstm", "lstm_hidden": 0}))["field"] == "student.lstm_hidden"
    assert "teacher" in sizes(draft(csv, teachers=[]))["error"]


def test_sizes_need_only_the_teacher_that_gives_the_vocabulary(inspector: Inspector, csv: Path) -> None:
    inspector.infos["broken"] = CheckpointError("no.")
    good = draft(csv, teachers=[{"source": "good"}, {"source": "broken"}])
    assert sizes(good)["parameters"] > 0
    bad = draft(csv, teachers=[{"source": "broken"}, {"source": "good"}])
    assert sizes(bad) == {"error": "no.", "field": "teachers.0.source", "advice": []}


def test_more_layers_than_the_teacher_has(inspector: Inspector, csv: Path) -> None:
    student = {"kind": "transformer", "layers": 5, "initialise": "teacher_layers"}
    assert "student.layers" in fields(check_config(draft(csv, student=student)))


# ---------------------------------------------------------------- people who do not own this machine


def test_local_files_and_folders_are_refused_to_strangers(inspector: Inspector, csv: Path, tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    (uploads / "mine.csv").write_bytes(csv.read_bytes())
    (uploads / "link.csv").symlink_to(csv)
    for path in (csv, uploads / ".." / "train.csv", uploads / "link.csv", Path("/etc/passwd")):
        outcome = check_config(draft(csv, data={"source": "files", "train": str(path)}), uploads_only=uploads)
        assert "data.train" in fields(outcome) and outcome.findings == [] and "preview" not in outcome.summary
    raw = draft(csv, data={"source": "files", "train": str(uploads / "mine.csv")}, teachers=[{"source": "owner/name"}])
    assert check_config(raw, uploads_only=uploads).ok
    asked = inspector.asked
    for source in (str(tmp_path), "/etc", "~/models", "./models", "../models"):
        raw["teachers"] = [{"source": source}]
        assert "teachers.0.source" in fields(check_config(raw, uploads_only=uploads))
        assert sizes(raw, uploads_only=uploads)["field"] == "teachers.0.source"
    assert inspector.asked == asked, "nothing was looked at"


def test_languages_may_not_lead_out_of_the_uploads(inspector: Inspector, csv: Path, tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    data = {"source": "files", "train": str(uploads / "{language}.csv"), "languages": ["en", "../train"]}
    assert "data.train" in fields(check_config(draft(csv, data=data), uploads_only=uploads))
    assert sizes(draft(csv, data=data), uploads_only=uploads)["field"] == "data.train"


# ---------------------------------------------------------------- advice


def notes(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["field"], item["severity"]) for item in found["advice"]]


def test_advice_comes_with_the_sizes_and_stands_among_the_findings(inspector: Inspector, csv: Path) -> None:
    inspector.infos["weak"] = replace(INFO, parameters=1000, name="weak")
    student = {"kind": "bilstm", "embedding": 32, "lstm_hidden": 64}
    raw = draft(csv, teachers=[{"source": "good"}, {"source": "weak"}], student=student)
    assert ("teachers.1.source", "warning") in notes(sizes(raw))
    outcome = check_config(raw)
    assert outcome.ok, "advice keeps nothing from starting"
    given = [f for f in outcome.findings if f["code"] == "advice"]
    assert {f["field"] for f in given} == {"teachers.1.source", "objective.soft_label_weight"}
    assert all(f["rows"] == [] and f["count"] == 0 for f in given)
    # Now the data are known, the quick answer knows them too.
    assert ("objective.soft_label_weight", "info") in notes(sizes(raw))


def test_advice_on_what_is_typed_so_far(inspector: Inspector, csv: Path) -> None:
    assert notes(sizes(draft(csv, objective={"teacher_weighting": "mt_bert"}))) == [
        ("objective.teacher_weighting", "info")
    ]
    assert notes(sizes(draft(csv, objective={"teacher_weighting": "no such"}))) == []
    assert notes(sizes(draft(csv, training={"epochs": 0}))) == []


def test_a_pruned_vocabulary_is_told_as_a_bound(inspector: Inspector, csv: Path) -> None:
    student = {"kind": "bilstm", "embedding": 4, "lstm_hidden": 8}
    assert sizes(draft(csv))["at_most"] is False
    assert sizes(draft(csv, student={**student, "vocabulary": "seen"}))["at_most"] is True


def test_misfits_of_stages_reach_the_check(inspector: Inspector, csv: Path) -> None:
    stages = [{"name": "one", "terms": {"emd": 1.0}}]
    assert "training.stages" in fields(check_config(draft(csv, training={"stages": stages})))
    assert "objective.matching.emd" in fields(check_config(draft(csv, objective={"matching": {"emd": 1}})))


def test_a_masked_language_model_is_checked_without_labels():
    raw = recipes.load("weak_teacher").config.model_dump(mode="json", exclude_none=True)
    outcome = check_config(raw)
    assert outcome.ok
    assert outcome.summary["labels"] == []
    assert outcome.summary["sizes"]["train"] == 8_000
    assert outcome.summary["student"]["compression"] < 1
    assert not any("transfer rows" in finding["message"] for finding in outcome.findings)
    raw["teachers"].append({"source": "bundled:support-roberta"})
    assert [error.field for error in check_config(raw).errors] == ["teachers.1.source"]


def test_a_teacher_that_stays_as_pretrained_needs_no_head_and_counts_none(inspector: Inspector, csv: Path) -> None:
    pair = [{"source": "a", "name": "bare", "pretrained_only": True}, {"source": "a", "name": "taught"}]
    outcome = check_config(draft(csv, teachers=pair, objective={"hidden_weight": 1.0}))
    assert outcome.ok, outcome.errors
    bare, taught = outcome.summary["teachers"]
    assert bare["pretrained_only"] and not taught["pretrained_only"]
    assert bare["parameters"] == INFO.parameters < taught["parameters"]
    student = outcome.summary["student"]
    assert student["teacher_parameters"] == taught["parameters"], "one without answers is no measure of compression"
    inspector.infos["ready"] = replace(INFO, is_classifier=True, labels=["bill", "parcel"])
    ready = [pair[0], {"source": "ready"}]
    assert check_config(draft(csv, teachers=ready, teacher_training={"mode": "as_is"})).ok
    alone = check_config(draft(csv, teachers=pair[:1]))
    assert "teachers.0.pretrained_only" in fields(alone)
