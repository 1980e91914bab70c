"""A finished run is taken away: built, downloaded, loaded in a fresh process, pushed; and a run is taken in."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill_core import config as cfg
from distill_core.export.formats import read_state
from distill_core.jobs.process import ProcessInfo
from distill_core.layout import RunFolder
from tests import tiny
from tests.e2e.conftest import PROJECT, App, Watched
from tests.hub_server import HubServer

pytestmark = pytest.mark.browser
TEXTS = ["where is my parcel", "please reset my password today"]
TOKEN = "hf_thistokenmaywrite"
BUILT_MS = 420_000  # torch starts, a graph is written, two models take turns: half a minute where nobody else works


def python(*arguments: str, cwd: Path = PROJECT, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one finished run, tiny-run."""
    root = tmp_path_factory.mktemp("taken")
    raw = tiny.config_dict(tiny.write_data(root / "data"), [tiny.write_bert(root / "bert")], controls=[])
    (root / "tiny.yaml").write_text(cfg.from_dict(raw).to_yaml(), encoding="utf-8")
    folder = root / "home" / "runs" / "tiny-run"
    python(
        "-m", "distill_core", "run", str(root / "tiny.yaml"), "--out", str(folder), STILLROOM_HOME=str(root / "home")
    )
    return root / "home"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    with HubServer(tmp_path_factory.mktemp("hub"), writers={TOKEN: "ada"}) as server:
        yield server


@pytest.fixture
def opened(home: Path, hub: HubServer) -> Iterator[App]:
    app = App(home, environment=hub.environment(home.parent / "hf")).start()
    yield app
    app.close()


def open_section(page: Any, app: App) -> None:
    page.goto(f"{app.address}/?run=tiny-run")
    page.wait_for_selector("#take-formats article", timeout=60_000)


