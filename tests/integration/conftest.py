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
