"""Search, licences, configurations and splits, asked of a small Hub of our own by a process of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_core.hub_search import configurations
from tests.hub_server import HubServer
from tests.unit.test_hub import ask, forget  # noqa: F401  # a fixture

START = "from distill_core import hub_search\nimport json\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HubServer]:
    for name in ("one/bert-tiny", "one/bert-large", "two/roberta", "two/pickled-bert"):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        (folder / ("pytorch_model.bin" if "pickled" in name else "model.safetensors")).write_bytes(b"x")
    for name, files in {
        "one/reviews": ["data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"],
        "one/plain": ["rows.csv", "README.md"],
        "one/empty": ["README.md"],
        "two/carded": ["a/dev.jsonl", "a/train.jsonl"],
    }.items():
        for file in files:
            path = tmp_path / "datasets" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    features = [{"name": "text", "dtype": "string"}, {"name": "label", "dtype": {"class_label": {"names": {"0": "a"}}}}]
    described = {"config_name": "en", "features": features, "splits": [{"name": "train", "num_examples": 12}]}
    facts: dict[str, dict[str, Any]] = {
        "one/bert-tiny": {"downloads": 5, "tags": ["license:mit"], "pipeline_tag": "fill-mask"},
        "one/bert-large": {"downloads": 900, "likes": 3, "safetensors": {"parameters": {"F32": 7}, "total": 7}},
        "one/reviews": {"downloads": 2, "tags": ["license:cc-by-4.0", "task_categories:text-classification"]},
        "two/carded": {"cardData": {
            "configs": [
                {"config_name": "en"}, {"config_name": "default", "data_files": [{"split": "dev", "path": "a"}]},
            ],
            "dataset_info": [described],
        }},
    }  # fmt: skip
    with HubServer(tmp_path, gated=frozenset({"two/roberta"}), facts=facts) as opened:
        yield opened


def asked(server: HubServer, code: str, home: Path) -> Any:
    lines = ask(f"{START}print(json.dumps({code}))", server.environment(home))
    return json.loads(lines[-1])


def refused(server: HubServer, code: str, home: Path, **more: str) -> str:
    start = f"{START}try: {code}\nexcept Exception as error: print(type(error).__name__, error)"
    return ask(start, {**server.environment(home), **more})[-1]


def test_the_most_downloaded_checkpoints_with_safetensors_come_first(server: HubServer, tmp_path: Path) -> None:
    found = asked(server, "hub_search.search('model', ' bert ')", tmp_path / "hf")
    assert [row["name"] for row in found] == ["one/bert-large", "one/bert-tiny", "two/roberta"]
    large, tiny, gated = found
    assert large == {
        "name": "one/bert-large", "downloads": 900, "likes": 3, "licence": None, "task": None, "parameters": 7,
        "gated": False,
    }  # fmt: skip
    assert (tiny["licence"], tiny["task"], tiny["parameters"]) == ("mit", "fill-mask", None) and gated["gated"]
    assert asked(server, "hub_search.search('model', 'nothing like it')", tmp_path / "hf") == []
    assert len(asked(server, "hub_search.search('model', 'bert', 1)", tmp_path / "hf")) == 1


def test_data_sets_and_their_licences(server: HubServer, tmp_path: Path) -> None:
    found = asked(server, "hub_search.search('dataset', 'review')", tmp_path / "hf")
    assert [(row["name"], row["licence"], row["task"]) for row in found] == [
        ("one/reviews", "cc-by-4.0", "text-classification")
    ]
    assert asked(server, "hub_search.licence('one/bert-tiny')", tmp_path / "hf") == "mit"
    assert asked(server, "hub_search.licence('one/bert-large')", tmp_path / "hf") is None


def test_configurations_come_from_the_card_and_else_from_the_files(server: HubServer, tmp_path: Path) -> None:
    names = "[hub_search.configurations(n) for n in ('two/carded', 'one/reviews', 'one/plain', 'one/empty')]"
    carded, reviews, plain, empty = asked(server, names, tmp_path / "hf")
    assert carded == [
        {"name": "default", "splits": {"dev": None}, "columns": {}},
        {"name": "en", "splits": {"train": 12}, "columns": {"text": "string", "label": "class_label"}},
    ]
    assert reviews == [{"name": "default", "splits": {"train": None, "test": None}, "columns": {}}]
    assert plain == [{"name": "default", "splits": {"train": None}, "columns": {}}] and empty == []


def test_without_a_network_the_answer_comes_at_once(server: HubServer, tmp_path: Path) -> None:
    said = refused(server, "hub_search.search('model', 'bert')", tmp_path / "hf", HF_HUB_OFFLINE="1")
    assert said.startswith("NetworkError The list of checkpoints has to come from the Hub")
    assert not server.requests


def test_slow_broken_and_missing_answers_are_told_in_words(server: HubServer, tmp_path: Path) -> None:
    server.slow["search"] = 5.0
    began = time.monotonic()
    said = refused(server, "hub_search.hub.ANSWER_SECONDS = 0.5; hub_search.search('model', 'x')", tmp_path / "hf")
    assert said.startswith("NetworkError The Hub did not answer in time") and time.monotonic() - began < 30
    server.slow.clear()
    server.broken["search"] = 500
    assert "error 500" in refused(server, "hub_search.search('dataset', 'x')", tmp_path / "hf")
    said = refused(server, "hub_search.configurations('one/nobody')", tmp_path / "hf")
    assert said.startswith("DataError") and "no data set one/nobody" in said


@pytest.mark.parametrize("name", ["../x", "a/b/c", ""])
def test_impossible_names_are_refused_without_asking(name: str) -> None:
    with pytest.raises(Exception, match="possible name"):
        configurations(name)
