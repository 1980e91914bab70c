"""A Hugging Face Space: visitors look and try, its owner starts. The environment and Hugging Face are faked."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import PATIENCE, PROJECT, FakeApp, Watched
from tests.e2e.test_everyone import assert_good
from tests.sign_in import SignIn, told_of_token
from ui import text_header, text_visitors

pytestmark = pytest.mark.browser
REFUSED = "This Space can be looked at"
TOKEN, READS = "hf_" + "w" * 34, "hf_" + "r" * 34
PAGE = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "https://you-stillroom.hf.space"


@pytest.fixture(scope="module")
def provider() -> Iterator[SignIn]:
    with SignIn() as found:
        writes = told_of_token("me", "fineGrained", scoped=(("space", "me/stillroom", "repo.write"),))
        found.tokens.update({TOKEN: writes, READS: told_of_token("me", "read")})
        yield found


def tried_run(home: Path) -> None:
    """A finished run with real models, of bundled data and teachers alone, as a Space's are."""
    raw = {
        "name": "tried",
        "threads": 1,
        "data": {"source": "bundled", "max_tokens": 24, "labelled_per_class": 10, "max_transfer": 100, "max_test": 100},
        "teachers": [{"source": "bundled:support-bert"}],
        "teacher_training": {"mode": "separate", "epochs": 1, "batch_size": 16},
        "student": {"kind": "bilstm", "embedding": 16, "lstm_hidden": 16},
        "objective": {"teacher_weighting": "uniform"},
        "training": {"epochs": 1},
        "controls": [],
        "measure": {"batch_sizes": [1], "repeats": 5},
    }
    (home.parent / "run.json").write_text(json.dumps(raw))
    environment = {**os.environ, "STILLROOM_HOME": str(home), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "distill_core", "run", str(home.parent / "run.json")]
    out = str(home / "runs" / "tried-1")
    ended = subprocess.run(
        [*command, "--out", out], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory, provider: SignIn) -> Iterator[FakeApp]:
    home = tmp_path_factory.mktemp("space") / "home"
    home.mkdir()
    (home.parent / "bucket").mkdir()
    tried_run(home)
    opened = FakeApp(home, program=("-m", "tests.fake_page"))
    opened.environment = {
        "FAKE_BEHAVIOUR": str(opened.behaviour),
        "SPACE_ID": "me/stillroom",
        "SPACES_ZERO_GPU": "true",
        "STILLROOM_BACKUP": str(home.parent / "bucket"),
        "STILLROOM_MCP": "1",
        "HF_TOKEN": TOKEN,  # a Space's secret: with it the app asks the Hub, and nobody else becomes the owner by it
        **provider.environment(),
    }
    opened.behave(steps=2000, pause_s=0.2)
    opened.start()
    yield opened
    opened.stop_all()
    opened.close()


