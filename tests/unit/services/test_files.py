from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from distill_core.errors import DataError, JobError
from distill_core.layout import DataHome
from distill_core.services.files import store_upload, store_uploads, student_archive, tail


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


@pytest.mark.parametrize(
    ("names", "languages", "ending"),
    [
        (["de.conll", "en.tsv"], ["de", "en"], ".conll"),
        (["train-de.csv", "train-en.csv"], ["de", "en"], ".csv"),
        (["en.test.jsonl", "de.test.jsonl", "da.test.jsonl"], ["da", "de", "en"], ".jsonl"),
        (["C:\\x\\zh-Hant.conll", "zh-Hans.conll"], ["zh-Hans", "zh-Hant"], ".conll"),
    ],
)
def test_several_uploads_are_one_a_language(
    home: DataHome, tmp_path: Path, names: list[str], languages: list[str], ending: str
) -> None:
    sources = []
    for number, name in enumerate(names):
        (tmp_path / str(number)).write_text(name)
        sources.append((tmp_path / str(number), name))
    path, found = store_uploads(home, sources, 1)
    assert found == languages and Path(path).name == "{language}" + ending
    assert Path(path).parent.parent == home.uploads
    contents = {Path(path.replace("{language}", code)).read_text() for code in found}
    assert contents == set(names)
    assert store_uploads(home, sources[::-1], 1) == (path, found), "the same files, the same place"
    assert store_uploads(home, sources[:1], 1) == (store_upload(home, *sources[0], 1), [])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["de.conll", "en.jsonl"], "different kinds"),
        (["de.conll", "DE.tsv"], "same language"),
        (["my file!.conll", "en.conll"], "does not name its language"),
        (["..conll", "en.conll"], "does not name its language"),
        (["de.exe", "en.exe"], "cannot be used here"),
    ],
)
def test_several_uploads_that_are_no_languages_are_refused(
    home: DataHome, source: Path, names: list[str], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        store_uploads(home, [(source, name) for name in names], 1)
