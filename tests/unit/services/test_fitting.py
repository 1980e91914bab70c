"""Which recipes suit what is chosen: by the checks of their configs, quickly, and never at the cost of a new look."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from distill_core import recipes
from distill_core.config import from_dict
from distill_core.data import prepare
from distill_core.services import check_config
from distill_core.services.fitting import fits, merged

BERT, ROBERTA = {"source": "bundled:support-bert"}, {"source": "bundled:support-roberta"}


def write_csv(path: Path) -> Path:
    rows = [f"note {n} about {topic},{topic}" for n in range(60) for topic in ("sport", "money")]
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return path


def draft(data: dict[str, Any], *teachers: dict[str, Any]) -> dict[str, Any]:
    return {"name": "mine", "data": data, "teachers": list(teachers), "student": {"kind": "bilstm"}}


def reasons(raw: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["reason"]["message"] for row in fits(raw) if row["reason"]}


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Any]:
    """Labelled rows without any others, looked at before."""
    data = {"source": "files", "train": str(write_csv(tmp_path / "own.csv"))}
    assert check_config(draft(data, BERT)).errors == []
    return data


def test_one_teacher_labelled_rows_alone(own: dict[str, Any]) -> None:
    found = reasons(draft(own, BERT))
    assert "chooses among several teachers, and there is one" in found["rl_selection"]
    assert "chooses among several teachers" in found["skdbert"]
    assert "the teachers' hard labels have no effect" in found["hard_distillation"]
    assert "sees transfer rows alone, and there are none" in found["transfer_bilstm"]
    assert "“Tagging”" in found["xtremedistil_ner"] and "“Classification”" in found["xtremedistil_ner"]
    assert not {"mt_bert", "single_teacher", "pkd", "tinybert"} & set(found)


def test_teachers_that_cut_otherwise_bar_what_compares_tokens(own: dict[str, Any]) -> None:
    found = reasons(draft(own, ROBERTA, BERT))
    assert {"rl_selection", "skdbert"}.isdisjoint(found)
    for name in ("bert_emd", "minilmv2", "tinybert"):
        assert "needs equal tokenisers" in found[name]


def test_plain_text_asks_for_teachers_with_a_head(tmp_path: Path) -> None:
    rows = draft({"source": "bundled", "name": "support-text", "task": "masked_lm"}, BERT)
    assert "weak_teacher" not in reasons(rows) and "mt_bert" in reasons(rows)


def test_with_nothing_chosen_every_recipe_suits() -> None:
    assert reasons({}) == {}
    assert {row["name"] for row in fits({})} == set(recipes.names())


def test_what_is_wrong_whatever_the_method_is_no_reason(own: dict[str, Any]) -> None:
    raw = draft(own, BERT, {"source": "/nowhere/at/all"}) | {"name": "", "seeds": []}
    assert "mt_bert" not in reasons(raw)


def test_reasons_are_those_of_the_check(own: dict[str, Any]) -> None:
    raw = draft(own, BERT)
    for row in fits(raw):
        if row["reason"] and not row["task"]:
            config = recipes.load(row["name"]).config.model_dump(mode="json", exclude_none=True)
            outcome = check_config(merged(raw, config))
            told = [error.message for error in outcome.errors] + [item["message"] for item in outcome.findings]
            assert row["reason"]["message"] in told


def test_data_that_were_not_looked_at_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the data were read")

    monkeypatch.setattr(prepare, "check", refuse)
    found = reasons(draft({"source": "files", "train": str(write_csv(tmp_path / "new.csv"))}, BERT))
    assert "rl_selection" in found and "hard_distillation" not in found


def test_all_recipes_take_well_under_a_second(own: dict[str, Any]) -> None:
    raw = draft(own, BERT, ROBERTA)
    fits(raw)
    begun = time.process_time()
    fits(raw)
    assert time.process_time() - begun < 1.0


def test_times_are_asked_of_what_would_run_and_of_what_suits(own: dict[str, Any]) -> None:
    asked: list[dict[str, Any]] = []

    def seconds(trial: dict[str, Any]) -> dict[str, Any] | None:
        asked.append(trial)
        return {"seconds": 60.0} if trial["student"]["kind"] == "transformer" else None

    found = {row["name"]: row for row in fits(draft(own, BERT), seconds=seconds)}
    assert len(asked) == sum(row["reason"] is None for row in found.values())
    assert found["mt_bert"]["estimate"] == {"seconds": 60.0} and found["single_teacher"]["estimate"] is None
    assert all(from_dict(trial).name == "mine" for trial in asked)


def test_a_recipe_takes_the_page_as_it_would_fill_it() -> None:
    config = recipes.load("ernie_tiny").config.model_dump(mode="json", exclude_none=True)
    assert merged(draft({}, BERT), config)["teachers"] == config["teachers"], "its stages name teachers of its own"
    config = recipes.load("mt_bert").config.model_dump(mode="json", exclude_none=True)
    found = merged(draft({}, {**BERT, "pretrained_only": True, "label_mapping": {"a": "b"}}), config)
    assert found["teachers"] == [BERT] and found["student"] == config["student"] and found["name"] == "mine"
