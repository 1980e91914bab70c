"""Viewer mode on the page: every door and every event of it is walked over as a viewer; and doors of Gradio's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio import oauth
from gradio.context import LocalContext
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from distill_core.errors import StillroomError
from distill_core.layout import DataHome
from distill_core.services import Services, owners, viewing
from distill_core.settings import OAUTH, Settings
from tests.finished_run import finished_run
from tests.sign_in import told_of_token
from ui import text_visitors as words
from ui import visitors
from ui.build import build_app

ME = {"userinfo": {"preferred_username": "me"}, "expires_at": 4e9}
TOKEN = "hf_" + "t" * 34
OTHER = {"userinfo": {"preferred_username": "you", "orgs": []}, "expires_at": 4e9}


def space(home: Path, *, signing: bool = True, **more: str) -> Settings:
    known = dict.fromkeys(OAUTH, "x") if signing else {}
    return Settings.from_environment(
        {"STILLROOM_HOME": str(home), "SPACE_ID": "me/stillroom", "STILLROOM_DEVICE": "cpu", **known, **more}
    )


def request_of(info: dict[str, Any] | None) -> Request:
    session = {} if info is None else {"oauth_info": info}
    return Request({"type": "http", "method": "POST", "path": "/", "headers": [], "session": session})


class Spy:
    """Stands for `Services` behind the guard: what gets through is remembered, and answered by the real ones."""

    def __init__(self, services: Services) -> None:
        self.services, self.asked = services, set[str]()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.services, name)
        if not callable(found):
            return found

        def called(*given: Any, **named: Any) -> Any:
            self.asked.add(name)
            return found(*given, **named)

        return called


@pytest.fixture
def spy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spy]:
    monkeypatch.setattr(oauth, "get_space", oauth.get_space)  # the page changes it
    for name in OAUTH:
        monkeypatch.setattr(oauth, name, "https://hub.example")
    finished_run(tmp_path / "home" / "runs" / "made-1")
    services = Services(space(tmp_path / "home"))
    services.supervisor.start()
    services.supervisor.close()
    yield Spy(services)
    services.close()


REQUEST = {
    "run": "made-1", "other": "support-demo", "runs": ["made-1"], "format": "onnx", "allow_loss": 1.0, "raw": "a text",
    "repository": "me/mine", "name": "mine", "tags": "a", "notes": "n", "archived": True, "on": True, "price": 2.0,
    "thresholds": {"keep": 90}, "token": "t", "text": "bert", "full": True, "curves": [], "wanted": {},
}  # fmt: skip


def doors(app: gr.Blocks) -> Iterator[tuple[str, Any]]:
    for block in app.blocks.values():
        for name in {*vars(block), *getattr(block, "server_fns", [])} if isinstance(block, gr.HTML) else ():
            found = getattr(block, str(name), None)
            if callable(found) and getattr(found, "_is_server_fn", False):
                yield str(name), found


def as_somebody(info: dict[str, Any] | None) -> Any:
    return LocalContext.request.set(gr.Request(request_of(info)))


def test_every_door_and_every_event_is_walked_over_as_a_viewer(spy: Spy, tmp_path: Path) -> None:
    app = build_app(spy, tmp_path / "downloads", spy.services.settings)
    runs, uploads = sorted(spy.services.home.runs.rglob("*")), list(spy.services.home.uploads.iterdir())
    spy.asked.clear()
    before = LocalContext.request.set(gr.Request(request_of(OTHER)))
    walked, raised = set(), []
    brought = tmp_path / "brought.zip"
    brought.write_bytes(b"PK")
    try:
        for name, door in doors(app):
            walked.add(name)
            answer = door(dict(REQUEST))
            assert isinstance(answer, dict | list), name
        assert walked >= {"live", "stop", "resume", "remove", "annotate", "build_export", "push_export", "restore"}
        for event in app.fns.values():
            if event.fn is None:
                continue
            values = [str(brought) if isinstance(block, gr.UploadButton | gr.File) else getattr(block, "value", None)
                      for block in event.inputs]  # fmt: skip
            try:
                event.fn(*values)
            except StillroomError as error:
                raised.append(f"{event.name}: {error}")
            except Exception as error:
                print("not asked as Gradio asks it:", event.name, repr(error)[:200])  # what it asked for counts
    finally:
        LocalContext.request.reset(before)
    allowed = viewing.VIEWERS_MAY | viewing.ANSWERED_OTHERWISE
    assert spy.asked <= allowed, spy.asked - allowed
    assert {"live", "runs", "verdict", "check"} <= spy.asked
    assert raised == [], "an event must say in words what is refused"
    assert sorted(spy.services.home.runs.rglob("*")) == runs and list(spy.services.home.uploads.iterdir()) == uploads
    assert len(spy.services.runs()) == 1


def test_doors_say_why_and_the_owner_passes(spy: Spy, tmp_path: Path) -> None:
    app = build_app(spy, tmp_path / "downloads", spy.services.settings)
    of_runs, of_sweeps = (door for name, door in doors(app) if name == "annotate")
    for info, refused in ((None, True), (OTHER, True), (ME, False)):
        before = as_somebody(info)
        try:
            said = of_runs({"run": "made-1", "name": "renamed"})
            other = of_sweeps({"sweep": "made-1", "name": "renamed"})
        finally:
            LocalContext.request.reset(before)
        assert ("can be looked at" in said.get("error", "")) is refused
        assert ("can be looked at" in other["error"]) is refused  # there is no such sweep
    assert spy.services.runs()[0]["name"] == "renamed"
    # Outside any request nobody is known, so nobody is the owner.
    assert "can be looked at" in of_runs({"run": "made-1", "name": "again"})["error"]


def test_no_guard_outside_viewer_mode(tmp_path: Path) -> None:
    services = object()
    for settings in (
        Settings(DataHome(tmp_path)),
        space(tmp_path, ALLOW_PUBLIC="1"),
        space(tmp_path, STILLROOM_AUTH="me:secret"),
    ):
        assert not settings.viewers and visitors.guarded(services, settings) is services
    assert space(tmp_path).viewers and space(tmp_path, signing=False).viewers


def test_without_signing_in_no_session_is_the_owners(tmp_path: Path) -> None:
    half = {name: "x" for name in OAUTH if name != "OAUTH_CLIENT_SECRET"}
    for settings in (space(tmp_path, signing=False), space(tmp_path, signing=False, **half)):
        assert not visitors.is_owner(visitors.owners_of(settings), request_of(ME))
        assert words.NO_SIGN_IN in visitors.told_html(settings, False)
    assert visitors.is_owner(visitors.owners_of(space(tmp_path)), request_of(ME))


def test_what_a_viewer_is_told(tmp_path: Path) -> None:
    said = visitors.told_html(space(tmp_path), False)
    assert "https://huggingface.co/spaces/me/stillroom?duplicate=true" in said and words.LOOK in said
    assert "duplicate" not in visitors.told_html(space(tmp_path), True)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Knows one token, the owner's."""

    def whoami(token: str) -> dict[str, Any]:
        assert token == TOKEN, "no other is asked about"
        return told_of_token("me")

    monkeypatch.setattr(owners, "whoami", whoami)


