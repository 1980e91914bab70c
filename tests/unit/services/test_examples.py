"""Examples: listed and opened like runs, from a place where nothing is ever written."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_core.errors import JobError
from distill_core.layout import EXAMPLES, DataHome
from distill_core.services import Services, results
from distill_core.services import examples as shipped
from distill_core.settings import Settings
from tests.finished_run import finished_run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of examples with one run in it, beside a file and a folder that are none."""
    folder = tmp_path / "examples"
    finished_run(folder / "one", name="One")
    (folder / "make.py").write_text("")
    (folder / "no-run").mkdir()
    monkeypatch.setattr(shipped, "EXAMPLES", folder)
    return folder


@pytest.fixture
def services(place: Path, tmp_path: Path) -> Iterator[Services]:
    made = Services(Settings(home=DataHome(tmp_path / "home")))
    yield made
    made.close()


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def test_an_example_is_listed_apart_and_opens_as_a_run(services: Services, place: Path) -> None:
    assert services.runs() == []
    rows = services.examples()
    assert [(row["id"], row["name"], row["status"]) for row in rows] == [("one", "One", "done")]
    view = services.live("one")
    assert view["run"]["example"] is True and view["report"]["name"] == "One"
    assert services.verdict("one")["checks"] and "One" in services.config_yaml("one")
    assert services.config("one").name == "One"  # what Duplicate starts from
    assert services.offline_report("one")[0] == "one-report.html"


def test_whatever_changes_a_run_is_refused_or_not_kept(services: Services, place: Path) -> None:
    before = contents(place)
    for change in (
        lambda: services.stop("one"),
        lambda: services.resume("one"),
        lambda: services.delete("one"),
        lambda: services.annotate("one", name="mine"),
        lambda: services.set_temperature("one", True),
        lambda: services.cost("one", 2.0),
        lambda: services.build_export("one", ["safetensors"], 0.5),
    ):
        with pytest.raises(JobError, match="example"):
            change()
    moved = services.verdict("one", {"smaller": 2, "keep": 90})
    assert moved["verdict"] == "ship" and moved["kept"] is False
    assert services.verdict("one")["verdict"] == "no"
    assert services.exports("one")
    assert contents(place) == before and not list(place.rglob(".*"))


def test_a_persons_own_run_of_the_same_name_comes_first(place: Path, tmp_path: Path) -> None:
    finished_run(tmp_path / "home" / "runs" / "one", name="Mine")
    made = Services(Settings(home=DataHome(tmp_path / "home")))
    try:
        shipped.import_folder(made.store, made.home.run("one"))
        assert made.examples() == [] and made.live("one")["run"]["example"] is False
        assert made.live("one")["run"]["name"] == "Mine"
    finally:
        made.close()


def test_a_damaged_example_does_not_keep_the_app_from_starting(place: Path, tmp_path: Path) -> None:
    (place / "one" / "report.json").write_text("{")
    shutil.copytree(place / "one", place / "two")
    (place / "two" / "events.jsonl").write_bytes(b"\x00\xff\n")
    made = Services(Settings(home=DataHome(tmp_path / "home")))
    try:
        assert made.runs() == []
        with pytest.raises(JobError):
            made.live("no-run")
    finally:
        made.close()


# ---------------------------------------------------------------- those that ship


def ids() -> list[str]:
    return sorted(path.parent.name for path in EXAMPLES.glob("*/report.json"))


def test_examples_ship() -> None:
    assert ids() == ["agnews-bilstm", "multilingual-ner", "support-demo"]


@pytest.mark.parametrize("name", ids())
def test_a_shipped_example_is_whole_small_and_tells_no_place(name: str, tmp_path: Path) -> None:
    folder = DataHome(tmp_path).run(name).__class__(EXAMPLES / name)
    files = [path for path in folder.path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 2_000_000
    assert not [path for path in files if path.name in ("process.json", "lock", "log.txt", "model.safetensors")]
    found: dict[str, Any] = results.verdict(folder)
    assert found["verdict"] in ("ship", "no", "unsure") and found["lost"] is not None
    for path in files:
        if path.suffix in (".json", ".jsonl", ".yaml"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r'"/[a-z]+/|/(tmp|root|home|Users)/', text), path
