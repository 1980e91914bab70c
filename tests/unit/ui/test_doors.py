"""Who is let in: Host allow-list and Origin check."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui import doors

HOME = "http://127.0.0.1:7860"


def client(**environment: str) -> TestClient:
    async def answer(request: object) -> PlainTextResponse:
        del request
        return PlainTextResponse("in")

    allowed = doors.allowed_hosts("127.0.0.1", environment)
    app = Starlette(
        routes=[Route("/", answer, methods=["GET", "POST"])],
        middleware=[Middleware(doors.Doorkeeper, allowed=allowed)],
    )
    return TestClient(app, base_url=HOME)


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860"])
def test_own_names_are_let_in(host: str) -> None:
    assert client().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "hf.space"])
def test_foreign_names_are_refused(host: str) -> None:
    assert client().get("/", headers={"host": host}).status_code == 403


def test_names_from_the_environment() -> None:
    space = {"SPACE_ID": "a/b", "SPACE_HOST": "a-b.hf.space"}
    assert client(**space).get("/", headers={"host": "a-b.hf.space"}).status_code == 200
    assert client(**space).get("/", headers={"host": "a-b.hf.space.evil"}).status_code == 403
    named = client(STILLROOM_ALLOWED_HOSTS="lab.example, other.example")
    assert named.get("/", headers={"host": "other.example:80"}).status_code == 200
    assert client().get("/", headers={"host": "a-b.hf.space"}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": HOME}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": HOME, "sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_changes_only_from_own_pages(headers: dict[str, str], status: int) -> None:
    assert client().post("/", headers=headers).status_code == status


def test_reading_from_elsewhere_is_the_browsers_business() -> None:
    assert client().get("/", headers={"origin": "http://evil.example"}).status_code == 200


def test_wildcard_binds_name_no_host() -> None:
    assert "0.0.0.0" not in doors.allowed_hosts("0.0.0.0", {})
    assert "[fd00::1]" in doors.allowed_hosts("fd00::1", {})
