"""The protocol, with a clock of our own: what is timed, in which order, on which inputs. No real times are asserted."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from distill_core.measure import latency
from distill_core.measure.latency import Protocol, Subject, describe, measure_latency
from distill_core.models.types import Batch, Outputs


class Clock:
    """perf_counter and process_time that only models move."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def perf_counter(self) -> float:
        return self.wall

    def process_time(self) -> float:
        return self.cpu


class Model(nn.Module):
    """Takes the given seconds; notes what it was called with."""

    def __init__(self, name: str, seconds: list[float], clock: Clock, calls: list) -> None:
        super().__init__()
        self.name, self.seconds, self.clock, self.calls = name, seconds, clock, calls

    def forward(self, batch: Batch) -> Outputs:
        taken = self.seconds[min(sum(c[0] == self.name for c in self.calls), len(self.seconds) - 1)]
        state = (self.training, torch.is_inference_mode_enabled(), torch.get_num_threads())
        self.calls.append((self.name, batch, state))
        self.clock.wall += taken
        self.clock.cpu += 2 * taken
        logits = torch.zeros(len(batch.input_ids), 2)
        return Outputs(logits, logits)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock, calls = Clock(), []
    monkeypatch.setattr(latency, "time", clock)

    def subject(name: str, seconds: list[float], role: str = "teacher", **more: object) -> Subject:
        return Subject(role=role, call=Model(name, seconds, clock, calls), **{"vocab_size": 100, **more})

    return SimpleNamespace(clock=clock, calls=calls, subject=subject)


def test_rows_have_the_fields_that_events_need(bench: SimpleNamespace) -> None:
    subjects = {"a": bench.subject("a", [0.004]), "s": bench.subject("s", [0.001], "student")}
    rows = measure_latency(subjects, Protocol(batch_sizes=[1, 4], tokens=9, threads=1, warmup=2, repeats=6))
    assert [(r["name"], r["role"], r["batch"]) for r in rows] == [
        ("a", "teacher", 1),
        ("s", "student", 1),
        ("a", "teacher", 4),
        ("s", "student", 4),
    ]
    row = rows[0]
    assert row["p50"] == pytest.approx(4) and row["p95"] == pytest.approx(4) and row["cpu_ms"] == pytest.approx(8)
    assert (row["tokens"], row["threads"], row["runtime"], row["repeats"]) == (9, 1, "torch eager fp32", 6)


def test_models_take_turns_after_the_warm_up(bench: SimpleNamespace) -> None:
    subjects = {"a": bench.subject("a", [0.001]), "b": bench.subject("b", [0.001])}
    measure_latency(subjects, Protocol(batch_sizes=[1], warmup=3, repeats=5))
    assert "".join(call[0] for call in bench.calls) == "aaabbb" + "ab" * 5


def test_warm_up_is_not_counted(bench: SimpleNamespace) -> None:
    subjects = {"a": bench.subject("a", [0.5, 0.5, 0.002])}
    (row,) = measure_latency(subjects, Protocol(batch_sizes=[1], warmup=2, repeats=5))
    assert row["p95"] == pytest.approx(2)


def test_p95_sees_the_slow_calls(bench: SimpleNamespace) -> None:
    subjects = {"a": bench.subject("a", [0.001] * 19 + [0.1, 0.1, 0.001])}
    (row,) = measure_latency(subjects, Protocol(batch_sizes=[1], warmup=1, repeats=20))
    assert row["p50"] == pytest.approx(1) and row["p95"] > 90


def test_a_slow_model_stops_at_its_budget_but_is_timed_five_times(bench: SimpleNamespace) -> None:
    subjects = {"slow": bench.subject("slow", [3.0]), "fast": bench.subject("fast", [0.001])}
    rows = measure_latency(subjects, Protocol(batch_sizes=[1], warmup=4, repeats=30, max_seconds=5))
    assert {r["name"]: r["repeats"] for r in rows} == {"slow": 5, "fast": 30}
    assert sum(call[0] == "slow" for call in bench.calls) == 6, "one warm-up call is enough for a slow model"


def test_inputs_are_exact_and_real(bench: SimpleNamespace) -> None:
    subjects = {
        "typed": bench.subject("typed", [0.001], vocab_size=50, type_ids=True),
        "bare": bench.subject("bare", [0.001], vocab_size=10, pad_id=9),
    }
    measure_latency(subjects, Protocol(batch_sizes=[3], tokens=7, warmup=1, repeats=5))
    typed = next(batch for name, batch, _ in bench.calls if name == "typed")
    bare = next(batch for name, batch, _ in bench.calls if name == "bare")
    for batch in (typed, bare):
        assert batch.input_ids.shape == batch.mask.shape == batch.words.shape == (3, 7) and bool(batch.mask.all())
        assert batch.words[1].tolist() == list(range(7))
    assert int(typed.input_ids.max()) < 50 and typed.type_ids is not None and not typed.type_ids.any()
    assert bare.type_ids is None and int(bare.input_ids.max()) < 9, "padding pieces must not be drawn"


def test_the_shortest_limit_is_used_for_all(bench: SimpleNamespace) -> None:
    subjects = {"a": bench.subject("a", [0.001], max_tokens=16), "b": bench.subject("b", [0.001])}
    rows = measure_latency(subjects, Protocol(batch_sizes=[1], tokens=32, warmup=1, repeats=5))
    assert {row["tokens"] for row in rows} == {16}
    assert all(batch.input_ids.shape == (1, 16) for _, batch, _ in bench.calls)


def test_modes_and_threads_are_set_and_put_back(bench: SimpleNamespace) -> None:
    before = torch.get_num_threads()
    subject = bench.subject("a", [0.001])
    subject.call.train()
    measure_latency({"a": subject}, Protocol(batch_sizes=[1], threads=before + 1, warmup=1, repeats=5))
    assert {state for _, _, state in bench.calls} == {(False, True, before + 1)}
    assert subject.call.training and torch.get_num_threads() == before and not torch.is_inference_mode_enabled()


def test_threads_are_put_back_after_an_error(bench: SimpleNamespace) -> None:
    before = torch.get_num_threads()

    def broken(batch: Batch) -> Outputs:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        measure_latency({"a": Subject("teacher", broken, 10)}, Protocol(threads=before + 1))
    assert torch.get_num_threads() == before


def test_stop_leaves_out_what_is_unfinished(bench: SimpleNamespace) -> None:
    subjects = {"a": bench.subject("a", [0.001])}
    rows = measure_latency(
        subjects, Protocol(batch_sizes=[1, 2], warmup=1, repeats=5), stop=lambda: len(bench.calls) > 8
    )
    assert [row["batch"] for row in rows] == [1]


def test_a_real_module_is_timed() -> None:
    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.out = nn.Embedding(40, 8), nn.Linear(8, 3)

        def forward(self, batch: Batch) -> Outputs:
            pooled = self.embedding(batch.input_ids).mean(dim=1)
            return Outputs(self.out(pooled), pooled)

    (row,) = measure_latency({"t": Subject("student", Tiny(), 40)}, Protocol(batch_sizes=[2], warmup=1, repeats=5))
    assert 0 < row["p50"] <= row["p95"] and row["cpu_ms"] >= 0


def test_the_protocol_can_be_stated() -> None:
    said = describe(Protocol(repeats=7, tokens=16))
    assert said["repeats"] == 7 and said["tokens"] == 16 and said["order"] == "interleaved"
