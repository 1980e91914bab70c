"""Deciding whether there is a network, and fetching checkpoints from a small Hub of our own."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core import hub
from distill_core.errors import DataError, DiskError, NetworkError
from distill_core.layout import PROJECT
from tests.hub_server import HubServer
from tests.unit import tiny_checkpoints as tiny


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "HF_ENDPOINT", "http_proxy"):
        # Set first, so that what the code under test writes is taken back at the end.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    hub.online.cache_clear()
    yield
    hub.online.cache_clear()


def ask(code: str, environment: dict[str, str]) -> list[str]:
    """Run code in a fresh interpreter (the libraries read their variables on import); the lines it printed."""
    start = (
        "from distill_core import checkpoints, hub\n"
        "def say(ask, *args):\n"
        "    try: print('ok', ask(*args))\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        env={**os.environ, **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_offline_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not hub.online()


def test_offline_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    assert hub.decide_offline()
    assert (
        os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == os.environ["HF_DATASETS_OFFLINE"] == "1"
    )
    with pytest.raises(NetworkError, match="The checkpoint has to come from the Hub"):
        hub.require_online("The checkpoint")


def test_offline_when_the_name_cannot_be_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    assert not hub.online()


def test_online_is_decided_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert hub.online()
        assert not hub.decide_offline()
        assert "HF_HUB_OFFLINE" not in os.environ
    assert hub.online()


def test_a_proxy_is_probed_in_place_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    monkeypatch.setenv("no_proxy", "localhost")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert hub.online()


def test_names() -> None:
    for name in ("owner/name", "bert-base-uncased", "a.b/c_d"):
        hub.check_name(name, "model")
    for name in ("a b", "a/b/c", "-a/b", "a--b", ""):
        with pytest.raises(DataError):
            hub.check_name(name, "dataset", "data.name")


def test_other_errors_in_words() -> None:
    full = hub.explain(OSError(errno.ENOSPC, "no space"), "owner/name", "model")
    assert isinstance(full, DiskError)
    assert hub.explain(KeyError("x"), "owner/name", "model") is None
    with pytest.raises(KeyError), hub.in_words("owner/name", "model"):
        raise KeyError("x")


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hub")
    models = root / "models" / "acme"
    tiny.save(models / "tiny")
    (models / "tiny" / "modeling_own.py").write_text("raise SystemExit('this must never run')\n")
    (models / "tiny" / "pytorch_model.bin").write_bytes(b"pickle")
    (models / "tiny" / "onnx").mkdir()
    (models / "tiny" / "onnx" / "config.json").write_text("{}")
    sharded = tiny.build("bert")
    sharded.save_pretrained(models / "sharded", max_shard_size="10KB")
    tiny.save_tokenizer(models / "sharded")
    (models / "pickled").mkdir()
    shutil.copy(models / "tiny" / "config.json", models / "pickled")
    (models / "pickled" / "pytorch_model.bin").write_bytes(b"pickle")
    tiny.save(models / "decoder")
    config = json.loads((models / "decoder" / "config.json").read_text())
    (models / "decoder" / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))
    for name in ("slow", "broken", "gated", "empty"):
        (models / name).mkdir()
        (models / name / "README.md").write_text("nothing else\n")
    return root


def test_download_describe_and_load(repositories: Path, tmp_path: Path) -> None:
    code = """
light = checkpoints.inspect_light("acme/tiny")
print(sorted(p.name for p in light.folder.iterdir()))
assert light == checkpoints.inspect("acme/tiny")
assert checkpoints.inspect_light("acme/sharded") == checkpoints.inspect("acme/sharded")
print(sorted(p.name for p in light.folder.iterdir()))
from transformers import AutoModel
folder = checkpoints.resolve("acme/tiny")
model = AutoModel.from_pretrained(folder, add_pooling_layer=False)
print(light.parameters, sum(p.numel() for p in model.parameters()), light.source, light.name)
"""
    again = """
import sys
print(hub.online(), checkpoints.inspect("acme/tiny").parameters, "torch" in sys.modules)
say(checkpoints.inspect, "acme/tiny", "v2")
"""
    small = ["config.json", "tokenizer.json", "tokenizer_config.json"]
    with HubServer(repositories) as server:
        environment = server.environment(tmp_path)
        before, after, last = ask(code, environment)
        asked = server.requests
    assert json.loads(before.replace("'", '"')) == small
    assert json.loads(after.replace("'", '"')) == sorted([*small, "model.safetensors"])
    counted, loaded, source, name = last.split()
    assert counted == loaded
    assert (source, name) == ("acme/tiny", "tiny")
    assert not [line for line in asked if ".py" in line or ".bin" in line or "xet" in line]
    # The server is gone now: what was downloaded is enough, another revision is not.
    first, second = ask(again, environment)
    assert first.split() == ["False", counted, "False"]
    assert second.startswith("NetworkError acme/tiny is no folder here")


def test_half_a_checkpoint_is_not_taken_for_a_whole_one(repositories: Path, tmp_path: Path) -> None:
    with HubServer(repositories) as server:
        environment = server.environment(tmp_path)
        ask('checkpoints.inspect_light("acme/tiny")', environment)
    (line,) = ask('say(checkpoints.inspect, "acme/tiny")', environment)
    assert line.startswith("NetworkError")
    assert "not wholly" in line


def test_refusals(repositories: Path, tmp_path: Path) -> None:
    expected = {
        "pickled": "CheckpointError acme/pickled on the Hub holds its weights only as pytorch_model.bin",
        "empty": "CheckpointError acme/empty on the Hub is no transformers checkpoint",
        "missing": "CheckpointError There is no checkpoint acme/missing on the Hub",
        "gated": "CheckpointError acme/gated is gated",
        "broken": "NetworkError acme/broken could not be fetched: the Hub answered with error 500",
        "slow": "NetworkError The Hub did not answer in time about acme/slow",
    }
    code = "hub.ANSWER_SECONDS = 0.5\n"
    code += "".join(f"say(checkpoints.resolve, 'acme/{name}')\n" for name in expected)
    code += "say(checkpoints.resolve, 'acme/tiny', 'v2')\nsay(checkpoints.inspect_light, 'acme/decoder')\n"
    server = HubServer(
        repositories, slow={"acme/slow": 2}, broken={"acme/broken": 500}, gated=frozenset({"acme/gated"})
    )
    with server:
        lines = ask(code, server.environment(tmp_path))
        asked = server.requests
    for line, start in zip(lines, expected.values(), strict=False):
        assert line.startswith(start)
    assert lines[-2].startswith("CheckpointError acme/tiny has no revision 'v2'")
    assert lines[-1].startswith("CheckpointError acme/decoder is a decoder")
    assert not [line for line in asked if "pytorch_model" in line or "decoder/resolve/main/model" in line]
