from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from distill_core.errors import DataError, JobError
from distill_core.layout import DataHome
from distill_core.services.files import store_upload, student_archive, tail


@pytest.fixture
def home(tmp_path: Path) -> DataHome:
    return DataHome(tmp_path / "home").create()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "blob"
    path.write_bytes(b"text,label\na,b\n")
    return path


@pytest.mark.parametrize(
    "name", ["data.csv", "../../etc/data.csv", "..\\..\\data.CSV", "/abs/data.csv", "dä\x00ta.csv", ".hidden.csv"]
)
def test_uploads_stay_in_their_folder(home: DataHome, source: Path, name: str) -> None:
    stored = Path(store_upload(home, source, name, 1))
    assert stored.parent == home.uploads and stored.suffix == ".csv"
    assert stored.read_bytes() == source.read_bytes()
    assert not stored.name.startswith(".")


def test_nothing_is_overwritten(home: DataHome, source: Path) -> None:
    first = store_upload(home, source, "data.csv", 1)
    assert store_upload(home, source, "data.csv", 1) == first
    source.write_bytes(b"other")
    second = store_upload(home, source, "data.csv", 1)
    assert second != first and Path(first).read_bytes() == b"text,label\na,b\n"
    assert len(list(home.uploads.iterdir())) == 2


@pytest.mark.parametrize("name", ["model.pkl", "x.csv.exe", "noending", "", "a.safetensors"])
def test_endings(home: DataHome, source: Path, name: str) -> None:
    with pytest.raises(DataError, match="ending"):
        store_upload(home, source, name, 1)
    assert list(home.uploads.iterdir()) == []


def test_size(home: DataHome, source: Path) -> None:
    source.write_bytes(b"x" * 1_000_001)
    with pytest.raises(DataError, match="at most 1 MB"):
        store_upload(home, source, "a.csv", 1)


def test_missing_upload(home: DataHome, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="did not arrive"):
        store_upload(home, tmp_path / "gone", "a.csv", 1)


def test_tail(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    assert tail(path, 5) == ""
    path.write_bytes(b"\n".join(b"%d" % n for n in range(100)) + b"\n\xff")
    assert tail(path, 3) == "98\n99\n�"
    assert tail(path, 1000, most=10).endswith("99\n�")


def test_archive_is_built_once_and_again_when_the_student_is_newer(home: DataHome) -> None:
    folder = home.run("a-1").create()
    with pytest.raises(JobError, match="no finished student"):
        student_archive(home, folder)
    (folder.student / "tokenizer").mkdir(parents=True)
    (folder.student / "model.safetensors").write_bytes(b"w")
    (folder.student / "tokenizer" / "tokenizer.json").write_text("{}")
    path = student_archive(home, folder)
    assert home.cache in path.parents
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert names == ["a-1-student/model.safetensors", "a-1-student/tokenizer/tokenizer.json"]
        assert archive.testzip() is None
    stamp = path.stat().st_mtime_ns
    assert student_archive(home, folder) == path and path.stat().st_mtime_ns == stamp
