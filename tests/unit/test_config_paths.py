from pathlib import Path

import pytest

from distill_core.config import from_dict
from distill_core.config_paths import absolutise

STUDENT = {"kind": "bilstm"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.csv").write_text("text,label\n")
    (tmp_path / "teacher").mkdir()
    return tmp_path


def files(**more: str) -> dict:
    return {"source": "files", "train": "train.csv", **more}


def test_existing_paths_become_absolute(here: Path) -> None:
    config = from_dict({"data": files(), "teachers": [{"source": "./teacher"}], "student": STUDENT})
    found = absolutise(config)
    assert found.data.train == str(here / "train.csv") and found.teachers[0].source == str(here / "teacher")
    assert config.data.train == "train.csv", "the config given is left alone"
    assert absolutise(found) == found


def test_what_is_not_there_stays_as_typed(here: Path) -> None:
    config = from_dict({"data": files(test="no.csv"), "teachers": [{"source": "owner/name"}], "student": STUDENT})
    found = absolutise(config)
    assert found.data.test == "no.csv" and found.data.validation is None and found.teachers[0].source == "owner/name"


def test_bundled_names_are_not_paths(here: Path) -> None:
    (here / "bundled:support-bert").mkdir()
    config = from_dict(
        {"data": {"source": "bundled"}, "teachers": [{"source": "bundled:support-bert"}], "student": STUDENT}
    )
    assert absolutise(config) == config


def test_a_link_keeps_its_own_name(here: Path) -> None:
    (here / "blob").write_text("text,label\n")
    (here / "linked.csv").symlink_to(here / "blob")
    config = from_dict({"data": {**files(), "train": "linked.csv"}, "teachers": [{"source": "x"}], "student": STUDENT})
    assert absolutise(config).data.train == str(here / "linked.csv")


def test_another_base_can_be_given(here: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own.csv").write_text("")
    config = from_dict({"data": {**files(), "train": "own.csv"}, "teachers": [{"source": "x"}], "student": STUDENT})
    assert absolutise(config, tmp_path / "sub").data.train == str(tmp_path / "sub" / "own.csv")
    assert absolutise(config).data.train == "own.csv"


def test_a_path_too_long_for_the_system_stays(here: Path) -> None:
    config = from_dict({"data": files(), "teachers": [{"source": "x" * 5000}], "student": STUDENT})
    assert absolutise(config).teachers[0].source == "x" * 5000
