"""Data sets from a small Hub of our own: the splits asked for, class names, and refusals in words."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from distill_core.data.hub import parquet_rows
from distill_core.layout import PROJECT
from tests.hub_server import HubServer

PROGRAM = """
import json, sys
from distill_core.config import HubData
from distill_core.data.hub import load_hub
answers = []
for settings in json.loads(sys.argv[1]):
    try:
        frames = load_hub(HubData(**settings))
        answers.append({key: json.loads(frame.to_json(orient="records")) for key, frame in frames.items()})
    except Exception as error:
        answers.append([type(error).__name__, getattr(error, "field", ""), str(error)])
answers.append([name for name in ("torch", "transformers") if name in sys.modules])
print(json.dumps(answers))
"""


def ask(environment: dict[str, str], *settings: dict[str, Any]) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(settings)],
        env={**os.environ, **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    *answers, loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded == []
    return answers


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hub")
    sets = root / "datasets" / "acme"
    rows = "text,label\nhello,greet\nbye,leave\n"
    (sets / "messages").mkdir(parents=True)
    (sets / "messages" / "train.csv").write_text(rows)
    (sets / "messages" / "test.csv").write_text("text,label\nhi,greet\n")
    (sets / "classes" / "data").mkdir(parents=True)
    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    table = Dataset.from_dict({"text": ["u", "v", "w"], "label": [0, 1, -1]}, features=features)
    table.to_parquet(sets / "classes" / "data" / "train-00000-of-00001.parquet")
    (sets / "tagged" / "data").mkdir(parents=True)
    features = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=["O", "B-PER", "I-PER"]))})
    table = Dataset.from_dict({"tokens": [["Ada", "L."], ["so"]], "ner_tags": [[1, 2], [-1]]}, features=features)
    table.to_parquet(sets / "tagged" / "data" / "train-00000-of-00001.parquet")
    for language in ("en", "de"):
        (sets / "languages" / language).mkdir(parents=True)
        (sets / "languages" / language / "train.csv").write_text(rows.replace("hello", language))
    configs = "".join(f"- config_name: {name}\n  data_files: {name}/*.csv\n" for name in ("en", "de"))
    (sets / "languages" / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    (sets / "scripted").mkdir()
    (sets / "scripted" / "scripted.py").write_text("raise SystemExit('this must never run')\n")
    for name in ("empty", "gated", "broken"):
        (sets / name).mkdir()
        (sets / name / "README.md").write_text("nothing else\n")
    return root


def test_splits_and_class_names_then_again_without_network(repositories: Path, tmp_path: Path) -> None:
    wanted = [
        {"name": "acme/messages", "test_split": "test", "transfer_split": "train[:50%]"},
        {"name": "acme/classes"},
        {"name": "acme/languages", "config": "de"},
        {"name": "acme/tagged"},
    ]
    with HubServer(repositories) as server:
        environment = server.environment(tmp_path)
        answers = ask(environment, *wanted)
    messages, classes, languages, tagged = answers
    first = {"text": "hello", "label": "greet"}
    assert messages["train"] == [first, {"text": "bye", "label": "leave"}]
    assert messages["test"] == [{"text": "hi", "label": "greet"}]
    assert messages["transfer"] == [first]
    assert "validation" not in messages
    assert [row["label"] for row in classes["train"]] == ["no", "yes", None]
    assert languages["train"][0]["text"] == "de"
    assert [row["ner_tags"] for row in tagged["train"]] == [["B-PER", "I-PER"], [None]]

    assert ask(environment, *wanted) == answers
    refused = ask(
        environment,
        {"name": "acme/languages", "config": "en"},
        {"name": "acme/languages"},
        {"name": "acme/classes", "revision": "v2"},
        {"name": "acme/messages", "validation_split": "dev"},
        {"name": "acme/elsewhere"},
    )
    assert [answer[:2] for answer in refused] == [
        ["NetworkError", "data.name"],
        ["DataError", "data.config"],
        ["NetworkError", "data.name"],
        ["DataError", "data.validation_split"],
        ["NetworkError", "data.name"],
    ]


def test_refusals(repositories: Path, tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], str, str, str]] = [
        ({"name": "a b"}, "DataError", "data.name", "possible name"),
        ({"name": "acme/none"}, "DataError", "data.name", "There is no data set acme/none"),
        ({"name": "acme/classes", "revision": "v2"}, "DataError", "data.name", "no revision 'v2'"),
        ({"name": "acme/classes", "train_split": "all"}, "DataError", "data.train_split", "There is: train."),
        ({"name": "acme/messages", "test_split": "dev"}, "DataError", "data.test_split", "There are: train, test."),
        ({"name": "acme/languages"}, "DataError", "data.config", "Choose one of en, de."),
        ({"name": "acme/languages", "config": "fr"}, "DataError", "data.config", "There are: en, de."),
        ({"name": "acme/scripted"}, "DataError", "data.name", "script of its own"),
        ({"name": "acme/empty"}, "DataError", "data.name", "no data files"),
        ({"name": "acme/gated"}, "DataError", "data.name", "is gated"),
        ({"name": "acme/broken"}, "NetworkError", "data.name", "error 503"),
    ]
    with HubServer(repositories, broken={"acme/broken": 503}, gated=frozenset({"acme/gated"})) as server:
        answers = ask(server.environment(tmp_path), *[settings for settings, *_ in cases])
    for (settings, kind, field, words), answer in zip(cases, answers, strict=True):
        assert answer[:2] == [kind, field], settings
        assert words in answer[2]


HEAD = """
import json, sys
from distill_core.config import HubData
from distill_core.data.hub import first_rows, load_hub
with first_rows(int(sys.argv[2])) as head:
    frames = load_hub(HubData(**json.loads(sys.argv[1])))
