from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core import config as configs
from distill_core.errors import ConfigError, JobError
from distill_core.layout import PROJECT, DataHome
from distill_core.services import Services
from distill_core.settings import Settings
from tests.fake_run import config


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Services]:
    """Nothing is started in the background: runs stay queued."""
    services = Services(Settings(DataHome(tmp_path / "home"), device="cpu", max_queue=2))
    yield services
    services.close()


def test_a_started_run_can_be_read_everywhere(app: Services) -> None:
    run_id = app.start(config("My run"))
    assert app.runs()[0]["name"] == "My run"
    live = app.live(run_id)
    assert live["run"]["status"] == "queued" and live["run"]["queue_position"] == 1
    assert live["points"] == [] and live["report"] is None and live["latency"] == []
    assert configs.from_yaml(app.config_yaml(run_id)) == app.config(run_id)
    assert app.report(run_id) is None and app.log_text(run_id) == ""
    assert app.stop(run_id) == "stopped" and app.resume(run_id) == "queued"
    app.rename(run_id, "Other")
    assert app.live(run_id)["run"]["name"] == "Other"


@pytest.mark.parametrize("run_id", ["nobody", "", "../../etc", "a/b", None, 7])
def test_unknown_runs_are_refused_in_words(app: Services, run_id: object) -> None:
    for ask in (app.live, app.stop, app.resume, app.report, app.config_yaml, app.log_text, app.student_archive):
        with pytest.raises(JobError, match="no such run"):
            ask(run_id)  # type: ignore[operator]


def test_demo_is_the_recipe(app: Services) -> None:
    run_id = app.start_demo("press")
    assert app.start_demo("press") == run_id
    demo = next(recipe for recipe in app.recipes() if recipe["name"] == "demo")
    assert app.config(run_id) == configs.from_dict(demo["config"])
    assert demo["title"] and demo["summary"]


def test_command_can_be_typed(app: Services) -> None:
    parts = shlex.split(app.command(config("Größe; rm -rf /")))
    assert parts == ["python", "-m", "distill_core", "run", "grosse-rm-rf.yaml", "--out", "runs/grosse-rm-rf"]


def test_machine_before_the_probe(app: Services) -> None:
    machine = app.machine()
    assert machine["ready"] is False and machine["offline"] is None and machine["cores"] >= 1


def test_strangers_cannot_start_what_reads_local_files(tmp_path: Path) -> None:
    services = Services(Settings(DataHome(tmp_path / "home"), host="0.0.0.0", allow_public=True, device="cpu"))
    (tmp_path / "a.csv").write_text("text,label\n")
    with pytest.raises(ConfigError) as caught:
        services.start(config(data={"source": "files", "train": str(tmp_path / "a.csv")}))
    assert caught.value.errors[0].field == "data.train"
    assert services.runs() == []
    services.close()


def test_closed_app_gives_its_folder_back(tmp_path: Path) -> None:
    settings = Settings(DataHome(tmp_path), device="cpu")
    first = Services(settings)
    with pytest.raises(JobError, match="another Stillroom"):
        Services(settings)
    first.close()
    Services(settings).close()


def test_no_torch_in_the_app() -> None:
    code = (
        "import sys; import distill_core.services as s; s.check_config({}); "
        "sys.exit(str([m for m in ('torch', 'transformers', 'datasets', 'gradio') if m in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT)
    assert result.stderr.strip() == "[]"