@pytest.mark.parametrize(
    ("name", "value", "owner"),
    [
        ("Authorization", f"Bearer {TOKEN}", True),
        ("authorization", f"bearer  {TOKEN} ", True),
        ("Authorization", TOKEN, False),
        ("Authorization", f"Basic {TOKEN}", False),
        ("Authorization", "Bearer", False),
        ("Authorization", "Bearer \xff\xfe", False),
        # Gradio's own loop behind MCP sends the Space's token in this one, whoever asked.
        ("x-hf-authorization", f"Bearer {TOKEN}", False),
    ],
)
def test_a_programs_token_is_read_from_one_header(
    hub: None, tmp_path: Path, name: str, value: str, owner: bool
) -> None:
    headers = [(b"accept", b"*/*"), (name.lower().encode(), value.encode("latin-1"))]
    asked = Request({"type": "http", "method": "POST", "path": "/", "headers": headers, "session": {}})
    for signing in (True, False):
        whose = visitors.owners_of(space(tmp_path, signing=signing))
        assert visitors.is_owner(whose, gr.Request(asked)) is visitors.is_owner(whose, asked) is owner
    assert not visitors.is_owner(whose, None) and not visitors.is_owner(whose, gr.Request())


class Session:
    """Stands for Gradio's session middleware: who is signed in is told by a header."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            who = dict(scope["headers"]).get(b"x-who")
            scope["session"] = {"oauth_info": ME if who == b"me" else OTHER} if who else {}
        await self.app(scope, receive, send)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    async def answer(request: Request) -> PlainTextResponse:
        del request
        return PlainTextResponse("in")

    settings = space(tmp_path / "home")
    return TestClient(
        Starlette(
            routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PUT"])],
            middleware=[Middleware(Session), Middleware(visitors.Visitors, settings=settings)],
        )
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/gradio_api/upload", 403),
        ("POST", "/gradio_api/upload/", 403),
        ("POST", "/gradio_api/process_recording", 403),
        ("POST", "/gradio_api/queue/joined", 403),
        ("POST", "/login", 403),
        ("PUT", "/gradio_api/anything", 403),
        ("POST", "/gradio_api/queue/join", 200),
        ("POST", "/gradio_api/component_server/", 200),
        ("POST", "/gradio_api/call/status", 200),
        ("GET", "/", 200),
        ("GET", "/gradio_api/file=/usr/lib/plotly.min.js", 200),
    ],
)
def test_doors_of_gradios_own(hub: None, client: TestClient, method: str, path: str, status: int) -> None:
    assert client.request(method, path).status_code == status
    assert client.request(method, path, headers={"x-who": "you"}).status_code == status
    assert client.request(method, path, headers={"x-who": "me"}).status_code == 200
    assert client.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("form", ["file={}", "file/{}", "file=/{}", "file={}/../a.zip", "file=//{}"])
def test_files_of_the_data_folder_are_the_owners(client: TestClient, tmp_path: Path, form: str) -> None:
    kept = tmp_path / "home" / "cache" / "gradio" / "students" / "a" / "a.zip"
    path = "/gradio_api/" + form.format(kept)
    assert client.get(path).status_code == 403 and client.get(path, headers={"x-who": "me"}).status_code == 200
    if ".." not in form:  # the client itself would take that together
        assert client.get("/gradio_api/" + form.format(str(kept).replace("/", "%2F"))).status_code == 403
