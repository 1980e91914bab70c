"""Exports put on a small Hub of our own, by a process of its own: the libraries read its address on import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from distill_core.layout import PROJECT
from tests.hub_server import HubServer

TOKEN = "hf_thistokenmaywrite"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "onnx"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Student\n", encoding="utf-8")
    (folder / "model.onnx").write_bytes(bytes(range(256)) * 40)
    (folder / "labels.json").write_text('["a", "b"]')
    (folder / ".hidden").write_text("no")
    return folder


def push(hub: HubServer, home: Path, *arguments: str, token: str | None = TOKEN) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **hub.environment(home)}
    environment.pop("HF_TOKEN", None)
    if token:
        environment["HF_TOKEN"] = token
    return subprocess.run(
        [sys.executable, "-m", "distill_core", "push", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_an_export_becomes_a_private_repository(export: Path, tmp_path: Path) -> None:
    with HubServer(tmp_path / "hub", writers={TOKEN: "ada"}) as hub:
        done = push(hub, tmp_path / "hf", str(export), "ada/small-student")
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == f"{hub.url}/ada/small-student"
        assert hub.created["ada/small-student"]["visibility"] == "private"
        there = hub.root / "models" / "ada" / "small-student"
        assert sorted(path.name for path in there.iterdir()) == ["README.md", "labels.json", "model.onnx"]
        assert all((there / name.name).read_bytes() == name.read_bytes() for name in export.glob("[!.]*"))
        assert TOKEN not in done.stdout + done.stderr
        # Again, with another card: the same repository is brought up to date.
        (export / "README.md").write_text("# Student, again\n", encoding="utf-8")
        assert push(hub, tmp_path / "hf", str(export), "small-student", "--public").returncode == 0
        assert (there / "README.md").read_text(encoding="utf-8") == "# Student, again\n"
        assert hub.created["ada/small-student"]["visibility"] == "private"
    assert not [path for path in (tmp_path / "hf").rglob("*") if path.is_file() and TOKEN in path.read_text("latin-1")]


@pytest.mark.parametrize(
    ("name", "token", "words"),
    [
        ("ada/student", None, "no token"),
        ("ada/student", "hf_wrong", "does not accept this token"),
        ("grace/student", TOKEN, "may not write to grace/student"),
        ("ada/a b", TOKEN, "possible name on the Hub"),
        ("ada/broken", TOKEN, "refused the upload"),
    ],
)
def test_refusals_are_told_in_words(export: Path, tmp_path: Path, name: str, token: str | None, words: str) -> None:
    with HubServer(tmp_path / "hub", writers={TOKEN: "ada"}, broken={"ada/broken": 418}) as hub:
        done = push(hub, tmp_path / "hf", str(export), name, token=token)
    assert done.returncode == 2 and words in done.stderr
    assert "Traceback" not in done.stderr and TOKEN not in done.stderr


def test_what_is_no_export_is_not_uploaded(tmp_path: Path) -> None:
    with HubServer(tmp_path / "hub", writers={TOKEN: "ada"}) as hub:
        done = push(hub, tmp_path / "hf", str(tmp_path), "ada/student")
        assert done.returncode == 2 and "no such export" in done.stderr
        assert not hub.created


def test_without_a_network_it_says_so(export: Path, tmp_path: Path) -> None:
    with HubServer(tmp_path / "hub") as hub:
        pass
    done = push(hub, tmp_path / "hf", str(export), "ada/student")
    assert done.returncode == 2 and "cannot be reached" in done.stderr
