"""The bundled plain text is what its script makes, and its parts are apart."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from distill_core.config import BundledData
from distill_core.data.prepare import prepare
from distill_core.layout import BUNDLED_DATA

FOLDER = BUNDLED_DATA["support-text"]
OWN_MODULES = ("grammar", "frames", "lexicon")


@pytest.fixture(scope="module")
def made() -> dict[str, list[str]]:
    before = {name: sys.modules.pop(name, None) for name in OWN_MODULES}
    path = list(sys.path)
    spec = importlib.util.spec_from_file_location("plain_text_build", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module.texts()
    sys.path[:] = path
    for name, old in before.items():
        sys.modules.pop(name, None)
        if old is not None:
            sys.modules[name] = old


def test_the_files_are_what_the_script_makes(made):
    for part, lines in made.items():
        assert (FOLDER / f"{part}.txt").read_text(encoding="utf-8").split("\n")[:-1] == lines


def test_no_line_stands_twice(made):
    lines = [text.lower() for part in made.values() for text in part]
    assert len(set(lines)) == len(lines) == 9_500


def test_a_run_reads_it(made):
    data = prepare(BundledData(name="support-text", task="masked_lm"), seed=13)
    assert data.sizes == {"train": 8_000, "validation": 500, "test": 1_000, "transfer": 0}
    assert data.labels == []
    assert not data.train.labels.any()
    assert data.test.texts == made["test"]
