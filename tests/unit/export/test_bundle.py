import zipfile
from pathlib import Path

import pytest

from distill_core.export.bundle import student_readme, write_student_readme, zip_folder
from distill_core.export.report import build_report
from tests.samples import LABELS, sample_parts, sample_report
from tests.unit.export.tagging_run import tagging_parts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "student"
    (path / "tokenizer").mkdir(parents=True)
    (path / "model.safetensors").write_bytes(bytes(range(256)) * 40)
    (path / "tokenizer" / "tokenizer.json").write_text("{}")
    return path


def test_the_readme_says_what_it_is(folder: Path) -> None:
    report = sample_report()
    text = write_student_readme(folder, report).read_text(encoding="utf-8")
    assert text == student_readme(report)
    assert report["conclusion"]["headline"] in text and "402,312" in text and "1.61 MB" in text
    assert "support-bert (reference), support-roberta" in text and "Data: support-desk." in text
    assert all(f"{number}. {label}\n" in text for number, label in enumerate(LABELS))
    assert "python -m distill_core predict" in text and "StudentPredictor.load" in text


def test_the_readme_speaks_of_the_trial_that_was_saved() -> None:
    parts = sample_parts((1, 2))
    parts.student_seed = 2
    report = build_report(parts)
    text = student_readme(report)
    saved = next(arm for arm in report["arms"] if arm["name"] == "main" and arm["seed"] == 2)
    assert "the trial with seed 2, one of 2" in text and f"{100 * saved['agreement']:.1f}%" in text


def test_a_taggers_readme_speaks_of_entities_and_words() -> None:
    report = build_report(tagging_parts())
    text, main = student_readme(report), report["arms"][0]
    low, high = (100 * end for end in main["interval"])
    assert f"| Test entity F1 | {100 * main['quality']['test']:.1f}% (95% interval {low:.1f}–{high:.1f}) |" in text
    assert "A tagger of words, distilled" in text and "% of words |" in text and "classify" not in text
    assert f"| Test entity F1, pl | {100 * main['per_language']['pl']['f1']:.1f}% |" in text and "2. I-LOC\n" in text


def test_the_zip_holds_the_folder(folder: Path, tmp_path: Path) -> None:
    target = zip_folder(folder, tmp_path / "cache" / "student.zip")
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["student/model.safetensors", "student/tokenizer/tokenizer.json"]
        assert archive.read("student/model.safetensors") == (folder / "model.safetensors").read_bytes()
        assert archive.testzip() is None
    assert [p.name for p in target.parent.iterdir()] == ["student.zip"]


def test_equal_folders_give_equal_archives(folder: Path, tmp_path: Path) -> None:
    first = zip_folder(folder, tmp_path / "a.zip").read_bytes()
    (folder / "model.safetensors").touch()
    assert zip_folder(folder, tmp_path / "b.zip").read_bytes() == first


def test_hidden_files_and_links_stay_behind(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("no")
    (folder / "link.txt").symlink_to(secret)
    (folder / ".hidden").write_text("no")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("no")
    with zipfile.ZipFile(zip_folder(folder, tmp_path / "a.zip")) as archive:
        assert len(archive.namelist()) == 2


def test_nothing_to_zip_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError):
        zip_folder(tmp_path / "empty", tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
