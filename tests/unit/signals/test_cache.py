import errno
import json
import os
import signal as signals
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock

from distill_core.errors import DataError, DiskError, MemoryError_, Stopped
from distill_core.signals import cache, files
from distill_core.signals.cache import CachedSource, build_cache
from distill_core.signals.live import LiveSource
from distill_core.signals.types import SignalSpec, TeacherSignal
from tests.unit.signals.builders import TEXTS, TinyTeacher, examples

SPECS = [
    SignalSpec((0, 2), "token", True),
    SignalSpec((1, 2), "word", False),
    SignalSpec((), "word", True),
    SignalSpec((), "token", False),
]
FULL = SignalSpec((1, 2), "word", True)


def assert_equal(a: TeacherSignal, b: TeacherSignal, *, ulps: int = 0) -> None:
    """Logits to 1e-6; what passed through fp16 to `ulps` units in its last place."""
    torch.testing.assert_close(a.logits, b.logits, rtol=1e-6, atol=1e-6)
    assert a.level == b.level
    assert torch.equal(a.mask, b.mask)
    assert (a.pooled is None) == (b.pooled is None)
    assert list(a.hidden) == list(b.hidden)
    pairs = [(a.hidden[layer], b.hidden[layer]) for layer in a.hidden]
    if a.pooled is not None and b.pooled is not None:
        pairs.append((a.pooled, b.pooled))
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, rtol=ulps * 2**-10, atol=1e-6 + ulps * 2**-20)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_live_and_cached_signals_are_the_same(tmp_path, spec):
    teacher, (encoded, ids) = TinyTeacher(), examples([*TEXTS, ""])
    live = LiveSource(teacher, encoded, spec, batch_size=4)
    found = build_cache(tmp_path / "c", teacher, encoded, ids, spec, batch_size=4)
    longest_first = np.argsort(-encoded.lengths, kind="stable")
    for rows in (np.array([3, 0, 3]), np.array([1]), np.array([8]), longest_first[:4]):
        # Other neighbours in a batch mean other padding: sums in another order, at most one unit after rounding.
        assert_equal(live.get(rows), found.get(rows), ulps=1)
    np.testing.assert_allclose(live.logits(), found.logits(), rtol=1e-5, atol=1e-6)
    assert found.logits().dtype == np.float32


def test_equal_batches_give_equal_numbers_to_the_last_bit(tmp_path):
    teacher, (encoded, ids) = TinyTeacher(), examples()
    found = build_cache(tmp_path / "c", teacher, encoded, ids, FULL, batch_size=1)
    live = LiveSource(teacher, encoded, FULL)
    for row in range(len(TEXTS)):
        assert_equal(live.get(np.array([row])), found.get(np.array([row])))


def test_the_files_are_as_documented(tmp_path):
    teacher, (encoded, ids) = TinyTeacher(), examples()
    build_cache(tmp_path / "c", teacher, encoded, ids, FULL)
    stems = ["hidden_1", "hidden_2", "ids", "logits", "mask", "offsets", "pooled"]
    assert sorted(contents(tmp_path / "c")) == sorted(["complete", "meta.json", *(f"{stem}.npy" for stem in stems)])
    units = int(np.load(tmp_path / "c" / "offsets.npy")[-1])
    expected = {"logits": ("f4", (8, 3)), "pooled": ("f2", (8, 16)), "mask": ("?", (units,))}
    expected |= {f"hidden_{layer}": ("f2", (units, 16)) for layer in (1, 2)}
    for stem, (dtype, shape) in expected.items():
        array = np.load(tmp_path / "c" / f"{stem}.npy", allow_pickle=False)
        assert array.dtype == np.dtype(dtype)
        assert array.shape == shape
    assert json.loads((tmp_path / "c" / "meta.json").read_text())["classes"] == 3
    assert not (tmp_path / "c.partial").exists()


def test_rows_are_found_by_id_in_any_order_and_subset(tmp_path):
    teacher, (encoded, ids) = TinyTeacher(), examples()
    whole = build_cache(tmp_path / "c", teacher, encoded, ids, FULL)
    order = [5, 2, 7]
    part = CachedSource(tmp_path / "c", [ids[i] for i in order])
    assert len(part) == 3
    assert_equal(part.get(np.array([0, 2])), whole.get(np.array([5, 7])))
    np.testing.assert_array_equal(part.logits(), whole.logits()[order])
    with pytest.raises(DataError, match="1 of 2"):
        CachedSource(tmp_path / "c", [ids[0], "feedfeedfeedfeed"])


