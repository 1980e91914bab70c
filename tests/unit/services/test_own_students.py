"""Students of finished runs as teachers: which are listed, and which paths may be named where only uploads count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from distill_core.config import TeacherSection
from distill_core.layout import DataHome
from distill_core.saved_students import DESCRIPTION
from distill_core.services.drafts import foreign_paths
from distill_core.services.own_students import MOST, finished, is_own


def row(run_id: str, status: str = "done", *, archived: bool = False) -> dict[str, Any]:
    return {"id": run_id, "name": run_id.upper(), "status": status, "archived": archived, "student": "BiLSTM 1×48",
            "created": 1.0, "quality_kept": 0.98, "tags": []}  # fmt: skip


def with_student(home: DataHome, run_id: str) -> Path:
    folder = home.run(run_id).create().path / "artifacts" / "student"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DESCRIPTION).write_text(json.dumps({}), encoding="utf-8")
    return folder


def test_finished_runs_with_a_student_are_listed(tmp_path: Path) -> None:
    home = DataHome(tmp_path).create()
    for run_id in ("good", "failed", "archived"):
        with_student(home, run_id)
    empty = home.run("empty").create().path
    for name in ("config.yaml", "events.jsonl"):
        (empty / name).write_text("", encoding="utf-8")
    rows = [row("good"), row("failed", "failed"), row("archived", archived=True), row("empty"), row("gone")]
    found = finished(rows, home)
    assert [(one["name"], one["source"]) for one in found] == [("GOOD", str(tmp_path / "runs" / "good"))]
    assert len(finished([row("good")] * (MOST + 5), home)) == MOST


def test_only_the_data_folders_own_students_may_be_named(tmp_path: Path) -> None:
    home = DataHome(tmp_path / "home").create()
    student = with_student(home, "good")
    assert is_own(str(student), home) and is_own(str(home.runs / "good"), home)
    outside = tmp_path / "secret"
    outside.mkdir()
    (home.runs / "link").symlink_to(outside)
    odd = [
        outside, home.runs, home.runs / "good" / "checkpoints", home.runs / "link", home.root, home.teachers / "x",
        home.runs / "good" / ".." / ".." / "secret", home.runs / "A B", "runs/good", "~/runs/good", "",
    ]  # fmt: skip
    assert [path for path in odd if is_own(str(path), home)] == []


@pytest.mark.parametrize(("name", "barred"), [("good", False), ("other/thing", True)])
def test_they_pass_where_only_uploads_count(tmp_path: Path, name: str, barred: bool) -> None:
    home = DataHome(tmp_path).create()
    with_student(home, "good")
    teacher = TeacherSection(source=str(home.runs / name))
    assert bool(foreign_paths(None, {0: teacher}, home.uploads)) == barred
