from __future__ import annotations

import pytest

from distill_core.jobs.reconcile import death_reason
from distill_core.jobs.supervisor import accepts, default_command, has_events, visible_device
from distill_core.layout import RunFolder


@pytest.mark.parametrize(
    ("lanes", "wanted", "takers"),
    [
        (["cpu"], "auto", ["cpu"]),
        (["cpu"], "cuda", ["cpu"]),  # its child says in words that there is none
        (["cuda:0", "cuda:1", "cpu"], "auto", ["cuda:0", "cuda:1"]),
        (["cuda:0", "cuda:1", "cpu"], "cuda", ["cuda:0", "cuda:1"]),
        (["cuda", "cpu"], "cpu", ["cpu"]),
        (["mps", "cpu"], "auto", ["mps"]),
        (["mps", "cpu"], "cuda", ["mps"]),
    ],
)
def test_which_lane_takes_a_run(lanes: list[str], wanted: str, takers: list[str]) -> None:
    assert [lane for lane in lanes if accepts(lane, wanted, lanes)] == takers


def test_command_is_the_documented_one(tmp_path) -> None:  # type: ignore[no-untyped-def]
    folder = RunFolder(tmp_path / "a")
    assert default_command(folder, False)[1:] == [
        "-m",
        "distill_core",
        "run",
        str(folder.config),
        "--out",
        str(folder.path),
    ]
    assert default_command(folder, True)[1:] == ["-m", "distill_core", "resume", str(folder.path)]
    assert not has_events(folder)


def test_reasons_in_words() -> None:
    assert "out of memory" in death_reason(-9)
    assert "SIGSEGV" in death_reason(-11)
    assert "exit code 3" in death_reason(3)
    assert "nobody watched" in death_reason(None)


def test_visible_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_device(1) == "1"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert [visible_device(n) for n in (0, 1)] == ["4", "6"]