rows = {key: json.loads(frame.to_json(orient="records")) for key, frame in frames.items()}
print(json.dumps([rows, head.read, head.there]))
"""


def head_of(environment: dict[str, str], settings: dict[str, Any], rows: int) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", HEAD, json.dumps(settings), str(rows)],
        env={**os.environ, **environment}, cwd=PROJECT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(("most", "read"), [(1, 1), (3, 3), (4, 4), (9, 5)])
def test_first_rows_go_on_into_the_next_file(tmp_path: Path, most: int, read: int) -> None:
    files = []
    for name, texts in {"a": ["one", "two", "three"], "b": ["four", "five"]}.items():
        files.append(str(tmp_path / f"{name}.parquet"))
        Dataset.from_dict({"text": texts}).to_parquet(files[-1])
    rows = parquet_rows(files, most)
    assert [row["text"] for row in rows] == ["one", "two", "three", "four", "five"][:read]


def test_first_rows_are_the_whole_sets_and_fetch_little(repositories: Path, tmp_path: Path) -> None:
    root = tmp_path / "hub"
    big = root / "datasets" / "acme" / "big" / "data"
    big.mkdir(parents=True)
    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    noise = [random.randbytes(1200).hex() for _ in range(8000)]
    table = Dataset.from_dict({"text": noise, "label": [i % 2 for i in range(8000)]}, features=features)
    table.to_parquet(big / "train-00000-of-00001.parquet", batch_size=500)
    with HubServer(root) as server:
        rows, read, there = head_of(server.environment(tmp_path / "a"), {"name": "acme/big"}, 50)
        assert not list((tmp_path / "a").rglob("*.parquet")) and not list((tmp_path / "a").rglob("*.arrow"))
        assert server.sent < 0.5 * (big / "train-00000-of-00001.parquet").stat().st_size
    assert rows["train"] == [{"text": noise[i], "label": ["no", "yes"][i % 2]} for i in range(50)]
    assert read == {"train": 50} and there == {"train": None}
    with HubServer(repositories) as server:
        environment = server.environment(tmp_path / "b")
        rows, read, there = head_of(environment, {"name": "acme/tagged"}, 10)
        assert [row["ner_tags"] for row in rows["train"]] == [["B-PER", "I-PER"], [None]]
        assert read == there == {"train": 2}  # fewer than asked for: these are all
        (classes,) = ask(environment, {"name": "acme/classes"})
    rows, read, there = head_of(environment, {"name": "acme/classes"}, 2)  # downloaded before, and now no network
    assert rows["train"] == classes["train"][:2] and read == {"train": 2} and there == {"train": 3}