def test_a_second_build_asks_nobody_also_in_another_order(tmp_path):
    teacher, (encoded, ids) = TinyTeacher(), examples()
    first = build_cache(tmp_path / "c", teacher, encoded, ids, FULL)
    fresh, (turned, other_ids) = TinyTeacher(), examples(TEXTS[::-1])
    seen = []
    again = build_cache(
        tmp_path / "c", fresh, turned, other_ids, FULL, on_progress=lambda done, total: seen.append((done, total))
    )
    assert fresh.asked == []
    assert seen == [(8, 8)]
    np.testing.assert_array_equal(again.logits(), first.logits()[::-1])


def test_equal_examples_are_asked_once(tmp_path):
    teacher, (encoded, ids) = TinyTeacher(), examples([*TEXTS, TEXTS[0], TEXTS[2]])
    found = build_cache(tmp_path / "c", teacher, encoded, ids, FULL)
    assert sum(teacher.asked) == len(TEXTS) + 1  # one more look for the shapes
    assert len(found) == len(TEXTS) + 2
    assert_equal(found.get(np.array([8, 9])), found.get(np.array([0, 2])))


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_stopped_build_goes_on_where_it_was(tmp_path, after):
    teacher, (encoded, ids) = TinyTeacher(), examples()
    build_cache(tmp_path / "whole", teacher, encoded, ids, FULL, batch_size=2)
    left = iter([False] * after)
    with pytest.raises(Stopped):
        build_cache(tmp_path / "c", TinyTeacher(), encoded, ids, FULL, batch_size=2, stop=lambda: next(left, True))
    assert not (tmp_path / "c").exists()
    fresh, seen = TinyTeacher(), []
    build_cache(
        tmp_path / "c", fresh, encoded, ids, FULL, batch_size=2, on_progress=lambda done, total: seen.append(done)
    )
    assert seen[0] == 2 * after
    assert seen[-1] == 8
    assert sum(fresh.asked) == 8 - 2 * after
    assert contents(tmp_path / "c") == contents(tmp_path / "whole")


def test_a_killed_build_goes_on_where_it_was(tmp_path):
    """SIGKILL, in a process of its own, right after the third batch of four."""
    code = """
import os, signal, sys
from pathlib import Path
from distill_core.signals import cache
from distill_core.signals.types import SignalSpec
from tests.unit.signals.builders import TinyTeacher, examples
cache.CHECKPOINT_SECONDS = 0.0
encoded, ids = examples()
def progress(done, total):
    if done == 6:
        os.kill(os.getpid(), signal.SIGKILL)
spec = SignalSpec((1, 2), "word", True)
cache.build_cache(Path(sys.argv[1]), TinyTeacher(), encoded, ids, spec, batch_size=2, on_progress=progress)
"""
    project = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "PYTHONPATH": str(project), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "c")],
        cwd=project,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert found.returncode == -signals.SIGKILL, found.stderr.decode()
    assert not (tmp_path / "c").exists()
    teacher, (encoded, ids) = TinyTeacher(), examples()
    seen = []
    build_cache(
        tmp_path / "c", teacher, encoded, ids, FULL, batch_size=2, on_progress=lambda done, total: seen.append(done)
    )
    assert seen[0] == 4
    assert sum(teacher.asked) == 4
    resumed = CachedSource(tmp_path / "c", ids)
    whole = build_cache(tmp_path / "whole", TinyTeacher(), encoded, ids, FULL, batch_size=2)
    assert_equal(resumed.get(np.arange(8)), whole.get(np.arange(8)), ulps=1)


def stop_after(batches: int):
    left = iter([False] * batches)
    return lambda: next(left, True)


@pytest.mark.parametrize("damage", ["meta", "cut", "missing", "other_ids", "other_format"])
def test_a_stale_or_damaged_partial_is_thrown_away(tmp_path, damage):
    texts = [*TEXTS[:-1], "a cat"] if damage == "other_ids" else TEXTS
    encoded, ids = examples(texts)
    with pytest.raises(Stopped):
        build_cache(tmp_path / "c", TinyTeacher(), encoded, ids, FULL, batch_size=2, stop=stop_after(2))
    partial = tmp_path / "c.partial"
    if damage == "meta":
        (partial / "meta.json").write_text('{"plan":')
    elif damage == "cut":
        with (partial / "hidden_1.npy").open("r+b") as handle:
            handle.truncate(100)
    elif damage == "missing":
        (partial / "done.npy").unlink()
    elif damage == "other_format":
        meta = json.loads((partial / "meta.json").read_text())
        meta["plan"]["format"] = 0
        (partial / "meta.json").write_text(json.dumps(meta))
    teacher, (encoded, ids) = TinyTeacher(), examples()
    seen = []
    found = build_cache(
        tmp_path / "c", teacher, encoded, ids, FULL, batch_size=2, on_progress=lambda done, total: seen.append(done)
    )
    assert seen[0] == 0
    assert_equal(found.get(np.arange(8)), LiveSource(teacher, encoded, FULL).get(np.arange(8)), ulps=1)


