from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest

from distill_core.errors import DataError, JobError
from ui.pages import import_run
from ui.pages.take_away import CLOSE, server_functions


class Recorder:
    """Answers like `Services`; every call is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, []  # type: ignore[var-annotated]

    def exports(self, run_id: str) -> list[dict[str, Any]]:
        return [{"format": "onnx", "figures": {"lost_points": math.nan}}]

    def build_export(self, *given: Any, **more: Any) -> None:
        self.calls.append(("build", given, more))

    def export_archive(self, run_id: str, name: str) -> Path:
        if name != "onnx":
            raise JobError("This export is not there yet.", hint="Build it first.")
        path = self.folder / "run-onnx.zip"
        path.write_bytes(b"zip")
        return path

    def export_card(self, run_id: str, name: str) -> str:
        return f"# {name}"

    def push_export(self, *given: Any, **more: Any) -> None:
        self.calls.append(("push", given, more))

    def import_run(self, path: str, name: str) -> str:
        if name == "broken.zip":
            raise DataError("There is a <b>link</b> in it.", hint="Zip it again.")
        return "taken-1"


@pytest.fixture
def services(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


@pytest.fixture
def functions(services: Recorder, tmp_path: Path) -> dict[str, Any]:
    return {function.__name__: function for function in server_functions(services, tmp_path / "out")}


@pytest.mark.parametrize("request_", [None, [], {}, {"run": "../etc"}, {"run": 7}])
def test_requests_from_outside_are_not_believed(functions: dict[str, Any], request_: Any) -> None:
    for function in functions.values():
        assert "no run with this name" in function(request_)["error"]


def test_what_is_of_another_kind_reaches_nobody_as_it_is(services: Recorder, functions: dict[str, Any]) -> None:
    functions["build_export"]({"run": "a-1", "format": ["onnx"], "allow_loss": "0", "teacher": "yes", "licence": 7})
    functions["push_export"]({"run": "a-1", "format": "onnx", "repository": "a/b", "token": 7, "private": "no"})
    (_, (run, formats, loss), more), (_, pushed, private) = services.calls
    assert (run, formats, more) == ("a-1", [""], {"teacher": False, "licence": ""}) and math.isnan(loss)
    assert pushed == ("a-1", "onnx", "a/b") and private == {"token": None, "private": True}


def test_answers_and_refusals(functions: dict[str, Any], tmp_path: Path) -> None:
    assert functions["exports"]({"run": "a-1"})["rows"][0]["figures"]["lost_points"] is None
    given = {"run": "a-1", "format": "onnx"}
    answer = functions["export_file"](given)
    laid = tmp_path / "out" / "a-1" / "run-onnx.zip"
    assert answer == {"file": f"gradio_api/file={laid.as_posix()}", "name": "run-onnx.zip"}
    assert laid.read_bytes() == b"zip"
    refused = functions["export_file"]({"run": "a-1", "format": "../../etc"})
    assert refused == {"error": "This export is not there yet. Build it first.", "field": None}
    assert functions["export_card"](given) == {"card": "# onnx"}


def test_a_newer_archive_is_laid_out_anew(functions: dict[str, Any], services: Recorder, tmp_path: Path) -> None:
    given = {"run": "a-1", "format": "onnx"}
    functions["export_file"](given)
    laid = tmp_path / "out" / "a-1" / "run-onnx.zip"
    laid.write_bytes(b"old")
    time.sleep(0.02)
    functions["export_file"](given)
    assert laid.read_bytes() == b"zip"


def test_a_token_is_typed_hidden_and_a_repository_is_private_unless_said() -> None:
    assert 'id="push-token" type="password"' in CLOSE
    assert 'id="push-private" type="checkbox" checked' in CLOSE


def test_an_import_opens_its_run_or_says_why_not(services: Recorder) -> None:
    assert import_run.take_in(services, "/tmp/run.zip")[0] == "taken-1"
    run, said = import_run.take_in(services, "/tmp/broken.zip")
    assert run == "" and "&lt;b&gt;link&lt;/b&gt;" in said and "Zip it again." in said
    assert import_run.take_in(services, None)[0] == ""
