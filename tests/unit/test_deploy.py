"""What a Space is built from says the same everywhere: front matter, requirements, Dockerfile, settings, docs."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from distill_core.layout import DataHome
from distill_core.settings import Settings
from ui import zero_gpu

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FRONT: dict[str, Any] = yaml.safe_load(README.split("---\n")[1])
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")


def test_the_front_matter_is_good_for_both_kinds_of_space() -> None:
    assert README.startswith("---\n") and FRONT["sdk"] == "docker" and FRONT["title"] and FRONT["emoji"]
    assert re.search(rf"^gradio\[mcp,oauth\]=={re.escape(FRONT['sdk_version'])}$", REQUIREMENTS, re.M)
    assert (ROOT / FRONT["app_file"]).is_file() and FRONT["hf_oauth"] is True
    assert FRONT["suggested_hardware"] == "cpu-basic" and re.fullmatch(r"\d+[mh]", FRONT["startup_duration_timeout"])
    assert len(FRONT["short_description"]) <= 60
    assert isinstance(FRONT["python_version"], str) and f"FROM python:{FRONT['python_version']}-" in DOCKERFILE
    for line in ("sdk_version", "python_version", "app_file", "app_port", "hf_oauth"):
        assert f"`{line}" in DEPLOY, line


def test_the_image_is_what_a_docker_space_wants() -> None:
    assert "--uid 1000" in DOCKERFILE and re.search(r"^USER user$", DOCKERFILE, re.M)
    assert f"EXPOSE {FRONT['app_port']}" in DOCKERFILE and f"PORT={FRONT['app_port']}" in DOCKERFILE
    assert "STILLROOM_HOME=/data" in DOCKERFILE and "chown user /data" in DOCKERFILE
    torch = re.search(r"^torch==\S+$", REQUIREMENTS, re.M)
    assert torch and torch[0] in DOCKERFILE


def test_every_variable_of_the_page_is_one_that_is_read() -> None:
    known = (ROOT / "distill_core" / "settings.py").read_text() + (ROOT / "ui" / "doors.py").read_text()
    named = set(re.findall(r"\b(STILLROOM_[A-Z_]+|ALLOW_PUBLIC|MAX_[A-Z_]+|HOST|PORT)\b", DEPLOY))
    assert {"STILLROOM_BACKUP", "STILLROOM_AUTH", "ALLOW_PUBLIC", "STILLROOM_ALLOWED_HOSTS"} <= named
    for name in named - {"STILLROOM_HOME"}:
        assert f'"{name}"' in known, name
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    for name in named | {"STILLROOM_MCP"}:
        assert f"`{name}`" in guide or f"`{name}" in guide, name


def space(tmp_path: Path, **more: str) -> Settings:
    return Settings.from_environment({"STILLROOM_HOME": str(tmp_path), "SPACE_ID": "me/stillroom", **more})


def test_on_zero_gpu_runs_stay_on_the_cpu(tmp_path: Path) -> None:
    for wanted in ("auto", "cuda"):
        lent = space(tmp_path, SPACES_ZERO_GPU="true", STILLROOM_DEVICE=wanted)
        assert lent.zero_gpu and lent.device == "cpu"
    assert not space(tmp_path).zero_gpu and space(tmp_path, STILLROOM_DEVICE="cuda").device == "cuda"
    here = Settings.from_environment({"STILLROOM_HOME": str(tmp_path), "SPACES_ZERO_GPU": "true"})
    assert not here.zero_gpu and here.device == "auto"


def test_zero_gpu_finds_a_function_declared_that_nobody_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared: list[Any] = []
    spaces = types.ModuleType("spaces")
    spaces.GPU = lambda **options: declared.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    assert zero_gpu.declare(Settings(DataHome(tmp_path))) is False and declared == []
    assert zero_gpu.declare(space(tmp_path, SPACES_ZERO_GPU="true")) is True and len(declared) == 1
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert zero_gpu.declare(space(tmp_path, SPACES_ZERO_GPU="true")) is False


def test_the_backup_is_a_setting(tmp_path: Path) -> None:
    assert space(tmp_path).backup is None and space(tmp_path, STILLROOM_BACKUP=" ").backup is None
    assert space(tmp_path, STILLROOM_BACKUP=str(tmp_path / "bucket")).backup == (tmp_path / "bucket").resolve()
