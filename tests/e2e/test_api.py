"""The public API of the running app. The examples of docs/api.md are run as they stand there, one after the other."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.e2e.conftest import PROJECT, App
from ui import api

PAGE = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.M | re.S)
ADDRESS = "http://127.0.0.1:7860"
Found = TypeVar("Found")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    opened = App(tmp_path_factory.mktemp("api") / "home").start()
    yield opened
    opened.close()


def blocks(language: str, app: App) -> list[str]:
    """The page's examples in one language, asking this app."""
    return [code.replace(ADDRESS, app.address) for name, code in BLOCKS if name == language]


def apart(work: Callable[[], Found]) -> Found:
    """In a thread of its own: a browser of another test holds this one's event loop, and `asyncio.run` wants none."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.mark.timeout(600)
def test_the_pages_python_examples_run(
    asked: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from distill_core import config as cfg
    from tests import tiny

    raw = tiny.config_dict(tiny.write_data(tmp_path / "data"), [tiny.write_bert(tmp_path / "bert")], name="tiny")
    raw["objective"] = {"teacher_weighting": "uniform"}
    (tmp_path / "run.yaml").write_text(cfg.from_dict(raw).to_yaml(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    kept: dict[str, Any] = {"__name__": "example"}
    codes = blocks("python", asked)
    assert len(codes) == 5
    for code in codes:
        apart(lambda code=code: exec(compile(code, "docs/api.md", "exec"), kept))
    assert kept["looked"]["ok"] is True
    folder = asked.home / "runs" / kept["run"]
    report = json.loads((folder / "report.json").read_text())
    assert kept["found"]["headline"] == report["conclusion"]["headline"]
    assert kept["found"]["checks"] and kept["found"]["compression"] > 0
    answers = kept["said"]["models"][0]["answers"]
    assert [model["role"] for model in kept["said"]["models"]] == ["student"]
    assert len(answers) == 2 and all(one["label"] in tiny.TOPICS for one in answers)
    printed = capsys.readouterr().out
    assert "seeds: input should be a valid list" in printed
    assert str(list(api.NAMES)) in printed

    client = kept["stillroom"]
    beside = client.predict(kept["run"], ["parcel"], None, True, api_name="/predict")
    assert {model["role"] for model in beside["models"]} >= {"student", "teacher"}
    assert client.predict(kept["run"], True, api_name="/result")["report"] == report
    assert client.predict(kept["config"], "reviews-of-monday", api_name="/start") == kept["run"]
    assert client.predict(kept["run"], api_name="/stop") == "done"


def test_the_pages_curl_lines_run(asked: App) -> None:
    (lines,) = blocks("bash", asked)
    said = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "event: complete" in said
    answer = json.loads(re.findall(r"^data: (.*)$", said, re.M)[0])
    assert answer[0]["status"] == "done" and answer[0]["id"] == "support-demo"


def test_the_pages_mcp_config_leads_to_the_tools(asked: App) -> None:
    (config,) = blocks("json", asked)
    url = json.loads(config)["mcpServers"]["stillroom"]["url"]

    async def ask() -> tuple[list[Any], Any, Any, Any]:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        async with streamable_http_client(url) as (reads, writes, _), ClientSession(reads, writes) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            state = await session.call_tool("status", {"run": "support-demo"})
            wrong = await session.call_tool("status", {"run": "../../etc"})
            listed = await session.call_tool("runs", {})
            return tools, state, wrong, listed

    tools, state, wrong, listed = apart(lambda: asyncio.run(ask()))
    assert [tool.name for tool in tools] == list(api.NAMES)
    for tool in tools:
        assert "Returns" in tool.description and ",," not in tool.description
        assert all(part.get("description") for part in tool.inputSchema["properties"].values()), tool.name
    assert json.loads(state.content[0].text)["status"] == "done" and not state.isError
    assert wrong.isError and wrong.content[0].text.startswith("There is no such run.")
    assert {"support-demo", "multilingual-ner"} <= {row["id"] for row in json.loads(listed.content[0].text)}


def test_every_name_of_the_page_is_offered_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.M)
    assert [name for name, _ in rows] == list(api.NAMES)
    for function, (_, arguments) in zip(api.functions(None), rows, strict=True):
        told = [part.partition("=")[0] for part in re.findall(r"`([^`]+)`", arguments)]
        assert told == [name for name in function.__annotations__ if name != "return"]