def test_a_damaged_complete_cache_is_refused_by_readers_and_rebuilt_by_builders(tmp_path):
    teacher, (encoded, ids) = TinyTeacher(), examples()
    build_cache(tmp_path / "c", teacher, encoded, ids, FULL)
    (tmp_path / "c" / "hidden_2.npy").unlink()
    with pytest.raises(DiskError, match="no complete signal cache"):
        CachedSource(tmp_path / "c", ids)
    found = build_cache(tmp_path / "c", teacher, encoded, ids, FULL)
    assert_equal(found.get(np.arange(8)), LiveSource(teacher, encoded, FULL).get(np.arange(8)), ulps=1)


def test_foreign_files_are_never_deleted(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "thesis.txt").write_text("precious")
    encoded, ids = examples()
    with pytest.raises(DiskError):
        build_cache(tmp_path / "c", TinyTeacher(), encoded, ids, FULL)
    assert (tmp_path / "c" / "thesis.txt").read_text() == "precious"


def test_reading_what_is_not_there_is_refused_in_words(tmp_path):
    with pytest.raises(DiskError, match="no complete signal cache"):
        CachedSource(tmp_path / "nothing")


def test_too_little_room_is_refused_before_writing_with_both_numbers(tmp_path, monkeypatch):
    usage = files.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: usage._replace(free=1500))
    encoded, ids = examples()
    with pytest.raises(DiskError, match=r"need \d+\.\d kB and the disk has 1\.5 kB free"):
        build_cache(tmp_path / "c", TinyTeacher(), encoded, ids, FULL)
    assert not (tmp_path / "c.partial").exists()


def test_a_disk_that_becomes_full_is_a_disk_error_and_progress_is_kept(tmp_path, monkeypatch):
    teacher, (encoded, ids) = TinyTeacher(), examples()
    real, calls = files.write_at, []

    def full(handle, offset, data):
        calls.append(offset)
        if 18 < len(calls) <= 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle, offset, data)

    monkeypatch.setattr(files, "write_at", full)
    monkeypatch.setattr(cache, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(DiskError, match="full"):
        build_cache(tmp_path / "c", teacher, encoded, ids, FULL, batch_size=2)
    assert (tmp_path / "c.partial").exists()
    monkeypatch.setattr(files, "write_at", real)
    seen = []
    found = build_cache(
        tmp_path / "c", teacher, encoded, ids, FULL, batch_size=2, on_progress=lambda done, total: seen.append(done)
    )
    assert seen[0] == 2
    assert_equal(found.get(np.arange(8)), LiveSource(teacher, encoded, FULL).get(np.arange(8)), ulps=1)


def test_an_error_of_the_teacher_keeps_what_was_written(tmp_path):
    encoded, ids = examples()
    teacher = TinyTeacher()
    forward = teacher.forward

    def tired(batch, layers=()):
        if len(teacher.asked) == 3:  # the look for the shapes and two batches
            raise torch.cuda.OutOfMemoryError("out of memory")
        return forward(batch, layers)

    teacher.forward = tired  # type: ignore[method-assign]
    with pytest.raises(MemoryError_):
        build_cache(tmp_path / "c", teacher, encoded, ids, FULL, batch_size=2)
    seen = []
    build_cache(
        tmp_path / "c",
        TinyTeacher(),
        encoded,
        ids,
        FULL,
        batch_size=2,
        on_progress=lambda done, total: seen.append(done),
    )
    assert seen[0] == 4


def test_states_beyond_fp16_are_clamped_not_infinite(tmp_path):
    teacher, (encoded, ids) = TinyTeacher(scale=1e6), examples()
    found = build_cache(tmp_path / "c", teacher, encoded, ids, FULL)
    signal = found.get(np.arange(8))
    assert signal.hidden[1].isfinite().all()
    assert signal.hidden[1].abs().max() == 65504
    assert signal.pooled is not None
    assert signal.pooled.isfinite().all()


def test_waiting_for_another_builder_can_be_stopped(tmp_path):
    encoded, ids = examples()
    with FileLock(tmp_path / "c.lock"), pytest.raises(Stopped):
        build_cache(tmp_path / "c", TinyTeacher(), encoded, ids, FULL, stop=lambda: True)


def test_no_examples_at_all(tmp_path):
    encoded, _ = examples(["x"])
    with pytest.raises(ValueError, match="ids"):
        build_cache(tmp_path / "c", TinyTeacher(), encoded, [], FULL)
    empty, _ = examples([])
    with pytest.raises(ValueError, match="at least one"):
        build_cache(tmp_path / "c", TinyTeacher(), empty, [], FULL)


def test_signals_can_be_moved(tmp_path):
    teacher, (encoded, ids) = TinyTeacher(), examples()
    signal = build_cache(tmp_path / "c", teacher, encoded, ids, FULL).get(np.arange(2))
    assert_equal(signal.to("cpu"), signal)
