from __future__ import annotations

from pathlib import Path

import pytest

from distill_core.errors import DiskError, JobError, StillroomError
from distill_core.layout import DataHome
from distill_core.settings import HomeLock, Settings, is_loopback


def read(tmp_path: Path, **env: str) -> Settings:
    return Settings.from_environment({"STILLROOM_HOME": str(tmp_path), **env})


def test_defaults_are_private(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert (settings.host, settings.port, settings.max_upload_mb, settings.max_queue) == ("127.0.0.1", 7860, 200, 20)
    assert not settings.public and settings.allow_local_paths
    assert settings.home == DataHome(tmp_path.resolve())
    settings.check_bind()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_public_bind_needs_login_or_permission(tmp_path: Path) -> None:
    with pytest.raises(StillroomError, match="no login"):
        read(tmp_path, HOST="0.0.0.0").check_bind()
    for more in ({"STILLROOM_AUTH": "me:secret"}, {"ALLOW_PUBLIC": "1"}):
        settings = read(tmp_path, HOST="0.0.0.0", **more)
        settings.check_bind()
        assert settings.public and not settings.allow_local_paths


def test_space_is_public_by_itself(tmp_path: Path) -> None:
    settings = read(tmp_path, SPACE_ID="me/stillroom")
    settings.check_bind()
    assert settings.host == "0.0.0.0" and settings.allow_public and not settings.allow_local_paths


@pytest.mark.parametrize(
    ("given", "offered"),
    [
        ({}, True),
        ({"STILLROOM_MCP": "0"}, False),
        ({"STILLROOM_MCP": " "}, True),
        ({"STILLROOM_AUTH": "me:secret"}, False),
        ({"HOST": "0.0.0.0", "ALLOW_PUBLIC": "1"}, False),
        ({"SPACE_ID": "me/stillroom"}, False),
        ({"HOST": "0.0.0.0", "ALLOW_PUBLIC": "1", "STILLROOM_MCP": "1"}, True),
    ],
)
def test_tools_for_assistants_are_there_where_nobody_else_is(
    tmp_path: Path, given: dict[str, str], offered: bool
) -> None:
    settings = read(tmp_path, **given)
    assert settings.offers_mcp is offered
    settings.check_bind()


def test_a_login_that_tools_would_go_around_refuses_to_start(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(StillroomError, match="STILLROOM_MCP=1"):
            read(tmp_path, HOST=host, STILLROOM_AUTH="me:secret", STILLROOM_MCP="1").check_bind()


def test_allow_public_zero_is_no(tmp_path: Path) -> None:
    with pytest.raises(StillroomError):
        read(tmp_path, HOST="0.0.0.0", ALLOW_PUBLIC="0").check_bind()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "70000"),
        ("MAX_QUEUE", "0"),
        ("MAX_UPLOAD_MB", "-1"),
        ("STILLROOM_AUTH", "nocolon"),
        ("STILLROOM_AUTH", ":x"),
        ("STILLROOM_AUTH", "x:"),
        ("STILLROOM_DEVICE", "tpu"),
    ],
)
def test_bad_values_name_their_variable(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(StillroomError, match=name):
        read(tmp_path, **{name: value})


def test_password_is_not_shown(tmp_path: Path) -> None:
    settings = read(tmp_path, STILLROOM_AUTH="me:a:b")
    assert settings.auth == ("me", "a:b")
    assert "a:b" not in repr(settings)


def test_lock_is_exclusive_and_comes_back(tmp_path: Path) -> None:
    home = DataHome(tmp_path)
    lock = HomeLock(home).acquire("http://127.0.0.1:7860")
    with pytest.raises(JobError, match=r"process \d+, http://127.0.0.1:7860"):
        HomeLock(home).acquire("http://127.0.0.1:7861")
    lock.release()
    HomeLock(home).acquire("http://127.0.0.1:7861").release()


def test_unwritable_home_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((DiskError, StillroomError)):
        HomeLock(DataHome(tmp_path / "file")).acquire("x")
