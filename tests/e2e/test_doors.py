"""The doors of the running app, by plain HTTP; no browser is needed here."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from tests.e2e.conftest import PROJECT, App
from ui import api


def ask(app: App, method: str, path: str, headers: dict[str, str] | None = None, body: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=30)
    try:
        connection.request(method, path, body=body.encode() or None, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_foreign_host_and_origin_are_refused(app: App) -> None:
    assert ask(app, "GET", "/")[0] == 200
    assert ask(app, "GET", "/", {"Host": "evil.example"})[0] == 403
    body = json.dumps({"data": {}, "component_id": 1, "session_hash": "x", "fn_name": "machine"})
    json_type = {"Content-Type": "application/json"}
    foreign = ask(app, "POST", "/gradio_api/component_server", {**json_type, "Origin": "http://evil.example"}, body)
    assert foreign[0] == 403
    own = ask(app, "POST", "/gradio_api/component_server", {**json_type, "Origin": app.address}, body)
    assert own[0] != 403
    assert ask(app, "POST", "/gradio_api/upload", {"Origin": "http://evil.example"}, "x")[0] == 403


def test_no_file_outside_is_served(app: App) -> None:
    database = next(app.home.glob("*.db"))
    for path in (PROJECT / "README.md", PROJECT / "app.py", Path("/etc/passwd"), database, app.home / "app.json"):
        status, body = ask(app, "GET", f"/gradio_api/file={urllib.parse.quote(str(path))}")
        assert status in (400, 403, 404), (path, status, body[:200])


def test_plotly_is_served_from_the_installed_package(app: App) -> None:
    page = ask(app, "GET", "/config")[1].decode()
    path = re.search(r"gradio_api/file=[^\"]*plotly\.min\.js", page)
    assert path, "the page does not name its chart library"
    status, body = ask(app, "GET", "/" + path.group(0))
    assert status == 200 and len(body) > 1_000_000


def test_only_the_public_api_is_offered(app: App) -> None:
    info = json.loads(ask(app, "GET", "/gradio_api/info")[1])
    assert list(info["named_endpoints"]) == [f"/{name}" for name in api.NAMES] and info["unnamed_endpoints"] == {}


def start_and_wait(tmp_path: Path, *given: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("STILLROOM_AUTH", "ALLOW_PUBLIC", "SPACE_ID")}
    return subprocess.run(
        [sys.executable, "app.py", *given],
        cwd=PROJECT,
        env={**clean, "STILLROOM_HOME": str(tmp_path / "home"), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_command_given_to_the_page_is_told_where_commands_go(tmp_path: Path) -> None:
    ended = start_and_wait(tmp_path, "run", "demo.yaml")
    assert ended.returncode == 2 and "python -m distill_core --help" in ended.stderr
    assert not (tmp_path / "home").exists()
    assert start_and_wait(tmp_path, "--help").returncode == 0


def test_a_public_bind_without_login_refuses_to_start(tmp_path: Path) -> None:
    ended = start_and_wait(tmp_path, HOST="0.0.0.0")
    assert ended.returncode == 2
    assert "login" in ended.stderr and "STILLROOM_AUTH" in ended.stderr


def test_a_taken_port_is_told(app: App, tmp_path: Path) -> None:
    ended = start_and_wait(tmp_path, PORT=str(app.port), HOST="127.0.0.1")
    assert ended.returncode == 2
    assert f"Port {app.port}" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("port", ["no number", "99999999"])
def test_a_bad_port_is_told(tmp_path: Path, port: str) -> None:
    ended = start_and_wait(tmp_path, PORT=port)
    assert ended.returncode == 2 and "PORT" in ended.stderr and "Traceback" not in ended.stderr
