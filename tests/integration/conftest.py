from __future__ import annotations

from pathlib import Path

import pytest
import torch

from distill_core import config, pipeline
from distill_core.events import MemorySink
from distill_core.layout import DataHome, RunFolder
from distill_core.train.stop import StopToken
from tests import tiny


@pytest.fixture(scope="session")
def material(tmp_path_factory) -> dict:
    """Data files and two tiny teachers, made once."""
    root = tmp_path_factory.mktemp("material")
    return {
        "data": tiny.write_data(root / "data"),
        "teachers": [tiny.write_bert(root / "bert"), tiny.write_roberta(root / "roberta")],
    }


@pytest.fixture(scope="session")
def tagged_material(tmp_path_factory) -> dict:
    """The same for tagging, in two languages."""
    root = tmp_path_factory.mktemp("tagged")
    texts = tiny.tagging_texts()
    return {
        "data": tiny.write_tagged(root / "data"),
        "teachers": [tiny.write_bert(root / "bert", texts=texts), tiny.write_roberta(root / "roberta", texts=texts)],
    }


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


class Runner:
    """Runs configs in a temporary data folder."""

    def __init__(self, root: Path, material: dict) -> None:
        self.root, self.material = root, material

    def config(self, *, teachers: int = 2, **changes) -> config.RunConfig:
        raw = tiny.config_dict(self.material["data"], self.material["teachers"][:teachers], **changes)
        return config.from_dict(raw)

    def run(self, run_config, name="run", *, home="home", sink=None, stop=None):
        sink = sink or MemorySink()
        folder = RunFolder(self.root / name)
        report = pipeline.run(run_config, folder, DataHome(self.root / home), sink, stop or StopToken())
        return report, folder, sink


@pytest.fixture
def runner(tmp_path, material) -> Runner:
    return Runner(tmp_path, material)


@pytest.fixture
def tagger(tmp_path, tagged_material) -> Runner:
    return Runner(tmp_path, tagged_material)


class StopAfter(MemorySink):
    """Sets the stop token at the n-th event of a kind that `chosen` agrees to."""

    def __init__(self, stop: StopToken, kind: str, count: int, chosen=lambda payload: True) -> None:
        super().__init__()
        self.stop, self.kind, self.left, self.chosen = stop, kind, count, chosen

    def emit(self, kind, **payload):
        super().emit(kind, **payload)
        if kind == self.kind and self.chosen(payload):
            self.left -= 1
            if self.left == 0:
                self.stop.set()


def rows_of(sink: MemorySink, arm: str | None = None) -> list[dict]:
    """The metric rows, of one arm or of all."""
    rows = [row for kind, payload in sink.events if kind == "metric" for row in payload["rows"]]
    return [row for row in rows if arm in (None, row["arm"])]


def payloads(sink: MemorySink, kind: str) -> list[dict]:
    return [payload for k, payload in sink.events if k == kind]
