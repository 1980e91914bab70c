"""The facade's part for exports: refusals in words, archives, pushes whose token nobody keeps, imports."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.errors import ConfigError, DataError, JobError, NetworkError
from distill_core.export.formats import ExportState, export_folder, write_state
from distill_core.jobs.store import Store
from distill_core.layout import DataHome, RunFolder
from distill_core.services import exports as module
from distill_core.services.exports import Exports
from tests.unit.jobs.test_imports import run as run  # the fixture of a finished run
from tests.unit.jobs.test_imports import zipped

TOKEN = "hf_secret_of_somebody"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Exports]:
    home = DataHome(tmp_path / "home").create()
    store = Store(home)
    yield Exports(home, store)
    store.close()


@pytest.fixture
def ready(run: RunFolder) -> RunFolder:
    """With an ONNX export that is built."""
    folder = export_folder(run, "onnx")
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"graph")
    (folder / "README.md").write_text("# Card", encoding="utf-8")
    write_state(run, ExportState("onnx", "ready", figures={"lost_points": 0.0}, at=5.0))
    return run


def settled(service: Exports, folder: RunFolder) -> dict:
    end = time.monotonic() + 10
    while (push := service.rows(folder)[1]["push"])["state"] == "pushing" and time.monotonic() < end:
        time.sleep(0.02)
    return push


def test_rows_say_what_there_is(service: Exports, ready: RunFolder) -> None:
    rows = service.rows(ready)
    assert [(row["format"], row["state"]) for row in rows] == [
        ("safetensors", "none"),
        ("onnx", "ready"),
        ("onnx-int8", "none"),
    ]
    assert rows[1]["title"] == "ONNX, fp32" and rows[1]["runtime"] == "onnxruntime" and rows[1]["push"] is None
    json.dumps(rows, allow_nan=False)


@pytest.mark.parametrize(
    ("formats", "allowed", "licence", "field"),
    [
        (["exe"], 0.5, "", "format"),
        ([], 0.5, "", "format"),
        (["onnx"], -1.0, "", "allow_loss"),
        (["onnx"], float("nan"), "", "allow_loss"),
        (["onnx"], 0.5, "my own: terms", "licence"),
    ],
)
def test_what_cannot_be_built_is_refused(
    service: Exports, ready: RunFolder, formats: list[str], allowed: float, licence: str, field: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        service.build(ready, formats, allowed, teacher=False, licence=licence)
    assert caught.value.field == field


def test_a_run_is_not_deleted_below_a_builder(service: Exports, ready: RunFolder) -> None:
    service.refuse_busy(ready)
    write_state(ready, ExportState("onnx-int8", "building", at=time.time()))
    with pytest.raises(JobError, match="is being built"):
        service.refuse_busy(ready)


def test_an_archive_is_packed_once_and_anew_after_a_rebuild(service: Exports, ready: RunFolder) -> None:
    first = service.archive(ready, "onnx")
    assert first.name == f"{ready.run_id}-onnx.zip" and first.is_relative_to(service.home.cache)
    before = first.stat().st_mtime_ns
    assert service.archive(ready, "onnx").stat().st_mtime_ns == before
    time.sleep(0.02)
    (export_folder(ready, "onnx") / "model.onnx").write_bytes(b"another graph")
    with zipfile.ZipFile(service.archive(ready, "onnx")) as archive:
        assert archive.read(f"{ready.run_id}-onnx/model.onnx") == b"another graph"
    assert service.card(ready, "onnx") == "# Card"


@pytest.mark.parametrize("name", ["onnx-int8", "", "../student"])
def test_only_what_is_ready_is_handed_out(service: Exports, ready: RunFolder, name: str) -> None:
    for ask in (service.archive, service.card):
        with pytest.raises(JobError, match="not there yet"):
            ask(ready, name)
    with pytest.raises(JobError, match="not there yet"):
        service.push(ready, name, "ada/x", token=TOKEN, private=True)


def test_a_push_is_told_and_its_token_kept_by_nobody(
    service: Exports, ready: RunFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    def fake(folder: Path, name: str, *, token: str | None, private: bool) -> str:
        seen.append((folder, name, token, private))
        if name == "ada/refused":
            raise NetworkError("The Hub does not accept this token (401).", hint="Make a new one.")
        if name == "ada/strange":
            raise ValueError(f"Authorization: Bearer {token}")
        return "https://hub/ada/x"

    monkeypatch.setattr(module, "push", fake)
    service.push(ready, "onnx", "ada/x", token=TOKEN, private=False)
    assert settled(service, ready) == {"state": "pushed", "url": "https://hub/ada/x"}
    assert seen == [(export_folder(ready, "onnx"), "ada/x", TOKEN, False)]
    service.push(ready, "onnx", "ada/refused", token=TOKEN, private=True)
    assert settled(service, ready)["error"] == "The Hub does not accept this token (401)."
    service.push(ready, "onnx", "ada/strange", token=TOKEN, private=True)
    assert settled(service, ready)["error"] == "The upload failed."
    assert TOKEN not in caplog.text and TOKEN not in repr(vars(service))


def test_an_uploaded_run_is_listed(service: Exports, run: RunFolder, tmp_path: Path) -> None:
    taken = service.take_in(zipped(run, tmp_path / "blob"), "news.zip")
    row = service.store.run(taken)
    assert row is not None and (row.status, row.name) == ("done", "News")
    with pytest.raises(DataError, match="no zip archive"):
        service.take_in(tmp_path / "blob", "news.tar")


def test_events_that_nobody_can_read_take_the_run_away_again(service: Exports, run: RunFolder, tmp_path: Path) -> None:
    lines = run.events.read_text().splitlines()
    event = json.loads(lines[0])
    lines.insert(1, json.dumps({**event, "seq": event["seq"], "kind": "metric", "payload": {"rows": 7}}))
    run.events.write_text("\n".join(lines) + "\n")
    try:
        taken = service.take_in(zipped(run, tmp_path / "blob"), "news.zip")
    except DataError as error:
        assert "cannot be read here" in error.message
        assert not list(service.home.runs.iterdir())
    else:
        # The reader passed over the event; the run is there and whole.
        row = service.store.run(taken)
        assert row is not None and row.status == "done"