def post(app: FakeApp, path: str, body: Any, headers: dict[str, str] | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=60)
    try:
        sent = json.dumps(body) if not isinstance(body, str) else body
        connection.request("POST", path, sent, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def get(app: FakeApp, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


@pytest.mark.timeout(900)
def test_a_visitor_looks_and_tries_and_is_told_why_not_more(space: FakeApp, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = watched.page
    page.goto(space.address)
    page.wait_for_selector("#visitor-said .sr-visitor")
    duplicate = page.locator("#visitor-said a")
    assert duplicate.get_attribute("href") == "https://huggingface.co/spaces/me/stillroom?duplicate=true"
    assert text_visitors.LOOK in page.inner_text("#visitor-said")
    page.wait_for_selector("#notes p")
    assert page.inner_text("#notes") == text_header.ZERO_GPU

    page.click("#run-demo")
    page.wait_for_selector("#home-said [role=alert]")
    assert REFUSED in page.inner_text("#home-said") and "?run=" not in page.url

    page.click("#home-examples a >> nth=0")
    page.wait_for_selector("#verdict-checks li")
    assert page.is_visible("#visitors")

    watched.leave(f"{space.address}/?run=tried-1")
    page.wait_for_selector("#verdict-checks li")
    page.set_default_timeout(120_000)
    page.click("#result-try > summary")
    page.fill("#try-text", "where is my parcel")
    page.click("#try-go")
    page.wait_for_selector(".sr-try-table tbody tr:nth-child(2)")

    watched.leave(f"{space.address}/?view=new&from=tried-1")
    page.wait_for_selector("#summary:has-text('Nothing is missing')")
    page.click("#start-run")
    page.wait_for_selector("#start-refused")
    assert REFUSED in page.inner_text("#start-refused") and page.input_value("#field-name textarea, #field-name input")
    assert [path.name for path in (space.home / "runs").iterdir()] == ["tried-1"]
    watched.assert_clean()


def config_of(app: FakeApp) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(get(app, "/config")[1])
    return found


def test_doors_refuse_a_visitor_by_plain_http(space: FakeApp) -> None:
    """What no button offers any more: the calls themselves."""
    parts = config_of(space)["components"]
    run_page = next(part["id"] for part in parts if "build_export" in str(part["props"].get("server_fns")))

    def door(name: str, **request: Any) -> str:
        body = {"data": {"run": "tried-1", **request}, "component_id": run_page, "session_hash": "x", "fn_name": name}
        status, said = post(space, "/gradio_api/component_server", body)
        assert status == 200
        return said

    for name in ("stop", "resume", "remove", "retry", "annotate", "build_export", "push_export"):
        assert REFUSED in door(name, format="onnx", allow_loss=1, repository="me/x"), name
    assert json.loads(door("live"))["run"]["status"] == "done"

    recipe = (PROJECT / "assets" / "recipes" / "demo.yaml").read_text(encoding="utf-8")
    for name, data in (("start", [recipe, ""]), ("stop", ["tried-1"])):
        status, said = post(space, f"/gradio_api/run/{name}", {"data": data})
        assert status == 500 and REFUSED in said
    assert json.loads(post(space, "/gradio_api/run/check", {"data": [recipe]})[1])["data"][0]["ok"] is True

    demo = next(one for one in config_of(space)["dependencies"] if len(one["inputs"]) == 1 and one["targets"] and one[
        "targets"][0][1] == "click" and len(one["outputs"]) == 2)  # fmt: skip
    body = {"data": ["a-token"], "fn_index": demo["id"], "session_hash": "x"}
    status, said = post(space, "/gradio_api/queue/join", body)
    assert status == 200
    assert REFUSED in get(space, "/gradio_api/queue/data?session_hash=x")[1]

    assert post(space, "/gradio_api/upload", "x", {"Content-Type": "multipart/form-data; boundary=x"})[0] == 403
    zipped = space.home / "cache" / "gradio" / "students" / "tried-1" / "a.zip"
    assert get(space, f"/gradio_api/file={urllib.parse.quote(str(zipped))}")[0] == 403
    forged = {"Cookie": "session=eyJvYXV0aF9pbmZvIjoge319.x.y", "X-Forwarded-User": "me", "x-gradio-user": "me"}
    assert post(space, "/gradio_api/upload", "x", forged)[0] == 403
    assert [path.name for path in (space.home / "runs").iterdir()] == ["tried-1"]
    assert not any((space.home / "uploads").iterdir())


def example(language: str, app: FakeApp) -> str:
    """The page's example of this kind, asking this app."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    assert ADDRESS in code
    return str(code).replace(ADDRESS, app.address)


@pytest.mark.timeout(300)
def test_the_owners_programs_start_and_stop(
    space: FakeApp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    config = (PROJECT / "assets" / "recipes" / "demo.yaml").read_text(encoding="utf-8")
    monkeypatch.setenv("HF_TOKEN", READS)
    with pytest.raises(AppError, match="Send its owner's access token"):
        exec(compile(example("py", space), "docs/api.md", "exec"), {"config": config})
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    # What the client sends by itself never reaches a Space's app, and is no proof here either.
    with pytest.raises(AppError, match=REFUSED):
        Client(space.address, token=TOKEN, verbose=False).predict(config, api_name="/start")
    with pytest.raises(AppError, match=REFUSED):
        Client(space.address, headers={"Authorization": f"Bearer {TOKEN}x"}, verbose=False).predict(
            config, api_name="/start"
        )
    kept: dict[str, Any] = {"config": config}
    exec(compile(example("py", space), "docs/api.md", "exec"), kept)
    assert capsys.readouterr().out.strip() in ("queued", "running")
    assert kept["mine"].predict(kept["run"], api_name="/status")["status"] in ("stopping", "stopped")
    assert (space.home / "runs" / kept["run"]).is_dir()
    # Uploads are the owner's, too.
    empty = {"Content-Type": "multipart/form-data; boundary=x", "Authorization": f"Bearer {TOKEN}"}
    assert post(space, "/gradio_api/upload", "--x--\r\n", empty)[0] != 403
    assert post(space, "/gradio_api/upload", "--x--\r\n", {**empty, "Authorization": f"Bearer {READS}"})[0] == 403
    assert TOKEN not in space.log.read_text(errors="replace")


@pytest.mark.timeout(300)
def test_assistants_are_the_owners_with_the_header_alone(space: FakeApp) -> None:
    import httpx
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    server = json.loads(example("jsonc", space))["mcpServers"]["stillroom"]
    assert server["headers"] == {"Authorization": "Bearer hf_your_token"}

    async def stopped(headers: dict[str, str]) -> Any:
        async with (
            httpx.AsyncClient(headers=headers, timeout=60) as client,
            streamable_http_client(server["url"], http_client=client) as (reads, writes, _),
            ClientSession(reads, writes) as session,
        ):
            await session.initialize()
            return await session.call_tool("stop", {"run": "tried-1"})

    for headers, owner in (
        ({}, False),
        ({"Authorization": f"Bearer {READS}"}, False),
        ({"x-hf-authorization": f"Bearer {TOKEN}"}, False),
        ({"Authorization": f"Bearer {TOKEN}"}, True),
    ):
        with ThreadPoolExecutor(1) as pool:  # a browser of another test holds this thread's event loop
            said = pool.submit(lambda headers=headers: asyncio.run(stopped(headers))).result()
        assert said.isError is not owner and (REFUSED in said.content[0].text) is not owner, said


def press_sign_in(page: Any, until: str) -> None:
    """Gradio's button does nothing before the page has come alive, which nothing on the page tells: pressed again."""
    for _ in range(10):
        page.click("#sign-in")
        try:
            page.wait_for_selector(until, timeout=6000 * PATIENCE)
            return
        except Exception as error:
            if "Timeout" not in str(error):
                raise
    raise AssertionError(f"signing in or out led nowhere: {page.inner_text('#visitors')}")


def sign_in(page: Any) -> None:
    press_sign_in(page, "#sign-in:has-text('Sign out')")


@pytest.mark.timeout(300)
def test_somebody_else_who_signs_in_still_looks(
    space: FakeApp, provider: SignIn, watch: Callable[..., Watched]
) -> None:  # fmt: skip
    provider.person = {"preferred_username": "somebody", "orgs": [{"preferred_username": "me", "roleInOrg": "read"}]}
    page = watch().page
    page.goto(space.address)
    page.wait_for_selector("#sign-in")
    sign_in(page)
    assert page.inner_text("#sign-in") == text_visitors.SIGN_OUT.format("somebody")
    assert text_visitors.LOOK in page.inner_text("#visitor-said")
    page.click("#run-demo")
    page.wait_for_selector("#home-said [role=alert]")
    assert REFUSED in page.inner_text("#home-said")


@pytest.mark.timeout(300)
def test_the_owner_signs_in_and_starts(space: FakeApp, provider: SignIn, watch: Callable[..., Watched]) -> None:
    provider.person = {"preferred_username": "me", "orgs": []}
    watched = watch()
    page = watched.page
    page.goto(space.address)
    page.wait_for_selector("#sign-in")
    sign_in(page)
    page.wait_for_selector(f"#visitor-said:has-text('{text_visitors.YOURS}')")
    page.click("#run-demo")
    page.wait_for_function("location.search.includes('run=')")
    page.wait_for_selector("#stop-run:visible")
    page.click("#stop-run")
    page.wait_for_function("['stopping', 'stopped'].includes(document.querySelector('#run-status').textContent)")
    page.goto(space.address)
    press_sign_in(page, f"#visitor-said:has-text('{text_visitors.LOOK}')")
    assert (space.home.parent / "bucket" / "runs" / "tried-1" / "report.json").is_file()
    assert not list((space.home.parent / "bucket").rglob("*.db*"))


@pytest.mark.timeout(300)
def test_who_administers_the_spaces_organisation_may_start(
    space: FakeApp, provider: SignIn, watch: Callable[..., Watched]
) -> None:  # fmt: skip
    provider.person = {"preferred_username": "else"}  # organisations were not allowed to be told: the Hub is asked
    provider.known = {"type": "user", "name": "else", "orgs": [{"name": "me", "roleInOrg": "admin"}]}
    page = watch().page
    page.goto(space.address)
    page.wait_for_selector("#sign-in")
    sign_in(page)
    page.wait_for_selector(f"#visitor-said:has-text('{text_visitors.YOURS}')")
    assert "/api/whoami-v2" in provider.asked


@pytest.mark.timeout(300)
def test_everybody_can_use_what_a_space_adds(space: FakeApp, watch: Callable[..., Watched]) -> None:
    page = watch(390, 844).page
    page.goto(space.address)
    page.wait_for_selector("#notes p")
    page.wait_for_selector("#sign-in")
    assert_good(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it must fit a phone"
