"""The GPU benchmark's own way, on a CPU and with tiny models; and its words where there is no GPU."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import gpu, speed, speed_ours
from tests import tiny


@pytest.fixture
def small(monkeypatch, tmp_path) -> list[str]:
    """Arguments for a few texts, and models that are done in no time."""
    for module in (speed, speed_ours):
        monkeypatch.setattr(module, "TEACHER", (2, 32, 2))
        monkeypatch.setattr(module, "STUDENT", (1, 16, 2))
    (tmp_path / "sst2").mkdir()
    rows = [f"{text}\t{number % 2}" for number, (text, _) in enumerate(tiny.sentences(24, 1))]
    (tmp_path / "sst2" / "train.tsv").write_text("\n".join(["sentence\tlabel", *rows]) + "\n", encoding="utf-8")
    (tmp_path / "ner_wikiann" / "en").mkdir(parents=True)
    lines = []
    for one in tiny.tagged_sentences(16, 1):
        lines += [f"{n}\t{word}\t{tag}" for n, (word, tag) in enumerate(zip(one["words"], one["tags"], strict=True))]
    (tmp_path / "ner_wikiann" / "en" / "train.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    checkpoint = tiny.write_bert(
        tmp_path / "bert", texts=[*tiny.tagging_texts(), *(t for t, _ in tiny.sentences(99, 2))]
    )
    return ["--data", str(tmp_path), "--checkpoint", str(checkpoint), "--out", str(tmp_path / "gpu.md"), "--batch", "8"]


def test_without_a_gpu_it_says_so_and_writes_nothing(small, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="no CUDA device"):
        gpu.main(small)
    assert not Path(small[5]).exists()


def test_a_dry_run_goes_the_whole_way_and_is_called_one(small):
    gpu.main(["W1", "W3", "W5b", "W6", *small, "--device", "cpu", "--examples", "12", "--precision", "bf16"])
    said = Path(small[5]).read_text(encoding="utf-8")
    assert "dry run" in said and "bf16" in said
    rows = [line.split("|") for line in said.splitlines() if line.startswith("| W")]
    assert [row[1].split(":")[0].strip() for row in rows] == ["W1", "W3", "W5b", "W6"]
    assert all(row[2].startswith(" 12, ") and row[8].strip() == "–" for row in rows)