def answers(folder: Path) -> np.ndarray:
    """Probabilities by the README's own lines, in a process that cannot find this project."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.S)
    code = re.sub(r"^texts = .*$", f"texts = {TEXTS!r}", code, flags=re.M)
    code += "\nimport sys\nassert not any(name.startswith('distill_core') for name in sys.modules)"
    code += "\nprint(json.dumps(logits.tolist()))\n"
    environment = {"PYTHONPATH": ""}
    logits = np.asarray(json.loads(python("-c", code, cwd=folder, **environment).splitlines()[-1]))
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def test_an_export_is_built_survives_the_app_is_downloaded_loads_and_is_pushed(
    opened: App, home: Path, hub: HubServer, tmp_path: Path, watch: Callable[..., Watched]
) -> None:
    watched = watch()
    page = watched.page
    open_section(page, opened)
    assert page.locator("#take-formats article").count() == 3 and page.is_checked("#take-teacher")
    page.fill("#take-loss", "101")
    page.click("article[data-format=onnx] button")
    page.wait_for_selector("#take-said:has-text('between 0 and 100')")
    page.fill("#take-loss", "0.5")
    page.fill("#take-licence", "mit")
    page.click("article[data-format=onnx] button")
    page.wait_for_selector("article[data-format=onnx][data-state=building]")

    opened.kill()
    opened.start()
    open_section(page, opened)
    page.wait_for_selector("article[data-format=onnx][data-state=ready]", timeout=BUILT_MS)
    figures = json.loads((home / "runs/tiny-run/artifacts/exports/onnx/measured.json").read_text())
    said = page.inner_text("article[data-format=onnx]")
    assert f"{100 * figures['quality']['export']:.2f}% nothing lost" in said and "100.00%" in said
    for row in figures["latency"]:
        if row["batch"] in (1, 32):
            assert f"{row['student_ms']['p50']:.2f} ms" in said or row["student_ms"]["p50"] >= 10
    assert "as fast as bert" in said or "the speed of bert" in said

    with page.expect_download() as download:
        page.click("article[data-format=onnx] button.sr-button-main")
    assert download.value.suggested_filename == "tiny-run-onnx.zip"
    download.value.save_as(tmp_path / "onnx.zip")
    with zipfile.ZipFile(tmp_path / "onnx.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    texts = [part for text in TEXTS for part in ("--text", text)]
    own = json.loads(python("-m", "distill_core", "predict", str(home / "runs" / "tiny-run"), *texts, "--json"))
    labels = json.loads((tmp_path / "unpacked/tiny-run-onnx/labels.json").read_text())
    expected = [[row["probabilities"][label] for label in labels] for row in own]
    np.testing.assert_allclose(answers(tmp_path / "unpacked/tiny-run-onnx"), expected, atol=1e-4)

    page.click("#take-card summary")
    page.wait_for_selector("#card-text:has-text('license: mit')")
    page.click("#take-push summary")
    page.fill("#push-name", "ada/taken")
    page.fill("#push-token", "hf_wrong")
    page.click("#push-go")
    page.wait_for_selector("#push-said:has-text('does not accept this token')")
    assert page.input_value("#push-token") == ""
    page.fill("#push-token", TOKEN)
    page.click("#push-go")
    page.wait_for_selector(f"#push-said a[href='{hub.url}/ada/taken']")
    assert hub.created["ada/taken"]["visibility"] == "private"
    there = hub.root / "models" / "ada" / "taken" / "model.onnx"
    assert there.read_bytes() == (tmp_path / "unpacked/tiny-run-onnx/model.onnx").read_bytes()
    stored = [path for path in home.rglob("*") if path.is_file() and path.stat().st_size < 5_000_000]
    assert not [path for path in [*stored, opened.log] if TOKEN.encode() in path.read_bytes()]
    assert not [error for error in watched.errors if "ERR_CONNECTION" not in error and "Failed to" not in error]


def test_a_build_is_cancelled(opened: App, home: Path, watch: Callable[..., Watched]) -> None:
    watched, run = watch(), RunFolder(home / "runs" / "tiny-run")
    page = watched.page
    open_section(page, opened)
    page.click("article[data-format=onnx-int8] button:has-text('Build')")
    page.wait_for_selector("article[data-format=onnx-int8][data-state=building]")
    state = read_state(run, "onnx-int8")
    page.click("article[data-format=onnx-int8] button:has-text('Cancel')")
    page.wait_for_selector("article[data-format=onnx-int8][data-state=none]", timeout=60_000)
    assert not ProcessInfo(state.pid, state.started, 1).alive()
    assert read_state(run, "onnx-int8").state == "none" and not list(run.artifacts.glob(".making.*"))
    assert page.locator("article[data-format=onnx-int8] button:has-text('Build')").count() == 1
    watched.assert_clean()


def test_a_run_is_taken_in_from_a_zip(opened: App, home: Path, tmp_path: Path, watch: Callable[..., Watched]) -> None:
    source = tmp_path / "from-afar"
    shutil.copytree(home / "runs" / "tiny-run", source)
    events = source / "events.jsonl"
    events.write_text(events.read_text().replace('"starting"', '"starting there"'))
    shutil.make_archive(str(tmp_path / "from-afar"), "zip", tmp_path, "from-afar")
    shutil.make_archive(str(tmp_path / "same"), "zip", home / "runs", "tiny-run")
    watched = watch()
    page = watched.page
    page.goto(f"{opened.address}/?view=runs")
    page.wait_for_selector("#import-file", state="visible")
    page.set_input_files("#import-row input[type=file]", str(tmp_path / "same.zip"))
    page.wait_for_selector("#import-said:has-text('is here already, as tiny-run')")
    with watched.leaving():
        page.set_input_files("#import-row input[type=file]", str(tmp_path / "from-afar.zip"))
        page.wait_for_url(re.compile(r"\?run=from-afar"))
        page.wait_for_selector("#take-formats article", timeout=60_000)
    assert page.text_content("#run-status") == "done"
    assert page.locator("#result .sr-headline").count() == 1
    assert not watched.errors and not watched.foreign
