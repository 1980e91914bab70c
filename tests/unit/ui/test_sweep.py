"""The page of a sweep and the part of New run that starts one: what they ask services for, of any request."""

from __future__ import annotations

from typing import Any

import pytest

from distill_core.errors import ConfigError, JobError
from distill_core.services import sweeps as views
from distill_core.sweeps import spec as specs
from distill_core.sweeps import study, typed
from distill_core.sweeps.ledger import COUNTED, OPEN
from distill_core.sweeps.spec import DIRECTIONS, SweepSpec
from tests import fake_run
from ui import text_sweep
from ui.build import page_of
from ui.pages import new_sweep, sweep


class Asked:
    """Keeps what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def sweep(self, sweep_id: str, cursor: int) -> dict[str, Any]:
        self.calls.append((sweep_id, cursor))
        if sweep_id == "unknown":
            raise JobError("There is no such sweep.")
        return {"values": [float("nan")]}

    def promote(self, sweep_id: str, number: int) -> str:
        self.calls.append((sweep_id, number))
        if number == 0:
            raise JobError("Only a finished trial can become a run.", hint="Choose one.")
        return "run-1"

    def stop_sweep(self, sweep_id: str) -> str:
        return "stopping"

    def resume_sweep(self, sweep_id: str) -> str:
        return "queued"

    def sweep_yaml(self, sweep_id: str) -> str:
        return "name: x"

    def sweeps(self) -> list[Any]:
        return []

    def deleted_sweeps(self) -> list[Any]:
        return [{"id": "gone-1", "name": "gone", "deleted": 1.0, "bytes": 2}]

    def annotate_sweep(self, sweep_id: str, **given: Any) -> None:
        self.calls.append((sweep_id, given))

    def delete_sweep(self, sweep_id: str) -> None:
        raise JobError("It is running; it is not deleted.", hint="Stop it first.")

    def restore_sweep(self, sweep_id: str) -> None:
        self.calls.append(("restore", sweep_id))

    def sweep_of(self, config: Any, search: list[tuple[str, str]], **more: Any) -> SweepSpec:
        found = {path: typed.read(path, values) for path, values in search}
        return specs.from_dict({"base": config, "search": found, **more})


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def functions(asked: Asked) -> dict[str, Any]:
    return {fn.__name__: fn for fn in sweep.server_functions(asked)}


@pytest.mark.parametrize("request_", [None, 3, "x", [], {}, {"sweep": 5}, {"sweep": "../../etc"}, {"sweep": None}])
def test_any_request_is_survived(functions: dict[str, Any], asked: Asked, request_: Any) -> None:
    assert functions["live"](request_) == {"unknown": True}
    for name in ("stop", "resume", "promote", "settings"):
        assert functions[name](request_) == {"error": text_sweep.UNKNOWN}
    assert asked.calls == []


def test_what_is_asked_for_is_passed_on(functions: dict[str, Any], asked: Asked) -> None:
    assert functions["live"]({"sweep": "a-1", "cursor": 7}) == {"values": [None]}
    for cursor in (-1, True, "7", None):
        functions["live"]({"sweep": "a-1", "cursor": cursor})
    assert asked.calls == [("a-1", 7), *[("a-1", 0)] * 4]
    assert functions["live"]({"sweep": "unknown"}) == {"unknown": True}
    assert functions["stop"]({"sweep": "a-1"}) == {"status": "stopping"}
    assert functions["promote"]({"sweep": "a-1", "number": 2}) == {"run": "run-1"}
    refusal = functions["promote"]({"sweep": "a-1", "number": "2"})
    assert refusal["error"] == "Only a finished trial can become a run. Choose one."
    assert functions["settings"]({"sweep": "a-1"})["command"].endswith("sweep sweep.yaml --out sweeps/a-1")


def test_a_sweep_has_an_address_and_words_for_all_that_can_be() -> None:
    assert page_of({"sweep": "a-1"}) == "sweep" and page_of({"run": "b", "sweep": "a"}) == "run"
    costs = [name for name, direction in DIRECTIONS.items() if direction == "minimize"]
    assert list(text_sweep.COST_CHOICES) == list(text_sweep.WORDS["costs"]) == list(text_sweep.WORDS["axes"]) == costs
    assert set(text_sweep.WORDS["states"]) == {*OPEN, *COUNTED, "refused"}
    assert set(text_sweep.SAMPLERS) == set(specs.SamplerName.__args__)
    assert set(text_sweep.WORDS["why"]) == {"trials", "minutes", "all", "refused"}
    assert sweep.FEWEST_FOR_IMPORTANCE == study.FEWEST_FOR_IMPORTANCE


def rows(*search: tuple[str | None, str], **more: Any) -> list[Any]:
    """What the part of New run holds."""
    filled = [*search, *[(None, "")] * (new_sweep.ROWS - len(search))]
    rest = {"sampler": "tpe", "trials": 6, "minutes": "", "costs": [], "prune": True, **more}
    return [*(path for path, _ in filled), *(values for _, values in filled), *rest.values()]


def test_what_is_typed_becomes_a_sweep(asked: Asked) -> None:
    config = fake_run.config("mine")
    spec = new_sweep.spec_of(
        asked, config, rows(("training.learning_rate", "1e-4 to 0.01 log"), ("training.epochs", "2, 4"))
    )
    assert (spec.name, spec.base, spec.sampler, spec.prune, spec.budget.trials) == ("mine", config, "tpe", True, 6)
    assert spec.search["training.epochs"] == [2, 4] and spec.budget.minutes is None
    costly = new_sweep.spec_of(
        asked, config, rows(("training.epochs", "2, 4"), costs=["time"], minutes=" 2.5", trials=None)
    )
    assert costly.objectives == ["quality", "time"] and not costly.prune
    assert (costly.budget.trials, costly.budget.minutes) == (None, 2.5)


@pytest.mark.parametrize(
    ("typed_", "said"),
    [
        (rows(), text_sweep.NO_FIELD),
        (rows(("training.epochs", "")), "there are no values."),
        (rows(("training.epochs", "0, 1")), "input should be greater than or equal to 1."),
        (rows(("training.epochs", "1, 2"), minutes="soon"), "Minutes at most: this is no number."),
        (rows(("training.epochs", "1, 2"), costs=["time", "latency", "parameters"]), text_sweep.TOO_MANY_COSTS),
        (rows(("training.epochs", "1, 2"), trials=None), "say how many trials or how many minutes."),
        (
            rows(("training.epochs", "1, 2"), trials=2.5),
            "input should be a valid integer, got a number with a fractional part.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(asked: Asked, typed_: list[Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        new_sweep.spec_of(asked, fake_run.config(), typed_)
    assert caught.value.errors[0].message == said


def test_settings_are_offered_with_rate_and_width_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    config = fake_run.config()

    class Fields:
        def sweep_fields(self, config: Any) -> list[dict[str, Any]]:
            return views.fields(config)

    monkeypatch.setattr(new_sweep, "_config", lambda page, typed: config)
    found = new_sweep.offered(None, Fields(), [None] * (2 * new_sweep.ROWS), [])
    paths, values, said = found[: new_sweep.ROWS], found[new_sweep.ROWS : -1], found[-1]
    assert [one["value"] for one in paths[:3]] == ["training.learning_rate", "student.lstm_hidden", None]
    assert values[0] == "0.0005, 0.001, 0.003" and values[2] == "" and said == ""
    assert ("Epochs (training.epochs)", "training.epochs") in paths[0]["choices"]
    # What was chosen stays, and what the steps no longer have goes.
    chosen = ["training.epochs", "student.layers", *[None] * (new_sweep.ROWS - 2)]
    again = new_sweep.offered(None, Fields(), [*chosen, "2, 4", "1, 2", *[""] * (new_sweep.ROWS - 2)], [])
    assert [one["value"] for one in again[:2]] == ["training.epochs", None]
    assert again[new_sweep.ROWS : new_sweep.ROWS + 2] == ["2, 4", ""]
    assert new_sweep.suggested(None, Fields(), "training.schedule", []).startswith("linear, cosine")

    class Refused:
        def sweep_fields(self, config: Any) -> list[dict[str, Any]]:
            raise JobError("Everything else is its owner's.")

    assert "its owner" in new_sweep.offered(None, Refused(), [None] * (2 * new_sweep.ROWS), [])[-1]
    assert new_sweep.suggested(None, Refused(), "training.schedule", []) == ""
    monkeypatch.setattr(new_sweep, "_config", lambda page, typed: None)
    assert text_sweep.STEPS_FIRST in new_sweep.offered(None, Fields(), [None] * (2 * new_sweep.ROWS), [])[-1]


def test_names_and_the_archive_are_written_and_nothing_else(asked: Asked) -> None:
    functions = {function.__name__: function for function in sweep.server_functions(asked)}
    annotate, remove = functions["annotate"], functions["remove"]
    assert annotate({"sweep": "a-1", "name": "new", "archived": True, "tags": "no", "created": 1}) == {"saved": True}
    assert annotate({"sweep": "a-1", "name": 3, "archived": "yes"}) == {"saved": True}
    assert asked.calls == [("a-1", {"name": "new", "archived": True}), ("a-1", {})]
    for nonsense in (None, [], {"sweep": "../x", "name": "new"}):
        assert annotate(nonsense) == {"error": text_sweep.UNKNOWN} == remove(nonsense)
    assert remove({"sweep": "a-1"})["error"] == "It is running; it is not deleted. Stop it first."
